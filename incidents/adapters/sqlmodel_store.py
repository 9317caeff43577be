"""Incidents in SQL (SQLite or PostgreSQL): optimistic versions, append-only history.

The engine comes from `station.database`, which sets durability (WAL, synchronous FULL) and
turns a full disk into `DiskFull`. Each call is one transaction. Safe to share by threads.
"""

import math
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, and_, delete, insert, or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core.clock import Clock
from core.errors import NotFound, VersionConflict
from core.ids import Digest, IncidentId, ObservationId
from geo.local_frame import distance_m
from incidents.adapters.sqlmodel_rows import (
    IncidentEvidenceRow,
    IncidentObservationRow,
    IncidentRow,
    IncidentVersionRow,
)
from incidents.model import Incident, IncidentState
from incidents.ports import IncidentFilter

_METRES_PER_DEGREE = 110_500.0
"""Less than a degree of latitude has anywhere, so that a box never is too small."""


class SqlIncidentStore:
    """An `IncidentStore` in a database."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        """Uses an engine made by `station.database`.

        Args:
            engine: the main database.
            clock: tells when a version was saved.
        """
        self._reads = engine
        self._writes = engine.execution_options(qyran_write=True)
        self._clock = clock

    def add(self, incident: Incident) -> None:
        """Keeps a new incident (version 1).

        Raises:
            VersionConflict: if one of that id is there, or another incident holds one of its
                observations.
            DiskFull: if there is no room; nothing is changed.
        """
        if incident.version != 1:
            raise ValueError(f"a new incident must have version 1, not {incident.version}")
        now = self._clock.now()
        try:
            with Session(self._writes) as session, session.begin():
                if session.get(IncidentRow, incident.incident_id) is not None:
                    raise _conflict(incident.incident_id, "is there already")
                session.add(IncidentRow.from_domain(incident, now))
                session.flush()
                self._keep_version(session, incident, now)
        except IntegrityError as error:  # another process was faster
            raise _conflict(incident.incident_id, "was added by somebody else") from error

    def get(self, incident_id: IncidentId) -> Incident:
        """Returns the newest version.

        Raises:
            NotFound: if there is none.
        """
        with Session(self._reads) as session:
            row = session.exec(
                _newest().where(col(IncidentRow.incident_id) == incident_id)
            ).one_or_none()
            if row is None:
                raise NotFound("no such incident", where=incident_id)
            return row.to_domain()

    def save(self, incident: Incident, expected_version: int) -> None:
        """Keeps `incident` (version `expected_version` + 1) over the one of that version.

        Raises:
            NotFound: if there is no such incident.
            VersionConflict: if the kept version is another, or another incident that was not
                merged holds one of its observations; nothing is changed.
            DiskFull: if there is no room; nothing is changed.
        """
        if incident.version != expected_version + 1:
            raise ValueError(f"version {incident.version} can't follow {expected_version}")
        now = self._clock.now()
        head = IncidentRow.from_domain(incident, now).model_dump(exclude={"incident_id"})
        try:
            with Session(self._writes) as session, session.begin():
                changed = session.execute(
                    update(IncidentRow)
                    .where(
                        col(IncidentRow.incident_id) == incident.incident_id,
                        col(IncidentRow.version) == expected_version,
                    )
                    .values(**head)
                    .execution_options(synchronize_session=False)
                )
                if changed.rowcount != 1:  # type: ignore[attr-defined]
                    if session.get(IncidentRow, incident.incident_id) is None:
                        raise NotFound("no such incident", where=incident.incident_id)
                    raise _conflict(incident.incident_id, "has been changed by somebody else")
                self._keep_version(session, incident, now)
        except IntegrityError as error:
            raise _conflict(incident.incident_id, "has been changed by somebody else") from error

    def find(
        self, wanted: IncidentFilter, *, after: IncidentId | None = None, limit: int = 100
    ) -> Sequence[Incident]:
        """Returns incidents newest first by (opened_at, id), starting after the one named.

        An unknown `after` gives an empty answer.
        """
        found: list[Incident] = []
        with Session(self._reads) as session:
            mark: tuple[datetime, str] | None = None
            if after is not None:
                known = session.get(IncidentRow, after)
                if known is None:
                    return ()
                mark = known.opened_at, known.incident_id
            while len(found) < limit:
                statement = _newest().where(*_conditions(wanted))
                if mark is not None:
                    statement = statement.where(_older_than(*mark))
                rows = session.exec(
                    statement.order_by(
                        col(IncidentRow.opened_at).desc(), col(IncidentRow.incident_id).desc()
                    ).limit(limit)
                ).all()
                page = [row.to_domain() for row in rows]
                found += [incident for incident in page if _near(wanted, incident)]
                if len(page) < limit:
                    break
                mark = page[-1].opened_at, page[-1].incident_id
        return tuple(found[:limit])

    def by_observation(self, observation_id: ObservationId) -> Incident | None:
        """Returns the incident that holds this observation, or `None`."""
        with Session(self._reads) as session:
            row = session.exec(
                _newest()
                .join(
                    IncidentObservationRow,
                    col(IncidentObservationRow.incident_id) == col(IncidentRow.incident_id),
                )
                .where(col(IncidentObservationRow.observation_id) == observation_id)
            ).one_or_none()
            return None if row is None else row.to_domain()

    def by_evidence(self, digest: Digest) -> Sequence[Incident]:
        """Returns the incidents whose newest version holds this evidence; maybe none."""
        # `holders` knows older versions too; a purge may take evidence out of the newest
        incidents = (self.get(incident_id) for incident_id in self.holders(digest))
        return tuple(i for i in incidents if any(e.digest == digest for e in i.all_evidence))

    def history(self, incident_id: IncidentId) -> tuple[Incident, ...]:
        """Returns every version that was acknowledged, oldest first; maybe none."""
        with Session(self._reads) as session:
            rows = session.exec(
                select(IncidentVersionRow)
                .where(col(IncidentVersionRow.incident_id) == incident_id)
                .order_by(col(IncidentVersionRow.version))
            ).all()
            return tuple(row.to_domain() for row in rows)

    def holders(self, digest: Digest) -> tuple[IncidentId, ...]:
        """Returns the incidents that have ever held this evidence, in order of their id."""
        with Session(self._reads) as session:
            rows = session.exec(
                select(IncidentEvidenceRow.incident_id)
                .where(col(IncidentEvidenceRow.digest) == digest)
                .order_by(col(IncidentEvidenceRow.incident_id))
            ).all()
            return tuple(IncidentId(row) for row in rows)

    def _keep_version(self, session: Session, incident: Incident, now: datetime) -> None:
        session.add(IncidentVersionRow.from_domain(incident, now))
        self._keep_observations(session, incident)
        digests = sorted({item.digest for item in incident.all_evidence})
        known = session.exec(
            select(IncidentEvidenceRow.digest).where(
                col(IncidentEvidenceRow.incident_id) == incident.incident_id
            )
        ).all()
        session.add_all(
            IncidentEvidenceRow(digest=digest, incident_id=incident.incident_id)
            for digest in digests
            if digest not in known
        )

    def _keep_observations(self, session: Session, incident: Incident) -> None:
        wanted = list(dict.fromkeys(o.observation_id for o in incident.observations))
        session.execute(  # what it has given away in a merge
            delete(IncidentObservationRow).where(
                col(IncidentObservationRow.incident_id) == incident.incident_id,
                col(IncidentObservationRow.observation_id).not_in(wanted),
            )
        )
        held = session.exec(
            select(IncidentObservationRow, IncidentRow.state)
            .join(
                IncidentRow,
                col(IncidentRow.incident_id) == col(IncidentObservationRow.incident_id),
            )
            .where(col(IncidentObservationRow.observation_id).in_(wanted))
        ).all()
        rows = {row.observation_id: (row, state) for row, state in held}
        for observation_id in wanted:
            if observation_id not in rows:
                session.execute(
                    insert(IncidentObservationRow).values(
                        observation_id=observation_id, incident_id=incident.incident_id
                    )
                )
                continue
            row, state = rows[observation_id]
            if row.incident_id == incident.incident_id:
                continue
            if incident.state is IncidentState.MERGED:
                continue  # the survivor has taken it over already
            if state != str(IncidentState.MERGED):
                raise _conflict(row.incident_id, f"holds observation {observation_id} already")
            row.incident_id = incident.incident_id
            session.add(row)


def _newest() -> SelectOfScalar[IncidentVersionRow]:
    return select(IncidentVersionRow).join(
        IncidentRow,
        and_(
            col(IncidentRow.incident_id) == col(IncidentVersionRow.incident_id),
            col(IncidentRow.version) == col(IncidentVersionRow.version),
        ),
    )


def _conflict(where: str, what: str) -> VersionConflict:
    return VersionConflict(what, where=where, cure="read it again and repeat the change")


def _older_than(opened_at: datetime, incident_id: str) -> ColumnElement[bool]:
    return or_(
        col(IncidentRow.opened_at) < opened_at,
        and_(col(IncidentRow.opened_at) == opened_at, col(IncidentRow.incident_id) < incident_id),
    )


def _conditions(wanted: IncidentFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states is not None:
        conditions.append(col(IncidentRow.state).in_(sorted(str(s) for s in wanted.states)))
    if wanted.kind is not None:
        conditions.append(col(IncidentRow.kind) == str(wanted.kind))
    if wanted.seen_since is not None:
        conditions.append(col(IncidentRow.last_seen_at) >= wanted.seen_since)
    lat, lon, near_m = wanted.near_lat_deg, wanted.near_lon_deg, wanted.near_m
    if lat is not None and lon is not None and near_m is not None:
        half_lat = near_m / _METRES_PER_DEGREE
        conditions.append(col(IncidentRow.lat_deg).between(lat - half_lat, lat + half_lat))
        narrowest = math.cos(math.radians(min(90.0, abs(lat) + half_lat)))
        half_lon = half_lat / narrowest if narrowest > 1e-6 else 360.0
        if abs(lon) + half_lon <= 180.0:  # a box across the date line is left to the exact test
            conditions.append(col(IncidentRow.lon_deg).between(lon - half_lon, lon + half_lon))
    return conditions


def _near(wanted: IncidentFilter, incident: Incident) -> bool:
    lat, lon, near_m = wanted.near_lat_deg, wanted.near_lon_deg, wanted.near_m
    if lat is None or lon is None or near_m is None:
        return True
    return distance_m(lat, lon, incident.point.lat_deg, incident.point.lon_deg) <= near_m
