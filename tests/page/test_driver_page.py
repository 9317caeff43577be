"""The driver's page at phone size, against the real API: no press is lost, doubled or late."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from api.driving_desk import take_seat
from missions.driving.taps import Obstacle, TapKind
from missions.model import SortieState
from tests.builders import after
from tests.page.conftest import PATIENCE_MS, ROOT, Browsed
from tests.page.driving import Served, a_served_station, more_cars, place_of

if TYPE_CHECKING:
    from playwright import sync_api as playwright

pytestmark = pytest.mark.slow
Phone = Callable[..., Browsed]
VOICE = """
window.spoken = [];
const voice = {lang: '%s', localService: true, name: 'test'};
Object.defineProperty(window, 'speechSynthesis', {value: {
  getVoices: () => [voice], cancel: () => {}, addEventListener: () => {},
  removeEventListener: () => {}, speak: (one) => window.spoken.push([one.lang, one.text]),
}});
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
"""
"""A phone with one voice: Debian's Chromium has none."""


@pytest.fixture
def served() -> Iterator[Served]:
    """A station in memory with the built page."""
    if not (ROOT / "station" / "page" / "driver.html").is_file():
        pytest.skip("the page is not built: run scripts/build_page")
    with a_served_station() as found:
        yield found


@pytest.fixture
def phone(chromium: "playwright.Browser", served: Served) -> Iterator[Phone]:
    """Opens the driver's page on phones."""
    contexts = []

    def start(
        lang: str = "ru",
        theme: Literal["dark", "light"] = "dark",
        place: tuple[float, float] = (-150, -92),
        voice: str = "",
        path: str = "/driver",
    ) -> Browsed:
        context = chromium.new_context(
            viewport={"width": 390, "height": 844},
            is_mobile=True,
            has_touch=True,
            color_scheme=theme,
            geolocation=place_of(*place),  # type: ignore[arg-type]
            permissions=["geolocation"],
            locale="en-US",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        kept = {"qyran.lang": lang, "qyran.theme": theme, "qyran.demo_person": "driver"}
        context.add_init_script(
            f"for (const [key, value] of Object.entries({kept!r}))"
            " if (!localStorage.getItem(key)) localStorage.setItem(key, value)"
        )
        if voice:
            context.add_init_script(VOICE % voice)
        browsed = Browsed(context.new_page(), served.address)
        context.on("request", lambda request: browsed.requests.append(request.url))
        browsed.page.on("pageerror", lambda error: browsed.complaints.append(str(error)))
        browsed.page.goto(served.address + path)
        return browsed

    yield start
    for context in contexts:
        context.close()


def until(driver: Browsed, expression: str, within_s: float = 60.0) -> None:
    """Waits until an expression holds; the page's policy forbids Playwright's own way to wait."""
    waited_s = 0.0
    while not driver.page.evaluate(expression):
        assert waited_s < within_s, expression
        driver.page.wait_for_timeout(100)
        waited_s += 0.1


def all_sent(driver: Browsed) -> None:
    """Waits until the station has everything."""
    driver.page.locator("[data-testid=network][data-state=online][data-waiting='0']").wait_for()


def test_presses_made_without_a_network_arrive_once_each_and_in_order(
    phone: Phone, served: Served
) -> None:
    served.drive()
    driver = phone()
    driver.page.locator("[data-car=car-1]").click()
    driver.by("arrived").click()
    driver.by("done").click()
    all_sent(driver)
    assert [(tap.kind, tap.stop) for tap in served.taps] == [
        (TapKind.ARRIVED, 0),
        (TapKind.DONE, 0),
    ]

    # the network is cut: all goes on, and says so
    driver.page.context.set_offline(True)
    driver.by("arrived").click()
    driver.by("done").click()
    driver.by("offline").wait_for()
    driver.by("cannot").click()
    driver.by("why-road_closed").click()
    driver.page.locator("[data-testid=drive][data-next='3']").wait_for()
    driver.by("sos").click()
    driver.page.locator("[data-testid=sos-out][data-state=kept]").wait_for()
    assert len(served.taps) == 2

    # it comes back, but loses the first two answers on their way
    lost = []

    def lose(route: "playwright.Route") -> None:
        answer = route.fetch()
        if len(lost) < 2:
            lost.append(answer.status)
            route.abort()
        else:
            route.fulfill(response=answer)

    driver.page.route("**/taps", lose)
    driver.page.context.set_offline(False)
    driver.page.locator("[data-testid=sos-out][data-state=sent]").wait_for()
    all_sent(driver)
    assert lost == [200, 200]
    assert [(tap.kind, tap.stop, tap.reason) for tap in served.taps[2:]] == [
        (TapKind.ARRIVED, 1, None),
        (TapKind.DONE, 1, None),
        (TapKind.CANNOT, 2, Obstacle.ROAD_CLOSED),
        (TapKind.SOS, None, None),
    ]
    times = [tap.at for tap in served.taps]
    assert times == sorted(times)
    place = served.taps[-1].place
    assert place is not None
    assert math.isclose(place.lat_deg, place_of(-150, -92)["latitude"], abs_tol=1e-6)
    samples = served.station.log.between(served.taps[0].asset_id, after(-60), after(60))
    assert samples
    assert driver.complaints == []
    assert driver.strangers == []


def test_a_page_that_is_loaded_anew_without_a_network_still_has_what_was_pressed(
    phone: Phone, served: Served
) -> None:
    served.drive()
    driver = phone()
    driver.page.locator("[data-car=car-1]").click()
    driver.by("arrived").wait_for()
    driver.page.evaluate("navigator.serviceWorker.ready")
    driver.page.reload()  # from now on the worker has the page and its parts
    driver.by("arrived").wait_for()
    until(driver, "caches.open('qyran-driver-1').then((c) => c.keys()).then((k) => k.length >= 6)")
    driver.page.context.set_offline(True)
    driver.by("arrived").click()
    driver.page.reload()
    driver.by("offline").wait_for()
    driver.by("done").click()
    driver.page.locator("[data-testid=network][data-waiting='2']").wait_for()
    driver.page.context.set_offline(False)
    all_sent(driver)
    assert [(tap.kind, tap.stop) for tap in served.taps] == [
        (TapKind.ARRIVED, 0),
        (TapKind.DONE, 0),
    ]


@pytest.mark.parametrize(
    ("lang", "next_stop"), [("kk", "Келесі, 1-нүкте"), ("ru", "Следующая, точка 1")]
)
def test_prompts_are_spoken_in_the_drivers_language_and_shown(
    phone: Phone, served: Served, lang: str, next_stop: str
) -> None:
    served.drive()
    driver = phone(lang=lang, voice=lang, place=(-190, 60))
    driver.page.locator("[data-car=car-1]").click()
    until(driver, "window.spoken.length > 0")
    said = driver.page.evaluate("window.spoken")
    assert said[0][0] == lang
    assert next_stop in said[0][1]
    driver.page.context.set_geolocation(place_of(-190, -80))  # type: ignore[arg-type]
    until(driver, "window.spoken.length > 1")
    # a phone without the language stays silent and shows the words
    mute = phone(lang=lang, voice="de", place=(-190, 60))
    mute.page.locator("[data-testid=prompt]:not(:empty)").wait_for()
    assert next_stop in mute.by("prompt").inner_text()
    assert mute.page.evaluate("window.spoken") == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("lang", ["kk", "ru", "en"])
def test_every_state_fits_a_phone_with_large_buttons_and_nothing_to_type(
    phone: Phone, served: Served, lang: str, theme: Literal["dark", "light"], tmp_path: Path
) -> None:
    more_cars(served.station, 25)
    driver = phone(lang=lang, theme=theme)
    driver.by("car").first.wait_for()
    seen = [_looked_at(driver, tmp_path / "crowded.png")]
    driver.page.locator("[data-car=ambulance]").click()
    driver.by("passive").wait_for()
    seen.append(_looked_at(driver, tmp_path / "passive.png"))
    driver.by("menu").click()
    driver.by("leave").click()
    driver.by("leave").click()
    driver.page.locator("[data-car=car-1]").click()
    driver.by("idle").wait_for()
    seen.append(_looked_at(driver, tmp_path / "idle.png"))
    zigzag = tuple((90.0 * n, 90.0 * (n % 2)) for n in range(60))
    served.drive(zigzag)
    driver.by("arrived").wait_for()
    seen.append(_looked_at(driver, tmp_path / "drive.png"))
    driver.by("cannot").click()
    seen.append(_looked_at(driver, tmp_path / "why.png"))
    driver.page.reload()
    driver.by("sos").click()
    driver.by("sos-over").wait_for()
    seen.append(_looked_at(driver, tmp_path / "sos.png"))
    for fields, small, wide in seen:
        assert fields == 0
        assert small == []
        assert wide <= 390
    assert driver.complaints == []


def _looked_at(driver: Browsed, picture: Path) -> tuple[int, list[str], int]:
    """Returns what can be typed into, buttons too small to hit, and the page's width."""
    driver.page.screenshot(path=picture)
    fields = driver.page.locator("input, textarea, select").count()
    small = [
        box.get_attribute("data-testid") or box.inner_text()
        for box in driver.page.locator("main button:visible").all()
        if (found := box.bounding_box()) and min(found["width"], found["height"]) < 56
    ]
    return fields, small, driver.page.evaluate("document.documentElement.scrollWidth")


def test_faults_are_shown_and_a_driver_who_is_put_out_chooses_anew(
    phone: Phone, served: Served
) -> None:
    driver = phone()
    driver.page.locator("[data-car=car-1]").click()
    served.drive()
    driver.by("arrived").wait_for()
    sortie = served.station.missions.sorties()[-1]
    held = replace(sortie, state=SortieState.HOLDING, version=sortie.version + 1)
    served.station.missions.save_sortie(held)
    driver.by("asked").wait_for()
    driver.page.route("**/driving/cars/*", lambda route: route.fulfill(status=500, body="broken"))
    driver.by("problem").wait_for()
    driver.page.unroute("**/driving/cars/*")
    driver.by("problem").wait_for(state="detached")
    account = served.station.accounts.by_login("driver")
    assert account is not None
    take_seat(served.station.services, account, "car-1", over=True)
    driver.by("car-picker").wait_for()
    driver.by("problem").wait_for()
    assert driver.by("problem").get_attribute("data-code") == "not_allowed"
    assert driver.complaints == []
