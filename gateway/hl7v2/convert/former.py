"""The numbers that a message leaves behind: the visit of MRG-5, the dossier of MRG-3.

Does not say what becomes of them: a class change ends the visit (`hl7v2.movement_rows`).
"""

from typing import Any

from gateway.hl7v2.context import Context, VisitKey
from gateway.hl7v2.convert.stay import ACCOUNT_NUMBER, VISIT_NUMBER, cx_domain
from gateway.hl7v2.convert.table import converter
from gateway.hl7v2.message import Node


def former_visit(context: Context) -> VisitKey | None:
    """Return the visit that a class change leaves behind, None when the number stays.

    Spec: PAM France 2.11 5.3.5; HL7 v2.5 3.4.9.5 (MRG-5).
    """
    merged = context.message.first("MRG")
    node = merged.node(5) if merged else None
    if node is None or not node.component(1):
        return None
    system, number = cx_domain("visit", node, context), node.component(1)
    found = VisitKey(context.ids.stay(system, number), system, number)
    return None if context.visit is None or found.id == context.visit.id else found


@converter("former_visit_id", reads=("MRG-5",))
def former_visit_id(_source: object, context: Context) -> Any:
    """Return the id of the visit that is left behind.

    Spec: PAM France 2.11 5.3.5; HL7 v2.5 3.4.9.5 (MRG-5).
    """
    found = former_visit(context)
    return found.id if found else None


@converter("former_visit_number", reads=("MRG-5",))
def former_visit_number(_source: object, context: Context) -> Any:
    """Return the number of the visit that is left behind.

    Spec: HL7 v2.5 3.4.9.5 (MRG-5); FR Core fr-core-encounter, identifier VN.
    """
    found = former_visit(context)
    return {"type": VISIT_NUMBER, "system": found.system, "value": found.number} if found else None


@converter("former_account_id")
def former_account_id(node: Node, context: Context) -> Any:
    """Return the id of the account whose number is replaced.

    Spec: HL7 v2.5 3.3.49 (A49), 3.4.9.3 (MRG-3).
    """
    number = node.component(1)
    return context.ids.account(cx_domain("nda", node, context), number) if number else None


@converter("former_account_number")
def former_account_number(node: Node, context: Context) -> Any:
    """Return a replaced number of an account; the account keeps it as an old one.

    Spec: HL7 v2.5 3.3.49 (A49), 3.4.9.3 (MRG-3).
    """
    number = node.component(1)
    if not number:
        return None
    system = cx_domain("nda", node, context)
    return {"use": "old", "type": ACCOUNT_NUMBER, "system": system, "value": number}
