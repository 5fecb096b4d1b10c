"""Read the values of search parameters into alternatives of a condition (FHIR R4 search).

One function a search type; modifiers that read a value otherwise are here too. Does not know the
parameters of a type (`fhir.search_table`) nor the whole search (`fhir.search_query`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from gateway.fhir.search_dates import date_range, instant_text
from gateway.fhir.search_numbers import search_range
from gateway.fhir.search_table import PARAMETERS, Kind, Parameter
from gateway.fhir.search_words import beside, fold

Alternative = tuple[str | None, ...]

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?([+-]?\d.*)")
_ESCAPED = re.compile(r"\\([\\,|$])")


@dataclass(frozen=True, slots=True)
class Given:
    """One value as it was given.

    Attributes:
        text: the value, its escapes still there.
        type: resource type named as modifier of a reference; empty when none.
        now: what `ap` measures the distance of a date from.
    """

    text: str
    type: str = ""
    now: datetime | None = None


class Reading(NamedTuple):
    """How the values of a parameter are read with one modifier.

    Attributes:
        read: returns None for a value that cannot be read.
        wanted: what can be read, for the issue.
        test: how the store compares, see `core.ports.Condition`.
        negated: what has the value does not match.
    """

    read: Callable[[Parameter, Given], Alternative | None]
    wanted: str
    test: str = ""
    negated: bool = False


def split(text: str, separator: str) -> list[str]:
    """Split at separators that no backslash escapes; escapes stay as they are."""
    if "\\" not in text:
        return text.split(separator)
    parts, start, position = [], 0, 0
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == separator:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    return [*parts, text[start:]]


def plain(text: str) -> str:
    """Take the escapes out of a text."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _token(parameter: Parameter, given: Given) -> Alternative | None:
    if parameter.code == "_id":
        return (None, given.text) if _ID.fullmatch(given.text) else None
    system, *codes = split(given.text, "|")
    if len(codes) > 1 or not given.text.strip("|"):
        return None
    if not codes:
        return (None, plain(system))
    return (plain(system), plain(codes[0]) or None)


def _of_type(_parameter: Parameter, given: Given) -> Alternative | None:
    """Read `system|code|value` of an identifier by its type."""
    parts = [plain(part) for part in split(given.text, "|")]
    if len(parts) != 3 or not parts[1] or not parts[2]:
        return None
    return (parts[2], beside(parts[0], parts[1]))


def _canonical(_parameter: Parameter, given: Given) -> Alternative | None:
    text = plain(given.text)
    return (None, text) if ":" in text else None


def _text(_parameter: Parameter, given: Given) -> Alternative | None:
    folded = fold(plain(given.text))
    return (None, f"|{folded}") if folded else None


def _reference(parameter: Parameter, given: Given) -> Alternative | None:
    text = plain(given.text)
    if "://" in text or text.startswith("urn:"):
        return (None, text)
    before, slash, id_ = text.rpartition("/")
    named = before or given.type or parameter.target or None
    wrong = (slash and before not in PARAMETERS) or (given.type and named != given.type)
    return None if wrong or not _ID.fullmatch(id_) else (named, id_)


def _identifier(_parameter: Parameter, given: Given) -> Alternative | None:
    """Read the identifier a reference names its target by."""
    system, *values = [plain(part) for part in split(given.text, "|")]
    if not values:
        return (None, f"|{system}^") if system else None
    if len(values) > 1 or not (system or values[0]):
        return None
    return (None, beside(system, values[0]) if values[0] else f"^{system}|")


def _date(_parameter: Parameter, given: Given) -> Alternative | None:
    form = _PREFIXED.fullmatch(given.text)
    # An unescaped plus in an address arrives as a space.
    found = date_range(form[2].replace(" ", "+")) if form else None
    if form is None or found is None:
        return None
    if form[1] == "ap":
        return ("ap", *_about(found, given.now))
    return (form[1] or "eq", *found)


def _about(found: tuple[str, str], now: datetime | None) -> tuple[str, str]:
    """Widen a span by a tenth of its distance from now (FHIR R4 3.1.1.4.6, ap)."""
    low, high = (datetime.fromisoformat(text) for text in found)
    reach = abs((now or low).astimezone(UTC) - low) / 10
    try:
        return instant_text(low - reach), instant_text(high + reach)
    except OverflowError:
        return found


def _quantity(_parameter: Parameter, given: Given) -> Alternative | None:
    number, *unit = split(given.text, "|")
    form = _PREFIXED.fullmatch(number)
    prefix = (form[1] or "eq") if form else ""
    found = search_range(prefix, form[2]) if form else None
    if found is None or len(unit) not in (0, 2):
        return None
    # `5.4|system|code`, `5.4||code`; without unit any will do.
    system, code = (plain(unit[0]), plain(unit[-1])) if len(unit) == 2 else ("", "")
    return (prefix, *found, system or None, code or None)


def _string(_parameter: Parameter, given: Given) -> Alternative | None:
    folded = fold(plain(given.text))
    return (None, folded) if folded else None


def _exact(_parameter: Parameter, given: Given) -> Alternative | None:
    return (None, plain(given.text)) if given.text else None


_DATE = (
    "a date such as 2026, 2026-03, 2026-03-08 or 2026-03-08T00:30:00+01:00, after one of "
    "eq ne gt lt ge le sa eb ap or nothing"
)
_CODE = "code, system|code, |code or system|"
_WORDS = "a text with letters or digits"
_ADDRESS = "an address"
_VALUE_SET = "the canonical address of one value set"
#: How values are read: by search type and modifier, in the order they are told.
READINGS: dict[Kind, dict[str, Reading]] = {
    "token": {
        "": Reading(_token, _CODE),
        "not": Reading(_token, _CODE, negated=True),
        "text": Reading(_text, _WORDS, test="words"),
        "in": Reading(_canonical, _VALUE_SET, test="among"),
        "not-in": Reading(_canonical, _VALUE_SET, test="among", negated=True),
        "of-type": Reading(_of_type, "system|code|value", test="words"),
    },
    "reference": {
        "": Reading(_reference, "id, Type/id or an absolute address"),
        "identifier": Reading(_identifier, "value, system|value, |value or system|", test="words"),
    },
    "date": {"": Reading(_date, _DATE)},
    "string": {
        "": Reading(_string, _WORDS),
        "contains": Reading(_string, _WORDS, test="contains"),
        "exact": Reading(_exact, "a text", test="exact"),
    },
    "uri": {
        "": Reading(_exact, _ADDRESS),
        "below": Reading(_exact, _ADDRESS, test="below"),
        "above": Reading(_exact, _ADDRESS, test="above"),
    },
    "quantity": {
        "": Reading(_quantity, "a number such as 5.4, 5.4||code or ge5.4|system|code"),
    },
}


def modifiers(parameter: Parameter) -> dict[str, Reading]:
    """Return the modifiers a parameter takes beside `missing` and, of a reference, types."""
    found = {name: how for name, how in READINGS[parameter.kind].items() if name}
    if not parameter.paths:
        return {}
    # Identifiers have types, codes have value sets.
    for name in ("in", "not-in") if "identifier" in parameter.code else ("of-type",):
        found.pop(name, None)
    return found
