"""Reads what an aircraft holds of its contract, and corrects it on request."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.errors import NotFound, UploadMismatch
from missions.failsafes.requirements import (
    Contract,
    Deviation,
    Held,
    Requirement,
    compare,
)
from missions.ports import Parameters


@dataclass(frozen=True, slots=True)
class Corrected:
    """What became of one correction."""

    deviation: Deviation
    kept: bool
    """Whether the aircraft was read to hold it afterwards."""
    words: str = ""
    """Why not."""


async def read_held(parameters: Parameters, contract: Contract) -> dict[str, Held]:
    """Returns by code what an aircraft holds; what it does not have is left out.

    Raises:
        LinkLost: if it does not answer.
    """
    held: dict[str, Held] = {}
    old = True
    for one in contract.requirements:
        found = await _read(parameters, one, oldest_first=old)
        if found is not None:
            held[one.code] = found
            # asking for a name that is not there takes long, so the next are asked likewise
            if len(one.spelled) > 1:
                old = found.name != one.spelled[0].name
    return held


async def deviations_of(parameters: Parameters, contract: Contract) -> tuple[Deviation, ...]:
    """Returns what an aircraft does not meet now, by what it says itself.

    Raises:
        LinkLost: if it does not answer.
    """
    return compare(contract, await read_held(parameters, contract))


async def correct(
    parameters: Parameters, deviations: Sequence[Deviation], codes: Collection[str] | None = None
) -> tuple[Corrected, ...]:
    """Writes what may be corrected on request and reads each back; the rest is left as it is.

    Args:
        parameters: of the aircraft.
        deviations: as they were found.
        codes: of those that are wanted; `None` wants all.

    Raises:
        LinkLost: if it does not answer.
    """
    done = []
    for one in deviations:
        if codes is not None and one.code not in codes:
            continue
        if one.correction is None:
            done.append(Corrected(one, False, "only a person at the aircraft may set it"))
            continue
        try:
            await parameters.write(one.name, one.correction)
        except (NotFound, UploadMismatch) as error:
            done.append(Corrected(one, False, str(error)))
        else:
            done.append(Corrected(one, True))
    return tuple(done)


async def _read(
    parameters: Parameters, required: Requirement, *, oldest_first: bool
) -> Held | None:
    spelled = required.spelled[::-1] if oldest_first else required.spelled
    for spelling in spelled:
        try:
            return Held(spelling.name, await parameters.read(spelling.name))
        except NotFound:
            continue
    return None
