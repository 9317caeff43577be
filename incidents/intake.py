"""Where violations become incidents: opened, or joined to the one they belong to.

Nothing is lost in silence: what the store can't keep is raised to the caller, who still has
the violation. Finding and keeping are one step here (a lock in this process), so two reports
of one thing at the same instant don't open two incidents.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from core.errors import KeyReused, VersionConflict
from core.ids import CameraId, IncidentId, ObservationId, SortieId, content_id
from core.refusals import Refusal
from geo.positions import Covariance, GroundPoint
from geo.zones import Zone
from incidents.absence import ABSENCE_LIMITS, AbsenceLimits, SeenGround, propose_closures
from incidents.matching import REACH_M, WINDOWS, Match, best_match, fuse
from incidents.model import (
    Evidence,
    Incident,
    IncidentKind,
    IncidentState,
    Observation,
    Origin,
    Source,
    TimelineEntry,
    Violation,
)
from incidents.ports import IncidentFilter, IncidentStore, Notifier
from incidents.review import step
from incidents.rules import RULES, Rule, judge

log = logging.getLogger(__name__)

_TRIES = 8
_ONE_AT_A_TIME = Lock()
_S = IncidentState

DISMISSED_WINDOWS: dict[IncidentKind, timedelta] = {
    IncidentKind.VEHICLE_STOPPED: timedelta(hours=2),
    IncidentKind.WASTE_HEAP: timedelta(days=21),
}
"""How long after it was last seen a dismissed thing, still standing there, stays dismissed."""

CLOSED_WINDOWS: dict[IncidentKind, timedelta] = {
    IncidentKind.VEHICLE_STOPPED: timedelta(minutes=30),
    IncidentKind.WASTE_HEAP: timedelta(hours=24),
}
"""Seen again so soon after it was closed, it was not truly dealt with: it is opened again."""


def report_violation(
    violation: Violation, store: IncidentStore, notifier: Notifier, now: datetime
) -> Incident:
    """Opens an incident or extends the one that this is another view of, and returns it.

    The same observation may be reported as often as one likes: a newer version of it takes the
    older one's place, an equal one changes nothing. What stands where one was dismissed joins
    it and wakes nobody; what is seen again after the service was done, or soon after closing,
    is said in the timeline (and a closed incident is opened again).

    Args:
        violation: what was seen and judged.
        store: where incidents are kept.
        notifier: told of what changed.
        now: the present instant.

    Raises:
        VersionConflict: if others kept changing the incident; the violation was not kept.
        DiskFull: if there is no room; the violation was not kept.
    """
    with _ONE_AT_A_TIME:
        incident, changed = _again(lambda: _reported(violation, store, now))
    if changed:
        notifier.incident_changed(incident)
    return incident


def _again(attempt: Callable[[], tuple[Incident, bool]]) -> tuple[Incident, bool]:
    """Returns the first attempt that nobody else's change gets in the way of."""
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except VersionConflict:
            log.info("incident changed meanwhile, trying again")
    return attempt()


def _reported(violation: Violation, store: IncidentStore, now: datetime) -> tuple[Incident, bool]:
    observation = violation.observation
    known = store.by_observation(observation.observation_id)
    if known is not None:
        return _grown(_living(known, store), observation, store)
    match = best_match(violation, _candidates(violation, store, now))
    if match is not None:
        return _joined(match, violation, store, now), True
    incident = Incident(
        incident_id=IncidentId(content_id("incident", observation.observation_id)),
        kind=violation.kind,
        zone_id=violation.zone_id,
        state=_S.OPEN,
        point=observation.point,
        opened_at=now,
        last_seen_at=observation.last_seen_at,
        observations=(observation,),
        because=violation.because,
        confidence=observation.confidence,
        timeline=(TimelineEntry(now, "opened", None, violation.because),),
    )
    store.add(incident)
    return incident, True


def _living(incident: Incident, store: IncidentStore) -> Incident:
    """Returns the incident that a merged one lives on in."""
    for _ in range(_TRIES):
        if incident.merged_into is None:
            break
        incident = store.get(incident.merged_into)
    return incident


