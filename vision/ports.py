"""What vision needs from outside: pictures, and a network that looks at them."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from core.ids import CameraId
from vision.model import Detection, Frame


class FrameSource(Protocol):
    """One camera, file, folder or stream that yields frames in order of time."""

    @property
    def camera_id(self) -> CameraId:
        """The camera whose frames these are."""
        ...

    @property
    def live(self) -> bool:
        """True where frames that nobody takes in time are lost (a camera), False for a file."""
        ...

    def frames(self, start_s: float = 0.0) -> Iterator[Frame]:
        """Yields frames from `start_s` seconds of media time on; ends with the medium.

        Blocks while a live source has nothing new. A frame that can't be decoded is skipped
        and counted, never raised. May be called again: a file starts anew.

        Raises:
            SourceMissing: if the source can't be opened or reached.
            SourceUnreadable: if what is there is no video or picture.
        """
        ...

    def close(self) -> None:
        """Frees the source and ends a running `frames()` soon; a second call does nothing."""
        ...


class Detector(Protocol):
    """A network that finds things in pictures. Safe to call from one thread at a time."""

    @property
    def model(self) -> str:
        """Name and version of the weights, such as `aerial-first-1`."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that it can name."""
        ...

    def detect(self, frames: Sequence[Frame]) -> tuple[tuple[Detection, ...], ...]:
        """Returns the detections of each frame, in the order given; boxes lie in the frame.

        An empty sequence gives an empty tuple. The answer depends on the pixels alone.

        Raises:
            DetectorFailed: if the network can't run; the batch is lost, the next may work.
        """
        ...
