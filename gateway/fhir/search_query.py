"""Read the parameters of a search into conditions (FHIR R4 search).

Refuses what it does not know, one issue per fault, and says what would work. Does not run the
search; the store does.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal

from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Condition
from gateway.fhir.search_dates import date_range
from gateway.fhir.search_table import COMMON, PARAMETERS, Parameter

Handling = Literal["strict", "lenient"]
Alternative = tuple[str | None, ...]

DEFAULT_COUNT = 50
MAX_COUNT = 200
_MAX_PARAMETERS = 30
_MAX_ALTERNATIVES = 50
_MAX_VALUE = 256

_NAME = re.compile(r"[A-Za-z_$][A-Za-z_.:-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_DATE = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(\d.*)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_ESCAPED = re.compile(r"\\([\\,|$])")


@dataclass(frozen=True, slots=True)
class Query:
    """A search that was understood.

    Attributes:
        type: searched resource type.
        conditions: what a match meets, all of them.
        count: resources per page.
        count_only: only the total is wanted.
        cursor: where the page starts in the store's order; None for the first.
        used: name and value pairs that had an effect, in the order given, for the links.
    """

    type: str
    conditions: tuple[Condition, ...]
    count: int = DEFAULT_COUNT
    count_only: bool = False
    cursor: str | None = None
    used: tuple[tuple[str, str], ...] = ()

    def page_token(self, cursor: str) -> str:
        """Return the token that continues this search at a store cursor."""
        return f"{self._seal(cursor)}.{cursor}"

    def _seal(self, cursor: str) -> str:
        """Tie a cursor to its search, so that one that was cut or moved elsewhere is noticed."""
        text = f"{self.type}\n{self.conditions}\n{cursor}"
        return blake2b(text.encode(), digest_size=8).hexdigest()


def parse(
    type_: str,
    pairs: Sequence[tuple[str, str]],
    handling: Handling = "strict",
    base: str = "",
) -> Query:
    """Read a search.

    Args:
        type_: a type of `search_table.PARAMETERS`.
        pairs: decoded names and values of the address and the form, in order.
        handling: `lenient` leaves out what is not supported (`Prefer: handling=lenient`).
        base: address of this server; a reference below it is one of our own.

    Returns:
        The query; what was left out is missing in `used`.

    Raises:
        RejectedError: one issue per fault (RLS-FHR-060 to RLS-FHR-065).
    """
    if len(pairs) > _MAX_PARAMETERS:
        raise RejectedError([_too_costly("http.q", f"more than {_MAX_PARAMETERS} parameters.")])
    reader = _Reader(type_, base)
    for name, value in pairs:
        reader.read(name, value)
    faults = [i for i in reader.issues if i.code not in _LEFT_OUT or handling == "strict"]
    if faults:
        raise RejectedError(faults)
    return reader.query()


class _Reader:
    """Collects what each parameter of one search means."""

    def __init__(self, type_: str, base: str) -> None:
        self.type = type_
        self.own = f"{base}/"
        self.known = {p.code: p for p in (*COMMON, *PARAMETERS[type_])}
        self.conditions: list[Condition] = []
        self.used: list[tuple[str, str]] = []
        self.issues: list[Issue] = []
        self.count = DEFAULT_COUNT
        self.count_only = False
        self.token: str | None = None

    def read(self, name: str, value: str) -> None:
        """Read one parameter; what is wrong goes to `issues`."""
        control = _CONTROLS.get(name)
        issue = control(self, value) if control else self._condition(name, value)
        if issue is not None:
            self.issues.append(issue)
        elif name == "_count":
            self.used.append((name, str(self.count)))
        elif name not in ("_cursor", "_pretty"):
            self.used.append((name, value))

    def query(self) -> Query:
        """Give the whole, once every parameter was read."""
        conditions, used = tuple(self.conditions), tuple(self.used)
        found = Query(self.type, conditions, self.count, self.count_only, None, used)
        if self.token is None:
            return found
        seal, _, cursor = self.token.partition(".")
        if not cursor or found._seal(cursor) != seal:
            raise RejectedError([bad_cursor()])
        return replace(found, cursor=cursor)

    def _condition(self, name: str, value: str) -> Issue | None:
        code, colon, modifier = name.partition(":")
        where = place(name)
        if "." in name or code == "_has":
            return _not_supported(where, "Chained and reverse chained parameters are")
        if code in _UNSUPPORTED:
            return _not_supported(where, f"The result parameter {code} is")
        parameter = self.known.get(code)
        if parameter is None:
            return unknown_parameter(where, self.type, self.known)
        if not value or len(value) > _MAX_VALUE * _MAX_ALTERNATIVES or _CONTROL.search(value):
            return bad_value(where, "a text without control characters, not empty")
        if not colon:
            return self._add(parameter, where, value)
        return self._modified(parameter, modifier, where, value)

    def _modified(
        self, parameter: Parameter, modifier: str, where: str, value: str
    ) -> Issue | None:
        if modifier == "missing" and parameter.paths:
            if value not in ("true", "false"):
                return bad_value(where, "true or false")
            self.conditions.append(
                Condition(parameter.code, parameter.kind, missing=value == "true")
            )
            return None
        if modifier == "not" and parameter.kind == "token" and parameter.paths:
            return self._add(parameter, where, value, negated=True)
        if parameter.kind == "reference" and modifier in PARAMETERS:
            return self._add(parameter, where, value, type_=modifier)
        return _bad_modifier(where, parameter)

    def _add(
        self,
        parameter: Parameter,
        where: str,
        value: str,
        *,
        negated: bool = False,
        type_: str = "",
    ) -> Issue | None:
        texts = _split(value, ",")
        if len(texts) > _MAX_ALTERNATIVES:
            return _too_costly(where, f"more than {_MAX_ALTERNATIVES} values.")
        alternatives = []
        for given in texts:
            text = given.removeprefix(self.own) if parameter.kind == "reference" else given
            alternative, wanted = _READ[parameter.kind](parameter, text, type_)
            if alternative is None or len(text) > _MAX_VALUE:
                return bad_value(where, wanted)
            alternatives.append(alternative)
        self.conditions.append(
            Condition(parameter.code, parameter.kind, tuple(alternatives), negated=negated)
        )
        return None

    def _set_count(self, value: str) -> Issue | None:
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            return bad_value("http._count", "a whole number, 0 or more")
        self.count = min(int(value), MAX_COUNT)
        self.count_only = self.count_only or self.count == 0
        return None

    def _set_summary(self, value: str) -> Issue | None:
        if value not in ("count", "false"):
            return _not_supported("http._summary", "A _summary other than count and false is")
        self.count_only = self.count_only or value == "count"
        return None

    def _set_cursor(self, value: str) -> Issue | None:
        self.token = value
        return None

    def _set_sort(self, value: str) -> Issue | None:
        if value == "-_lastUpdated":
            return None
        return _not_supported("http._sort", "An order other than -_lastUpdated is")

    def _set_total(self, value: str) -> Issue | None:
        if value in ("none", "estimate", "accurate"):
            return None
        return bad_value("http._total", "none, estimate or accurate")

    def _accept(self, _value: str) -> Issue | None:
        return None


_CONTROLS = {
    "_count": _Reader._set_count,
    "_summary": _Reader._set_summary,
    "_cursor": _Reader._set_cursor,
    "_sort": _Reader._set_sort,
    "_total": _Reader._set_total,
    # Negotiated before the search is read; white space is no part of the content.
    "_format": _Reader._accept,
    "_pretty": _Reader._accept,
}
_UNSUPPORTED = {
    "_include",
    "_revinclude",
    "_elements",
    "_contained",
    "_containedType",
    "_filter",
    "_query",
    "_list",
    "_content",
    "_text",
}


def _split(text: str, separator: str) -> list[str]:
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


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _token(parameter: Parameter, text: str, _type: str) -> tuple[Alternative | None, str]:
    if parameter.code == "_id":
        return ((None, text) if _ID.fullmatch(text) else None), "an id"
    wanted = "code, system|code, |code or system|"
    system, *codes = _split(text, "|")
    if len(codes) > 1 or not text.strip("|"):
        return None, wanted
    if not codes:
        return (None, _plain(system)), wanted
    return (_plain(system), _plain(codes[0]) or None), wanted


def _reference(parameter: Parameter, text: str, type_: str) -> tuple[Alternative | None, str]:
    wanted = "id, Type/id or an absolute address"
    text = _plain(text)
    if "://" in text or text.startswith("urn:"):
        return (None, text), wanted
    before, slash, id_ = text.rpartition("/")
    named = before or type_ or parameter.target or None
    wrong = (slash and before not in PARAMETERS) or (type_ and named != type_)
    if wrong or not _ID.fullmatch(id_):
        return None, wanted
    return (named, id_), wanted


def _date(_parameter: Parameter, text: str, _type: str) -> tuple[Alternative | None, str]:
    wanted = (
        "a date such as 2026, 2026-03, 2026-03-08 or 2026-03-08T00:30:00+01:00, after "
        "one of eq ne gt lt ge le sa eb or nothing"
    )
    form = _DATE.fullmatch(text)
    # An unescaped plus in an address arrives as a space.
    found = date_range(form[2].replace(" ", "+")) if form else None
    if form is None or found is None:
        return None, wanted
    return (form[1] or "eq", *found), wanted


_READ = {"token": _token, "reference": _reference, "date": _date}


def place(name: str) -> str:
    """Name a parameter in an issue; anything that does not look like a name stays out."""
    return f"http.{name}" if _NAME.fullmatch(name) else "http.q"


def unknown_parameter(where: str, searched: str, known: Iterable[str]) -> Issue:
    """Say that a parameter is not known here, and which ones are."""
    return Issue(
        code="RLS-FHR-060",
        severity=Severity.ERROR,
        where=where,
        what=f"This is no parameter of {searched} here.",
        fix=f"Use one of {', '.join(sorted(known))}, or send Prefer: handling=lenient.",
    )


def _bad_modifier(where: str, parameter: Parameter) -> Issue:
    supported = {
        "token": ":missing and :not",
        "reference": ":missing and a resource type",
        "date": ":missing",
    }
    accepted = supported[parameter.kind] if parameter.paths else "no modifier"
    return Issue(
        code="RLS-FHR-061",
        severity=Severity.ERROR,
        where=where,
        what="This modifier is not supported here.",
        fix=f"{parameter.code} takes {accepted}.",
    )


def bad_value(where: str, wanted: str) -> Issue:
    """Say that the value of a parameter cannot be read, and what can."""
    return Issue(
        code="RLS-FHR-062",
        severity=Severity.ERROR,
        where=where,
        what="The value cannot be read.",
        fix=f"Give {wanted}.",
    )


def _not_supported(where: str, what: str) -> Issue:
    return Issue(
        code="RLS-FHR-063",
        severity=Severity.ERROR,
        where=where,
        what=f"{what} not supported.",
        fix="Search with the parameters listed in the CapabilityStatement (metadata), by value.",
    )


def _too_costly(where: str, what: str) -> Issue:
    return Issue(
        code="RLS-FHR-064",
        severity=Severity.ERROR,
        where=where,
        what=f"The search has {what}",
        fix="Split it into several searches.",
    )


def bad_cursor() -> Issue:
    """Say that a page does not belong to the search it is asked of."""
    return Issue(
        code="RLS-FHR-065",
        severity=Severity.ERROR,
        where="http._cursor",
        what="This page does not belong to this search.",
        fix="Follow the next link as it was given, or start the search again without _cursor.",
    )


#: What `handling=lenient` leaves out; a value that cannot be read is refused always, because
#: leaving it out would answer with more than was asked for.
_LEFT_OUT = frozenset({"RLS-FHR-060", "RLS-FHR-061", "RLS-FHR-063"})
