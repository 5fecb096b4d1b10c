"""Read what a search wants of its results: order, size, form, and what else is to be there.

Spec: FHIR R4 search 3.1.1.5 (managing returned resources). Does not run anything.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.core.issues import Issue
from gateway.core.ports import Sort
from gateway.fhir.elements import table
from gateway.fhir.search_faults import bad_value, not_supported, too_costly
from gateway.fhir.search_table import PARAMETERS, parameters_of

DEFAULT_COUNT = 50
MAX_COUNT = 200
_MAX_KEYS = 4
_MAX_INCLUDES = 20
SUMMARIES = ("true", "text", "data", "count", "false")
TOTALS = ("none", "estimate", "accurate")


@dataclass(frozen=True, slots=True)
class Include:
    """Resources that are to be there beside the matches.

    Attributes:
        type: resource type that holds the reference; `*` for every one.
        code: reference parameter of that type; `*` for every one.
        target: only resources of this type are added; empty for all.
        reverse: what points to the found ones is added, not what they point to.
        iterate: looked for in what was added as well.
    """

    type: str
    code: str
    target: str = ""
    reverse: bool = False
    iterate: bool = False


@dataclass(slots=True)
class Wanted:
    """What one search wants of its results.

    Attributes:
        count: resources per page.
        count_only: only the total is wanted.
        total: one of `TOTALS`; empty: counted as far as that costs little.
        sort: keys of the order; none for the newest first.
        includes: what else is to be there.
        elements: the only elements wanted, in the form `name` or `Type.name`; empty for all.
        summary: one of `SUMMARIES`; empty for `false`.
    """

    count: int = DEFAULT_COUNT
    count_only: bool = False
    total: str = ""
    sort: list[Sort] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    summary: str = ""


def read_count(value: str) -> int | None:
    """Return how many are wanted on a page, capped; None when it is no number."""
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        return None
    return min(int(value), MAX_COUNT)


def read_elements(value: str, types: Iterable[str]) -> list[str] | None:
    """Return the names of `_elements`; None when one of these types has no such element."""
    names = [name.strip() for name in value.split(",")]
    for name in names:
        owner, dot, element = name.rpartition(".")
        if dot and owner not in PARAMETERS:
            return None
        if not any(element in _names(type_) for type_ in ([owner] if dot else types)):
            return None
    return names


def _names(type_: str) -> set[str]:
    """Return the elements of a type, a choice under its name without type too."""
    found = table().elements_of(type_)
    return {*found, *(element.choice for element in found.values() if element.choice)}


def control(name: str, value: str, type_: str, wanted: Wanted) -> Issue | None:
    """Read one result parameter into `wanted`; what is wrong is returned.

    Raises:
        KeyError: this is no result parameter.
    """
    return _CONTROLS[name.partition(":")[0]](name, value, type_, wanted)


def is_control(name: str) -> bool:
    """Tell whether a parameter is about the results."""
    return name.partition(":")[0] in _CONTROLS


def _count(_name: str, value: str, _type: str, wanted: Wanted) -> Issue | None:
    count = read_count(value)
    if count is None:
        return bad_value("http._count", "a whole number, 0 or more")
    wanted.count = count
    wanted.count_only = wanted.count_only or count == 0
    return None


def _summary(_name: str, value: str, _type: str, wanted: Wanted) -> Issue | None:
    if value not in SUMMARIES:
        return bad_value("http._summary", ", ".join(SUMMARIES))
    wanted.count_only = wanted.count_only or value == "count"
    wanted.summary = value if value in ("true", "text", "data") else ""
    return None


def _total(_name: str, value: str, _type: str, wanted: Wanted) -> Issue | None:
    if value not in TOTALS:
        return bad_value("http._total", ", ".join(TOTALS))
    wanted.total = value
    return None


def _elements(_name: str, value: str, type_: str, wanted: Wanted) -> Issue | None:
    found = read_elements(value, [type_])
    if found is None:
        return bad_value("http._elements", f"names of elements of {type_}, separated by commas")
    wanted.elements += found
    return None


def _contained(_name: str, value: str, _type: str, _wanted: Wanted) -> Issue | None:
    if value == "false":
        return None
    return not_supported("http._contained", "A _contained other than false is")


def _sort(_name: str, value: str, type_: str, wanted: Wanted) -> Issue | None:
    known = parameters_of(type_)
    for text in value.split(","):
        key = text.removeprefix("-")
        parameter = known.get(key)
        if parameter is None:
            return bad_value("http._sort", f"one of {', '.join(known)}, after - or nothing")
        wanted.sort.append(Sort(key, parameter.kind, descending=text.startswith("-")))
    if len(wanted.sort) > _MAX_KEYS:
        return too_costly("http._sort", f"more than {_MAX_KEYS} sort keys.")
    return None


def _include(name: str, value: str, type_: str, wanted: Wanted) -> Issue | None:
    code, _, modifier = name.partition(":")
    if modifier not in ("", "iterate"):
        return bad_value(f"http.{code}", "this parameter without modifier or with :iterate")
    reverse = code == "_revinclude"
    found = _read_include(value, type_, reverse, iterate=bool(modifier))
    if found is None:
        return bad_value(f"http.{code}", "Type:parameter or Type:parameter:TargetType")
    wanted.includes.append(found)
    if len(wanted.includes) > _MAX_INCLUDES:
        return too_costly(f"http.{code}", f"more than {_MAX_INCLUDES} of these parameters.")
    return None


def _read_include(value: str, searched: str, reverse: bool, *, iterate: bool) -> Include | None:
    """Read `Type:parameter[:TargetType]`, `Type:*` or `*`; None when there is no such thing."""
    if value == "*" and not reverse:
        return Include(searched, "*", "", reverse, iterate)
    type_, *rest = value.split(":")
    if type_ not in PARAMETERS or not 1 <= len(rest) <= 2:
        return None
    # FHIR R4 3.1.1.5.3: without iterate an include starts from the matches.
    if not reverse and not iterate and type_ != searched:
        return None
    code, target = rest[0], rest[1] if len(rest) == 2 else ""
    known = {p.code for p in PARAMETERS[type_] if p.kind == "reference"}
    if (code not in known and code != "*") or (target and target not in PARAMETERS):
        return None
    return Include(type_, code, target, reverse, iterate)


def _accept(_name: str, _value: str, _type: str, _wanted: Wanted) -> Issue | None:
    return None


_CONTROLS: dict[str, Callable[[str, str, str, Wanted], Issue | None]] = {
    "_count": _count,
    "_summary": _summary,
    "_sort": _sort,
    "_total": _total,
    "_elements": _elements,
    "_contained": _contained,
    "_include": _include,
    "_revinclude": _include,
    # Negotiated before the search is read; white space is no part of the content.
    "_format": _accept,
    "_pretty": _accept,
}
