"""The life of an incident over HTTP, by the people who live it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from api.accounts import Role
from core.ids import AgencyId, IncidentId, ObservationId
from incidents.model import EvidenceRole, Incident, IncidentState
from tests.api.station import Client, Station, a_picture
from tests.builders import a_piece_of_evidence, an_incident, an_observation


def an_open_incident(station: Station, number: int = 1, **changes: Any) -> Incident:
    digest = station.vault.put(a_picture(shade=number % 250), "image/jpeg")
    evidence = a_piece_of_evidence(digest=digest)
    crop = a_piece_of_evidence(
        digest=station.vault.put(a_picture("PNG", shade=number % 250), "image/png"),
        role=EvidenceRole.CROP,
        media_type="image/png",
    )
    seen = an_observation(
        observation_id=ObservationId(f"observation-{number}"), evidence=(crop, evidence)
    )
    incident = an_incident(
        incident_id=IncidentId(f"incident-{number}"), observations=(seen,), **changes
    )
    station.incidents.add(incident)
    return incident


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"urn:qyran:error:{code}"
    return problem


def test_from_the_claim_to_the_closure(station: Station) -> None:
    an_open_incident(station)
    reviewer = station.client(Role.REVIEWER)
    service = station.client(Role.SERVICE, agency="cleaning")

    path = "/incidents/incident-1"
    assert reviewer.get(path).json()["actions"] == ["claim"]
    claimed = reviewer.post(f"{path}/claim").json()
    assert claimed["claim"]["mine"]
    assert "confirm" in claimed["actions"]
    confirmed = reviewer.post(f"{path}/decision", {"decision": "confirm"})
    assert confirmed.status_code == 200
    assert confirmed.headers["etag"] == f'"{confirmed.json()["version"]}"'
    refused(service.get(path), 404, "not_found")
    assigned = reviewer.post(f"{path}/assignment", {"agency": "cleaning", "note": "today"})
    assert assigned.json()["state"] == "assigned"
    assert service.get(path).json()["actions"] == ["complete"]
    done = service.post(
        f"{path}/completion", files={"photo": ("after.jpg", a_picture())}, data={"note": "clean"}
    )
    assert done.json()["state"] == "done"
    assert [e["role"] for e in done.json()["evidence"]] == ["crop", "picture", "completion"]
    back = reviewer.post(f"{path}/closure", {"accept": False, "note": "half of it is there"})
    assert back.json()["state"] == "assigned"
    service.post(f"{path}/completion", files={"photo": ("x.png", a_picture("PNG", (80, 60)))})
    closed = reviewer.post(f"{path}/closure", {"accept": True, "note": ""}).json()
    assert closed["state"] == "closed"
    events = [entry["event"] for entry in closed["timeline"]]
    assert events == [
        "opened", "claimed", "confirmed", "assigned", "done", "closure_refused", "done", "closed",
    ]  # fmt: skip
    assert closed["timeline"][0]["by"] is None
    assert closed["timeline"][1]["by"].startswith("Reviewer")


def test_a_second_reviewer_is_refused_until_the_lease_ends_or_a_reason_is_given(
    station: Station,
) -> None:
    an_open_incident(station)
    first, second = station.client(Role.REVIEWER), station.client(Role.REVIEWER)
    assert first.post("/incidents/incident-1/claim").status_code == 200
    refused(second.post("/incidents/incident-1/claim"), 409, "claimed_by_other")
    seen = second.get("/incidents/incident-1").json()
    assert (seen["claim"]["mine"], seen["actions"]) == (False, ["take_over"])
    refused(
        second.post("/incidents/incident-1/decision", {"decision": "confirm"}),
        409,
        "claimed_by_other",
    )
    taken = second.post("/incidents/incident-1/claim", {"take_over_reason": "shift is over"})
    assert taken.json()["claim"]["mine"]
    station.clock.advance_to(station.clock.now() + timedelta(minutes=11))
    assert first.post("/incidents/incident-1/claim").status_code == 200


def test_a_decision_needs_a_claim_and_a_rejection_a_reason(station: Station) -> None:
    an_open_incident(station)
    reviewer = station.client(Role.REVIEWER)
    path = "/incidents/incident-1"
    refused(reviewer.post(f"{path}/decision", {"decision": "confirm"}), 409, "not_claimed")
    reviewer.post(f"{path}/claim")
    refused(
        reviewer.post(f"{path}/decision", {"decision": "reject", "reason": ""}), 422, "bad_request"
    )
    rejected = reviewer.post(f"{path}/decision", {"decision": "reject", "reason": "duplicate"})
    assert rejected.json()["state"] == "dismissed"
    refused(reviewer.post(f"{path}/decision", {"decision": "reopen"}), 409, "not_claimed")
    reviewer.post(f"{path}/claim")
    reopened = reviewer.post(f"{path}/decision", {"decision": "reopen", "reason": "was right"})
    assert reopened.json()["state"] == "open"
    assert reviewer.delete(f"{path}/claim").json()["claim"] is None


def test_a_service_acts_on_its_own_agency_alone(station: Station) -> None:
    an_open_incident(station, state=IncidentState.ASSIGNED, agency=AgencyId("roads"))
    roads = station.client(Role.SERVICE, agency="roads")
    cleaning = station.client(Role.SERVICE, agency="cleaning")
    path = "/incidents/incident-1/completion"
    photo = {"photo": ("after.jpg", a_picture())}
    refused(cleaning.post(path, files=photo), 404, "not_found")
    assert roads.get("/incidents").json()["items"][0]["id"] == "incident-1"
    assert cleaning.get("/incidents").json()["items"] == []
    assert roads.post(path, files=photo).status_code == 200
    refused(roads.post(path, files=photo), 409, "illegal_move")


@pytest.mark.parametrize(
    ("photo", "code"),
    [
        (b"<svg onload=alert(1)>", "source_unreadable"),
        (b"\xff\xd8\xff\xe0 no picture at all", "source_unreadable"),
        (a_picture()[:-200], "source_unreadable"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x7f" * 8 + b"\x08" * 20, "too_large"),
    ],
)
def test_a_completion_takes_true_pictures_alone(station: Station, photo: bytes, code: str) -> None:
    an_open_incident(station, state=IncidentState.ASSIGNED, agency=AgencyId("roads"))
    service = station.client(Role.SERVICE, agency="roads")
    answer = service.post("/incidents/incident-1/completion", files={"photo": ("a.jpg", photo)})
    refused(answer, 413 if code == "too_large" else 422, code)
    assert station.incidents.get(IncidentId("incident-1")).state is IncidentState.ASSIGNED


def test_assignment_takes_known_services_alone(station: Station) -> None:
    an_open_incident(station, state=IncidentState.CONFIRMED)
    dispatcher = station.client(Role.DISPATCHER)
    for agency in ("police", "nobody"):
        body = {"agency": agency, "note": ""}
        refused(dispatcher.post("/incidents/incident-1/assignment", body), 422, "bad_request")
    body = {"agency": "roads", "note": ""}
    answer = dispatcher.post("/incidents/incident-1/assignment", body)
    assert answer.json()["agency"] == "roads"


def test_a_change_based_on_an_old_version_is_refused_where_it_says_so(station: Station) -> None:
    an_open_incident(station)
    reviewer = station.client(Role.REVIEWER)
    tag = reviewer.get("/incidents/incident-1").headers["etag"]
    claim = "/incidents/incident-1/claim"
    assert reviewer.post(claim, headers={"If-Match": tag}).status_code == 200
    refused(reviewer.post(claim, headers={"If-Match": tag}), 412, "version_conflict")


class _BusyStore:
    """The store, with somebody else who is quicker a number of times."""

    def __init__(self, station: Station, times: int) -> None:
        self._store, self._times = station.incidents, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def save(self, incident: Incident, expected_version: int) -> None:
        if self._times:
            self._times -= 1
            present = self._store.get(incident.incident_id)
            self._store.save(replace(present, version=present.version + 1), present.version)
        self._store.save(incident, expected_version)


@pytest.mark.parametrize(("times", "status"), [(0, 200), (3, 200), (9, 409)])
def test_two_at_once_are_decided_anew(station: Station, times: int, status: int) -> None:
    an_open_incident(station)
    object.__setattr__(station.services, "incidents", _BusyStore(station, times))
    answer = station.client(Role.REVIEWER).post("/incidents/incident-1/claim")
    assert answer.status_code == status
    if status == 409:
        refused(answer, 409, "version_conflict")


def test_a_full_disk_is_told_and_nothing_changes(station: Station) -> None:
    an_open_incident(station)
    station.incidents.fail_next = "disk_full"
    reviewer = station.client(Role.REVIEWER)
    refused(reviewer.post("/incidents/incident-1/claim"), 507, "disk_full")
    assert station.incidents.get(IncidentId("incident-1")).version == 1


def test_lists_leave_out_what_is_long(station: Station) -> None:
    an_open_incident(station)
    item = station.client(Role.AUDITOR).get("/incidents").json()["items"][0]
    assert "observations" not in item
    assert "timeline" not in item
    assert [e["role"] for e in item["evidence"]] == ["picture"]
    assert item["claim"] is None
    assert item["zone_name"] == "Central square"
    assert item["opened_at"].endswith("Z")
    ellipse = item["point"]["ellipse"]
    assert item["point"]["radius_m"] == pytest.approx(2 * 2.1460, abs=0.02)
    assert ellipse["major_m"] == pytest.approx(ellipse["minor_m"]) == pytest.approx(4.29, abs=0.02)


def _pages(client: Client, path: str) -> list[list[str]]:
    pages, link = [], path
    while True:
        answer = client.get(link).json()
        pages.append([item["id"] for item in answer["items"]])
        if answer["next"] is None:
            return pages
        link = f"{path}&cursor={answer['next']}"


def test_paging_gives_each_incident_once_newest_first(station: Station) -> None:
    for number in range(23):
        opened_at = station.clock.now() + timedelta(minutes=number // 2)  # pairs share an instant
        agency = AgencyId("roads" if number % 3 == 0 else "cleaning")
        state = IncidentState.ASSIGNED
        an_open_incident(station, number, opened_at=opened_at, agency=agency, state=state)
    auditor = station.client(Role.AUDITOR)
    pages = _pages(auditor, "/incidents?limit=5")
    assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
    found = [item for page in pages for item in page]
    wanted = sorted(
        station.incidents._incidents.values(),
        key=lambda i: (i.opened_at, i.incident_id),
        reverse=True,
    )
    assert found == [incident.incident_id for incident in wanted]
    roads = station.client(Role.SERVICE, agency="roads")
    of_roads = [item for page in _pages(roads, "/incidents?limit=3") for item in page]
    assert of_roads == [i.incident_id for i in wanted if i.agency == "roads"]


def test_a_cursor_is_signed_and_of_one_list(station: Station) -> None:
    for number in range(3):
        an_open_incident(station, number)
    auditor = station.client(Role.AUDITOR)
    cursor = auditor.get("/incidents?limit=1").json()["next"]
    altered = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for link in (
        f"/incidents?limit=1&cursor={altered}",
        f"/incidents?limit=1&cursor={cursor[:-4]}",
        f"/incidents?limit=1&state=open&cursor={cursor}",
        f"/assets?cursor={cursor}",
        "/incidents?cursor=%F0%9F%92%A9",
    ):
        refused(auditor.get(link), 422, "bad_request")
    for limit in ("0", "201", "x"):
        refused(auditor.get(f"/incidents?limit={limit}"), 422, "bad_request")
    refused(auditor.get("/incidents?state=open,nonsense"), 422, "bad_request")
