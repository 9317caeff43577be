"""Evidence over HTTP: who may see it, and byte ranges."""

import hashlib
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts import Role
from api.ranges import RangeUnsatisfiable, wanted_range
from core.ids import AgencyId, Digest, IncidentId, ObservationId
from incidents.model import EvidenceRole, Incident, IncidentState
from tests.api.station import Station
from tests.api.test_incident_life import refused
from tests.builders import a_piece_of_evidence, an_incident, an_observation

CLIP = bytes(range(256)) * 700  # 179,200 bytes: more than two chunks


def a_clip(station: Station, **changes: Any) -> tuple[str, Incident]:
    media_type = changes.pop("media_type", "video/mp4")
    digest = station.vault.put(CLIP, media_type)
    evidence = a_piece_of_evidence(
        digest=digest, role=EvidenceRole.CLIP, media_type=media_type, size_bytes=len(CLIP)
    )
    seen = an_observation(evidence=(evidence,))
    incident = an_incident(observations=(seen,), **changes)
    station.incidents.add(incident)
    return f"/evidence/{digest}", incident


def test_the_whole_comes_with_what_a_player_needs(station: Station) -> None:
    path, _ = a_clip(station)
    answer = station.client(Role.REVIEWER).get(path)
    assert answer.status_code == 200
    assert answer.content == CLIP
    wanted = {
        "content-type": "video/mp4",
        "content-length": str(len(CLIP)),
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "etag": f'"{hashlib.sha256(CLIP).hexdigest()}"',
    }
    assert {name: answer.headers[name] for name in wanted} == wanted
    assert answer.headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, len(CLIP) - 1),
        ("bytes=100-199", 100, 199),
        ("bytes=65535-131073", 65_535, 131_073),
        (f"bytes=5-{10**17}", 5, len(CLIP) - 1),
        ("bytes=-1", len(CLIP) - 1, len(CLIP) - 1),
        ("bytes=-300", len(CLIP) - 300, len(CLIP) - 1),
        (f"bytes=-{10**17}", 0, len(CLIP) - 1),
    ],
)
def test_a_range(station: Station, header: str, first: int, last: int) -> None:
    path, _ = a_clip(station)
    answer = station.client(Role.REVIEWER).get(path, headers={"Range": header})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(CLIP)}"
    assert answer.content == CLIP[first : last + 1]
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("header", [f"bytes={len(CLIP)}-", "bytes=-0", "bytes=999999999-"])
def test_a_range_behind_the_end(station: Station, header: str) -> None:
    path, _ = a_clip(station)
    answer = station.client(Role.REVIEWER).get(path, headers={"Range": header})
    refused(answer, 416, "range_unsatisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(CLIP)}"


@pytest.mark.parametrize(
    "header",
    ["bytes=5-2", "bytes=a-b", "bytes=-", "items=0-5", "bytes=0-1,5-9", "bytes=0-" + ",0-" * 9999],
)
def test_a_range_that_is_none_gives_the_whole_once(station: Station, header: str) -> None:
    path, _ = a_clip(station)
    answer = station.client(Role.REVIEWER).get(path, headers={"Range": header})
    assert (answer.status_code, len(answer.content)) == (200, len(CLIP))


def test_a_range_of_another_version_gives_the_whole(station: Station) -> None:
    path, _ = a_clip(station)
    reviewer = station.client(Role.REVIEWER)
    tag = reviewer.get(path).headers["etag"]
    same = reviewer.get(path, headers={"Range": "bytes=0-9", "If-Range": tag})
    other = reviewer.get(path, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


@given(
    header=st.text(max_size=30) | st.from_regex(r"bytes=\d{0,6}-\d{0,6}"), size=st.integers(0, 999)
)
def test_no_header_leads_out_of_the_file(header: str, size: int) -> None:
    try:
        wanted = wanted_range(header, size)
    except RangeUnsatisfiable:
        return
    if wanted is not None:
        assert 0 <= wanted[0] <= wanted[1] < size


def test_who_may_see_it(station: Station) -> None:
    path, _ = a_clip(station, state=IncidentState.ASSIGNED, agency=AgencyId("roads"))
    for role in (Role.REVIEWER, Role.DISPATCHER, Role.AUDITOR):
        assert station.client(role).get(path).status_code == 200
    for role in (Role.PLANNER, Role.PILOT, Role.DRIVER, Role.ADMIN, Role.DEVICE):
        refused(station.client(role).get(path), 403, "not_allowed")
    assert station.client(Role.SERVICE, agency="roads").get(path).status_code == 200
    refused(station.client(Role.SERVICE, agency="cleaning").get(path), 404, "not_found")
    # a planner sees every incident, but that must not widen what a service role opens
    both = station.client(Role.SERVICE, Role.PLANNER, agency="cleaning")
    refused(both.get(path), 404, "not_found")
    refused(station.stranger().get(path), 401, "not_signed_in")


def test_bytes_that_no_incident_holds_are_not_there(station: Station) -> None:
    digest = station.vault.put(b"orphan", "image/jpeg")
    refused(station.client(Role.AUDITOR).get(f"/evidence/{digest}"), 404, "not_found")


def test_a_second_incident_opens_it_too(station: Station) -> None:
    path, incident = a_clip(station, state=IncidentState.ASSIGNED, agency=AgencyId("roads"))
    again = an_observation(
        observation_id=ObservationId("observation-2"),
        evidence=incident.observations[0].evidence,
    )
    other = an_incident(
        incident_id=IncidentId("incident-2"),
        observations=(again,),
        state=IncidentState.ASSIGNED,
        agency=AgencyId("cleaning"),
    )
    station.incidents.add(other)
    assert station.client(Role.SERVICE, agency="cleaning").get(path).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e", "..%5c..%5c", "%00", "a" * 63, "A" * 64,
        "g" * 64, "a" * 64 + "%0a", "a" * 64 + "%2f..", "%D9%A3" * 64, "." * 64,
    ],
)  # fmt: skip
def test_a_digest_is_no_path(station: Station, name: str) -> None:
    a_clip(station)
    # as it is: httpx would tidy the path up
    request = httpx.URL("http://testserver").copy_with(raw_path=f"/api/v1/evidence/{name}".encode())
    answer = station.client(Role.AUDITOR).send("GET", request, whole=True)  # type: ignore[arg-type]
    refused(answer, 404, "not_found")


def test_damage_is_told(station: Station) -> None:
    path, incident = a_clip(station)
    station.vault.damage(Digest(incident.all_evidence[0].digest))
    refused(station.client(Role.AUDITOR).get(path), 500, "evidence_damaged")


def test_what_could_run_in_the_page_goes_out_as_bytes(station: Station) -> None:
    path, _ = a_clip(station, media_type="text/html")
    answer = station.client(Role.AUDITOR).get(path)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert "sandbox" in answer.headers["content-security-policy"]
