"""One patrol over several sorties and assets, each of which fits what it has in that weather.

Areas fall into compact parts, corridors into stretches, look-lists into parts of their
tour. There are as few as fit, about equally long, and neighbours overlap at their seam. Transit,
climb, return and reserve count for each, and the swap of the battery before an asset's next one.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from shapely import LineString, Polygon, affinity, box, set_precision, union_all
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from core.errors import QyranError
from core.ids import AssetId, ZoneId
from geo.coverage import sweep_angle_deg
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.zones import Area, Purpose, Zone, to_geographic
from missions.endurance import Endurance, endurance_of
from missions.energy import EnergyModel
from missions.model import Asset, AssetKind, Patrol, Pattern, Plan
from missions.planning.patrol_room import LeftOut
from missions.planning.pattern_heights import shooting
from missions.planning.planner import PatrolPlan, plan_with_reasons, wanted_zones
from missions.weather import Weather

_MOST = 60
"""A patrol of more sorties than this is several patrols."""
_LEAST_SEAM_M = 5.0
_SLIVER_M2 = 1.0
_ROUNDS = 3
_PATIENCE = 4
_GRID_M = 1e-3
_LONGISH = 1.5
"""From this length to width on, a part is cut across its lanes."""


@dataclass(frozen=True, slots=True)
class SplitSortie:
    """One of the sorties that a patrol falls into."""

    plan: Plan
    asset_id: AssetId
    starts_s: float
    """After the first one's start; the swap of the battery before it included."""
    endurance: Endurance
    area: Area | None = None
    """What it is to see, longitude and latitude; `None` for look-lists."""


@dataclass(frozen=True, slots=True)
class Split:
    """A patrol as sorties."""

    sorties: tuple[SplitSortie, ...]
    seconds: float
    """From the first start to the last landing."""
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class _Task:
    """What one sortie is to do: a patrol and the zones that it watches."""

    patrol: Patrol
    zones: tuple[Zone, ...]
    area: Area | None


def split_patrol(
    patrol: Patrol,
    watch_zones: Sequence[Zone],
    fences: Sequence[Zone],
    assets: Sequence[Asset],
    *,
    weather: Weather | None = None,
    terrain: TerrainModel | None = None,
) -> Split:
    """Returns the fewest sorties, about equal, that do a patrol; the same input, the same answer.

    What no sortie can do within what its asset has is left out and said.

    Args:
        patrol: of drones.
        watch_zones: to choose from.
        fences: flight zones in force.
        assets: who may fly; drones, all of them ready at the start.
        weather: in which all fly.
        terrain: as `plan_patrol` takes it.

    Raises:
        ResolutionImpossible: if the wanted resolution can't be had by any of the assets.
    """
    drones = [a for a in assets if a.kind is AssetKind.DRONE and not a.passive]
    if not drones:
        return Split((), 0.0)
    return _Splitter(patrol, tuple(wanted_zones(patrol, watch_zones)), tuple(fences), tuple(drones),
                     weather, terrain).split()  # fmt: skip


