"""Flights by hand over REST: the file, the word, and what is shown of both."""

import asyncio
import io
import zipfile
from contextlib import contextmanager
from typing import Any

from api.accounts import Role
from core.ids import SortieId, UserId
from missions.executor import authorise, new_sortie
from missions.model import SortieState
from station.attestation_desk import AttestationDesk
from tests.api.station import a_station
from tests.builders import NOW, an_asset
from tests.missions.flying import a_short_plan

ASSET = an_asset(attested=True)
PLACE = "/sorties/s-1"


@contextmanager
def by_hand() -> Any:
    with a_station() as station:
        station.missions.save_asset(ASSET)
        made = new_sortie(a_short_plan(), SortieId("s-1"))
        station.missions.save_sortie(authorise(made, ASSET, UserId("u"), NOW))
        desk = AttestationDesk(station.clock)
        object.__setattr__(station.services, "attestations", desk)
        yield station, desk


def test_the_plan_goes_out_as_a_file_that_says_what_it_lacks() -> None:
    with by_hand() as (station, _):
        pilot = station.client(Role.PILOT)
        answer = pilot.get(f"{PLACE}/plan-file?format=wpml&model=m30t")
        assert answer.status_code == 200
        names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
        assert "wpmz/waylines.wpml" in names
        assert answer.headers["Qyran-Plan-Losses"]
        assert pilot.get(f"{PLACE}/plan-file?format=kmz").status_code == 200
        assert pilot.get(f"{PLACE}/plan-file?model=kite").json()["code"] == "bad_request"
        assert pilot.get("/sorties/none/plan-file").status_code == 404
        planned = new_sortie(a_short_plan(), SortieId("s-2"))
        station.missions.save_sortie(planned)
        assert pilot.get("/sorties/s-2/plan-file").json()["code"] == "illegal_move"


def test_a_sortie_shows_that_it_is_attested_and_what_that_lacks() -> None:
    with by_hand() as (station, _):
        shown = station.client(Role.REVIEWER).get(PLACE).json()
        assert shown["attested"] is True
        assert "not_proven_flown" in shown["limits"]
        assert station.client(Role.REVIEWER).get("/assets").json()["items"][1]["attested"] is True


def test_the_word_reaches_the_flight_that_waits_for_it() -> None:
    with by_hand() as (station, desk):
        pilot = station.client(Role.PILOT)
        refused = pilot.post(f"{PLACE}/attest", {"what": "started"})
        assert refused.json()["code"] == "illegal_move"  # nobody flies it here

        opened = desk.craft(ASSET)
        craft = station.runner.run(opened.__aenter__())
        begun = pilot.post(f"{PLACE}/attest", {"what": "started"})
        assert begun.status_code == 200
        station.runner.run(asyncio.wait_for(craft.pilot.start(), 5.0))
        assert pilot.post(f"{PLACE}/attest", {"what": "started"}).json()["code"] == "illegal_move"
        assert pilot.post(f"{PLACE}/attest", {"what": "ended"}).json()["code"] == "illegal_move"


def test_only_a_pilot_gives_a_word_and_only_a_sensible_one() -> None:
    with by_hand() as (station, _):
        for role in (Role.DRIVER, Role.PLANNER):
            answer = station.client(role).post(f"{PLACE}/attest", {"what": "started"})
            assert answer.status_code == 403
        pilot = station.client(Role.PILOT)
        for body in ({}, {"what": "landed"}, {"what": "started", "at": "2026-11-20T08:00:00Z"}):
            assert pilot.post(f"{PLACE}/attest", body).status_code == 422
        sortie = station.missions.sorties(sortie_id=SortieId("s-1"))[-1]
        assert sortie.state is SortieState.AUTHORISED


def test_a_station_that_flies_nothing_by_hand_says_so() -> None:
    with by_hand() as (station, _):
        object.__setattr__(station.services, "attestations", None)
        answer = station.client(Role.PILOT).post(f"{PLACE}/attest", {"what": "started"})
        assert answer.json()["code"] == "illegal_move"
