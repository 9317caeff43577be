"""What counts as a violation: a table of rules, and the judgement of one observation.

Nothing is dropped in silence: an observation that breaks no rule comes back with the reason.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.ids import AgencyId
from core.refusals import Refusal, RefusalCode
from geo.local_frame import LocalFrame
from geo.zones import Purpose, Zone, probability_inside
from incidents.model import IncidentKind, Observation, Violation


class Programme(StrEnum):
    """The state programme that a rule serves."""

    LAW_AND_ORDER = "law_and_order"
    """Zan men tartip."""
    TAZA_QAZAQSTAN = "taza_qazaqstan"
    """Clean Kazakhstan."""


VEHICLE_LABELS = frozenset(
    {"car", "van", "truck", "bus", "minibus", "motorcycle", "vehicle", "tractor", "trailer"}
)
WASTE_LABELS = frozenset({"waste", "waste_heap", "garbage", "rubbish", "trash"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of violation and what must be sure before it is reported."""

    code: str
    """As zones name it."""
    kind: IncidentKind
    labels: frozenset[str]
    programme: Programme
    agency: AgencyId
    """The service that is to deal with it, unless a person says otherwise."""
    min_confidence: float
    standing: bool
    """Whether it holds for standing things only."""
    min_dwell: timedelta
    """From first to last sighting."""
    min_hits: int
    min_zone_probability: float = 0.5
    stand_m_s: float = 1.0
    """Standing for sure: speed + 2 sigma is below this."""
    crawl_m_s: float = 3.0
    """Standing in all likelihood: the speed may be nought and can't reach this (2 sigma).

    A pass at patrol speed can't prove less than a metre a second, because a compass error of
    two degrees alone looks like 0.35 m/s; but traffic that moves is faster than this.
    """


RULES: tuple[Rule, ...] = (
    Rule(
        code="vehicle_stopped",
        kind=IncidentKind.VEHICLE_STOPPED,
        labels=VEHICLE_LABELS,
        programme=Programme.LAW_AND_ORDER,
        agency=AgencyId("police"),
        min_confidence=0.5,
        standing=True,
        min_dwell=timedelta(seconds=2),
        min_hits=5,
    ),
    Rule(
        code="waste_heap",
        kind=IncidentKind.WASTE_HEAP,
        labels=WASTE_LABELS,
        programme=Programme.TAZA_QAZAQSTAN,
        agency=AgencyId("cleaning"),
        min_confidence=0.5,
        standing=False,
        min_dwell=timedelta(seconds=1),
        min_hits=5,
    ),
)


def rule_for(kind: IncidentKind, rules: Sequence[Rule] = RULES) -> Rule:
    """Returns the rule that opens incidents of a kind.

    Raises:
        KeyError: if the table has none.
    """
    for rule in rules:
        if rule.kind is kind:
            return rule
    raise KeyError(kind)


def kind_of(label: str, rules: Sequence[Rule] = RULES) -> IncidentKind | None:
    """Returns the kind of incident that a thing of this label may be about, if any."""
    return next((rule.kind for rule in rules if label in rule.labels), None)


def judge(
    observation: Observation, zones: Sequence[Zone], at: datetime, rules: Sequence[Rule] = RULES
) -> tuple[tuple[Violation, ...], tuple[Refusal, ...]]:
    """Returns the rules that an observation breaks, and why it breaks no other.

    An observation from elsewhere that carries its `kind` was judged by its device; only the
    zone is looked at. A thing in two overlapping zones of one rule breaks it once, in the
    zone that holds it most surely.

    Args:
        observation: what was seen.
        zones: all zones; those that are off or not for watching are passed over.
        at: the present instant; nothing seen later than that is judged.
        rules: the table.
    """
    if observation.first_seen_at > at + timedelta(minutes=5):
        reason = "it is said to have been seen in the future"
        return (), (Refusal(RefusalCode.BAD_TELEMETRY, reason),)
    kind = observation.kind
    wanted = [r for r in rules if (r.kind is kind if kind else observation.label in r.labels)]
    if not wanted:
        return (), (Refusal(RefusalCode.NO_RULE, f"no rule is about a {observation.label}"),)
    violations: list[Violation] = []
    refusals: list[Refusal] = []
    for rule in wanted:
        answer = _judged(observation, zones, rule)
        if isinstance(answer, Violation):
            violations.append(answer)
        else:
            refusals.append(answer)
    return tuple(violations), tuple(refusals)


