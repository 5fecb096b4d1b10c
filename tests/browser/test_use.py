"""What one does with the pages: read live, act, go by keyboard, without script, under attack."""

import re

import pytest
from playwright.sync_api import expect

from gateway.core.messages import InboxStatus
from tests.browser.conftest import DESK, PHONE
from tests.support.pages_sample import MESSAGES


def test_a_new_gap_changes_the_first_page_while_one_looks(pages, window) -> None:
    page = window()
    page.goto(pages.base)
    expect(page.locator("html")).to_have_attribute("data-live-state", "on")
    expect(page.get_by_text("5 relais n’ont pas eu lieu")).to_be_visible()

    pages.data.gaps = pages.data.gaps[1:]
    pages.data.ledger += 1

    expect(page.locator("nav em").first).to_have_text("4")
    expect(page.get_by_text("Tout voir, 5")).to_be_visible()
    expect(page.locator("#said")).to_have_text("Page mise à jour")


def test_rows_of_a_list_do_not_move_but_a_line_offers_the_change(pages, window) -> None:
    page = window()
    page.goto(f"{pages.base}/gaps")
    expect(page.locator("html")).to_have_attribute("data-live-state", "on")

    pages.data.gaps = pages.data.gaps[1:]
    pages.data.ledger += 1

    note = page.locator('[data-note="list"]')
    expect(note).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(5)
    note.get_by_role("link").click()
    expect(page.locator("tbody tr")).to_have_count(4)


def test_what_has_the_focus_is_not_taken_away(pages, window) -> None:
    page = window()
    page.goto(f"{pages.base}/gaps/g-lucie")
    expect(page.locator("html")).to_have_attribute("data-live-state", "on")
    link = page.get_by_role("link", name="message 42").first
    link.focus()

    pages.data.touched = frozenset({"g-lucie"})
    pages.data.ledger += 1

    expect(page.locator('[data-note="all"]')).to_be_visible()
    expect(link).to_be_focused()


def test_one_tab_listens_for_all(pages, window) -> None:
    first = window()
    streams: list[str] = []
    first.context.on(
        "request", lambda sent: streams.append(sent.url) if "/live" in sent.url else None
    )
    others = [first, *(first.context.new_page() for _ in range(7))]
    for page in others:
        page.goto(pages.base)
    expect(others[-1].locator("html")).to_have_attribute("data-live-state", "on")

    pages.data.gaps = pages.data.gaps[1:]
    pages.data.ledger += 1

    expect(others[-1].locator("nav em").first).to_have_text("4")
    assert len(streams) == 1


def test_a_stopped_gateway_is_noticed_and_said(pages, window) -> None:
    page = window()
    page.goto(pages.base)
    expect(page.locator("html")).to_have_attribute("data-live-state", "on")

    pages.hub.close()

    expect(page.get_by_text("Reconnexion…")).to_be_visible()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_everything_can_be_done_without_script(size, pages, window) -> None:
    page = window(size, java_script_enabled=False)
    page.goto(pages.base)
    expect(page.get_by_role("link", name="Actualisation manuelle")).to_be_visible()

    page.get_by_role("navigation").get_by_role("link", name="Ruptures").click()
    page.get_by_label("Gravité").select_option("critical")
    page.get_by_role("button", name="Filtrer").click()
    page.get_by_role("link", name="Transfert sans arrivée").click()
    page.get_by_role("link", name="message 42").first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("ADT^A03")
    page.get_by_role("link", name="PID-5[1]").click()
    assert page.url.endswith("#f-PID-1-5")


def test_a_message_is_set_aside_and_stays_so_after_a_reload(pages, window) -> None:
    page = window()
    page.goto(f"{pages.base}/messages?status=quarantined")
    page.get_by_role("link", name="41").click()

    page.get_by_text("Écarter", exact=True).click()
    page.get_by_label("Pourquoi").first.fill("Message d’essai de l’éditeur")
    page.get_by_role("button", name="Oui, écarter ce message").click()
    expect(page.get_by_text("Écarté. Les octets restent.")).to_be_visible()
    page.reload()

    assert pages.data.rows[41].status is InboxStatus.DISCARDED
    expect(page.get_by_role("button", name="Réessayer")).to_have_count(0)


