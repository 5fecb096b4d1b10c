"""What FHIR R4 says about each element: type, repetition, codes, reference targets.

Reads `profiles/fhir/elements.json` once, as part of the program like a table in code; the table
is made by `fhir.r4b.introspect`. Does not judge resources (`fhir.shape`).
"""

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from gateway.core.datafiles import data_folder

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type.

    Attributes:
        type: FHIR type: a primitive in lower case (`dateTime`), else a datatype, a backbone
            element named after its path (`PatientContact`), or `Resource` for any resource.
        required: at least one value (`min` is 1).
        is_list: it repeats.
        has_companion: it may carry `_name` with an id or extensions.
        choice: the `[x]` group it belongs to (`deceased`), else empty.
        choice_required: one member of that group must be there.
        codes: the closed list of a required binding, else empty.
        system: for such a list on a CodeableConcept, its code system.
        targets: resource types a reference may point to; empty when any.
        in_summary: it is there when a summary is asked for (FHIR R4 search, _summary).
    """

    type: str
    required: bool = False
    is_list: bool = False
    has_companion: bool = True
    choice: str = ""
    choice_required: bool = False
    codes: frozenset[str] = frozenset()
    system: str = ""
    targets: frozenset[str] = frozenset()
    in_summary: bool = False

    @property
    def is_primitive(self) -> bool:
        """Tell whether its JSON value is a scalar."""
        return self.type[0].islower()


class ElementTable:
    """The elements of every type Relais handles."""

    def __init__(self, content: Json) -> None:
        self._types: dict[str, dict[str, Json]] = content["types"]
        self.resources: frozenset[str] = frozenset(content["resources"])
        self._elements: dict[str, dict[str, Element]] = {}

    @property
    def type_names(self) -> tuple[str, ...]:
        """Return the names of all types."""
        return tuple(self._types)

    def elements_of(self, type_name: str) -> dict[str, Element]:
        """Return the elements of a resource, datatype or backbone type, in their order.

        Raises:
            KeyError: no such type.
        """
        known = self._elements.get(type_name)
        if known is None:
            known = {name: _element(raw) for name, raw in self._types[type_name].items()}
            self._elements[type_name] = known
        return known

    def find(self, path: str) -> Element | None:
        """Return the element at a path such as `Encounter.location.status`; None if unknown.

        A choice is named by one of its forms (`Patient.deceasedBoolean`).
        """
        owner, *names = path.split(".")
        element: Element | None = None
        for name in names:
            if owner not in self._types:
                return None
            elements = self.elements_of(owner)
            element = elements.get(name) or _companion(elements.get(name.removeprefix("_")))
            if element is None:
                return None
            owner = element.type
        return element

    def is_list(self, path: str) -> bool:
        """Tell whether the element at a path repeats.

        Raises:
            KeyError: no such path.
        """
        if path.endswith("[x]"):
            return False
        return self._found(path).is_list

    def type_of(self, path: str) -> str:
        """Return the FHIR type at a path; for `Patient.deceased[x]` its types joined by `|`.

        Raises:
            KeyError: no such path.
        """
        if "." not in path:
            if path in self._types:
                return path
            raise KeyError(path)
        if path.endswith("[x]"):
            parent, _, choice = path.removesuffix("[x]").rpartition(".")
            kinds = [
                element.type
                for element in self.elements_of(self.type_of(parent)).values()
                if element.choice == choice
            ]
            if kinds:
                return "|".join(sorted(kinds))
            raise KeyError(path)
        return self._found(path).type

    def names(self, path: str) -> tuple[str, ...]:
        """Return the names of the elements below a path; empty below a primitive."""
        try:
            return tuple(self.elements_of(self.type_of(path)))
        except KeyError:
            return ()

    def _found(self, path: str) -> Element:
        element = self.find(path)
        if element is None:
            raise KeyError(path)
        return element


def _companion(element: Element | None) -> Element | None:
    """Return the element that holds the extensions of a primitive (`_birthDate`).

    Spec: FHIR R4 2.6.2.1, JSON representation of primitive elements.
    """
    if element is None or not element.has_companion or not element.is_primitive:
        return None
    return replace(element, type="Element", required=False, has_companion=False)


def _element(raw: Json) -> Element:
    return Element(
        type=raw["type"],
        required="min" in raw,
        is_list="max" in raw,
        has_companion=raw.get("companion", True),
        choice=raw.get("choice", ""),
        choice_required="choice_min" in raw,
        codes=frozenset(raw.get("codes", ())),
        system=raw.get("system", ""),
        targets=frozenset(raw.get("targets", ())),
        in_summary=raw.get("summary", False),
    )


@cache
def table() -> ElementTable:
    """Return the shipped table, read at the first call."""
    text = (data_folder("profiles") / "fhir" / "elements.json").read_text(encoding="utf-8")
    return ElementTable(json.loads(text))


def table_text(content: Json) -> str:
    """Write a table as its file holds it: one line an element, so that a diff can be read."""
    lines = ["{", f'"source": {json.dumps(content["source"])},']
    lines += [f'"resources": {json.dumps(content["resources"])},', '"types": {']
    types = []
    for name, elements in content["types"].items():
        rows = [f"  {json.dumps(key)}: {json.dumps(raw)}" for key, raw in elements.items()]
        types.append(f"{json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n}")
    return "\n".join(lines) + "\n" + ",\n".join(types) + "\n}}\n"


def is_list(path: str) -> bool:
    """Tell whether the element at a path repeats (`Encounter.location`)."""
    return table().is_list(path)


def type_of(path: str) -> str:
    """Return the FHIR type at a path."""
    return table().type_of(path)
