"""Evidence of a stream: pictures of its frames, clips from a ring of its packets."""

from datetime import datetime
from typing import Any

import av

from core.ids import CameraId
from incidents.adapters.clip_cutter import PacketRing
from incidents.adapters.evidence_maker import clip_evidence, crop_evidence, picture_evidence
from incidents.model import Evidence
from incidents.ports import EvidenceVault
from vision.model import Detection, Frame

_RING_S = 120.0
"""How much of a stream is kept for clips."""


class StreamEvidence:
    """An `EvidenceMaker` over a live stream."""

    def __init__(
        self, camera_id: CameraId, vault: EvidenceVault, *, before_s: float, after_s: float
    ) -> None:
        """Takes where evidence is kept, and how much a clip has before and after the thing."""
        self._camera_id, self._vault = camera_id, vault
        self._before_s, self._after_s = before_s, after_s
        self._ring = PacketRing(keep_s=_RING_S)
        self._origin_s: float | None = None

    def tap(self, packet: "av.Packet[Any]") -> None:
        """Keeps an encoded packet; media time 0 is that of the first."""
        if packet.pts is None or packet.time_base is None:
            return
        time_s = float(packet.pts * packet.time_base)
        if self._origin_s is None:
            self._origin_s = time_s
        self._ring.add(packet, time_s - self._origin_s)

    def pictures(self, frame: Frame, detection: Detection) -> tuple[Evidence, ...]:
        """Returns the whole frame with the thing marked, and its crop."""
        return (
            picture_evidence(frame, detection, self._vault),
            crop_evidence(frame, detection, self._vault),
        )

    def clip(self, start_s: float, end_s: float, captured_at: datetime) -> Evidence | None:
        """Returns the stretch of media time as a clip, as far as the ring still holds it."""
        span = self._ring.span
        if span is None or end_s < span[0]:
            return None
        data = self._ring.cut(max(span[0], start_s - self._before_s), end_s + self._after_s)
        return clip_evidence(data, self._vault, captured_at=captured_at, camera_id=self._camera_id)
