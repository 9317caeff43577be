"""Releases a sortie: the one place where its plan is proven and sealed."""

from dataclasses import replace
from datetime import datetime

from core.ids import SortieId, UserId, fresh_id
from geo.ports import TerrainModel
from geo.positions import Altitude, Datum
from missions.circumstances import Circumstances
from missions.endurance import RETURN_UP_M
from missions.model import SORTIE_MOVES, Asset, AssetKind, Plan, Sortie, SortieEvent, SortieState
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
    a big plan takes up to a second. A drone's plan without a return height gets the one that checks
    assume, and has to be safe with it.

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
    plan, text = sortie.plan, "authorised"
    if asset.kind is AssetKind.DRONE and plan.return_altitude is None:
        # what was assumed is proven as set, and is what the vehicle is told
        plan = replace(plan, return_altitude=Altitude(RETURN_UP_M, Datum.HOME))
        text += f"; its plan sets no return height, it will be {RETURN_UP_M:.0f} m above home"
    proven = prove(plan, asset, circumstances, terrain=terrain)
    event = SortieEvent(now, state, text, by)
    return replace(
        sortie,
        plan=plan,
        state=state,
        proof=proven.seal,
        authorised_by=by,
        attested=asset.attested,
        events=(*sortie.events, event),
        version=sortie.version + 1,
    )
