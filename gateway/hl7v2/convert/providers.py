"""Establishments and professionals of orders and referrals: ORC-12 with ORC-21, and PRD."""

from typing import Any, NamedTuple

from gateway.core.contributions import Json
from gateway.fhir.identity import FINESS_SYSTEM
from gateway.hl7v2.authorities import finess
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.professionals import (
    person,
    practitioner_identifier,
    practitioner_reference,
)
from gateway.hl7v2.convert.table import converter
from gateway.hl7v2.message import Node, Segment
from gateway.hl7v2.orders import first_node, group_of

_REQUESTER, _PERFORMER = "RP", "RT"
#: PRD-7.2 of a structure.
_STRUCTURES = frozenset({"FINEG", "FINEJ", "FINESS", "IDNST"})


class Facility(NamedTuple):
    """The establishment somebody orders for.

    Attributes:
        id: of its Organization, empty without FINESS.
        is_own_word: the order names it, it is not just the sender.
    """

    id: str
    is_own_word: bool


def facility_of(node: Node | None, context: Context) -> Facility:
    """Return the ordering facility (ORC-21), else the establishment of the message.

    Spec: HL7 v2.5 4.5.1.21 (ORC-21); IHE France, constraints on HL7 data types, XON.
    """
    number = _facility_number(node) if node is not None else ""
    if number:
        return Facility(context.ids.organization(FINESS_SYSTEM, number), True)
    return Facility(context.establishment, False)


def _facility_number(node: Node) -> str:
    return finess(node.component(10)) or finess(node.component(3))


@converter("ordering_facility_id")
def ordering_facility_id(node: Node, context: Context) -> Any:
    """Return the id of the ordering facility.

    Spec: HL7 v2.5 4.5.1.21 (ORC-21).
    """
    return facility_of(node, context).id if _facility_number(node) else None


@converter("ordering_facility_identifier")
def ordering_facility_identifier(node: Node, _context: Context) -> Any:
    """Return the FINESS of the ordering facility.

    Spec: FR Core fr-core-organization-etablissement, slice finess.
    """
    return {"system": FINESS_SYSTEM, "value": _facility_number(node)}


def orderer_of(orc: Segment) -> Node | None:
    """Return who orders: ORC-12, else OBR-16.

    Spec: HL7 v2.5 4.5.1.12 (ORC-12), 4.5.3.16 (OBR-16).
    """
    return first_node(group_of(orc), ("ORC", 12), ("OBR", 16))


@converter("orderer_role_id", reads=("ORC-12", "OBR-16", "ORC-21"))
def orderer_role_id(orc: Segment, context: Context) -> Any:
    """Return the id of the role in which a professional orders.

    Spec: HL7 v2.5 4.5.1.12 (ORC-12), 4.5.1.21 (ORC-21).
    """
    node, where = orderer_of(orc), facility_of(orc.node(21), context)
    found = person(node, context.site) if node is not None else None
    if found is None or not where.id:
        return None
    practitioner = context.ids.practitioner(found.system, found.value)
    return context.ids.practitioner_role(practitioner, where.id)


@converter("orderer_reference", reads=("ORC-12", "OBR-16"))
def orderer_reference(orc: Segment, context: Context) -> Any:
    """Return a reference to the professional who orders.

    Spec: HL7 v2.5 4.5.1.12 (ORC-12), 4.5.3.16 (OBR-16).
    """
    node = orderer_of(orc)
    return practitioner_reference(node, context) if node is not None else None


@converter("orderer_organization", reads=("ORC-21",))
def orderer_organization(orc: Segment, context: Context) -> Any:
    """Return the establishment somebody orders for.

    Spec: HL7 v2.5 4.5.1.21 (ORC-21), else 2.15.9.4 (MSH-4).
    """
    return {"reference": f"Organization/{facility_of(orc.node(21), context).id}"}


