"""What a cancer document points to: other plans, the session of the tumour board, its team.

All by identifier: what another input makes may never have come here (ADR 7). CI-SIS
FR-Références-externes, volet Structuration minimale; FHIR R4 2.3.0.2, logical references.
"""

from gateway.cda.context import Context
from gateway.cda.entries import PLAN_SECTION, section_key
from gateway.cda.reader import Node
from gateway.cda.references import EXTERNAL
from gateway.cda.registry import converter
from gateway.core.contributions import Json
from gateway.core.systems import IDENTIFIER_BASE

#: Types of documents whose plan a programme is based on: tumour board, care programme (JDV_J07).
_FRCP, _PPS = "34794-8", "18776-5"


@converter("base_plans")
def base_plans(node: Node, context: Context) -> list[Json]:
    """Give the plans a plan is based on: proposal of the tumour board, same part of a programme.

    Only of documents that are named with their type and setId: plans group by them.
    """
    found: list[Json] = []
    for document in node.document.select(f"{EXTERNAL}/cda:reference/cda:externalDocument"):
        code, group = document.child("code"), document.child("setId")
        if code is None or group is None or not group.get("root"):
            continue
        sections = {_FRCP: PLAN_SECTION, _PPS: section_key(node)}
        section = sections.get(code.get("code"))
        key = context.set_key_of(group.get("root"), group.get("extension"))
        if section and key != context.set_key:
            plan = {"system": f"{IDENTIFIER_BASE}/care-plan", "value": f"{key}#{section}"}
            found.append({"type": "CarePlan", "identifier": plan})
    return found
