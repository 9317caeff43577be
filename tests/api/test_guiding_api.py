"""Tasks of pilots, capabilities and approved texts over REST."""

from typing import Any

import pytest

from api.accounts import Role
from core.errors import NotFound, SettingInvalid
from missions.guided import ApprovedText
from missions.guiding.texts import approved, texts_of
from tests.api.station import a_station

TEXT = ApprovedText("step-back", "kk", "Артқа шегініңіз")
FLY = {"task": "fly_to", "lat": 50.9754, "lon": 71.3549, "altitude_m": 60}


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_a_pilot_asks_and_it_stands_in_the_record() -> None:
    with a_station() as station:
        anna = station.client(account=station.account(Role.PILOT))
        sortie = anna.post("/patrols/patrol-1/sorties").json()["id"]
        done = anna.post(f"/sorties/{sortie}/tasks", FLY).json()
        assert done["state"] == "holding"
        assert done["answer"]["outcome"] == "done"
        told = anna.get("/commands").json()["items"][0]
        assert (told["kind"], told["term"]) == ("fly_to", 1)
        assert told["task"].startswith("flying to 50.975400, 71.354900")
        bolat = station.client(account=station.account(Role.PILOT))
        assert code_of(bolat.post(f"/sorties/{sortie}/tasks", FLY)) == (409, "lease_held")
        look = {"task": "look_at", "lat": 50.97, "lon": 71.35}
        assert anna.post(f"/sorties/{sortie}/tasks", look).status_code == 200
        wrong = {**FLY, "lat": 95}
        assert anna.post(f"/sorties/{sortie}/tasks", wrong).status_code in (400, 422)
        assert anna.post(f"/sorties/{sortie}/tasks", {"task": "dance"}).status_code in (400, 422)
        assert code_of(anna.post("/sorties/none/tasks", FLY)) == (404, "not_found")


def test_only_approved_texts_are_said() -> None:
    with a_station() as station:
        anna = station.client(account=station.account(Role.PILOT))
        sortie = anna.post("/patrols/patrol-1/sorties").json()["id"]
        say = {"task": "loudspeaker", "text": "anything", "language": "kk"}
        assert code_of(anna.post(f"/sorties/{sortie}/tasks", say)) == (404, "not_found")
        assert anna.get("/approved-texts").json()["items"] == []


def test_what_an_asset_can_do_is_told() -> None:
    with a_station() as station:
        anna = station.client(account=station.account(Role.PILOT))
        drone = anna.get("/assets/drone-1/capabilities").json()["capabilities"]
        assert {"fly_to", "orbit", "follow", "look_at", "zoom"} <= set(drone)
        assert anna.get("/assets/car-1/capabilities").json()["capabilities"] == []


def test_texts_are_read_strictly() -> None:
    row = {"id": TEXT.text_id, "language": TEXT.language, "words": TEXT.words}
    assert texts_of([row], "texts.json") == (TEXT,)
    assert approved((TEXT,), "step-back", "kk") is TEXT
    with pytest.raises(NotFound):
        approved((TEXT,), "step-back", "ru")
    for wrong in ({}, [{}], [{**row, "words": " "}], [row, row], [{**row, "words": "a\nb"}], [1]):
        with pytest.raises(SettingInvalid):
            texts_of(wrong, "texts.json")
