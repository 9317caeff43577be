"""Judges one asset after the other for an event: may it, can it, how soon, at what cost."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Protocol

from shapely import Point

from core.ids import MissionId, content_id
from geo.local_frame import distance_m
from geo.ports import TerrainModel
from geo.positions import Altitude, Datum, Position
from geo.road_graph import Drive
from missions.airspace import Airspace
from missions.circumstances import Circumstances
from missions.dispatching.flight import Flight, FlightFinder, Refusal
from missions.events import (
    Activity,
    Candidate,
    DispatchPolicy,
    EnergyNeed,
    Event,
    Reason,
    Responder,
)
from missions.model import (
    AssetKind,
    Finding,
    ItemKind,
    Mission,
    MissionItem,
    Plan,
    RallyPoint,
    Severity,
)
from missions.permissions import Permission
from missions.proving.checks import check_plan

_RETURN_CODES = {
    "emergency_way_blocked", "rally_way_blocked", "return_way_blocked", "return_above_ceiling",
}  # fmt: skip


class TravelTimes(Protocol):
    """How cars get to the place of one event; `geo.road_graph.WaysTo` is one."""

    def seconds_from(self, lat_deg: float, lon_deg: float) -> float:
        """Returns the seconds by road from a place, infinite where no road leads there."""
        ...

    def way_from(self, lat_deg: float, lon_deg: float) -> Drive | None:
        """Returns that way, or `None` where there is none."""
        ...


class NoRoads:
    """The ways to a place near which there is no road."""

    def seconds_from(self, lat_deg: float, lon_deg: float) -> float:
        """Returns infinity."""
        return math.inf

    def way_from(self, lat_deg: float, lon_deg: float) -> Drive | None:
        """Returns that there is none."""
        return None


class Judge:
    """Judges assets for one event."""

    def __init__(
        self,
        event: Event,
        space: Airspace,
        circumstances: Circumstances,
        policy: DispatchPolicy,
        roads: TravelTimes | None,
        rally: Sequence[RallyPoint],
        terrain: TerrainModel | None,
    ) -> None:
        """Takes what is the same for all assets; `roads` as `decide` has it."""
        self._event, self._policy, self._roads = event, policy, roads
        self._circumstances = circumstances
        self._finder = FlightFinder(event, space, circumstances, policy, rally, terrain)

    def least_s(self, responder: Responder) -> float:
        """Returns a time in which it can't be there; of a car the true one."""
        if responder.asset.kind is AssetKind.DRONE:
            return self._finder.least_s(responder)
        return self._drive_s(responder)

    # --- what needs no way ---

    def refused_at_once(self, responder: Responder) -> Refusal | None:
        """Returns why an asset is out of the question whatever its way, or `None`."""
        asset, event = responder.asset, self._event
        if asset.passive:
            return Refusal(Reason.PASSIVE, "is passive: never sent, only what it sees counts")
        if responder.activity is Activity.GROUNDED:
            return Refusal(Reason.GROUNDED, "is grounded until somebody releases it")
        if responder.crewed is False:
            return Refusal(Reason.NO_CREW, "nobody who is qualified for it is on duty")
        task = responder.task
        if task is not None and task.priority >= event.priority:
            why = f"is on {task.name} of priority {task.priority}, the event has {event.priority}"
            return Refusal(Reason.BUSY, why)
        unfit = self._unfit_camera(responder)
        if unfit:
            return Refusal(Reason.NO_CAMERA, unfit)
        if asset.kind is AssetKind.DRONE:
            return self._refused_air(responder)
        if math.isinf(self._drive_s(responder)):
            return Refusal(Reason.NO_ROAD, "no road leads there from where it is")
        return None

    def _refused_air(self, responder: Responder) -> Refusal | None:
        weather, asset = self._circumstances.weather, responder.asset
        wind = None if weather is None else weather.wind_m_s
        cold = None if weather is None else weather.temperature_c
        if wind is not None and wind > asset.wind_most_m_s:
            why = f"wind of {wind:.0f} m/s, it may fly in up to {asset.wind_most_m_s:.0f} m/s"
            return Refusal(Reason.WEATHER, why)
        if cold is not None and cold < asset.coldest_c:
            why = f"{cold:.0f} degrees, it may fly down to {asset.coldest_c:.0f} degrees"
            return Refusal(Reason.WEATHER, why)
        if self._circumstances.permissions is not None and self._permission(responder) is None:
            return Refusal(Reason.PERMISSION, "no permission holds for it there and then")
        return None

    def _permission(self, responder: Responder) -> Permission | None:
        """Returns the permission to name: one that holds for it, there, for its stay."""
        event, asset_id = self._event, responder.asset.asset_id
        place = Point(event.lon_deg, event.lat_deg)
        start = event.at + timedelta(seconds=responder.ready_in_s)
        end = start + timedelta(seconds=event.stay_s)
        holding = [
            one
            for one in self._circumstances.permissions or ()
            if one.holds(start, end)
            and (not one.asset_ids or asset_id in one.asset_ids)
            and one.area.covers(place)
        ]
        # the one that holds longest covers the way home most likely; the check proves it
        return min(holding, key=lambda p: (-p.ends_at.timestamp(), p.number), default=None)

    def _unfit_camera(self, responder: Responder) -> str:
        event, mount = self._event, responder.asset.camera
        if event.camera == "any" and not responder.cameras:
            return "has no camera"
        if event.camera not in ("", "any") and event.camera not in responder.cameras:
            have = ", ".join(sorted(responder.cameras)) or "none"
            return f"has no {event.camera} camera, only: {have}"
        wanted = event.resolution_m_per_px
        if wanted is None:
            return ""
        if mount is None:
            return "what its camera resolves is not known"
        drone = responder.asset.kind is AssetKind.DRONE
        off_m = self._policy.height_m if drone else self._policy.car_sees_from_m
        sees = off_m / mount.model.fx_px
        if sees <= wanted:
            return ""
        return f"resolves {sees * 100:.1f} cm/px from {off_m:.0f} m, {wanted * 100:.1f} are wanted"

    # --- the way ---

    def look_at(self, responder: Responder, longest_s: float) -> Candidate:
        """Returns the judgement of an asset that is not out of the question.

        It is `SLOWER` where it could go: only the caller knows who is quickest.
        """
        if responder.asset.kind is AssetKind.VEHICLE:
            return self._driven(responder)
        flights, refusals = self._finder.find(responder, longest_s)
        judged = []
        for flight in flights:
            judged.append(self._flown(responder, flight))
            if judged[-1].feasible:
                return judged[-1]
        open_still = [r for r in refusals if r.at_least_s is not None]
        if open_still:
            return refused(responder, min(open_still, key=lambda r: r.at_least_s or 0.0))
        return judged[0] if judged else refused(responder, refusals[0])

    def _flown(self, responder: Responder, flight: Flight) -> Candidate:
        route = self._finder.geographic(flight.go)
        candidate = Candidate(
            responder.asset.asset_id,
            True,
            Reason.SLOWER,
            "",
            flight.travel_s,
            self._event.at + timedelta(seconds=flight.travel_s),
            flight.energy,
            route,
            flight.up_m,
            flight.away_s,
        )
        if not flight.energy.enough:
            return replace(candidate, feasible=False, reason=Reason.ENERGY, why=str(flight.energy))
        permission = self._permission(responder)
        error: Finding | None = None
        for plan, first in self._finder.plans(flight, permission.number if permission else ""):
            findings = self._finder.prove(flight, plan)
            found = _first_error(findings)
            if found is None or error is None:
                candidate = replace(candidate, plan=plan, first_item=first, findings=findings)
                error = found
            if found is None or found.code not in _RETURN_CODES:
                break  # another return height or rally point cures no other error
        if error is not None:
            why = f"its plan is not safe: {error.message} [{error.code}]"
            return replace(candidate, feasible=False, reason=Reason.UNSAFE, why=why)
        bends = f", {len(route) - 2} bends around zones" if len(route) > 2 else ""
        way = f"{_length_m(route):.0f} m in {flight.up_m:.0f} m height{bends}"
        why = f"there in {flight.travel_s:.0f} s ({way}); {flight.energy}; plan proven"
        return replace(candidate, why=why)

    def _drive_s(self, responder: Responder) -> float:
        fixed_s = responder.ready_in_s + self._policy.turnout_s
        if self._roads is not None:
            return fixed_s + self._roads.seconds_from(*responder.place)
        straight = distance_m(*responder.place, self._event.lat_deg, self._event.lon_deg)
        return fixed_s + straight * self._policy.road_factor / responder.asset.cruise_m_s

    def _driven(self, responder: Responder) -> Candidate:
        event, asset = self._event, responder.asset
        travel_s = self._drive_s(responder)
        fixed_s = responder.ready_in_s + self._policy.turnout_s
        drive = None if self._roads is None else self._roads.way_from(*responder.place)
        route = drive.line if drive else (responder.place, (event.lat_deg, event.lon_deg))
        fraction = 1.0 if responder.battery_fraction is None else responder.battery_fraction
        go_s = travel_s - fixed_s
        need = EnergyNeed("s", go_s, event.stay_s, go_s, asset.endurance_s * fraction)
        candidate = Candidate(
            asset.asset_id, True, Reason.SLOWER, "", travel_s,
            event.at + timedelta(seconds=travel_s), need, route,
            away_s=travel_s + event.stay_s + go_s,
        )  # fmt: skip
        if not need.enough:
            return replace(candidate, feasible=False, reason=Reason.ENERGY, why=str(need))
        plan = _road_plan(responder, event, route, need.total)
        findings = check_plan(plan, asset, replace(self._circumstances, departs_at=event.at))
        candidate = replace(candidate, plan=plan, findings=findings)
        error = _first_error(findings)
        if error is not None:
            why = f"its route can't be driven: {error.message} [{error.code}]"
            return replace(candidate, feasible=False, reason=Reason.UNSAFE, why=why)
        length_m = drive.distance_m if drive else _length_m(route) * self._policy.road_factor
        by = "by road" if drive else f"by road, taken as {self._policy.road_factor:g} x straight"
        return replace(candidate, why=f"there in {travel_s:.0f} s ({length_m:.0f} m {by})")


