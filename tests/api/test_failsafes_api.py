"""Failsafes over REST: what an aircraft holds, who corrects it, and what is written of that."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from api.accounts import Role
from core.errors import IllegalMove
from missions.control.records import CommandKind, Outcome, answered_commands
from missions.model import Asset
from sim.failures import Failure, FailureKind
from sim.pilot import SimPilot, SimVehicle
from station.failsafe_checks import FailsafeChecks
from station.patrol_line import Craft
from tests.api.station import Station, a_station

PLACE = "/assets/drone-1/failsafes"
REASON = "set up for patrols over the town"


class Yard:
    """A hangar of one simulated aircraft as its maker ships it, and of a car."""

    def __init__(self, station: Station, *failures: Failure) -> None:
        asset = station.missions.assets()[1]
        self.vehicle = SimVehicle(asset, clock=station.clock, failures=failures, commissioned=False)
        self.busy = False
        self.opened = 0

    @contextmanager
    def reserved(self, asset: Asset) -> Iterator[None]:
        if self.busy:
            raise IllegalMove("the asset is on a sortie already", where=str(asset.asset_id))
        yield

    @asynccontextmanager
    async def craft(self, asset: Asset) -> AsyncIterator[Craft]:
        self.opened += 1
        pilot = SimPilot(self.vehicle)
        flies = asset.asset_id == "drone-1"
        yield Craft(asset, pilot, self.vehicle.link(), arming=pilot if flies else None)

    def view(self, asset: Asset, sortie: object) -> Any:
        raise AssertionError("no camera is asked for here")


@contextmanager
def yard(*failures: Failure) -> Iterator[tuple[Station, Yard]]:
    with a_station() as station:
        made = Yard(station, *failures)
        checks = FailsafeChecks(
            made, station.missions, station.control, station.clock, reserved=made.reserved
        )
        object.__setattr__(station.services, "failsafes", checks)
        yield station, made


def strays(answer: Any) -> dict[str, Any]:
    return {one["code"]: one for one in answer.json()["requirements"] if not one["met"]}


def last(station: Station) -> Any:
    return answered_commands(station.commands.records())[-1]


def test_what_strays_is_read_corrected_for_a_reason_and_written_down() -> None:
    with yard() as (station, _):
        pilot = station.client(Role.PILOT)
        found = pilot.get(PLACE)
        assert found.status_code == 200
        assert (found.json()["contract"], found.json()["met"]) == ("px4_flight", False)
        assert set(strays(found)) == {"link_loss_action", "low_battery_action"}
        link = strays(found)["link_loss_action"]
        assert (link["parameter"], link["value"], link["correction"]) == ("NAV_DLL_ACT", 0, 2)

        one = pilot.post(f"{PLACE}/correct", {"reason": REASON, "codes": ["link_loss_action"]})
        assert set(strays(one)) == {"low_battery_action"}
        assert [done["kept"] for done in one.json()["corrected"]] == [True]
        rest = pilot.post(f"{PLACE}/correct", {"reason": REASON})
        assert rest.json()["met"]
        assert not strays(pilot.get(PLACE))

        record = last(station)
        listed = station.client(Role.AUDITOR).get("/commands").json()["items"][0]
        assert (listed["kind"], listed["how"]) == ("correct_failsafes", "COM_LOW_BAT_ACT 0 -> 3")
        assert record.asked.kind is CommandKind.CORRECT_FAILSAFES
        assert record.asked.details.how == "COM_LOW_BAT_ACT 0 -> 3"
        assert (record.asked.reason, record.answer.outcome) == (REASON, Outcome.DONE)


def test_what_the_aircraft_does_not_keep_is_told_and_written() -> None:
    kept = Failure(FailureKind.PARAMETER_KEPT, text="NAV_DLL_ACT")
    with yard(kept) as (station, _):
        answer = station.client(Role.PILOT).post(f"{PLACE}/correct", {"reason": REASON})
        assert answer.status_code == 200
        assert set(strays(answer)) == {"link_loss_action"}
        told = {one["code"]: one["kept"] for one in answer.json()["corrected"]}
        assert told == {"link_loss_action": False, "low_battery_action": True}
        assert last(station).answer.outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"reason": "x"}, 422),
        ({"reason": REASON, "codes": ["no_such"]}, 422),
        ({"reason": REASON, "codes": ["x"] * 101}, 422),
        ({"reason": REASON, "more": 1}, 422),
    ],
)
def test_a_correction_that_makes_no_sense_opens_no_vehicle(body: Any, status: int) -> None:
    with yard() as (station, made):
        answer = station.client(Role.PILOT).post(f"{PLACE}/correct", body)
        assert answer.status_code == status
        assert made.opened == 0


def test_only_a_pilot_who_has_the_lease_corrects() -> None:
    with yard() as (station, made):
        body = {"reason": REASON}
        for role in (Role.PLANNER, Role.DRIVER, Role.REVIEWER):
            assert station.client(role).post(f"{PLACE}/correct", body).status_code == 403
        holder, other = station.client(Role.PILOT), station.client(Role.PILOT)
        holder.post("/assets/drone-1/lease")
        answer = other.post(f"{PLACE}/correct", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "lease_held")
        assert made.opened == 0
        stale = holder.post(f"{PLACE}/correct", body, headers={"Qyran-Lease-Term": "7"})
        assert (stale.status_code, stale.json()["code"]) == (409, "lease_stale")
        assert holder.post(f"{PLACE}/correct", body).status_code == 200


def test_what_flies_or_has_no_autopilot_is_left_alone() -> None:
    with yard() as (station, made):
        pilot = station.client(Role.PILOT)
        assert pilot.get("/assets/car-1/failsafes").json()["code"] == "illegal_move"
        assert pilot.get("/assets/none/failsafes").status_code == 404
        made.busy = True
        for answer in (pilot.get(PLACE), pilot.post(f"{PLACE}/correct", {"reason": REASON})):
            assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")
        assert last(station).answer.code == "illegal_move"


def test_a_station_without_vehicles_says_so() -> None:
    with a_station() as station:
        answer = station.client(Role.PILOT).get(PLACE)
        assert answer.json()["code"] == "vehicle_unreachable"
