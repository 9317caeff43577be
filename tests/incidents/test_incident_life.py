"""The life of incidents as a state machine, on every store, beside a plain model of it."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from core.errors import ClaimedByOther, IllegalMove, NotClaimed, VersionConflict
from core.ids import AgencyId, IncidentId, ObservationId, SortieId
from incidents import review
from incidents.adapters.log_notifier import LogNotifier
from incidents.intake import report_violation
from incidents.model import INCIDENT_MOVES, Incident, IncidentState
from incidents.ports import IncidentFilter, IncidentStore
from tests.builders import (
    NOW,
    OTHER_REVIEWER,
    REVIEWER,
    a_piece_of_evidence,
    a_point,
    a_source,
    a_violation,
    an_observation,
)
from tests.conftest import INCIDENT_STORES

PEOPLE = st.sampled_from([REVIEWER, OTHER_REVIEWER])
PLACES = (0.0, 100.0, 200.0)
CLEANING = AgencyId("cleaning")
REFUSED = (IllegalMove, NotClaimed, ClaimedByOther)


def life_of(make: Callable[[Path], IncidentStore]) -> type[RuleBasedStateMachine]:
    """Returns the machine for one kind of store."""

    class Life(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.folder = Path(tempfile.mkdtemp(prefix="qyran-life-"))
            self.store = make(self.folder)
            self.notifier = LogNotifier()
            self.now: datetime = NOW
            self.seen = 0
            self.reported: set[ObservationId] = set()
            self.newest: dict[IncidentId, Incident] = {}

        def teardown(self) -> None:
            shutil.rmtree(self.folder, ignore_errors=True)

        def keep(self, incident: Incident) -> None:
            before = self.newest.get(incident.incident_id)
            if before is not None and incident.version > before.version:
                assert incident.timeline[: len(before.timeline)] == before.timeline
                if incident.state is not before.state:
                    assert incident.state in INCIDENT_MOVES.moves[before.state]
            self.newest[incident.incident_id] = incident

        def step(self, index: int, change: Callable[[Incident], Incident]) -> None:
            held = self.newest[sorted(self.newest)[index % len(self.newest)]]
            try:
                new = change(held)
            except REFUSED:
                return
            self.store.save(new, held.version)
            self.keep(new)

        @rule(place=st.sampled_from(PLACES))
        def see(self, place: float) -> None:
            self.seen += 1
            seen = an_observation(
                observation_id=ObservationId(f"observation-{self.seen}"),
                source=a_source(sortie_id=SortieId(f"sortie-{self.seen}")),
                first_seen_at=self.now,
                last_seen_at=self.now,
                point=a_point(place, 0),
            )
            violation = a_violation(observation=seen)
            incident = report_violation(violation, self.store, self.notifier, self.now)
            self.reported.add(seen.observation_id)
            self.keep(incident)
            # once more is no more
            assert report_violation(violation, self.store, self.notifier, self.now) == incident

        @rule(minutes=st.sampled_from([1, 8, 45, 180, 900]))
        def wait(self, minutes: int) -> None:
            self.now += timedelta(minutes=minutes)

        @precondition(lambda self: self.newest)
        @rule(index=st.integers(0, 5), who=PEOPLE, why=st.sampled_from(["", "shift ended"]))
        def claim(self, index: int, who: Any, why: str) -> None:
            self.step(index, lambda i: review.claim(i, who, self.now, why))

        @precondition(lambda self: self.newest)
        @rule(index=st.integers(0, 5), who=PEOPLE)
        def confirm(self, index: int, who: Any) -> None:
            self.step(index, lambda i: review.confirm(i, who, self.now))

        @precondition(lambda self: self.newest)
        @rule(index=st.integers(0, 5), who=PEOPLE)
        def reject(self, index: int, who: Any) -> None:
            self.step(index, lambda i: review.reject(i, who, self.now, "wrong_place"))

        @precondition(lambda self: self.newest)
        @rule(index=st.integers(0, 5), who=PEOPLE)
        def reopen(self, index: int, who: Any) -> None:
            self.step(index, lambda i: review.reopen(i, who, self.now))

        @precondition(lambda self: self.newest)
        @rule(index=st.integers(0, 5), who=PEOPLE)
        def assign(self, index: int, who: Any) -> None:
            self.step(index, lambda i: review.assign(i, CLEANING, who, self.now))

        @precondition(lambda self: self.newest)
        @rule(index=st.integers(0, 5), who=PEOPLE)
        def complete(self, index: int, who: Any) -> None:
            photo = a_piece_of_evidence()
            self.step(index, lambda i: review.complete(i, photo, who, CLEANING, self.now))

        @precondition(lambda self: self.newest)
        @rule(index=st.integers(0, 5), who=PEOPLE, accept=st.booleans())
        def close(self, index: int, who: Any, accept: bool) -> None:
            decide = review.accept_closure if accept else review.refuse_closure
            self.step(index, lambda i: decide(i, who, self.now))

        @precondition(lambda self: len(self.newest) > 1)
        @rule(who=PEOPLE)
        def merge(self, who: Any) -> None:
            first, second = (self.newest[i] for i in sorted(self.newest)[:2])
            if second.state is IncidentState.MERGED:
                return
            try:
                merged, survivor = review.merge_into(first, second, who, self.now)
            except REFUSED:
                return
            self.store.save(merged, first.version)
            self.store.save(survivor, second.version)
            self.keep(merged)
            self.keep(survivor)

        @precondition(lambda self: self.newest)
        @rule(index=st.integers(0, 5))
        def write_on_a_stale_version(self, index: int) -> None:
            held = self.newest[sorted(self.newest)[index % len(self.newest)]]
            if held.version == 1:
                return
            with pytest.raises(VersionConflict):
                self.store.save(replace(held, because="late"), held.version - 1)

        @invariant()
        def the_store_holds_what_was_acknowledged(self) -> None:
            found = {i.incident_id: i for i in self.store.find(IncidentFilter(), limit=200)}
            assert found == self.newest

        @invariant()
        def no_report_is_lost(self) -> None:
            for observation_id in self.reported:
                incident = self.store.by_observation(observation_id)
                assert incident is not None
                assert incident.state is not IncidentState.MERGED
                assert observation_id in {o.observation_id for o in incident.observations}

    return Life


@pytest.mark.parametrize("name", sorted(INCIDENT_STORES))
def test_the_life_of_incidents(name: str) -> None:
    few = settings(
        max_examples=25 if name == "memory" else 6,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run(life_of(INCIDENT_STORES[name]), settings=few)