def _grown(
    incident: Incident, observation: Observation, store: IncidentStore
) -> tuple[Incident, bool]:
    """Returns the incident with the newest version of an observation that it holds already."""
    held = next(
        (o for o in incident.observations if o.observation_id == observation.observation_id), None
    )
    if held is not None:
        held_media = {e.digest for e in held.evidence}
        news = [e for e in observation.evidence if e.digest not in held_media]
        stale = observation.last_seen_at < held.last_seen_at
        same = replace(observation, evidence=()) == replace(held, evidence=())
        if (stale or same) and not news:
            return incident, False
        if stale or same:
            observation = replace(held, evidence=(*held.evidence, *news))
    extended = fuse(incident, observation)
    if extended == incident:
        return incident, False
    extended = replace(extended, version=incident.version + 1)
    store.save(extended, incident.version)
    return extended, True


def _candidates(violation: Violation, store: IncidentStore, now: datetime) -> list[Incident]:
    """Returns the incidents near enough in place and time that a violation may belong to."""
    place = violation.observation.point
    # the store's distance is a circle, the gate's reach a square
    wanted = IncidentFilter(
        states=frozenset(_S) - {_S.MERGED},
        kind=violation.kind,
        near_lat_deg=place.lat_deg,
        near_lon_deg=place.lon_deg,
        near_m=REACH_M * 1.5,
        seen_since=violation.observation.first_seen_at - WINDOWS[violation.kind],
    )
    found: list[Incident] = []
    after: IncidentId | None = None
    while True:
        page = store.find(wanted, after=after, limit=200)
        found.extend(i for i in page if _may_join(i, violation.observation))
        if len(page) < 200:
            return found
        after = page[-1].incident_id


def _may_join(incident: Incident, observation: Observation) -> bool:
    """Returns whether an incident in its state still takes in what is seen."""
    if incident.state is _S.DISMISSED:
        window = DISMISSED_WINDOWS[incident.kind]
        return observation.first_seen_at <= incident.last_seen_at + window
    if incident.state is _S.CLOSED:
        closed_at = _newest(incident, "closed")
        window = CLOSED_WINDOWS[incident.kind]
        return closed_at is not None and observation.first_seen_at <= closed_at + window
    return True


def _newest(incident: Incident, event: str) -> datetime | None:
    return max((e.at for e in incident.timeline if e.event == event), default=None)


def _joined(match: Match, violation: Violation, store: IncidentStore, now: datetime) -> Incident:
    """Keeps and returns the incident with another view of its thing."""
    incident, seen = match.incident, violation.observation
    extended = fuse(incident, seen)
    done_at = _newest(incident, "done" if incident.state is _S.DONE else "closed")
    after = done_at is not None and seen.last_seen_at > done_at
    if incident.state is _S.CLOSED and after:
        note = f"seen again: {match.because}"
        new = step(extended, now, "reopened", None, note, _S.OPEN)
        new = replace(new, close_proposal=None, claim=None)
    elif incident.state is _S.DONE and after:
        new = step(extended, now, "seen_again", None, match.because)
        new = replace(new, close_proposal=None)
    else:
        new = step(extended, now, "extended", None, match.because)
        proposal = incident.close_proposal
        if proposal is not None and seen.last_seen_at > proposal.at:
            new = replace(new, close_proposal=None)
    store.save(new, incident.version)
    return new


def report_absences(
    seen: Sequence[SeenGround],
    observed: Sequence[Observation],
    sortie_id: SortieId | None,
    store: IncidentStore,
    notifier: Notifier,
    now: datetime,
    limits: AbsenceLimits = ABSENCE_LIMITS,
) -> tuple[Incident, ...]:
    """Proposes to close the incidents whose place a pass saw empty; keeps and returns them.

    The arguments are those of `propose_closures`.

    Raises:
        VersionConflict: if others kept changing an incident.
        DiskFull: if there is no room.
    """
    if not seen:
        return ()
    states = frozenset({_S.DONE, _S.CONFIRMED, _S.ASSIGNED})
    waiting: list[IncidentId] = []
    after: IncidentId | None = None
    while True:
        page = store.find(IncidentFilter(states=states), after=after, limit=200)
        waiting.extend(
            i.incident_id for i in propose_closures(page, seen, observed, sortie_id, now, limits)
        )
        if len(page) < 200:
            break
        after = page[-1].incident_id
    changed = []
    for incident_id in waiting:
        with _ONE_AT_A_TIME:
            incident, new = _again(
                lambda wanted=incident_id: _proposed(  # type: ignore[misc]
                    wanted, seen, observed, sortie_id, store, now, limits
                )
            )
        if new:
            notifier.incident_changed(incident)
            changed.append(incident)
    return tuple(changed)