class _Splitter:
    """Tries how many sorties it takes."""

    def __init__(
        self,
        patrol: Patrol,
        zones: tuple[Zone, ...],
        fences: tuple[Zone, ...],
        assets: tuple[Asset, ...],
        weather: Weather | None,
        terrain: TerrainModel | None,
    ) -> None:
        self._patrol, self._zones, self._fences = patrol, zones, fences
        self._assets, self._weather, self._terrain = assets, weather, terrain
        self._frame = LocalFrame(assets[0].home.lat_deg, assets[0].home.lon_deg)
        self._known: dict[tuple[object, ...], tuple[PatrolPlan, Endurance]] = {}

    def split(self) -> Split:
        """Returns the sorties."""
        whole = _Task(self._patrol, self._zones, self._joined())
        best = min(self._flight(whole, asset)[1].share for asset in self._assets)
        cutter = self._cutter()
        count = 1 if not math.isfinite(best) else max(1, math.ceil(best - 1e-9))
        tasks = [whole]
        before, idle = math.inf, 0
        while count <= _MOST:
            weights = [1.0] * count
            finer = cutter(weights)
            if len(finer) < count:
                break  # it can't be divided further
            tasks = finer
            found = self._assigned(tasks)
            if found is not None:
                return self._balanced(cutter, weights, found)
            worst = self._worst(tasks)
            idle = idle + 1 if worst > 0.98 * before else 0
            if idle >= _PATIENCE:
                break  # what is too far for one does not come nearer by smaller parts
            before = min(before, worst)
            count += max(1, round(count * min(0.6, max(0.2, 0.5 * (worst - 1.0)))))
        return self._what_fits(tasks)

    def _worst(self, tasks: Sequence[_Task]) -> float:
        """Returns what the heaviest task takes of what the fittest asset has for it."""
        return max(min(self._needed(task, asset) for asset in self._assets) for task in tasks)

    def _needed(self, task: _Task, asset: Asset) -> float:
        endurance = self._flight(task, asset)[1]
        return max((endurance.share, *endurance.share_with_return))

    def _joined(self) -> Area | None:
        if self._patrol.pattern not in (Pattern.AREA, Pattern.PERIMETER) or not self._zones:
            return None
        joined: Area = union_all([zone.area for zone in self._zones])  # type: ignore[assignment]
        return joined

    def _flight(self, task: _Task, asset: Asset) -> tuple[PatrolPlan, Endurance]:
        """Returns a task's plan for an asset; equal assets share it."""
        alike = replace(asset, asset_id=AssetId(""), name="", address="", video="", agency=None)
        key = (alike, task.patrol, tuple(zone.area.wkb for zone in task.zones))
        if key not in self._known:
            made = plan_with_reasons(
                task.patrol, task.zones, self._fences, alike, terrain=self._terrain
            )
            self._known[key] = made, endurance_of(made.plan, alike, self._weather)
        made, endurance = self._known[key]
        return replace(made, plan=replace(made.plan, asset_id=asset.asset_id)), endurance

    def _assigned(self, tasks: Sequence[_Task]) -> Split | None:
        """Gives each task to who is done with it first; `None` where one fits nobody."""
        ready = dict.fromkeys((asset.asset_id for asset in self._assets), 0.0)
        sorties: list[SplitSortie] = []
        left_out: list[LeftOut] = []
        end = 0.0
        for task in tasks:
            options = []
            for number, asset in enumerate(self._assets):
                made, endurance = self._flight(task, asset)
                if endurance.fits:
                    over = ready[asset.asset_id] + endurance.seconds
                    empty = not made.plan.mission.items
                    options.append((empty, over, number, made, endurance))
            if not options:
                return None
            empty, over, number, made, endurance = min(options, key=lambda option: option[:3])
            left_out += made.left_out
            if empty:
                continue  # nothing of it can be seen by anybody; the reasons are kept
            asset = self._assets[number]
            start = ready[asset.asset_id]
            sorties.append(SplitSortie(made.plan, asset.asset_id, start, endurance, task.area))
            end = max(end, over)
            ready[asset.asset_id] = over + (asset.energy or EnergyModel()).swap_s
        return Split(tuple(sorties), end, tuple(left_out))

    def _balanced(
        self, cutter: Callable[[Sequence[float]], list[_Task]], weights: list[float], found: Split
    ) -> Split:
        """Moves the seams so that the longest sortie gets shorter."""
        best = found
        for _ in range(_ROUNDS):
            if len(best.sorties) != len(weights) or len(weights) < 2:
                break
            seconds = [sortie.endurance.seconds for sortie in best.sorties]
            mean = sum(seconds) / len(seconds)
            weights = [w * (mean / s) ** 0.7 for w, s in zip(weights, seconds, strict=True)]
            tasks = cutter(weights)
            again = self._assigned(tasks) if len(tasks) == len(weights) else None
            if again is None or _longest(again) >= _longest(best) - 0.5:
                break
            best = again
        return best

    def _what_fits(self, tasks: Sequence[_Task]) -> Split:
        """Returns the parts that fit where not all of them do, and says which don't."""
        fitting, left_out = [], []
        for task in tasks:
            if any(self._flight(task, asset)[1].fits for asset in self._assets):
                fitting.append(task)
            else:
                where = self._assets[0].home
                place = (where.lat_deg, where.lon_deg)
                if task.area is not None:
                    point = task.area.representative_point()
                    place = (point.y, point.x)
                elif task.patrol.places or task.patrol.route:
                    place = (task.patrol.places or task.patrol.route)[0]
                left_out.append(LeftOut("a part of the patrol", place, "no asset lasts that long"))
        found = self._assigned(fitting) or Split((), 0.0)
        return replace(found, left_out=(*found.left_out, *left_out))

    def _cutter(self) -> Callable[[Sequence[float]], list[_Task]]:
        pattern = self._patrol.pattern
        if pattern is Pattern.CORRIDOR:
            return self._stretches
        if pattern in (Pattern.PLACES, Pattern.ORBIT):
            return self._tour_parts()
        if pattern is Pattern.PERIMETER:
            return self._one_by_one
        return self._parts()

    def _parts(self) -> Callable[[Sequence[float]], list[_Task]]:
        """Returns a cutter of the joined area into compact parts, cut along or across its lanes."""
        area: BaseGeometry = union_all([zone.to_local(self._frame) for zone in self._zones])
        if area.is_empty:
            return lambda weights: []
        spacing = max(1.0, min(self._spacing_m(asset) for asset in self._assets))
        seam = max(_LEAST_SEAM_M, self._patrol.overlap_fraction * spacing)
        angle = sweep_angle_deg(area, spacing)  # type: ignore[arg-type]
        turned = affinity.rotate(area, -angle, origin=(0.0, 0.0))

        def cut(weights: Sequence[float]) -> list[_Task]:
            tasks = []
            for part in _bisected(turned, weights):
                grown = part.buffer(seam / 2, quad_segs=2).intersection(turned)
                grown = set_precision(grown, _GRID_M)  # no two corners on one place
                pieces = [piece for piece in _polygons(grown) if piece.area > _SLIVER_M2]
                if pieces:
                    tasks.append(self._task(affinity.rotate(union_all(pieces), angle, (0.0, 0.0))))
            return tasks

        return cut

    def _spacing_m(self, asset: Asset) -> float:
        try:
            return shooting(self._patrol, asset, self._patrol.altitude.metres).spacing_m
        except QyranError:
            return 20.0  # planning will say what is wrong; this only chooses the direction

    def _task(self, area: BaseGeometry) -> _Task:
        geographic = to_geographic(area, self._frame)  # type: ignore[arg-type]
        zone = Zone(ZoneId("part"), "part", frozenset({Purpose.WATCH}), geographic)
        return _Task(replace(self._patrol, zone_ids=()), (zone,), geographic)

    def _one_by_one(self, weights: Sequence[float]) -> list[_Task]:
        """Shares whole zones out: a border is not cut."""
        count = min(len(weights), len(self._zones))
        groups = [self._zones[k::count] for k in range(count)]
        return [
            _Task(replace(self._patrol, zone_ids=()), group, union_all([z.area for z in group]))  # type: ignore[arg-type]
            for group in groups
        ]

    def _stretches(self, weights: Sequence[float]) -> list[_Task]:
        """Cuts a corridor into stretches that overlap."""
        places = [self._frame.to_en1_m(lat, lon) for lat, lon in self._patrol.route]
        if len(places) < 2:
            return []
        line = LineString(places)
        seam = max(_LEAST_SEAM_M, self._patrol.overlap_fraction * self._patrol.width_m)
        ends = np.cumsum([0.0, *weights]) / sum(weights) * line.length
        tasks = []
        for number, (a, b) in enumerate(pairwise(ends)):
            a = a - seam / 2 if number else 0.0
            b = b + seam / 2 if number + 1 < len(weights) else line.length
            if b - a < 2 * seam and len(weights) > 1:
                return []
            part = substring(line, max(0.0, a), min(line.length, b))
            route = tuple(self._frame.to_geo1_deg(x, y) for x, y in part.coords)
            tasks.append(_Task(replace(self._patrol, route=route), (), None))
        return tasks

    def _tour_parts(self) -> Callable[[Sequence[float]], list[_Task]]:
        """Returns a cutter of a look-list into parts of its tour."""
        made, _ = self._flight(_Task(self._patrol, (), None), self._assets[0])
        toured = [item.look_at for item in made.plan.mission.items if item.look_at is not None]
        order = list(dict.fromkeys(_nearest(place, self._patrol.places) for place in toured))
        order += [k for k in range(len(self._patrol.places)) if k not in order]

        def cut(weights: Sequence[float]) -> list[_Task]:
            if len(weights) > len(order):
                return []
            ends = np.round(np.cumsum([0.0, *weights]) / sum(weights) * len(order)).astype(int)
            parts = [order[a:b] for a, b in pairwise(ends)]
            return [
                _Task(
                    replace(self._patrol, places=tuple(self._patrol.places[k] for k in part)),
                    (),
                    None,
                )
                for part in parts
                if part
            ]

        return cut


