"""No page breaks a rule of axe: sizes, languages, themes, empty and refused pages."""

import pytest

from tests.browser.conftest import DESK, NARROW, PHONE
from tests.support.browsing import violations

PAGES = [
    "/", "/gaps", "/gaps?sev=critical&rule=TRX-08", "/gaps?view=today", "/gaps?view=unconfirmed",
    "/gaps?view=closed", "/gaps/g-lucie", "/gaps/g-reported", "/patients/p-lucie",
    "/patients/p-long", "/messages", "/messages?status=quarantined", "/messages/41",
    "/messages/42", "/messages/40", "/deliveries", "/deliveries?state=trouble", "/gaps/none",
    "/documents/d1",
]  # fmt: skip
EMPTY = [
    "/",
    "/gaps",
    "/gaps?view=unconfirmed",
    "/messages",
    "/messages?status=quarantined",
    "/deliveries",
]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_accessible(path, language, size, shown, window) -> None:
    page = window(size, language)
    trouble: list[str] = []
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(shown.base + path)

    assert page.locator("html").get_attribute("lang") == language
    assert violations(page) == {}
    # What the policy of our pages blocks is told here; a refused page tells its status too.
    assert [said for said in trouble if "404" not in said] == []


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_accessible_in_the_dark(path, shown, window) -> None:
    page = window(DESK, color_scheme="dark")
    page.goto(shown.base + path)

    assert violations(page) == {}


@pytest.mark.parametrize("path", ["/", "/gaps", "/messages/42"])
def test_each_page_is_accessible_at_four_times_its_size(path, shown, window) -> None:
    page = window(NARROW)
    page.goto(shown.base + path)

    assert violations(page) == {}


@pytest.mark.parametrize("path", EMPTY)
def test_empty_pages_are_accessible(path, empty, window) -> None:
    page = window()
    page.goto(empty.base + path)

    assert violations(page) == {}


def test_an_open_dialog_of_words_is_accessible(shown, window) -> None:
    page = window()
    page.goto(f"{shown.base}/gaps/g-lucie")
    page.get_by_text("Le même parcours en texte").click()
    page.goto(f"{shown.base}/messages/41")
    page.get_by_text("Écarter", exact=True).click()

    assert page.get_by_role("button", name="Oui, écarter ce message").is_visible()
    assert violations(page) == {}
