"""Hand-offs and SOS buttons over REST, on the real service over simulated assets."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.accounts import Role
from core.ids import Digest, ObservationId
from incidents.model import Evidence, EvidenceRole
from missions.handoffs.model import HandoffState
from missions.model import AssetKind
from tests.api.station import Client, Station, a_station
from tests.builders import after, an_asset, an_incident, an_observation
from tests.missions.handing_off import a_point as a_ground_point
from tests.station.test_handing_off import D1, D2, Scene

CALL = {"kind": "call", "lat": 51.0, "lon": 71.36, "radius_m": 8, "words": "a child is lost"}
BUTTON = {"name": "Bus stop", "lat": 51.0, "lon": 71.36}


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def station(scene: Scene) -> Iterator[Station]:
    scene.missions.save_asset(an_asset(asset_id=D2, kind=AssetKind.VEHICLE))
    with a_station(
        handoffs=scene.handing, handoff_store=scene.store, missions=scene.missions
    ) as made:
        yield made


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def opened(station: Station, by: Client | None = None) -> dict[str, Any]:
    answer = (by or station.client(Role.DISPATCHER)).post("/handoffs", CALL)
    assert answer.status_code == 202, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_a_call_is_offered_accepted_and_told_to_its_end(station: Station, scene: Scene) -> None:
    dispatcher, pilot = station.client(Role.DISPATCHER), station.client(Role.PILOT)
    first = opened(station, dispatcher)
    assert (first["state"], first["asset_id"], first["kind"]) == ("offered", D1, "call")
    assert first["point"]["radius_m"] == pytest.approx(8.0, abs=0.1)
    assert first["point"]["ellipse"]["major_m"] > 0
    path = f"/handoffs/{first['handoff_id']}"
    assert code_of(dispatcher.post(f"{path}/accept")) == (403, "not_allowed")
    went = pilot.post(f"{path}/accept").json()
    assert (went["state"], went["offers"][0]["state"]) == ("accepted", "accepted")
    station.runner.run(scene.handing.settled())
    assert scene.fleet.begun == [f"{first['handoff_id']}-1"]
    assert code_of(pilot.post(f"{path}/accept")) == (409, "illegal_move")
    bad = pilot.post(f"{path}/outcome", {"outcome": "won"})
    assert code_of(bad) == (422, "bad_request")
    done = pilot.post(f"{path}/outcome", {"outcome": "helped", "words": "found"}).json()
    assert (done["state"], done["outcome"], done["outcome_words"]) == ("closed", "helped", "found")
    listed = dispatcher.get("/handoffs").json()["items"]
    assert [one["handoff_id"] for one in listed] == [first["handoff_id"]]
    assert dispatcher.get("/handoffs?only_open=true").json()["items"] == []
    assert code_of(dispatcher.get("/handoffs/none")) == (404, "not_found")


def test_a_driver_speaks_for_a_car_and_for_no_drone(station: Station) -> None:
    driver, pilot = station.client(Role.DRIVER), station.client(Role.PILOT)
    path = f"/handoffs/{opened(station)['handoff_id']}"
    refusal = {"reason": "the battery is in the charger"}
    assert code_of(driver.post(f"{path}/refuse", refusal)) == (403, "not_allowed")
    assert code_of(pilot.post(f"{path}/refuse", {"reason": ""})) == (422, "bad_request")
    after = pilot.post(f"{path}/refuse", refusal).json()
    assert (after["state"], after["asset_id"]) == ("offered", D2)
    assert after["offers"][0]["reason"] == refusal["reason"]
    assert driver.post(f"{path}/accept").json()["state"] == "accepted"


def test_an_incident_goes_by_one_click_with_what_is_known_of_it(station: Station) -> None:
    seen = [
        an_observation(
            observation_id=ObservationId(f"o-{n}"), point=a_ground_point(40.0 * n, 0.0),
            last_seen_at=after(10.0 * n + 5), plate="123ABC01" if n == 0 else "",
        )
        for n in range(2)
    ]  # fmt: skip
    picture = Evidence(Digest("b" * 64), EvidenceRole.PICTURE, "image/jpeg", 9, after(5))
    station.incidents.add(an_incident(observations=tuple(seen), evidence=(picture,)))
    reviewer = station.client(Role.REVIEWER)
    answer = reviewer.post("/handoffs", {"incident_id": "no-such"})
    assert code_of(answer) == (404, "not_found")
    assert code_of(reviewer.post("/handoffs", {"kind": "call"})) == (422, "bad_request")
    made = reviewer.post("/handoffs", {"incident_id": "incident-1"}).json()
    assert (made["incident_id"], made["plate"], made["picture"]) == (
        "incident-1", "123ABC01", "b" * 64,
    )  # fmt: skip
    assert made["heading_deg"] == pytest.approx(90.0, abs=1.0)
    assert made["point"]["ellipse"]["major_m"] > 0
    again = reviewer.post("/handoffs", {"incident_id": "incident-1"}).json()
    assert again["handoff_id"] == made["handoff_id"]


def test_a_button_calls_by_its_own_key_and_by_nothing_else(station: Station, scene: Scene) -> None:
    admin, street = station.client(Role.ADMIN), station.stranger()
    json_head = {"content-type": "application/json"}
    made = admin.put("/sos-buttons/b-1", BUTTON).json()
    key = made["key"]
    assert len(key) > 40
    assert admin.put("/sos-buttons/b-1", BUTTON).json()["key"] is None
    assert admin.get("/sos-buttons").json()["items"][0]["key"] is None
    assert key not in str(scene.store.button("b-1"))

    def press(name: str, given: str | None) -> Any:
        headers = json_head if given is None else {**json_head, "Qyran-Sos-Key": given}
        return street.post(f"/sos/{name}", headers=headers)

    for name, given in [("b-1", None), ("b-1", "guess"), ("b-2", key), ("b-1", "")]:
        assert code_of(press(name, given)) == (401, "not_signed_in")
    assert scene.store.handoffs() == ()
    first, again = press("b-1", key), press("b-1", key)
    assert (first.status_code, first.json()["new"], again.json()["new"]) == (202, True, False)
    assert first.json()["handoff_id"] == again.json()["handoff_id"]
    assert scene.now().state is HandoffState.OFFERED
    newer = admin.post("/sos-buttons/b-1/key").json()["key"]
    assert code_of(press("b-1", key)) == (401, "not_signed_in")
    assert press("b-1", newer).status_code == 202
    admin.put("/sos-buttons/b-1", {**BUTTON, "enabled": False})
    assert code_of(press("b-1", newer)) == (401, "not_signed_in")


def test_who_guesses_keys_is_locked_out_and_the_others_are_not(station: Station) -> None:
    admin, street = station.client(Role.ADMIN), station.stranger()
    keys = {n: admin.put(f"/sos-buttons/{n}", BUTTON).json()["key"] for n in ("b-1", "b-2")}

    def press(name: str, given: str) -> Any:
        head = {"content-type": "application/json", "Qyran-Sos-Key": given}
        return street.post(f"/sos/{name}", headers=head)

    codes = [code_of(press("b-1", f"guess {n}"))[0] for n in range(7)]
    assert codes[:5] == [401] * 5
    assert codes[5:] == [429] * 2
    assert code_of(press("b-1", keys["b-1"]))[0] == 429
    assert press("b-2", keys["b-2"]).status_code == 202


def test_where_nothing_is_handed_off_that_is_told() -> None:
    with a_station() as station:
        answer = station.client(Role.DISPATCHER).post("/handoffs", CALL)
        assert code_of(answer) == (404, "not_found")
        assert station.client(Role.DISPATCHER).get("/handoffs").json()["items"] == []


def test_what_was_called_off_can_not_be_accepted(station: Station) -> None:
    path = f"/handoffs/{opened(station)['handoff_id']}"
    gone = station.client(Role.DISPATCHER).post(f"{path}/withdraw", {"reason": "a mistake"}).json()
    assert (gone["state"], gone["offers"][0]["state"]) == ("withdrawn", "withdrawn")
    answer = station.client(Role.PILOT).post(f"{path}/accept")
    assert code_of(answer) == (409, "illegal_move")
