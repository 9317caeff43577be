"""What a backup looks like: files and a manifest with their SHA-256, in a tar or a folder."""

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, cast

from core.errors import ArchiveDamaged, SourceMissing, StoreTooNew

MANIFEST: Final = "MANIFEST.json"
_FORMAT = 1
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive."""

    size_bytes: int
    sha256: str
    mode: int


class ArchiveWriter:
    """Puts files into a part that is not an archive before `finish`."""

    def __init__(self, part: Path, *, tar: bool) -> None:
        """Starts a new tar file or folder at `part`."""
        self._part = part
        self._file: BinaryIO | None = None
        self._tar: tarfile.TarFile | None = None
        self.entries: dict[str, Entry] = {}
        if tar:
            self._file = part.open("wb")
            part.chmod(0o600)
            self._tar = tarfile.open(fileobj=self._file, mode="w")
        else:
            part.mkdir(mode=0o700)

    def put(self, name: str, file: Path) -> None:
        """Copies a file in and notes the SHA-256 of the very bytes that were copied."""
        with file.open("rb") as source:
            state = os.fstat(source.fileno())
            hashing = _Hashing(source, state.st_size)
            mode = state.st_mode & 0o777
            self._copy(name, hashing, state.st_size, mode)
        self.entries[name] = Entry(state.st_size, hashing.hexdigest(), mode)

    def finish(self, about: dict[str, str]) -> None:
        """Adds the manifest and forces everything to the disk."""
        manifest = {
            "format": _FORMAT,
            **about,
            "files": {
                name: {"size_bytes": e.size_bytes, "sha256": e.sha256, "mode": e.mode}
                for name, e in sorted(self.entries.items())
            },
        }
        data = json.dumps(manifest, indent=1).encode()
        self._copy(MANIFEST, io.BytesIO(data), len(data), 0o600)
        if self._tar is not None and self._file is not None:
            self._tar.close()
            self._file.flush()
            os.fsync(self._file.fileno())

    def abandon(self) -> None:
        """Closes what is open; the caller removes a part that was not finished."""
        if self._file is not None:
            self._file.close()

    def _copy(self, name: str, source: Any, size: int, mode: int) -> None:
        if self._tar is not None:
            info = tarfile.TarInfo(name)
            info.size, info.mode = size, mode
            self._tar.addfile(info, source)
            return
        target = self._part / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
            file.flush()
            os.fsync(file.fileno())
        target.chmod(mode)


def unpack(archive: Path, folder: Path) -> dict[str, Entry]:
    """Copies an archive's files into an empty folder and checks every one.

    Raises:
        SourceMissing: if there is no such archive.
        ArchiveDamaged: if a file is missing, unknown or other than it was written.
        StoreTooNew: if a newer Qyran wrote the archive.
    """
    if not archive.exists():
        raise SourceMissing("no such backup", where=str(archive), cure="check the path")
    found: dict[str, str] = {}
    try:
        manifest: bytes | None = None
        for name, source in _members(archive):
            if name == MANIFEST:
                manifest = source.read()
                continue
            found[name] = _extract(source, _inside(folder, name, archive))
        if manifest is None:
            raise _damaged(archive, "has no manifest")
        entries = _entries(archive, json.loads(manifest))
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise _damaged(archive, f"can't be read: {error}") from error
    for name in sorted(entries.keys() | found.keys()):
        if name not in found:
            raise _damaged(archive, f"lacks {name}")
        if name not in entries:
            raise _damaged(archive, f"holds {name}, which is not in its manifest")
        if entries[name].sha256 != found[name]:
            raise _damaged(archive, f"{name} has been changed")
        (folder / name).chmod(entries[name].mode)
    return entries


def _entries(archive: Path, manifest: dict[str, Any]) -> dict[str, Entry]:
    if int(manifest["format"]) > _FORMAT:
        raise StoreTooNew(
            f"the backup has format {manifest['format']}, this Qyran knows {_FORMAT}",
            where=str(archive),
            cure="restore it with the Qyran that wrote it",
        )
    return {
        name: Entry(int(e["size_bytes"]), str(e["sha256"]), int(e["mode"]))
        for name, e in manifest["files"].items()
    }


def _members(archive: Path) -> Iterator[tuple[str, BinaryIO]]:
    if archive.is_dir():
        for file in sorted(archive.rglob("*")):
            if file.is_symlink() or not (file.is_file() or file.is_dir()):
                raise _damaged(archive, f"holds {file.name}, which is no plain file")
            if file.is_file():
                with file.open("rb") as source:
                    yield file.relative_to(archive).as_posix(), source
        return
    with tarfile.open(archive, "r:") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is None:
                raise _damaged(archive, f"holds {member.name}, which is no plain file")
            yield member.name, cast(BinaryIO, content)


def _inside(folder: Path, name: str, archive: Path) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        raise _damaged(archive, f"holds the name {name!r}, which leads elsewhere")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _extract(source: BinaryIO, target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


class _Hashing:
    """Reads exactly `size` bytes of a file, which may grow meanwhile, and hashes them."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source = source
        self._left = size
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._source.read(wanted)
        self._left -= len(data)
        self._digest.update(data)
        return data

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _damaged(archive: Path, what: str) -> ArchiveDamaged:
    return ArchiveDamaged(what, where=str(archive), cure="use another backup")


@contextmanager
def writing(part: Path, *, tar: bool) -> Iterator[ArchiveWriter]:
    """Gives a writer that is closed whatever happens."""
    writer = ArchiveWriter(part, tar=tar)
    try:
        yield writer
    finally:
        writer.abandon()
