"""The driver's page over REST: one's own car, taps kept once and in order, positions in batches."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from api.accounts import Role
from api.live import LiveFeed
from api.schemas.driving import CallOut
from core.ids import AssetId, MissionId, PatrolId, SortieId
from missions.driving.taps import Tap, TapKind
from missions.model import AssetKind, ItemKind, MissionItem, Progress, SortieState
from tests.api.station import Client, Station, a_station
from tests.builders import (
    NOW,
    a_mission,
    a_patrol,
    a_place,
    a_plan,
    a_sortie,
    after,
    an_asset,
)
from tests.station.test_handing_off import Scene

CAR = "/driving/cars/car-1"
CORNERS = ((0, 0), (300, 0), (305, 2), (300, 300), (0, 300), (0, 600))
"""Of a drive that turns three times; its second corner is only the bend of a street."""


def a_drive(station: Station, **changes: Any) -> str:
    """Puts car 1 on a sortie of five stops and returns its id."""
    items = tuple(MissionItem(ItemKind.WAYPOINT, a_place(*corner, 0)) for corner in CORNERS)
    plan = a_plan(
        asset_id=AssetId("car-1"),
        mission=a_mission(mission_id=MissionId("drive"), items=items),
        patrol_id=PatrolId("patrol-car"),
        return_altitude=None,
    )
    values = {"state": SortieState.UNDERWAY, "started_at": NOW, **changes}
    sortie = a_sortie(sortie_id=SortieId("sortie-car"), plan=plan, **values)
    station.missions.save_sortie(sortie)
    return sortie.sortie_id


def a_driver(station: Station, *, seated: bool = True) -> Client:
    driver = station.client(Role.DRIVER)
    if seated:
        assert driver.post(f"{CAR}/seat").status_code == 200
    return driver


def a_press(number: int, kind: str = "done", **more: Any) -> dict[str, Any]:
    press = {"id": f"tap-000000{number}", "kind": kind, "at": after(number).isoformat(), **more}
    if kind in ("arrived", "done", "cannot"):
        press = {"sortie_id": "sortie-car", "stop": number, **press}
    return press


def taps_of(station: Station) -> list[Tap]:
    kept = station.taps.taps(AssetId("car-1"))
    return [tap for tap in kept if tap.kind not in (TapKind.TAKE, TapKind.LEAVE)]


def sent(client: Client, *presses: dict[str, Any]) -> Any:
    answer = client.post(f"{CAR}/taps", {"taps": list(presses)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_driver_sees_the_car_they_sit_in_and_no_other() -> None:
    with a_station() as station:
        station.missions.save_asset(
            an_asset(asset_id=AssetId("car-2"), kind=AssetKind.VEHICLE, name="Car 2")
        )
        anna, bolat = a_driver(station), a_driver(station, seated=False)
        listed = {one["id"]: one for one in bolat.get("/driving/cars").json()["items"]}
        assert (listed["car-1"]["taken"], listed["car-1"]["mine"]) == (True, False)
        assert set(listed) == {"car-1", "car-2"}
        for path in (CAR, "/driving/cars/car-2"):
            refused = bolat.get(path)
            assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        assert bolat.post(f"{CAR}/seat").json()["code"] == "illegal_move"
        # whoever takes another car has left the one before
        assert anna.post("/driving/cars/car-2/seat").status_code == 200
        assert anna.get(CAR).status_code == 403
        assert bolat.post(f"{CAR}/seat").status_code == 200
        assert anna.post(f"{CAR}/seat", {"take_over": True}).json()["car"]["mine"] is True
        assert bolat.get(CAR).status_code == 403
        assert anna.delete(f"{CAR}/seat").status_code == 204
        assert anna.delete(f"{CAR}/seat").status_code == 204
        assert anna.get(CAR).status_code == 403
        assert anna.get("/driving/cars/drone-1").status_code == 422
        assert anna.get("/driving/cars/none").status_code == 404
        for role in (Role.PILOT, Role.REVIEWER, Role.DEVICE):
            assert station.client(role).get("/driving/cars").status_code == 403


def test_the_sheet_shows_the_stops_that_turn_and_what_comes_next() -> None:
    with a_station() as station:
        driver = a_driver(station)
        station.missions.save_patrol(
            a_patrol(
                patrol_id=PatrolId("patrol-car"),
                name="Evening round",
                asset_id=AssetId("car-1"),
                route=((50.97, 71.35), (50.98, 71.36)),
            )
        )
        idle = driver.get(CAR).json()
        assert idle["drive"] is None
        assert [one["name"] for one in idle["patrols"]] == ["Evening round"]
        a_drive(station, progress=Progress(3, len(CORNERS)))
        drive = driver.get(CAR).json()["drive"]
        assert [stop["item"] for stop in drive["stops"]] == [0, 2, 3, 4, 5]
        assert [stop["state"] for stop in drive["stops"]] == ["passed"] * 2 + ["ahead"] * 3
        assert (drive["next"], drive["name"], drive["reached"]) == (2, "Evening round", 3)
        assert len(drive["path"]["coordinates"]) == len(CORNERS)


def test_taps_move_the_round_on_and_repetitions_change_nothing() -> None:
    with a_station() as station:
        driver = a_driver(station)
        a_drive(station)
        first = sent(driver, a_press(0), a_press(1, "arrived"))
        assert [one["outcome"] for one in first["answers"]] == ["kept", "kept"]
        states = [stop["state"] for stop in first["sheet"]["drive"]["stops"]]
        assert states == ["done", "arrived", "ahead", "ahead", "ahead"]
        again = sent(
            driver, a_press(0), a_press(1, "arrived"), a_press(2, "cannot", reason="danger")
        )
        assert [one["outcome"] for one in again["answers"]] == ["repeated", "repeated", "kept"]
        assert again["sheet"]["drive"]["next"] == 3
        assert again["sheet"]["drive"]["stops"][2]["reason"] == "danger"
        assert len(taps_of(station)) == 3


def test_a_tap_that_says_nothing_is_refused_without_harm_to_the_others() -> None:
    with a_station() as station:
        driver = a_driver(station)
        a_drive(station)
        found = sent(
            driver,
            a_press(1),
            a_press(1, stop=4),  # the same id for another press
            a_press(2, "cannot"),  # without a reason
            a_press(3, stop=None),
            a_press(4, "take"),
            a_press(5, "sos"),
        )["answers"]
        outcomes = [(one["outcome"], one["code"]) for one in found]
        bad = ("refused", "bad_request")
        assert outcomes == [("kept", ""), ("refused", "key_reused"), bad, bad, bad, ("kept", "")]
        assert [tap.kind for tap in taps_of(station)] == [TapKind.DONE, TapKind.SOS]


def test_a_call_for_help_is_kept_from_anybody_who_drives_and_stands_until_it_is_over() -> None:
    with a_station() as station:
        seated, stranger = a_driver(station), a_driver(station, seated=False)
        assert sent(stranger, a_press(1, "pause"))["answers"][0]["code"] == "not_allowed"
        place = {"lat": 50.97, "lon": 71.35, "radius_m": 12.0}
        assert sent(stranger, a_press(2, "sos", place=place))["answers"][0]["outcome"] == "kept"
        assert seated.get(CAR).json()["sos_at"] == after(2).isoformat().replace("+00:00", "Z")
        assert sent(seated, a_press(3, "sos_over"))["sheet"]["sos_at"] is None
        told = [event.payload for event in station.live.after(0)]
        kinds = [payload.kind for payload in told if isinstance(payload, Tap)]
        assert kinds == [TapKind.TAKE, TapKind.SOS, TapKind.SOS_OVER]


def test_the_taps_of_a_driver_who_was_put_out_meanwhile_are_still_kept() -> None:
    with a_station() as station:
        anna, bolat = a_driver(station), a_driver(station, seated=False)
        a_drive(station)
        bolat.post(f"{CAR}/seat", {"take_over": True})
        late = sent(anna, a_press(1), a_press(2, "pause", sortie_id="sortie-car"))
        assert [one["outcome"] for one in late["answers"]] == ["kept", "kept"]
        assert late["sheet"] is None
        assert station.missions.sorties()[-1].state is SortieState.UNDERWAY
        assert bolat.get(CAR).json()["drive"]["stops"][1]["state"] == "done"


def test_a_pause_holds_the_sortie_and_one_that_comes_too_late_only_is_kept() -> None:
    with a_station() as station:
        driver = a_driver(station)
        sortie = a_drive(station)
        state = lambda: station.missions.sorties(sortie_id=SortieId(sortie))[-1].state  # noqa: E731
        station.clock.advance_to(after(5))
        assert sent(driver, a_press(1, "pause", sortie_id=sortie))["sheet"]["drive"]["paused"]
        assert state() is SortieState.HOLDING
        sent(driver, a_press(2, "go_on", sortie_id=sortie))
        assert state() is SortieState.UNDERWAY
        station.clock.advance_to(after(600))
        late = sent(driver, a_press(3, "pause", sortie_id=sortie))
        assert late["answers"][0]["outcome"] == "kept"
        assert state() is SortieState.UNDERWAY
        # of a pause and its end in one batch only the end is an order
        at = station.clock.now().isoformat()
        sent(
            driver,
            a_press(4, "pause", sortie_id=sortie, at=at),
            a_press(5, "go_on", sortie_id=sortie, at=at),
        )
        assert state() is SortieState.UNDERWAY
        # somebody else commands the car: the pause is kept, and why it holds nothing is told
        station.client(Role.PILOT).post("/assets/car-1/lease", {"reason": "the car is mine now"})
        told = sent(driver, a_press(6, "pause", sortie_id=sortie, at=at))["answers"][0]
        assert (told["outcome"], told["code"]) == ("kept", "lease_held")
        assert taps_of(station)[-1].kind is TapKind.PAUSE


def a_fix(second: float, **changes: Any) -> dict[str, Any]:
    return {
        "at": after(second).isoformat(),
        "lat": 50.9754,
        "lon": 71.3549 + second * 1e-5,
        "radius_m": 8.0,
        "speed_m_s": 5.0,
        "course_deg": 90.0,
        **changes,
    }


def test_positions_come_in_batches_once_each_and_rough_ones_are_refused() -> None:
    with a_station() as station:
        driver = a_driver(station)
        post = lambda *fixes: driver.post(f"{CAR}/positions", {"positions": list(fixes)})  # noqa: E731
        first = post(a_fix(2), a_fix(1), a_fix(3, radius_m=1500.0), a_fix(9_000)).json()
        assert (first["kept"], first["repeated"], first["refused"]) == (2, 0, 2)
        again = post(a_fix(0), a_fix(1), a_fix(2)).json()
        assert (again["kept"], again["repeated"], again["refused"]) == (1, 2, 0)
        samples = station.log.between(AssetId("car-1"), NOW, after(10))
        assert [sample.at for sample in samples] == [after(0), after(1), after(2)]
        assert samples[0].east_m_s == 5.0
        assert abs((samples[0].horizontal_sigma_m or 0.0) - 8.0 / 1.5096) < 1e-3
        status = station.operations.status(AssetId("car-1"))
        assert status is not None
        assert status.sample.at == after(2)  # what came late is not where the car is now
        assert post(a_fix(1, lat=91.0)).status_code == 422
        assert (
            a_driver(station, seated=False)
            .post(f"{CAR}/positions", {"positions": [a_fix(4)]})
            .status_code
            == 403
        )


PRESSES = [
    a_press(0),
    a_press(1, "arrived"),
    a_press(2, "pause", sortie_id="sortie-car"),
    a_press(3, "go_on", sortie_id="sortie-car"),
    a_press(4, "done", stop=1),
    a_press(5, "cannot", stop=2, reason="road_closed"),
    a_press(6, "sos"),
]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 7), st.integers(0, 6)), max_size=12))
def test_however_a_bad_network_repeats_and_splits_them_each_tap_counts_once(
    cuts: list[tuple[int, int]],
) -> None:
    with a_station() as station:
        driver = a_driver(station)
        a_drive(station)
        reached = 0
        for length, back in cuts:  # the answer of a batch may be lost: it is sent again
            start = max(0, reached - back)
            batch = PRESSES[start : start + length]
            if batch:
                sent(driver, *batch)
            reached = max(reached, start + len(batch))
        if reached < len(PRESSES):
            sent(driver, *PRESSES[reached:])
        assert [tap.tap_id for tap in taps_of(station)] == [press["id"] for press in PRESSES]
        sheet = driver.get(CAR).json()
        states = [stop["state"] for stop in sheet["drive"]["stops"]]
        assert states == ["done", "done", "left_out", "ahead", "ahead"]
        assert sheet["sos_at"] is not None


def test_a_driver_is_not_told_of_others_on_the_live_stream() -> None:
    from api.routes.live import _shown

    with a_station() as station:
        feed: LiveFeed = station.live
        anna = station.account(Role.DRIVER)
        bolat = station.account(Role.DRIVER)
        watcher = station.account(Role.DISPATCHER)
        sent(station.client(account=anna), a_press(1, "sos"))
        event = feed.after(0)[-1]
        assert _shown(station.services, bolat, event) is None
        for account in (anna, watcher):
            name, data = _shown(station.services, account, event) or ("", {})
            assert (name, data["kind"], data["by"]) == ("driver", "sos", anna.name)
        assert timedelta(0) <= station.clock.now() - NOW


def test_an_sos_is_handed_to_another_once_and_a_call_is_shown_to_the_car_that_is_asked() -> None:
    scene = Scene()
    for asset_id in (AssetId("car-1"), AssetId("car-2")):
        scene.missions.save_asset(an_asset(asset_id=asset_id, kind=AssetKind.VEHICLE))
    with a_station(
        handoffs=scene.handing, handoff_store=scene.store, missions=scene.missions
    ) as station:
        driver = a_driver(station)
        place = {"lat": 51.0, "lon": 71.36, "radius_m": 12.0}
        for _ in range(2):
            sent(driver, a_press(1, "sos", place=place))
        (handoff,) = scene.store.handoffs()
        assert (handoff.occasion.kind, handoff.occasion.caller) == ("sos", "car-1")
        assert handoff.occasion.point.lat_deg == 51.0
        assert "car-1" not in {offer.asset_id for offer in handoff.offers}
        assert driver.get(CAR).json()["call"] is None
        assert handoff.asset_id is not None
        # the car that is asked sees it, and its driver answers
        offer = replace(handoff.offers[-1], asset_id=AssetId("car-1"))
        asked = replace(handoff, offers=(offer,), version=handoff.version + 1)
        shown = CallOut.from_domain(asked)
        assert (shown.kind, shown.place, shown.state) == ("sos", (71.36, 51.0), "offered")
        assert shown.answer_by == offer.answer_by
        # one that is over already, and one that nobody can place, is kept and told alone
        sent(driver, a_press(2, "sos_over"))
        sent(driver, a_press(3, "sos"))
        assert len(scene.store.handoffs()) == 1
        assert len(taps_of(station)) == 3


def test_the_page_has_an_address_that_a_driver_can_type(tmp_path: Path) -> None:
    for name in ("index.html", "driver.html"):
        (tmp_path / name).write_text(name)
    with a_station(page_folder=tmp_path) as station:
        stranger = station.stranger()
        assert stranger.get("/driver", whole=True).text == "driver.html"
        assert stranger.get("/", whole=True).text == "index.html"
        assert stranger.get("/driver/x", whole=True).status_code == 404
