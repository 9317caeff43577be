"""The `Pilot` that nobody can command: what it keeps of the contract, and what it refuses."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from core.errors import BadRequest, CapabilityMissing, IllegalMove
from core.ids import UserId
from missions.adapters.attested_pilot import AttestedPilot
from missions.attestations import Attestation, Attested, checked
from missions.attested_flight import AttestedFlight
from missions.executor import SortieCommands, authorise, fly_sortie, new_sortie
from missions.model import Sortie, SortieState
from missions.proving.proof import prove
from sim.clock import ManualClock
from tests.builders import NOW, after, an_asset
from tests.missions.flying import a_fence, a_short_plan

PILOT = UserId("aliya")
ASSET = an_asset(attested=True)
STARTED = Attestation(Attested.STARTED, NOW, PILOT)
S = SortieState


def ended(as_planned: bool = True, note: str = "") -> Attestation:
    return Attestation(Attested.ENDED, NOW, PILOT, as_planned, note)


def flown(
    *words: Attestation, orders: Callable[[SortieCommands], None] = lambda commands: None
) -> list[Sortie]:
    """Flies a released sortie by these words, one after the other, and returns its changes."""
    changes = [authorise(new_sortie(a_short_plan()), ASSET, PILOT, NOW)]

    async def story() -> None:
        clock, flight, commands = ManualClock(NOW), AttestedFlight(), SortieCommands()
        pilot = AttestedPilot(flight, clock)
        async with clock.running():
            task = asyncio.create_task(
                fly_sortie(
                    changes[0], pilot, None, None, clock, changes.append, commands, asset=ASSET
                )
            )
            for word in words:
                await clock.sleep_until(clock.now() + timedelta(seconds=20))
                if word.what is Attested.ENDED:
                    orders(commands)
                    await clock.sleep_until(clock.now() + timedelta(seconds=20))
                flight.tell(word)
            await task

    asyncio.run(asyncio.wait_for(story(), 20.0))
    return changes


def test_a_sortie_moves_by_its_pilots_word_alone() -> None:
    changes = flown(STARTED, ended())
    states = [one.state for one in changes]
    assert list(dict.fromkeys(states)) == [S.AUTHORISED, S.UNDERWAY, S.COMPLETED]
    assert all(one.attested for one in changes)
    assert changes[-1].started_at == after(20)
    assert "says aliya" in changes[-1].events[-1].text


def test_what_was_not_flown_as_planned_is_not_completed() -> None:
    last = flown(STARTED, ended(False, "gusts over the yards"))[-1]
    assert (last.state, last.reason_code) == (S.ABORTED, "ended_early")
    assert "gusts over the yards" in last.events[-1].text


def test_a_start_that_nobody_tells_of_is_none() -> None:
    last = flown()[-1]
    assert (last.state, last.reason_code) == (S.FAILED, "start_refused")
    assert last.started_at is None


def test_every_order_is_refused_and_the_flight_goes_on() -> None:
    told: list[Any] = []

    def orders(commands: SortieCommands) -> None:
        for give in (commands.hold, commands.bring_home, commands.land):
            give(PILOT, told=lambda answer, error: told.append((answer.code, error)))

    last = flown(STARTED, ended(), orders=orders)[-1]
    assert last.state is S.COMPLETED
    assert [code for code, _ in told] == ["capability_missing"] * 3
    assert all("call its pilot" in str(error) for _, error in told)


@pytest.mark.parametrize("name", ["hold", "resume", "return_to_launch", "land"])
def test_the_port_refuses_what_it_can_not_do(name: str) -> None:
    order: Callable[[], Awaitable[None]] = getattr(
        AttestedPilot(AttestedFlight(), ManualClock(NOW)), name
    )
    with pytest.raises(CapabilityMissing):
        asyncio.run(order())  # type: ignore[arg-type]


def test_it_begins_no_plan_in_its_middle() -> None:
    with pytest.raises(CapabilityMissing, match="middle"):
        asyncio.run(AttestedPilot(AttestedFlight(), ManualClock(NOW)).start(2))


def test_it_takes_no_fence() -> None:
    pilot = AttestedPilot(AttestedFlight(), ManualClock(NOW))
    proven = prove(a_short_plan(), ASSET)
    asyncio.run(pilot.upload(proven))
    asyncio.run(pilot.upload(proven, ()))
    with pytest.raises(CapabilityMissing, match="fence"):
        asyncio.run(pilot.upload(proven, (a_fence(),)))


def test_a_stopped_station_leaves_it_to_its_pilot() -> None:
    changes = [authorise(new_sortie(a_short_plan()), ASSET, PILOT, NOW)]

    async def story() -> None:
        clock, flight = ManualClock(NOW), AttestedFlight()
        flight.tell(STARTED)
        pilot = AttestedPilot(flight, clock)
        begun = asyncio.Event()

        def changed(sortie: Sortie) -> None:
            changes.append(sortie)
            if sortie.state is S.UNDERWAY:
                begun.set()

        task = asyncio.create_task(
            fly_sortie(changes[0], pilot, None, None, clock, changed, asset=ASSET)
        )
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(story(), 20.0))
    assert (changes[-1].state, changes[-1].reason_code) == (S.ABORTED, "cancelled")


def test_a_word_must_fit_what_is_known() -> None:
    released = authorise(new_sortie(a_short_plan()), ASSET, PILOT, NOW)
    assert checked(released, STARTED, after(5)) == STARTED
    with pytest.raises(IllegalMove):
        checked(released, ended(), after(5))
    for at, now in ((after(-1), after(5)), (after(60), after(5)), (after(minutes=31), after(7200))):
        with pytest.raises(BadRequest, match="can't have started"):
            checked(released, Attestation(Attested.STARTED, at, PILOT), now)
    under_way = flown(STARTED, ended())[-2]
    assert under_way.state is S.UNDERWAY
    with pytest.raises(BadRequest, match="can't have ended"):
        checked(under_way, ended(), after(60))  # before it started
    own = authorise(new_sortie(a_short_plan()), an_asset(), PILOT, NOW)
    with pytest.raises(IllegalMove, match="tells of itself"):
        checked(own, STARTED, after(5))
