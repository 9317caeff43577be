"""The page does what a planner, two reviewers and a service need, and keeps to itself."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.page.conftest import ROOT, Browsed, a_fake_station

Browse = Callable[..., Browsed]


def click_map(person: Browsed, *places: tuple[int, int]) -> None:
    """Clicks on the map at pixels from its upper left corner, one after the other."""
    box = person.page.locator('[data-testid="map"] canvas').first.bounding_box()
    assert box is not None
    for x, y in places:
        person.page.mouse.move(box["x"] + x, box["y"] + y)
        person.page.mouse.down()
        person.page.mouse.up()


def test_the_map_is_drawn_and_no_request_leaves_the_station(browse: Browse) -> None:
    person = browse()
    person.scenario("normal")
    person.open()

    person.page.locator('[data-testid=connection][data-state="live"]').wait_for()
    assert person.by("asset-card").count() == 5
    assert "OpenStreetMap" in person.page.locator(".maplibregl-ctrl-attrib").inner_text()
    person.by("view-incidents").click()
    person.by("incident-card").first.click()
    person.by("incident-picture").wait_for()
    person.by("evidence-clip").click()
    person.by("incident-clip").wait_for()
    assert person.page.evaluate("document.querySelector('video').error") is None

    assert person.strangers == []
    assert any(url.endswith(".js") and "worker" in url for url in person.requests)
    assert person.complaints == []


@pytest.mark.slow
def test_a_planner_draws_a_zone_that_may_not_cross_itself(browse: Browse) -> None:
    planner = browse("planner")
    planner.scenario("normal")
    planner.open("/#/zones")
    before = planner.by("zone-row").count()

    planner.by("zone-draw").click()
    # a bow tie: its sides cross in the middle
    click_map(planner, (240, 420), (440, 540), (440, 420), (240, 540), (240, 420))
    fault = planner.by("zone-fault")
    fault.wait_for()
    assert fault.get_attribute("data-code") == "crosses_itself"
    assert re.search(r"50\.97\d+° N, 71\.35\d+° E", fault.inner_text())
    planner.by("zone-name").fill("Bow tie")
    assert planner.by("zone-save").is_disabled()

    planner.by("zone-cancel").click()
    planner.by("zone-draw").click()
    click_map(planner, (240, 420), (440, 420), (440, 540))
    undo = planner.by("zone-undo")
    undo.click()
    planner.by("zone-redo").click()
    click_map(planner, (240, 540), (240, 420))
    planner.page.locator('[data-testid=zone-form][data-phase="shaping"]').wait_for()
    planner.by("zone-name").fill("Test flights")
    planner.by("zone-purpose").select_option("flight")
    planner.by("zone-kind").select_option("exclusion")
    planner.by("zone-ceiling").fill("not a number")
    assert planner.by("zone-save").is_disabled()
    planner.by("zone-ceiling").fill("45,5")
    planner.by("zone-datum").select_option("ground")
    planner.by("zone-save").click()
    planner.by("notice").wait_for()

    assert planner.by("zone-row").count() == before + 1
    saved = planner.page.request.get(f"{planner.station}/api/v1/zones").json()["features"][-1]
    assert saved["properties"]["name"] == "Test flights"
    assert saved["properties"]["purpose"] == ["flight"]
    assert saved["properties"]["ceiling_m"] == 45.5
    assert saved["properties"]["datum"] == "ground"
    assert len(saved["geometry"]["coordinates"][0]) == 5


@pytest.mark.slow
def test_a_planner_learns_that_another_was_faster(browse: Browse) -> None:
    planner = browse("planner")
    planner.scenario("normal")
    planner.open("/#/zones")
    planner.page.locator('[data-zone="zone-main"]').click()
    planner.by("zone-edit").click()
    planner.page.request.get(f"{planner.station}/dev/other-planner?zone=zone-main")
    planner.by("zone-name").fill("Mine")
    planner.by("zone-save").click()

    newer = planner.by("zone-newer")
    newer.wait_for()
    assert "2" in newer.inner_text()
    planner.by("zone-overwrite").click()
    planner.by("notice").wait_for()
    row = planner.page.locator('[data-zone="zone-main"]')
    assert "Mine" in row.inner_text()
    assert row.get_attribute("data-version") == "3"


def test_an_incident_goes_from_claim_to_closure(browse: Browse) -> None:
    first, second = browse(), browse("reviewer2")
    first.scenario("normal")
    first.open("/#/incidents")
    second.page.goto(f"{second.station}/#/incidents/incident-0002")

    # by keyboard alone: down the list, claim, confirm, assign
    first.by("incident-card").first.wait_for()
    first.by("incident-card").first.focus()
    first.page.keyboard.press("Enter")
    first.page.locator('[data-incident="incident-0001"][data-testid=incident-detail]').wait_for()
    first.page.keyboard.press("j")
    detail = first.page.locator('[data-incident="incident-0002"][data-testid=incident-detail]')
    detail.wait_for()
    assert first.by("confirm").is_disabled()
    first.by("claim").wait_for()
    first.page.keyboard.press("l")
    first.page.locator('[data-testid=claim-banner][data-mine="true"]').wait_for()

    # the other sees who holds it, and may only take it over with a reason
    second.page.locator('[data-testid=claim-banner][data-mine="false"]').wait_for()
    assert "Demo reviewer" in second.by("claim-banner").inner_text()
    assert second.by("claim").count() == 0
    refused = second.page.request.post(
        f"{second.station}/api/v1/incidents/incident-0002/claim", data={}
    )
    assert refused.status == 409

    first.page.keyboard.press("c")
    first.page.locator('[data-testid=incident-state][data-state="confirmed"]').wait_for()
    first.by("assign").wait_for()
    first.page.keyboard.press("a")
    first.by("assign-select").select_option("cleaning")
    first.by("assign-submit").click()
    first.page.locator('[data-testid=incident-state][data-state="assigned"]').wait_for()

    # the same browser goes on as the service, then as the reviewer again
    first.by("role-switch").select_option("cleaning")
    first.by("complete").click()
    photo = ROOT / "web/dev/fixtures/clean.jpg"
    first.by("completion-photo").set_input_files(photo)
    first.by("completion-submit").click()
    first.page.locator('[data-testid=incident-state][data-state="done"]').wait_for()
    first.by("role-switch").select_option("reviewer")
    first.by("evidence-completion").click()
    first.by("closure-accept").click()
    first.page.locator('[data-testid=incident-state][data-state="closed"]').wait_for()
    assert first.complaints == []
    assert second.strangers == []


def test_a_rejection_needs_its_reason(browse: Browse) -> None:
    reviewer = browse()
    reviewer.scenario("normal")
    reviewer.open("/#/incidents/incident-0001")
    reviewer.by("claim").click()
    reviewer.page.locator('[data-testid=claim-banner][data-mine="true"]').wait_for()
    reviewer.page.keyboard.press("x")
    reviewer.by("reject-other").check()
    assert reviewer.by("reject-submit").is_disabled()
    reviewer.by("reject-words").fill("the driver waved")
    reviewer.by("reject-submit").click()
    reviewer.page.locator('[data-testid=incident-state][data-state="dismissed"]').wait_for()
    assert "other: the driver waved" in reviewer.by("incident-timeline").inner_text()


def test_an_unsafe_plan_shows_where_and_does_not_start(browse: Browse) -> None:
    pilot = browse("pilot")
    pilot.scenario("normal")
    pilot.open("/#/patrols/patrol-waste")
    pilot.by("patrol-plan").click()
    error = pilot.page.locator('[data-testid=finding][data-severity="error"]')
    error.wait_for()
    error.click()
    assert pilot.by("sortie-start").is_disabled()
    assert pilot.by("plan").get_attribute("data-safe") == "false"


LOOKS = [
    ("normal", "reviewer", "kk", "dark", "live"),
    ("normal", "reviewer", "ru", "light", "live"),
    ("normal", "reviewer", "en", "dark", "incidents/incident-0002"),
    ("normal", "reviewer", "kk", "light", "incidents/incident-0008"),
    ("normal", "planner", "ru", "dark", "zones/zone-main"),
    ("normal", "pilot", "en", "light", "patrols/patrol-waste"),
    ("empty", "planner", "ru", "dark", "zones"),
    ("loading", "reviewer", "kk", "light", "incidents"),
    ("error", "reviewer", "en", "dark", "incidents"),
    ("deaf", "reviewer", "ru", "light", "live"),
    ("crowded", "reviewer", "kk", "dark", "incidents"),
]


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(look).replace("/", "-"))
def test_it_can_be_looked_at(
    browse: Browse, look: tuple[str, str, str, str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scenario, who, lang, theme, view = look
    person = browse(who, lang, theme, wide=1440, high=900)
    person.scenario(scenario)
    if scenario == "loading":
        person.page.goto(f"{person.station}/#/{view}")
        person.by("skeleton").first.wait_for()
    else:
        person.open(f"/#/{view}")
    assert person.page.locator("html").get_attribute("lang") == lang
    assert person.page.locator("html").get_attribute("data-theme") == theme
    expected = {"empty": "empty", "error": "problem", "crowded": "incident-card"}.get(scenario)
    if expected:
        person.by(expected).first.wait_for()
    # nothing may stick out of the window sideways, in any language
    width = person.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1440
    folder = Path(tmp_path_factory.getbasetemp()) / "page"
    folder.mkdir(exist_ok=True)
    name = "-".join(look).replace("/", "-")
    person.page.screenshot(path=folder / f"{name}.png")
    assert person.strangers == []


@pytest.mark.parametrize(
    "lang", ["kk", *(pytest.param(one, marks=pytest.mark.slow) for one in ("ru", "en"))]
)
def test_everything_in_the_header_is_in_reach_on_a_phone(browse: Browse, lang: str) -> None:
    person = browse("reviewer", lang, "light", wide=390, high=844)
    person.scenario("normal")
    person.open("/#/live")
    names = ("view-live", "view-patrols", "role-switch", "language-en", "theme-switch", "help")
    for name in (*names, "connection"):
        box = person.by(name).bounding_box()
        assert box is not None
        assert box["width"] > 20
        assert 0 <= box["x"]
        assert box["x"] + box["width"] <= 390, name
    assert person.page.evaluate("document.querySelector('header').scrollWidth") <= 390
    person.by("help").click()
    person.page.get_by_role("dialog").wait_for()


def test_counters_of_what_could_not_be_loaded_are_not_nought(browse: Browse) -> None:
    person = browse("reviewer")
    person.scenario("error")
    person.open("/#/incidents")
    person.by("problem").first.wait_for()
    for state in ("active", "open", "confirmed", "assigned", "done", "past"):
        assert person.by(f"filter-{state}").locator("b").inner_text() == "–"
    person.scenario("normal")
    person.open("/#/incidents")
    person.by("incident-card").first.wait_for()
    assert person.by("filter-active").locator("b").inner_text().isdigit()


@pytest.mark.parametrize(
    ("lang", "unit"), [("kk", "м"), pytest.param("ru", "м", marks=pytest.mark.slow), ("en", "m")]
)
def test_the_scale_speaks_the_language(browse: Browse, lang: str, unit: str) -> None:
    person = browse("reviewer", lang)
    person.scenario("normal")
    person.open("/#/live")
    scale = person.page.locator(".maplibregl-ctrl-scale")
    scale.filter(
        has_text=re.compile(rf"\d\s*(?:{unit}|{'км' if unit == 'м' else 'km'})$")
    ).wait_for()


@pytest.mark.slow
def test_a_station_that_has_frozen_does_not_look_alive(browse: Browse) -> None:
    with a_fake_station() as (address, process):
        person = browse("reviewer")
        person.station = address
        person.open("/#/live")
        assert person.by("connection").get_attribute("data-state") == "live"
        process.send_signal(signal.SIGSTOP)
        try:
            person.page.locator('[data-testid=connection]:not([data-state="live"])').wait_for(
                timeout=30_000
            )
        finally:
            process.send_signal(signal.SIGCONT)
