"""Numbers of orders and appointments: entity identifiers (EI) and pairs of them (EIP)."""

from gateway.hl7v2.authorities import system_of
from gateway.hl7v2.context import Context
from gateway.hl7v2.message import Node


def number_of(node: Node, context: Context, kind: str) -> tuple[str, str] | None:
    """Return system and number of an entity identifier; the sender answers for a bare one.

    Args:
        node: an EI.
        context: of the message.
        kind: what is numbered, `order` or `appointment`.
    """
    parts = [node.component(number) for number in (1, 2, 3, 4)]
    return _number(parts, context, kind)


def number_in_pair(node: Node, context: Context, kind: str) -> tuple[str, str] | None:
    """Return the number of the placer in a pair of identifiers, else that of the filler.

    Spec: HL7 v2.5 2.A.29 (EIP).
    """
    for component in (1, 2):
        found = _number([node.component(component, at) for at in (1, 2, 3, 4)], context, kind)
        if found:
            return found
    return None


def _number(parts: list[str], context: Context, kind: str) -> tuple[str, str] | None:
    value, name, universal, universal_type = parts
    if not value:
        return None
    system = system_of(kind, name or context.facility, universal, universal_type, context.site)
    return (system, value) if system else None
