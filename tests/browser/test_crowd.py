"""A thousand open gaps and a person with three hundred stays, in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, NARROW, PHONE
from tests.support.browsing import follow, served, signed_in, violations
from tests.support.coordinating import CLAIRE, Territory, territory
from tests.support.crowd import MANY, STAYS, crowd


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Territory]:
    folder = tmp_path_factory.mktemp("crowd")

    async def make() -> Territory:
        return await territory(folder, await crowd())

    with served(make) as made:
        yield made


@pytest.fixture
def at(place: Territory, window: Callable[..., Page]) -> Callable[..., Page]:
    def make(*args: object, **more: object) -> Page:
        return signed_in(window(*args, **more), place.base, CLAIRE)

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
        follow(page, page.get_by_role("link", name="Suivant"))
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
    follow(page, page.get_by_role("link", name="30 j"))
    assert 0 < page.locator("svg.swim.wide .stay").count() < 20
    follow(page, page.get_by_role("link", name="Tout", exact=True))
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
