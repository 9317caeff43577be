"""Frames from memory: pictures that are there already, or are made as they are asked for."""

from collections.abc import Callable, Iterable, Iterator

from core.ids import CameraId
from vision.model import Frame


class MemorySource:
    """A `FrameSource` over frames in memory or a maker of them."""

    def __init__(
        self,
        camera_id: CameraId,
        frames: Iterable[Frame] | Callable[[], Iterable[Frame]],
        *,
        live: bool = False,
    ) -> None:
        """Makes one.

        Args:
            camera_id: whose frames these are.
            frames: the frames in order of time, or a callable that gives them anew.
            live: what `live` says.
        """
        self._camera_id = camera_id
        self._frames = frames if callable(frames) else tuple(frames)
        self._live = live
        self._closed = False

    @property
    def camera_id(self) -> CameraId:
        """The camera whose frames these are."""
        return self._camera_id

    @property
    def live(self) -> bool:
        """As it was told."""
        return self._live

    def frames(self, start_s: float = 0.0) -> Iterator[Frame]:
        """Yields the frames of media time `start_s` and later."""
        self._closed = False
        for frame in self._frames() if callable(self._frames) else self._frames:
            if self._closed:
                return
            if frame.media_time_s >= start_s:
                yield frame

    def close(self) -> None:
        """Ends a running `frames()` before its next frame."""
        self._closed = True
