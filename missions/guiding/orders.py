"""What may be ordered of a sortie that is guided, or that a pilot flies by hand."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from core.errors import CapabilityMissing, FlownByHand, IllegalMove
from missions.control.orders import Order, Ordered
from missions.guided import Capability, Guided, ProvenTask, described
from missions.guiding.ports import Guide
from missions.model import Sortie, SortieState

_TAKES_BACK = frozenset({Order.RESUME, Order.RETURN})
_HARMLESS = frozenset({Capability.ZOOM, Capability.LIGHT, Capability.LOUDSPEAKER})
"""What may be asked while a pilot flies by hand: nothing moves or turns."""
_MAY_LEAVE = frozenset({SortieState.UNDERWAY, SortieState.HOLDING})
TAKEN_BACK: Final[dict[str, Any]] = {"guided": None, "by_hand": False}
"""What of a sortie changes when its mission goes on, or it comes home."""
HANDS_ON = "a pilot has taken the sticks; nothing is ordered until it is taken back"


def check_hands(sortie: Sortie, ordered: Ordered) -> None:
    """Does nothing where an order may go to a vehicle that a pilot may have in hand.

    Whoever holds its lease takes it back, by going on or by a return. Nothing else does: not the
    station itself, not a cleared sky, not a mode that the pilot chooses.

    Raises:
        FlownByHand: if the order may not go.
    """
    if not sortie.by_hand or ordered.order is None:
        return
    takes_back = ordered.order in _TAKES_BACK and ordered.term is not None
    harmless = ordered.task is not None and ordered.task.kind in _HARMLESS
    if not takes_back and not harmless:
        raise FlownByHand(
            f"a pilot flies it by hand: it is not ordered to {ordered.order}",
            where=sortie.sortie_id,
            cure="take it back by resume or return, with the lease, once the pilot agrees",
        )


async def carry_out(
    proven: ProvenTask, sortie: Sortie, guide: Guide | None, now: datetime
) -> dict[str, Any]:
    """Has a vehicle do a task, and returns what of its sortie changes with it.

    Raises:
        IllegalMove: if the sortie is in no state for it.
        PlanUnsafe: if the task was proven too long ago.
        CapabilityMissing: if the vehicle can't.
        SortieFailed: if it does something else, or falls silent.
    """
    if proven.moves and sortie.state not in _MAY_LEAVE:
        raise IllegalMove(
            f"a sortie that is {sortie.state} can't be ordered to {proven.kind}",
            where=sortie.sortie_id,
            cure="see what it does now",
        )
    wanted = Capability.FLY_TO if proven.kind is Capability.FOLLOW else proven.kind
    if guide is None or wanted not in guide.capabilities:
        raise CapabilityMissing(
            f"it can't be asked to {proven.kind}",
            where=str(proven.asset_id),
            cure="see its capabilities, or ask another asset",
        )
    proven.check_fresh(now)
    await guide.carry_out(proven)
    changes: dict[str, Any] = {"text": described(proven.task, proven.kind)}
    if proven.moves:
        changes |= {"state": SortieState.HOLDING, "guided": proven.guided}
    return changes


def leaves(sortie: Sortie) -> bool:
    """Returns whether a sortie is on its way beside its mission now."""
    return sortie.guided is not None and not sortie.guided.held


def held(sortie: Sortie) -> Guided | None:
    """Returns what it does beside its mission as something that was held."""
    return None if sortie.guided is None else replace(sortie.guided, held=True)
