"""Where a stay or an act took place: the facility of the header as a place and a structure.

CI-SIS volet Structuration minimale (encompassingEncounter/location); FR Core 2.2.0
fr-core-location, whose required types have none for a facility: its kind is that of the structure.
"""

from gateway.cda.context import Context
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.cda.structures import organization_key, organization_reference
from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE, IDENTIFIER_BASE
from gateway.fhir.identity import FINESS_SYSTEM

#: On the context of a DocumentReference: the place of the act or stay.
FACILITY = f"{FHIR_BASE}/StructureDefinition/document-facility"
_FACILITY = "cda:componentOf/cda:encompassingEncounter/cda:location/cda:healthCareFacility"


def _place_id(node: Node, context: Context) -> str | None:
    """Return the id of the place, of its structure; without one a place of this document."""
    key = organization_key(node)
    if key is not None and key.system == FINESS_SYSTEM:
        return context.ids.location(key.value, "")
    name = node.down("location", "name")
    if name is None or not name.text():
        return None
    return context.ids.make("Location", f"{IDENTIFIER_BASE}/cda-location", context.set_key)


@converter("facility_id")
def facility_id(node: Node, context: Context) -> str | None:
    """Give the id of the place; none without FINESS and without name.

    Spec: CI-SIS Structuration minimale, healthCareFacility/id, location/name.
    """
    return _place_id(node, context)


@converter("facility_place")
def facility_place(node: Node, context: Context) -> Json | None:
    """Give the place as one of the stay (Encounter.location)."""
    found = _place_id(node, context)
    return {"location": {"reference": f"Location/{found}"}} if found else None


@converter("document_facility")
def document_facility(node: Node, context: Context) -> Json | None:
    """Give the place in an extension of the context: R4 has the kind of facility only."""
    found = _place_id(node, context)
    if found is None:
        return None
    return {"url": FACILITY, "valueReference": {"reference": f"Location/{found}"}}


@converter("identified_structure")
def identified_structure(node: Node, context: Context) -> Json | None:
    """Give a reference to a structure with an identifier; nothing for a bare name."""
    found: Json | None = organization_reference(node, context)
    return found if found and "reference" in found else None
