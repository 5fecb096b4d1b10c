"""Where in a resource a path of FHIRPath Patch leads (FHIR R4 fhirpatch; FHIRPath N1).

A path is walked here, because a patch needs the place and an engine gives the value. Steps: names,
`[n]`, `first()`, `last()`, `single()`, `where(...)`, `ofType(T)`, `extension('url')`; what stands
inside `where` is asked of the engine (`fhir.fhirpath`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.contributions import Json
from gateway.fhir import fhirpath
from gateway.fhir.elements import Element, table
from gateway.fhir.patch_json import CannotError

_STEP = re.compile(r"(`?)([A-Za-z_$%][A-Za-z0-9_]*)\1(?:\((.*)\))?((?:\[\d{1,6}\])*)", re.DOTALL)
_MOST = 1000
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Place:
    """A value and where it stands.

    Attributes:
        owner: the object that holds it; None for the resource itself.
        name: of the element in it.
        index: in the list; None for an element that does not repeat.
        value: what stands there.
        type: of the value.
    """

    owner: Json | None
    name: str
    index: int | None
    value: Any
    type: str


def find(resource: Json, path: str) -> list[Place]:
    """Return every place a path leads to.

    Raises:
        CannotError: the path is not understood.
    """
    return _walk(resource, steps_of(path))


def find_holder(resource: Json, path: str) -> tuple[Place, str]:
    """Return the one element that holds a list, and the name of the list.

    Raises:
        CannotError: the path is not understood, or does not end with the name of a list of one
            element.
    """
    steps = steps_of(path)
    match = _STEP.fullmatch(steps[-1])
    if len(steps) < 2 or match is None or match[3] is not None or match[4]:
        msg = "the path does not end with the name of a list"
        raise CannotError(msg)
    return one(_walk(resource, steps[:-1])), match[2]


def one(places: Sequence[Place]) -> Place:
    """Return the only place.

    Raises:
        CannotError: there is none, or more than one.
    """
    if len(places) != 1:
        found = "more than one element" if places else "no element"
        msg = f"the path finds {found}"
        raise CannotError(msg)
    return places[0]


def form_of(type_: str, name: str, given: str) -> tuple[str, Element]:
    """Return the name under which a value of a FHIR type is written, with its element.

    Args:
        type_: of the object that holds it.
        name: of the element; a choice without its type (`value`) or with it.
        given: FHIR type of the value; empty when it is said in parts.

    Raises:
        CannotError: the type has no such element.
    """
    known = table().elements_of(type_) if type_ in table().type_names else {}
    if name in known:
        return name, known[name]
    formed = f"{name}{given[:1].upper()}{given[1:]}"
    if formed in known and known[formed].choice == name:
        return formed, known[formed]
    msg = "the element has no such part"
    raise CannotError(msg)


def steps_of(path: str) -> list[str]:
    """Split a path at the dots between its steps.

    Raises:
        CannotError: a bracket or a quote is not closed, or it is too long.
    """
    steps, depth, quote, current = [""], 0, "", ""
    if len(path) > _LONGEST:
        msg = "the path is too long"
        raise CannotError(msg)
    for sign in path.strip():
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'`\"":
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        if sign == "." and not depth and not quote:
            steps.append("")
        else:
            steps[-1] += sign
        current = sign
    if depth or quote or not current:
        msg = "the path is not complete"
        raise CannotError(msg)
    return [step.strip() for step in steps]


def _walk(resource: Json, steps: Sequence[str]) -> list[Place]:
    top = str(resource.get("resourceType", ""))
    places = [Place(None, "", None, resource, top)]
    first, *rest = steps
    for step in rest if first in (top, "%resource", "$this", "Resource") else steps:
        match = _STEP.fullmatch(step)
        if match is None:
            msg = "the path is not understood"
            raise CannotError(msg)
        if match[3] is None:
            places = [found for place in places for found in _children(place, match[2])]
        else:
            places = _filtered(resource, places, match[2], match[3].strip())
        for number in re.findall(r"\d+", match[4]):
            places = places[int(number) : int(number) + 1]
        if len(places) > _MOST:
            msg = "the path finds too much"
            raise CannotError(msg)
    return places


def _children(place: Place, name: str) -> list[Place]:
    if not isinstance(place.value, dict):
        return []
    known = table().elements_of(place.type) if place.type in table().type_names else {}
    names = [name] if name in known else [n for n, e in known.items() if e.choice == name]
    if not names:
        msg = "the element has no such part"
        raise CannotError(msg)
    found: list[Place] = []
    for one_ in names:
        value = place.value.get(one_)
        if isinstance(value, list):
            found += [
                Place(place.value, one_, index, item, _type(known[one_], item))
                for index, item in enumerate(value)
            ]
        elif value is not None:
            found.append(Place(place.value, one_, None, value, _type(known[one_], value)))
    return found


def _type(element: Element, value: Any) -> str:
    if element.type == "Resource" and isinstance(value, dict):
        return str(value.get("resourceType", ""))
    return element.type


def _filtered(resource: Json, places: list[Place], function: str, inside: str) -> list[Place]:
    if function in ("first", "last", "single") and not inside:
        if function == "single" and len(places) > 1:
            msg = "the path finds more than one element"
            raise CannotError(msg)
        return places[-1:] if function == "last" else places[:1]
    if function == "ofType":
        return [place for place in places if place.type == inside.rpartition(".")[2]]
    if function == "extension":
        found = [child for place in places for child in _children(place, "extension")]
        url = inside.strip("'\"")
        return [place for place in found if place.value.get("url") == url]
    if function != "where" or not inside:
        msg = "the path uses a function that is not supported"
        raise CannotError(msg)
    kept = []
    for place in places:
        chosen = fhirpath.selects(inside, place.value, place.type, resource)
        if chosen is None:
            msg = "the criteria of the path are not understood"
            raise CannotError(msg)
        if chosen:
            kept.append(place)
    return kept
