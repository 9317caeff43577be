"""A failsafe contract: what it asks, what is told of an aircraft beside it, what corrects it."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.positions import Altitude, Datum
from missions.failsafes.contracts import Profile, contract_for, profile_of
from missions.failsafes.reach import reach_m
from missions.failsafes.requirements import (
    Compared,
    Contract,
    Held,
    Requirement,
    Spelling,
    compare,
)
from missions.model import Asset, Autopilot, Plan
from tests.builders import an_asset
from tests.missions.flying import HEIGHT_M, a_car, a_short_plan

PX4_AS_SHIPPED = {
    "GF_ACTION": 2, "GF_PREDICT": 0, "COM_DL_LOSS_T": 10, "COM_DLL_EXCEPT": 0, "NAV_ACC_RAD": 10,
    "NAV_DLL_ACT": 0, "NAV_RCL_ACT": 2, "COM_LOW_BAT_ACT": 0, "BAT_CRIT_THR": 0.07,
    "COM_FAIL_ACT_T": 5, "RTL_LAND_DELAY": 0, "COM_DISARM_LAND": 2, "GF_MAX_HOR_DIST": 0,
    "GF_MAX_VER_DIST": 0, "RTL_TYPE": 0, "RTL_CONE_ANG": 45, "RTL_RETURN_ALT": 60,
}  # fmt: skip
"""The defaults of PX4 1.17's parameter reference."""
COPTER_AS_SHIPPED = {
    "FENCE_ENABLE": 0, "FENCE_TYPE": 7, "FENCE_ACTION": 1, "FS_GCS_ENABLE": 0, "FS_GCS_TIMEOUT": 5,
    "FS_OPTIONS": 16, "BATT_MONITOR": 0, "BATT_LOW_VOLT": 10.5, "BATT_FS_LOW_ACT": 0,
    "BATT_FS_CRT_ACT": 0, "WPNAV_RADIUS": 200, "RTL_ALT": 1_500, "RTL_CLIMB_MIN": 0,
    "RTL_CONE_SLOPE": 3, "RTL_ALT_FINAL": 0, "RTL_ALT_TYPE": 0, "RALLY_INCL_HOME": 1,
    "RALLY_LIMIT_KM": 0.3, "OA_TYPE": 0,
}  # fmt: skip
"""The defaults in the source of ArduCopter 4.7."""
COPTER = an_asset(autopilot=Autopilot.ARDUPILOT)


def held_by(contract: Contract, parameters: dict[str, float]) -> dict[str, Held]:
    return {
        one.code: Held(spelling.name, float(parameters[spelling.name]))
        for one in contract.requirements
        for spelling in one.spelled
        if spelling.name in parameters
    }


def astray(asset: Asset, plan: Plan | None, parameters: dict[str, float]) -> dict[str, str]:
    contract = contract_for(asset, plan)
    return {one.code: str(one) for one in compare(contract, held_by(contract, parameters))}


def test_a_px4_as_it_is_shipped_would_do_nothing_when_it_loses_us_or_its_battery() -> None:
    assert astray(an_asset(), None, PX4_AS_SHIPPED) == {
        "acceptance_radius": "NAV_ACC_RAD is 10, wanted at most 2 m",
        "link_loss_action": "NAV_DLL_ACT is 0, wanted 2",
        "low_battery_action": "COM_LOW_BAT_ACT is 0, wanted 3",
    }


def test_so_would_an_ardupilot() -> None:
    found = astray(COPTER, a_short_plan(), COPTER_AS_SHIPPED)
    assert set(found) == {
        "fence_enabled", "link_loss_action", "battery_known", "low_battery_action",
        "rally_distance", "return_height",
    }  # fmt: skip
    assert found["battery_known"] == "BATT_MONITOR is 0, wanted at least 1"
    assert found["return_height"].startswith("RTL_ALT is 1500, wanted 11.994 to 12.006, which is")


def test_a_plan_asks_for_its_own_return_height_and_room() -> None:
    mended = {**PX4_AS_SHIPPED, "NAV_DLL_ACT": 2, "COM_LOW_BAT_ACT": 3, "NAV_ACC_RAD": 2}
    plan = a_short_plan()
    assert set(astray(an_asset(), plan, mended)) == {"return_height"}
    mended["RTL_RETURN_ALT"] = HEIGHT_M
    assert not astray(an_asset(), plan, mended)
    away_m, up_m = reach_m(plan)
    assert (round(away_m, 1), up_m) == (56.6, HEIGHT_M)
    narrow = {**mended, "GF_MAX_HOR_DIST": 50, "GF_MAX_VER_DIST": 11}
    assert set(astray(an_asset(), plan, narrow)) == {"farthest_allowed", "highest_allowed"}
    wide = {**mended, "GF_MAX_HOR_DIST": 57, "GF_MAX_VER_DIST": 12}
    assert not astray(an_asset(), plan, wide)


