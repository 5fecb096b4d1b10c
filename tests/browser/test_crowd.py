"""A thousand open gaps and a person with three hundred stays, in a real browser."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, NARROW, PHONE
from tests.browser.test_pilot import violations
from tests.support.coordinating import CLAIRE, Territory, territory
from tests.support.crowd import MANY, STAYS, crowd


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Territory]:
    loop = asyncio.new_event_loop()
    ready: Future[tuple[Territory, uvicorn.Server]] = Future()

    async def serve() -> None:
        made = await territory(folder, await crowd())
        config = uvicorn.Config(made.app, port=0, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        ready.set_result((made, server))
        await server.serve()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    made, server = ready.result(120)
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    made.base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield made
    made.hub.close()
    server.should_exit = True
    thread.join(10)
    loop.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Territory]:
    with opened(tmp_path_factory.mktemp("crowd")) as made:
        yield made


@pytest.fixture
def at(place: Territory, window: Callable[..., Page]) -> Callable[..., Page]:
    def make(*args: object, **more: object) -> Page:
        page = window(*args, **more)
        page.context.add_cookies([{"name": "as", "value": CLAIRE, "url": place.base}])
        return page

    return make


@pytest.mark.parametrize("size", [DESK, NARROW], ids=["desk", "320"])
def test_a_thousand_gaps_are_paged_without_a_row_twice(place, at, size) -> None:
    page = at(size, java_script_enabled=False)
    page.goto(f"{place.base}/gaps")
    expect(page.locator(".lead")).to_contain_text("000")
    seen: list[str] = []
    for _ in range(5):
        links = page.locator("tbody .wh a").evaluate_all("all => all.map(a => a.href)")
        assert 0 < len(links) <= 50
        seen += links
        page.get_by_role("link", name="Suivant").click()
    assert len(set(seen)) == len(seen) == 250
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    assert len(page.content().encode()) < 150_000


def test_names_that_are_code_are_shown_as_names(place, at) -> None:
    page = at(DESK)
    told: list[str] = []
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.goto(f"{place.base}/gaps")

    expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
    assert told == []
    assert violations(page) == {}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_three_hundred_stays_are_drawn_told_and_zoomed(place, at, size) -> None:
    page = at(size, java_script_enabled=False)
    page.goto(f"{place.base}/patients/{MANY}?zoom=all")
    assert page.locator("svg.swim:visible").count() == 1
    assert page.locator("svg.swim.wide .stay").count() == STAYS
    assert page.locator(".story li").count() >= STAYS
    page.get_by_role("link", name="30 j").click()
    assert 0 < page.locator("svg.swim.wide .stay").count() < 20
    page.get_by_role("link", name="Tout", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]


def test_three_hundred_stays_break_no_rule_and_print(place, at, tmp_path: Path) -> None:
    page = at(DESK)
    page.goto(f"{place.base}/patients/{MANY}?zoom=all")
    assert violations(page) == {}
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})
    right = page.locator("svg.swim:visible").first.evaluate("e => e.getBoundingClientRect().right")
    assert right <= 689
    page.pdf(path=tmp_path / "path.pdf", prefer_css_page_size=True)
    assert (tmp_path / "path.pdf").stat().st_size > 10_000
