"""A pilot's month in a real browser, on a real store: docs/tutorials, step by step."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, NARROW, PHONE
from tests.support.browsing import served, signed_in, violations
from tests.support.piloting import NORTH, SOUTH, TINY, Region, region

TABLET = (768, 1024)


@pytest.fixture(scope="module")
def place() -> Iterator[Region]:
    with served(region) as made:
        yield made


@pytest.fixture
def at(place: Region, window: Callable[..., Page]) -> Callable[..., Page]:
    """Give a maker of windows in which somebody is signed in."""

    def make(who: str = "anne", *args: object, **more: object) -> Page:
        return signed_in(window(*args, **more), place.base, who)

    return make


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_month_from_the_figures_to_the_gaps_behind_them(
    place, at, size, script, tmp_path
) -> None:
    page = at("anne", size, java_script_enabled=script, accept_downloads=True)
    # 1: the page.
    page.goto(f"{place.base}/")
    page.get_by_role("link", name="Pilotage").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pilotage")
    expect(page.locator(".kpi").first).to_contain_text("sur 404 relais")
    # 2: the flows, and the same in words.
    expect(page.locator("svg.sankey:visible")).to_have_count(1)
    expect(page.locator("#sk-table")).to_contain_text("Documents")
    # 3: one rule.
    page.locator("select[name=rule]").select_option("TRX-01")
    page.get_by_role("button", name="Filtrer").click()
    expect(page).to_have_url(re.compile("rule=TRX-01"))
    expect(page.locator(".lead")).to_contain_text("TRX-01")
    # 4: the gaps behind a number, as many as it says.
    number = page.locator("#s-rules tbody td a").first
    told = number.inner_text()
    number.click()
    expect(page.locator(".lead")).to_contain_text(f"{told} ruptures")
    page.get_by_role("link", name="Encore ouvertes").click()
    expect(page.get_by_role("link", name="Ouvrir dans la liste de travail")).to_be_visible()
    page.locator(".crumbs a").click()
    expect(page.locator(".lead")).to_contain_text("TRX-01")
    # 5: a place that is too small, and one that would give it away.
    page.get_by_role("link", name="Retirer les filtres").click()
    for site in (TINY, SOUTH):
        page.locator("select[name=site]").select_option(site)
        page.get_by_role("button", name="Filtrer").click()
        expect(page.get_by_text("Rien à montrer sans risque")).to_be_visible()
    page.locator("select[name=site]").select_option(NORTH)
    page.get_by_role("button", name="Filtrer").click()
    expect(page.locator(".kpis")).to_be_visible()
    # 6: a file for the spreadsheet.
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Fichier CSV Par règle").click()
    waiting.value.save_as(tmp_path / "rules.csv")
    with (tmp_path / "rules.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    assert [row[0] for row in rows] == ["Règle", "TRX-01", "TRX-08", "VIL-04"]
    # 7: on paper.
    page.get_by_role("link", name="Imprimer").click()
    expect(page.get_by_text("Document confidentiel")).to_be_visible()
    expect(page.locator("form.filters")).to_have_count(0)


PATHS = {
    "figures": "/pilot",
    "long": "/pilot?weeks=52",
    "withheld": f"/pilot?site={TINY}",
    "print": "/pilot?print=1",
    "list": "/pilot/gaps",
    "hour": "/pilot/gaps?slot=30",
}


@pytest.mark.parametrize(
    ("size", "language", "scheme"),
    [
        (DESK, "fr", "light"),
        (DESK, "en", "dark"),
        (TABLET, "fr", "dark"),
        (PHONE, "en", "light"),
        (NARROW, "fr", "dark"),
    ],
    ids=["1440-fr", "1440-en-dark", "768-fr-dark", "390-en", "320-fr-dark"],
)
def test_pages_break_no_rule_of_accessibility(place, at, size, language, scheme) -> None:
    page, found = at("anne", size, language, color_scheme=scheme), {}
    for name, path in PATHS.items():
        page.goto(place.base + path)
        if broken := violations(page):
            found[name] = broken
        if page.evaluate("document.documentElement.scrollWidth") != size[0]:
            found[name, "width"] = {}

    assert found == {}


def test_a_list_without_names_breaks_no_rule_either(place, at) -> None:
    page = at("north", PHONE)
    page.goto(f"{place.base}/pilot/gaps")

    expect(page.get_by_text("Sans nom ni jour")).to_be_visible()
    assert violations(page) == {}


def test_everything_is_reached_by_the_keyboard(place, at) -> None:
    page = at("anne")
    page.goto(f"{place.base}/pilot")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))

    assert any("/pilot/flows.csv" in one for one in seen)
    assert any('name="weeks"' in one for one in seen)
    assert any("scroll" in one for one in seen)


def test_text_spacing_cuts_nothing(place, at) -> None:
    page = at("anne", PHONE)
    page.goto(f"{place.base}/pilot")
    page.evaluate(
        """() => { const sheet = new CSSStyleSheet();
        sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important;'
          + ' word-spacing: .16em !important }');
        document.adoptedStyleSheets = [sheet]; }"""
    )

    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


@pytest.mark.parametrize("path", ["/pilot", "/pilot?print=1"])
def test_paper_holds_the_whole_width(place, at, tmp_path: Path, path: str) -> None:
    page = at("anne")
    page.goto(place.base + path)
    page.emulate_media(media="print")
    # A4 without its margins, at 96 pixels an inch.
    page.set_viewport_size({"width": round((210 - 28) / 25.4 * 96), "height": 1000})

    wide = page.evaluate(
        "[...document.querySelectorAll('table, svg')].filter(e => e.getBoundingClientRect().width"
        " && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    assert page.locator("header").is_hidden()
    page.pdf(path=tmp_path / "print.pdf", prefer_css_page_size=True)
    assert (tmp_path / "print.pdf").read_bytes().count(b"/Type /Page\n") <= 5
