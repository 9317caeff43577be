"""A failsafe contract and its comparison with what an autopilot holds: values alone, no link."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_SLACK = 1e-4
"""A parameter holds 32 bits, so a value comes back a little different."""


class Compared(StrEnum):
    """How a parameter's value is held against what is wanted."""

    ONE_OF = "one_of"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETWEEN = "between"
    """From the first value to the second, both included."""
    BITS_SET = "bits_set"
    BITS_CLEAR = "bits_clear"
    OFF_OR_AT_LEAST = "off_or_at_least"
    """A limit: zero or less sets none, else it must leave room for what is wanted."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One of the names that an autopilot's versions have for the same parameter."""

    name: str
    per_unit: float = 1.0
    """The number that this name holds for 1 in the unit of its requirement."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What one parameter must hold, and what harm comes of another value."""

    code: str
    """Stable; the same for the same thing on every autopilot."""
    spelled: tuple[Spelling, ...]
    """The names of the parameter, the newest first; an aircraft has one of them."""
    compared: Compared
    values: tuple[float, ...]
    meaning: str
    """What the parameter decides, and what its wanted value means."""
    harm: str
    """What may happen otherwise."""
    unit: str = ""
    preferred: float | None = None
    """What a correction writes where several values will do; `None` takes the nearest."""
    correctable: bool = True
    """Whether it may be written on request; what depends on the aircraft's build may not."""

    def allows(self, value: float) -> bool:
        """Returns whether a value, in the requirement's unit, will do; what is no number won't."""
        if not math.isfinite(value):
            return False
        if self.compared is Compared.BITS_SET:
            return _whole(value) & _whole(self.values[0]) == _whole(self.values[0])
        if self.compared is Compared.BITS_CLEAR:
            return not _whole(value) & _whole(self.values[0])
        if self.compared is Compared.ONE_OF:
            return any(abs(value - one) <= _slack(one) for one in self.values)
        least, most = self._bounds()
        off = self.compared is Compared.OFF_OR_AT_LEAST and value <= 0.0
        return off or least - _slack(least) <= value <= most + _slack(most)

    def corrected(self, value: float | None) -> float:
        """Returns what to write instead of a value that will not do, in the requirement's unit."""
        held = 0.0 if value is None or not math.isfinite(value) else value
        if self.compared is Compared.BITS_SET:
            return float(_whole(held) | _whole(self.values[0]))
        if self.compared is Compared.BITS_CLEAR:
            return float(_whole(held) & ~_whole(self.values[0]))
        if self.preferred is not None:
            return self.preferred
        if self.compared is Compared.ONE_OF:
            return self.values[0]
        if self.compared is Compared.OFF_OR_AT_LEAST:
            return 0.0
        least, most = self._bounds()
        return min(max(held, least), most)

    def wanted(self) -> str:
        """Returns in words what will do."""
        texts = [f"{one:g}" for one in self.values]
        unit = f" {self.unit}" if self.unit else ""
        return {
            Compared.ONE_OF: " or ".join(texts) + unit,
            Compared.AT_LEAST: f"at least {texts[0]}{unit}",
            Compared.AT_MOST: f"at most {texts[0]}{unit}",
            Compared.BETWEEN: f"{texts[0]} to {texts[-1]}{unit}",
            Compared.BITS_SET: f"bits {texts[0]} set",
            Compared.BITS_CLEAR: f"bits {texts[0]} clear",
            Compared.OFF_OR_AT_LEAST: f"0 or at least {texts[0]}{unit}",
        }[self.compared]

    def _bounds(self) -> tuple[float, float]:
        if self.compared is Compared.AT_MOST:
            return -math.inf, self.values[0]
        if self.compared is Compared.BETWEEN:
            return self.values[0], self.values[1]
        return self.values[0], math.inf


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything that one kind of aircraft must hold before it arms for one kind of mission."""

    name: str
    requirements: tuple[Requirement, ...]

    def __post_init__(self) -> None:
        """Refuses two requirements of one code, of which one would never be looked at.

        Raises:
            ValueError: if a code is there twice.
        """
        codes = [one.code for one in self.requirements]
        if len(set(codes)) < len(codes):
            raise ValueError(f"contract {self.name} names a code twice: {sorted(codes)}")


@dataclass(frozen=True, slots=True)
class Held:
    """What an aircraft holds of one requirement's parameter."""

    name: str
    """As this aircraft spells it."""
    value: float
    """As it holds it, in its own unit."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A requirement that an aircraft does not meet."""

    requirement: Requirement
    name: str
    """The parameter, as this aircraft spells it."""
    found: float | None
    """As it holds it; `None` where it has no such parameter."""
    correction: float | None
    """What a correction would write; `None` where only a person at the aircraft may."""

    @property
    def code(self) -> str:
        """The stable code of what is not met."""
        return self.requirement.code

    def __str__(self) -> str:
        """Returns it in words: what is wanted, what is there."""
        there = "is not there" if self.found is None else f"is {self.found:g}"
        return f"{self.name} {there}, wanted {self.wanted()}"

    def wanted(self) -> str:
        """Returns in words what will do, told in the aircraft's own unit where that differs."""
        told = self.requirement.wanted()
        spelling = _spelling(self.requirement, self.name)
        if spelling is None or spelling.per_unit == 1.0:
            return told
        return f"{told}, which is {spelling.per_unit:g} in {self.name} for each"


def compare(contract: Contract, held: Mapping[str, Held]) -> tuple[Deviation, ...]:
    """Returns what an aircraft does not meet, in the contract's order; nothing is fine.

    Args:
        contract: what is required.
        held: by requirement's code what was read; a code that is missing counts as not met.
    """
    return tuple(
        found
        for one in contract.requirements
        if (found := _deviation(one, held.get(one.code))) is not None
    )


def _deviation(required: Requirement, held: Held | None) -> Deviation | None:
    if held is None:
        return Deviation(required, required.spelled[0].name, None, None)
    spelling = _spelling(required, held.name)
    if spelling is None:
        return Deviation(required, held.name, None, None)
    value = held.value / spelling.per_unit
    if required.allows(value):
        return None
    correction = None
    if required.correctable:
        correction = required.corrected(value) * spelling.per_unit
    return Deviation(required, held.name, held.value, correction)


def _spelling(required: Requirement, name: str) -> Spelling | None:
    return next((one for one in required.spelled if one.name == name), None)


def _slack(value: float) -> float:
    return _SLACK * max(1.0, abs(value)) if math.isfinite(value) else 0.0


def _whole(value: float) -> int:
    return round(value)