def _proposed(
    incident_id: IncidentId,
    seen: Sequence[SeenGround],
    observed: Sequence[Observation],
    sortie_id: SortieId | None,
    store: IncidentStore,
    now: datetime,
    limits: AbsenceLimits,
) -> tuple[Incident, bool]:
    incident = store.get(incident_id)
    for new in propose_closures([incident], seen, observed, sortie_id, now, limits):
        store.save(new, incident.version)
        return new, True
    return incident, False


@dataclass(frozen=True, slots=True)
class ElsewhereAnswer:
    """What became of an observation from elsewhere."""

    observation_id: ObservationId
    incident: Incident | None
    refused: Refusal | None
    new: bool
    """False where the very same was known already."""


def elsewhere_observation(
    *,
    device_id: str,
    serial: str,
    at: datetime,
    kind: IncidentKind,
    label: str,
    confidence: float,
    lat_deg: float,
    lon_deg: float,
    radius_m: float,
    camera_id: CameraId | None = None,
    plate: str = "",
    model: str = "",
    evidence: tuple[Evidence, ...] = (),
) -> Observation:
    """Returns a device's finished observation as ours, labelled as theirs.

    Args:
        device_id: the camera or complex.
        serial: its own number of this observation; with the device it makes the id.
        at: when it was seen.
        kind: what the device says it is.
        label: the thing.
        confidence: 0..1, as the device gives it.
        lat_deg: place.
        lon_deg: place.
        radius_m: 90 % of errors are smaller.
        camera_id: which of its cameras, else the device itself.
        plate: as the device read it.
        model: its analytics.
        evidence: what it sent, already in the vault.
    """
    variance = max(radius_m, 0.5) ** 2 / 4.605170185988092
    return Observation(
        observation_id=ObservationId(content_id("observation", "elsewhere", device_id, serial)),
        label=label,
        source=Source(
            origin=Origin.ELSEWHERE,
            camera_id=camera_id or CameraId(device_id),
            device_serial=serial,
            model=model or device_id,
        ),
        first_seen_at=at,
        last_seen_at=at,
        point=GroundPoint(lat_deg, lon_deg, Covariance(variance, variance)),
        confidence=confidence,
        evidence=evidence,
        plate=plate,
        kind=kind,
    )


def report_observation_from_elsewhere(
    observation: Observation,
    zones: Sequence[Zone],
    store: IncidentStore,
    notifier: Notifier,
    now: datetime,
    rules: Sequence[Rule] = RULES,
) -> ElsewhereAnswer:
    """Judges a device's observation by the zones and reports it; idempotent by its id.

    One that was refused is not kept, so it is judged anew each time it comes.

    Raises:
        KeyReused: if an observation of that id is known with another content.
        VersionConflict: as `report_violation`.
        DiskFull: as `report_violation`.
    """
    known = store.by_observation(observation.observation_id)
    if known is not None:
        held = next(
            (o for o in known.observations if o.observation_id == observation.observation_id), None
        )
        if held is not None and held != observation:
            raise KeyReused(
                "this serial number was used for another observation",
                where=observation.source.device_serial,
                cure="give every observation a number of its own",
            )
        return ElsewhereAnswer(observation.observation_id, _living(known, store), None, False)
    violations, refusals = judge(observation, zones, now, rules)
    if not violations:
        return ElsewhereAnswer(observation.observation_id, None, refusals[0], True)
    incident = report_violation(violations[0], store, notifier, now)
    return ElsewhereAnswer(observation.observation_id, incident, None, True)
