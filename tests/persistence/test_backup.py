import json
import shutil
import sqlite3
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from core.errors import (
    AlreadyThere,
    ArchiveDamaged,
    SourceMissing,
    StoreOutdated,
    StoreTooNew,
    StoreUnreadable,
)
from core.ids import IncidentId, ObservationId
from incidents.adapters.folder_vault import FolderVault
from incidents.ports import IncidentFilter
from station.backup import backup, restore, upgrade
from station.data_folder import EVIDENCE_FOLDER, STATION_FILE
from station.database import (
    MAIN,
    TELEMETRY,
    migrations_folder,
    open_database,
)
from tests.builders import NOW, a_sample, after, an_incident, an_observation
from tests.sql_makers import empty_home, sql_incidents, sql_telemetry

FORMS = pytest.mark.parametrize("name", ["saved.tar", "saved"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder with an incident, a sample, a picture and a settings file."""
    home = empty_home(tmp_path)
    database = open_database(home, migrate=False)
    sql_incidents(database).add(an_incident())
    sql_telemetry(database).append([a_sample()])
    database.close()
    FolderVault(home / EVIDENCE_FOLDER).put(b"a picture", "image/jpeg")
    (home / "settings.toml").write_text("port = 8000\n")
    (home / "settings.toml").chmod(0o600)
    return home


def check(home: Path) -> None:
    database = open_database(home, migrate=False)
    assert sql_incidents(database).get(an_incident().incident_id) == an_incident()
    assert sql_telemetry(database).between(a_sample().asset_id, NOW, after(1)) == (a_sample(),)
    database.close()
    vault = FolderVault(home / EVIDENCE_FOLDER)
    digest = vault.put(b"a picture", "other")
    assert vault.media_type(digest) == "image/jpeg"  # it was there before
    assert (home / "settings.toml").read_text() == "port = 8000\n"
    assert (home / "settings.toml").stat().st_mode & 0o777 == 0o600


@FORMS
def test_there_and_back(home: Path, tmp_path: Path, name: str) -> None:
    report = backup(home, tmp_path / "kept" / name)
    assert report.files == 5  # two databases, picture, its type, settings
    restored = restore(report.target, tmp_path / "other")
    assert restored.files == report.files
    assert restored.put_aside is None
    check(tmp_path / "other")
    check(home)
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == [name]


def test_what_the_write_ahead_log_holds_is_in_the_backup(home: Path, tmp_path: Path) -> None:
    database = open_database(home, migrate=False)
    more = an_incident(
        incident_id=IncidentId("incident-2"),
        observations=(an_observation(observation_id=ObservationId("o-2")),),
    )
    sql_incidents(database).add(more)  # still in the log: the database stays open
    backup(home, tmp_path / "saved.tar")
    database.close()
    restore(tmp_path / "saved.tar", tmp_path / "other")
    again = open_database(tmp_path / "other", migrate=False)
    assert sql_incidents(again).get(more.incident_id) == more
    again.close()


def test_a_backup_while_the_station_writes_is_whole(home: Path, tmp_path: Path) -> None:
    database = open_database(home, migrate=False)
    store, stop = sql_incidents(database), Event()

    def write() -> int:
        number = 0
        while not stop.is_set():
            number += 1
            store.add(
                an_incident(
                    incident_id=IncidentId(f"i-{number}"),
                    observations=(an_observation(observation_id=ObservationId(f"o-{number}")),),
                )
            )
        return number

    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write)
        try:
            for number in range(3):
                backup(home, tmp_path / f"{number}.tar")
        finally:
            stop.set()
        assert written.result() > 0
    database.close()
    for number in range(3):
        other = tmp_path / f"other-{number}"
        restore(tmp_path / f"{number}.tar", other)
        copy = open_database(other, migrate=False)
        found = sql_incidents(copy).find(IncidentFilter(), limit=100_000)
        assert an_incident() in found
        for incident in found:
            assert len(sql_incidents(copy).history(incident.incident_id)) == 1
        copy.close()


def test_a_target_is_never_overwritten(home: Path, tmp_path: Path) -> None:
    (tmp_path / "saved.tar").write_text("precious")
    with pytest.raises(AlreadyThere):
        backup(home, tmp_path / "saved.tar")
    assert (tmp_path / "saved.tar").read_text() == "precious"


def test_a_folder_without_a_station_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        backup(tmp_path, tmp_path / "saved.tar")


def test_a_damaged_database_is_not_passed_off_as_a_backup(home: Path, tmp_path: Path) -> None:
    file = home / STATION_FILE
    data = bytearray(file.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    file.write_bytes(data)
    with pytest.raises(StoreUnreadable, match="damaged"):
        backup(home, tmp_path / "saved.tar")
    assert not (tmp_path / "saved.tar").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["home"]


def test_a_home_that_holds_something_is_put_aside_only_by_force(home: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "saved.tar")
    (home / "note").write_text("later")
    with pytest.raises(AlreadyThere, match="--force"):
        restore(tmp_path / "saved.tar", home)
    report = restore(tmp_path / "saved.tar", home, force=True)
    assert report.put_aside is not None
    assert (report.put_aside / "note").read_text() == "later"
    assert not (home / "note").exists()
    check(home)


def test_an_empty_home_is_filled(home: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "saved.tar")
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "saved.tar", tmp_path / "empty")
    check(tmp_path / "empty")


def change_a_byte(folder: Path) -> None:
    target = next(f for f in folder.rglob("*") if f.parent.parent.parent.name == "sha256")
    target.write_bytes(target.read_bytes()[:-1] + b"!")


def take_one_away(folder: Path) -> None:
    (folder / "settings.toml").unlink()


def add_one(folder: Path) -> None:
    (folder / "evil.py").write_text("")


def lose_the_manifest(folder: Path) -> None:
    (folder / "MANIFEST.json").unlink()


def spoil_the_manifest(folder: Path) -> None:
    (folder / "MANIFEST.json").write_text("{")


def link_elsewhere(folder: Path) -> None:
    (folder / "settings.toml").unlink()
    (folder / "settings.toml").symlink_to("/etc/hostname")


@pytest.mark.parametrize(
    "damage",
    [change_a_byte, take_one_away, add_one, lose_the_manifest, spoil_the_manifest, link_elsewhere],
)
@FORMS
def test_a_damaged_backup_touches_nothing(home: Path, tmp_path: Path, name: str, damage) -> None:  # type: ignore[no-untyped-def]
    archive = tmp_path / name
    backup(home, tmp_path / "whole")
    damage(tmp_path / "whole")
    if name.endswith(".tar"):
        with tarfile.open(archive, "w") as tar:
            for file in sorted((tmp_path / "whole").rglob("*")):
                if file.is_file() or file.is_symlink():
                    tar.add(file, arcname=file.relative_to(tmp_path / "whole"))
    else:
        (tmp_path / "whole").rename(archive)
    with pytest.raises(ArchiveDamaged):
        restore(archive, home, force=True)
    check(home)
    assert not list(tmp_path.glob(".restore-*"))
    assert not list(tmp_path.glob("home.*"))


@pytest.mark.parametrize("length", [0, 1_000, 100_000])
def test_a_cut_off_tar_is_told(home: Path, tmp_path: Path, length: int) -> None:
    backup(home, tmp_path / "saved.tar")
    data = (tmp_path / "saved.tar").read_bytes()
    (tmp_path / "saved.tar").write_bytes(data[:length])
    with pytest.raises(ArchiveDamaged):
        restore(tmp_path / "saved.tar", tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../outside"])
def test_a_name_that_leads_elsewhere_is_refused(home: Path, tmp_path: Path, name: str) -> None:
    backup(home, tmp_path / "saved.tar")
    with tarfile.open(tmp_path / "saved.tar", "a") as tar:
        tar.add(home / "settings.toml", arcname=name)
        tar.getmembers()[-1].name = name
    with pytest.raises(ArchiveDamaged):
        restore(tmp_path / "saved.tar", tmp_path / "other")


def test_a_backup_of_a_later_form_is_refused(home: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "saved")
    manifest = tmp_path / "saved" / "MANIFEST.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 2}))
    with pytest.raises(StoreTooNew):
        restore(tmp_path / "saved", tmp_path / "other")


def test_no_such_backup(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        restore(tmp_path / "none.tar", tmp_path / "other")


def test_an_upgrade_makes_a_backup_first(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "newer"
    shutil.copytree(migrations_folder() / "main", folder)
    (folder / "9999_later.py").write_text(
        "from alembic import op\n"
        "revision = 'main_9999'\n"
        f"down_revision = '{MAIN.head}'\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE later (id INTEGER)')\n"
        "def downgrade():\n"
        "    op.execute('DROP TABLE later')\n"
    )
    newer = (replace(MAIN, head="main_9999", folder=folder), TELEMETRY)
    assert upgrade(home, now=NOW).backup is None  # nothing to do
    report = upgrade(home, now=NOW, branches=newer)
    assert report.schema_version == "main_9999"
    assert report.backup is not None
    assert report.backup.target == home / "backups" / "before-main_9999-20261120T090000Z.tar"
    with pytest.raises(StoreTooNew):
        upgrade(home, now=NOW)
    restore(report.backup.target, tmp_path / "older")
    check(tmp_path / "older")
    with pytest.raises(StoreOutdated):
        open_database(tmp_path / "older", migrate=False, branches=newer)


def test_former_backups_are_not_backed_up(home: Path, tmp_path: Path) -> None:
    (home / "backups").mkdir()
    (home / "backups" / "old.tar").write_text("large")
    assert backup(home, home / "backups" / "new.tar").files == 5


def test_the_copied_database_needs_no_log_beside_it(home: Path, tmp_path: Path) -> None:
    backup(home, tmp_path / "saved")
    copy = tmp_path / "saved" / STATION_FILE
    connection = sqlite3.connect(f"file:{copy}?immutable=1", uri=True)
    assert connection.execute("SELECT count(*) FROM incident").fetchone() == (1,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()
