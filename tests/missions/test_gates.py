"""The weather gates: what is bad is a no, and so is what is not known or old."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ScheduleInvalid
from core.ids import UserId
from missions.model import AssetKind
from missions.schedules import GateOverride, StopReason, WeatherGates
from missions.scheduling.gates import Verdict, judge_weather
from missions.weather import Weather
from tests.builders import NOW, after, an_asset

HOLD, STALE = StopReason.WEATHER_HOLD, StopReason.STALE_WEATHER
FINE = Weather(
    NOW, wind_m_s=4.0, gust_m_s=6.0, temperature_c=10.0, dew_point_c=2.0, visibility_m=9_000.0,
    ceiling_m=2_000.0, precipitation_mm_h=0.0,
)  # fmt: skip
GATES = WeatherGates(
    wind_most_m_s=8.0, gust_most_m_s=12.0, temperature_least_c=-15.0, temperature_most_c=40.0,
    visibility_least_m=2_000.0, ceiling_least_m=300.0, precipitation_most_mm_h=1.0,
)  # fmt: skip


def judged(gates: WeatherGates = GATES, **changes: Any) -> Verdict:
    asset = an_asset(wind_most_m_s=10.0, coldest_c=-10.0)
    return judge_weather(gates, asset, replace(FINE, **changes), NOW)


def test_fine_weather_opens() -> None:
    assert judged() == Verdict()
    assert judged().open


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"wind_m_s": 8.1}, "wind 8.1 m/s, at most 8"),
        ({"gust_m_s": 12.1}, "gusts"),
        ({"temperature_c": -10.1, "dew_point_c": -30.0}, "at least -10"),  # the asset's own
        ({"temperature_c": 41.0}, "at most 40"),
        ({"visibility_m": 1_999.0}, "visibility"),
        ({"ceiling_m": 299.0}, "lowest cloud"),
        ({"precipitation_mm_h": 1.1}, "precipitation"),
        ({"temperature_c": 0.0, "dew_point_c": -1.0}, "icing: dew point only 1.0 °C below"),
        ({"temperature_c": -3.0, "dew_point_c": -9.0, "precipitation_mm_h": 0.2}, "icing"),
        ({"temperature_c": 1.0, "dew_point_c": -9.0, "visibility_m": 800.0}, "icing"),
    ],
)
def test_bad_weather_holds_and_says_by_how_much(changes: dict[str, float], words: str) -> None:
    verdict = judged(**changes)
    assert verdict.reason is HOLD
    assert words in verdict.text


@pytest.mark.parametrize("name", [f.name for f in fields(Weather) if f.name.endswith(("_s", "_c"))])
def test_dry_cold_air_does_not_ice_and_limits_themselves_are_allowed(name: str) -> None:
    assert judged(temperature_c=-10.0, dew_point_c=-20.0).open
    assert judged(wind_m_s=8.0, gust_m_s=12.0, visibility_m=2_000.0, ceiling_m=300.0).open


@pytest.mark.parametrize(
    "name",
    ["wind_m_s", "gust_m_s", "temperature_c", "visibility_m", "ceiling_m", "precipitation_mm_h"],
)
def test_what_is_not_known_is_a_no(name: str) -> None:
    for value in (None, float("nan")):
        verdict = judged(**{name: value})
        assert verdict.reason is STALE
        assert "not known" in verdict.text


def test_the_dew_point_must_be_known_where_it_may_ice() -> None:
    assert judged(dew_point_c=None).open
    assert judged(dew_point_c=None, temperature_c=0.0).reason is STALE


@pytest.mark.parametrize(("age_s", "is_open"), [(3_600, True), (3_601, False), (-900, True),
                                                (-901, False)])  # fmt: skip
def test_old_weather_is_a_no(age_s: float, is_open: bool) -> None:
    verdict = judged(at=after(-age_s))
    assert verdict.open is is_open
    assert is_open or verdict.reason is STALE


def test_no_weather_is_a_no() -> None:
    verdict = judge_weather(WeatherGates(), an_asset(), None, NOW)
    assert verdict.reason is STALE


def test_the_stricter_of_gate_and_asset_holds() -> None:
    calm = an_asset(wind_most_m_s=5.0)
    assert judge_weather(GATES, calm, replace(FINE, wind_m_s=6.0), NOW).reason is HOLD
    strong = an_asset(wind_most_m_s=15.0)
    assert judge_weather(GATES, strong, replace(FINE, wind_m_s=9.0), NOW).reason is HOLD


def test_gusts_count_for_a_drone_even_without_a_limit_of_their_own() -> None:
    drone = an_asset(wind_most_m_s=10.0)
    gusty = replace(FINE, gust_m_s=15.1)
    assert judge_weather(WeatherGates(), drone, gusty, NOW).reason is HOLD


def test_a_car_has_only_the_limits_that_its_schedule_sets() -> None:
    car = an_asset(kind=AssetKind.VEHICLE)
    storm = Weather(NOW, wind_m_s=25.0, temperature_c=-35.0)
    assert judge_weather(WeatherGates(), car, storm, NOW).open
    assert judge_weather(WeatherGates(visibility_least_m=100.0), car, storm, NOW).reason is STALE


def test_a_person_may_override_for_a_while_with_a_reason() -> None:
    word = GateOverride(UserId("chief"), "a child is missing", NOW, after(600))
    storm = replace(FINE, wind_m_s=30.0)
    verdict = judge_weather(GATES, an_asset(), storm, after(599), word)
    assert verdict.open
    assert "chief" in verdict.text
    assert "a child is missing" in verdict.text
    assert judge_weather(GATES, an_asset(), storm, after(600), word).reason is HOLD
    with pytest.raises(ScheduleInvalid):
        GateOverride(UserId("chief"), " ", NOW, after(600))
    with pytest.raises(ScheduleInvalid):
        GateOverride(UserId("chief"), "because", NOW, NOW)


numbers = st.none() | st.floats(-60, 60)


@settings(max_examples=100, deadline=None)
@given(
    wind=numbers, gust=numbers, temperature=numbers, dew=numbers,
    dropped=st.sampled_from(["wind_m_s", "temperature_c", "gust_m_s"]),
)  # fmt: skip
def test_knowing_less_never_opens_a_gate(
    wind: float | None, gust: float | None, temperature: float | None, dew: float | None,
    dropped: str,
) -> None:  # fmt: skip
    known = {"wind_m_s": wind, "gust_m_s": gust, "temperature_c": temperature, "dew_point_c": dew}
    less = {**known, dropped: None}
    if not judged(**known).open:
        assert not judged(**less).open
