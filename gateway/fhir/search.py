"""Search (FHIR R4 search): the index entries of a resource, and `parse` for queries.

The table of parameters is `fhir.search_table`; the store keeps the entries and answers conditions.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from gateway.core.contributions import Json
from gateway.core.ports import IndexEntry
from gateway.fhir.search_dates import value_ranges
from gateway.fhir.search_query import Query, parse
from gateway.fhir.search_table import PARAMETERS, Parameter

__all__ = ["Query", "index", "parse"]

#: Adds the entries of the values of one element.
Extract = Callable[[Sequence[Any], list[IndexEntry]], None]


def index(resource: Json) -> tuple[IndexEntry, ...]:
    """Return the searchable values of a resource; none for a type that is not searched.

    An element that is there without a searchable value (a reference by identifier, a concept with
    text only) gives an entry without value, so that `:missing` tells the truth.
    """
    entries: list[IndexEntry] = []
    for root, rest, extract in _PLANS.get(resource["resourceType"], ()):
        value = resource.get(root)
        if value is None:
            continue
        values = value if type(value) is list else (value,)
        extract(_below(values, rest) if rest else values, entries)
    # One value may be said twice, by one element or by two that feed one parameter.
    return tuple(dict.fromkeys(entries))


def _below(values: Sequence[Any], path: tuple[str, ...]) -> Sequence[Any]:
    """Return every value at `path` below an element, through lists."""
    found = values
    for name in path:
        step: list[Any] = []
        for item in found:
            child = item.get(name)
            if type(child) is list:
                step += child
            elif child is not None:
                step.append(child)
        found = step
    return found


#: Longer texts are not remembered: what is kept in memory stays small whatever is sent.
_REMEMBERED = 200
#: Systems and codes come with every message.
_known = lru_cache(maxsize=8192)(IndexEntry)


def _entry(code: str, system: str, value: str) -> IndexEntry:
    make = _known if len(system) + len(value) < _REMEMBERED else IndexEntry
    return make(code, system, value)


def _token(parameter: Parameter) -> Extract:
    code, system = parameter.code, parameter.system

    def extract(values: Sequence[Any], entries: list[IndexEntry]) -> None:
        for value in values:
            if type(value) is str:
                entries.append(_entry(code, system, value))
            elif type(value) is bool:
                entries.append(_entry(code, "", "true" if value else "false"))
            elif "coding" in value:
                for coding in value["coding"]:
                    entries.append(_entry(code, coding.get("system", ""), coding.get("code", "")))
            elif text := value.get("code"):
                entries.append(_entry(code, value.get("system", ""), text))
            elif text := value.get("value"):
                # An Identifier; its numbers hardly come again.
                entries.append(IndexEntry(code, value.get("system", ""), text))
            else:
                # A concept with text only.
                entries.append(IndexEntry(code))

    return extract


def _reference(parameter: Parameter) -> Extract:
    code, target = parameter.code, parameter.target

    def extract(values: Sequence[Any], entries: list[IndexEntry]) -> None:
        for value in values:
            text = value.get("reference", "")
            find = _known_reference if len(text) < _REMEMBERED else _reference_entry
            if entry := find(code, target, text, value.get("type", "")):
                entries.append(entry)

    return extract


def _reference_entry(code: str, target: str, reference: str, said: str) -> IndexEntry | None:
    """Return the entry of a reference, None when it points to a type that does not count."""
    type_, id_ = _split_reference(reference)
    if target and (type_ or said or target) != target:
        return None
    return IndexEntry(code, type_, id_)


#: The resources one message speaks about come in many of its references.
_known_reference = lru_cache(maxsize=16384)(_reference_entry)


def _split_reference(reference: str) -> tuple[str, str]:
    """Split `Type/id`; an absolute address keeps its whole text as id, `#contained` has none."""
    type_, slash, id_ = reference.partition("/")
    if slash and ":" not in type_ and not type_.startswith("#"):
        return type_, id_.partition("/_history/")[0]
    if reference.startswith("#"):
        return "", ""
    parts = reference.partition("/_history/")[0].rsplit("/", 2)
    return (parts[1], reference) if len(parts) == 3 else ("", reference)


def _date(parameter: Parameter) -> Extract:
    code = parameter.code

    def extract(values: Sequence[Any], entries: list[IndexEntry]) -> None:
        for value in values:
            for low, high in value_ranges(value):
                entries.append(IndexEntry(code, "", "", low, high))

    return extract


_EXTRACTORS = {"token": _token, "reference": _reference, "date": _date}


def _plan(parameters: tuple[Parameter, ...]) -> tuple[tuple[str, tuple[str, ...], Extract], ...]:
    steps = []
    for parameter in parameters:
        extract = _EXTRACTORS[parameter.kind](parameter)
        for path in parameter.paths:
            root, *rest = path.split(".")
            steps.append((root, tuple(rest), extract))
    return tuple(steps)


_PLANS = {type_: _plan(parameters) for type_, parameters in PARAMETERS.items()}
