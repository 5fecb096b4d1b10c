"""What a document declares to be absent, and why: nullFlavor to FHIR.

A nullFlavor never becomes a value. HL7 v3 NullFlavor; FHIR R4 extension data-absent-reason and
concept map CF-NullFlavorDataAbsentReason.
"""

from gateway.cda.context import Context
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_REASONS = {
    "UNK": "unknown",
    "NI": "unknown",
    "NASK": "not-asked",
    "ASKU": "asked-unknown",
    "NAV": "temp-unknown",
    "MSK": "masked",
    "NA": "not-applicable",
    "OTH": "unsupported",
}
_MASKED: Json = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "MASKED",
}


def reason_of(null_flavor: str) -> str:
    """Return the FHIR reason of a nullFlavor; one that is not listed is `unknown`."""
    return _REASONS.get(null_flavor, "unknown")


def absent(reason: str) -> Json:
    """Return the extension that says why a value is not there."""
    return {"url": ABSENT, "valueCode": reason}


@converter("absent_reason")
def absent_reason(node: Node, _context: Context) -> Json | None:
    """Give the reason of an element that is declared absent; nothing beside a value.

    Spec: HL7 v3 NullFlavor; FHIR R4 data-absent-reason.
    """
    if not node.has_null_flavor or node.get("value") or node.get("code"):
        return None
    return absent(reason_of(node.null_flavor))


@converter("masked")
def masked(node: Node, _context: Context) -> Json | None:
    """Give the security label of a person some of whose data are masked (nullFlavor MSK).

    Spec: HL7 v3 NullFlavor MSK; v3-ObservationValue MASKED.
    """
    parts = (node, *node.select("descendant::*"))
    return dict(_MASKED) if any(part.null_flavor == "MSK" for part in parts) else None
