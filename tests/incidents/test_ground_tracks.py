"""Passes with known errors: what shrinks, what stays, what stands and what moves."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from core.ids import AssetId, CameraId, SortieId, TrackId
from geo.adapters.flat_terrain import FlatTerrain
from geo.camera import ground_to_pixel
from geo.positions import Attitude, Pose
from incidents.geotag import geotag
from incidents.ground_tracks import GroundTracks, TrackLimits
from incidents.model import Observation, Origin, Sighting
from tests.builders import (
    AT,
    GROUND,
    a_box,
    a_camera_model,
    a_detection,
    a_frame,
    a_point,
    a_pose,
    a_sighting,
    a_sigma,
    a_track,
    after,
)
from vision.model import Frame

CAMERA = a_camera_model()
SIGMA = a_sigma()
PICTURE = a_frame().image


def new_pass(**options: object) -> GroundTracks:
    values: dict[str, object] = {
        "asset_id": AssetId("drone-1"),
        "sortie_id": SortieId("sortie-1"),
        "model": "test-1",
        **options,
    }
    return GroundTracks(CameraId("camera-1"), **values)  # type: ignore[arg-type]


def frame_at(seconds: float) -> Frame:
    return a_frame(
        sequence=round(seconds * 100),
        captured_at=after(seconds),
        image=PICTURE,
        media_time_s=seconds,
    )


@dataclass(frozen=True)
class Errors:
    """What is wrong with the told pose, constant over the pass; and the box, anew each frame."""

    east_m: float = 0.0
    north_m: float = 0.0
    up_m: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    box_px: float = 0.0
    wobble_deg: float = 0.0
    """Of yaw and pitch, anew each frame."""

    @classmethod
    def drawn(cls, draw: np.random.Generator) -> "Errors":
        e = draw.normal(size=6)
        return cls(
            e[0] * SIGMA.horizontal_m,
            e[1] * SIGMA.horizontal_m,
            e[2] * SIGMA.vertical_m,
            e[3] * SIGMA.yaw_deg,
            e[4] * SIGMA.pitch_deg,
            e[5] * SIGMA.roll_deg,
            2.0,
        )


def fly_over(
    things: GroundTracks,
    errors: Errors,
    *,
    place: Callable[[float], tuple[float, float]] = lambda seconds: (8.0, 0.0),
    speed_m_s: float = 7.0,
    fps: float = 5.0,
    draw: np.random.Generator | None = None,
    track: str = "track-1",
    path: Callable[[float], Pose] | None = None,
    until_s: float = 20.0,
    wild_at: int = -1,
) -> int:
    """Adds the sightings of one flight north over a place; returns how many."""
    draw = draw or np.random.default_rng(1)
    count = 0
    for i in range(int(until_s * fps)):
        seconds = i / fps
        told = path(seconds) if path else a_pose(0, -70 + speed_m_s * seconds, 60, pitch_deg=-50)
        told = replace(told, at=after(seconds), sigma=SIGMA, north_m_s=speed_m_s)
        east, north = AT.to_en1_m(told.position.lat_deg, told.position.lon_deg)
        a = told.attitude
        true = Attitude(
            a.yaw_deg + errors.yaw_deg + draw.normal() * errors.wobble_deg,
            a.pitch_deg + errors.pitch_deg + draw.normal() * errors.wobble_deg,
            a.roll_deg + errors.roll_deg,
        )
        e, n = place(seconds)
        # the middle of the box is the middle of a thing 1.5 m high
        height = 60 + errors.up_m - 0.75
        u, v = ground_to_pixel(
            CAMERA,
            true,
            height,
            np.array([e - east - errors.east_m]),
            np.array([n - north - errors.north_m]),
        )
        u, v = u + draw.normal() * errors.box_px, v + draw.normal() * errors.box_px
        if i == wild_at:
            u = u + 250
        if not (30 < u[0] < 1250 and 30 < v[0] < 690):
            continue
        box = a_box(float(u[0]), float(v[0]), 36, 30)
        detection = a_detection(box=box)
        sighting = geotag(
            detection, frame_at(seconds), CAMERA, told, FlatTerrain(GROUND, sigma_m=2.0)
        )
        if isinstance(sighting, Sighting):
            things.add(
                frame_at(seconds), a_track(track_id=TrackId(track), detection=detection), sighting
            )
            count += 1
    return count


def only(observations: tuple[Observation, ...]) -> Observation:
    (one,) = observations
    return one


def offset(observation: Observation) -> tuple[float, float]:
    return AT.to_en1_m(observation.point.lat_deg, observation.point.lon_deg)


class TestErrors:
    def test_a_perfect_pass_finds_a_standing_car(self) -> None:
        things = new_pass()
        assert fly_over(things, Errors()) > 20
        seen = only(things.finish())
        # the box stays of one size here, so its lower edge is not quite the car's foot
        assert offset(seen) == pytest.approx((8, 0), abs=1.0)
        assert seen.speed_m_s is not None
        assert seen.speed_m_s < 0.4

    def test_the_offset_of_the_position_never_shrinks(self) -> None:
        radii = []
        for fps in (2.0, 30.0):
            things = new_pass(limits=TrackLimits(greatest_fit=600))
            fly_over(things, Errors(), fps=fps)
            point = only(things.finish()).point
            assert point.covariance.axes_m2[1] >= SIGMA.horizontal_m**2
            radii.append(point.radius_m)
        assert radii[1] == pytest.approx(radii[0], rel=0.15)

    def test_frames_of_one_view_know_no_more_than_one(self) -> None:
        """A hovering camera: only the jitter of the box averages out."""
        hover = a_pose(0, 0, 60, pitch_deg=-50)

        def pose(seconds: float) -> Pose:
            return hover

        one, many = new_pass(), new_pass()
        fly_over(one, Errors(), path=pose, until_s=0.2, place=lambda s: (0, 50), speed_m_s=0)
        fly_over(many, Errors(), path=pose, until_s=60, place=lambda s: (0, 50), speed_m_s=0)
        single, fused = only(one.observed()).point, only(many.observed()).point
        assert 0.9 * single.radius_m < fused.radius_m <= single.radius_m * 1.01

    def test_the_ninety_percent_ellipse_holds_the_truth_as_often_as_it_says(self) -> None:
        draw = np.random.default_rng(20261120)
        inside, errors, standing = 0, [], 0
        passes = 70
        for number in range(passes):
            things = new_pass()
            side = float(draw.uniform(-12, 12))
            fly_over(things, Errors.drawn(draw), place=lambda s, e=side: (e, 0.0), draw=draw, fps=4)  # type: ignore[misc]
            seen = only(things.finish())
            east, north = offset(seen)
            inside += seen.point.covariance.mahalanobis2(east - side, north) < 4.605
            errors.append(np.hypot(east - side, north))
            assert seen.speed_m_s is not None
            assert seen.speed_sigma_m_s is not None
            standing += seen.speed_m_s < 3 * seen.speed_sigma_m_s
            assert number < passes
        assert 0.82 <= inside / passes <= 0.97
        assert standing / passes >= 0.97
        assert np.median(errors) < 3.0

    @pytest.mark.parametrize(("north_m_s", "east_m_s"), [(5.0, 0.0), (-3.0, 1.0), (0.0, 4.0)])
    def test_a_moving_car_moves_whatever_the_errors(
        self, north_m_s: float, east_m_s: float
    ) -> None:
        draw = np.random.default_rng(3)
        for _ in range(8):
            things = new_pass()
            fly_over(
                things,
                Errors.drawn(draw),
                draw=draw,
                place=lambda s: (east_m_s * (s - 8), north_m_s * (s - 8)),
            )
            seen = only(things.finish())
            assert seen.speed_m_s is not None
            assert seen.speed_sigma_m_s is not None
            wrong = abs(seen.speed_m_s - float(np.hypot(north_m_s, east_m_s)))
            assert wrong < 3 * seen.speed_sigma_m_s
            assert seen.speed_m_s - 2 * seen.speed_sigma_m_s > 0

    def test_a_compass_error_looks_like_motion_and_the_sigma_says_so(self) -> None:
        things = new_pass()
        fly_over(things, Errors(yaw_deg=4.0))
        seen = only(things.finish())
        assert seen.speed_m_s is not None
        assert seen.speed_sigma_m_s is not None
        assert 0.2 < seen.speed_m_s < 3 * seen.speed_sigma_m_s

    def test_a_camera_that_wobbles_is_not_taken_for_one_that_is_turned(self) -> None:
        """Each sighting's shifts carry its own error; a fit that trusts them runs away."""
        draw = np.random.default_rng(5)
        for _ in range(6):
            things = new_pass()
            fly_over(things, Errors(wobble_deg=1.0), draw=draw)
            seen = only(things.finish())
            assert np.hypot(*np.subtract(offset(seen), (8, 0))) < 3.0
            assert seen.speed_m_s is not None
            assert seen.speed_m_s < 1.2

    def test_a_wild_box_does_not_carry_the_rest_away(self) -> None:
        clean, spoilt = new_pass(), new_pass()
        fly_over(clean, Errors())
        fly_over(spoilt, Errors(), wild_at=45)
        apart = np.subtract(offset(only(spoilt.finish())), offset(only(clean.finish())))
        assert np.hypot(*apart) < 1.0  # the box was 15 m away


