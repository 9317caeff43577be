"""Tracks on the ground: the sightings of one thing in one pass become one observation.

Which errors shrink? A box jitters from frame to frame, and that averages out. The position's
offset, the compass, the tilt, the ground's height and the clock are wrong by nearly the same
amount in every frame of a pass; a thousand frames of one view know no more than one. So they
are unknowns of the fit, shared by all its frames: they stay at their full size unless the
frames look from truly different directions, and then only as far as geometry allows. The
position's own offset never shrinks. The same unknowns keep the speed honest: a compass error
makes a standing thing drift as the drone flies on, and the fit knows how fast it might.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from core.ids import AssetId, CameraId, ObservationId, SortieId, TrackId, content_id
from geo.local_frame import LocalFrame
from geo.positions import GroundPoint
from incidents.model import Observation, Origin, Sighting, Source
from incidents.pass_fit import STRAIGHT_DOWN, PassFit, covariance_of, fit_pass
from vision.model import Frame, Track

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrackLimits:
    """When a track may be judged, when it ends, and how its errors behave."""

    ready_hits: int = 5
    ready_s: float = 1.0
    end_after_s: float = 2.0
    """Not seen for so long, it has ended."""
    report_every_s: float = 5.0
    """A track that goes on is reported anew after so long."""
    stitch_gap_s: float = 3.0
    """A new track continues one that ended at most so long ago."""
    stitch_gate: float = 9.21
    """Chi-square, 99 %, two degrees of freedom."""
    box_memory_s: float = 0.5
    """Boxes nearer in time than this err alike, so they count as fewer."""
    jitter_fraction: float = 0.15
    """Share of the shared sigmas that changes from frame to frame after all."""
    speed_floor_m_s: float = 0.1
    """One-sigma error of a speed that no fit may fall below (wander of the position)."""
    greatest_fit: int = 60
    """Sightings used in a fit, evenly spread over the pass."""


TRACK_LIMITS = TrackLimits()


@dataclass(slots=True)
class _Thing:
    """One thing of the pass, as it grows."""

    observation_id: ObservationId
    track_id: TrackId
    """The newest vision track that shows it."""
    first_seen_at: datetime
    last_seen_at: datetime
    sightings: list[Sighting] = field(default_factory=list)
    best: float = -1.0
    reported_at: datetime | None = None
    """`last_seen_at` when it was reported last."""


class GroundTracks:
    """The things that one camera sees in one pass. Not safe for several threads at once."""

    def __init__(
        self,
        camera_id: CameraId,
        *,
        asset_id: AssetId | None = None,
        sortie_id: SortieId | None = None,
        source_name: str = "",
        model: str = "",
        limits: TrackLimits = TRACK_LIMITS,
    ) -> None:
        """Starts a pass.

        Args:
            camera_id: the camera.
            asset_id: what carries it.
            sortie_id: the sortie, where it is one.
            source_name: name of the file or stream, where it is no sortie; with the camera and
                the first frame it makes the ids, so the same file gives the same ones.
            model: name and version of the network.
            limits: when a track may be judged and when it ends.
        """
        self._camera_id = camera_id
        self._asset_id = asset_id
        self._sortie_id = sortie_id
        self._source_name = source_name
        self._model = model
        self._limits = limits
        self._frame: LocalFrame | None = None
        self._things: dict[ObservationId, _Thing] = {}
        self._by_track: dict[TrackId, ObservationId] = {}

    def observation_id(self, track_id: TrackId) -> ObservationId | None:
        """Returns the observation that a vision track belongs to, if it was ever added."""
        return self._by_track.get(track_id)

    def add(self, frame: Frame, track: Track, sighting: Sighting) -> bool:
        """Adds a track's sighting in this frame.

        Call it only for tracks that the frame itself has shown, in order of time. A second
        sighting of the same thing at the same instant is dropped.

        Returns:
            whether this is the best picture of the thing so far, by confidence and size.
        """
        if self._frame is None:
            self._frame = LocalFrame(sighting.point.lat_deg, sighting.point.lon_deg)
        known = self._by_track.get(track.track_id)
        thing = self._things[known] if known else self._continued(track, sighting)
        if thing is None:
            thing = self._begun(frame, track)
        self._by_track[track.track_id] = thing.observation_id
        if thing.sightings and sighting.at <= thing.sightings[-1].at:
            return False
        thing.track_id = track.track_id
        thing.last_seen_at = sighting.at
        thing.sightings.append(sighting)
        box = track.detection.box
        whole = _whole_fraction(frame, track)
        goodness = sighting.confidence * whole * float(np.sqrt(max(1.0, box.area_px2)))
        better = goodness > thing.best
        thing.best = max(goodness, thing.best)
        return better

    def take(self, at: datetime) -> tuple[Observation, ...]:
        """Returns the observations to judge now.

        Those that have just seen enough, those that have ended (too brief ones as well, once
        each), and those that have grown since they were last returned.
        """
        due = []
        for thing in self._things.values():
            if thing.reported_at == thing.last_seen_at:
                continue
            ended = (at - thing.last_seen_at).total_seconds() > self._limits.end_after_s
            if ended or (self._ready(thing) and self._news(thing)):
                due.append(thing)
        return self._report(due)

    def finish(self) -> tuple[Observation, ...]:
        """Returns, at the end of the pass, what was not yet returned in its last form."""
        due = [t for t in self._things.values() if t.reported_at != t.last_seen_at]
        return self._report(due)

    def observed(self) -> tuple[Observation, ...]:
        """Returns everything seen so far, however briefly."""
        return tuple(self._observation(thing) for thing in self._things.values())

    def _report(self, due: Sequence[_Thing]) -> tuple[Observation, ...]:
        for thing in due:
            thing.reported_at = thing.last_seen_at
        return tuple(self._observation(thing) for thing in due)

    def _ready(self, thing: _Thing) -> bool:
        lasted_s = (thing.last_seen_at - thing.first_seen_at).total_seconds()
        return len(thing.sightings) >= self._limits.ready_hits and lasted_s >= self._limits.ready_s

    def _news(self, thing: _Thing) -> bool:
        if thing.reported_at is None:
            return True
        grown_s = (thing.last_seen_at - thing.reported_at).total_seconds()
        return grown_s >= self._limits.report_every_s

    def _begun(self, frame: Frame, track: Track) -> _Thing:
        box = track.detection.box
        observation_id = ObservationId(
            content_id(
                "observation",
                self._asset_id or "",
                self._sortie_id or self._source_name,
                self._camera_id,
                frame.name,
                round(frame.media_time_s * 1000),
                round(box.x_px),
                round(box.y_px),
                round(box.width_px),
                round(box.height_px),
            )
        )
        thing = _Thing(observation_id, track.track_id, frame.captured_at, frame.captured_at)
        self._things[observation_id] = thing
        return thing

    def _continued(self, track: Track, sighting: Sighting) -> _Thing | None:
        """Returns the thing whose track broke off and that this one goes on with."""
        best: tuple[float, _Thing] | None = None
        for thing in self._things.values():
            gap_s = (sighting.at - thing.last_seen_at).total_seconds()
            if not 0 < gap_s <= self._limits.stitch_gap_s:
                continue
            distance2 = self._apart(thing, sighting, gap_s)
            if distance2 < self._limits.stitch_gate and (best is None or distance2 < best[0]):
                best = (distance2, thing)
        return best[1] if best else None

    def _apart(self, thing: _Thing, sighting: Sighting, gap_s: float) -> float:
        """Returns the squared distance of a new sighting from where a thing is expected.

        Under relative errors alone: what both share moves both alike and does not count.
        """
        fit = self._fit(thing)
        _, places, noise, shared = self._arrays([*thing.sightings[-3:], sighting])
        velocity, spread = (0.0, 0.0), (1.0 * gap_s) ** 2
        if fit.velocity_en_m_s is not None and fit.velocity_covariance is not None:
            if not fit.standing:
                velocity = fit.velocity_en_m_s
                spread = fit.velocity_covariance.axes_m2[0] * gap_s**2 + (0.5 * gap_s**2) ** 2
            else:
                spread = (0.5 * gap_s) ** 2
        offset = places[-1] - places[:-1].mean(axis=0) - np.array(velocity) * gap_s
        change = shared[-1] - shared[:-1].mean(axis=0)
        relative = noise[-1] + noise[:-1].mean(axis=0) + change @ change.T
        relative = relative + (spread + 0.25) * np.eye(2)  # 0.5 m: a box finds its size anew
        return covariance_of(relative).mahalanobis2(float(offset[0]), float(offset[1]))

    def _arrays(self, sightings: Sequence[Sighting]) -> tuple[Floats, Floats, Floats, Floats]:
        """Returns times, places, frame noise and shared shifts of sightings."""
        frame = self._frame
        if frame is None:
            raise ValueError("there are no sightings yet")
        start = sightings[0].at
        times = np.array([(s.at - start).total_seconds() for s in sightings])
        east, north = frame.to_en_m(
            np.array([s.point.lat_deg for s in sightings]),
            np.array([s.point.lon_deg for s in sightings]),
        )
        shared = np.zeros((len(sightings), 2, max(8, *(len(s.shared) for s in sightings), 0)))
        total = np.zeros((len(sightings), 2, 2))
        for i, s in enumerate(sightings):
            c = s.point.covariance
            total[i] = [[c.ee_m2, c.en_m2], [c.en_m2, c.nn_m2]]
            # without parts, all of the covariance is taken to be shared
            parts = np.array(s.shared).T if s.shared else np.linalg.cholesky(total[i] + _TINY)
            shared[i, :, : parts.shape[1]] = parts
        noise = total - np.einsum("nam,nbm->nab", shared, shared)
        jitter = self._limits.jitter_fraction
        swinging = shared[:, :, 2:5]  # yaw, pitch, roll
        noise = noise + jitter**2 * np.einsum("nam,nbm->nab", swinging, swinging)
        shared[:, :, 2:5] *= np.sqrt(1 - jitter**2)
        return times, np.stack([east, north], axis=1), noise + 0.01 * np.eye(2), shared

    def _fit(self, thing: _Thing) -> PassFit:
        sightings = thing.sightings
        if len(sightings) > self._limits.greatest_fit:
            picked = np.linspace(0, len(sightings) - 1, self._limits.greatest_fit).round()
            sightings = [sightings[int(i)] for i in picked]
        times, places, noise, shared = self._arrays(sightings)
        if len(times) > 1:
            step_s = float(np.ptp(times)) / (len(times) - 1)
            noise = noise * max(1.0, self._limits.box_memory_s / max(step_s, 1e-3))
        views = np.array([s.view_m or STRAIGHT_DOWN for s in sightings])
        return fit_pass(times, places, views, noise, shared, self._limits.speed_floor_m_s)

    def _observation(self, thing: _Thing) -> Observation:
        fit = self._fit(thing)
        frame = self._frame
        if frame is None:
            raise ValueError("there are no sightings yet")
        lat, lon = frame.to_geo1_deg(fit.east_m, fit.north_m)
        votes: defaultdict[str, float] = defaultdict(float)
        for s in thing.sightings:
            votes[s.label] += s.confidence
        label = max(sorted(votes), key=lambda name: votes[name])
        best = sorted((s.confidence for s in thing.sightings), reverse=True)[:5]
        speed = fit.speed
        return Observation(
            observation_id=thing.observation_id,
            label=label,
            source=Source(
                origin=Origin.OWN,
                camera_id=self._camera_id,
                asset_id=self._asset_id,
                sortie_id=self._sortie_id,
                track_id=thing.track_id,
                model=self._model,
            ),
            first_seen_at=thing.first_seen_at,
            last_seen_at=thing.last_seen_at,
            point=GroundPoint(lat, lon, fit.covariance),
            confidence=float(np.mean(best)),
            sightings=len(thing.sightings),
            speed_m_s=speed[0] if speed else None,
            speed_sigma_m_s=speed[1] if speed else None,
        )


_TINY = 1e-9 * np.eye(2)


def _whole_fraction(frame: Frame, track: Track) -> float:
    """Returns 1 for a box well inside the picture, less where the border may cut it."""
    box = track.detection.box
    height_px, width_px = frame.image.shape[:2]
    inside = (
        box.x_px > 2
        and box.y_px > 2
        and box.x_px + box.width_px < width_px - 3
        and box.y_px + box.height_px < height_px - 3
    )
    return 1.0 if inside else 0.4
