"""How the pages lie: nothing sideways, targets one can hit, room for other spacing."""

import pytest

from tests.browser.conftest import DESK, NARROW, PHONE

PAGES = [
    "/", "/gaps", "/gaps/g-lucie", "/patients/p-lucie", "/patients/p-long", "/messages",
    "/messages/41", "/messages/42", "/deliveries", "/documents/d1",
]  # fmt: skip
SMALL = """
() => [...document.querySelectorAll('a, button, select, input:not([type=hidden]), summary')]
  .filter(node => node.checkVisibility() && !node.closest('.vh') && !node.matches('.skip'))
  .map(node => [node.getBoundingClientRect(), node])
  .filter(([box, node]) => box.width && (box.height < 24 || box.width < 24)
    && getComputedStyle(node).display !== 'inline')
  .map(([box, node]) => `${node.outerHTML.slice(0, 90)} ${box.width}x${box.height}`)
"""
SPACING = """
* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
p { margin-bottom: 2em !important }
"""


@pytest.mark.parametrize("size", [DESK, PHONE, NARROW], ids=["desk", "phone", "zoomed"])
@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_scrolls_sideways(path, language, size, shown, window) -> None:
    page = window(size, language)
    page.goto(shown.base + path)

    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", PAGES)
def test_every_control_can_be_hit(path, size, shown, window) -> None:
    page = window(size, has_touch=size == PHONE)
    page.goto(shown.base + path)

    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("path", ["/", "/gaps", "/gaps/g-lucie", "/messages"])
def test_words_with_more_room_between_them_stay_on_the_page(path, shown, window) -> None:
    page = window(PHONE, bypass_csp=True)
    page.goto(shown.base + path)
    page.add_style_tag(content=SPACING)

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_a_phone_gets_the_narrow_drawing(shown, window) -> None:
    desk, phone = window(DESK), window(PHONE)
    desk.goto(f"{shown.base}/patients/p-lucie")
    phone.goto(f"{shown.base}/patients/p-lucie")

    assert [desk.locator(f".swim.{kind}").is_visible() for kind in ("wide", "narrow")] == [
        True,
        False,
    ]
    assert [phone.locator(f".swim.{kind}").is_visible() for kind in ("wide", "narrow")] == [
        False,
        True,
    ]


def test_the_hole_is_where_nobody_is(shown, window) -> None:
    page = window(DESK)
    page.goto(f"{shown.base}/patients/p-lucie")
    drawing = page.locator(".swim.wide")
    hole, left = drawing.locator(".hole.critical"), drawing.locator(".edge-mco").last

    slot, stay = hole.bounding_box(), left.bounding_box()

    assert slot["y"] > stay["y"]
    assert slot["x"] == pytest.approx(stay["x"] + stay["width"], abs=6)
    assert slot["width"] > 40


def test_a_print_of_the_path_keeps_its_drawing(shown, window) -> None:
    page = window(DESK)
    page.goto(f"{shown.base}/patients/p-lucie")
    page.emulate_media(media="print")

    assert page.locator("header").is_hidden()
    assert page.locator(".swim.wide").is_visible()