def refused(responder: Responder, refusal: Refusal) -> Candidate:
    """Returns the candidate of a refusal."""
    return Candidate(
        responder.asset.asset_id,
        None if refusal.reason is Reason.NOT_QUICKER else False,
        refusal.reason,
        refusal.why,
        refusal.at_least_s,
    )


def _first_error(findings: tuple[Finding, ...]) -> Finding | None:
    return next((f for f in findings if f.severity is Severity.ERROR), None)


def _length_m(route: tuple[tuple[float, float], ...]) -> float:
    return math.fsum(distance_m(*a, *b) for a, b in pairwise(route))


def _road_plan(
    responder: Responder, event: Event, route: tuple[tuple[float, float], ...], seconds: float
) -> Plan:
    asset, ground = responder.asset, Altitude(0.0, Datum.HOME)
    last = len(route) - 1
    items = tuple(
        MissionItem(
            ItemKind.WAYPOINT,
            Position(lat, lon, ground),
            speed_m_s=asset.cruise_m_s if number == 0 else None,
            hold_s=event.stay_s if number == last else 0.0,
        )
        for number, (lat, lon) in enumerate(route)
    )
    text = repr((items, str(asset.asset_id), event.event_id))
    mission = Mission(MissionId(content_id("mission", text)), items)
    return Plan(mission, asset.asset_id, asset.home, asset.cruise_m_s, expected_s=seconds)
