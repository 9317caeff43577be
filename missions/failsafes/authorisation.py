"""Whether an aircraft that asks may arm now: the answer of MAVLink's arm authorisation.

The autopilot asks by itself, whoever told it to arm: us, a transmitter, another ground station.
Silence is a no: PX4 1.17 denies the arming when no answer comes within `COM_ARM_AUTH_TO`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.errors import PlanUnsafe
from core.ids import AssetId
from missions.model import Asset, AssetKind, Sortie, SortieState
from missions.permissions import Permission
from missions.proving.proof import ProvenPlan

ARM_WITHIN = timedelta(minutes=10)
"""How long after its release a sortie may arm; then zones and weather have moved on."""
VALID_MOST_S = 30
"""How long a yes may be used. It can't be taken back, so it is as short as arming takes.

PX4 counts it in microseconds of 32 bits, and would read more than 2,147 s as a time long past.
"""


class Denial(StrEnum):
    """Why not, in the words that MAVLink has for it."""

    GENERIC = "generic"
    TIMEOUT = "timeout"
    """Its window is over."""
    AIRSPACE_IN_USE = "airspace_in_use"
    """The sky is cleared, or its permission does not hold."""


@dataclass(frozen=True, slots=True)
class ArmDecision:
    """The answer to an aircraft that asks whether it may arm."""

    allowed: bool
    words: str
    valid_s: int = 0
    """Whole seconds in which a yes may be used."""
    denial: Denial = Denial.GENERIC


class ArmAuthoriser(Protocol):
    """Answers for the station; it has to answer within a second, and never raises."""

    async def decide(self, asset_id: AssetId) -> ArmDecision:
        """Returns whether the asset may arm now, for what is known at this instant."""
        ...


def decide_arming(
    asset: Asset,
    sortie: Sortie | None,
    permissions: Sequence[Permission],
    now: datetime,
    *,
    sky_cleared: str = "",
) -> ArmDecision:
    """Returns yes only to an authorised sortie in its window and permission.

    Args:
        asset: who asks.
        sortie: that it is about to fly; `None` where it is about to fly none of ours.
        permissions: those on hand.
        now: the present instant.
        sky_cleared: why the sky is cleared; empty where it is open.
    """
    if sortie is None or sortie.state is not SortieState.AUTHORISED:
        return _no("no sortie of ours is about to start")
    try:
        sealed = ProvenPlan(sortie.plan, sortie.proof).is_for(asset)
    except PlanUnsafe as unsafe:
        return _no(unsafe.message)
    if not sealed:
        return _no("its plan was proven for another asset")
    if sky_cleared:
        return _no(f"the sky is cleared: {sky_cleared}", Denial.AIRSPACE_IN_USE)
    released = [event.at for event in sortie.events if event.state is SortieState.AUTHORISED]
    ends = released[0] + ARM_WITHIN if released else now
    if not released or not released[0] <= now < ends:
        return _no("the sortie's window is over, release it again", Denial.TIMEOUT)
    if asset.kind is AssetKind.DRONE and not _permitted(sortie, permissions, now):
        return _no("no permission holds for the whole flight", Denial.AIRSPACE_IN_USE)
    valid_s = min(VALID_MOST_S, int((ends - now).total_seconds()))
    if valid_s < 1:
        return _no("the sortie's window is over, release it again", Denial.TIMEOUT)
    return ArmDecision(True, f"sortie {sortie.sortie_id} may start", valid_s)


def _permitted(sortie: Sortie, permissions: Sequence[Permission], now: datetime) -> bool:
    plan = sortie.plan
    until = now + timedelta(seconds=plan.expected_s)
    return any(
        one.holds(now, until)
        for one in permissions
        if plan.permission in ("", one.number)
        and (not one.asset_ids or plan.asset_id in one.asset_ids)
    )


def _no(words: str, denial: Denial = Denial.GENERIC) -> ArmDecision:
    return ArmDecision(False, words, denial=denial)
