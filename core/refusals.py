"""Why a frame, row or detection gave nothing: a result that is counted, not an error."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class RefusalCode(StrEnum):
    """The stable reasons for which something seen did not become an observation."""

    NO_POSE = "no_pose"
    """No telemetry within 200 ms of the exposure."""
    UNKNOWN_DATUM = "unknown_datum"
    """A height whose datum is not known or can't be joined with the ground's."""
    UNKNOWN_GIMBAL = "unknown_gimbal"
    """No camera attitude, or in a frame that is not known."""
    UNKNOWN_CAMERA = "unknown_camera"
    """No focal length or sensor size."""
    ABOVE_HORIZON = "above_horizon"
    """The ray does not meet the ground."""
    TOO_FAR = "too_far"
    """The ray meets the ground beyond the greatest distance that is trusted."""
    TOO_UNCERTAIN = "too_uncertain"
    """The place is known too badly to be of use."""
    OUTSIDE_ZONES = "outside_zones"
    """No watch zone holds the place."""
    NO_RULE = "no_rule"
    """The zone has no rule against it."""
    MOVING = "moving"
    """A rule for standing things met one that moves, or whose standing is not sure."""
    TOO_BRIEF = "too_brief"
    """Seen too few times or too shortly to say."""
    LOW_CONFIDENCE = "low_confidence"
    """The network was not sure enough."""
    BAD_TELEMETRY = "bad_telemetry"
    """Telemetry that is broken or absurd."""
    BAD_CHECKSUM = "bad_checksum"
    """A metadata packet whose checksum is wrong."""
    UNDECODABLE = "undecodable"
    """A frame that could not be decoded."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that was refused, and why, for a person."""

    code: RefusalCode
    reason: str


@dataclass(slots=True)
class RefusalCount:
    """Counts refusals by code and keeps the first reason of each; answers "why nothing?"."""

    counts: Counter[RefusalCode] = field(default_factory=Counter)
    first_reasons: dict[RefusalCode, str] = field(default_factory=dict)

    def add(self, refusal: Refusal, times: int = 1) -> None:
        """Counts one refusal, `times` over."""
        self.counts[refusal.code] += times
        self.first_reasons.setdefault(refusal.code, refusal.reason)

    def as_dict(self) -> dict[str, int]:
        """Returns the counts by code, most frequent first."""
        return {str(code): number for code, number in self.counts.most_common()}