def sight(
    things: GroundTracks,
    seconds: float,
    track: str = "track-1",
    east_m: float = 0.0,
    **changes: object,
) -> bool:
    """Adds a plain sighting with no parts of error."""
    values = {"label": "car", "confidence": 0.9, "box": a_box(), **changes}
    detection = a_detection(**values)
    sighting = a_sighting(
        at=after(seconds),
        point=a_point(east_m, 0, 2),
        label=detection.label,
        confidence=detection.confidence,
        shared=((1.9, 0.0), (0.0, 1.9)),
    )
    return things.add(
        frame_at(seconds), a_track(track_id=TrackId(track), detection=detection), sighting
    )


class TestLife:
    def test_a_track_is_ready_after_enough_hits_and_time(self) -> None:
        things = new_pass()
        for i in range(5):
            sight(things, i * 0.2)
        assert things.take(after(0.8)) == ()  # five hits, but 0.8 s only
        sight(things, 1.0)
        ready = only(things.take(after(1.0)))
        assert ready.sightings == 6
        assert (ready.first_seen_at, ready.last_seen_at) == (after(0), after(1.0))

    def test_it_is_reported_again_only_when_it_has_grown(self) -> None:
        things = new_pass()
        for i in range(6):
            sight(things, i * 0.2)
        first = only(things.take(after(1.0)))
        sight(things, 1.2)
        assert things.take(after(1.2)) == ()
        sight(things, 6.1)
        second = only(things.take(after(6.1)))
        assert second.observation_id == first.observation_id
        assert second.sightings == 8
        assert things.take(after(6.1)) == ()
        assert things.finish() == ()

    def test_an_ended_track_is_reported_once_even_if_brief(self) -> None:
        things = new_pass()
        sight(things, 0)
        assert things.take(after(2.0)) == ()
        assert only(things.take(after(2.1))).sightings == 1
        assert things.take(after(9)) == ()
        assert things.finish() == ()
        assert len(things.observed()) == 1

    def test_the_end_of_the_pass_gives_all_that_is_left(self) -> None:
        things = new_pass()
        sight(things, 0, "track-1", 0)
        sight(things, 0, "track-2", 30, box=a_box(900, 300))
        assert len(things.finish()) == 2
        assert things.finish() == ()

    def test_the_same_pass_read_twice_gives_the_same_ids(self) -> None:
        def ids(**options: object) -> list[str]:
            things = new_pass(**options)
            sight(things, 0, "track-1", 0)
            sight(things, 0, "track-2", 30, box=a_box(900, 300))
            return [o.observation_id for o in things.finish()]

        assert ids() == ids()
        assert len(set(ids())) == 2
        assert not set(ids()) & set(ids(sortie_id=SortieId("sortie-2")))
        by_file = ids(sortie_id=None, source_name="a.ts")
        assert by_file == ids(sortie_id=None, source_name="a.ts")
        assert not set(by_file) & set(ids(sortie_id=None, source_name="b.ts"))

    def test_an_observation_names_its_source(self) -> None:
        things = new_pass()
        sight(things, 0)
        source = only(things.finish()).source
        assert source.origin is Origin.OWN
        assert (source.asset_id, source.sortie_id, source.track_id, source.model) == (
            "drone-1",
            "sortie-1",
            "track-1",
            "test-1",
        )

    def test_label_by_vote_and_confidence_by_the_best(self) -> None:
        things = new_pass()
        for i, (label, confidence) in enumerate(
            [("truck", 0.9), ("car", 0.8), ("car", 0.7), ("car", 0.6), ("bus", 0.3), ("bus", 0.1)]
        ):
            sight(things, i * 0.2, label=label, confidence=confidence)
        seen = only(things.finish())
        assert seen.label == "car"
        assert seen.confidence == pytest.approx((0.9 + 0.8 + 0.7 + 0.6 + 0.3) / 5)

    def test_the_best_picture_is_large_sure_and_whole(self) -> None:
        things = new_pass()
        assert sight(things, 0.0, confidence=0.5)
        assert sight(things, 0.2, confidence=0.8)
        assert not sight(things, 0.4, confidence=0.7)
        assert not sight(things, 0.6, box=a_box(20, 360, 40, 30), confidence=0.9)  # cut
        assert sight(things, 0.8, box=a_box(640, 360, 80, 60), confidence=0.8)

    def test_a_second_sighting_of_one_instant_is_dropped(self) -> None:
        things = new_pass()
        sight(things, 0)
        assert not sight(things, 0, confidence=0.99)
        assert only(things.finish()).sightings == 1

    def test_one_sighting_has_no_speed(self) -> None:
        things = new_pass()
        sight(things, 0)
        seen = only(things.finish())
        assert seen.speed_m_s is None
        assert seen.point.radius_m == pytest.approx(a_point(sigma_m=2).radius_m, rel=0.02)

    def test_sightings_without_parts_of_error_share_all_of_it(self) -> None:
        things = new_pass()
        for i in range(20):
            things.add(frame_at(i * 0.2), a_track(), a_sighting(at=after(i * 0.2)))
        seen = only(things.finish())
        assert seen.point.radius_m == pytest.approx(a_point().radius_m, rel=0.03)


