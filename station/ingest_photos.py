"""Single pictures: each places what it shows; overlapping ones vouch for each other.

A picture by itself can't tell whether a vehicle stands, so a thing seen once is too brief for
any rule. Where pictures overlap, sightings that fit on the ground become one observation, and
the rules ask for two pictures instead of seconds of video.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from scipy.optimize import linear_sum_assignment

from core.ids import ObservationId, TrackId, content_id
from core.refusals import Refusal
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude
from geo.zones import Zone
from incidents.geotag import GeotagLimits, geotag_frame
from incidents.ground_tracks import GroundTracks, TrackLimits
from incidents.intake import report_violation
from incidents.model import Evidence, Observation, Sighting
from incidents.ports import EvidenceMaker, IncidentStore, Notifier
from incidents.rules import RULES, judge
from station.ingest_line import RefusedFrames
from station.ingest_views import View
from station.sight_line import Eye, PassReport
from vision.model import Detection, Frame, Track

PICTURES_NEEDED = 2
PICTURE_RULES = tuple(
    replace(rule, min_hits=PICTURES_NEEDED, min_dwell=timedelta(0)) for rule in RULES
)
_LIMITS = TrackLimits(
    ready_hits=PICTURES_NEEDED,
    ready_s=0.0,
    end_after_s=1e9,
    stitch_gap_s=0.0,
    report_every_s=0.0,
    box_memory_s=0.0,
)
_APART_M = 6.0
"""Sightings of one thing in neighbouring pictures lie at most so far from each other."""
_MEMORY = timedelta(minutes=10)


@dataclass(slots=True)
class _Known:
    """A thing that earlier pictures have shown."""

    track: Track
    lat_deg: float
    lon_deg: float


class PhotoLine:
    """Takes pictures in order of time; the counterpart of `SightLine`."""

    def __init__(
        self,
        eye: Eye,
        terrain: TerrainModel,
        *,
        zones: Sequence[Zone],
        store: IncidentStore,
        notifier: Notifier,
        evidence: EvidenceMaker,
        limits: GeotagLimits,
        home: Altitude | None = None,
    ) -> None:
        """Starts a pass; the arguments are those of `SightLine`."""
        self._eye, self._terrain, self._home = eye, terrain, home
        self._zones, self._store, self._notifier = zones, store, notifier
        self._evidence, self._limits = evidence, limits
        self._things = GroundTracks(
            eye.camera_id,
            asset_id=eye.asset_id,
            source_name=eye.source_name,
            model=eye.detector,
            limits=_LIMITS,
        )
        self._known: list[_Known] = []
        self._shown: dict[ObservationId, tuple[Evidence, ...]] = {}
        self._last: dict[ObservationId, tuple[Frame, Detection]] = {}
        self.report = PassReport()
        self.refused = RefusedFrames()
        self.tracks: set[TrackId] = set()

    def take_view(
        self, frame: Frame, detections: Sequence[Detection], view: View | Refusal, number: int
    ) -> None:
        """Takes the next picture and what the detector said of it."""
        self.report.frames += 1
        self.report.detections += len(detections)
        if isinstance(view, Refusal):
            self.report.refusals.add(view)
            self.refused.add(number, view)
            return
        self.report.frames_geotagged += 1
        places = geotag_frame(
            detections,
            frame,
            view.camera,
            view.pose,
            self._terrain,
            self._home,
            self._limits,
        )
        placed: list[tuple[Detection, Sighting]] = []
        for detection, place in zip(detections, places, strict=True):
            if isinstance(place, Refusal):
                self.report.refusals.add(place)
            else:
                placed.append((detection, place))
        self._last = {}
        for track, sighting in self._followed(frame, placed):
            self.tracks.add(track.track_id)
            self._things.add(frame, track, sighting)
            key = self._things.observation_id(track.track_id)
            if key is not None:
                self._last[key] = (frame, track.detection)
        self._judge(self._things.take(frame.captured_at), frame.captured_at)

    def finish(self, at: datetime) -> PassReport:
        """Judges what has been seen too rarely as well, and returns the report."""
        self._last = {}
        self._judge(self._things.finish(), at)
        self.report.observations = len(self._things.observed()) if self.tracks else 0
        return self.report

    def safe_s(self, now_s: float) -> float:
        """Returns the media time from which a stopped run goes on: overlaps are seen anew."""
        return max(0.0, now_s - _MEMORY.total_seconds())

    def _followed(
        self, frame: Frame, placed: Sequence[tuple[Detection, Sighting]]
    ) -> list[tuple[Track, Sighting]]:
        """Joins sightings of this picture, one to one, to things of earlier ones."""
        at = frame.captured_at
        self._known = [k for k in self._known if at - k.track.last_seen_at <= _MEMORY]
        cost = np.full((len(placed), len(self._known)), 1e6)
        for i, (detection, sighting) in enumerate(placed):
            local = LocalFrame(sighting.point.lat_deg, sighting.point.lon_deg)
            for j, known in enumerate(self._known):
                if _family(detection.label) == _family(known.track.detection.label):
                    away_m = float(np.hypot(*local.to_en1_m(known.lat_deg, known.lon_deg)))
                    cost[i, j] = away_m if away_m <= _APART_M else 1e6
        pairs = dict(zip(*(axis.tolist() for axis in linear_sum_assignment(cost)), strict=True))
        result = []
        for i, (detection, sighting) in enumerate(placed):
            j = pairs.get(i, -1)
            if j < 0 or cost[i, j] >= 1e6:
                name = content_id("track", self._eye.camera_id, self._eye.source_name, frame.name,
                                  i)  # fmt: skip
                track = Track(TrackId(name), detection, 1, at, at)
                self._known.append(_Known(track, 0.0, 0.0))
                j = len(self._known) - 1
            known = self._known[j]
            if known.track.last_seen_at != at:
                known.track = replace(
                    known.track, detection=detection, hits=known.track.hits + 1, last_seen_at=at
                )
            known.lat_deg, known.lon_deg = sighting.point.lat_deg, sighting.point.lon_deg
            result.append((known.track, sighting))
        return result

    def _judge(self, observations: Sequence[Observation], at: datetime) -> None:
        for observation in observations:
            violations, silences = judge(observation, self._zones, at, PICTURE_RULES)
            for silence in silences:
                self.report.refusals.add(silence)
            if not violations:
                continue
            key = observation.observation_id
            if key in self._last:
                self._shown[key] = self._evidence.pictures(*self._last[key])
            shown = replace(observation, evidence=self._shown.get(key, ()))
            for violation in violations:
                incident = report_violation(
                    replace(violation, observation=shown), self._store, self._notifier, at
                )
                self.report.violations += 1
                self.report.incidents.add(incident.incident_id)


def _family(label: str) -> str:
    return "waste" if label == "waste" else "person" if label == "person" else "vehicle"