def _judged(observation: Observation, zones: Sequence[Zone], rule: Rule) -> Violation | Refusal:
    place = _place(observation, zones, rule)
    if isinstance(place, Refusal):
        return place
    zone, probability = place
    sure = (
        f"{probability:.0%} inside {zone.name or zone.zone_id}, "
        f"confidence {observation.confidence:.2f}"
    )
    if observation.kind is not None:
        because = f"reported by {observation.source.camera_id} as {rule.code}, {sure}"
        return Violation(rule.kind, zone.zone_id, observation, probability, because)
    doubt = _doubt(observation, rule)
    if doubt is not None:
        return doubt
    lasted_s = (observation.last_seen_at - observation.first_seen_at).total_seconds()
    seen = f"{observation.label} seen {observation.sightings} times over {lasted_s:.0f} s"
    if rule.standing:
        speed, sigma = observation.speed_m_s, observation.speed_sigma_m_s
        seen += f", standing ({speed:.1f} ± {sigma:.1f} m/s)"
    return Violation(rule.kind, zone.zone_id, observation, probability, f"{seen}, {sure}")


def _place(
    observation: Observation, zones: Sequence[Zone], rule: Rule
) -> tuple[Zone, float] | Refusal:
    """Returns the zone of this rule that most likely holds the place, or why none does."""
    seen_at = observation.last_seen_at
    watched = [z for z in zones if Purpose.WATCH in z.purposes and z.in_force(seen_at)]
    near = [z for z in watched if _near(z, observation)]
    chances = [(z, probability_inside(z.area, observation.point)) for z in near]
    held = [(z, p) for z, p in chances if p >= rule.min_zone_probability]
    if not held:
        most = max((p for _, p in chances), default=0.0)
        reason = f"no watch zone holds it with {rule.min_zone_probability:.0%} (at most {most:.0%})"
        return Refusal(RefusalCode.OUTSIDE_ZONES, reason)
    ruled = [(z, p) for z, p in held if rule.code in z.rules]
    if not ruled:
        names = ", ".join(sorted(z.name or z.zone_id for z, _ in held))
        return Refusal(RefusalCode.NO_RULE, f"{names} has no rule {rule.code}")
    return max(ruled, key=lambda pair: (pair[1], pair[0].zone_id))


def _near(zone: Zone, observation: Observation) -> bool:
    """Returns whether a zone's bounds come within the error of a place."""
    point = observation.point
    west, south, east, north = zone.area.bounds
    lon = min(max(point.lon_deg, west), east)
    lat = min(max(point.lat_deg, south), north)
    apart = LocalFrame(point.lat_deg, point.lon_deg).to_en1_m(lat, lon)
    return math.hypot(*apart) <= 4 * math.sqrt(point.covariance.axes_m2[0]) + 1.0


def _doubt(observation: Observation, rule: Rule) -> Refusal | None:
    """Returns why it can't be said that the thing breaks the rule, or `None`."""
    lasted = observation.last_seen_at - observation.first_seen_at
    if observation.sightings < rule.min_hits or lasted < rule.min_dwell:
        return Refusal(
            RefusalCode.TOO_BRIEF,
            f"seen {observation.sightings} times over {lasted.total_seconds():.1f} s, needed "
            f"{rule.min_hits} over {rule.min_dwell.total_seconds():.1f} s",
        )
    if observation.confidence < rule.min_confidence:
        return Refusal(
            RefusalCode.LOW_CONFIDENCE,
            f"confidence {observation.confidence:.2f}, needed {rule.min_confidence:.2f}",
        )
    if not rule.standing:
        return None
    speed, sigma = observation.speed_m_s, observation.speed_sigma_m_s
    if speed is None or sigma is None:
        return Refusal(RefusalCode.MOVING, "its speed could not be told")
    if speed + 2 * sigma < rule.stand_m_s:
        return None
    if speed <= 3 * sigma and speed + 2 * sigma < rule.crawl_m_s:
        return None
    word = "moves" if speed - 2 * sigma > 0 else "may move"
    return Refusal(RefusalCode.MOVING, f"it {word} ({speed:.1f} ± {sigma:.1f} m/s)")
