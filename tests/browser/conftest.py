"""A real browser on the pages of the invented territory."""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.absent import absent
from tests.support.pages_sample import SamplePageData
from tests.support.pages_site import Site, site

DESK, PHONE, NARROW = (1440, 900), (390, 844), (320, 720)


def chromium() -> str:
    """Return the browser of this machine; its absence fails in CI and skips elsewhere."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        absent("no browser: apt-get install chromium")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give the browser."""
    path = chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@contextlib.contextmanager
def served(data: SamplePageData) -> Iterator[Site]:
    """Serve the pages from a thread, on a free port."""
    made = site(data)
    config = uvicorn.Config(made.app, port=0, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    made.base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield made
    made.hub.close()
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def pages() -> Iterator[Site]:
    """Give pages of their own to a test that changes something."""
    with served(SamplePageData()) as made:
        yield made


@pytest.fixture(scope="session")
def shown() -> Iterator[Site]:
    """Give pages that nobody changes."""
    with served(SamplePageData()) as made:
        yield made


@pytest.fixture(scope="session")
def empty() -> Iterator[Site]:
    """Give the pages of a gateway that has not received anything."""
    with served(SamplePageData(empty=True)) as made:
        yield made


@pytest.fixture
def window(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Give a maker of windows: size, language, and whatever a browser context takes."""
    opened: list[BrowserContext] = []

    def make(size: tuple[int, int] = DESK, language: str = "fr", **more: object) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, locale=language, **more)
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        return page

    yield make
    for context in opened:
        context.close()
