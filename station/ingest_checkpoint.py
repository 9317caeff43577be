"""How far an ingest has come, so that one that was stopped goes on where it was."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import DiskFull, SourceUnreadable, StoreUnreadable

_CHUNK_BYTES = 1 << 20
_NO_SPACE = 28


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One source's progress. Everything before `safe_s` has been judged and stored."""

    source_sha256: str
    safe_s: float
    """Media time from which to go on: before the first frame of every thing still in sight."""
    frame: int
    """How many frames had been taken up to there."""
    finished: bool


def digest_of(paths: Iterable[Path]) -> str:
    """Returns the SHA-256 of one file, or of several by their own digests and names.

    Raises:
        SourceUnreadable: if one can't be read.
    """
    ordered = sorted(paths)
    digests = []
    for path in ordered:
        digest = hashlib.sha256()
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
        except OSError as error:
            raise SourceUnreadable(
                f"can't be read: {error.strerror}", where=str(path), cure="check its permissions"
            ) from error
        digests.append(digest.hexdigest())
    if len(ordered) == 1:
        return digests[0]
    named = "\n".join(f"{d} {p.name}" for d, p in zip(digests, ordered, strict=True))
    return hashlib.sha256(named.encode()).hexdigest()


class CheckpointFile:
    """The checkpoint of one source in the data folder."""

    def __init__(self, home: Path, source_sha256: str, variant: str = "") -> None:
        """Names the file.

        Args:
            home: the data folder.
            source_sha256: of the footage.
            variant: what else makes it another run: telemetry, model and what it was told.
        """
        name = hashlib.sha256(f"{source_sha256}\n{variant}".encode()).hexdigest()[:32]
        self._sha256 = source_sha256
        self._path = home / "ingest" / f"{name}.json"

    def read(self) -> Checkpoint | None:
        """Returns the checkpoint; `None` where there is none or it can't be understood."""
        try:
            raw = json.loads(self._path.read_text("utf-8"))
            found = Checkpoint(
                str(raw["source_sha256"]),
                float(raw["safe_s"]),
                int(raw["frame"]),
                bool(raw["finished"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if found.source_sha256 == self._sha256 else None

    def write(self, safe_s: float, frame: int, *, finished: bool = False) -> None:
        """Keeps a checkpoint; the old one stays until the new one is whole.

        Raises:
            DiskFull: if there is no room.
            StoreUnreadable: if the data folder can't be written.
        """
        document = asdict(Checkpoint(self._sha256, safe_s, frame, finished))
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(document), "utf-8")
            os.replace(fresh, self._path)  # noqa: PTH105 - atomic, and so named
        except OSError as error:
            kind = DiskFull if error.errno == _NO_SPACE else StoreUnreadable
            raise kind(
                f"the progress can't be kept: {error.strerror}",
                where=str(self._path.parent),
                cure="free some room or check the permissions",
            ) from error

    def forget(self) -> None:
        """Removes it; the next run begins anew."""
        self._path.unlink(missing_ok=True)
