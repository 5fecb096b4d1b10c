"""A coordinator's morning in a real browser, on a real store: docs/tutorials, step by step."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gateway.entry.web.data import GapFilter
from tests.browser.conftest import DESK, NARROW, PHONE
from tests.support.browsing import follow, served, signed_in, violations
from tests.support.coordinating import CLAIRE, NOW, SONIA, Territory, territory

NOTE = "Registraire du SMR : admission notée hier, message à suivre."


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Territory]:
    with served(lambda: territory(tmp_path, accounts=True)) as made:
        yield made


@pytest.fixture
def at(place: Territory, window: Callable[..., Page]) -> Callable[..., Page]:
    """Give a maker of windows in which somebody is signed in."""

    def make(who: str = CLAIRE, *args: object, **more: object) -> Page:
        page = window(*args, **more)
        return signed_in(page, place.base, who) if who else page

    return make


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_morning_from_the_first_page_to_an_empty_list(place, at, size, script) -> None:
    page = at(CLAIRE, size, java_script_enabled=script)
    # 1, 2: the first page, then the list.
    page.goto(place.base)
    page.get_by_role("link", name="Ouvrir la liste").click()
    follow(page, page.get_by_role("link", name="À prendre"))
    count = page.locator("tbody tr").count()
    # 3: take, and take back.
    page.locator("tbody tr").first.get_by_role("button", name="Prendre").click()
    expect(page.get_by_text("Vous suivez cette rupture.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(count - 1)
    page.get_by_role("button", name="Annuler").click()
    expect(page.get_by_text("Remis comme avant.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(count)
    # 4, 5: open it, and write down what was heard.
    page.get_by_role("link", name="Transfert sans arrivée").first.click()
    expect(page.get_by_role("heading", name="Qui peut agir")).to_be_visible()
    page.locator("summary", has_text="Noter").click()
    page.get_by_label("Note", exact=True).first.fill(NOTE)
    page.get_by_role("button", name="Noter").click()
    expect(page.get_by_text(f"Note : {NOTE}")).to_be_visible()
    # 6: put it off, too far at first.
    page.locator("summary", has_text="Reporter").click()
    page.get_by_label("Jusqu’à", exact=True).fill("2026-03-20T09:00")
    page.get_by_label("Raison").fill("Le SMR rappelle demain.")
    page.get_by_role("button", name="Reporter").click()
    expect(page.get_by_role("alert")).to_contain_text("12 heures au plus")
    expect(page.get_by_label("Raison")).to_have_value("Le SMR rappelle demain.")
    page.get_by_label("Jusqu’à", exact=True).fill("2026-03-10T20:00")
    page.get_by_role("button", name="Reporter").click()
    expect(page.get_by_text("Reportée.", exact=True)).to_be_visible()
    # 7: close, reopen, close.
    for act, fields in (
        ("Clore", {"Issue": "done-elsewhere", "Note": NOTE}),
        ("Rouvrir", {"Note": "Fermée trop tôt."}),
        ("Clore", {"Issue": "false-alarm", "Note": NOTE}),
    ):
        page.locator("summary", has_text=act).click()
        form = page.locator("details[open] form")
        for label, value in fields.items():
            field = form.get_by_label(label, exact=True)
            field.select_option(value) if label == "Issue" else field.fill(value)
        form.get_by_role("button").click()
        expect(page.locator(".verdict.ok")).to_be_visible()
    expect(page.get_by_text("Close par une personne : Fausse alerte.")).to_be_visible()
    # 8: the rest at once.
    page.goto(f"{place.base}/gaps?view=none")
    for box in page.get_by_role("checkbox").all():
        box.check(force=not script)
    page.locator(".bulk").get_by_role("button", name="Prendre").click()
    expect(page.locator(".verdict.ok")).to_contain_text("prise")
    expect(page.get_by_text("Tout est suivi.")).to_be_visible()


def test_a_view_is_kept_for_one_person(place, at) -> None:
    page, other = at(CLAIRE), at(SONIA)
    page.goto(f"{place.base}/gaps")
    page.get_by_label("Gravité").select_option("critical")
    page.get_by_role("button", name="Filtrer").click()
    page.locator("summary", has_text="Enregistrer cette vue").click()
    page.get_by_label("Nom de la vue").fill("L’urgence <b>")
    page.get_by_role("button", name="Enregistrer").click()
    page.goto(f"{place.base}/gaps")
    follow(page, page.get_by_role("link", name="L’urgence <b>"))
    other.goto(f"{place.base}/gaps")

    assert page.url.endswith("/gaps?sev=critical")
    expect(other.get_by_role("link", name="L’urgence")).to_have_count(0)
    page.get_by_role("button", name="Oublier la vue").click()
    expect(page.get_by_role("link", name="L’urgence")).to_have_count(0)


def test_of_two_people_the_second_sees_who_was_first(place, at) -> None:
    claire, sonia = at(CLAIRE), at(SONIA)
    for page in (claire, sonia):
        page.goto(f"{place.base}/gaps")
        page.get_by_role("link", name="Transfert sans arrivée").first.click()
    claire.locator("summary", has_text="Noter").click()
    claire.get_by_label("Note", exact=True).first.fill(NOTE)
    sonia.get_by_role("button", name="Prendre").click()
    expect(sonia.get_by_text("Vous suivez cette rupture.").first).to_be_visible()
    # She is told while she types, and her words stay.
    expect(claire.locator('[data-note^="gap:"]')).to_be_visible()
    expect(claire.get_by_label("Note", exact=True).first).to_have_value(NOTE)
    claire.get_by_role("button", name="Noter").click()

    expect(claire.get_by_role("alert")).to_contain_text("PETIT Sonia")
    expect(claire.get_by_label("Note", exact=True).first).to_have_value(NOTE)
    assert violations(claire) == {}
    claire.get_by_role("button", name="Noter").click()
    expect(claire.get_by_text(f"Note : {NOTE}")).to_be_visible()


def test_a_session_that_closes_in_mid_note_gives_the_words_back(place, at) -> None:
    page = at(CLAIRE)
    page.goto(f"{place.base}/gaps")
    follow(page, page.get_by_role("link", name="Transfert sans arrivée").first)
    there = page.url
    page.locator("summary", has_text="Noter").click()
    page.get_by_label("Note", exact=True).first.fill(NOTE)
    page.context.clear_cookies(name="as")
    page.get_by_role("button", name="Noter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Session fermée")
    assert violations(page) == {}
    page.context.add_cookies([{"name": "as", "value": CLAIRE, "url": place.base}])
    page.goto(there)

    expect(page.get_by_text("Votre saisie est conservée.")).to_be_visible()
    expect(page.get_by_label("Note", exact=True).first).to_have_value(NOTE)


def test_the_list_goes_by_keys_when_it_has_the_focus(place, at) -> None:
    page = at(CLAIRE)
    page.goto(f"{place.base}/gaps?view=none")
    links = page.locator(".wh a")
    links.first.focus()
    page.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("[data-count]")).to_have_text("1")
    assert page.locator(".bulk").is_visible()
    page.keyboard.press("t")

    expect(page.get_by_text("Vous suivez cette rupture.")).to_be_visible()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("size", [DESK, PHONE, NARROW], ids=["desk", "phone", "zoomed"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_form_is_accessible_and_keeps_to_the_page(place, at, language, size, theme) -> None:
    page = at(CLAIRE, size, language, color_scheme=theme)
    gap_id = place.call(place.data.worklist(GapFilter(), NOW)).rows[0].id
    page.goto(f"{place.base}/gaps/{gap_id}")
    for number in range(page.locator(".acts summary").count()):
        page.locator(".acts summary").nth(number).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert violations(page) == {}
    page.goto(f"{place.base}/gaps?sev=critical")
    page.get_by_role("checkbox").first.check()
    for number in range(page.locator(".bulk summary").count()):
        page.locator(".bulk summary").nth(number).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert violations(page) == {}