class Provider:
    """A PRD read as an XCN: its number, its name, what kind of number it is."""

    def __init__(self, prd: Segment) -> None:
        self._places = {1: prd.field(7), 2: prd.field(2), 3: prd.field(2, 2), 13: prd.field(7, 2)}

    def component(self, number: int, subcomponent: int = 1, /) -> str:
        """Return the text where an XCN has it, empty where a PRD has nothing."""
        return self._places.get(number, "") if subcomponent == 1 else ""

    @property
    def finess(self) -> str:
        """Return the FINESS of a structure, empty for a person."""
        return finess(self.component(1)) if self.component(13) in _STRUCTURES else ""


def providers_of(segment: Segment, role: str) -> list[Provider]:
    """Return who has a role in a referral, in order.

    Spec: HL7 v2.5 11.6.3.1 (PRD-1, table 0286).
    """
    found = segment.message.segments_named("PRD")
    return [Provider(prd) for prd in found if role in {node.text() for node in prd.nodes(1)}]


def _reference(provider: Provider, context: Context) -> Json | None:
    if provider.finess:
        return {
            "reference": f"Organization/{context.ids.organization(FINESS_SYSTEM, provider.finess)}"
        }
    shown: Json | None = practitioner_reference(provider, context)
    return shown


@converter("referral_requester", reads=("PRD-1", "PRD-2", "PRD-7"))
def referral_requester(segment: Segment, context: Context) -> Any:
    """Return who refers the patient; one only, the first that is named.

    Spec: HL7 v2.5 11.6.3.1 (PRD-1 RP), 11.6.3.7 (PRD-7).
    """
    found = (_reference(one, context) for one in providers_of(segment, _REQUESTER))
    return next((one for one in found if one), None)


@converter("referral_performers", reads=("PRD-1", "PRD-2", "PRD-7"))
def referral_performers(segment: Segment, context: Context) -> Any:
    """Return to whom the patient is referred.

    Spec: HL7 v2.5 11.6.3.1 (PRD-1 RT), 11.6.3.7 (PRD-7).
    """
    found = (_reference(one, context) for one in providers_of(segment, _PERFORMER))
    return [one for one in found if one]


@converter("provider_id", reads=("PRD-7",))
def provider_id(prd: Segment, context: Context) -> Any:
    """Return the id of a professional in a referral; a structure is none.

    Spec: HL7 v2.5 11.6.3.7 (PRD-7).
    """
    provider = Provider(prd)
    found = None if provider.finess else person(provider, context.site)
    return context.ids.practitioner(found.system, found.value) if found else None


@converter("provider_identifier", reads=("PRD-7",))
def provider_identifier(prd: Segment, context: Context) -> Any:
    """Return the numbers of a professional in a referral.

    Spec: HL7 v2.5 11.6.3.7 (PRD-7); FR Core fr-core-practitioner.
    """
    return practitioner_identifier(Provider(prd), context)


@converter("provider_name", reads=("PRD-2",))
def provider_name(prd: Segment, _context: Context) -> Any:
    """Return the name of a professional in a referral.

    Spec: HL7 v2.5 11.6.3.2 (PRD-2).
    """
    provider = Provider(prd)
    family, given = provider.component(2), provider.component(3)
    return {
        **({"family": family} if family else {}),
        **({"given": [given]} if given else {}),
    }


@converter("provider_structure_id", reads=("PRD-7",))
def provider_structure_id(prd: Segment, context: Context) -> Any:
    """Return the id of a structure in a referral.

    Spec: HL7 v2.5 11.6.3.7 (PRD-7).
    """
    number = Provider(prd).finess
    return context.ids.organization(FINESS_SYSTEM, number) if number else None


@converter("provider_structure_identifier", reads=("PRD-7",))
def provider_structure_identifier(prd: Segment, _context: Context) -> Any:
    """Return the FINESS of a structure in a referral.

    Spec: FR Core fr-core-organization-etablissement, slice finess.
    """
    number = Provider(prd).finess
    return {"system": FINESS_SYSTEM, "value": number} if number else None


@converter("provider_structure_name", reads=("PRD-2",))
def provider_structure_name(prd: Segment, _context: Context) -> Any:
    """Return the name of a structure in a referral.

    Spec: HL7 v2.5 11.6.3.2 (PRD-2).
    """
    return prd.field(2) or None
