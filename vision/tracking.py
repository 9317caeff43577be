"""Follows things over the frames of one camera. Pixels only; time comes from the frames.

Each track moves on at its own steady speed; a known motion of the camera is taken out first.
Sure detections are matched before unsure ones, so an unsure one can carry on a track but
never begins one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from core.ids import CameraId, TrackId, content_id
from vision.model import Box, Detection, Frame, Homography, Track

_IMPOSSIBLE = 1e6
_VEHICLES = frozenset({"car", "truck", "bus", "minibus", "van"})
_SPEED_MEMORY_S = 0.5


@dataclass(frozen=True, slots=True)
class _Followed:
    """A track with what is needed to find it again."""

    track: Track
    box: Box
    """Where it is thought to be now."""
    speed_px_s: tuple[float, float]
    """Motion against the ground as far as the camera's own motion is known."""
    at: datetime
    """The instant that `box` is meant for."""


class Tracker:
    """Follows the things that one camera sees. The same frames give the same ids."""

    def __init__(
        self,
        camera_id: CameraId,
        *,
        sure: float = 0.45,
        unsure: float = 0.2,
        patience: timedelta = timedelta(seconds=1.5),
    ) -> None:
        """Sets what is believed.

        Args:
            camera_id: the camera whose frames come; part of every track id.
            sure: least confidence that begins a track.
            unsure: least confidence that carries one on.
            patience: how long a thing may stay unseen and still be the same.
        """
        self._camera_id = camera_id
        self._sure, self._unsure, self._patience = sure, unsure, patience
        self._followed: list[_Followed] = []
        self._begun = 0

    def update(
        self,
        frame: Frame,
        detections: Sequence[Detection],
        camera_motion: Homography | None = None,
    ) -> tuple[Track, ...]:
        """Takes the next frame's detections; returns the tracks seen in this frame.

        Args:
            frame: names camera and instant; its pixels aren't read.
            detections: what the detector said of it.
            camera_motion: takes pixels of the previous frame to pixels of this one, where the
                motion of the camera is known; a camera that stands still needs none.
        """
        now = frame.captured_at
        waiting = [
            _moved(followed, now, camera_motion)
            for followed in self._followed
            if now - followed.track.last_seen_at <= self._patience
        ]
        seen: list[_Followed] = []
        fresh: list[Detection] = []
        for low, high in ((self._sure, 2.0), (self._unsure, self._sure)):
            chosen = [one for one in detections if low <= one.confidence < high]
            pairs, lost, left = _matched(waiting, chosen)
            seen += [_continued(waiting[i], chosen[j], now) for i, j in pairs]
            waiting = [waiting[i] for i in lost]
            if low == self._sure:
                fresh = [chosen[j] for j in left]
        seen += [self._begin(frame, detection) for detection in fresh]
        self._followed = seen + waiting
        return tuple(followed.track for followed in seen)

    def _begin(self, frame: Frame, detection: Detection) -> _Followed:
        name = content_id(
            "track", self._camera_id, frame.captured_at.isoformat(), frame.sequence, self._begun
        )
        self._begun += 1
        now = frame.captured_at
        track = Track(TrackId(name), detection, 1, now, now)
        return _Followed(track, detection.box, (0.0, 0.0), now)


def _moved(followed: _Followed, now: datetime, motion: Homography | None) -> _Followed:
    """Predicts where a track is now: first the camera's motion, then its own."""
    box, speed = followed.box, followed.speed_px_s
    if motion is not None:
        before = box
        box = _warped(box, motion)
        # the ground speed turns and stretches with the picture
        probe = Box(
            before.x_px + speed[0], before.y_px + speed[1], before.width_px, before.height_px
        )
        end, start = _warped(probe, motion).centre_px, box.centre_px
        speed = (end[0] - start[0], end[1] - start[1])
    passed_s = (now - followed.at).total_seconds()
    box = replace(box, x_px=box.x_px + speed[0] * passed_s, y_px=box.y_px + speed[1] * passed_s)
    return _Followed(followed.track, box, speed, now)


