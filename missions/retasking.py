"""Leaves a mission for another one, in the air or on the road: hold, upload, start from here."""

from collections.abc import Callable, Sequence

from core.errors import IllegalMove, SortieFailed
from geo.zones import Zone
from missions.control.orders import FollowOn, SortieCommands
from missions.model import SORTIE_MOVES, Asset, Plan, SortieState
from missions.ports import Pilot
from missions.proving.proof import ProvenPlan

MAY_LEAVE = (SortieState.UNDERWAY, SortieState.HOLDING, SortieState.RETURNING)


async def leave_for(
    follow_on: FollowOn,
    asset: Asset,
    pilot: Pilot,
    commands: SortieCommands,
    *,
    returning: bool,
    holding: Callable[[], None],
    carried: Callable[[Plan], Sequence[Zone]] | None,
) -> ProvenPlan:
    """Has a vehicle leave its mission for another one, and returns that once its mode shows it.

    Where it can't, it goes on holding, or comes home if it was coming home before.

    Args:
        follow_on: what it leaves for.
        asset: the vehicle.
        pilot: its pilot.
        commands: that say whether the sky was cleared.
        returning: whether it was coming home.
        holding: called once it holds.
        carried: gives the fence of a plan; `None` where the vehicle guards none.

    Raises:
        PlanUnsafe: if the other one was proven for another asset.
        IllegalMove: if it was not authorised, or the sky is cleared.
        SortieFailed: if the vehicle does not take it, or does not start.
    """
    sortie = follow_on.sortie
    proven = ProvenPlan(sortie.plan, sortie.proof)
    SORTIE_MOVES.move(sortie.state, SortieState.UNDERWAY)
    proven.check_for(asset, str(sortie.sortie_id))
    _check_sky(commands)
    await pilot.hold()
    holding()
    try:
        await pilot.upload(proven, None if carried is None else carried(sortie.plan))
        _check_sky(commands)
        await pilot.start(follow_on.first_item)
    except (SortieFailed, IllegalMove):
        if returning:
            await pilot.return_to_launch()
        raise
    return proven


def _check_sky(commands: SortieCommands) -> None:
    if commands.grounded is not None:
        raise IllegalMove(
            f"it goes nowhere else: {commands.grounded}", cure="wait until the sky is open"
        )
