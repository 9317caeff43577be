"""Zones that come into force while a sortie flies, which its plan was not proven against.

Each counts once for each sortie and version of the zone, until somebody has gone on in its view.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from core.ids import ZoneId
from geo.ports import TerrainModel
from geo.zones import Zone
from missions.dispatching.exits import InFlight, affected
from missions.model import Sortie
from missions.monitoring.concerns import Concern, ConcernCode, Gravity

Key = tuple[ZoneId, int]


@dataclass(frozen=True, slots=True)
class Appeared:
    """A zone that has appeared to a sortie and affects it."""

    zone: Zone
    words: str = ""
    """What is told of it beside its name."""

    @property
    def key(self) -> Key:
        """Its zone's id and version."""
        return self.zone.zone_id, self.zone.version

    @property
    def name(self) -> str:
        """What people call the zone."""
        return self.zone.name or str(self.zone.zone_id)


@dataclass(frozen=True, slots=True)
class KnownZones:
    """The zones that a sortie has been judged by; each look gives the next."""

    judged: frozenset[Key]
    """Those that held when it began and were in its proof, or were looked at since."""
    open: tuple[Appeared, ...] = ()
    """Have appeared, affect it, and nobody has gone on in view of them."""

    def gone_on(self) -> "KnownZones":
        """Returns what is open after a person has let it go on: nothing."""
        return replace(self, open=())

    def concerns(self, flight: InFlight, now: datetime) -> tuple[Concern, ...]:
        """Returns what is wrong because of the zones that are open."""
        return tuple(
            Concern(
                ConcernCode.ZONE_APPEARED,
                Gravity.ACT,
                "; ".join(filter(None, (f"zone {one.name} has appeared", one.words))),
                now,
                one.name,
                (flight.lat_deg, flight.lon_deg),
            )
            for one in self.open
        )


def proven_against(sortie: Sortie) -> KnownZones:
    """Returns the zones that held when a sortie began and were in its proof."""
    began = sortie.started_at
    return KnownZones(
        frozenset(
            (zone.zone_id, zone.version)
            for zone in sortie.plan.fences
            if began is None or zone.in_force(began)
        )
    )


def look(
    known: KnownZones,
    flight: InFlight | None,
    holding: Mapping[Key, Zone],
    now: datetime,
    terrain: TerrainModel | None = None,
    words: Callable[[Zone], str] = lambda zone: "",
) -> KnownZones:
    """Returns what is known after a look at the zones that hold now.

    Args:
        known: what was.
        flight: as it is in the air; `None` where that is not known, or it stands on the ground:
            what has appeared is then looked at again once it is.
        holding: the flight zones in force, by id and version.
        now: the present instant.
        terrain: joins heights above ground.
        words: gives what is told of a zone that has just appeared to it; it may take a while.
    """
    if flight is None:
        still = tuple(one for one in known.open if one.key in holding)
        return KnownZones(known.judged & holding.keys(), still)
    others = tuple(holding.values())

    def hits(zone: Zone) -> bool:
        return affected(flight, zone, now, terrain=terrain, others=others)

    lasting = [one for one in known.open if one.key in holding and hits(one.zone)]
    fresh = [zone for key, zone in holding.items() if key not in known.judged and hits(zone)]
    appeared = [Appeared(zone, words(zone)) for zone in fresh]
    return KnownZones(frozenset(holding), (*lasting, *appeared))
