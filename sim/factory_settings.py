"""The parameters with which simulated autopilots boot, as their makers ship them.

Where a number is not the maker's, it is that of the simulated airframe: its speed, how near it
takes a waypoint, a return height.
"""

from missions.model import Asset


def px4_settings(asset: Asset) -> dict[str, int | float]:
    """Returns what of PX4's parameters its simulation knows; whole numbers stay whole."""
    return {
        "BAT_CRIT_THR": 0.07,
        "COM_ARM_AUTH_ID": 10,
        "COM_ARM_AUTH_MET": 0,
        "COM_ARM_AUTH_REQ": 0,
        "COM_ARM_AUTH_TO": 1.0,
        "COM_DISARM_LAND": 2.0,
        "COM_DISARM_PRFLT": 10.0,
        "COM_DLL_EXCEPT": 0,
        "COM_DL_LOSS_T": 10,
        "COM_FAIL_ACT_T": 5.0,
        "COM_LOW_BAT_ACT": 0,
        "COM_RC_IN_MODE": 1,
        "GF_ACTION": 2,
        "GF_MAX_HOR_DIST": 0.0,
        "GF_MAX_VER_DIST": 0.0,
        "GF_PREDICT": 0,
        "MIS_TAKEOFF_ALT": 2.5,
        "MPC_XY_CRUISE": float(asset.cruise_m_s),
        "NAV_ACC_RAD": float(asset.acceptance_radius_m),
        "NAV_DLL_ACT": 0,
        "NAV_RCL_ACT": 2,
        "RTL_CONE_ANG": 0,
        "RTL_LAND_DELAY": 0.0,
        "RTL_RETURN_ALT": 30.0,
        "RTL_TYPE": 0,
    }


def copter_settings(asset: Asset) -> dict[str, int | float]:
    """Returns what of ArduCopter's parameters its simulation knows; whole numbers stay whole."""
    return {
        "BATT_FS_CRT_ACT": 0,
        "BATT_FS_LOW_ACT": 0,
        "BATT_LOW_VOLT": 10.5,
        "BATT_MONITOR": 4,
        "DISARM_DELAY": 10,
        "FENCE_ACTION": 1,
        "FENCE_ALT_MAX": 100.0,
        "FENCE_ALT_MIN": -10.0,
        "FENCE_ENABLE": 0,
        "FENCE_RADIUS": 300.0,
        "FENCE_TYPE": 7,
        "FS_GCS_ENABLE": 0,
        "FS_GCS_TIMEOUT": 5.0,
        "FS_OPTIONS": 16,
        "OA_TYPE": 0,
        "RALLY_INCL_HOME": 1,
        "RALLY_LIMIT_KM": 0.3,
        "RTL_ALT": 1500,
        "RTL_ALT_FINAL": 0,
        "RTL_ALT_TYPE": 0,
        "RTL_CLIMB_MIN": 0,
        "RTL_CONE_SLOPE": 3.0,
        "WPNAV_RADIUS": 100.0 * asset.acceptance_radius_m,
    }
