"""Search (FHIR R4 search): the index entries of a resource, and `parse` for queries.

The table of parameters is `fhir.search_table`; the store keeps the entries and answers conditions.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from gateway.core.contributions import Json
from gateway.core.index_ports import IndexEntry
from gateway.fhir.search_dates import value_ranges
from gateway.fhir.search_numbers import quantity_range
from gateway.fhir.search_query import Query, parse
from gateway.fhir.search_table import INDEXED, Parameter
from gateway.fhir.search_words import beside, fold, spoken, starts

__all__ = ["MARK", "Query", "index", "parse"]

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
        found = _below(values, rest) if rest else values
        if None in found:
            # A primitive of a list may have extensions only (FHIR R4 2.6.2.1).
            found = [one for one in found if one is not None]
        extract(found, entries)
    if resource["resourceType"] == "Patient" and not _LIFE.intersection(resource):
        # Spec: FHIR R4 SearchParameter/Patient-deceased: false where nothing is said.
        entries.append(_ALIVE)
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


_LIFE = frozenset({"deceasedBoolean", "deceasedDateTime"})
_ALIVE = IndexEntry("deceased", "", "false")

#: Longer texts are not remembered: what is kept in memory stays small whatever is sent.
_REMEMBERED = 200
#: Systems and codes come with every message.
_known = lru_cache(maxsize=8192)(IndexEntry)


def _entry(code: str, system: str, value: str, words: str = "") -> IndexEntry:
    make = _known if len(system) + len(value) < _REMEMBERED else IndexEntry
    return make(code, system, value, "", words)


def _token(parameter: Parameter) -> Extract:
    code, system = parameter.code, parameter.system

    def extract(values: Sequence[Any], entries: list[IndexEntry]) -> None:
        for value in values:
            if type(value) is str:
                entries.append(_entry(code, system, value))
            elif type(value) is bool:
                entries.append(_entry(code, "", "true" if value else "false"))
            elif "coding" in value:
                text = value.get("text", "")
                for coding in value["coding"]:
                    words = spoken((coding.get("display", ""), text))
                    entries.append(
                        _entry(code, coding.get("system", ""), coding.get("code", ""), words)
                    )
            elif text := value.get("code"):
                words = spoken((value.get("display", ""),))
                entries.append(_entry(code, value.get("system", ""), text, words))
            elif text := value.get("value"):
                # An Identifier; its numbers hardly come again.
                words = _kind_of_identifier(value.get("type"))
                entries.append(IndexEntry(code, value.get("system", ""), text, "", words))
            else:
                # A concept with text only.
                entries.append(IndexEntry(code, high=spoken((value.get("text", ""),))))

    return extract


def _kind_of_identifier(type_: dict[str, Any] | None) -> str:
    """Return the words of Identifier.type and its codes, for `:text` and `:of-type`."""
    if not type_:
        return ""
    codings = type_.get("coding", ())
    words = spoken([*(coding.get("display", "") for coding in codings), type_.get("text", "")])
    codes = (beside(coding.get("system", ""), coding.get("code", "")) for coding in codings)
    return words + "".join(codes)


def _deceased(parameter: Parameter) -> Extract:
    def extract(values: Sequence[Any], entries: list[IndexEntry]) -> None:
        for value in values:
            entries.append(_entry(parameter.code, "", "false" if value is False else "true"))

    return extract


def _string(parameter: Parameter) -> Extract:
    code, by_part = parameter.code, parameter.by_part

    def extract(values: Sequence[Any], entries: list[IndexEntry]) -> None:
        for value in values:
            for text in _name_parts(value) if type(value) is dict else (value,):
                first, *others = (starts(text) if by_part else [fold(text)]) or [""]
                # What was written is beside the whole, for `:exact`.
                entries.append(IndexEntry(code, text, first))
                entries += [IndexEntry(code, "", other) for other in others]

    return extract


def _name_parts(name: dict[str, Any]) -> list[str]:
    """Return the parts of a HumanName (FHIR R4 search, string)."""
    single = [name[part] for part in ("family", "text") if name.get(part)]
    lists = [name.get(part) or () for part in ("given", "prefix", "suffix")]
    return [*single, *(text for texts in lists for text in texts if text)]


def _uri(parameter: Parameter) -> Extract:
    code = parameter.code

    def extract(values: Sequence[Any], entries: list[IndexEntry]) -> None:
        entries += [_entry(code, "", value) for value in values]

    return extract


def _quantity(parameter: Parameter) -> Extract:
    code = parameter.code

    def extract(values: Sequence[Any], entries: list[IndexEntry]) -> None:
        for value in values:
            span = quantity_range(value)
            if span is not None:
                # FHIR R4 3.1.1.4.11: a unit is searched by its code or as it is written.
                units = dict.fromkeys((value.get("code", ""), value.get("unit", "")))
                system = value.get("system", "")
                entries += [IndexEntry(code, system, unit, *span) for unit in units]

    return extract


def _reference(parameter: Parameter) -> Extract:
    code, target = parameter.code, parameter.target

    def extract(values: Sequence[Any], entries: list[IndexEntry]) -> None:
        for value in values:
            text = value.get("reference", "")
            find = _known_reference if len(text) < _REMEMBERED else _reference_entry
            entry = find(code, target, text, value.get("type", ""))
            if entry is None:
                continue
            if named := value.get("identifier"):
                words = beside(named.get("system", ""), named.get("value", ""))
                entry = entry._replace(high=words)
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


_EXTRACTORS = {
    "token": _token,
    "reference": _reference,
    "date": _date,
    "string": _string,
    "uri": _uri,
    "quantity": _quantity,
}


def _plan(parameters: tuple[Parameter, ...]) -> tuple[tuple[str, tuple[str, ...], Extract], ...]:
    steps = []
    for parameter in parameters:
        make = _deceased if parameter.code == "deceased" else _EXTRACTORS[parameter.kind]
        extract = make(parameter)
        for path in parameter.paths:
            root, *rest = path.split(".")
            steps.append((root, tuple(rest), extract))
    return tuple(steps)


#: Changed by hand when values of a parameter are made otherwise than before.
_FORM = 1
#: Which parameters a resource is indexed by: equal texts, equal entries.
MARK = hashlib.sha256(repr((_FORM, sorted(INDEXED.items()))).encode()).hexdigest()
_PLANS = {type_: _plan(parameters) for type_, parameters in INDEXED.items()}
