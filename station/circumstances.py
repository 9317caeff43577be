"""What the station knows that a plan must be held against, beside its zones."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from missions.checks import check_plan, is_safe
from missions.circumstances import Circumstances
from missions.model import Asset, AssetKind, Plan
from missions.ports import PermissionStore

_TRIED_MOST = 8
"""Permissions that are tried one by one to find the one that a flight is made under."""


def known_circumstances(
    permissions: PermissionStore,
) -> Callable[[Asset, datetime], Circumstances]:
    """Returns what tells, for an asset that starts at an instant, what is known then.

    A drone needs a permission that is on hand: none at all is an error. A car needs none.
    """

    def known(asset: Asset, at: datetime) -> Circumstances:
        if asset.kind is not AssetKind.DRONE:
            return Circumstances(departs_at=at)
        return Circumstances(at, tuple(permissions.permissions()))

    return known


def with_permission(plan: Plan, asset: Asset, known: Circumstances) -> Plan:
    """Returns a plan that names the permission it can be flown under, where there is one."""
    if asset.kind is not AssetKind.DRONE or plan.permission or not known.permissions:
        return plan
    at = known.departs_at
    holding = [
        permission
        for permission in known.permissions
        if (at is None or permission.holds(at, at))
        and (not permission.asset_ids or asset.asset_id in permission.asset_ids)
    ]
    named = [replace(plan, permission=permission.number) for permission in holding[:_TRIED_MOST]]
    if len(named) == 1:
        return named[0]
    return next((one for one in named if is_safe(check_plan(one, asset, known))), plan)