def _longest(split: Split) -> float:
    return max((sortie.endurance.seconds for sortie in split.sorties), default=0.0)


def _nearest(place: tuple[float, float], places: Sequence[tuple[float, float]]) -> int:
    return min(range(len(places)), key=lambda k: (math.dist(place, places[k]), k))


def _bisected(area: BaseGeometry, weights: Sequence[float]) -> list[BaseGeometry]:
    """Returns an area in parts whose sizes are as the weights: halved over and over, compactly."""
    if len(weights) == 1 or area.is_empty:
        return [area]
    west, south, east, north = area.bounds
    middle = len(weights) // 2
    share = sum(weights[:middle]) / sum(weights)
    along = (east - west) > _LONGISH * (north - south)  # else between two lanes
    low, high = (west, east) if along else (south, north)

    def below(at: float) -> BaseGeometry:
        limit = box(west - 1, south - 1, at if along else east + 1, north + 1 if along else at)
        return area.intersection(limit)

    for _ in range(40):
        at = (low + high) / 2
        if below(at).area < share * area.area:
            low = at
        else:
            high = at
    first = below(high)
    return [
        *_bisected(first, weights[:middle]),
        *_bisected(area.difference(first), weights[middle:]),
    ]


def _polygons(shape: BaseGeometry) -> Iterator[Polygon]:
    for piece in getattr(shape, "geoms", [shape]):
        if isinstance(piece, Polygon):
            yield piece
