"""`qyran schedule` and `qyran shift`, through the whole command line."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from missions.schedules import FiringState, ScheduleId, StopReason, moved_on
from station import cli, occurrence_listing
from station.settings_sources import load_settings
from station.stores import opened_stores
from tests.builders import a_patrol, an_asset
from tests.missions.schedule_builders import a_firing

DAILY = {
    "schedule_id": "morning", "name": "Morning round", "patrol_id": "patrol-1",
    "dtstart": "2026-03-01T08:00", "tzid": "Asia/Almaty", "rrule": "FREQ=DAILY",
    "duration": "PT1H30M",
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("QYRAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QYRAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def qyran(capfd):
    def call(*words):
        code = cli.main([*map(str, words), "--json"])
        return code, json.loads(capfd.readouterr().out)

    return call


@pytest.fixture
def file(tmp_path):
    def write(**changes):
        path = tmp_path / "schedule.json"
        path.write_text(json.dumps({**DAILY, **changes}))
        return path

    return write


@pytest.fixture
def stores(home):
    with opened_stores(load_settings(home=home).settings) as opened:
        opened.missions.save_asset(an_asset())
        opened.missions.save_patrol(a_patrol())
        yield opened


def listed(qyran, path, since="2026-03-01", until="2026-03-04", *more):
    return qyran("schedule", "occurrences", path, "--from", since, "--to", until, *more)


def test_occurrences_with_their_ends_and_offsets(qyran, file):
    code, document = listed(qyran, file(exdate=["2026-03-02"]))
    assert code == 0
    assert document["count"] == 2
    assert document["occurrences"][0] == {
        "start": "2026-03-01T08:00:00+05:00", "end": "2026-03-01T09:30:00+05:00",
        "start_utc": "2026-03-01T03:00:00Z", "end_utc": "2026-03-01T04:30:00Z",
    }  # fmt: skip
    assert document["skipped"] == [
        {"start": "2026-03-02T08:00:00+05:00", "start_utc": "2026-03-02T03:00:00Z",
         "reason": "exdate", "note": ""}
    ]  # fmt: skip


def test_instants_in_all_their_forms(qyran, file):
    path = file()
    for since, until, count in (
        ("2026-03-01T08:00", "2026-03-02T08:00", 1),
        ("2026-03-01T03:00Z", "2026-03-02T03:00:01Z", 2),
        ("2026-03-01T09:00:00+05:00", "2026-03-01T09:30:00+05:00", 1),  # under way
        ("2027-01-01", "2027-01-01", 0),
        ("2020-01-01", "2026-03-01", 0),
    ):
        code, document = listed(qyran, path, since, until)
        assert (code, document["count"]) == (0, count), since
    assert (
        listed(qyran, path, "2026-03-01T09:00", "2026-03-01T09:30", "--starts-only")[1]["count"]
        == 0
    )


def test_a_person_reads_lines(file, capfd):
    words = ["schedule", "occurrences", str(file(holidays="KZ")), "--from", "2026-12-15"]
    assert cli.main([*words, "--to", "2026-12-18"]) == 0
    text = capfd.readouterr().out
    assert "Tue 2026-12-15 08:00 +0500  for 1:30:00" in text
    assert "left out: holiday (Independence Day)" in text
    assert "2 occurrences, 1 left out" in text


@pytest.mark.parametrize(
    ("changes", "code", "error"),
    [
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, 1, "schedule_never_fires"),
        ({"rrule": "FREQ=DAILY;UNTIL=20260101T000000Z"}, 1, "schedule_never_fires"),
        ({"rrule": "FREQ=DAILY;COUNT=1", "exdate": "2026-03-01"}, 1, "schedule_never_fires"),
        ({"rrule": "FREQ=NEVER"}, 2, "schedule_invalid"),
        ({"tzid": "Asia/Nowhere"}, 2, "schedule_invalid"),
        ({"holidays": {"country": "Atlantis"}}, 2, "schedule_invalid"),
    ],
)
def test_bad_schedules_are_refused_with_place_reason_and_cure(qyran, file, changes, code, error):
    got, document = listed(qyran, file(**changes))
    assert (got, document["error"]["code"]) == (code, error)
    assert document["error"]["message"]
    assert document["error"]["cure"]


def test_what_can_not_be_read_is_usage(qyran, tmp_path, file):
    assert listed(qyran, tmp_path / "none.json")[1]["error"]["code"] == "source_missing"
    assert listed(qyran, tmp_path)[0] == 2
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    assert listed(qyran, tmp_path / "x")[1]["error"]["code"] == "schedule_invalid"
    for since, until in (("soon", "2026-01-01"), ("2026-01-02", "2026-01-01")):
        assert listed(qyran, file(), since, until)[0] == 2


def test_more_than_can_be_listed_is_refused(qyran, file, monkeypatch):
    monkeypatch.setattr(occurrence_listing, "LISTED_MOST", 1_000)
    path = file(rrule="FREQ=SECONDLY")
    code, document = listed(qyran, path, "2030-01-01", "2040-01-01")
    assert (code, document["error"]["code"]) == (1, "too_large")
    assert (
        listed(qyran, path, "2030-01-01T00:00:00Z", "2030-01-01T00:00:10Z", "--starts-only")[1][
            "count"
        ]
        == 10
    )


def test_a_schedule_is_kept_approved_and_switched(qyran, file, stores):
    code, document = qyran("schedule", "add", file())
    assert (code, document["done"], document["stage"]) == (0, "added", "draft")
    assert qyran("schedule", "add", file())[1]["done"] == "same"
    code, document = qyran("schedule", "approve", "morning", "--by", "planner-1")
    assert (code, document["fires"], document["approved_by"]) == (0, True, "planner-1")
    assert (
        qyran("schedule", "approve", "morning", "--by", "x")[1]["error"]["code"] == "illegal_move"
    )
    assert qyran("schedule", "disable", "morning")[1]["fires"] is False
    assert qyran("schedule", "enable", "morning")[1]["fires"] is True
    code, document = qyran(
        "schedule", "override", "morning", "--by", "chief", "--reason", "a child is missing"
    )
    assert document["override"]["reason"] == "a child is missing"
    # a change makes it a draft again, which somebody has to approve
    code, document = qyran("schedule", "add", file(rrule="FREQ=WEEKLY"))
    assert (document["done"], document["stage"], document["approved_by"]) == (
        "changed",
        "draft",
        None,
    )
    (one,) = qyran("schedule", "list")[1]["schedules"]
    assert (one["version"], one["rrule"]) == (6, "FREQ=WEEKLY")
    assert one["next"] is not None
    assert len(stores.schedules.versions(ScheduleId("morning"))) == 6
    assert qyran("schedule", "retire", "morning")[1]["stage"] == "retired"


def test_another_than_its_author_approves_where_the_setting_wants_it(
    qyran, file, stores, monkeypatch
):
    monkeypatch.setenv("QYRAN_PLANNING__SCHEDULE_REVIEW", "true")
    code, document = qyran("schedule", "add", file(), "--by", "aigerim")
    assert (code, document["drafted_by"]) == (0, "aigerim")
    code, document = qyran("schedule", "approve", "morning", "--by", "aigerim")
    assert (code, document["error"]["code"]) == (1, "not_allowed")
    again = qyran("schedule", "add", file(), "--by", "daniyar", "--approve-as", "aigerim")
    assert again[1]["error"]["code"] == "not_allowed"  # a draft that is there has its author
    assert qyran("schedule", "approve", "morning", "--by", "daniyar")[1]["fires"] is True


def test_a_draft_of_nobody_is_signed_before_another_approves_it(qyran, file, stores, monkeypatch):
    monkeypatch.setenv("QYRAN_PLANNING__SCHEDULE_REVIEW", "true")
    qyran("schedule", "add", file())
    code, document = qyran("schedule", "approve", "morning", "--by", "daniyar")
    assert (code, document["error"]["code"]) == (1, "not_allowed")
    signed = qyran("schedule", "add", file(), "--by", "aigerim")[1]
    assert (signed["done"], signed["drafted_by"]) == ("changed", "aigerim")
    assert qyran("schedule", "add", file(), "--by", "daniyar")[1]["done"] == "same"
    assert qyran("schedule", "approve", "morning", "--by", "daniyar")[1]["fires"] is True


def test_a_schedule_needs_its_patrol_and_must_fire(qyran, file, stores):
    assert qyran("schedule", "add", file(patrol_id="none"))[1]["error"]["code"] == "not_found"
    assert qyran("schedule", "add", file(patrol_id=None), "--patrol", "patrol-1")[0] == 0
    never = file(rrule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    assert qyran("schedule", "add", never)[1]["error"]["code"] == "schedule_never_fires"
    assert qyran("schedule", "approve", "nobody", "--by", "x")[1]["error"]["code"] == "not_found"


def test_history_and_the_shift_report(qyran, file, stores, capfd):
    qyran("schedule", "add", file(), "--approve-as", "planner-1")
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    firing = a_firing(schedule_id=ScheduleId("morning"), start=start)
    stores.schedules.enrol(ScheduleId("morning"), [firing], start)
    late = moved_on(firing, FiringState.MISSED, start, reason=StopReason.STALE_WEATHER, text="none")
    assert stores.schedules.record(late)
    (one,) = qyran("schedule", "history", "morning")[1]["firings"]
    assert (one["state"], one["reason"]) == ("missed", "stale_weather")
    assert qyran("schedule", "history", "other")[0] == 1
    code, document = qyran("shift", "report")
    assert code == 0
    assert document["counts"] == {"flown": 0, "missed": 1, "open": 0, "grounded": 0}
    assert document["missed"][0]["reason"] == "stale_weather"
    assert document["missed_by_reason"] == {"stale_weather": 1}
    assert document["time_zone"] == "Asia/Almaty"
    assert cli.main(["shift", "report"]) == 0
    assert "Morning round  stale_weather (none)" in capfd.readouterr().out
    assert qyran("shift", "report", "--from", "2026-01-02", "--to", "2026-01-01")[0] == 2
