"""Colours of the style sheet: contrast (WCAG 2.2, 1.4.3 and 1.4.11) in both themes."""

import re

import pytest

from gateway.entry.web.assets import assets

SHEET = assets()["relais.css"].content.decode()
LIGHT, DARK = (
    dict(re.findall(r"--([a-z0-9-]+):(#[0-9A-F]{6})[;}]", block))
    for block in re.findall(r":root\{(.*?\})", SHEET, re.S)[:2]
)
#: (words, ground): at least 4.5; (drawing, ground): at least 3.
WORDS = [
    *((ink, ground) for ink in ("ink", "ink2", "ink3", "accent") for ground in ("surface", "bg")),
    *((tone, "surface") for tone in ("critical", "major", "minor", "ok", "unk")),
    *((tone, f"{tone}-soft") for tone in ("critical", "major", "minor", "ok", "unk")),
    ("accent-ink", "accent"), ("surface", "critical"), ("ink", "accent-soft"),
    ("accent", "accent-soft"), ("ink2", "sunken"), ("ink", "sunken"), ("ink2", "stripe"),
]  # fmt: skip
DRAWN = [
    *((tone, "surface") for tone in ("line-strong", "focus", "doc", "snd")),
    *((lane, "surface") for lane in ("mco", "smr", "had", "home", "ms", "urg", "sup")),
    *((lane, "stripe") for lane in ("mco", "smr", "had", "home", "ms", "urg", "sup")),
    ("line-strong", "bg"), ("focus", "bg"),
]  # fmt: skip


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_right() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_words_can_be_read(theme: dict[str, str]) -> None:
    poor = {pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in WORDS}

    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_drawings_can_be_seen(theme: dict[str, str]) -> None:
    poor = {pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in DRAWN}

    assert {pair: ratio for pair, ratio in poor.items() if ratio < 3} == {}


def test_both_themes_name_the_same_colours() -> None:
    assert set(LIGHT) == set(DARK)
    assert len(LIGHT) > 30


def test_every_colour_that_is_used_has_a_value() -> None:
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", SHEET))

    assert used - set(LIGHT) == set()
