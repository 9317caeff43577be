"""Leases, the list of commands and the cleared sky over REST, with many clients at once."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from api.accounts import Role
from api.adapters.embedded_operations import FleetFailure
from core.ids import UserId
from missions.control.records import (
    CommandKind,
    Outcome,
    answered_commands,
    first_fault,
)
from tests.api.station import Client, Station, a_station

LEASE = "/assets/drone-1/lease"
REASON = "the first pilot's link is gone"
DEEDS = ("take", "over", "give", "order", "guess", "wait")
START = "/patrols/patrol-1/sorties"


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def two_pilots(station: Station) -> tuple[Client, Client, str, str]:
    anna, bolat = station.account(Role.PILOT), station.account(Role.PILOT)
    clients = station.client(account=anna), station.client(account=bolat)
    return *clients, anna.user_id, bolat.user_id


def test_a_lease_is_taken_renewed_taken_over_with_a_reason_and_given_back() -> None:
    with a_station() as station:
        anna, bolat, anna_id, bolat_id = two_pilots(station)
        assert anna.get(LEASE).json()["holder"] is None
        mine = anna.post(LEASE).json()
        assert (mine["holder"], mine["term"]) == (anna_id, 1)
        station.clock.advance_to(station.clock.now() + timedelta(minutes=4))
        again = anna.post(LEASE, {}).json()
        assert again["term"] == 1
        assert again["expires_at"] > mine["expires_at"]
        refused = bolat.post(LEASE)
        assert code_of(refused) == (409, "lease_held")
        assert anna_id in refused.json()["detail"]
        assert code_of(bolat.post(LEASE, {"reason": "x"})) == (422, "bad_request")
        assert code_of(bolat.delete(LEASE)) == (409, "lease_held")
        taken = bolat.post(LEASE, {"reason": REASON}).json()
        assert (taken["holder"], taken["term"], taken["reason"]) == (bolat_id, 2, REASON)
        assert bolat.delete(LEASE).json()["holder"] is None
        assert anna.post(LEASE).json()["term"] == 3
        station.clock.advance_to(station.clock.now() + timedelta(minutes=5))
        assert bolat.post(LEASE).json()["term"] == 4
        assert code_of(anna.get("/assets/no-such/lease")) == (404, "not_found")


def test_a_driver_takes_no_drone() -> None:
    with a_station() as station:
        driver = station.client(Role.DRIVER)
        assert code_of(driver.post(LEASE)) == (403, "not_allowed")
        assert driver.post("/assets/car-1/lease").status_code == 200


def test_an_order_takes_a_free_lease_and_keeps_others_out() -> None:
    with a_station() as station:
        anna, bolat, anna_id, _ = two_pilots(station)
        sortie = anna.post(START).json()["id"]
        assert anna.get(LEASE).json()["holder"] == anna_id
        held = bolat.post(f"/sorties/{sortie}/hold")
        assert code_of(held) == (409, "lease_held")
        assert "take the lease over" in held.json()["cure"]
        assert bolat.post(LEASE, {"reason": REASON}).json()["term"] == 2
        stale = anna.post(f"/sorties/{sortie}/hold", headers={"Qyran-Lease-Term": "1"})
        assert code_of(stale) == (409, "lease_stale")
        done = bolat.post(f"/sorties/{sortie}/hold", headers={"Qyran-Lease-Term": "2"}).json()
        assert (done["state"], done["answer"]["outcome"]) == ("holding", "done")


def test_commands_are_listed_with_who_why_and_what_came_of_them() -> None:
    with a_station() as station:
        anna, bolat, anna_id, bolat_id = two_pilots(station)
        sortie = anna.post(START).json()["id"]
        bolat.post(f"/sorties/{sortie}/hold")
        station.operations.failure = FleetFailure.WILL_NOT_ARM
        assert code_of(anna.post(f"/sorties/{sortie}/hold")) == (409, "arming_denied")
        listed = station.client(Role.AUDITOR).get("/commands").json()["items"]
        shown = [(c["kind"], c["by"], c["answer"]["outcome"], c["answer"]["code"]) for c in listed]
        assert shown == [
            ("hold", anna_id, "refused", "arming_denied"),
            ("hold", bolat_id, "refused", "lease_held"),
            ("start", anna_id, "done", ""),
            ("lease", anna_id, "done", ""),
        ]
        assert "compass not calibrated" in listed[0]["answer"]["words"]
        first = anna.get("/commands?limit=3").json()
        rest = anna.get(f"/commands?limit=3&cursor={first['next']}").json()
        assert [*first["items"], *rest["items"]] == listed
        assert anna.get("/commands?asset_id=car-1").json()["items"] == []
        assert code_of(station.client(Role.PLANNER).get("/commands")) == (403, "not_allowed")


def test_a_lease_that_changes_goes_out_on_the_live_feed() -> None:
    with a_station() as station:
        anna, _, anna_id, _ = two_pilots(station)
        before = station.live.newest_id
        anna.post(LEASE)
        (event,) = station.live.after(before)
        assert getattr(event.payload, "holder", None) == anna_id


def test_a_cleared_sky_lets_nothing_start_until_it_is_lifted() -> None:
    with a_station() as station:
        anna, _, _, _ = two_pilots(station)
        dispatcher = station.client(Role.DISPATCHER)
        sortie = anna.post(START).json()["id"]
        order = {"how": "hold", "reason": "a helicopter is coming in"}
        assert code_of(dispatcher.post("/clear-the-sky", {**order, "reason": "!"})) == (
            422, "bad_request",
        )  # fmt: skip
        cleared = dispatcher.post("/clear-the-sky", order).json()
        assert cleared["all_confirmed"]
        assert [(a["asset_id"], a["answer"]) for a in cleared["assets"]] == [
            ("drone-1", "confirmed")
        ]
        assert anna.get(f"/sorties/{sortie}").json()["reason_code"] == "sky_cleared"
        assert anna.get("/clear-the-sky").json()["reason"] == order["reason"]
        assert code_of(anna.post(f"/sorties/{sortie}/resume")) == (409, "sky_cleared")
        assert code_of(anna.post(START)) == (409, "sky_cleared")
        assert anna.post(f"/sorties/{sortie}/return").status_code == 200
        lifted = dispatcher.send("DELETE", "/clear-the-sky", json={"reason": "it has left now"})
        assert lifted.json()["cleared"] is False
        kinds = [entry.record.kind for entry in station.commands.records()]
        assert CommandKind.LIFT_SKY in kinds


@pytest.mark.parametrize("seed", [1, 2])
def test_of_twenty_clients_only_the_holder_of_each_time_is_obeyed(seed: int) -> None:
    with a_station() as station:
        accounts = [station.account(Role.PILOT, login=f"pilot-{n}") for n in range(20)]
        clients = [station.client(account=account) for account in accounts]
        sortie = clients[0].post(START).json()["id"]
        chance = random.Random(seed)
        codes: list[int] = []

        async def busy(client: Client) -> None:
            order = f"/sorties/{sortie}/hold", f"/sorties/{sortie}/resume"
            for _ in range(8):
                (what,) = chance.choices(DEEDS, (3, 1, 2, 6, 2, 2))
                headers = {}
                if what in ("take", "over"):
                    body = {"reason": REASON if what == "over" else ""}
                    answer = await client.asend("POST", LEASE, json=body)
                    codes.append(answer.status_code)
                    if answer.status_code != 200:
                        continue
                    headers["Qyran-Lease-Term"] = str(answer.json()["term"])
                    await asyncio.sleep(0)
                elif what == "guess":
                    headers["Qyran-Lease-Term"] = str(chance.randint(1, 30))
                elif what == "wait":
                    step = timedelta(seconds=chance.choice((1, 100)))
                    station.clock.advance_to(station.clock.now() + step)
                elif what == "give":
                    codes.append((await client.asend("DELETE", LEASE)).status_code)
                    continue
                answer = await client.asend("POST", chance.choice(order), headers=headers)
                codes.append(answer.status_code)

        async def all_at_once() -> None:
            await asyncio.gather(*(busy(client) for client in clients))

        station.runner.run(all_at_once())
        assert set(codes) <= {200, 409}
        entries = station.commands.records()
        assert first_fault(entries) is None
        holder: UserId | None = None
        term, obeyed = 0, 0
        for entry in entries:
            record = entry.record
            if record.kind is CommandKind.LEASE and record.answer is not None:
                if record.answer.outcome is Outcome.DONE:
                    assert record.term == term + 1
                    holder, term = record.by, record.term
            elif record.kind is CommandKind.RELEASE and record.answer is not None:
                if record.answer.outcome is Outcome.DONE:
                    assert (record.by, record.term) == (holder, term)
                    holder = None
            elif record.answer is None:  # it goes to the vehicle now
                assert (record.by, record.term) == (holder, term)
                obeyed += 1
        assert obeyed > 1  # the start, and orders of later holders
        done = [c for c in answered_commands(entries) if c.asked.kind is CommandKind.HOLD]
        assert any(c.answer.code in ("lease_held", "lease_stale") for c in done)
