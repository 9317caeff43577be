"""Evidence of recorded footage: pictures as usual, clips cut from the file itself."""

import logging
from datetime import datetime, timedelta
from pathlib import Path

from core.errors import QyranError
from core.ids import CameraId
from incidents.adapters.clip_cutter import cut_clip
from incidents.adapters.evidence_maker import clip_evidence, crop_evidence, picture_evidence
from incidents.model import Evidence
from incidents.ports import EvidenceVault
from vision.model import Detection, Frame

log = logging.getLogger(__name__)

LONGEST_CLIP_S = 20.0


class FootageEvidence:
    """An `EvidenceMaker` over a file, or over pictures that have no clips."""

    def __init__(
        self,
        vault: EvidenceVault,
        camera_id: CameraId,
        *,
        video: Path | None = None,
        before_s: float = 2.0,
        after_s: float = 2.0,
    ) -> None:
        """Takes where evidence is kept and what it is cut from.

        Args:
            vault: where it is kept.
            camera_id: who took it.
            video: the file; `None` where the footage is single pictures.
            before_s: length of a clip before the thing is seen.
            after_s: length after it was seen last.
        """
        self._vault, self._camera_id, self._video = vault, camera_id, video
        self._before_s, self._after_s = before_s, after_s

    def pictures(self, frame: Frame, detection: Detection) -> tuple[Evidence, ...]:
        """Returns the whole frame with the thing marked, and its crop."""
        return (
            picture_evidence(frame, detection, self._vault),
            crop_evidence(frame, detection, self._vault),
        )

    def clip(self, start_s: float, end_s: float, captured_at: datetime) -> Evidence | None:
        """Returns the stretch as a clip; `None` for pictures, or where none can be cut."""
        if self._video is None:
            return None
        begin_s = max(0.0, start_s - self._before_s)
        until_s = min(end_s + self._after_s, begin_s + LONGEST_CLIP_S)
        try:
            clip = cut_clip(self._video, begin_s, until_s)
        except QyranError as error:
            if error.exit_code == 3:
                raise  # a full disk is not the clip's fault
            log.info("no clip could be cut", extra={"reason": str(error)})
            return None
        at = captured_at - timedelta(seconds=start_s - begin_s)
        return clip_evidence(clip, self._vault, captured_at=at, camera_id=self._camera_id)
