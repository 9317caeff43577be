"""Leases, commands and the cleared sky on the wire."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.base import Answer, Body, Instant, Note
from api.schemas.missions import SortieOut
from api.services import Cleared, Commanded, Confirmation, SkyAnswer
from missions.control.desk import ClearedSky
from missions.control.leases import Lease
from missions.control.records import Answer as Answered
from missions.control.records import Command, CommandKind, Outcome

_TAKE: list[JsonValue] = [{}, {"reason": "the first pilot's link is gone"}]
_CLEAR: list[JsonValue] = [{"how": "return", "reason": "a helicopter is coming in"}]
_LIFT: list[JsonValue] = [{"reason": "the helicopter has left"}]
Reason = Annotated[Note, Field(min_length=1)]


class LeaseBody(Body):
    """A wish to command an asset; the reason is for taking it from somebody else."""

    model_config = ConfigDict(json_schema_extra={"examples": _TAKE})

    reason: Note = ""


class LeaseOut(Answer):
    """Who commands an asset; all but its id is null where nobody does."""

    asset_id: str
    holder: str | None
    """The account's id."""
    term: int | None
    """To be sent as `Qyran-Lease-Term` with commands, so that stale ones are refused."""
    taken_at: Instant | None
    expires_at: Instant | None
    reason: str

    @classmethod
    def from_domain(cls, asset_id: str, lease: Lease | None) -> Self:
        """Returns a lease that is in force, or that there is none."""
        if lease is None:
            return cls(
                asset_id=asset_id, holder=None, term=None, taken_at=None, expires_at=None, reason=""
            )
        return cls(
            asset_id=asset_id,
            holder=lease.holder,
            term=lease.term,
            taken_at=lease.taken_at,
            expires_at=lease.expires_at,
            reason=lease.reason,
        )


class AnswerOut(Answer):
    """What a vehicle answered."""

    outcome: Outcome
    code: str
    """Of the refusal."""
    words: str

    @classmethod
    def from_domain(cls, answer: Answered) -> Self:
        """Returns an answer."""
        return cls(outcome=answer.outcome, code=answer.code, words=answer.words)


class CommandedOut(SortieOut):
    """A sortie after an order."""

    answer: AnswerOut | None = None
    """Null where the vehicle has not answered yet; the sortie's state will tell."""

    @classmethod
    def from_commanded(cls, commanded: Commanded) -> Self:
        """Returns a sortie with its vehicle's answer."""
        shown = cls.from_domain(commanded.sortie)
        answer = commanded.answer
        told = None if answer is None else AnswerOut.from_domain(answer)
        return shown.model_copy(update={"answer": told})


class CommandOut(Answer):
    """One command, who gave it, and what came of it."""

    number: int
    """In the chain of records."""
    kind: CommandKind
    by: str | None
    """The account's id; null is the station itself."""
    at: Instant
    asset_id: str | None
    sortie_id: str | None
    patrol_id: str | None
    reason: str
    reason_code: str
    how: str
    """How the sky was cleared, or which settings were corrected."""
    overrides: str | None
    """Who held command when it went over their head."""
    term: int | None
    task: str
    """What was asked for beside the mission, in words."""
    answer: AnswerOut
    answered_at: Instant | None

    @classmethod
    def from_domain(cls, command: Command) -> Self:
        """Returns a command."""
        asked = command.asked
        details = asked.details
        return cls(
            number=command.number,
            kind=asked.kind,
            by=asked.by,
            at=details.asked_at or asked.at,
            asset_id=asked.asset_id,
            sortie_id=asked.sortie_id,
            patrol_id=details.patrol_id,
            reason=asked.reason,
            reason_code=details.reason_code,
            how=details.how,
            overrides=details.overrides,
            term=asked.term,
            task=details.task,
            answer=AnswerOut.from_domain(command.answer),
            answered_at=command.answered_at,
        )


class ClearBody(Body):
    """An order to everything in the air."""

    model_config = ConfigDict(json_schema_extra={"examples": _CLEAR})

    how: Literal["hold", "return"]
    reason: Reason


class LiftBody(Body):
    """Why the sky is open again."""

    model_config = ConfigDict(json_schema_extra={"examples": _LIFT})

    reason: Reason


class ConfirmationOut(Answer):
    """What one vehicle answered."""

    asset_id: str
    sortie_id: str
    answer: SkyAnswer
    words: str

    @classmethod
    def from_domain(cls, one: Confirmation) -> Self:
        """Returns an answer."""
        return cls(
            asset_id=one.asset_id, sortie_id=one.sortie_id, answer=one.answer, words=one.words
        )


class ClearedOut(Answer):
    """The sky was cleared, and what each vehicle in the air answered."""

    at: Instant
    how: str
    reason: str
    all_confirmed: bool
    assets: list[ConfirmationOut]

    @classmethod
    def from_domain(cls, cleared: Cleared) -> Self:
        """Returns what came of it."""
        return cls(
            at=cleared.at,
            how=cleared.how,
            reason=cleared.reason,
            all_confirmed=all(one.answer is SkyAnswer.CONFIRMED for one in cleared.assets),
            assets=[ConfirmationOut.from_domain(one) for one in cleared.assets],
        )


class SkyOut(Answer):
    """Whether the sky is cleared, and by whom."""

    cleared: bool
    by: str | None = None
    at: Instant | None = None
    how: str = ""
    reason: str = ""

    @classmethod
    def from_domain(cls, sky: ClearedSky | None) -> Self:
        """Returns the state of the sky."""
        if sky is None:
            return cls(cleared=False)
        return cls(cleared=True, by=sky.by, at=sky.at, how=sky.how, reason=sky.reason)
