"""The demo's score counts what a person would count."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from geo.positions import Covariance, GroundPoint
from incidents.model import Incident, IncidentKind
from sim.world import PlacedThing, build_world, violators
from station import cli
from station.demo import all_incidents
from station.demo_scenario import FRAME, demo_scenario
from station.demo_score import cleared_thing, score
from station.settings import Settings
from station.stores import opened_stores
from station.verbs.demo import missed_goals
from tests.builders import NOW, an_incident


def thing(east_m: float, north_m: float, kind: str = "car") -> PlacedThing:
    return PlacedThing(f"t{east_m}", kind, east_m, north_m, 0.0, 4.5, 1.8, 1.5, 0, False)


def incident(
    east_m: float, north_m: float, kind: IncidentKind = IncidentKind.VEHICLE_STOPPED
) -> Incident:
    lat, lon = FRAME.to_geo1_deg(east_m, north_m)
    return replace(an_incident(), kind=kind, point=GroundPoint(lat, lon, Covariance(4.0, 4.0)))


def test_all_right() -> None:
    result = score([incident(1, 0), incident(50, 3)], [thing(0, 0), thing(50, 0)], FRAME)
    assert (result.precision, result.recall) == (1.0, 1.0)
    assert [round(e, 2) for e in sorted(result.errors_m)] == [1.0, 3.0]


def test_two_incidents_of_one_thing_are_one_right_and_one_wrong() -> None:
    result = score([incident(1, 0), incident(2, 0)], [thing(0, 0)], FRAME)
    assert (result.precision, result.recall) == (0.5, 1.0)


def test_the_wrong_kind_is_wrong() -> None:
    result = score([incident(0, 0, IncidentKind.WASTE_HEAP)], [thing(0, 0)], FRAME)
    assert (result.precision, result.recall) == (0.0, 0.0)


def test_too_far_is_wrong() -> None:
    result = score([incident(16, 0)], [thing(0, 0)], FRAME)
    assert (result.precision, result.recall) == (0.0, 0.0)


def test_nothing_found_and_nothing_there() -> None:
    assert score([], [thing(0, 0)], FRAME).recall == 0.0
    assert score([], [], FRAME).precision == 1.0


def test_done_clears_the_nearest_thing_of_the_kind() -> None:
    standing = [thing(0, 0), thing(9, 0), thing(1, 1, "waste")]
    assert cleared_thing(incident(2, 0), standing, FRAME) == "t0"
    assert cleared_thing(incident(200, 0), standing, FRAME) is None


def test_every_violation_of_the_world_lies_in_a_zone_with_its_rule() -> None:
    world = build_world(3)
    scenario = demo_scenario(world, NOW)
    wrong = violators(world, 0.0)
    assert len(wrong) >= 8
    for it in wrong:
        lat, lon = FRAME.to_geo1_deg(it.east_m, it.north_m)
        rule = "waste_heap" if it.kind == "waste" else "vehicle_stopped"
        assert any(rule in z.rules and z.contains(lat, lon) for z in scenario.zones)


GOOD: dict[str, object] = {
    "precision": 0.7, "recall": 1.0, "position_error_median_m": 5.0, "wall_s": 300.0,
    "sorties": 2, "sorties_completed": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("precision", 0.69),
        ("recall", None),
        ("position_error_median_m", 5.1),
        ("wall_s", 300.1),
        ("sorties_completed", 1),
    ],
)
def test_each_goal_can_be_missed(name: str, value: object) -> None:
    assert missed_goals(GOOD) == []
    (missed,) = missed_goals({**GOOD, name: value})
    assert name in missed or name == "sorties_completed"


@pytest.mark.slow
def test_a_headless_run_keeps_its_data_where_home_says(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "kept"
    cli.main(["demo", "--once", "--json", "--home", str(home)])
    document = json.loads(capfd.readouterr().out)
    with opened_stores(Settings(home=home)) as stores:
        assert len(all_incidents(stores.incidents)) == document["incidents"] > 0
