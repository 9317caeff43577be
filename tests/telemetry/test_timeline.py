from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.refusals import Refusal, RefusalCode
from geo.positions import Altitude, Attitude, Datum, Pose
from telemetry.timeline import PoseTimeline
from tests.builders import a_place, a_sample, a_sigma, after

TWO = (
    a_sample(at=after(0), position=a_place(0, 0, 60), camera=Attitude(350, -60)),
    a_sample(at=after(0.2), position=a_place(0, 2, 62), camera=Attitude(10, -50, 4)),
)


def timeline(*samples: object) -> PoseTimeline:
    return PoseTimeline(a_sigma(), samples=samples or TWO)  # type: ignore[arg-type]


def pose(line: PoseTimeline, seconds: float) -> Pose:
    answer = line.pose_at(after(seconds))
    assert isinstance(answer, Pose), answer
    return answer


def refusal(line: PoseTimeline, seconds: float) -> RefusalCode:
    answer = line.pose_at(after(seconds))
    assert isinstance(answer, Refusal), answer
    return answer.code


def test_between_two_samples_everything_is_in_proportion() -> None:
    middle = pose(timeline(), 0.05)
    assert middle.at == after(0.05)
    assert middle.position.altitude == Altitude(60.5, Datum.HOME)
    assert middle.position.lat_deg == pytest.approx(
        0.75 * a_place(0, 0).lat_deg + 0.25 * a_place(0, 2).lat_deg, abs=1e-12
    )
    assert middle.attitude.pitch_deg == pytest.approx(-57.5)
    assert middle.attitude.roll_deg == pytest.approx(1.0)


def test_a_heading_turns_the_shorter_way_over_north() -> None:
    line = timeline()
    assert pose(line, 0.05).attitude.yaw_deg == pytest.approx(355.0)
    assert pose(line, 0.15).attitude.yaw_deg == pytest.approx(5.0)
    assert pose(line, 0.1).yaw_rate_deg_s == pytest.approx(100.0)


@given(st.permutations(range(6)), st.floats(0, 1))
def test_the_order_of_arrival_does_not_matter(order: list[int], share: float) -> None:
    samples = [a_sample(at=after(0.2 * i), position=a_place(0, i)) for i in range(6)]
    seconds = share * 1.0
    sorted_line, mixed = timeline(*samples), timeline(*(samples[i] for i in order))
    assert sorted_line.pose_at(after(seconds)) == mixed.pose_at(after(seconds))


def test_the_sample_itself_is_given_back() -> None:
    line = timeline()
    assert pose(line, 0.2).position == TWO[1].position
    assert pose(line, 0.2).north_m_s == 7.0


def test_it_does_not_extrapolate_beyond_the_gap() -> None:
    line = timeline()
    assert isinstance(line.pose_at(after(0.4)), Pose)
    assert refusal(line, 0.401) is RefusalCode.NO_POSE
    assert refusal(line, -0.201) is RefusalCode.NO_POSE
    assert refusal(PoseTimeline(a_sigma()), 0) is RefusalCode.NO_POSE


def test_a_hole_in_the_telemetry_is_a_hole() -> None:
    line = timeline(a_sample(at=after(0)), a_sample(at=after(2)))
    assert refusal(line, 1.0) is RefusalCode.NO_POSE
    assert isinstance(line.pose_at(after(0.1)), Pose)


def test_what_the_telemetry_does_not_say_is_not_guessed() -> None:
    assert refusal(timeline(a_sample(position=None)), 0) is RefusalCode.BAD_TELEMETRY
    assert refusal(timeline(a_sample(camera=None)), 0) is RefusalCode.UNKNOWN_GIMBAL
    place = a_place(0, 2)
    other = replace(place, altitude=Altitude(400, Datum.GEOID))
    mixed = timeline(a_sample(at=after(0)), a_sample(at=after(0.2), position=other))
    assert refusal(mixed, 0.1) is RefusalCode.UNKNOWN_DATUM


def test_a_second_sample_of_one_instant_is_dropped() -> None:
    line = timeline()
    line.add(a_sample(at=after(0), position=a_place(500, 0)))
    assert len(line) == 2
    assert pose(line, 0).position == TWO[0].position
    assert line.span == (after(0), after(0.2))


def test_a_samples_own_errors_take_precedence() -> None:
    line = timeline(a_sample(horizontal_sigma_m=0.02, vertical_sigma_m=0.05))
    sigma = pose(line, 0).sigma
    assert (sigma.horizontal_m, sigma.vertical_m) == (0.02, 0.05)
    assert sigma.yaw_deg == a_sigma().yaw_deg


def test_a_wider_gap_may_be_asked_for() -> None:
    line = PoseTimeline(a_sigma(), greatest_gap=timedelta(seconds=2), samples=TWO)
    assert isinstance(line.pose_at(after(2.1)), Pose)