def test_a_return_above_another_plan_is_high_enough_for_room() -> None:
    high = a_short_plan(return_altitude=Altitude(80.0, Datum.HOME))
    assert reach_m(high)[1] == 80.0


def test_what_is_not_there_is_not_met() -> None:
    contract = contract_for(an_asset())
    found = compare(contract, {})
    assert [one.code for one in found] == [one.code for one in contract.requirements]
    assert all(one.correction is None for one in found)
    assert "is not there" in str(found[0])


def test_limits_that_somebody_set_and_hardware_are_not_corrected() -> None:
    for asset, plan in ((an_asset(), a_short_plan()), (COPTER, a_short_plan())):
        kept = {one.code for one in contract_for(asset, plan).requirements if not one.correctable}
        assert kept <= {"farthest_allowed", "highest_allowed", "critical_battery", "battery_known"}
        assert "critical_battery" in kept


def test_the_names_of_two_versions_mean_the_same() -> None:
    contract = contract_for(COPTER, a_short_plan())
    old = {**COPTER_AS_SHIPPED, "RTL_ALT": 1_200, "WPNAV_RADIUS": 200}
    new = {**COPTER_AS_SHIPPED, "RTL_ALT_M": 12, "WP_RADIUS_M": 2}
    for name in ("RTL_ALT", "WPNAV_RADIUS"):
        del new[name]
    for parameters in (old, new):
        found = {one.code for one in compare(contract, held_by(contract, parameters))}
        assert not {"return_height", "acceptance_radius"} & found
    coarse = {**old, "WPNAV_RADIUS": 500}
    (radius,) = [
        one
        for one in compare(contract, held_by(contract, coarse))
        if one.code == "acceptance_radius"
    ]
    assert (radius.name, radius.found, radius.correction) == ("WPNAV_RADIUS", 500.0, 200.0)


@pytest.mark.parametrize("autopilot", list(Autopilot))
def test_a_rover_has_a_contract_of_its_own(autopilot: Autopilot) -> None:
    rover = a_car(autopilot=autopilot)
    contract = contract_for(rover)
    assert profile_of(rover) is Profile.DRIVE
    assert contract.name == f"{autopilot}_drive"
    codes = {one.code for one in contract.requirements}
    assert {"link_loss_action", "low_battery_action", "acceptance_radius"} <= codes
    assert not {code for code in codes if code.startswith("return_")}


def test_a_code_stands_for_one_thing() -> None:
    one = contract_for(an_asset()).requirements[0]
    with pytest.raises(ValueError, match="twice"):
        Contract("two", (one, replace(one, meaning="another")))


def test_every_requirement_says_what_it_is_for() -> None:
    assets = [an_asset(), COPTER, a_car(), a_car(autopilot=Autopilot.ARDUPILOT)]
    for asset in assets:
        for one in contract_for(asset, a_short_plan(), fenced=True).requirements:
            assert all((one.meaning, one.harm, one.wanted()))


NUMBERS = st.one_of(
    st.floats(-1e6, 1e6, width=32),
    st.sampled_from([0.0, -1.0, math.nan, math.inf, -math.inf, 2.0, 30.0]),
)


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    kind = draw(st.sampled_from(Compared))
    if kind in (Compared.BITS_SET, Compared.BITS_CLEAR):
        values: tuple[float, ...] = (float(draw(st.integers(1, 255))),)
    elif kind is Compared.BETWEEN:
        first, second = sorted(draw(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))))
        values = (first, second)
    else:
        size = 3 if kind is Compared.ONE_OF else 1
        values = tuple(draw(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=size)))
    return Requirement("x", (Spelling("X"),), kind, values, "m", "h")


@given(requirements(), NUMBERS)
def test_what_was_corrected_will_do(required: Requirement, value: float) -> None:
    bits = required.compared in (Compared.BITS_SET, Compared.BITS_CLEAR)
    value = float(round(value)) if bits and math.isfinite(value) else value
    assert required.allows(required.corrected(value))


@given(requirements(), NUMBERS, st.floats(0.01, 100.0))
def test_nothing_is_told_of_what_will_do(
    required: Requirement, value: float, per_unit: float
) -> None:
    contract = Contract("one", (replace(required, spelled=(Spelling("X", per_unit),)),))
    found = compare(contract, {"x": Held("X", value)})
    assert bool(found) is not required.allows(value / per_unit)
    assert compare(contract, {"x": Held("Y", value)})  # another parameter says nothing of it


@given(st.integers(0, 2**16), st.integers(1, 2**10))
def test_other_bits_are_left_as_they_are(value: int, mask: int) -> None:
    for kind, wanted in ((Compared.BITS_SET, mask), (Compared.BITS_CLEAR, 0)):
        one = Requirement("x", (Spelling("X"),), kind, (float(mask),), "m", "h")
        mended = int(one.corrected(float(value)))
        assert mended & mask == wanted
        assert mended & ~mask == value & ~mask
