"""What of a `.plan` was dropped in silence once: its vehicle, unknown versions, no spacing."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import PlanUnreadable
from core.ids import AssetId
from missions.formats.losses import Loss, findings, findings_of_other
from missions.formats.plan_file import LoadedPlan, load_plan, save_plan
from missions.model import Severity

GOLDEN = Path(__file__).parents[1] / "golden" / "plans"
DRONE = AssetId("drone-1")


def document(name: str = "survey_v5.plan") -> Any:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def pattern(plan: Any) -> Any:
    items = plan["mission"]["items"]
    return next(item for item in items if item["type"] == "ComplexItem")


def loaded(plan: Any) -> LoadedPlan:
    return load_plan(json.dumps(plan), DRONE, where="a.plan")


def with_mission(**values: Any) -> LoadedPlan:
    plan = document()
    plan["mission"].update(values)
    return loaded(plan)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (1, ("fixed wing", "15 m/s", "circles")),
        (20, ("VTOL", "15 m/s")),
        (10, ("ground rover", "does not fly")),
        (12, ("submarine",)),
        (7, ("an airship",)),
        (999, ("no known kind", "999")),
        ("x", ("no known kind", "'x'")),
    ],
)
def test_a_file_for_another_vehicle_says_so(kind: object, words: tuple[str, ...]) -> None:
    (loss,) = with_mission(vehicleType=kind).losses
    assert (loss.severity, loss.code) == (Severity.WARNING, "vehicle_other")
    assert all(word in loss.message for word in words)
    (finding,) = findings((loss,))
    assert finding.code == "vehicle_other"
    assert finding.cure


@pytest.mark.parametrize("kind", [None, 0, 2, 13, 14])
def test_a_file_for_a_multicopter_or_for_nobody_is_read_without_a_word(kind: object) -> None:
    assert with_mission(vehicleType=kind).losses == ()


@pytest.mark.parametrize(
    ("hover", "cruise", "taken", "said"),
    [
        (0, 0, 5.0, "hoverSpeed is 0 m/s and cruiseSpeed is 0 m/s, which is no speed; 5 m/s"),
        (0, 15, 15.0, "hoverSpeed is 0 m/s, which is no speed; cruiseSpeed of 15 m/s"),
        (-3, None, 5.0, "hoverSpeed is -3 m/s"),
        (None, None, 5.0, "names no speed; 5 m/s"),
        (6, 0, 6.0, ""),
        (None, 15, 15.0, ""),
    ],
)
def test_a_speed_that_had_to_be_taken_is_named(
    hover: object, cruise: object, taken: float, said: str
) -> None:
    plan = with_mission(hoverSpeed=hover, cruiseSpeed=cruise)
    assert plan.plan.cruise_m_s == taken
    assert [loss.code for loss in plan.losses] == (["speed_assumed"] if said else [])
    assert all(said in loss.message and loss.cure for loss in plan.losses)
    again = load_plan(save_plan(plan.plan)[0], DRONE)
    assert not [loss for loss in again.losses if loss.code == "speed_assumed"]


@pytest.mark.parametrize(
    ("name", "words", "items"),
    [
        ("survey_v5.plan", "version 99 of a survey", 6),
        ("corridor_v2.plan", "version 99 of a corridor scan", None),
        ("structure_v3.plan", "version 99 of a structure scan", 2),
        ("landing_pattern.plan", "version 99 of a fixed-wing landing pattern", 2),
    ],
)
def test_a_pattern_of_an_unknown_version_is_named(name: str, words: str, items: int | None) -> None:
    plan = document(name)
    known = loaded(document(name))
    pattern(plan)["version"] = 99
    read = loaded(plan)
    (loss,) = read.losses
    assert (loss.severity, loss.code) == (Severity.ERROR, "movement_not_understood")
    assert words in loss.message
    assert findings(read.losses)[0].cure == loss.cure != ""
    assert len(read.plan.mission.items) == (items or len(known.plan.mission.items))


def test_lanes_of_an_unknown_version_and_steps_that_are_none_cost_no_data() -> None:
    plan = document()
    pattern(plan)["TransectStyleComplexItem"]["version"] = 99
    assert "version 99 of the lanes" in loaded(plan).losses[0].message
    pattern(plan)["TransectStyleComplexItem"]["Items"] = [{"way": 1}]
    read = loaded(plan)
    assert "its steps are no steps" in read.losses[0].message
    assert len(read.plan.mission.items) == 2


@pytest.mark.parametrize("name", ["survey_v5.plan", "corridor_v2.plan"])
@pytest.mark.parametrize("spacing", [0, -5, 1e-6, 0.49, None])
def test_lanes_without_a_spacing_are_never_computed(name: str, spacing: object) -> None:
    plan = document(name)
    inner = pattern(plan)["TransectStyleComplexItem"]
    inner["Items"] = []
    inner["CameraCalc"]["AdjustedFootprintSide"] = spacing
    read = loaded(plan)
    (loss,) = read.losses
    assert (loss.severity, loss.code) == (Severity.ERROR, "spacing_impossible")
    assert loss.message.startswith("item 1: ")
    (finding,) = findings(read.losses)
    assert (finding.severity, finding.code) == (Severity.ERROR, "spacing_impossible")
    assert "distance between lanes" in finding.cure
    assert not read.parts


def test_a_spacing_that_is_no_number_is_refused_with_its_place() -> None:
    plan = document()
    pattern(plan)["TransectStyleComplexItem"]["CameraCalc"]["AdjustedFootprintSide"] = float("nan")
    with pytest.raises(PlanUnreadable) as refused:
        loaded(plan)
    assert "AdjustedFootprintSide" in refused.value.where


def test_layers_without_a_distance_are_never_computed() -> None:
    plan = document("structure_v3.plan")
    pattern(plan)["CameraCalc"]["AdjustedFootprintFrontal"] = 0
    assert "spacing_impossible" in {loss.code for loss in loaded(plan).losses}


def test_of_another_plan_only_what_moves_it_is_an_error() -> None:
    losses = (
        Loss(Severity.ERROR, "movement_not_understood", "item 2: NAV_FOLLOW"),
        Loss(Severity.ERROR, "fence_changed", "geofence version 9", 4),
        Loss(Severity.WARNING, "vehicle_other", "made for a VTOL", cure="look"),
        Loss(Severity.INFO, "lanes_rebuilt", "item 1: lanes"),
    )
    found = findings_of_other(losses, "north", "--with north.plan")
    assert [(one.severity, one.code) for one in found] == [
        (Severity.ERROR, "other_not_understood"),
        (Severity.WARNING, "not_carried"),
        (Severity.WARNING, "vehicle_other"),
        (Severity.INFO, "not_carried"),
    ]
    assert all(one.about == "north" and one.item is None for one in found)
    assert all(one.message.startswith("--with north.plan: ") for one in found)
    assert found[0].cure
