"""Words, dates and delays in two languages."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.facts import Status
from gateway.core.messages import InboxStatus
from gateway.entry.web import words as module
from gateway.entry.web.segments import field_names
from gateway.entry.web.words import LANGUAGES, catalogue, chosen, words

NOW = datetime(2025, 11, 22, 8, 40, tzinfo=UTC)
HOME = Path(module.__file__).parent


def test_both_languages_know_the_same_keys_and_values() -> None:
    french, english = catalogue("fr"), catalogue("en")
    places = {k: re.findall(r"{(\w+)}", str(v)) for k, v in french.items()}

    assert set(french) == set(english)
    assert {k: sorted(set(v)) for k, v in places.items()} == {
        k: sorted(set(re.findall(r"{(\w+)}", str(v)))) for k, v in english.items()
    }


def test_every_key_that_is_written_out_exists() -> None:
    files = [*HOME.glob("*.py"), *HOME.rglob("*.html")]
    used = {
        key
        for file in files
        for key in re.findall(
            r"""\b(?:w|words|found)\(\s*["']([a-z_]+\.[a-zA-Z0-9_-]+)["']""",
            file.read_text(encoding="utf-8"),
        )
        if not key.endswith(("_", "."))
    }

    assert len(used) > 100
    assert used - set(catalogue("fr")) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_a_word(language: str) -> None:
    known = catalogue(language)

    assert {f"status.{status}" for status in Status} - set(known) == set()
    assert {f"messages.{status}" for status in InboxStatus} - set(known) == set()
    assert {f"messages.one_{status}" for status in InboxStatus} - set(known) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_template_holds_words_of_its_own(language: str) -> None:
    pages = "".join(file.read_text(encoding="utf-8") for file in HOME.rglob("*.html"))
    without = re.sub(r"{[{%#].*?[}%#]}|<[^>]*>", " ", pages, flags=re.S)

    assert sorted(set(re.findall(r"[A-Za-zÀ-ÿ]{3,}", without))) == ["Relais"]


def test_french_keeps_its_spaces_together() -> None:
    loose = {key: text for key, text in catalogue("fr").items() if re.search(r" [:;!?]", str(text))}

    assert loose == {}
    assert words("fr")("path.line", lane="SMR", label="x", when="y") == "SMR, x\u00a0: y"


@pytest.mark.parametrize(
    ("language", "long", "short", "day"),
    [
        ("fr", "Samedi 22 novembre 2025, 09:40", "sam. 22 nov. 09:40", "12/05/1954"),
        ("en", "Saturday 22 November 2025, 09:40", "Sat 22 Nov 09:40", "12 May 1954"),
    ],
)
def test_dates_are_written_as_people_write_them(
    language: str, long: str, short: str, day: str
) -> None:
    found = words(language)

    assert found.long_date(NOW) == long
    assert found.instant(NOW, NOW) == short
    assert found.day(date(1954, 5, 12)) == day


def test_a_date_of_another_year_shows_its_year() -> None:
    assert words("fr").instant(NOW - timedelta(days=300), NOW) == "dim. 26 janv. 2025 09:40"


def test_a_day_nobody_said_a_time_for_has_none() -> None:
    day = datetime(2025, 11, 24, 23, 0, tzinfo=UTC)

    assert words("fr").planned(day, NOW) == "mar. 25 nov."
    assert words("fr").planned(day + timedelta(hours=10), NOW) == "mar. 25 nov. 10:00"
    assert words("en").planned(day + timedelta(days=365), NOW) == "Wed 25 Nov 2026"


def test_both_hours_of_the_night_of_the_change_are_written_as_the_clock_shows_them() -> None:
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))

    assert [words("fr").hour(instant) for instant in (first, second)] == ["02:30", "02:30"]


@pytest.mark.parametrize(
    ("length", "french", "exact"),
    [
        (timedelta(minutes=45), "45 min", "45 min"),
        (timedelta(hours=30, minutes=20), "30 h", "30 h 20"),
        (timedelta(hours=2), "2 h", "2 h"),
        (timedelta(days=10, hours=18), "10 j", "10 j 18 h"),
        (timedelta(seconds=-5), "0 min", "0 min"),
    ],
)
def test_lengths_use_the_largest_unit_that_tells_them(
    length: timedelta, french: str, exact: str
) -> None:
    assert (words("fr").span(length), words("fr").exact(length)) == (french, exact)


@pytest.mark.parametrize(
    ("language", "number", "text"),
    [
        ("fr", 0, "0 relais n’a pas eu lieu"),
        ("fr", 1, "1 relais n’a pas eu lieu"),
        ("fr", 2, "2 relais n’ont pas eu lieu"),
        ("fr", 1_000_000, "1\u202f000\u202f000 relais n’ont pas eu lieu"),
        ("en", 0, "0 handoffs did not happen"),
        ("en", 1, "1 handoff did not happen"),
    ],
)
def test_numbers_choose_their_form(language: str, number: int, text: str) -> None:
    assert words(language)("overview.missed", n=number) == text


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "language"),
    [
        (None, None, "", "fr"),
        (None, None, "en-US,en;q=0.9,fr;q=0.8", "en"),
        (None, None, "de,fr;q=0.3,en;q=0.2", "fr"),
        (None, None, "en;q=0", "fr"),
        (None, None, "*;q=0.5, en;q=x", "fr"),
        (None, "en", "fr", "en"),
        ("fr", "en", "en", "fr"),
        ("tlh", "en", "fr", "en"),
    ],
)
def test_the_language_is_asked_for_remembered_or_accepted(
    asked: str | None, kept: str | None, accepted: str, language: str
) -> None:
    assert chosen(asked, kept, accepted) == language


def test_field_names_are_there_in_both_languages() -> None:
    pairs = [pair for segment in field_names().values() for pair in segment.values()]

    assert len(pairs) > 150
    assert [pair for pair in pairs if len(pair) != 2 or not all(pair)] == []
