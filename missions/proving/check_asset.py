"""Whether an asset is of the kind that can be given a plan at all."""

from collections.abc import Iterator

from missions.model import Asset, AssetKind, Finding, ItemKind, Plan, Severity

_IN_THE_AIR = (ItemKind.TAKEOFF, ItemKind.LAND)


def check_asset(plan: Plan, asset: Asset) -> Iterator[Finding]:
    """Yields why an asset is not one that this plan may be given to."""
    if asset.passive:
        message = f"{asset.name or asset.asset_id} is passive: it is never sent anywhere"
        cure = "name an asset that is not passive"
        yield Finding(Severity.ERROR, "asset_passive", message, cure=cure)
    if asset.kind is AssetKind.DRONE:
        return
    for number, item in enumerate(plan.mission.items):
        if item.kind in _IN_THE_AIR:
            what = "takes off" if item.kind is ItemKind.TAKEOFF else "lands"
            message = f"step {number} {what}, and {asset.name or asset.asset_id} drives"
            cure = "name an asset that flies, or plan a drive for this one"
            yield Finding(Severity.ERROR, "asset_drives", message, item=number, cure=cure)
            return
