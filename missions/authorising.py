"""Releases a sortie: the one place where its plan is proven and sealed."""

from dataclasses import replace
from datetime import datetime

from core.ids import SortieId, UserId, fresh_id
from geo.ports import TerrainModel
from missions.circumstances import Circumstances
from missions.model import SORTIE_MOVES, Asset, Plan, Sortie, SortieEvent, SortieState
from missions.proving.proof import prove


def new_sortie(plan: Plan, sortie_id: SortieId | None = None) -> Sortie:
    """Returns a planned sortie of a plan."""
    return Sortie(sortie_id or SortieId(fresh_id("sortie")), plan)


def authorise(
    sortie: Sortie,
    asset: Asset,
    by: UserId,
    now: datetime,
    circumstances: Circumstances = Circumstances(),  # noqa: B008 - frozen
    *,
    terrain: TerrainModel | None = None,
) -> Sortie:
    """Returns the sortie released by a person, its plan proven and sealed.

    The proof is made here and nowhere else, so that nobody can hand in that of another plan;
    a big plan takes up to a second.

    Args:
        sortie: merely planned.
        asset: who is to carry it out.
        by: who releases it.
        now: dates the event.
        circumstances: as for `check_plan`.
        terrain: as for `check_plan`.

    Raises:
        PlanUnsafe: if any finding is an error; the message names the first.
        IllegalMove: if the sortie is not merely planned.
    """
    state = SORTIE_MOVES.move(sortie.state, SortieState.AUTHORISED)
    proven = prove(sortie.plan, asset, circumstances, terrain=terrain)
    event = SortieEvent(now, state, "authorised", by)
    return replace(
        sortie,
        state=state,
        proof=proven.seal,
        authorised_by=by,
        events=(*sortie.events, event),
        version=sortie.version + 1,
    )
