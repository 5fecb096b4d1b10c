"""A real browser on the pages of the invented territory."""

import contextlib
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.absent import absent
from tests.support.browsing import served
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
def sample(data: SamplePageData) -> Iterator[Site]:
    """Serve the pages of the invented territory."""

    async def make() -> Site:
        return site(data)

    with served(make) as made:
        yield made


@pytest.fixture
def pages() -> Iterator[Site]:
    """Give pages of their own to a test that changes something."""
    with sample(SamplePageData()) as made:
        yield made


@pytest.fixture(scope="session")
def shown() -> Iterator[Site]:
    """Give pages that nobody changes."""
    with sample(SamplePageData()) as made:
        yield made


@pytest.fixture(scope="session")
def empty() -> Iterator[Site]:
    """Give the pages of a gateway that has not received anything."""
    with sample(SamplePageData(empty=True)) as made:
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