def test_a_form_on_another_site_changes_nothing(pages, window) -> None:
    page = window()
    page.goto(f"{pages.base}/messages/41")
    other = page.context.new_page()
    other.route("https://attacker.test/", lambda route: route.fulfill(
        content_type="text/html",
        body=f'<form method="post" action="{pages.base}/messages/41/discard">'
        '<input name="token" value="x"><button>Win a prize</button></form>',
    ))  # fmt: skip
    other.goto("https://attacker.test/")

    other.get_by_role("button").click()

    expect(other.get_by_text("Action refusée").first).to_be_visible()
    assert pages.data.rows[41].status is InboxStatus.QUARANTINED


def test_the_keyboard_leads_from_the_top_to_a_gap(shown, window) -> None:
    page = window()
    page.goto(f"{shown.base}/gaps")
    gap = page.get_by_role("link", name="Transfert sans arrivée")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Aller au contenu")).to_be_focused()
    page.keyboard.press("Enter")
    steps = tabs_until(page, gap)
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    page.keyboard.press("Enter")

    # Eight views, six filters and their button, two orders, then of the first row its box, the name
    # of the person, the gap.
    assert steps == 20
    assert outline == "3px"
    expect(page.get_by_role("heading", level=1)).to_have_text("Transfert sans arrivée")


def tabs_until(page, wanted, most: int = 30) -> int:
    """Press Tab until something has the focus; return how often."""
    for count in range(1, most + 1):
        page.keyboard.press("Tab")
        if wanted.evaluate("node => node === document.activeElement"):
            return count
    pytest.fail("the focus never came there")


@pytest.mark.field("FL-331")
@pytest.mark.parametrize(
    "path", ["/", "/gaps", "/patients/p-nora", "/messages/42", "/messages/40", "/messages"]
)
def test_a_script_in_a_name_or_a_letter_never_runs(path, shown, window) -> None:
    page = window()
    trouble: list[str] = []
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(shown.base + path)
    page.wait_for_load_state("load")

    assert page.title() != "1"
    assert page.locator("img").count() == 0
    assert trouble == []


def test_a_name_that_turns_the_direction_keeps_to_itself(shown, window) -> None:
    page = window()
    page.goto(f"{shown.base}/gaps")
    row = page.locator("tr", has_text="Suite promise")

    assert row.locator("bdi").count() == 1
    expect(row.get_by_role("link", name="Suite promise sans rendez-vous")).to_be_visible()


def test_three_clicks_lead_from_the_first_page_to_the_bytes(shown, window) -> None:
    page = window()
    page.goto(shown.base)

    page.get_by_role("link", name="Transfert sans arrivée").first.click()
    page.get_by_role("link", name="message 42").first.click()

    # The bytes field by field; values about a person are shown once somebody says why.
    expect(page.locator("tr", has_text="PID-5").first).to_contain_text("●●●●●")
    expect(page.locator("tr", has_text="MSH-9").first).to_contain_text("ADT^A03^ADT_A03")
    expect(page.get_by_text("PAT-ROSIER^Lucie^^^^^L")).to_have_count(0)


def test_the_language_changes_with_one_click_and_stays(shown, window) -> None:
    page = window()
    page.goto(f"{shown.base}/gaps?sev=major")

    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Gaps")
    page.get_by_role("link", name="Messages").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Messages")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_nothing_comes_from_another_host_and_little_at_all(shown, window) -> None:
    page = window()
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto(shown.base)
    page.wait_for_load_state("load")

    assert [url for url in asked if not url.startswith(shown.base)] == []
    first = [re.sub(r"\.[0-9a-f]{12}\.", ".", url.removeprefix(shown.base)) for url in asked]
    assert sorted(set(first) - {"/live", "/static/icon.svg"}) == [
        "/",
        "/static/relais.css",
        "/static/relais.js",
    ]


def test_no_frame_of_the_live_stream_names_anybody(pages, window) -> None:
    # The wait below is an evaluated text, which the policy of our pages refuses.
    page = window(bypass_csp=True)
    page.goto(f"{pages.base}/gaps")
    page.evaluate(
        "() => { window.heard = []; const s = new EventSource('/live');"
        " for (const t of ['change', 'reset', 'bye'])"
        " s.addEventListener(t, e => window.heard.push(e.data)); }"
    )
    page.wait_for_timeout(300)
    pages.data.rows = {line.number: line for line in MESSAGES[:2]}
    pages.data.touched = frozenset({"g-lucie"})
    pages.data.ledger += 1

    page.wait_for_function("window.heard.length > 0")
    heard = "".join(page.evaluate("window.heard"))

    assert set(re.findall(r'"([^"]+)"', heard)) <= {
        "zones", "overview", "list", "badges", "messages", "gap:g-lucie"
    }  # fmt: skip
