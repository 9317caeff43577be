"""Evidence in a folder, each file named by the SHA-256 of its bytes.

A file is written under a temporary name, forced to the disk, and only then gets its own
name; so a name always means a whole file. The media type is kept beside it.
"""

import errno
import fcntl
import hashlib
import io
import logging
import os
import secrets
import shutil
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import DiskFull, EvidenceDamaged, NotFound, StoreUnreadable
from core.ids import Digest

log = logging.getLogger(__name__)

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PARTS = "tmp"
_UNKNOWN = "application/octet-stream"


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all bytes to an open file and forces them to the disk."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)


class FolderVault:
    """An `EvidenceVault` in a folder: `sha256/ab/cd/<hex>`. Safe to share by threads."""

    def __init__(self, folder: Path, write: Callable[[int, bytes], None] = write_all) -> None:
        """Opens the vault, makes its folder, and removes what an interrupted write left.

        Args:
            folder: where the media are.
            write: writes bytes to a file descriptor durably; tests hand in one that fails.

        Raises:
            StoreUnreadable: if the folder can't be made or written.
        """
        self._named = folder / "sha256"
        self._write = write
        try:
            self._named.mkdir(parents=True, exist_ok=True)
            (folder / _PARTS).mkdir(exist_ok=True)
            _sweep(folder / _PARTS)
            self._parts, lock = _own_folder(folder / _PARTS)
        except OSError as error:
            raise StoreUnreadable(
                f"the evidence folder can't be made: {error.strerror}",
                where=str(folder),
                cure="see who owns the folder, or choose another by QYRAN_HOME",
            ) from error
        weakref.finalize(self, _leave, self._parts, lock)

    def put(self, data: bytes, media_type: str) -> Digest:
        """Keeps the bytes and returns their SHA-256; the same bytes are kept once.

        The first media type given stays.

        Raises:
            DiskFull: if there is no room; no partial file stays.
            StoreUnreadable: if the folder can't be written.
        """
        digest = Digest(hashlib.sha256(data).hexdigest())
        target = self._target(digest)
        # a damaged file under the name is replaced by the right bytes
        if target.is_file() and target.stat().st_size == len(data) and _digest(target) == digest:
            return digest
        try:
            _make_folders(target.parent, self._named)
            with self._part(data) as part:
                # once the bytes are safe, so that a type never stands alone
                with self._part(media_type.encode()) as type_part:
                    type_part.replace(_type_file(target))
                part.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise DiskFull(
                    "there is no room for a piece of evidence",
                    where=str(self._named),
                    cure="free some space; the station goes on by itself",
                ) from error
            raise StoreUnreadable(
                f"evidence can't be written: {error.strerror}",
                where=str(self._named),
                cure="see that the disk and its permissions are sound",
            ) from error
        return digest

    def open(self, digest: Digest) -> BinaryIO:
        """Returns a reader of the bytes; the caller closes it.

        Raises:
            NotFound: if there are none of that name.
            EvidenceDamaged: if their SHA-256 is another.
        """
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise EvidenceDamaged(
                f"can't be read: {error.strerror}", where=digest, cure="restore a backup"
            ) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise EvidenceDamaged(
                "the stored bytes have been changed", where=digest, cure="restore a backup"
            )
        return io.BytesIO(data)  # the very bytes that were checked

    def path(self, digest: Digest) -> Path:
        """Returns the file of these bytes, unchecked.

        Raises:
            NotFound: if there are none of that name.
        """
        target = self._target(digest)
        if not target.is_file():
            raise NotFound("no such evidence", where=digest)
        return target

    def has(self, digest: Digest) -> bool:
        """Returns whether there are bytes of that name."""
        return self._target(digest).is_file()

    def media_type(self, digest: Digest) -> str:
        """Returns the media type given when the bytes were put.

        Raises:
            NotFound: if there are none of that name.
        """
        try:
            return _type_file(self.path(digest)).read_text()
        except FileNotFoundError:
            return _UNKNOWN

    def size_bytes(self, digest: Digest) -> int:
        """Returns how many bytes there are.

        Raises:
            NotFound: if there are none of that name.
        """
        return self.path(digest).stat().st_size

    def remove(self, digest: Digest) -> None:
        """Removes the bytes; without effect where there are none. For the retention alone."""
        target = self._target(digest)
        target.unlink(missing_ok=True)
        _type_file(target).unlink(missing_ok=True)

    def _target(self, digest: str) -> Path:
        # a digest may come from a request; nothing else may become a path
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise NotFound("no such evidence", where=digest[:80])
        return self._named / digest[:2] / digest[2:4] / digest

    @contextmanager
    def _part(self, data: bytes) -> Iterator[Path]:
        """Gives a finished file that has no name of its own yet; removed unless renamed."""
        part = self._parts / secrets.token_hex(8)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
            try:
                self._write(descriptor, data)
            finally:
                os.close(descriptor)
            yield part
        finally:
            part.unlink(missing_ok=True)


def _type_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.type")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make_folders(folder: Path, root: Path) -> None:
    if folder.is_dir() or folder == root:
        return
    _make_folders(folder.parent, root)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Forces a folder's list of names to the disk, where the system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _own_folder(parts: Path) -> tuple[Path, int]:
    """Returns a folder for this vault's unfinished files, and the lock that it holds on it."""
    while True:
        folder = parts / secrets.token_hex(8)
        folder.mkdir()
        lock = _locked(folder)
        if lock is not None and folder.is_dir():
            return folder, lock
        if lock is not None:  # somebody swept it before it was locked
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """Returns a descriptor that locks a folder, or `None` where its owner lives."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep(parts: Path) -> None:
    """Removes what dead writers left; the lock of a living one, here or elsewhere, protects."""
    for left in parts.iterdir():
        try:
            lock = _locked(left)
        except FileNotFoundError:
            continue
        if lock is not None:
            if left.is_dir() and any(left.iterdir()):
                log.warning("removed unfinished evidence", extra={"folder": left.name})
            _leave(left, lock)


def _leave(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)
