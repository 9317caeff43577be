"""Whether an asset may be sent, or opened while it stands."""

from core.errors import IllegalMove
from core.ids import SortieId
from missions.model import Asset


def check_free(asset: Asset, sortie_id: SortieId | None, *, starting: bool) -> None:
    """Refuses an asset that can't be sent.

    Args:
        asset: the asset.
        sortie_id: of the sortie that it is on.
        starting: whether a sortie of it is being started, or its settings are looked at.

    Raises:
        IllegalMove: if it is never tasked, or under way.
    """
    if asset.passive:
        raise IllegalMove(
            "this asset is never tasked",
            where=str(asset.asset_id),
            cure="give the patrol another asset",
        )
    if sortie_id is not None or starting:
        raise IllegalMove(
            "the asset is on a sortie already",
            where=str(sortie_id or asset.asset_id),
            cure="wait for its end or bring it home",
        )
