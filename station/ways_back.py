"""Proves what is ordered of a monitored flight; it may take a while, so in a thread of its own."""

from collections.abc import Sequence
from datetime import datetime

from geo.ports import TerrainModel
from geo.zones import Zone
from missions.dispatching.exits import InFlight
from missions.dispatching.zone_appeared import Advice, Response, flight_of, respond
from missions.model import SortieState
from missions.monitoring.concerns import ConcernCode
from missions.monitoring.escalation import WayBack
from station.monitored_flight import MonitoredFlight


def in_flight(flight: MonitoredFlight) -> InFlight | None:
    """Returns a flight as an aircraft in the air; `None` where that is not known."""
    sample = flight.sample
    return None if sample is None else flight_of(flight.sortie, flight.asset, sample)


def way_back(
    flight: MonitoredFlight,
    code: ConcernCode,
    zones: Sequence[Zone],
    now: datetime,
    terrain: TerrainModel | None,
) -> WayBack:
    """Returns whether a flight's own return is a proven way out, and why or what is instead.

    Args:
        flight: under way.
        code: what the return is wanted for.
        zones: all flight zones.
        now: the present instant.
        terrain: joins heights above ground.
    """
    there = in_flight(flight)
    if there is None and code is ConcernCode.PERMISSION_ENDED:
        return WayBack(True, "its returns were proven before it was released")
    if there is None:
        return WayBack(False, "where it is, or how high, is not known")
    found = respond(there, flight.sortie.plan, zones, now, terrain=terrain)
    if found.order is Advice.RETURN and found.way.proven:
        return WayBack(True, found.way.why)
    return WayBack(False, _told(found))


def words_of_appeared(
    flight: MonitoredFlight, zones: Sequence[Zone], now: datetime, terrain: TerrainModel | None
) -> str:
    """Returns what is told of a zone that has appeared where nothing is ordered because of it."""
    there = in_flight(flight)
    if there is None or flight.sortie.state is not SortieState.RETURNING:
        return ""  # what is ordered says the way
    found = respond(there, flight.sortie.plan, zones, now, terrain=terrain)
    return f"{_told(found)}; it is returning already, a person decides"


def _told(found: Response) -> str:
    return f"{'proven way out' if found.way.proven else 'not proven'}: {found.way.why}"
