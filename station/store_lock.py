"""Who may use a data folder at a time: one station, any number of short verbs, one replacer.

Two lock files lie in the folder. `.lock` is held by the one station (serve, demo) and by what
deletes; `.users` is shared by everything that has the databases open, so that a restore or an
upgrade, which need both alone, can't pull the folder away under an ingest either. The system
lets go of them with the process, however that ends.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from core.errors import StoreInUse, StoreUnreadable

_STATION: Final = ".lock"
_USERS: Final = ".users"
LOCK_FILES: Final = frozenset({_STATION, _USERS})
"""Never part of a backup, and no reason to call a data folder full."""
_BUSY = (errno.EAGAIN, errno.EACCES)


@contextmanager
def station_lock(home: Path, doing: str) -> Iterator[None]:
    """Keeps other stations off a data folder during the block; short verbs may go on.

    Args:
        home: the data folder; made where it is missing.
        doing: what the holder is, for the message to others, such as `qyran serve`.

    Raises:
        StoreInUse: if another process holds it.
        StoreUnreadable: if the folder can't be made or can't be locked.
    """
    with _locked(home, _STATION, fcntl.LOCK_EX, doing):
        yield


@contextmanager
def shared_use(home: Path) -> Iterator[None]:
    """Keeps the data folder from being replaced during the block.

    Raises:
        StoreInUse: if it is being replaced right now.
        StoreUnreadable: if the folder can't be made or can't be locked.
    """
    with _locked(home, _USERS, fcntl.LOCK_SH, ""):
        yield


@contextmanager
def sole_use(home: Path, doing: str) -> Iterator[None]:
    """Keeps everybody else off a data folder during the block.

    Args:
        home: the data folder; made where it is missing.
        doing: what the holder is, for the message to others.

    Raises:
        StoreInUse: if any other process uses it.
        StoreUnreadable: if the folder can't be made or can't be locked.
    """
    with ExitStack() as held:
        held.enter_context(_locked(home, _STATION, fcntl.LOCK_EX, doing))
        held.enter_context(_locked(home, _USERS, fcntl.LOCK_EX, doing))
        yield


def make_home(home: Path) -> None:
    """Makes a data folder where it is missing.

    Raises:
        StoreUnreadable: if it can't be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "something else is there" if home.exists() else error.strerror
        raise StoreUnreadable(
            f"the data folder can't be made: {reason}",
            where=str(home),
            cure="choose another folder by QYRAN_HOME",
        ) from error


@contextmanager
def _locked(home: Path, name: str, kind: int, doing: str) -> Iterator[None]:
    make_home(home)
    descriptor = _taken(home, name, kind)
    try:
        if doing:
            with suppress(OSError):  # a full disk: the lock holds without the words
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{doing}, process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(home: Path, name: str, kind: int) -> int:
    """Returns a descriptor that holds the lock of the file that has this name now."""
    path = home / name
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                ours, named = os.fstat(descriptor), path.stat()
            except BaseException:
                os.close(descriptor)
                raise
        except FileNotFoundError:  # put aside between two lines: look at what is there now
            make_home(home)
            continue
        except OSError as error:
            if error.errno in _BUSY and path.is_file():
                raise _in_use(home, path) from error
            raise StoreUnreadable(
                f"the data folder can't be locked: {error.strerror}",
                where=str(path),
                cure="check its permissions, or choose another folder by QYRAN_HOME",
            ) from error
        if (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino):
            return descriptor
        os.close(descriptor)


def _in_use(home: Path, path: Path) -> StoreInUse:
    holder = ""
    with suppress(OSError, UnicodeDecodeError):
        holder = path.read_text("utf-8").strip()[:200]
    return StoreInUse(
        f"another Qyran uses this data folder{f' ({holder})' if holder else ''}",
        where=str(home),
        cure="stop it first, or name another folder by --home",
    )
