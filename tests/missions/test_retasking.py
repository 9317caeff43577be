"""Leaving a mission for another one without landing, with the simulated vehicle."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.errors import IllegalMove, PlanUnsafe, QyranError, SkyCleared
from core.ids import SortieId, UserId
from geo.positions import Altitude, Datum
from missions.control.orders import FollowOn, Order, Ordered, SortieCommands
from missions.control.records import Answer, Outcome
from missions.executor import authorise, fly_sortie, new_sortie
from missions.model import ItemKind, MissionItem, Sortie, SortieState
from sim.clock import ManualClock
from sim.failures import Failure, FailureKind
from sim.pilot import SimPilot, SimVehicle
from tests.builders import AT, NOW, a_mission, a_place, an_asset
from tests.missions.flying import HEIGHT_M, a_short_plan

ASSET, PILOT = an_asset(cruise_m_s=8.0), UserId("pilot-1")
S = SortieState
OTHER = a_short_plan(
    mission=a_mission(
        items=(
            MissionItem(ItemKind.TAKEOFF, a_place(0, 0, HEIGHT_M), speed_m_s=8.0),
            MissionItem(ItemKind.WAYPOINT, a_place(0, 30, HEIGHT_M), speed_m_s=8.0),
            MissionItem(ItemKind.LOITER, a_place(-60, 30, HEIGHT_M), hold_s=5.0),
            MissionItem(ItemKind.RETURN),
        )
    ),
    return_altitude=Altitude(HEIGHT_M, Datum.HOME),
)


class Flight:
    def __init__(self, *failures: Failure) -> None:
        self.clock = ManualClock(NOW)
        self.vehicle = SimVehicle(ASSET, clock=self.clock, seed=3, failures=failures)
        self.commands, self.sorties = SortieCommands(), dict[SortieId, Sortie]()
        self.then_home = False
        """Whether a person brings it home where it is refused."""
        self.told: list[tuple[Answer, QyranError | None]] = []
        self.first = self.authorised(a_short_plan(), "sortie-1")
        self.second = self.authorised(OTHER, "sortie-2")

    def authorised(self, plan: object, name: str) -> Sortie:
        made = new_sortie(plan, SortieId(name))  # type: ignore[arg-type]
        return authorise(made, ASSET, PILOT, self.clock.now())

    def retask(self, follow_on: FollowOn) -> None:
        def told(answer: Answer, error: QyranError | None) -> None:
            self.told.append((answer, error))
            if error is not None and self.then_home:
                self.commands.bring_home(PILOT)

        self.commands.give(Ordered(Order.RETASK, PILOT, follow_on=follow_on, told=told))

    def fly(self, when: Callable[[Sortie], bool], then: Callable[[], None]) -> Sortie:
        pilot = SimPilot(self.vehicle, arm_s=60.0, mode_s=10.0)
        done = []

        def changed(newer: Sortie) -> None:
            self.sorties[newer.sortie_id] = newer
            if not done and when(newer):
                done.append(newer)
                then()

        async def whole() -> Sortie:
            async with self.clock.running():
                return await fly_sortie(
                    self.first, pilot, pilot, pilot, self.clock, changed, self.commands,
                    asset=ASSET,
                )  # fmt: skip

        return asyncio.run(asyncio.wait_for(whole(), 20.0))

    def tracks(self) -> list[tuple[float, float, float]]:
        said = self.vehicle.said(0)[0]
        rows = [one.position for one in said if one.position is not None]
        return [(*AT.to_en1_m(one.lat_deg, one.lon_deg), one.altitude.metres) for one in rows]


def on_second_leg(sortie: Sortie) -> bool:
    return sortie.progress is not None and sortie.progress.reached == 2


def test_it_leaves_in_the_air_and_the_other_sortie_is_flown_to_its_end() -> None:
    flight = Flight()
    ended = flight.fly(on_second_leg, lambda: flight.retask(FollowOn(flight.second, 1)))
    assert flight.told == [(Answer(Outcome.DONE), None)]
    first = flight.sorties[flight.first.sortie_id]
    assert (first.state, first.reason_code) == (S.ABORTED, "retasked")
    assert (ended.sortie_id, ended.state) == (flight.second.sortie_id, S.COMPLETED)
    assert ended.events[1].text == "started without landing"
    track = flight.tracks()
    west = min(east for east, _, _ in track)
    assert west == pytest.approx(-60.0, abs=4.0)
    # from the first place of the other mission on it is never low until it lands
    turned = next(k for k, (east, _, _) in enumerate(track) if east < -5)
    back = next(k for k in range(turned, len(track)) if track[k][0] > -5)
    assert min(up for _, _, up in track[turned:back]) > HEIGHT_M - 2


@pytest.mark.parametrize("kind", [FailureKind.TRANSFER_NAK, FailureKind.STORED_OTHERWISE])
def test_what_the_vehicle_does_not_take_leaves_it_holding_under_its_old_sortie(
    kind: FailureKind,
) -> None:
    flight = Flight()
    flight.then_home = True

    def order() -> None:
        flight.vehicle.fail(Failure(kind))
        flight.retask(FollowOn(flight.second, 1))

    ended = flight.fly(on_second_leg, order)
    assert [answer.outcome for answer, _ in flight.told] == [Outcome.REFUSED]
    assert ended.sortie_id == flight.first.sortie_id
    states = [event.state for event in ended.events]
    assert states.index(S.HOLDING) < states.index(S.RETURNING)
    assert "sortie-2" not in flight.sorties


def test_one_that_was_coming_home_goes_on_home_if_it_can_not_leave() -> None:
    flight = Flight()

    def order() -> None:
        flight.vehicle.fail(Failure(FailureKind.TRANSFER_NAK))
        flight.retask(FollowOn(flight.second, 1))

    ended = flight.fly(lambda sortie: sortie.state is S.RETURNING, order)
    assert [answer.outcome for answer, _ in flight.told] == [Outcome.REFUSED]
    assert ended.sortie_id == flight.first.sortie_id
    assert S.HOLDING not in [event.state for event in ended.events]
    assert math.hypot(*flight.tracks()[-1][:2]) < 5.0


@pytest.mark.parametrize("why", ["cleared", "other asset", "not authorised"])
def test_what_may_not_go_is_refused_before_anything_is_sent(why: str) -> None:
    flight = Flight()
    follow_on = FollowOn(flight.second, 1)
    kinds: type[QyranError] = IllegalMove
    if why == "other asset":
        other = authorise(new_sortie(OTHER), replace(ASSET, wind_most_m_s=5.0), PILOT, NOW)
        follow_on, kinds = FollowOn(other, 1), PlanUnsafe
    elif why == "not authorised":
        follow_on, kinds = FollowOn(new_sortie(OTHER), 1), PlanUnsafe

    def order() -> None:
        if why == "cleared":
            flight.commands.grounded = SkyCleared("a helicopter is coming in")
        flight.retask(follow_on)

    ended = flight.fly(on_second_leg, order)
    assert isinstance(flight.told[0][1], kinds)
    assert (ended.sortie_id, ended.state) == (flight.first.sortie_id, S.COMPLETED)
    assert S.HOLDING not in [event.state for event in ended.events]
