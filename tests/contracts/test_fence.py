"""The contract of `FenceLink`, on every adapter."""

import asyncio

import pytest

from core.errors import UploadMismatch, VehicleUnreachable
from core.ids import ZoneId
from geo.zones import ZoneKind
from sim.failures import Failure, FailureKind
from tests.builders import a_square
from tests.missions.flying import DRONES, CraftMaker, a_fence

DEADLINE_S = 20.0


@pytest.fixture(params=sorted(DRONES))
def make(request: pytest.FixtureRequest) -> CraftMaker:
    return DRONES[request.param]


def upload(make: CraftMaker, fences: list[object], *failures: Failure, cut: bool = False) -> None:
    async def story() -> None:
        async with make(*failures, silence_s=10.0 if cut else 60.0) as craft:
            if cut:
                craft.vehicle.cut_link()
            await craft.pilot.upload_fences(fences)

    asyncio.run(asyncio.wait_for(story(), DEADLINE_S))


def test_takes_inclusions_with_holes_and_exclusions(make: CraftMaker) -> None:
    holed = a_fence(area=a_square(0, 0, 200).difference(a_square(120, 120, 10)))
    closed = a_fence(20.0, 100.0, zone_id=ZoneId("fence-2"), kind=ZoneKind.EXCLUSION)
    upload(make, [holed, closed])


def test_an_empty_fence_clears(make: CraftMaker) -> None:
    upload(make, [])


def test_a_fence_that_is_not_kept_is_told(make: CraftMaker) -> None:
    with pytest.raises(UploadMismatch):
        upload(make, [a_fence()], Failure(FailureKind.FENCE_DROPPED))


@pytest.mark.parametrize(
    "fence",
    [a_fence(50.0, 200.0), a_fence(30.0, 0.0, kind=ZoneKind.EXCLUSION)],
    ids=["home outside an inclusion", "home inside an exclusion"],
)
def test_a_fence_that_is_not_in_force_is_told(make: CraftMaker, fence: object) -> None:
    with pytest.raises(UploadMismatch, match="does not enforce"):
        upload(make, [fence])


def test_a_deaf_vehicle_is_unreachable(make: CraftMaker) -> None:
    with pytest.raises(VehicleUnreachable):
        upload(make, [a_fence()], cut=True)
