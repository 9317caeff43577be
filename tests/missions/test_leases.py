"""Leases: one holder at a time, terms that rise, stale commands refused; the chain of records."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.errors import BadRequest, LeaseHeld, LeaseStale
from core.ids import AssetId, Digest, UserId
from missions.control.leases import (
    LEASE_LASTS,
    Lease,
    check_term,
    for_order,
    released,
    taken,
)
from missions.control.records import (
    Answer,
    ChainEntry,
    CommandDetails,
    CommandKind,
    CommandRecord,
    FaultKind,
    Outcome,
    answered_commands,
    canonical,
    chained,
    first_fault,
    record_of,
)
from tests.builders import NOW

ASSET = AssetId("drone-1")
ANNA, BOLAT, DANA = (UserId(name) for name in ("anna", "bolat", "dana"))
PEOPLE = st.sampled_from((ANNA, BOLAT, DANA))
REASON = "the other pilot's link is gone"


class Leases(RuleBasedStateMachine):
    """What people may do with one asset, beside a model that only knows who had which term."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.lease: Lease | None = None
        self.handed_out: dict[int, UserId] = {}
        self.given_back: set[int] = set()
        self.renewed_at: dict[int, datetime] = {}

    def holder(self) -> UserId | None:
        """By the model alone: who was given the newest term, unless it is over."""
        if not self.handed_out:
            return None
        term = max(self.handed_out)
        over = term in self.given_back or self.now >= self.renewed_at[term] + LEASE_LASTS
        return None if over else self.handed_out[term]

    def keep(self, lease: Lease, by: UserId) -> None:
        before = max(self.handed_out, default=0)
        assert lease.term in (before, before + 1)
        if lease.term == before:
            assert self.holder() == by
        self.handed_out[lease.term] = by
        self.renewed_at[lease.term] = self.now
        self.lease = lease

    @rule(seconds=st.integers(0, 400))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(by=PEOPLE, reason=st.sampled_from(("", "x", REASON)))
    def take(self, by: UserId, reason: str) -> None:
        other = self.holder() not in (None, by)
        if other and reason != REASON:
            with pytest.raises(LeaseHeld if not reason else BadRequest):
                taken(self.lease, ASSET, by, self.now, reason)
            return
        self.keep(taken(self.lease, ASSET, by, self.now, reason), by)

    @rule(by=PEOPLE)
    def give_back(self, by: UserId) -> None:
        holder = self.holder()
        if holder not in (None, by):
            with pytest.raises(LeaseHeld):
                released(self.lease, by, self.now)
            return
        ended = released(self.lease, by, self.now)
        assert (ended is None) == (holder is None)
        if ended is not None:
            self.lease = ended
            self.given_back.add(ended.term)

    @rule(by=PEOPLE, behind=st.none() | st.integers(-1, 3))
    def order(self, by: UserId, behind: int | None) -> None:
        newest = max(self.handed_out, default=0)
        term = None if behind is None else newest - behind
        holder = self.holder()
        if term is None and holder not in (None, by):
            with pytest.raises(LeaseHeld):
                for_order(self.lease, ASSET, by, self.now)
        elif term is not None and (term != newest or holder != by):
            with pytest.raises(LeaseStale):
                for_order(self.lease, ASSET, by, self.now, term)
        else:
            self.keep(for_order(self.lease, ASSET, by, self.now, term), by)

    @invariant()
    def one_holder_at_most(self) -> None:
        in_force = []
        for by in (ANNA, BOLAT, DANA):
            for term in range(max(self.handed_out, default=0) + 2):
                try:
                    check_term(self.lease, by, self.now, term, where="")
                except LeaseStale:
                    continue
                in_force.append((by, term))
        holder = self.holder()
        assert in_force == ([] if holder is None else [(holder, max(self.handed_out))])


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_lease_of_a_clock_that_ran_ahead_locks_nobody_out() -> None:
    ahead = Lease(ASSET, ANNA, 4, NOW + timedelta(days=1), NOW + timedelta(days=1, minutes=5))
    assert not ahead.holds(NOW)
    assert taken(ahead, ASSET, BOLAT, NOW).term == 5


def test_a_refusal_says_who_until_when_and_what_to_do() -> None:
    lease = taken(None, ASSET, ANNA, NOW)
    with pytest.raises(LeaseHeld) as refused:
        for_order(lease, ASSET, BOLAT, NOW)
    assert "anna" in str(refused.value)
    assert f"{lease.expires_at:%H:%M:%S}" in str(refused.value)
    assert "take the lease over" in refused.value.cure


def a_record(number: int, **changes: object) -> CommandRecord:
    record = CommandRecord(
        f"command-{number}", CommandKind.HOLD, NOW + timedelta(seconds=number), ANNA, ASSET,
        reason="қауіп: a crane", details=CommandDetails(asked_at=NOW), term=3,
    )  # fmt: skip
    return replace(record, **changes)  # type: ignore[arg-type]


def a_chain(length: int) -> list[ChainEntry]:
    entries: list[ChainEntry] = []
    for number in range(1, length + 1):
        entries.append(chained(a_record(number), entries[-1] if entries else None))
    return entries


def test_a_record_survives_its_canonical_text() -> None:
    record = a_record(1, answer=Answer(Outcome.REFUSED, "start_refused", "mode rejected"))
    assert record_of(canonical(record)) == record


@given(st.data())
def test_the_verifier_names_the_first_record_that_is_wrong(data: st.DataObject) -> None:
    entries = a_chain(data.draw(st.integers(2, 9)))
    assert first_fault(entries) is None
    head = (len(entries), entries[-1].digest)
    at = data.draw(st.integers(0, len(entries) - 1))
    how = data.draw(st.sampled_from(("text", "rehashed", "gone", "swapped", "digest")))
    number = at + 1
    if how == "text":
        entries[at] = replace(entries[at], text=entries[at].text.replace("crane", "drone"))
    elif how == "digest":
        entries[at] = replace(entries[at], digest=Digest("f" * 64))
    elif how == "rehashed":  # as somebody would who knows how hashes are made
        before = entries[at - 1] if at else None
        entries[at] = chained(a_record(number, reason="as I wish it had been"), before)
    elif how == "gone":
        del entries[at]
    else:
        other = data.draw(st.integers(0, len(entries) - 1))
        if other == at:
            return
        entries[at], entries[other] = entries[other], entries[at]
        number = min(at, other) + 1
    fault = first_fault(entries, head)
    assert fault is not None
    assert fault.number == number
    kinds = {"gone": FaultKind.MISSING, "swapped": FaultKind.REORDERED}
    assert fault.kind is kinds.get(how, FaultKind.ALTERED)


def test_a_command_without_its_answer_shows_as_unanswered() -> None:
    asked, other = a_record(1), a_record(2)
    done = replace(asked, at=NOW + timedelta(seconds=9), answer=Answer(Outcome.DONE))
    entries: list[ChainEntry] = []
    for record in (asked, other, done):
        entries.append(chained(record, entries[-1] if entries else None))
    first, second = answered_commands(entries)
    assert (first.answer.outcome, first.answered_at) == (Outcome.DONE, done.at)
    assert (second.answer.outcome, second.answered_at) == (Outcome.NO_ANSWER, None)
