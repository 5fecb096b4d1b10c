"""Registry objects of a submission as a registry reads them from the wire: slots, codes, ids.

Knows no rule (`simulation.dmp_rules`). Standards: OASIS ebXML RegRep 3.0, IHE ITI TF-3 4.2.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
LOT = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
#: Names of attributes by classification scheme and identification scheme (IHE ITI TF-3 4.2.5).
SCHEMES = {
    "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d": "author",
    "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500": "contentTypeCode",
    "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d": "author",
    "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a": "classCode",
    "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983": "typeCode",
    "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f": "confidentialityCode",
    "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d": "formatCode",
    "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4": "eventCodeList",
    "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1": "healthcareFacilityTypeCode",
    "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead": "practiceSettingCode",
    "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446": "patientId",
    "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832": "sourceId",
    "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8": "uniqueId",
    "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427": "patientId",
    "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab": "uniqueId",
}


@dataclass(frozen=True, slots=True)
class Coded:
    """A classification: code, its system, its label, and slots (authors have four)."""

    code: str
    system: str
    display: str
    slots: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Object:
    """A submission set or a document entry.

    Attributes:
        nodes: classification nodes it is said to be.
        codes: classifications by name of the attribute.
        ids: external identifiers by name.
    """

    id: str
    attributes: Mapping[str, str]
    title: str
    slots: Mapping[str, tuple[str, ...]]
    nodes: frozenset[str]
    codes: Mapping[str, tuple[Coded, ...]]
    ids: Mapping[str, str]

    def slot(self, name: str) -> str:
        """Return the first value of a slot, empty when there is none."""
        return next(iter(self.slots.get(name, ())), "")

    def code(self, name: str) -> Coded | None:
        """Return the first code of an attribute."""
        return next(iter(self.codes.get(name, ())), None)


@dataclass(frozen=True, slots=True)
class Link:
    """An association; its kind is the last word of its type."""

    kind: str
    source: str
    target: str
    slots: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Objects:
    """Everything a submission holds, with every id in it."""

    lots: tuple[Object, ...]
    entries: tuple[Object, ...]
    links: tuple[Link, ...]
    ids: tuple[str, ...]

    @property
    def signature(self) -> Object | None:
        """Return the entry of the signature of the lot."""
        found = (one for one in self.entries if (code := one.code("typeCode")) is not None
                 and code.code == "E1762")  # fmt: skip
        return next(found, None)


def read_objects(root: etree._Element) -> Objects:
    """Read a RegistryObjectList, or what holds one."""
    outside = [
        one
        for one in root.iter(_rim("Classification"))
        if one.get("classificationNode") is not None
    ]
    nodes: dict[str, set[str]] = {}
    for one in outside:
        owner = one.get("classifiedObject", "")
        nodes.setdefault(owner, set()).add(one.get("classificationNode", ""))
    return Objects(
        tuple(_object(one, nodes) for one in root.iter(_rim("RegistryPackage"))),
        tuple(_object(one, nodes) for one in root.iter(_rim("ExtrinsicObject"))),
        tuple(_link(one) for one in root.iter(_rim("Association"))),
        tuple(one.get("id", "") for one in root.iter() if one.get("id") is not None
              and etree.QName(one).namespace == RIM),
    )  # fmt: skip


def _object(element: etree._Element, nodes: Mapping[str, set[str]]) -> Object:
    codes: dict[str, tuple[Coded, ...]] = {}
    for one in element.findall(_rim("Classification")):
        name = SCHEMES.get(one.get("classificationScheme", ""), "")
        codes[name] = (*codes.get(name, ()), _coded(one))
    ids = {
        SCHEMES.get(one.get("identificationScheme", ""), ""): one.get("value", "")
        for one in element.findall(_rim("ExternalIdentifier"))
    }
    own = {
        one.get("classificationNode", "")
        for one in element.findall(_rim("Classification"))
        if one.get("classificationNode")
    }
    id_ = element.get("id", "")
    attributes = {str(key): str(value) for key, value in element.attrib.items()}
    return Object(
        id_, attributes, _label(element), _slots(element),
        frozenset(own | nodes.get(id_, set())), codes, ids,
    )  # fmt: skip


def _coded(element: etree._Element) -> Coded:
    slots = _slots(element)
    system = next(iter(slots.get("codingScheme", ())), "")
    return Coded(element.get("nodeRepresentation", ""), system, _label(element), slots)


def _link(element: etree._Element) -> Link:
    return Link(
        element.get("associationType", "").rpartition(":")[2],
        element.get("sourceObject", ""),
        element.get("targetObject", ""),
        _slots(element),
    )


def _slots(element: etree._Element) -> dict[str, tuple[str, ...]]:
    return {
        slot.get("name", ""): tuple(
            (value.text or "") for value in slot.findall(f"{_rim('ValueList')}/{_rim('Value')}")
        )
        for slot in element.findall(_rim("Slot"))
    }


def _label(element: etree._Element) -> str:
    found = element.find(f"{_rim('Name')}/{_rim('LocalizedString')}")
    return found.get("value", "") if found is not None else ""


def _rim(name: str) -> str:
    return f"{{{RIM}}}{name}"
