"""Who the header of a document names as its recipients, with their numbers and mailboxes.

Does not decide whether they get it (`sharing.routing`). Standard: CI-SIS Structuration minimale,
informationRecipient/intendedRecipient.
"""

import re
from dataclasses import dataclass

from gateway.cda.reader import Document, Node
from gateway.cda.xds_types import PERSON_ROOT, STRUCTURE_ROOT

_RPPS = re.compile(r"8(\d{11})")
_FINESS = re.compile(r"1([0-9][0-9AB][0-9]{7})")


@dataclass(frozen=True, slots=True)
class IntendedRecipient:
    """One recipient.

    Attributes:
        place: `intendedRecipient[1]`.
        rpps: of a professional, 11 digits; empty when not given.
        finess: of the structure, empty when not given.
        address: of a mailbox among the telecoms, empty when none.
    """

    place: str
    rpps: str
    finess: str
    address: str


def recipients(document: Document) -> list[IntendedRecipient]:
    """Return the recipients of a document in the order of the header."""
    nodes = document.select("cda:informationRecipient/cda:intendedRecipient")
    return [
        IntendedRecipient(
            place=f"intendedRecipient[{number}]",
            rpps=_national(node, "cda:id", PERSON_ROOT, _RPPS),
            finess=_national(node, "cda:receivedOrganization/cda:id", STRUCTURE_ROOT, _FINESS),
            address=_address(node),
        )
        for number, node in enumerate(nodes, start=1)
    ]


def _national(node: Node, path: str, root: str, form: re.Pattern[str]) -> str:
    said = (form.fullmatch(i.get("extension")) for i in node.select(path) if i.get("root") == root)
    return next((found[1] for found in said if found), "")


def _address(node: Node) -> str:
    values = (one.get("value") for one in node.select("cda:telecom"))
    return next((v[7:] for v in values if v.lower().startswith("mailto:")), "")
