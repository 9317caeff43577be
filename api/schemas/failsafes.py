"""The failsafe contract of an aircraft on the wire."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.base import Answer, Body, Instant, Note
from missions.failsafes.reading import Corrected
from missions.failsafes.report import FailsafeReport
from missions.failsafes.requirements import Deviation, Requirement

_CORRECT: list[JsonValue] = [
    {"reason": "set up for patrols over the town", "codes": ["link_loss_action"]}
]
_CODES_MOST = 100


class CorrectFailsafesBody(Body):
    """A wish to correct what strays; without codes, all of it."""

    model_config = ConfigDict(json_schema_extra={"examples": _CORRECT})

    reason: Annotated[Note, Field(min_length=1)]
    codes: Annotated[list[str], Field(max_length=_CODES_MOST)] | None = None


class FailsafeOut(Answer):
    """One requirement, and what the aircraft was read to hold."""

    code: str
    parameter: str
    """As this aircraft spells it."""
    value: float | None
    """As it holds it; null where it has no such parameter."""
    wanted: str
    met: bool
    meaning: str
    harm: str
    """What may happen where it is not met."""
    correction: float | None = None
    """What a correction would write; null where nothing strays, or a person must set it there."""

    @classmethod
    def from_domain(
        cls, required: Requirement, report: FailsafeReport, strays: Deviation | None
    ) -> Self:
        """Returns a requirement with what was read."""
        held = report.held.get(required.code)
        name = required.spelled[0].name if held is None else held.name
        return cls(
            code=required.code,
            parameter=name,
            value=None if held is None else held.value,
            wanted=required.wanted() if strays is None else strays.wanted(),
            met=strays is None,
            meaning=required.meaning,
            harm=required.harm,
            correction=None if strays is None else strays.correction,
        )


class CorrectedOut(Answer):
    """What became of one correction."""

    code: str
    parameter: str
    was: float | None
    kept: bool
    words: str

    @classmethod
    def from_domain(cls, done: Corrected) -> Self:
        """Returns a correction."""
        one = done.deviation
        return cls(
            code=one.code, parameter=one.name, was=one.found, kept=done.kept, words=done.words
        )


class FailsafesOut(Answer):
    """Whether an aircraft may arm, and everything that decides it."""

    asset_id: str
    contract: str
    read_at: Instant
    met: bool
    """As far as every plan goes; each plan asks for its return and its room besides."""
    requirements: list[FailsafeOut]
    corrected: list[CorrectedOut]

    @classmethod
    def from_domain(cls, report: FailsafeReport) -> Self:
        """Returns a report."""
        strays = {one.code: one for one in report.deviations}
        return cls(
            asset_id=report.asset_id,
            contract=report.contract.name,
            read_at=report.read_at,
            met=report.met,
            requirements=[
                FailsafeOut.from_domain(one, report, strays.get(one.code))
                for one in report.contract.requirements
            ],
            corrected=[CorrectedOut.from_domain(one) for one in report.corrected],
        )
