"""Incidents in memory, for tests and for runs that keep nothing."""

import math
from collections.abc import Sequence
from threading import RLock
from typing import Literal

from core.errors import DiskFull, NotFound, VersionConflict
from core.ids import Digest, IncidentId, ObservationId
from geo.local_frame import distance_m
from incidents.model import Incident, IncidentState
from incidents.ports import IncidentFilter

Failure = Literal["", "disk_full", "conflict"]


class MemoryIncidentStore:
    """An `IncidentStore` that forgets everything when the process ends; safe for threads."""

    def __init__(self) -> None:
        """Starts empty."""
        self.fail_next: Failure = ""
        """Makes the next `add` or `save` fail: `disk_full` or `conflict`; once."""
        self._incidents: dict[IncidentId, Incident] = {}
        self._by_observation: dict[ObservationId, IncidentId] = {}
        self._lock = RLock()

    def add(self, incident: Incident) -> None:
        """Keeps a new incident.

        Raises:
            VersionConflict: if one of that id is there, or another incident holds one of its
                observations.
            DiskFull: if that failure was asked for.
        """
        if incident.version != 1:
            raise ValueError(f"a new incident must have version 1, not {incident.version}")
        with self._lock:
            self._fail()
            if incident.incident_id in self._incidents:
                raise VersionConflict("it is there already", where=incident.incident_id)
            self._keep(incident)

    def get(self, incident_id: IncidentId) -> Incident:
        """Returns the newest version.

        Raises:
            NotFound: if there is none.
        """
        with self._lock:
            if incident_id not in self._incidents:
                raise NotFound("there is no such incident", where=incident_id)
            return self._incidents[incident_id]

    def save(self, incident: Incident, expected_version: int) -> None:
        """Keeps the next version.

        Raises:
            NotFound: if there is no such incident.
            VersionConflict: if the kept version is another, or another incident that was not
                merged holds one of its observations.
            DiskFull: if that failure was asked for.
        """
        if incident.version != expected_version + 1:
            raise ValueError(f"version {incident.version} can't follow {expected_version}")
        with self._lock:
            self._fail()
            kept = self.get(incident.incident_id)
            if kept.version != expected_version:
                raise VersionConflict(
                    f"it is at version {kept.version}, not {expected_version}",
                    where=incident.incident_id,
                    cure="read it anew and try again",
                )
            self._keep(incident)

    def find(
        self, wanted: IncidentFilter, *, after: IncidentId | None = None, limit: int = 100
    ) -> Sequence[Incident]:
        """Returns incidents newest first, starting after the one named."""
        with self._lock:
            if after is not None and after not in self._incidents:
                return ()
            fitting = [i for i in self._incidents.values() if _fits(i, wanted)]
            if after is not None:
                last = _order(self._incidents[after])
                fitting = [i for i in fitting if _order(i) < last]
        return tuple(sorted(fitting, key=_order, reverse=True)[:limit])

    def by_observation(self, observation_id: ObservationId) -> Incident | None:
        """Returns the incident that holds this observation, or `None`."""
        with self._lock:
            incident_id = self._by_observation.get(observation_id)
            return self._incidents[incident_id] if incident_id else None

    def by_evidence(self, digest: Digest) -> Sequence[Incident]:
        """Returns the incidents whose newest version holds this evidence; maybe none."""
        with self._lock:
            incidents = tuple(self._incidents.values())
        return tuple(i for i in incidents if any(e.digest == digest for e in i.all_evidence))

    def _keep(self, incident: Incident) -> None:
        own, merged = incident.incident_id, incident.state is IncidentState.MERGED
        taken: list[ObservationId] = []
        for o in incident.observations:
            holder = self._by_observation.get(o.observation_id, own)
            if holder == own:
                taken.append(o.observation_id)
            elif not merged:  # a merged one has given its observations away
                if self._incidents[holder].state is not IncidentState.MERGED:
                    raise VersionConflict(
                        f"holds observation {o.observation_id} already", where=holder
                    )
                taken.append(o.observation_id)
        older = self._incidents.get(own)
        for o in older.observations if older else ():
            if self._by_observation.get(o.observation_id) == own:
                del self._by_observation[o.observation_id]
        self._by_observation.update(dict.fromkeys(taken, own))
        self._incidents[own] = incident

    def _fail(self) -> None:
        failure, self.fail_next = self.fail_next, ""
        if failure == "disk_full":
            raise DiskFull("there is no room for the incident", cure="free some space")
        if failure == "conflict":
            raise VersionConflict("somebody else was quicker", cure="read it anew and try again")


def _order(incident: Incident) -> tuple[float, str]:
    return incident.opened_at.timestamp(), incident.incident_id


def _fits(incident: Incident, wanted: IncidentFilter) -> bool:
    if wanted.states is not None and incident.state not in wanted.states:
        return False
    if wanted.kind is not None and incident.kind is not wanted.kind:
        return False
    if wanted.seen_since is not None and incident.last_seen_at < wanted.seen_since:
        return False
    lat, lon, near_m = wanted.near_lat_deg, wanted.near_lon_deg, wanted.near_m
    if lat is None or lon is None or near_m is None:
        return True
    point = incident.point
    # a cheap look first: the exact distance costs more
    if abs(point.lat_deg - lat) * 110_000 > near_m + 1:
        return False
    apart_m = distance_m(lat, lon, point.lat_deg, point.lon_deg)
    return math.isfinite(apart_m) and apart_m <= near_m
