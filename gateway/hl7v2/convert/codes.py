"""Coded elements (CE, CWE) of orders and appointments."""

import re
from typing import Any

from gateway.core.contributions import Json
from gateway.hl7v2.context import Context
from gateway.hl7v2.convert.table import converter
from gateway.hl7v2.convert.tables import TABLES, local_system, table_coding
from gateway.hl7v2.message import Node

#: CE-3, table 0396, to the FHIR system; a table neither of these nor of HL7 is the sender's own.
_SYSTEMS = {
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "I10": "http://hl7.org/fhir/sid/icd-10",
    "CIM10": "http://hl7.org/fhir/sid/icd-10",
    "ICD10": "http://hl7.org/fhir/sid/icd-10",
}

#: CE-3 of a table of HL7: `HL70493`.
_HL7_TABLE = re.compile(r"HL7(\d{4})")

#: FHIR R4 code: no blanks at the ends, single ones inside.
_CODE = re.compile(r"\S+(\s\S+)*")


@converter("coded")
def coded(node: Node, context: Context) -> Any:
    """Return a coded element; a code without known coding system belongs to the sender.

    Spec: HL7 v2.5 2.A.13 (CE): code, text and system, then the same in other words.
    """
    codings = [found for first in (1, 4) if (found := _coding(node, first, context))]
    concept: Json = {}
    if codings:
        concept["coding"] = codings
    if label := node.component(2) or node.component(5):
        concept["text"] = label
    elif any(not _CODE.fullmatch(found["code"]) for found in codings):
        # It is no code of FHIR and will be taken out: as words it is kept.
        concept["text"] = codings[0]["code"]
    return concept


def _coding(node: Node, first: int, context: Context) -> Json | None:
    code, label = node.component(first), node.component(first + 1)
    if not code:
        return None
    named = node.component(first + 2).upper().replace("-", "")
    place = f"{node.segment.name}-{node.field}"
    table = _HL7_TABLE.fullmatch(named)
    if table and table[1] in TABLES:
        return {**table_coding(table[1], code, place, context), "display": label}
    system = _SYSTEMS.get(named) or local_system(place, context)
    return {"system": system, "code": code, "display": label}
