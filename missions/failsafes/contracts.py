"""Which contract an asset must meet: by its autopilot, and by whether it flies or drives."""

from enum import StrEnum

from missions.failsafes import ardupilot, px4
from missions.failsafes.requirements import Contract
from missions.model import Asset, AssetKind, Autopilot, Plan


class Profile(StrEnum):
    """What kind of mission an autopilot is trusted with."""

    FLIGHT = "flight"
    """Over a town by itself: whatever fails, it comes home by a proven way."""
    DRIVE = "drive"
    """On the ground by itself: whatever fails, it stops or comes home."""


def profile_of(asset: Asset) -> Profile:
    """Returns the profile of an asset's missions."""
    return Profile.FLIGHT if asset.kind is AssetKind.DRONE else Profile.DRIVE


def contract_for(asset: Asset, plan: Plan | None = None, *, fenced: bool | None = None) -> Contract:
    """Returns what an asset's autopilot must hold before it arms.

    Args:
        asset: whose autopilot and kind decide.
        plan: what is to be flown; `None` gives what counts for every plan.
        fenced: whether a fence was uploaded for it; by default whether the plan has one.

    Raises:
        PlanUnreadable: if the plan's return height counts from a datum that can't be carried.
    """
    fence = (plan is not None and bool(plan.fences)) if fenced is None else fenced
    profile = profile_of(asset)
    if asset.autopilot is Autopilot.PX4:
        flight = profile is Profile.FLIGHT
        required = px4.flight_contract(asset, plan) if flight else px4.drive_contract(asset)
    elif profile is Profile.FLIGHT:
        required = ardupilot.flight_contract(asset, plan, fenced=fence)
    else:
        required = ardupilot.drive_contract(asset, fenced=fence)
    return Contract(f"{asset.autopilot}_{profile}", required)
