"""The jobs of an integrator in a real browser on a real gateway, with and without script."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, NARROW, PHONE
from tests.conftest import ROOT
from tests.support.bench_site import bench_house
from tests.support.browsing import fits, violations

SIZES = [DESK, PHONE, NARROW]
NAMES = ["desk", "phone", "narrow"]
A03 = ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7"
LETTER = ROOT / "fixtures/cda/ldl_ses_transfer_to_rehabilitation/input.xml"
MONDAY = ROOT / "fixtures/pathways/friday_discharge_letter_on_monday/log.ndjson"
MESSAGE = A03.read_text(encoding="utf-8").replace("\r", "\n")
CONVERT = {"fr": "Convertir", "en": "Convert"}
BOX = {"fr": "Collez un message", "en": "Paste a message"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a workbench with a test gateway; tests add drafts and nothing else."""
    with bench_house(tmp_path_factory.mktemp("bench")) as made:
        yield made


def _pasted(page: Page, house: str, text: str, language: str = "fr") -> None:
    page.goto(house + "/workbench")
    page.get_by_label(BOX[language]).fill(text)
    page.get_by_role("button", name=CONVERT[language], exact=True).click()
    expect(page.locator(".verdict")).to_be_visible()


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_pasted_message_is_shown_with_its_result(size, language, house, window) -> None:
    page = window(size, language)
    trouble: list[str] = []
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.goto(house + "/workbench")
    assert violations(page) == {}
    assert fits(page)

    _pasted(page, house, MESSAGE, language)

    said = "Converti" if language == "fr" else "Converted"
    expect(page.locator(".verdict")).to_contain_text(said)
    assert violations(page) == {}
    assert fits(page)
    assert trouble == []


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_a_dropped_letter_is_shown_by_section(size, house, window) -> None:
    page = window(size)
    page.goto(house + "/workbench")
    page.locator("#file").set_input_files(LETTER)
    page.get_by_role("button", name="Convertir", exact=True).click()

    expect(page.locator(".verdict")).to_contain_text("29 ressources")
    expect(page.locator(".seg1 .st").first).to_be_visible()
    assert violations(page) == {}
    assert fits(page)


def test_pointing_at_a_value_lights_its_field_and_the_other_way(house, window) -> None:
    page = window()
    _pasted(page, house, MESSAGE)
    value = page.locator("tr[id^=v]", has=page.get_by_role("link", name="birthDate", exact=True))
    field = page.locator("#f-PID-1-7")

    value.hover()

    expect(field).to_have_attribute("data-lit", "other")
    expect(value).to_have_attribute("data-lit", "this")
    expect(field).to_be_in_viewport()
    expect(page.locator("#lit")).to_contain_text("Patient.birthDate vient de PID-7")

    page.locator("#f-PID-1-8").hover()

    expect(field).not_to_have_attribute("data-lit", "other")
    expect(page.locator("tr[id^=v][data-lit]")).to_have_count(1)
    expect(page.locator("tr[id^=v][data-lit]")).to_contain_text("female")
    assert violations(page) == {}


def test_the_keyboard_lights_as_the_pointer_does(house, window) -> None:
    page = window()
    _pasted(page, house, MESSAGE)
    page.locator("#f-PID-1-7 a").first.focus()

    expect(page.locator("tr[id^=v][data-lit]")).to_contain_text("1980-04-12")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("#v[0-9]+$"))
    page.keyboard.press("Escape")
    expect(page.locator("[data-lit]")).to_have_count(0)


def test_without_script_links_lead_both_ways(house, window) -> None:
    page = window(java_script_enabled=False)
    _pasted(page, house, MESSAGE)

    page.get_by_role("link", name="birthDate", exact=True).click()
    assert page.url.endswith("#f-PID-1-7")
    page.locator("#f-PID-1-7 a").first.click()
    target = page.url.partition("#")[2]

    expect(page.locator(f"#{target}")).to_contain_text("1980-04-12")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_finding_leads_to_its_field_and_back(script, house, window) -> None:
    page = window(java_script_enabled=script)
    _pasted(page, house, MESSAGE.replace("|T|2.5", "|T|2.9"))

    page.locator(".found").get_by_role("link", name="MSH-12").click()
    assert page.url.endswith("#f-MSH-1-12")
    page.locator("#f-MSH-1-12").get_by_role("link", name="constat 1").click()

    assert page.url.endswith("#n1")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_batch_is_gone_through_message_by_message(script, house, window) -> None:
    page = window(java_script_enabled=script)
    second = MESSAGE.replace("SAULNIER", "DEUXIEME")
    _pasted(page, house, f"BHS|^~\\&\n{MESSAGE}\n{second}\nBTS|2\n")

    page.get_by_role("button", name="2 ADT^A03").click()

    expect(page.locator("#f-PID-1-5")).to_contain_text("DEUXIEME")


def test_a_file_can_be_dropped_on_the_box(house, window) -> None:
    page = window()
    page.goto(house + "/workbench")
    data = page.evaluate_handle(
        """text => {
          const data = new DataTransfer();
          data.items.add(new File([text], "a.er7"));
          return data;
        }""",
        MESSAGE,
    )
    page.dispatch_event("[data-drop]", "dragover", {"dataTransfer": data})
    expect(page.locator("[data-over]")).to_have_count(1)
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": data})
    page.get_by_role("button", name="Convertir", exact=True).click()

    expect(page.locator(".verdict")).to_contain_text("ADT^A03")


