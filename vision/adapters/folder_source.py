"""A folder of pictures, in order of their capture time, each a frame of its own."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path

import numpy as np
from PIL import Image as Pictures
from PIL import ImageOps

from core.errors import SourceMissing, SourceUnreadable
from core.ids import CameraId
from vision.model import Frame

log = logging.getLogger(__name__)

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})
_EXIF_IFD, _TAKEN, _TAKEN_PART, _OFFSET, _CHANGED = 0x8769, 36867, 37521, 36881, 306
_BROKEN = (OSError, ValueError, SyntaxError, Pictures.DecompressionBombError)


def exif_time(picture: Pictures.Image, zone: tzinfo) -> datetime | None:
    """Returns when a picture was taken by its EXIF, aware UTC; `None` where it does not say.

    Args:
        picture: an opened picture.
        zone: of the camera's clock, where the picture does not name it.
    """
    exif = picture.getexif()
    detail = exif.get_ifd(_EXIF_IFD)
    text = str(detail.get(_TAKEN) or exif.get(_CHANGED) or "").strip("\x00 ")
    try:
        # the zone is put on in the next step
        taken = datetime.strptime(text, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        return None
    part = str(detail.get(_TAKEN_PART, "")).strip("\x00 ")
    if part.isdigit():
        taken += timedelta(seconds=float(f"0.{part}"))
    offset = str(detail.get(_OFFSET, "")).strip("\x00 ")
    try:
        if offset:
            zone = datetime.strptime(offset, "%z").tzinfo or zone
    except ValueError:
        pass
    return taken.replace(tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _Picture:
    path: Path
    at: datetime


class FolderSource:
    """A `FrameSource` over the pictures of one folder (not of its subfolders)."""

    def __init__(
        self,
        folder: Path,
        camera_id: CameraId,
        *,
        zone: tzinfo = timezone.utc,  # noqa: UP017
    ) -> None:
        """Describes a source; nothing is opened before `frames()`.

        Args:
            folder: the folder, or one picture.
            camera_id: whose frames these are.
            zone: of the camera's clock, where pictures do not name it.
        """
        self._folder = folder
        self._camera_id = camera_id
        self._zone = zone
        self._closed = False
        self.undecodable = 0
        """Pictures that could not be read since `frames()` was called."""
        self.broken: list[str] = []
        """Their names."""
        self.undated: list[str] = []
        """Names of those without a capture time, which have that of their file."""
        self._lost: list[tuple[float, str]] = []

    @property
    def camera_id(self) -> CameraId:
        """The camera whose frames these are."""
        return self._camera_id

    @property
    def live(self) -> bool:
        """False: pictures wait."""
        return False

    def paths(self) -> tuple[Path, ...]:
        """Returns the pictures in order of name.

        Raises:
            SourceMissing: if there is no such folder.
            SourceUnreadable: if it holds no picture.
        """
        if self._folder.is_file():
            return (self._folder,)
        if not self._folder.is_dir():
            raise SourceMissing("there is no such folder", where=str(self._folder))
        found = sorted(
            path
            for path in self._folder.iterdir()
            if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        if not found:
            raise SourceUnreadable(
                "holds no picture", where=str(self._folder), cure="give a folder of JPEG files"
            )
        return tuple(found)

    def frames(self, start_s: float = 0.0) -> Iterator[Frame]:
        """Yields the pictures by capture time, turned as their EXIF says.

        A picture without a capture time has that of its file. Media time is counted from
        the first picture.

        Raises:
            SourceMissing: if there is no such folder.
            SourceUnreadable: if it holds no picture that can be read.
        """
        self._closed = False
        self.undecodable, self.broken, self.undated, self._lost = 0, [], [], []
        pictures = sorted(self._dated(), key=lambda p: (p.at, p.path.name))
        shown = 0
        for sequence, picture in enumerate(pictures):
            media_s = (picture.at - pictures[0].at).total_seconds()
            if self._closed or media_s < start_s:
                continue
            try:
                with Pictures.open(picture.path) as opened:
                    upright = ImageOps.exif_transpose(opened).convert("RGB")
                    image = np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])
            except _BROKEN as error:
                self._count(picture.path, error, media_s)
                continue
            shown += 1
            yield Frame(
                self._camera_id, sequence, picture.at, image, media_s, name=picture.path.name
            )
        if not shown and self.undecodable and start_s <= 0:
            raise SourceUnreadable(
                "none of its pictures can be read",
                where=str(self._folder),
                cure="copy the pictures again",
            )

    def _dated(self) -> Iterator[_Picture]:
        for path in self.paths():
            try:
                with Pictures.open(path) as opened:
                    at = exif_time(opened, self._zone)
            except _BROKEN as error:
                self._count(path, error)
                continue
            if at is None:
                self.undated.append(path.name)
            yield _Picture(path, at or datetime.fromtimestamp(path.stat().st_mtime, UTC))

    def take_lost(self) -> tuple[tuple[float, str], ...]:
        """Returns media time and reason of what was broken since it was asked last.

        Where not even the time could be read, it is infinite.
        """
        lost, self._lost = tuple(self._lost), []
        return lost

    def _count(self, path: Path, error: Exception, media_s: float = math.inf) -> None:
        self.undecodable += 1
        self._lost.append((media_s, f"picture {path.name} can't be read"))
        self.broken.append(path.name)
        log.info("a picture can't be read", extra={"picture": path.name, "reason": str(error)})

    def close(self) -> None:
        """Ends a running `frames()` before its next picture."""
        self._closed = True
