"""Patrols by a crewed car: a route sheet for the driver, progress from where the car is."""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from core.errors import LinkLost, StartRefused
from geo.local_frame import LocalFrame
from geo.zones import Zone
from missions.model import Plan, Progress
from missions.proving.proof import ProvenPlan
from telemetry.model import TelemetrySample, VehicleMode
from telemetry.ports import TelemetryLink

_NEAR_M = 12.0
"""How near a place counts as reached: position error and a lane's width together."""
_NEAR_MOST_M = 30.0
"""The same for a receiver that says that it is worse; beyond, it would be the next street."""
_NEAR_SIGMAS = 2.5
_HAS_MOVED_M = 40.0
"""As far from where it began, a car has moved, though its receiver tells no speed."""
_SKIPPED = 2
"""How many places may be passed unseen before one that is reached."""
_STANDING_M_S = 0.5


class Driver(Protocol):
    """The driver's tablet: what the driver is asked to do."""

    def show(self, plan: Plan) -> None:
        """Shows the route; a repetition replaces it."""
        ...

    def go(self) -> None:
        """Asks to drive, or to drive on."""
        ...

    def wait(self) -> None:
        """Asks to stop at the next safe place."""
        ...

    def come_back(self) -> None:
        """Asks to end the patrol and come back."""
        ...


class DriverPilot:
    """A `Pilot` whose vehicle is driven by a person."""

    def __init__(
        self,
        driver: Driver,
        open_link: Callable[[], TelemetryLink],
        done_with: Callable[[Plan], Callable[[], int]] = lambda plan: lambda: 0,
    ) -> None:
        """Takes whom it asks and how it follows.

        Args:
            driver: is asked.
            open_link: opens the car's voice, for each progress anew.
            done_with: returns, for a plan, what tells with how many of its places the driver has
                said to be done; a word counts also where no position came.
        """
        self._driver, self._open_link, self._done_with = driver, open_link, done_with
        self._plan: Plan | None = None
        self._returning = self._stopping = False

    async def upload(self, proven: ProvenPlan, fences: Sequence[Zone] | None = None) -> None:
        """Shows the route to the driver; a car guards no fence."""
        plan = proven.plan
        self._plan, self._returning, self._stopping = plan, False, False
        self._driver.show(plan)

    async def start(self, first: int = 0) -> None:
        """Asks the driver to go.

        Raises:
            StartRefused: if there is no route.
        """
        self._route()
        self._driver.go()

    async def hold(self) -> None:
        """Asks the driver to stop."""
        self._driver.wait()

    async def resume(self) -> None:
        """Asks the driver to go on.

        Raises:
            StartRefused: if there is no route.
        """
        await self.start()

    async def return_to_launch(self) -> None:
        """Asks the driver to come back."""
        self._returning = True
        self._driver.come_back()

    async def land(self) -> None:
        """Asks the driver to stop; the patrol ends where the car then stands."""
        self._stopping = True
        self._driver.wait()

    def _route(self) -> Plan:
        if self._plan is None or not self._plan.mission.items:
            raise StartRefused("there is no route to drive", cure="upload a plan with a route")
        return self._plan

    async def progress(self) -> AsyncIterator[Progress]:
        """Yields progress as the car passes the places of its route.

        Raises:
            StartRefused: if there is no route.
            LinkLost: if the car falls silent.
        """
        plan = self._route()
        frame = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
        places = [
            frame.to_en1_m(item.position.lat_deg, item.position.lon_deg)
            for item in plan.mission.items
            if item.position is not None
        ]
        last = Progress(0, len(places))
        yield last
        link, done = self._open_link(), self._done_with(plan)
        moved, began = False, None
        async with aclosing(link.samples()) as samples:  # type: ignore[type-var]
            async for sample in samples:
                said = min(done(), len(places))
                reached = max(last.reached, said)
                ended = said == len(places)  # the driver says so, wherever the car is
                if sample.position is not None:
                    here = frame.to_en1_m(sample.position.lat_deg, sample.position.lon_deg)
                    began = began or here
                    moved = moved or not _standing(sample) or math.dist(here, began) > _HAS_MOVED_M
                    reached = _reached(places, reached, here, _near_m(sample))
                    parked = self._returning and sample.mode is VehicleMode.STANDBY
                    ended |= parked or (moved and self._has_ended(sample, reached, places, here))
                present = Progress(reached, len(places), ended, self._returning and not ended)
                if present != last:
                    last = present
                    yield present
                    if ended:
                        await link.close()
                        return
        raise LinkLost("the car's link was closed during its patrol", where=str(plan.asset_id))

    def _has_ended(
        self,
        sample: TelemetrySample,
        reached: int,
        places: list[tuple[float, float]],
        here: tuple[float, float],
    ) -> bool:
        if not _standing(sample):
            return False
        if self._stopping:
            return True
        if sample.mode is VehicleMode.STANDBY:  # the driver says that it is over
            return True
        if self._returning:
            return math.hypot(*here) <= _near_m(sample)
        return reached == len(places) and sample.mode is not VehicleMode.HOLD


def _standing(sample: TelemetrySample) -> bool:
    return math.hypot(sample.north_m_s or 0.0, sample.east_m_s or 0.0) < _STANDING_M_S


def _near_m(sample: TelemetrySample) -> float:
    sigma_m = sample.horizontal_sigma_m or 0.0
    return min(_NEAR_MOST_M, max(_NEAR_M, _NEAR_SIGMAS * sigma_m))


def _reached(
    places: list[tuple[float, float]], reached: int, here: tuple[float, float], near_m: float
) -> int:
    for ahead in range(min(_SKIPPED + 1, len(places) - reached)):
        # a route that comes back to its start must not end before it has begun
        if ahead > 0 and reached + ahead == len(places) - 1:
            break
        if math.dist(places[reached + ahead], here) <= near_m:
            return reached + ahead + 1
    return reached
