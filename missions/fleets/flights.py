"""The plan of a drone's trip, as it would be uploaded, and whether it may be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.ids import MissionId, content_id
from geo.positions import Altitude, Datum, Position
from geo.zones import Zone
from missions.fleets.air import AirWays
from missions.fleets.travel import Node
from missions.fleets.trips import TimedTrip
from missions.model import Asset, ItemKind, Mission, MissionItem, Plan, RallyPoint


@dataclass(frozen=True, slots=True)
class TripPlan:
    """A plan, and which node each of its items serves."""

    plan: Plan
    node_of: tuple[int, ...]
    """For each item the node that it flies to or serves; the last one's for the way home."""


def trip_plan(
    trip: TimedTrip,
    asset: Asset,
    ways: AirWays,
    nodes: Sequence[Node],
    zones: tuple[Zone, ...],
    rally: tuple[RallyPoint, ...] = (),
) -> TripPlan:
    """Returns the plan of a trip: take-off, ways around zones, stays, the way home.

    Args:
        trip: with its times; waiting for a window is a longer stay.
        asset: who flies.
        ways: of this asset.
        nodes: of all jobs; node number 1 is the first.
        zones: its fences.
        rally: safe places besides home.
    """
    above = Altitude(ways.up_m, Datum.HOME)
    pitch = asset.camera.pitch_deg if asset.camera is not None else None
    start = Position(asset.home.lat_deg, asset.home.lon_deg, above)
    items = [
        MissionItem(ItemKind.TAKEOFF, start, speed_m_s=asset.cruise_m_s, camera_pitch_deg=pitch)
    ]
    node_of = [trip.nodes[0]]

    def fly(place: tuple[float, float], node: int, **more: object) -> None:
        lat, lon = ways.frame.to_geo1_deg(*place)
        items.append(MissionItem(ItemKind.WAYPOINT, Position(lat, lon, above), **more))  # type: ignore[arg-type]
        node_of.append(node)

    here = 0
    for number, node in enumerate(trip.nodes):
        for place in ways.way(here, node)[1:-1]:
            fly(place, node)
        places = ways.stations[node]
        stay_s = trip.leaves_s[number] - trip.arrives_s[number]
        if len(places) == 1:
            look_at = ways.looks[node] or nodes[node - 1].places[0]
            fly(places[0], node, hold_s=stay_s, look_at=look_at)
        else:
            fly(places[0], node, hold_s=trip.begins_s[number] - trip.arrives_s[number])
            for place in places[1:]:
                fly(place, node)
        here = node
    for place in ways.way(here, 0)[1:-1]:
        fly(place, here)
    items.append(MissionItem(ItemKind.RETURN))
    node_of.append(here)
    plan = Plan(
        Mission(MissionId(""), tuple(items)),
        asset.asset_id,
        asset.home,
        asset.cruise_m_s,
        zones,
        rally,
        return_altitude=above,
        expected_s=trip.returns_s - trip.departs_s,
    )
    text = repr((plan.mission.items, str(plan.asset_id), plan.home))
    mission = replace(plan.mission, mission_id=MissionId(content_id("mission", text)))
    return TripPlan(replace(plan, mission=mission), tuple(node_of))
