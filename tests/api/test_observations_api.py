"""Observations from elsewhere: once, checked, judged, merged."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from api.accounts import Receipt, ReceiptStore, Role
from api.observation_desk import ObservationDesk
from api.schemas.observations import ObservationBody
from core.ids import IncidentId
from incidents.model import Origin
from tests.api.station import Client, Station, a_picture
from tests.api.test_incident_life import refused
from tests.builders import AT, after, an_asset

LAT, LON = AT.to_geo1_deg(3.0, 4.0)


def sent(**changes: Any) -> dict[str, Any]:
    return {
        "device_id": "camera-7",
        "serial": "000123",
        "at": after(-60).isoformat(),
        "kind": "vehicle_stopped",
        "label": "car",
        "confidence": 0.93,
        "lat": LAT,
        "lon": LON,
        "radius_m": 4.0,
        "camera_id": None,
        "picture": base64.b64encode(a_picture()).decode(),
        "plate": "123ABC01",
        **changes,
    }


def a_device(station: Station, login: str = "camera-7") -> Client:
    return station.client(Role.DEVICE, login=login, agency=None)


def test_it_becomes_an_incident_labelled_as_theirs(station: Station) -> None:
    answer = a_device(station).post("/observations", sent())
    assert answer.status_code == 201
    assert answer.json()["refused"] is None
    incident = (
        station.client(Role.REVIEWER).get(f"/incidents/{answer.json()['incident_id']}").json()
    )
    (seen,) = incident["observations"]
    assert (seen["origin"], seen["device_serial"], seen["plate"]) == (
        "elsewhere",
        "000123",
        "123ABC01",
    )
    assert seen["id"] == answer.json()["observation_id"]
    assert seen["point"]["radius_m"] == pytest.approx(4.0, abs=0.02)
    picture = station.client(Role.REVIEWER).get(incident["evidence"][0]["url"], whole=True)
    assert picture.content == a_picture()


def test_the_same_serial_is_one_observation(station: Station) -> None:
    device = a_device(station)
    first = device.post("/observations", sent())
    again = device.post("/observations", sent())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = device.post("/observations", sent(plate="999XYZ01"))
    refused(other, 409, "key_reused")
    new_picture = base64.b64encode(a_picture(shade=3)).decode()
    refused(device.post("/observations", sent(picture=new_picture)), 409, "key_reused")
    incident = station.incidents.get(IncidentId(first.json()["incident_id"]))
    assert len(incident.observations) == 1


def test_another_one_of_the_same_event_joins_it(station: Station) -> None:
    first = a_device(station).post("/observations", sent()).json()
    other = a_device(station, "camera-8")
    second = other.post("/observations", sent(device_id="camera-8", at=after(-30).isoformat()))
    assert second.json()["incident_id"] == first["incident_id"]
    incident = station.incidents.get(IncidentId(first["incident_id"]))
    assert [o.source.origin for o in incident.observations] == [Origin.ELSEWHERE] * 2


def test_one_that_is_refused_stays_so_and_says_why(station: Station) -> None:
    lat, lon = AT.to_geo1_deg(900.0, 0.0)
    device = a_device(station)
    first = device.post("/observations", sent(lat=lat, lon=lon))
    assert first.status_code == 201
    assert first.json()["refused"]["code"] == "outside_zones"
    assert first.json()["incident_id"] is None
    again = device.post("/observations", sent(lat=lat, lon=lon))
    assert (again.status_code, again.json()) == (200, first.json())
    refused(device.post("/observations", sent()), 409, "key_reused")


class _Meeting:
    """The receipts, where two who ask at the same time wait for each other."""

    def __init__(self, store: ReceiptStore) -> None:
        self._store, self._meeting = store, threading.Barrier(2)

    def receipt(self, device_id: str, serial: str) -> Receipt | None:
        found = self._store.receipt(device_id, serial)
        with suppress(threading.BrokenBarrierError):
            self._meeting.wait(0.3)  # nobody comes where there is one at a time
        return found

    def add_receipt(self, receipt: Receipt) -> None:
        self._store.add_receipt(receipt)


def test_two_at_once_are_one(station: Station) -> None:
    object.__setattr__(station.services, "receipts", _Meeting(station.accounts))
    account = station.account(Role.DEVICE, login="camera-7", agency=None)
    desk: ObservationDesk = station.app.state.observation_desk
    body = ObservationBody.model_validate(sent())
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: desk.take_in(account, body), range(2)))
    assert sorted(new for _, new in answers) == [False, True]
    assert answers[0][0] == answers[1][0]


def test_a_device_speaks_for_itself_alone(station: Station) -> None:
    refused(a_device(station, "camera-8").post("/observations", sent()), 403, "not_allowed")
    assert station.client(Role.ADMIN).post("/observations", sent()).status_code == 201
    assert a_device(station, "complex-7").post(
        "/observations", sent(device_id="COMPLEX-7")
    ).status_code == 201  # fmt: skip


def test_a_known_camera_gives_the_place(station: Station) -> None:
    nowhere = {"lat": None, "lon": None, "radius_m": None}
    device = a_device(station)
    answer = device.post("/observations", sent(**nowhere, camera_id="camera-9"))
    assert answer.json()["incident_id"]
    unknown = sent(**nowhere, camera_id="camera-x", serial="2")
    refused(device.post("/observations", unknown), 422, "bad_request")
    refused(device.post("/observations", sent(**nowhere, serial="3")), 422, "bad_request")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"at": after(600).isoformat()}, 422, "bad_request"),
        ({"at": "2026-11-20T09:00:00"}, 422, "bad_request"),
        ({"kind": "murder"}, 422, "bad_request"),
        ({"confidence": 1.5}, 422, "bad_request"),
        ({"lat": 91.0}, 422, "bad_request"),
        ({"lon": None}, 422, "bad_request"),
        ({"picture": "no base64 !"}, 422, "bad_request"),
        ({"picture": base64.b64encode(b"GIF89a...").decode()}, 422, "source_unreadable"),
        ({"picture": base64.b64encode(a_picture()[:100]).decode()}, 422, "source_unreadable"),
        ({"serial": ""}, 422, "bad_request"),
        ({"incident_id": "incident-1"}, 422, "bad_request"),
        ({"state": "confirmed"}, 422, "bad_request"),
    ],
)
def test_what_makes_no_sense_is_refused(
    station: Station, change: dict[str, Any], status: int, code: str
) -> None:
    refused(a_device(station).post("/observations", sent(**change)), status, code)
    assert station.client(Role.AUDITOR).get("/incidents").json()["items"] == []


def test_a_full_disk_loses_nothing(station: Station) -> None:
    device = a_device(station)
    station.vault.fail_next = "disk_full"
    refused(device.post("/observations", sent()), 507, "disk_full")
    station.incidents.fail_next = "disk_full"
    refused(device.post("/observations", sent()), 507, "disk_full")
    assert device.post("/observations", sent()).status_code == 201


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_at_the_end_of_the_calendar_is_refused_everywhere(
    station: Station, at: str
) -> None:
    refused(a_device(station).post("/observations", sent(at=at)), 422, "bad_request")
    admin = station.client(Role.ADMIN)
    refused(admin.get(f"/assets/{an_asset().asset_id}/track", params={"since": at}), 422,
            "bad_request")  # fmt: skip
    span = {"from": at, "to": "2026-06-01T00:00:00Z"}
    refused(admin.get("/schedules/any/occurrences", params=span), 422, "bad_request")


def test_what_was_seen_long_ago_is_refused_and_what_is_known_is_not(station: Station) -> None:
    device = a_device(station)
    days = 24 * 3600
    old = sent(at=after(-31 * days).isoformat(), serial="1")
    answer = refused(device.post("/observations", old), 422, "bad_request")
    assert "server.observation_days" in answer["cure"]
    late = sent(at=after(-29 * days).isoformat(), serial="2")
    assert device.post("/observations", late).status_code == 201
    station.clock.advance_to(after(10 * days))  # sent again later, it is the same observation
    assert device.post("/observations", late).status_code == 200
