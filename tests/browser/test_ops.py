"""The jobs of those who run the gateway and of its auditor, in a real browser on a real gateway."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, NARROW, PHONE
from tests.support.browsing import fits, violations
from tests.support.ops_morning import Morning, morning

TABLET = (768, 1024)
SIZES = [DESK, TABLET, PHONE, NARROW]
NAMES = ["desk", "tablet", "phone", "narrow"]
PAGES = [
    "/feeds",
    "/quarantine",
    "/messages/1",
    "/deliveries",
    "/deliveries/1",
    "/audit",
    "/audit?patient=p-1&print=1",
    "/audit/proof",
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    """Give a gateway with something to look at; tests add to it and take nothing away."""
    with morning(tmp_path_factory.mktemp("ops")) as made:
        yield made


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_accessible_and_scrolls_one_way(path, language, size, house, window) -> None:
    page = window(size, language)
    trouble: list[str] = []
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.goto(house.base + path)

    assert page.locator("html").get_attribute("lang") == language
    assert violations(page) == {}
    assert fits(page)
    assert trouble == []


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_accessible_in_the_dark(path, house, window) -> None:
    page = window(DESK, color_scheme="dark")
    page.goto(house.base + path)

    assert violations(page) == {}


@pytest.mark.field("FL-091")
def test_a_cancellation_whose_original_never_came_leads_to_its_message(house, window) -> None:
    page = window(DESK)
    page.goto(house.base + "/feeds")
    alone = page.locator("section").filter(has=page.get_by_role("heading", name="sans original"))

    expect(alone).to_contain_text("990000001:ADT")
    alone.get_by_role("link", name="Message 1").click()
    expect(page).to_have_url(house.base + "/messages/1")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_cause_is_found_tried_and_led_to_its_messages(size, script, house, window) -> None:
    page = window(size, java_script_enabled=script)
    page.goto(house.base + "/messages?status=quarantined")
    page.get_by_role("link", name="Voir la quarantaine par cause").click()
    page.get_by_role("link", name=re.compile("RLS-HL7-024")).click()
    page.get_by_role("button", name="Essayer les 32 à blanc").click()

    expect(page.get_by_text("0 passerait, 32 resteraient.")).to_be_visible()
    expect(page.get_by_role("button", name="Rejouer")).to_have_count(0)
    if script:
        assert violations(page) == {}
    assert not script or fits(page)

    page.get_by_role("link", name=re.compile(r"^Message \d+$")).first.click()
    expect(page.get_by_role("heading", name="Valeurs masquées")).to_be_visible()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_a_row_of_the_site_table_is_tried_and_kept_as_a_draft(
    size, language, house, window
) -> None:
    page = window(size, language)
    page.goto(house.base + "/quarantine")
    page.get_by_role("link", name=re.compile("RLS-HL7-024")).click()
    rows = page.get_by_role("textbox", name="Lignes" if language == "fr" else "Rows")
    expect(rows).to_have_value('versions: ["2.5", "2.5.1", "2.9"]')
    page.locator("button[value=try]").click()

    said = "32 passeraient" if language == "fr" else "32 would pass"
    expect(page.get_by_text(said)).to_be_visible()
    assert violations(page) == {}
    assert fits(page)

    page.get_by_label("Pourquoi" if language == "fr" else "Why").fill("The vendor confirms 2.9")
    page.locator("button[value=keep]").click()
    kept = "Brouillon gardé." if language == "fr" else "Draft kept."
    expect(page.get_by_text(kept)).to_be_visible()
    assert violations(page) == {}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("size", SIZES[::2], ids=NAMES[::2])
def test_values_are_revealed_with_a_reason_and_told_by_component(
    size, script, house, window
) -> None:
    page = window(size, java_script_enabled=script)
    page.goto(house.base + "/messages/1")
    assert "SAULNIER" not in page.content()

    page.get_by_text("Révéler", exact=True).click()
    page.get_by_label("Pourquoi").fill("Appel du CHU : identité à vérifier")
    page.get_by_role("button", name="Révéler ces valeurs").click()

    name = page.locator('[data-name="PID-5.1 nom de famille"]')
    expect(name).to_have_text("SAULNIER")
    if script:
        name.focus()
        shown = name.evaluate("node => getComputedStyle(node, '::after').content")
        assert shown == '"PID-5.1 nom de famille"'
        assert violations(page) == {}
        assert fits(page)


def test_a_short_reason_is_asked_for_again_and_nothing_is_shown(house, window) -> None:
    page = window(java_script_enabled=False)
    page.goto(house.base + "/messages/1")
    page.get_by_text("Révéler", exact=True).click()
    reason = page.get_by_label("Pourquoi")
    # What the browser itself would stop.
    page.locator("form[action$=reveal]").evaluate("form => { form.noValidate = true; }")
    reason.fill("vu")
    page.get_by_role("button", name="Révéler ces valeurs").click()

    expect(page.get_by_role("alert")).to_contain_text("Dites pourquoi")
    assert "SAULNIER" not in page.content()


@pytest.mark.field("FL-331")
def test_an_attack_in_a_name_is_text_when_it_is_revealed(house, window) -> None:
    page = window()
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.goto(house.base + "/messages?status=quarantined")
    page.goto(house.base + "/messages/86")
    page.get_by_text("Révéler", exact=True).click()
    reveal = page.locator("form[action$='/reveal']")
    reveal.get_by_label("Pourquoi").fill("Nom étrange dans la liste")
    page.get_by_role("button", name="Révéler ces valeurs").click()

    expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
    assert asked == []
    assert page.locator("main img").count() == 0


def test_a_dead_letter_leaves_again_with_the_keyboard_alone(house, window) -> None:
    page = window()
    page.goto(f"{house.base}/deliveries?state=trouble")
    page.get_by_role("link", name=str(house.letter), exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Pourquoi").focus()
    page.keyboard.type("Boîte créée ce matin")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Relancer")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_text(re.compile("^Relancé"))).to_be_visible()
    assert violations(page) == {}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_an_auditor_reads_the_trail_of_a_patient_and_takes_it_along(script, house, window) -> None:
    page = window(java_script_enabled=script)
    page.goto(house.base + "/audit")
    special = page.locator("section").filter(
        has=page.get_by_role("heading", name="Accès à expliquer")
    )
    expect(special).to_contain_text("Bris de glace")
    special.get_by_role("link", name="Accès au dossier p-1").first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Accès au dossier p-1")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Exporter (CSV)").click()
    assert taken.value.suggested_filename.startswith("relais-audit-")
    page.get_by_role("link", name="Imprimer").click()
    expect(page.get_by_text("Document confidentiel.")).to_be_visible()
    assert page.get_by_role("button", name="Filtrer").count() == 0


def test_a_revealed_message_prints_with_the_names_of_its_components(house, window) -> None:
    page = window()
    page.goto(house.base + "/messages/1")
    page.get_by_text("Révéler", exact=True).click()
    page.get_by_label("Pourquoi").fill("Impression pour l’éditeur")
    page.get_by_role("button", name="Révéler ces valeurs").click()
    page.emulate_media(media="print")

    name = page.locator('[data-name="PID-5.1 nom de famille"]')
    printed = name.evaluate("node => getComputedStyle(node, '::before').content")
    assert "PID-5.1 nom de famille" in printed
    assert not page.locator("header").is_visible()


@pytest.mark.field("FL-312")
@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("size", [DESK, NARROW], ids=["desk", "narrow"])
def test_a_message_is_looked_for_and_opened(size, script, house, window) -> None:
    page = window(size, java_script_enabled=script)
    page.goto(house.base + "/messages")
    control = "M3"
    page.get_by_text("Où est mon message").click()
    page.get_by_label("Identifiant de contrôle (MSH-10)").fill(control)
    page.get_by_role("button", name="Chercher").first.click()

    expect(page.locator("h1")).to_have_text("Où est mon message")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert control not in page.url
    if script:
        assert violations(page) == {}
        assert fits(page)
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="Chemin de ce message")).to_be_visible()
    if script:
        assert violations(page) == {}
        assert fits(page)
