"""The contracts of ArduPilot, by the parameter descriptions in the source of 4.7.

What 4.7 renames (`WPNAV_RADIUS` in centimetres to `WP_RADIUS_M`, `RTL_ALT` to `RTL_ALT_M`) is asked
for by both names. ArduPilot knows no arm authorisation of MAVLink.
"""

from missions.failsafes.px4 import LINK_MOST_S
from missions.failsafes.requirements import Compared, Requirement, Spelling
from missions.failsafes.return_rules import as_requirements
from missions.model import Asset, Plan
from missions.proving.ardupilot_returns import copter_return_settings

_POLYGONS = 4.0
_GO_ON_IN_AUTO = 2.0
_CENTIMETRES = 100.0
_RETURN_CODES = {
    "RTL_ALT_M": "return_height",
    "RTL_CLIMB_MIN_M": "return_climb",
    "RTL_CONE_SLOPE": "return_cone",
    "RTL_ALT_FINAL_M": "return_final_height",
    "RTL_ALT_TYPE": "return_datum",
    "RALLY_INCL_HOME": "return_to_home_too",
    "RALLY_LIMIT_KM": "rally_distance",
    "OA_TYPE": "return_around_obstacles",
}
_OLDER = {
    name: Spelling(name.removesuffix("_M"), _CENTIMETRES)
    for name in ("RTL_ALT_M", "RTL_CLIMB_MIN_M", "RTL_ALT_FINAL_M")
}


def _one(name: str) -> tuple[Spelling, ...]:
    return (Spelling(name),)


def _fence(actions: tuple[float, ...], meaning: str, *, fenced: bool) -> tuple[Requirement, ...]:
    if not fenced:
        return ()
    harm = "it goes on beyond its fence, or stops its motors there"
    return (
        Requirement(
            "fence_enabled", _one("FENCE_ENABLE"), Compared.ONE_OF, (1.0,),
            "whether the fence is in force", harm,
        ),
        Requirement(
            "fence_type", _one("FENCE_TYPE"), Compared.BITS_SET, (_POLYGONS,),
            "which kinds of fence count: 4 are the areas that were uploaded", harm,
        ),
        Requirement(
            "fence_action", _one("FENCE_ACTION"), Compared.ONE_OF, actions, meaning, harm
        ),
    )  # fmt: skip


def _shared() -> tuple[Requirement, ...]:
    return (
        Requirement(
            "link_loss_time", _one("FS_GCS_TIMEOUT"), Compared.AT_MOST, (LINK_MOST_S,),
            "how long the station may be silent until the loss counts",
            "it goes on for longer than the station is counted on to be heard", "s",
            preferred=5.0,
        ),
        Requirement(
            "link_loss_action", _one("FS_GCS_ENABLE"), Compared.ONE_OF, (1.0,),
            "what it does when the station is lost: 1 returns, or does what FS_ACTION says",
            "it goes on unheard, or by another way than was proven",
        ),
        Requirement(
            "battery_known", _one("BATT_MONITOR"), Compared.AT_LEAST, (1.0,),
            "how it measures its battery; 0 does not", "it never knows that its battery is low",
            correctable=False,
        ),
        Requirement(
            "critical_battery", _one("BATT_LOW_VOLT"), Compared.AT_LEAST, (3.0,),
            "below which voltage the battery is low; 0 never is",
            "it flies until the battery is empty", "V", correctable=False,
        ),
    )  # fmt: skip


def flight_contract(asset: Asset, plan: Plan | None, *, fenced: bool) -> tuple[Requirement, ...]:
    """Returns what a multicopter must hold; without a plan, what counts for every plan.

    Args:
        asset: gives how near a waypoint counts as reached.
        plan: what is to be flown.
        fenced: whether a fence was uploaded for it.

    Raises:
        PlanUnreadable: if the return height counts from a datum that can't be joined with home's.
    """
    meaning = "what it does at its fence: 1 returns or lands, 4 brakes or lands"
    return (
        *_fence((1.0, 4.0), meaning, fenced=fenced),
        *_shared(),
        Requirement(
            "link_loss_exceptions", _one("FS_OPTIONS"), Compared.BITS_CLEAR, (_GO_ON_IN_AUTO,),
            "in which modes the loss is ignored: 2 is a mission",
            "it goes on with its mission though nobody hears it",
        ),
        Requirement(
            "low_battery_action", _one("BATT_FS_LOW_ACT"), Compared.ONE_OF, (2.0,),
            "what it does at a low battery: 2 returns",
            "it flies until the battery is empty, or comes down wherever it is",
        ),
        Requirement(
            "last_battery_action", _one("BATT_FS_CRT_ACT"), Compared.ONE_OF,
            (1.0, 0.0, 2.0, 7.0),
            "what it does at a critical battery: 1 lands, 2 returns, 7 brakes or lands",
            "it stops its motors in the air",
        ),
        Requirement(
            "acceptance_radius",
            (Spelling("WP_RADIUS_M"), Spelling("WPNAV_RADIUS", _CENTIMETRES)),
            Compared.AT_MOST, (asset.acceptance_radius_m,),
            "how near a waypoint counts as reached",
            "it cuts corners by more than was proven to be free", "m",
        ),
        *as_requirements(copter_return_settings(plan, metres=True), _RETURN_CODES, _OLDER),
    )  # fmt: skip


def drive_contract(asset: Asset, *, fenced: bool) -> tuple[Requirement, ...]:
    """Returns what a rover must hold."""
    return (
        *_fence((1.0, 2.0), "what it does at its fence: 1 returns, 2 holds", fenced=fenced),
        *_shared(),
        Requirement(
            "failsafe_action", _one("FS_ACTION"), Compared.ONE_OF, (2.0, 1.0),
            "what it does when the station is lost: 1 returns, 2 holds", "it drives on unheard",
        ),
        Requirement(
            "low_battery_action", _one("BATT_FS_LOW_ACT"), Compared.ONE_OF, (2.0, 1.0),
            "what it does at a low battery: 1 returns, 2 holds",
            "it stands somewhere with an empty battery",
        ),
        Requirement(
            "acceptance_radius", _one("WP_RADIUS"), Compared.AT_MOST,
            (asset.acceptance_radius_m,),
            "how near a waypoint counts as reached",
            "it leaves its road at corners by more than was proven to be free", "m",
        ),
    )  # fmt: skip
