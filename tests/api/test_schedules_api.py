"""Schedules over HTTP: from draft to approval, and what is due."""

from typing import Any

import pytest

from api.accounts import Role
from api.services import Limits
from missions.schedules import FiringState, StopReason, firing_of, moved_on
from tests.api.station import Station, a_station
from tests.api.test_incident_life import refused
from tests.builders import NOW, a_patrol, after

SPAN = {"from": "2026-12-14T00:00:00+05:00", "to": "2026-12-21T00:00:00+05:00"}


def a_body(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Evening round",
        "patrol_id": a_patrol().patrol_id,
        "dtstart": "2026-12-01T19:00",
        "tzid": "Asia/Almaty",
        "rrule": "FREQ=WEEKLY;BYDAY=MO,WE,FR",
        "duration": "PT45M",
        "holidays": {"country": "KZ", "mode": "skip"},
        "gates": {"wind_most_m_s": 8},
        **changes,
    }


def match(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


def test_a_schedule_is_drafted_approved_overridden_and_retired(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    made = planner.post("/schedules", a_body())
    assert made.status_code == 201, made.text
    assert (made.json()["stage"], made.headers["etag"]) == ("draft", '"1"')
    path = f"/schedules/{made.json()['id']}"
    approved = planner.post(f"{path}/approval", headers=match(1)).json()
    assert approved["stage"] == "approved"
    assert approved["approved_by"]
    refused(planner.post(f"{path}/approval", headers=match(1)), 412, "version_conflict")
    refused(planner.post(f"{path}/approval", headers=match(2)), 409, "illegal_move")
    word = {"reason": "calm in the lee of the hill", "until": after(3600).isoformat()}
    pilot = station.client(Role.PILOT)
    assert pilot.post(f"{path}/override", word, headers=match(2)).json()["override"]["reason"]
    off = planner.post(f"{path}/switch", {"enabled": False}, headers=match(3))
    assert off.json()["enabled"] is False
    changed = planner.put(path, a_body(name="Night round"), headers=match(4))
    assert (changed.json()["stage"], changed.json()["name"]) == ("draft", "Night round")
    assert planner.delete(path, headers=match(5)).status_code == 204
    (listed,) = planner.get("/schedules").json()["items"]
    assert (listed["stage"], listed["version"]) == ("retired", 6)


def test_a_second_planner_approves_where_the_station_wants_four_eyes() -> None:
    with a_station(limits=Limits(schedule_review=True)) as station:
        author, other = station.client(Role.PLANNER), station.client(Role.PLANNER)
        made = author.post("/schedules", a_body())
        path = f"/schedules/{made.json()['id']}"
        assert made.json()["drafted_by"]
        refused(author.post(f"{path}/approval", headers=match(1)), 403, "not_allowed")
        assert not station.schedules.schedules()[0].fires
        approved = other.post(f"{path}/approval", headers=match(1)).json()
        assert approved["stage"] == "approved"
        assert approved["approved_by"] != approved["drafted_by"]
        changed = other.put(path, a_body(name="Night round"), headers=match(2)).json()
        assert changed["drafted_by"] == approved["approved_by"]
        refused(other.post(f"{path}/approval", headers=match(3)), 403, "not_allowed")
        assert author.post(f"{path}/approval", headers=match(3)).json()["stage"] == "approved"


def test_what_is_due_and_what_a_holiday_leaves_out(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    before = planner.post("/schedules/occurrences", a_body(), params=SPAN).json()
    made = planner.post("/schedules", a_body())
    kept = planner.get(f"/schedules/{made.json()['id']}/occurrences", params=SPAN).json()
    assert before == kept
    assert [one["start"] for one in kept["occurrences"]] == [
        "2026-12-14T14:00:00Z",
        "2026-12-18T14:00:00Z",
    ]
    assert [(one["start"], one["reason"]) for one in kept["skipped"]] == [
        ("2026-12-16T14:00:00Z", "holiday")
    ]
    path = f"/schedules/{made.json()['id']}/occurrences"
    refused(planner.get(path, params={**SPAN, "to": SPAN["from"].replace("14T", "13T")}), 422,
            "bad_request")  # fmt: skip
    refused(planner.get(path, params={**SPAN, "to": "2099-01-01T00:00:00Z"}), 422, "bad_request")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rrule": "FREQ=OFTEN"}, "schedule_invalid"),
        ({"dtstart": None}, "schedule_invalid"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "schedule_never_fires"),
        ({"patrol_id": "patrol-none"}, "bad_request"),
    ],
)
def test_what_makes_no_sense_is_refused(
    station: Station, change: dict[str, Any], code: str
) -> None:
    planner = station.client(Role.PLANNER)
    refused(planner.post("/schedules", a_body(**change)), 422, code)
    assert planner.get("/schedules").json()["items"] == []


def test_the_history_of_what_came_due_is_listed_newest_first(station: Station) -> None:
    planner = station.client(Role.PLANNER)
    made = planner.post("/schedules", a_body(dtstart="2026-11-01T19:00"))
    (schedule,) = station.schedules.schedules()
    kept = planner.get(
        f"/schedules/{schedule.schedule_id}/occurrences",
        params={"from": "2026-11-01T00:00:00Z", "to": "2026-11-07T00:00:00Z"},
    ).json()["occurrences"]
    assert len(kept) >= 2
    from missions.scheduling.occurrences import listed as listing

    due = listing(schedule.timetable, NOW.replace(day=1), NOW.replace(day=7),
                  station.services.days).occurrences  # fmt: skip
    firings = [firing_of(schedule, one) for one in due]
    station.schedules.enrol(schedule.schedule_id, firings, NOW)
    lost = moved_on(firings[0], FiringState.MISSED, NOW, reason=StopReason.WEATHER_HOLD)
    assert station.schedules.record(lost)
    shown = planner.get(f"/schedules/{made.json()['id']}/firings?limit=1").json()
    assert shown["items"][0]["start"] > kept[0]["start"]
    rest = planner.get(
        f"/schedules/{made.json()['id']}/firings", params={"cursor": shown["next"]}
    ).json()["items"]
    assert rest[-1]["reason"] == "weather_hold"
