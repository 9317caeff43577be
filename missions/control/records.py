"""What was commanded and what came of it: records in a chain of hashes, and its verifier.

Each record is kept as the canonical text that was hashed, so that a later version of this class
still proves old ones. The chain shows what was altered, taken out or moved; records cut off its
end show only against a head that was noted elsewhere.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from core.documents import from_document, to_document
from core.errors import PlanUnsafe, QyranError, StoreUnreadable
from core.ids import AssetId, Digest, PatrolId, SortieId, UserId

GENESIS: Final = Digest("0" * 64)
"""Stands for the hash before the first record."""


class CommandKind(StrEnum):
    """What was commanded."""

    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    RETURN = "return"
    RETASK = "retask"
    """Left its mission for another one."""
    LAND = "land"
    LEASE = "lease"
    """Command was taken, renewed or taken over."""
    RELEASE = "release"
    """Command was given back."""
    ARM_REQUEST = "arm_request"
    """An aircraft asked whether it may arm, and was answered."""
    CORRECT_FAILSAFES = "correct_failsafes"
    """Settings of an aircraft on the ground were corrected."""
    CLEAR_SKY = "clear_sky"
    LIFT_SKY = "lift_sky"
    HAND_OFF = "hand_off"
    """An event is offered to an asset, accepted, refused, or goes on; see `missions.handoffs`."""
    FLY_TO = "fly_to"
    ORBIT = "orbit"
    FOLLOW = "follow"
    LOOK_AT = "look_at"
    ZOOM = "zoom"
    LIGHT = "light"
    LOUDSPEAKER = "loudspeaker"


class Outcome(StrEnum):
    """What the vehicle, or the station for it, answered."""

    DONE = "done"
    REFUSED = "refused"
    LINK_LOST = "link_lost"
    NO_ANSWER = "no_answer"
    """Given up: the sortie ended, or the station did, before an answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command."""

    outcome: Outcome
    code: str = ""
    """Stable code of the refusal."""
    words: str = ""
    """The vehicle's own where it gave any."""


@dataclass(frozen=True, slots=True)
class CommandDetails:
    """What a command says beside its kind."""

    asked_at: datetime | None = None
    """When it was given, where it had to wait for its turn."""
    patrol_id: PatrolId | None = None
    reason_code: str = ""
    how: str = ""
    """How the sky was cleared: `hold` or `return`; or which settings were corrected."""
    overrides: UserId | None = None
    """Who held command when it went over their head."""
    lease_until: datetime | None = None
    recorded_late: bool = False
    """It went to the vehicle before it could be written, because it made it safe."""
    task: str = ""
    """What was asked for beside the mission, in words: places, heights, the approved text."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """One command, or the answer to one of the same id."""

    command_id: str
    kind: CommandKind
    at: datetime
    """When it was recorded: just before it went out, or when the answer came."""
    by: UserId | None
    """`None` is the station itself."""
    asset_id: AssetId | None = None
    """`None` is for all."""
    sortie_id: SortieId | None = None
    reason: str = ""
    details: CommandDetails = CommandDetails()
    term: int | None = None
    """Of the lease under which it went; `None` needed none."""
    answer: Answer | None = None
    """`None` where it is about to go out; its answer follows as a record of its own."""


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """A record in its place of the chain."""

    number: int
    """From 1, without gaps."""
    record: CommandRecord
    text: str
    """The canonical form that was hashed."""
    previous: Digest
    digest: Digest


class FaultKind(StrEnum):
    """How a chain is broken."""

    ALTERED = "altered"
    MISSING = "missing"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first place at which a chain is broken."""

    number: int
    kind: FaultKind
    words: str


def refusal(error: QyranError) -> Answer:
    """Returns an error as the answer to a command, with the code of the finding where it is one."""
    finding = error.finding if isinstance(error, PlanUnsafe) else ""
    return Answer(Outcome.REFUSED, finding or error.code, str(error))


def canonical(record: CommandRecord) -> str:
    """Returns the one text of a record: JSON without blanks, its names in order."""
    document = to_document(record)
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def record_of(text: str) -> CommandRecord:
    """Returns the record of a canonical text.

    Raises:
        StoreUnreadable: if it is none.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StoreUnreadable(
            f"a command's record can't be read: {error}", cure="restore a backup"
        ) from error
    return from_document(CommandRecord, document)


def digest_of(number: int, previous: Digest, text: str) -> Digest:
    """Returns the hash of a record in its place."""
    head = f"{number}\n{previous}\n"
    return Digest(hashlib.sha256(head.encode() + text.encode()).hexdigest())


def chained(record: CommandRecord, before: ChainEntry | None) -> ChainEntry:
    """Returns a record as the next of a chain; `before` is its last one so far."""
    number, previous = (1, GENESIS) if before is None else (before.number + 1, before.digest)
    text = canonical(record)
    return ChainEntry(number, record, text, previous, digest_of(number, previous, text))


def first_fault(
    entries: Iterable[ChainEntry], head: tuple[int, Digest] | None = None
) -> ChainFault | None:
    """Returns the first altered, missing or moved record of a whole chain; `None` if it is sound.

    Args:
        entries: all of them from the first, in the order in which they are kept.
        head: number and hash of the last one as noted elsewhere; shows what was cut off.
    """
    listed = list(entries)
    numbers = {entry.number for entry in listed}
    previous, found = GENESIS, {}
    for number, entry in enumerate(listed, start=1):
        if entry.number != number:
            if number in numbers:
                words = f"number {entry.number} stands where {number} belongs"
                return ChainFault(number, FaultKind.REORDERED, words)
            return ChainFault(number, FaultKind.MISSING, f"number {number} is not there")
        if digest_of(number, entry.previous, entry.text) != entry.digest:
            return ChainFault(number, FaultKind.ALTERED, "its text does not have its hash")
        if entry.previous != previous:
            # its own hash was made anew, but the one that follows still names the old hash
            words = f"number {number} follows on another"
            return ChainFault(max(1, number - 1), FaultKind.ALTERED, words)
        if canonical(entry.record) != entry.text and record_of(entry.text) != entry.record:
            return ChainFault(number, FaultKind.ALTERED, "what is shown is not what was hashed")
        previous = found[number] = entry.digest
    if head is None:
        return None
    if head[0] > len(listed):
        gone = len(listed) + 1
        return ChainFault(gone, FaultKind.MISSING, f"number {gone} to {head[0]} are not there")
    if found.get(head[0], GENESIS) != head[1]:
        return ChainFault(head[0], FaultKind.ALTERED, "it has not the hash that was noted")
    return None


@dataclass(frozen=True, slots=True)
class Command:
    """A command with what came of it."""

    number: int
    asked: CommandRecord
    answer: Answer
    answered_at: datetime | None


def answered_commands(entries: Iterable[ChainEntry]) -> tuple[Command, ...]:
    """Returns commands in their order, each joined with its answer; without one: no answer.

    What a killed station left between command and answer shows as just that.
    """
    asked: dict[str, Command] = {}
    for entry in entries:
        record = entry.record
        before = asked.get(record.command_id)
        if before is None:
            answer = record.answer or Answer(Outcome.NO_ANSWER)
            at = None if record.answer is None else record.at
            asked[record.command_id] = Command(entry.number, record, answer, at)
        elif record.answer is not None:
            asked[record.command_id] = Command(
                before.number, before.asked, record.answer, record.at
            )
    return tuple(asked.values())
