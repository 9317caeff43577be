"""The contracts of PX4, by the parameter reference of 1.17 and what its source does with them.

Left out on purpose: `COM_RCL_EXCEPT` (who flies by our missions alone arms without sticks, and PX4
then ignores their loss by itself), `COM_FLTT_LOW_ACT` (its estimate of the time to get home is not
ours; the live monitor judges that), and `RTL_DESCEND_ALT` (`rtl_direct.cpp` never waits higher than
it returns, whatever it holds).
"""

from missions.failsafes.reach import reach_m
from missions.failsafes.requirements import Compared, Requirement, Spelling
from missions.failsafes.return_rules import as_requirements
from missions.model import Asset, Plan
from missions.proving.return_settings import return_settings

LINK_MOST_S = 30.0
"""Longest silence of the station until an aircraft must act by itself."""
_RETURN_CODES = {
    "RTL_TYPE": "return_type",
    "RTL_CONE_ANG": "return_cone",
    "RTL_RETURN_ALT": "return_height",
}
_MISSION_BIT, _HOLD_BIT = 1, 2


def _one(name: str) -> tuple[Spelling, ...]:
    return (Spelling(name),)


def _either(
    code: str, name: str, values: tuple[float, ...], meaning: str, harm: str
) -> Requirement:
    return Requirement(code, _one(name), Compared.ONE_OF, values, meaning, harm)


def _shared(asset: Asset) -> tuple[Requirement, ...]:
    """Returns what flying and driving have in common."""
    return (
        _either(
            "fence_action", "GF_ACTION", (2.0, 3.0),
            "what it does at its fence: 2 holds, 3 returns",
            "it goes on beyond its fence, comes down outside it, or stops its motors",
        ),
        _either(
            "fence_prediction", "GF_PREDICT", (0.0,),
            "whether it acts before it reaches the fence, which PX4 calls experimental",
            "PX4 warns of fly-aways",
        ),
        Requirement(
            "link_loss_time", _one("COM_DL_LOSS_T"), Compared.AT_MOST, (LINK_MOST_S,),
            "how long the station may be silent until the loss counts",
            "it goes on for longer than the station is counted on to be heard", "s",
        ),
        Requirement(
            "link_loss_exceptions", _one("COM_DLL_EXCEPT"), Compared.BITS_CLEAR,
            (float(_MISSION_BIT | _HOLD_BIT),),
            "in which modes the loss is ignored: 1 is a mission, 2 a hold",
            "it goes on with its mission, or hangs in the air, though nobody hears it",
        ),
        Requirement(
            "acceptance_radius", _one("NAV_ACC_RAD"), Compared.AT_MOST,
            (asset.acceptance_radius_m,),
            "how near a waypoint counts as reached",
            "it cuts corners by more than was proven to be free", "m",
        ),
    )  # fmt: skip


def flight_contract(asset: Asset, plan: Plan | None) -> tuple[Requirement, ...]:
    """Returns what a multicopter must hold; without a plan, what counts for every plan.

    Raises:
        PlanUnreadable: if the return height counts from a datum that can't be joined with home's.
    """
    return (
        *_shared(asset),
        _either(
            "link_loss_action", "NAV_DLL_ACT", (2.0,),
            "what it does when the station is lost: 2 returns",
            "it goes on unheard, or comes down wherever it is",
        ),
        Requirement(
            "sticks_loss_action", _one("NAV_RCL_ACT"), Compared.ONE_OF, (2.0, 1.0, 3.0),
            "what it does when a pilot who has the sticks is lost: 1 holds, 2 returns, 3 lands",
            "it stops its motors in the air",
        ),
        _either(
            "low_battery_action", "COM_LOW_BAT_ACT", (3.0,),
            "what it does at a critical battery: 3 returns, and lands where it is at the last",
            "it flies until the battery is empty, or comes down wherever it is",
        ),
        Requirement(
            "critical_battery", _one("BAT_CRIT_THR"), Compared.AT_LEAST, (0.07,),
            "at which share of its charge the battery is critical",
            "too little is left for the way home when it turns", correctable=False,
        ),
        Requirement(
            "failsafe_delay", _one("COM_FAIL_ACT_T"), Compared.AT_MOST, (10.0,),
            "how long it waits in a hold before it does what a failsafe asks",
            "a battery or a link that is gone is answered too late", "s", preferred=5.0,
        ),
        Requirement(
            "landing_delay", _one("RTL_LAND_DELAY"), Compared.BETWEEN, (0.0, 30.0),
            "how long it waits over the place of return before it lands; -1 never lands",
            "it hangs over the place of return until the battery is empty", "s", preferred=0.0,
        ),
        Requirement(
            "landed_disarm", _one("COM_DISARM_LAND"), Compared.BETWEEN, (0.5, 30.0),
            "after how long on the ground it stops its motors; 0 never does",
            "its motors go on turning where it has landed", "s", preferred=2.0,
        ),
        *_distances(plan),
        *as_requirements(return_settings(plan), _RETURN_CODES),
    )  # fmt: skip


def drive_contract(asset: Asset) -> tuple[Requirement, ...]:
    """Returns what a rover must hold."""
    return (
        *_shared(asset),
        _either(
            "link_loss_action", "NAV_DLL_ACT", (1.0, 2.0),
            "what it does when the station is lost: 1 holds, 2 returns",
            "it drives on unheard",
        ),
        _either(
            "low_battery_action", "COM_LOW_BAT_ACT", (3.0, 2.0),
            "what it does at a critical battery: 2 stops, 3 returns",
            "it stands somewhere with an empty battery",
        ),
    )  # fmt: skip


def _distances(plan: Plan | None) -> tuple[Requirement, ...]:
    """Returns what its own limits of distance must leave room for; who set them had a reason."""
    if plan is None:
        return ()
    away_m, up_m = reach_m(plan)
    harm = "it breaks off in the middle of the plan"
    return (
        Requirement(
            "farthest_allowed", _one("GF_MAX_HOR_DIST"), Compared.OFF_OR_AT_LEAST, (away_m,),
            "how far from home it may go", harm, "m", correctable=False,
        ),
        Requirement(
            "highest_allowed", _one("GF_MAX_VER_DIST"), Compared.OFF_OR_AT_LEAST, (up_m,),
            "how high above home it may go", harm, "m", correctable=False,
        ),
    )  # fmt: skip
