"""Debian's Chromium for tests that drive the page; nothing is downloaded."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Request, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@contextmanager
def chromium_page(address: str) -> Iterator[tuple[Page, list[str]]]:
    """Opens a page of Chromium; the list fills with requests that left `address`."""
    binary = shutil.which("chromium")
    if binary is None:
        pytest.skip("no chromium on PATH; scripts/test installs it where it may (apt)")
    outside: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((address, "blob:", "data:")):
            outside.append(request.url)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.on("request", asked)
        page.goto(address)
        try:
            yield page, outside
        finally:
            browser.close()
