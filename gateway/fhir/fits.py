"""The quick yes: whether a resource certainly has a good shape, before anybody looks for faults.

Nearly every resource is in order, and saying so needs neither places nor kinds of findings. A
yes here means that `fhir.shape` finds nothing; a no means nothing at all: `fhir.shape` judges.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from gateway.fhir.elements import Element, table
from gateway.fhir.primitives import PATTERNS, PRIMITIVES

#: Truthy for a value that is certainly right; may raise `_UNSURE` on one of the wrong kind.
Fits = Callable[[Any], Any]
#: The test of an element, or of each of its members when it repeats.
_Member = tuple[Fits, bool]

_UNSURE = (TypeError, KeyError, AttributeError, RecursionError)
#: Longer texts are judged each time: what is remembered stays small whatever is sent.
_REMEMBERED = 200
_MOST = 8192
#: Texts said again by every message: systems, codes, profiles, a few instants. A text never equals
#: a number, so that what is remembered of one says nothing wrong of another.
_REPEATED = frozenset({"canonical", "code", "date", "dateTime", "instant", "oid", "uri", "url"})

_ID = r"[A-Za-z0-9\-.]{1,64}"
#: What a reference may look like; the first or second group is the type it points to.
reference_form = re.compile(
    rf"([A-Z][A-Za-z]+)/{_ID}(?:/_history/{_ID})?(?:#\S*)?"
    rf"|https?://[^\s#]+/([A-Z][A-Za-z]+)/{_ID}(?:/_history/{_ID})?(?:#\S*)?"
    rf"|#(?:{_ID})?|urn:(?:uuid|oid):\S+|https?://\S+"
).fullmatch


def fits(resource: Any) -> bool:
    """Tell whether a resource certainly has the shape of its type; False decides nothing."""
    try:
        return bool(_any_resource(resource))
    except _UNSURE:
        # A value of an unexpected kind or an unknown element: the careful judge names it.
        return False


def _any_resource(value: Any) -> Any:
    return len(value) > 1 and _resources()[value["resourceType"]](value)


@cache
def _resources() -> dict[str, Fits]:
    """Compile the predicate of every resource type."""
    done: dict[str, Fits] = {}
    return {name: _object(name, done) for name in table().resources}


def _object(type_name: str, done: dict[str, Fits]) -> Fits:
    """Return the predicate of a type, compiled once; types refer to each other in circles."""
    if type_name in done:
        return done[type_name]
    elements = table().elements_of(type_name)
    tests: dict[str, _Member] = {}
    required = frozenset(name for name, element in elements.items() if element.required)
    if type_name == "Extension":
        predicate = _extension(tests, elements)
    elif groups := _choices(elements):
        predicate = _with_choices(tests, required, groups)
    else:
        predicate = _members(tests, required)
    # Filled after the predicate is known: an element may hold its own type.
    done[type_name] = predicate
    if type_name in table().resources:
        tests["resourceType"] = bool, False
    for name, element in elements.items():
        tests[name] = _single(element, done), element.is_list
        if element.is_primitive and element.has_companion and not element.is_list:
            tests[f"_{name}"] = _object("Element", done), False
    return predicate


def _members(tests: dict[str, _Member], required: frozenset[str]) -> Fits:
    def fits_all(value: Any) -> bool:
        if value.__class__ is not dict or not value:
            return False
        for name, item in value.items():
            test, repeats = tests[name]
            if not repeats:
                if not test(item):
                    return False
            elif item.__class__ is not list or not item:
                return False
            else:
                for one in item:
                    if not test(one):
                        return False
        return not required or required <= value.keys()

    return fits_all


def _with_choices(
    tests: dict[str, _Member],
    required: frozenset[str],
    groups: tuple[tuple[frozenset[str], bool], ...],
) -> Fits:
    members = _members(tests, required)

    def fits_one_form(value: Any) -> bool:
        if not members(value):
            return False
        for names, is_required in groups:
            if names.isdisjoint(value):
                if is_required:
                    return False
            elif len(names.intersection(value)) > 1:
                return False
        return True

    return fits_one_form


def _choices(elements: dict[str, Element]) -> tuple[tuple[frozenset[str], bool], ...]:
    groups: dict[str, set[str]] = {}
    required: set[str] = set()
    for name, element in elements.items():
        if element.choice:
            groups.setdefault(element.choice, set()).update((name, f"_{name}"))
            if element.choice_required:
                required.add(element.choice)
    return tuple((frozenset(names), group in required) for group, names in groups.items())


def _extension(tests: dict[str, _Member], elements: dict[str, Element]) -> Fits:
    """Judge the usual extension: an address, and one value or further extensions."""
    second = {name for name, element in elements.items() if element.choice} | {"extension"}

    def fits_extension(value: Any) -> bool:
        if value.__class__ is not dict or len(value) != 2 or not tests["url"][0](value["url"]):
            return False
        for name, item in value.items():
            if name == "url":
                continue
            if name != "extension":
                return name in second and bool(tests[name][0](item))
            return item.__class__ is list and bool(item) and all(map(fits_extension, item))
        return False

    return fits_extension


def _single(element: Element, done: dict[str, Fits]) -> Fits:
    if element.type == "Resource":
        return _any_resource
    if element.is_primitive:
        return element.codes.__contains__ if element.codes else _primitive(element.type)
    if element.codes:
        return _concept_in(element.codes, element.system, done)
    if element.type == "Reference":
        return _reference_to(element.targets - {"Resource"}, done)
    return _object(element.type, done)


@cache
def _primitive(type_name: str) -> Fits:
    test = PRIMITIVES[type_name]
    if type_name == "id":
        return re.compile(PATTERNS[type_name]).fullmatch
    if type_name == "string":
        return _is_plain
    if type_name not in _REPEATED:
        return lambda value: test(value) is None
    return _Remembered(test).__getitem__


class _Remembered(dict[str, bool]):
    """Texts judged before: one of them costs a look into a dict and no call of a function."""

    def __init__(self, test: Callable[[Any], Any]) -> None:
        super().__init__()
        self._test = test

    def __missing__(self, text: str) -> bool:
        is_right = self._test(text) is None
        if len(text) < _REMEMBERED:
            if len(self) >= _MOST:
                self.clear()
            self[text] = is_right
        return is_right


def _is_plain(value: Any) -> bool:
    return value.__class__ is str and value.isprintable() and value != "" and not value.isspace()


def _concept_in(codes: frozenset[str], system: str, done: dict[str, Fits]) -> Fits:
    inner = _object("CodeableConcept", done)

    def fits_concept(value: Any) -> bool:
        return inner(value) and any(
            coding.get("system") == system and coding.get("code") in codes
            for coding in value.get("coding", ())
        )

    return fits_concept


def _reference_to(targets: frozenset[str], done: dict[str, Fits]) -> Fits:
    inner = _object("Reference", done)

    def fits_reference(value: Any) -> bool:
        text = value.get("reference")
        if text is None:
            return bool(inner(value))
        if len(text) > _REMEMBERED or (len(value) > 1 and not inner(value)):
            return False
        kind = _kind_of(text)
        return kind is not None and (not kind or not targets or kind in targets)

    return fits_reference


@lru_cache(maxsize=8192)
def _kind_of(text: str) -> str | None:
    """Return the type a reference names, empty when none that we know, None when ill-formed."""
    match = reference_form(text)
    if match is None or not _is_plain(text):
        return None
    if match[1]:
        return match[1]
    return match[2] if match[2] in table().resources else ""