@pytest.mark.field("FL-331")
def test_an_attack_in_what_is_pasted_stays_text(house, window) -> None:
    page = window()
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    attack = "<img src=x onerror=alert(1)></textarea><script>alert(2)</script>"
    _pasted(page, house, MESSAGE.replace("LACOMBE", attack))

    page.locator("#f-PID-1-5 a").first.hover()

    expect(page.locator("#f-PID-1-5")).to_contain_text("<img src=x onerror=alert(1)>")
    assert asked == []
    assert page.locator("main img").count() == 0


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_nonsense_gets_findings_and_an_empty_box_a_clear_word(script, house, window) -> None:
    page = window(java_script_enabled=script)
    _pasted(page, house, "<ClinicalDocument xmlns='urn:hl7-org:v3'><id")

    expect(page.locator(".found")).to_contain_text("RLS-CDA-")
    assert not script or violations(page) == {}

    page.goto(house + "/workbench")
    page.get_by_role("button", name="Convertir", exact=True).click()
    expect(page.get_by_text("RLS-WEB-120")).to_be_visible()


def test_the_page_is_readable_in_the_dark(house, window) -> None:
    page = window(color_scheme="dark")
    _pasted(page, house, MESSAGE)
    page.locator("#f-PID-1-7").hover()

    assert violations(page) == {}


@pytest.mark.parametrize(
    ("size", "script"),
    [(DESK, True), (PHONE, True), (NARROW, True), (DESK, False)],
    ids=[*NAMES, "no-script"],
)
def test_a_message_is_sent_to_the_test_gateway_and_its_answer_read(
    size, script, house, window
) -> None:
    page = window(size, java_script_enabled=script)
    control_id = f"B{size[0]}{script:d}"
    _pasted(page, house, MESSAGE.replace("D0006", control_id))
    page.get_by_text("Envoyer", exact=True).click()
    page.get_by_label("Passerelle d’essai").select_option("recette")
    page.get_by_role("button", name="Envoyer à cette passerelle").click()

    expect(page.get_by_text("accepté et traité")).to_be_visible()
    assert control_id in page.content()
    assert not script or violations(page) == {}
    assert not script or fits(page)


@pytest.mark.parametrize(
    ("size", "language", "script"),
    [(DESK, "fr", True), (PHONE, "en", True), (NARROW, "fr", True), (DESK, "en", False)],
    ids=["desk", "phone", "narrow", "no-script"],
)
def test_a_mapping_is_changed_checked_kept_and_compared(
    size, language, script, house, window
) -> None:
    page = window(size, language, java_script_enabled=script)
    is_french = language == "fr"
    page.goto(house + "/workbench/mappings")
    assert not script or violations(page) == {}
    page.locator("a[href$='/hl7v2/segments/PID.yaml']").last.click()
    box = page.get_by_label("Texte (YAML)" if is_french else "Text (YAML)")
    text = box.input_value()
    box.fill(text.replace("via: birth_date,", "via: birth_dat,"))
    page.locator("button[value=check]").click()

    expect(page.get_by_text("nearest: 'birth_date'")).to_be_visible()
    assert not script or violations(page) == {}
    assert not script or fits(page)

    box.fill(text.replace("from: PID-7, via", "from: EVN-2, via"))
    page.get_by_label("Pourquoi" if is_french else "Why").fill("EVN-2 holds the date here")
    page.locator("button[value=keep]").click()
    expect(page.locator(".verdict")).to_contain_text("Brouillon" if is_french else "Draft")

    _pasted(page, house, MESSAGE, language)
    page.get_by_text("Comparer" if is_french else "Compare", exact=True).click()
    page.locator("button[value=compare]").click()

    expect(page.locator("del", has_text="1980-04-12")).to_be_visible()
    assert not script or violations(page) == {}
    assert not script or fits(page)


@pytest.mark.parametrize(
    ("size", "language", "script"),
    [(DESK, "fr", True), (PHONE, "en", True), (NARROW, "fr", True), (DESK, "en", False)],
    ids=["desk", "phone", "narrow", "no-script"],
)
def test_a_rule_is_changed_checked_and_tried(size, language, script, house, window) -> None:
    page = window(size, language, java_script_enabled=script)
    page.goto(house + "/workbench/rules")
    assert not script or violations(page) == {}
    page.get_by_role("link", name="TRX-01", exact=True).click()
    box = page.get_by_label("Texte (YAML)" if language == "fr" else "Text (YAML)")
    text = box.input_value()
    box.fill(text.replace("DOC.LDL_SES,", "DOC.LDL_SSE,"))
    page.locator("button[value=check]").click()
    expect(page.get_by_text("nearest: 'DOC.LDL_SES'")).to_be_visible()
    assert not script or violations(page) == {}
    assert not script or fits(page)

    page.locator("#text").fill(text.replace("PT6H", "PT200H"))
    page.locator("#log").set_input_files(MONDAY)
    page.locator("button[value=try]").click()

    expect(page.locator("#counts")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("row", name="SECRETARIAT_UNIT 1 0 1 → 0")).to_be_visible()
    assert not script or violations(page) == {}
    assert not script or fits(page)


def test_a_trial_under_way_reloads_by_itself_and_can_be_stopped(house, window) -> None:
    page = window(java_script_enabled=False)
    page.goto(house + "/workbench/rules/TRX-01")
    page.get_by_label("Patients inventés").select_option("200")
    page.get_by_role("button", name="Essayer", exact=True).click()

    expect(page.get_by_text("Essai en cours.")).to_be_visible()
    page.get_by_role("button", name="Arrêter l’essai").click()
    expect(page.get_by_text("Essai arrêté.")).to_be_visible()