def _warped(box: Box, motion: Homography) -> Box:
    """Moves a box by a homography: its centre exactly, its size by the local scale."""
    x, y = box.centre_px
    points = np.array([[x, y, 1.0], [x + 1.0, y, 1.0], [x, y + 1.0, 1.0]]) @ np.asarray(motion).T
    if (np.abs(points[:, 2]) < 1e-9).any():
        return box
    places = points[:, :2] / points[:, 2:]
    right, down = places[1] - places[0], places[2] - places[0]
    scale = float(np.sqrt(abs(right[0] * down[1] - right[1] * down[0])))
    width, height = box.width_px * scale, box.height_px * scale
    return Box(float(places[0, 0]) - width / 2, float(places[0, 1]) - height / 2, width, height)


def _continued(followed: _Followed, detection: Detection, now: datetime) -> _Followed:
    """Joins a detection to its track and learns the speed from where it was expected."""
    gap_s = (now - followed.track.last_seen_at).total_seconds()
    speed = followed.speed_px_s
    if gap_s > 0:
        expected, found = followed.box.centre_px, detection.box.centre_px
        share = gap_s / (gap_s + _SPEED_MEMORY_S) if followed.track.hits > 1 else 0.8
        speed = (
            speed[0] + share * (found[0] - expected[0]) / gap_s,
            speed[1] + share * (found[1] - expected[1]) / gap_s,
        )
    track = replace(
        followed.track, detection=detection, hits=followed.track.hits + 1, last_seen_at=now
    )
    return _Followed(track, detection.box, speed, now)


def _matched(
    followed: Sequence[_Followed], detections: Sequence[Detection]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Pairs tracks with detections; gives the pairs, the tracks and the detections left over."""
    everyone, everything = list(range(len(followed))), list(range(len(detections)))
    if not followed or not detections:
        return [], everyone, everything
    cost = _cost(followed, detections)
    rows, columns = linear_sum_assignment(cost)
    pairs = [
        (int(row), int(column))
        for row, column in zip(rows, columns, strict=True)
        if cost[row, column] < _IMPOSSIBLE
    ]
    taken_rows, taken_columns = {row for row, _ in pairs}, {column for _, column in pairs}
    return (
        pairs,
        [index for index in everyone if index not in taken_rows],
        [index for index in everything if index not in taken_columns],
    )


def _cost(followed: Sequence[_Followed], detections: Sequence[Detection]) -> NDArray[np.float64]:
    """Costs of each pair: overlap and distance in box sizes; too far or another kind is barred."""
    ours = np.array([_corners(one.box) for one in followed])
    theirs = np.array([_corners(one.box) for one in detections])
    low = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    inner = (high - low).clip(0).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (ours, theirs)]
    overlap = inner / (areas[0][:, None] + areas[1][None] - inner).clip(1e-6)
    middles = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (ours, theirs)]
    away = np.linalg.norm(middles[0][:, None] - middles[1][None], axis=2)
    size = np.sqrt(np.maximum(areas[0][:, None], areas[1][None])).clip(1.0)
    distance = away / size
    unlike = np.array(
        [
            [not _alike(one.track.detection.label, other.label) for other in detections]
            for one in followed
        ]
    )
    stretched = np.maximum(areas[0][:, None], areas[1][None]) > 6 * np.minimum(
        areas[0][:, None], areas[1][None]
    )
    cost = (1 - overlap) + distance
    cost += 0.1 * np.array(
        [[one.track.detection.label != other.label for other in detections] for one in followed]
    )
    # a young track has no speed yet: its thing may have moved farther than its own size
    reach = np.array([1.6 if one.track.hits == 1 else 1.0 for one in followed])[:, None]
    barred = unlike | stretched | ((overlap < 0.05) & (distance > reach))
    return np.where(barred, _IMPOSSIBLE, cost)


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x_px, box.y_px, box.x_px + box.width_px, box.y_px + box.height_px


def _alike(one: str, other: str) -> bool:
    """Says whether two labels may name the same thing: vehicles are taken for each other."""
    return one == other or (one in _VEHICLES and other in _VEHICLES)