class TestStitching:
    def test_a_broken_track_goes_on(self) -> None:
        things = new_pass()
        for i in range(6):
            sight(things, i * 0.2, "track-1")
        for i in range(6):
            sight(things, 2.5 + i * 0.2, "track-2", 0.4)
        seen = only(things.finish())
        assert seen.sightings == 12
        assert seen.source.track_id == "track-2"
        assert things.observation_id(TrackId("track-1")) == seen.observation_id
        assert things.observation_id(TrackId("track-2")) == seen.observation_id
        assert things.observation_id(TrackId("track-3")) is None

    def test_a_thing_elsewhere_is_another(self) -> None:
        """8 m away is within the error of the place, but not within that of the difference."""
        things = new_pass()
        for i in range(6):
            sight(things, i * 0.2, "track-1")
        sight(things, 2.0, "track-2", 8.0)
        assert len(things.finish()) == 2

    def test_a_thing_seen_at_the_same_time_is_another(self) -> None:
        things = new_pass()
        sight(things, 0, "track-1")
        sight(things, 0, "track-2", 0.5, box=a_box(660, 360))
        assert len(things.finish()) == 2

    def test_after_a_long_gap_it_is_another(self) -> None:
        things = new_pass()
        for i in range(6):
            sight(things, i * 0.2, "track-1")
        sight(things, 4.5, "track-2")
        assert len(things.finish()) == 2

    def test_a_moving_thing_is_looked_for_where_it_goes(self) -> None:
        things = new_pass()
        for i in range(15):
            sight(things, i * 0.2, "track-1", 8.0 * i * 0.2)
        sight(things, 4.0, "track-2", 32.0)
        assert len(things.finish()) == 1
