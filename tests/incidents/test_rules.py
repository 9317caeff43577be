"""Tables of cases: what was seen, where, and what is said of it."""

from datetime import timedelta

import pytest

from core.ids import ZoneId
from core.refusals import RefusalCode
from geo.zones import Purpose
from incidents.model import IncidentKind, Origin
from incidents.rules import RULES, Programme, judge, kind_of, rule_for
from tests.builders import NOW, a_point, a_source, a_square, a_zone, after, an_observation

C = RefusalCode
WASTE = {"label": "waste", "speed_m_s": None, "speed_sigma_m_s": None}


def test_a_standing_car_is_reported_with_its_reason() -> None:
    violations, refusals = judge(an_observation(), [a_zone()], after(4))
    assert refusals == ()
    (violation,) = violations
    assert violation.kind is IncidentKind.VEHICLE_STOPPED
    assert violation.zone_id == "zone-1"
    assert violation.zone_probability == 1.0
    assert violation.because == (
        "car seen 20 times over 4 s, standing (0.1 ± 0.2 m/s), "
        "100% inside Central square, confidence 0.90"
    )


def test_a_heap_is_reported_whatever_its_speed() -> None:
    violations, _ = judge(an_observation(**WASTE), [a_zone()], after(4))
    assert [v.kind for v in violations] == [IncidentKind.WASTE_HEAP]
    assert "standing" not in violations[0].because


@pytest.mark.parametrize(
    ("speed", "sigma", "reported"),
    [
        (0.0, 0.1, True),
        (0.5, 0.2, True),  # below 1 m/s for sure
        (0.6, 0.2, True),  # at most 1.0, and may be nought
        (0.8, 0.6, True),  # can't be told from nought, and no traffic is so slow
        (0.7, 0.2, False),  # creeps
        (1.5, 0.9, False),  # may be as fast as 3.3
        (0.0, 1.6, False),  # nothing is known of it
        (4.0, 0.3, False),
        (None, None, False),
    ],
)
def test_only_what_stands_is_reported(
    speed: float | None, sigma: float | None, reported: bool
) -> None:
    seen = an_observation(speed_m_s=speed, speed_sigma_m_s=sigma)
    violations, refusals = judge(seen, [a_zone()], after(4))
    assert bool(violations) is reported
    assert [r.code for r in refusals] == ([] if reported else [C.MOVING])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sightings": 4}, C.TOO_BRIEF),
        ({"last_seen_at": after(1.9)}, C.TOO_BRIEF),
        ({"confidence": 0.49}, C.LOW_CONFIDENCE),
        ({"label": "tree"}, C.NO_RULE),
        ({"label": "person"}, C.NO_RULE),
        ({"point": a_point(80, 0, 3)}, C.OUTSIDE_ZONES),
        ({"point": a_point(51, 0, 3)}, C.OUTSIDE_ZONES),
        ({"point": a_point(5_000, 0, 3)}, C.OUTSIDE_ZONES),
        ({"first_seen_at": after(days=1), "last_seen_at": after(days=2)}, C.BAD_TELEMETRY),
        ({**WASTE, "last_seen_at": after(0.9)}, C.TOO_BRIEF),
        ({**WASTE, "confidence": 0.3}, C.LOW_CONFIDENCE),
    ],
)
def test_silence_has_a_reason(changes: dict[str, object], code: RefusalCode) -> None:
    violations, refusals = judge(an_observation(**changes), [a_zone()], after(4))
    assert violations == ()
    assert [r.code for r in refusals] == [code]
    assert refusals[0].reason


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        (a_zone(rules=("waste_heap",)), C.NO_RULE),
        (a_zone(rules=()), C.NO_RULE),
        (a_zone(active=False), C.OUTSIDE_ZONES),
        (a_zone(purposes=frozenset({Purpose.FLIGHT})), C.OUTSIDE_ZONES),
    ],
)
def test_a_zone_speaks_only_for_what_it_is_for(zone: object, code: RefusalCode) -> None:
    _, refusals = judge(an_observation(), [zone], after(4))  # type: ignore[list-item]
    assert [r.code for r in refusals] == [code]


def test_without_zones_nothing_is_a_violation() -> None:
    _, refusals = judge(an_observation(), [], after(4))
    assert [r.code for r in refusals] == [C.OUTSIDE_ZONES]


@pytest.mark.parametrize(
    ("east", "sigma", "reported"), [(45, 8, True), (49.5, 3, True), (53, 8, False)]
)
def test_by_the_border_it_must_be_more_likely_in_than_out(
    east: float, sigma: float, reported: bool
) -> None:
    seen = an_observation(point=a_point(east, 0, sigma))
    violations, _ = judge(seen, [a_zone()], after(4))
    assert bool(violations) is reported


def test_in_two_zones_of_one_rule_it_is_one_violation() -> None:
    narrow = a_zone(zone_id=ZoneId("zone-2"), area=a_square(0, 0, 3))
    violations, _ = judge(an_observation(), [narrow, a_zone()], after(4))
    assert [v.zone_id for v in violations] == ["zone-1"]


def test_a_device_that_has_judged_for_itself_is_asked_only_where() -> None:
    seen = an_observation(
        kind=IncidentKind.VEHICLE_STOPPED,
        label="pickup",
        last_seen_at=NOW,
        sightings=1,
        speed_m_s=None,
        speed_sigma_m_s=None,
        confidence=0.2,
        source=a_source(origin=Origin.ELSEWHERE, sortie_id=None, track_id=None),
    )
    violations, _ = judge(seen, [a_zone()], after(4))
    assert [v.kind for v in violations] == [IncidentKind.VEHICLE_STOPPED]
    assert "reported by camera-1" in violations[0].because
    _, refusals = judge(seen, [a_zone(rules=("waste_heap",))], after(4))
    assert [r.code for r in refusals] == [C.NO_RULE]


def test_the_table_is_whole() -> None:
    assert {rule.kind for rule in RULES} == set(IncidentKind)
    assert [rule.code for rule in RULES] == [str(rule.kind) for rule in RULES]
    assert rule_for(IncidentKind.WASTE_HEAP).programme is Programme.TAZA_QAZAQSTAN
    assert rule_for(IncidentKind.VEHICLE_STOPPED).agency == "police"
    assert kind_of("minibus") is IncidentKind.VEHICLE_STOPPED
    assert kind_of("waste") is IncidentKind.WASTE_HEAP
    assert kind_of("tree") is None
    assert all(rule.min_dwell > timedelta(0) for rule in RULES)
    with pytest.raises(KeyError):
        rule_for(IncidentKind.WASTE_HEAP, rules=())
