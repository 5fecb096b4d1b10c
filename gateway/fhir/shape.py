"""The shape of a resource: elements, JSON types, cardinalities, formats, closed code lists.

Compiled per type from `fhir.elements`, cheap enough for every resource. Does not know profiles
(`fhir.profiles`) nor whether a reference resolves. `full` asks the models of `fhir.resources`;
what `check` accepts, they accept too.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from gateway.core.issues import Issue
from gateway.fhir import r4b
from gateway.fhir.elements import Element, table
from gateway.fhir.findings import (
    CHOICE,
    CODE,
    DEPTH,
    EMPTY,
    MISSING,
    REFERENCE,
    RESOURCE,
    TYPE,
    UNKNOWN,
    Findings,
    Kind,
    issue,
)
from gateway.fhir.fits import fits, reference_form
from gateway.fhir.primitives import PRIMITIVES

Json = dict[str, Any]
Test = Callable[[Any], Findings | None]

_ABSENT_MEMBER = Kind(code=TYPE.code, what=TYPE.what, fix=TYPE.fix)


def check(resource: Json) -> list[Issue]:
    """Judge the shape of a resource; empty when nothing is wrong.

    Each place is written as in FHIRPath, `Patient.name[0].given[1]`.
    """
    if fits(resource):
        return []
    try:
        found = _any_resource(resource)
    except RecursionError:
        found = (("", DEPTH),)
    if found is None:
        return []
    # A wrong name is a value of the sender and stays out of the place.
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    top = name if isinstance(name, str) and name in table().resources else "Resource"
    return [issue(f"{top}{place}", kind) for place, kind in found]


def full(resource: Json) -> list[Issue]:
    """Judge a resource with the models of `fhir.resources` R4B (slow)."""
    return r4b.full(resource)


def to_xml(resource: Json) -> str:
    """Write a resource as FHIR XML."""
    return r4b.to_xml(resource)


def from_xml(text: bytes) -> Json:
    """Read a resource from FHIR XML.

    Raises:
        ValueError: it is not the XML of a resource; says where, never what.
    """
    return r4b.from_xml(text)


def _any_resource(value: Any) -> Findings | None:
    if value.__class__ is not dict:
        return (("", TYPE),)
    name = value.get("resourceType")
    if name.__class__ is not str or name not in table().resources:
        return ((".resourceType", RESOURCE),)
    return _tests()[name](value)


@cache
def _tests() -> dict[str, Test]:
    """Compile the test of every resource, datatype and backbone element."""
    done: dict[str, Test] = {}
    for name in table().type_names:
        _object(name, done)
    return done


def _object(type_name: str, done: dict[str, Test]) -> Test:
    """Return the test of a type, compiled once; types refer to each other in circles."""
    return done.get(type_name) or _compile(type_name, done)


def _compile(type_name: str, done: dict[str, Test]) -> Test:
    elements = table().elements_of(type_name)
    tests: dict[str, Test] = {}
    required = tuple(name for name, element in elements.items() if element.required)
    choices = _choices(elements)
    is_extension = type_name == "Extension"

    def test(value: Any) -> Findings | None:
        if value.__class__ is not dict:
            return (("", TYPE),)
        found: Findings = ()
        for name, item in value.items():
            judge = tests.get(name)
            if judge is None:
                found += ((f".{name}", UNKNOWN),)
                continue
            wrong = judge(item)
            if wrong is not None:
                found += tuple((f".{name}{place}", kind) for place, kind in wrong)
        for name in required:
            if name not in value and f"_{name}" not in value:
                found += ((f".{name}", MISSING),)
        for names, is_required, group in choices:
            if names.isdisjoint(value):
                if is_required or (is_extension and "extension" not in value):
                    found += ((f".{group}[x]", MISSING),)
            elif (is_extension and "extension" in value) or _several(names, value):
                found += ((f".{group}[x]", CHOICE),)
        if not value or (len(value) == 1 and "resourceType" in value):
            found += (("", EMPTY),)
        return _without_matched_nulls(value, found) if found else None

    # Filled after `test` is known: an element may hold its own type (Extension.extension).
    done[type_name] = test
    if type_name in table().resources:
        tests["resourceType"] = _equals(type_name)
    for name, element in elements.items():
        tests[name] = _element_test(element, done)
        if element.is_primitive and element.has_companion:
            tests[f"_{name}"] = _companion(element, done)
    return test


def _several(names: frozenset[str], value: Json) -> bool:
    """Tell whether two forms of a choice are there; `valueCode` and `_valueCode` are one."""
    return len({name.lstrip("_") for name in value if name in names}) > 1


def _choices(elements: dict[str, Element]) -> tuple[tuple[frozenset[str], bool, str], ...]:
    groups: dict[str, list[str]] = {}
    for name, element in elements.items():
        if element.choice:
            groups.setdefault(element.choice, []).append(name)
    return tuple(
        (
            frozenset(names) | {f"_{name}" for name in names if elements[name].has_companion},
            any(elements[name].choice_required for name in names),
            group,
        )
        for group, names in groups.items()
    )


def _element_test(element: Element, done: dict[str, Test]) -> Test:
    single = _single(element, done)
    return _list_of(single, element.is_primitive) if element.is_list else single


def _single(element: Element, done: dict[str, Test]) -> Test:
    if element.type == "Resource":
        return _any_resource
    if element.is_primitive:
        return _code_in(element.codes) if element.codes else PRIMITIVES[element.type]
    if element.codes:
        return _concept_in(element.codes, element.system, done)
    if element.type == "Reference":
        return _reference_to(element.targets - {"Resource"}, done)
    return _object(element.type, done)


def _list_of(single: Test, is_primitive: bool) -> Test:
    def test(value: Any) -> Findings | None:
        if value.__class__ is not list:
            return (("", TYPE),)
        if not value:
            return (("", EMPTY),)
        found: Findings = ()
        for index, item in enumerate(value):
            if item is None and is_primitive:
                found += ((f"[{index}]", _ABSENT_MEMBER),)
                continue
            wrong = single(item)
            if wrong is not None:
                found += tuple((f"[{index}]{place}", kind) for place, kind in wrong)
        return found or None

    return test


def _without_matched_nulls(value: Json, found: Findings) -> Findings | None:
    """Drop findings on null members of a primitive list that have extensions instead of a value.

    FHIR R4 2.6.2.3: both lists are padded with null where only the other has something.
    """
    kept = []
    for place, kind in found:
        name, bracket, index = place.strip(".]").partition("[")
        companions = value.get(f"_{name}") if kind is _ABSENT_MEMBER and bracket else None
        if (
            isinstance(companions, list)
            and index.isdigit()
            and int(index) < len(companions)
            and companions[int(index)]
        ):
            continue
        kept.append((place, kind))
    return tuple(kept) or None


def _equals(expected: str) -> Test:
    def test(value: Any) -> Findings | None:
        return None if value == expected else (("", RESOURCE),)

    return test


def _code_in(codes: frozenset[str]) -> Test:
    def test(value: Any) -> Findings | None:
        if value.__class__ is not str:
            return (("", TYPE),)
        return None if value in codes else (("", CODE if value else EMPTY),)

    return test


def _concept_in(codes: frozenset[str], system: str, done: dict[str, Test]) -> Test:
    inner = _object("CodeableConcept", done)

    def test(value: Any) -> Findings | None:
        wrong = inner(value)
        if wrong is not None:
            return wrong
        codings = value.get("coding", ())
        if any(c.get("system") == system and c.get("code") in codes for c in codings):
            return None
        return (("", CODE),)

    return test


def _reference_to(targets: frozenset[str], done: dict[str, Test]) -> Test:
    inner = _object("Reference", done)

    def test(value: Any) -> Findings | None:
        wrong = inner(value)
        if wrong is not None:
            return wrong
        text = value.get("reference")
        if text is None:
            return None
        match = reference_form(text)
        if match is None:
            return ((".reference", REFERENCE),)
        # An absolute URL need not be one of a FHIR server: only a type we know is judged.
        kind = match[1] or (match[2] if match[2] in table().resources else None)
        return ((".reference", REFERENCE),) if targets and kind and kind not in targets else None

    return test


def _companion(element: Element, done: dict[str, Test]) -> Test:
    """Test `_name`: an Element with id or extensions, a list of them for a repeating element."""
    inner = _object("Element", done)
    if not element.is_list:
        return inner

    def test(value: Any) -> Findings | None:
        if value.__class__ is not list:
            return (("", TYPE),)
        if not any(value):
            return (("", EMPTY),)
        found: Findings = ()
        for index, item in enumerate(value):
            wrong = None if item is None else inner(item)
            if wrong is not None:
                found += tuple((f"[{index}]{place}", kind) for place, kind in wrong)
        return found or None

    return test
