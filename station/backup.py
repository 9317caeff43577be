"""Backup, restore and upgrade of a data folder (SQLite; PostgreSQL has tools of its own).

The databases are copied by SQLite's online backup, then the media, which never change: so
a backup of a running station is whole. Restoring checks everything before it touches the
data folder, and puts it in place by renaming.
"""

import errno
import logging
import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from core.errors import (
    AlreadyThere,
    DiskFull,
    SourceMissing,
    StoreInUse,
    StoreOutdated,
    StoreUnreadable,
)
from station.archive import unpack, writing
from station.data_folder import EVIDENCE_FOLDER, STATION_FILE, TELEMETRY_FILE
from station.database import MAIN, TELEMETRY, Branch, open_database
from station.store_lock import LOCK_FILES, sole_use

log = logging.getLogger(__name__)

BACKUPS_FOLDER: Final = "backups"
"""Inside the data folder: what `upgrade` keeps; never part of a backup itself."""
_DATABASES = (STATION_FILE, TELEMETRY_FILE)
_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was written."""

    target: Path
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was put in place."""

    home: Path
    files: int
    size_bytes: int
    put_aside: Path | None
    """Where the former data folder is now, if there was one."""


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """What an upgrade did."""

    schema_version: str
    backup: BackupReport | None
    """`None` where nothing had to be migrated."""


def backup(home: Path, target: Path) -> BackupReport:
    """Writes a backup of a data folder; the station may run meanwhile.

    Args:
        home: the data folder.
        target: a file ending in `.tar`, else a folder; must not be there yet.

    Raises:
        SourceMissing: if there is no data folder with a station's database.
        AlreadyThere: if the target is there already.
        StoreUnreadable: if a database is damaged.
        DiskFull: if there is no room; nothing is left behind.
    """
    if not (home / STATION_FILE).is_file():
        raise SourceMissing(
            "no data of a station here", where=str(home), cure="name the data folder by QYRAN_HOME"
        )
    if target.exists():
        raise AlreadyThere("the target is there already", where=str(target), cure="name another")
    target = target.absolute()
    with _room(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as staged:
            part = Path(staged) / "part"
            with writing(part, tar=target.suffix == ".tar") as writer:
                for name in _DATABASES:
                    if not (home / name).is_file():
                        continue
                    copy = Path(staged) / name
                    _copy_database(home / name, copy)
                    writer.put(name, copy)
                for name, file in _other_files(home):
                    try:
                        writer.put(name, file)
                    except FileNotFoundError:  # the retention removed it just now
                        continue
                writer.finish({"schema_version": MAIN.head, "telemetry_version": TELEMETRY.head})
                entries = writer.entries
            part.rename(target)
    size = sum(entry.size_bytes for entry in entries.values())
    log.info("backup written", extra={"files": len(entries), "size_bytes": size})
    return BackupReport(target, len(entries), size)


def restore(archive: Path, home: Path, *, force: bool = False) -> RestoreReport:
    """Puts a backup in place of a data folder; the station must not run.

    Everything is unpacked beside the data folder and checked first. A former data folder is
    never deleted but put aside under another name.

    Args:
        archive: what `backup` wrote.
        home: the data folder; missing or empty unless `force`.
        force: puts a former data folder aside instead of refusing.

    Raises:
        SourceMissing: if there is no such backup.
        AlreadyThere: if the data folder holds something and `force` is off.
        ArchiveDamaged: if anything in the backup is other than it was written.
        StoreInUse: if a station or another verb has the data folder open.
        StoreTooNew: if a newer Qyran wrote the backup.
        DiskFull: if there is no room; the data folder is as it was.
    """
    home = home.absolute()
    if not home.exists():  # whoever makes it meanwhile is in the way of the renaming
        return _put_in_place(archive, home, held=False)
    held = any(file.name not in LOCK_FILES for file in home.iterdir())
    if held and not force:
        raise AlreadyThere(
            "the data folder is not empty",
            where=str(home),
            cure="restore into another folder, or use --force, which puts this one aside",
        )
    with sole_use(home, "qyran restore"):
        return _put_in_place(archive, home, held=held)


def _put_in_place(archive: Path, home: Path, *, held: bool) -> RestoreReport:
    with _room(home):
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=home.parent) as staged:
            fresh = Path(staged) / "home"
            fresh.mkdir(mode=0o700)
            entries = unpack(archive, fresh)
            aside = home.with_name(f"{home.name}.before-restore-{secrets.token_hex(4)}")
            if held:
                home.rename(aside)
            else:
                for name in LOCK_FILES:
                    (home / name).unlink(missing_ok=True)
            try:
                fresh.rename(home)  # over an empty folder, or over nothing
            except OSError as error:
                if held and not _back(aside, home):
                    raise StoreInUse(
                        f"another Qyran began to use it; the former data are in {aside}",
                        where=str(home),
                        cure="stop it, and rename that folder back",
                    ) from error
                raise
    size = sum(entry.size_bytes for entry in entries.values())
    log.info("backup restored", extra={"files": len(entries), "size_bytes": size})
    return RestoreReport(home, len(entries), size, aside if held else None)


