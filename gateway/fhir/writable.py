"""Which types clients write over REST, and who speaks for the others.

One table for the doors, the CapabilityStatement and the refusals. Decision:
docs/adr/0014-what-clients-write.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Writable:
    """How a type is written.

    Attributes:
        own_ids: a client may choose the id (update as create); else the server does.
        needs_version: an update says which version it is based on (If-Match).
    """

    own_ids: bool = True
    needs_version: bool = False


WRITABLE: Mapping[str, Writable] = {
    "CareTeam": Writable(),
    "Communication": Writable(),
    "Consent": Writable(),
    "Task": Writable(own_ids=False, needs_version=True),
}
#: What can be done with each of them, beside what can be done with every type.
INTERACTIONS = ("create", "update", "patch", "delete")

_HOSPITALS = "what hospitals know comes in as HL7 v2 messages and CDA documents"
_OTHERS: Mapping[str, str] = {
    "AuditEvent": "Relais keeps its audit itself",
    "CommunicationRequest": "an event is declared by POST, alone; it is no resource here",
    "Binary": "documents come in whole, as CDA over /cda or in an MDM message",
    "DetectedIssue": "Relais finds the gaps itself; what is done about one is written to its Task",
    "EpisodeOfCare": "Relais draws the pathways itself",
    "Provenance": "Relais tells itself who wrote what",
    "Subscription": "it is written at /fhir/Subscription, alone or as an entry of a batch",
}


def why_not(type_: str) -> str:
    """Return the reason why clients do not write a type."""
    return _OTHERS.get(type_, _HOSPITALS)
