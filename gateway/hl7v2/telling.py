"""The table of fact converters, and what they read beside their node.

The converters are in `hl7v2.facts` (keys, operations) and `hl7v2.factvalues` (times, attributes).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.hl7v2.context import Context
from gateway.hl7v2.ledger import Movement
from gateway.hl7v2.message import Message, Node, selector
from gateway.mapping.converters import Converters

FACTS = Converters(selector)
converter = FACTS.converter


@dataclass(frozen=True, slots=True)
class Telling:
    """What fact converters read beside their node.

    Attributes:
        context: of the message.
        movement: row of the ledger, None for a message that tells no movement.
        kinds: kind of request by the code of a service, of the concept map `request-kind`.
    """

    context: Context
    movement: Movement | None
    kinds: Mapping[str, str] = field(default_factory=dict)


def nodes_at(message: Message, *paths: str) -> list[Node]:
    """Return the valued parts of fields at these places."""
    return [node for path in paths for node in message.select(path) if isinstance(node, Node)]
