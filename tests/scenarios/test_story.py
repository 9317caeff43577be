"""The one sentence, by hand in a browser, on the demo that a person starts.

A planner draws a zone; a drone and a patrol car patrol it; what they see becomes incidents; a
reviewer confirms one; the service closes it with a photo; the next pass finds the place clean.
"""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sim.world import build_world
from station.demo_scenario import FRAME
from tests.scenarios.chromium import chromium_page

ROOT = Path(__file__).parents[2]
SEED = 2
HEAP = "waste-5"
"""Lies beside the north street, outside every zone that the demo ships."""
ZONE_EN_M = ((-285.0, 66.0), (-200.0, 66.0), (-200.0, 100.0), (-285.0, 100.0))
SPEED = "1.5"
"""Leaves a busy machine the time to look at every frame: what it can't look at is dropped."""
PASS_MS = 300_000
"""Longest that one sortie of some 130 simulated seconds may take on a busy machine."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("demo")
    if not (ROOT / "station" / "page" / "index.html").is_file():
        pytest.skip("the page is not built; scripts/test builds it")
    command = [sys.executable, "-m", "station.cli", "demo", "--json", "--no-auto"]
    command += ["--seed", str(SEED), "--speed", SPEED, "--set", "server.port=0"]
    with (
        (home / "stderr.txt").open("w") as words,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "QYRAN_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert '"url"' in line, line + (home / "stderr.txt").read_text()
            yield json.loads(line)["url"]
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def become(page: Page, person: str) -> None:
    page.get_by_test_id("role-switch").select_option(person)
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")


def draw_zone(page: Page) -> None:
    page.get_by_test_id("view-zones").click()
    page.get_by_test_id("zone-draw").click()
    page.get_by_test_id("zone-corners").locator("summary").click()
    for corner in ZONE_EN_M:
        lat, lon = FRAME.to_geo1_deg(*corner)
        page.get_by_test_id("zone-new-corner").fill(f"{lat:.6f}, {lon:.6f}")
        page.get_by_test_id("zone-add-corner").click()
    page.get_by_test_id("zone-name").fill("North street: no waste")
    page.get_by_test_id("zone-purpose").select_option("watch")
    page.get_by_test_id("zone-rule-waste_heap").check()
    page.get_by_test_id("zone-save").click()
    expect(
        page.get_by_test_id("zone-row").filter(has_text="North street: no waste")
    ).to_be_visible()


def patrol_the_zone(page: Page) -> None:
    page.get_by_test_id("view-patrols").click()
    page.get_by_test_id("patrol-new").click()
    page.get_by_test_id("patrol-name").fill("Story")
    page.get_by_test_id("patrol-asset").select_option("drone-2")
    page.get_by_test_id("patrol-altitude").fill("60")
    page.locator("label", has_text="North street: no waste").get_by_test_id("patrol-zone").check()
    page.get_by_test_id("patrol-save").click()


def start(page: Page, patrol: str) -> None:
    page.get_by_test_id("view-patrols").click()
    row = page.get_by_test_id("patrol-row").filter(has_text=patrol)
    if row.get_attribute("aria-expanded") != "true":
        row.click()
    page.get_by_test_id("patrol-plan").click()
    expect(page.get_by_test_id("plan")).to_have_attribute("data-safe", "true", timeout=30_000)
    page.get_by_test_id("sortie-start").click()
    page.get_by_test_id("sortie-start").click()  # asked once more whether it is meant


def completed(page: Page, count: int) -> None:
    cards = page.locator('[data-testid="sortie-card"][data-state="completed"]')
    expect(cards).to_have_count(count, timeout=PASS_MS)


def test_from_a_drawn_zone_to_a_clean_place(address: str, tmp_path: Path) -> None:
    shots = Path(os.environ.get("STORY_SHOTS", tmp_path))
    photo = tmp_path / "done.png"
    with chromium_page(address) as (page, outside):
        become(page, "planner")
        draw_zone(page)
        patrol_the_zone(page)
        become(page, "pilot")
        start(page, "Story")
        start(page, "Car-3")
        page.screenshot(path=shots / "story-1-patrol.png")
        completed(page, 2)

        become(page, "reviewer")
        page.get_by_test_id("view-incidents").click()
        card = page.get_by_test_id("incident-card").filter(has_text="North street: no waste").first
        expect(card).to_be_visible(timeout=30_000)
        page.goto(f"{address}/#/incidents/{incident_at_the_heap(page)}")
        expect(page.get_by_test_id("incident-picture")).to_be_visible()
        page.get_by_test_id("claim").click()
        expect(page.get_by_test_id("claim-banner")).to_have_attribute("data-mine", "true")
        page.screenshot(path=shots / "story-2-review.png")
        photo.write_bytes(page.screenshot())

        become(page, "reviewer2")
        expect(page.get_by_test_id("claim-banner")).to_have_attribute("data-mine", "false")
        become(page, "reviewer")
        page.get_by_test_id("confirm").click()
        expect(page.get_by_test_id("incident-state")).to_have_attribute("data-state", "confirmed")
        page.get_by_test_id("assign").click()
        page.get_by_test_id("assign-select").select_option("cleaning")
        page.get_by_test_id("assign-form").get_by_role("button").last.click()
        expect(page.get_by_test_id("incident-state")).to_have_attribute("data-state", "assigned")

        become(page, "cleaning")
        page.get_by_test_id("complete").click()
        page.get_by_test_id("completion-photo").set_input_files(photo)
        page.get_by_test_id("completion-form").get_by_role("button").last.click()
        expect(page.get_by_test_id("incident-state")).to_have_attribute("data-state", "done")

        become(page, "pilot")
        start(page, "Story")
        completed(page, 3)
        become(page, "dispatcher")
        page.get_by_test_id("view-incidents").click()
        page.get_by_test_id("filter-done").click()
        page.get_by_test_id("incident-card").first.click()
        expect(page.get_by_test_id("closure-banner")).to_be_visible(timeout=30_000)
        page.screenshot(path=shots / "story-3-clean.png")
        page.get_by_test_id("closure-accept").click()
        expect(page.get_by_test_id("incident-state")).to_have_attribute("data-state", "closed")
        assert outside == []


def incident_at_the_heap(page: Page) -> str:
    """Returns the incident that lies where the simulator's heap truly is."""
    heap = next(t for t in build_world(SEED).things_at(0.0) if t.thing_id == HEAP)
    answer = page.evaluate("() => fetch('/api/v1/incidents').then(answer => answer.json())")

    def away_m(incident: dict[str, Any]) -> float:
        east, north = FRAME.to_en1_m(incident["point"]["lat"], incident["point"]["lon"])
        return math.hypot(east - heap.east_m, north - heap.north_m)

    nearest: dict[str, Any] = min(answer["items"], key=away_m)
    assert away_m(nearest) < 10
    assert nearest["kind"] == "waste_heap"
    return str(nearest["id"])