def _back(aside: Path, home: Path) -> bool:
    try:
        aside.rename(home)
    except OSError:
        return False
    return True


def upgrade(
    home: Path,
    *,
    now: datetime,
    url: str = "",
    branches: tuple[Branch, Branch] = (MAIN, TELEMETRY),
) -> UpgradeReport:
    """Brings a data folder to this Qyran's schema, after a backup in its folder `backups`.

    Args:
        home: the data folder.
        now: dates the backup's name.
        url: a PostgreSQL address; its backup is left to its own tools.
        branches: the schemas, main first.

    Raises:
        StoreTooNew: if a newer Qyran has written it; nothing is touched.
        StoreUnreadable: if it can't be opened.
        StoreInUse: if a station or another verb has it open.
        DiskFull: if there is no room; the data folder is as it was.
    """
    with sole_use(home, "qyran upgrade"):
        return _upgraded(home, now, url, branches)


def _upgraded(
    home: Path, now: datetime, url: str, branches: tuple[Branch, Branch]
) -> UpgradeReport:
    kept: BackupReport | None = None
    try:
        database = open_database(home, migrate=False, url=url, branches=branches)
    except StoreOutdated:
        if not url:
            name = f"before-{branches[0].head}-{now:%Y%m%dT%H%M%SZ}.tar"
            kept = backup(home, home / BACKUPS_FOLDER / name)
        database = open_database(home, migrate=True, url=url, branches=branches)
    database.close()
    return UpgradeReport(database.schema_version, kept)


def _copy_database(source: Path, target: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(source, timeout=30.0)) as live,
            closing(sqlite3.connect(target)) as copy,
        ):
            live.backup(copy)
            # one file without a log beside it: a backup may be read where nothing can be written
            copy.execute("PRAGMA journal_mode = DELETE")
            verdict = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname == "SQLITE_FULL":
            raise _no_room(target) from error
        raise _unsound(source, str(error)) from error
    except sqlite3.DatabaseError as error:
        raise _unsound(source, str(error)) from error
    if verdict != "ok":
        raise _unsound(source, verdict)


def _other_files(home: Path) -> Iterator[tuple[str, Path]]:
    """Yields everything but the databases, unfinished files and former backups."""
    beside = {name + ending for name in _DATABASES for ending in ("", *_BESIDE)}
    skipped = {home / BACKUPS_FOLDER, home / EVIDENCE_FOLDER / "tmp"}
    for file in sorted(home.rglob("*")):
        hidden = file.relative_to(home).parts[0].startswith((".backup-", ".restore-"))
        if hidden or skipped & {file, *file.parents} or file.is_symlink() or not file.is_file():
            continue
        name = file.relative_to(home).as_posix()
        if name not in beside and name not in LOCK_FILES:
            yield name, file


@contextmanager
def _room(where: Path) -> Iterator[None]:
    """Turns the file system's complaints into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise _no_room(where) from error
        raise StoreUnreadable(
            f"can't be written: {error.strerror}", where=str(where), cure="see its permissions"
        ) from error


def _no_room(where: Path) -> DiskFull:
    return DiskFull("there is no room", where=str(where), cure="free some space and try again")


def _unsound(source: Path, what: str) -> StoreUnreadable:
    return StoreUnreadable(
        f"the database is damaged: {what}", where=str(source), cure="restore an older backup"
    )
