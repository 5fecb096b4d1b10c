"""The primitive types of FHIR R4: whether a JSON value is one of them (FHIR R4 2.24.0.1).

Does not know elements (`fhir.elements`) nor objects (`fhir.shape`). Where R4 is looser than a
calendar (leap seconds, `24:00`), the stricter reading is taken.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal

from gateway.fhir.findings import EMPTY, FORMAT, TYPE, Findings

Test = Callable[[object], Findings | None]

_EMPTY: Findings = (("", EMPTY),)
_FORMAT: Findings = (("", FORMAT),)
_TYPE: Findings = (("", TYPE),)

_DATE = r"(?!0000)(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"
_ZONE = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"

_date = re.compile(rf"{_DATE})?)?", re.ASCII).fullmatch
_date_time = re.compile(rf"{_DATE}(?:T{_TIME}{_ZONE})?)?)?", re.ASCII).fullmatch
_instant = re.compile(
    rf"(?!0000)(\d{{4}})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T{_TIME}{_ZONE}", re.ASCII
).fullmatch
#: Allowed characters of a string, with something else than spaces: no control, no half surrogate.
_string = re.compile(r"(?=\s*\S)[\t\n\r\x20-\ud7ff\ue000-\U0010ffff]+").fullmatch

#: RFC 4648 section 4.
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_PADDINGS = (b"", b"=", b"==")

#: Largest value of `integer` and its kin (32 bits).
_MAX = 2**31 - 1


def _text(value: object) -> Findings | None:
    if value.__class__ is not str:
        return _TYPE
    # The first test is the cheap one and true for almost every text of a message.
    if value.isprintable() and value and not value.isspace():
        return None
    if not value or value.isspace():
        return _EMPTY
    return None if _string(value) else _FORMAT


def _matching(pattern: str) -> Test:
    match = re.compile(pattern).fullmatch

    def test(value: object) -> Findings | None:
        if value.__class__ is not str:
            return _TYPE
        if match(value):
            return None
        return _FORMAT if value else _EMPTY

    return test


def _calendar(match: Callable[[str], re.Match[str] | None]) -> Test:
    def test(value: object) -> Findings | None:
        if value.__class__ is not str:
            return _TYPE
        found = match(value)
        if found is None:
            return _FORMAT if value else _EMPTY
        day = found[3]
        if day is not None and day > "28":
            year, month = int(found[1]), int(found[2])
            if int(day) > monthrange(year, month)[1]:
                return _FORMAT
        return None

    return test


def _boolean(value: object) -> Findings | None:
    return None if value is True or value is False else _TYPE


def _decimal(value: object) -> Findings | None:
    if value.__class__ is int:
        return None
    if isinstance(value, Decimal):
        return None if value.is_finite() else _FORMAT
    if value.__class__ is not float:
        return _TYPE
    # NaN and the infinities are no JSON numbers.
    return None if value - value == 0 else _FORMAT


def _between(low: int, high: int) -> Test:
    def test(value: object) -> Findings | None:
        if value.__class__ is not int:
            return _TYPE
        return None if low <= value <= high else _FORMAT

    return test


def _base64(value: object) -> Findings | None:
    if value.__class__ is not str:
        return _TYPE
    if not value:
        return _EMPTY
    # Looked at, not decoded: a document is as large as all else of its message a hundred times.
    try:
        compact = value.encode("ascii")
    except UnicodeEncodeError:
        return _FORMAT
    padding = compact.translate(None, _BASE64)
    if padding not in _PADDINGS:
        compact = b"".join(compact.split())
        padding = compact.translate(None, _BASE64)
    fits = padding in _PADDINGS and compact.endswith(padding) and len(compact) % 4 == 0
    return None if fits else _FORMAT


_WORD = r"[^\s\x00-\x1f\ud800-\udfff]+"

#: Types that are a matter of form alone.
PATTERNS: dict[str, str] = {
    "canonical": _WORD,
    "code": rf"{_WORD}(?: {_WORD})*",
    "id": r"[A-Za-z0-9\-.]{1,64}",
    "oid": r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+",
    "time": rf"(?a:{_TIME})",
    "uri": _WORD,
    "url": rf"(?:https?://[A-Za-z0-9\[]|mailto:|tel:|ftp://|mllps?://|urn:){_WORD}"
    r"|[A-Za-z0-9\-.#]+(?:/[^\s?/\x00-\x1f\ud800-\udfff]+)*",
    "uuid": r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "xhtml": r"(?s)<div[ >].*</div>",
}

#: By FHIR type name.
PRIMITIVES: dict[str, Test] = {
    "base64Binary": _base64,
    "boolean": _boolean,
    "date": _calendar(_date),
    "dateTime": _calendar(_date_time),
    "decimal": _decimal,
    "instant": _calendar(_instant),
    "integer": _between(-_MAX - 1, _MAX),
    "markdown": _text,
    "positiveInt": _between(1, _MAX),
    "string": _text,
    "unsignedInt": _between(0, _MAX),
} | {name: _matching(pattern) for name, pattern in PATTERNS.items()}
