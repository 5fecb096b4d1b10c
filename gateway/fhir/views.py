"""What a client sees of a resource when it asks for less than the whole (FHIR R4 search 3.1.1.5).

A reduced resource is tagged SUBSETTED and claims no profile, whose required elements may be gone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.core.contributions import Json
from gateway.fhir.bundle import read_exact, to_bytes
from gateway.fhir.elements import Element, table

SUBSETTED: Json = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
_ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules", "modifierExtension", "status"})


@dataclass(frozen=True, slots=True)
class View:
    """Which part of a resource is wanted.

    Attributes:
        summary: `true`, `text` or `data`; empty for the whole.
        elements: the only elements wanted, `name` or `Type.name`; empty for all.
    """

    summary: str = ""
    elements: Sequence[str] = ()

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is left out."""
        return not self.summary and not self.elements


def reduce(body: bytes, view: View) -> bytes:
    """Return the JSON of a resource as the view has it; decimals keep their digits."""
    if view.is_whole:
        return body
    resource = read_exact(body)
    wanted = _wanted(resource["resourceType"], view)
    if wanted is None:
        return body
    kept = {name: value for name, value in resource.items() if name.lstrip("_") in wanted}
    meta = kept.get("meta", {})
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != SUBSETTED["code"]]
    told = {name: value for name, value in meta.items() if name != "profile"}
    head: Json = {name: kept.pop(name) for name in ("resourceType", "id") if name in kept}
    return to_bytes({**head, **kept, "meta": {**told, "tag": [*tags, SUBSETTED]}})


def _wanted(type_: str, view: View) -> frozenset[str] | None:
    """Return the elements that stay; None when the view says nothing about this type."""
    known = table()
    elements = known.elements_of(type_) if type_ in known.resources else {}
    if view.elements:
        named = {name.rpartition(".")[2] for name in view.elements if _is_about(name, type_)}
        if not named:
            return None
        return frozenset(
            {*_ALWAYS, *named, *_where(elements, lambda e: _required(e) or e.choice in named)}
        )
    if view.summary == "data":
        return frozenset(_ALWAYS.union(elements) - {"text"})
    if view.summary == "text":
        return frozenset({*_ALWAYS, "text", *_where(elements, _required)})
    return frozenset({*_ALWAYS, *_where(elements, lambda e: e.in_summary or _required(e))})


def _is_about(name: str, type_: str) -> bool:
    owner, dot, _ = name.rpartition(".")
    return not dot or owner == type_


def _required(element: Element) -> bool:
    return element.required or element.choice_required


def _where(elements: dict[str, Element], holds: Callable[[Element], bool]) -> set[str]:
    return {name for name, element in elements.items() if holds(element)}
