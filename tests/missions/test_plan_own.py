"""What a `.plan` carries under our own key: a mended plan that is saved and loaded is the same."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core.ids import AssetId, PatrolId
from geo.adapters.flat_terrain import FlatTerrain
from geo.positions import Altitude, Datum
from geo.zones import ZoneKind
from missions.formats.plan_file import load_plan, save_plan, write_plan
from missions.model import Finding, ItemKind, MissionItem, Plan, Severity
from missions.proving.checks import check_plan
from missions.proving.cures import fix_plan
from tests.builders import a_mission, a_place, a_plan, a_square, after, an_asset
from tests.missions.flying import a_fence
from tests.missions.plan_strategies import altitudes, instants
from tests.missions.test_cures import known

DRONE = AssetId("drone-1")
HOME = Datum.HOME
ASSET = an_asset(endurance_s=3_000.0)
LEVEL = FlatTerrain(Altitude(350.0, Datum.GEOID))
lines = st.text(st.characters(exclude_categories=["Cc", "Zl", "Zp", "Cs"]), max_size=12)
returns = altitudes.filter(lambda one: one.metres >= 0 or one.datum not in (HOME, Datum.GROUND))
"""A return below home is none: see `test_a_return_below_home_or_beyond_the_sky_is_not_read`."""


@given(
    st.none() | returns,
    lines,
    st.none() | lines.filter(bool).map(PatrolId),
    st.floats(0, 9_000),
    st.none() | instants,
    altitudes,
)
def test_it_comes_back_as_it_was(
    back: Altitude | None,
    permission: str,
    patrol: PatrolId | None,
    expected_s: float,
    departs_at: datetime | None,
    home: Altitude,
) -> None:
    plan = a_plan(
        return_altitude=back, permission=permission, patrol_id=patrol, expected_s=expected_s,
        home=replace(a_place(), altitude=home), fences=(),
    )  # fmt: skip
    text = write_plan(plan, departs_at)
    loaded = load_plan(text, DRONE)
    came = replace(loaded.plan, mission=plan.mission)
    assert came == replace(plan, asset_id=DRONE)
    assert loaded.departs_at == departs_at
    assert {loss.code for loss in loaded.losses} <= {"home_unknown"}
    assert write_plan(loaded.plan, loaded.departs_at) == text


def test_a_plan_that_says_nothing_of_it_has_no_such_key() -> None:
    plan = Plan(a_mission(), DRONE, a_plan().home, 7.0)
    assert "qyran" not in json.loads(write_plan(plan))
    assert save_plan(plan)[1] == ()


NAMES = st.sampled_from(
    ["version", "return_m", "return_datum", "home_m", "home_datum", "permission", "patrol_id",
     "expected_s", "departs_at", "mission", "items"]
)  # fmt: skip
leaves = (
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.just(1) | st.floats()
    | st.text(max_size=9) | st.sampled_from(["home", "geoid", "9999-12-31T23:59:59-12:00"])
)  # fmt: skip
anything = leaves | st.lists(leaves, max_size=3) | st.dictionaries(NAMES, leaves, max_size=9)


@given(anything)
@settings(max_examples=150)
def test_whatever_stands_there_harms_nothing_that_the_file_says(value: Any) -> None:
    document = json.loads(write_plan(replace(a_plan(), return_altitude=None, expected_s=0.0)))
    document.pop("qyran", None)
    bare = load_plan(json.dumps(document), DRONE)
    try:
        text = json.dumps({**document, "qyran": value}, allow_nan=False)
    except ValueError:
        return  # no JSON, refused as a whole
    loaded = load_plan(text, DRONE)
    plan, wanted = loaded.plan, bare.plan
    assert plan.mission == wanted.mission
    assert (plan.home, plan.fences, plan.rally) == (wanted.home, wanted.fences, wanted.rally)
    assert plan.cruise_m_s == wanted.cruise_m_s
    assert plan.expected_s >= 0
    strange = [loss for loss in loaded.losses if loss not in bare.losses]
    assert all(loss.code == "not_read" and "qyran" in loss.message for loss in strange)
    known_version = isinstance(value, dict) and value.get("version") == 1
    assert known_version or value is None or strange
    assert check_plan(plan, ASSET, known())


def test_each_broken_value_is_named_and_the_rest_is_read() -> None:
    document = json.loads(write_plan(replace(a_plan(), permission="KZ-17")))
    own = {
        "return_m": "high", "home_m": 3, "home_datum": "moon", "expected_s": -1,
        "departs_at": "soon", "patrol_id": "a\nb", "colour": "red",
    }  # fmt: skip
    document["qyran"] |= own
    loaded = load_plan(json.dumps(document), DRONE)
    said = " ".join(loss.message for loss in loaded.losses)
    for name in ("return_m", "home_datum", "expected_s", "departs_at", "patrol_id", "colour"):
        assert name in said, name
    assert loaded.plan.permission == "KZ-17"
    assert loaded.plan.return_altitude is None


@pytest.mark.parametrize(
    ("height", "kept"),
    [
        ((-30, "home"), False), ((0, "home"), True), ((60, "home"), True),
        ((10_001, "home"), False), ((-1, "ground"), False), ((-20, "geoid"), True),
    ],
)  # fmt: skip
def test_a_return_below_home_or_beyond_the_sky_is_not_read(
    height: tuple[float, str], kept: bool
) -> None:
    document = json.loads(write_plan(replace(a_plan(), return_altitude=None)))
    metres, datum = height
    document["qyran"] = {"version": 1, "return_m": metres, "return_datum": datum}
    loaded = load_plan(json.dumps(document), DRONE)
    wanted = Altitude(metres, Datum(datum)) if kept else None
    assert loaded.plan.return_altitude == wanted
    told = [loss for loss in loaded.losses if loss.code == "not_read"]
    assert [("return_m" in loss.message) for loss in told] == ([] if kept else [True])


def keys(findings: tuple[Finding, ...]) -> set[tuple[str, int | None, str]]:
    return {(f.code, f.item, f.about) for f in findings if f.severity is Severity.ERROR}


spots = st.tuples(st.floats(-500, 500), st.floats(-500, 500), st.floats(-5, 120))


@given(
    st.lists(spots, min_size=1, max_size=5),
    st.lists(st.tuples(st.floats(-400, 400), st.floats(-400, 400), st.floats(5, 60)), max_size=3),
    st.floats(30, 90),
    st.none() | st.floats(10, 130),
    st.booleans(),
    st.floats(-7_200, 7_200),
)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_fix_save_load_check_finds_no_error_that_fix_did_not_tell(
    places: list[tuple[float, float, float]],
    holes: list[tuple[float, float, float]],
    ceiling: float,
    back: float | None,
    ends: bool,
    early_s: float,
) -> None:
    assume(all(max(abs(x), abs(y)) > half + 10 for x, y, half in holes))
    fences = (
        a_fence(600.0, ceiling=Altitude(ceiling, HOME)),
        *(a_fence(kind=ZoneKind.EXCLUSION, area=a_square(x, y, half)) for x, y, half in holes),
    )
    items = [MissionItem(ItemKind.TAKEOFF, a_place(0, 0, 40))]
    items += [MissionItem(ItemKind.WAYPOINT, a_place(*place)) for place in places]
    items += [MissionItem(ItemKind.RETURN)] * ends
    plan = a_plan(
        mission=a_mission(items=tuple(items)), fences=fences, expected_s=0.0,
        return_altitude=None if back is None else Altitude(back, HOME),
    )  # fmt: skip
    around = known(departs_at=after(early_s))
    fixed = fix_plan(plan, ASSET, around, terrain=LEVEL)
    text = write_plan(replace(fixed.plan, fences=()), fixed.circumstances.departs_at)
    loaded = load_plan(text, fixed.plan.asset_id)
    again = check_plan(
        replace(loaded.plan, fences=fences),
        ASSET,
        replace(around, departs_at=loaded.departs_at),
        terrain=LEVEL,
    )
    assert keys(again) <= keys(fixed.findings)
    assert {f.code for f in again} == {f.code for f in fixed.findings}
