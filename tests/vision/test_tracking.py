"""Tracks keep their names over motion, gaps and a moving camera."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import CameraId
from vision.model import Box, Detection, Frame, Homography
from vision.tracking import Tracker

START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
PICTURE = np.zeros((4, 4, 3), np.uint8)


def frame_at(seconds: float, sequence: int = 0) -> Frame:
    return Frame(CameraId("cam"), sequence, START + timedelta(seconds=seconds), PICTURE)


def seen(
    x: float, y: float, label: str = "car", confidence: float = 0.8, size: float = 40.0
) -> Detection:
    return Detection(label, confidence, Box(x - size / 2, y - size / 4, size, size / 2))


def moved(x: float, y: float, motion: Homography) -> tuple[float, float]:
    point = motion @ np.array([x, y, 1.0])
    return float(point[0] / point[2]), float(point[1] / point[2])


def test_a_steady_thing_keeps_its_id_and_counts_its_hits() -> None:
    tracker = Tracker(CameraId("cam"))
    names = set()
    for index in range(10):
        (track,) = tracker.update(frame_at(index * 0.1, index), [seen(100 + 6 * index, 50)])
        names.add(track.track_id)
    assert len(names) == 1
    assert track.hits == 10
    assert track.first_seen_at == START
    assert track.last_seen_at == START + timedelta(seconds=0.9)


def test_ids_are_the_same_when_the_frames_come_again() -> None:
    def run(camera: str) -> list[str]:
        tracker = Tracker(CameraId(camera))
        return [
            track.track_id
            for index in range(4)
            for track in tracker.update(frame_at(index * 0.2, index), [seen(50, 50), seen(300, 80)])
        ]

    assert run("cam") == run("cam")
    assert len(set(run("cam"))) == 2
    assert not set(run("cam")) & set(run("other"))


def test_a_gap_is_bridged_by_time_and_speed() -> None:
    tracker = Tracker(CameraId("cam"))
    for index in range(8):
        (before,) = tracker.update(frame_at(index * 0.1, index), [seen(100 + 20 * index, 50)])
    (after,) = tracker.update(frame_at(1.5, 9), [seen(100 + 20 * 15, 50)])
    assert after.track_id == before.track_id


def test_a_gap_longer_than_the_patience_begins_anew() -> None:
    tracker = Tracker(CameraId("cam"), patience=timedelta(seconds=1.0))
    (before,) = tracker.update(frame_at(0.0), [seen(100, 50)])
    assert tracker.update(frame_at(0.5, 1), []) == ()
    (after,) = tracker.update(frame_at(1.2, 2), [seen(100, 50)])
    assert after.track_id != before.track_id
    assert after.hits == 1


def test_dropped_frames_change_nothing() -> None:
    def last(step: int) -> str:
        tracker = Tracker(CameraId("cam"))
        tracks = tracker.update(frame_at(0.0), [seen(100, 50)])
        for index in range(step, 25, step):
            tracks = tracker.update(frame_at(index * 0.04, index), [seen(100 + 1.5 * index, 50)])
        return tracks[0].track_id

    assert last(1) == last(6)


def test_an_unsure_detection_carries_on_but_never_begins() -> None:
    tracker = Tracker(CameraId("cam"), sure=0.5, unsure=0.2)
    assert tracker.update(frame_at(0.0), [seen(100, 50, confidence=0.3)]) == ()
    (before,) = tracker.update(frame_at(0.1, 1), [seen(100, 50, confidence=0.7)])
    (after,) = tracker.update(frame_at(0.2, 2), [seen(102, 50, confidence=0.3)])
    assert after.track_id == before.track_id
    assert tracker.update(frame_at(0.3, 3), [seen(104, 50, confidence=0.1)]) == ()


def test_vehicles_may_change_their_kind_but_never_become_waste() -> None:
    tracker = Tracker(CameraId("cam"))
    (car,) = tracker.update(frame_at(0.0), [seen(100, 50, "car")])
    (bus,) = tracker.update(frame_at(0.1, 1), [seen(100, 50, "minibus")])
    (heap,) = tracker.update(frame_at(0.2, 2), [seen(100, 50, "waste")])
    assert bus.track_id == car.track_id
    assert heap.track_id != car.track_id


def test_two_things_that_meet_keep_their_names() -> None:
    tracker = Tracker(CameraId("cam"))
    names: dict[int, set[str]] = {0: set(), 1: set()}
    for index in range(21):
        right, left = seen(100 + 10 * index, 50), seen(300 - 10 * index, 62)
        tracks = tracker.update(frame_at(index * 0.1, index), [right, left])
        for track in tracks:
            names[0 if track.detection is right else 1].add(track.track_id)
    assert len(names[0]) == 1
    assert len(names[1]) == 1


def test_a_known_camera_motion_is_taken_out() -> None:
    """A row of look-alikes jumps by one place: only the known motion tells them apart."""
    motion = np.array([[1.0, 0, 60.0], [0, 1, 0], [0, 0, 1]])
    places = [(100.0 + 60 * k, 50.0) for k in range(5)]

    def run(known: Homography | None) -> list[bool]:
        tracker = Tracker(CameraId("cam"))
        first = tracker.update(frame_at(0.0), [seen(*place) for place in places])
        second = tracker.update(
            frame_at(0.1, 1), [seen(*moved(*place, motion)) for place in places], known
        )
        after = {track.detection.box.centre_px: track.track_id for track in second}
        return [
            after[moved(*track.detection.box.centre_px, motion)] == track.track_id
            for track in first
        ]

    assert all(run(motion))
    assert not any(run(None))


@settings(deadline=None, max_examples=25)
@given(
    turn_deg=st.floats(-12, 12),
    scale=st.floats(0.92, 1.08),
    shift=st.tuples(st.floats(-80, 80), st.floats(-80, 80)),
    tilt=st.floats(-5e-5, 5e-5),
)
def test_ids_survive_any_known_homography(
    turn_deg: float, scale: float, shift: tuple[float, float], tilt: float
) -> None:
    turn = math.radians(turn_deg)
    sin, cos = scale * math.sin(turn), scale * math.cos(turn)
    motion = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]], [tilt, tilt, 1.0]])
    places = [(200.0 + 90 * (k % 5), 200.0 + 70 * (k // 5)) for k in range(15)]
    tracker = Tracker(CameraId("cam"))
    before = tracker.update(frame_at(0.0), [seen(*place) for place in places])
    for index in range(1, 4):
        places = [moved(*place, motion) for place in places]
        after = tracker.update(
            frame_at(index * 0.1, index), [seen(*place) for place in places], motion
        )
        order = {track.detection.box.centre_px: track.track_id for track in after}
        assert [order[seen(*place).box.centre_px] for place in places] == [
            track.track_id for track in before
        ]


def test_time_that_stands_still_is_no_fault() -> None:
    tracker = Tracker(CameraId("cam"))
    (one,) = tracker.update(frame_at(0.0), [seen(100, 50)])
    (other,) = tracker.update(frame_at(0.0, 1), [seen(101, 50)])
    assert one.track_id == other.track_id


@pytest.mark.parametrize("count", [0, 1, 40])
def test_only_tracks_seen_in_this_frame_are_returned(count: int) -> None:
    tracker = Tracker(CameraId("cam"))
    tracker.update(frame_at(0.0), [seen(60 * k, 50) for k in range(40)])
    assert len(tracker.update(frame_at(0.1, 1), [seen(60 * k, 50) for k in range(count)])) == count
