"""Devices that write documents.

Does not make the professionals (`cda.professionals`). CI-SIS volet Structuration minimale
(assignedAuthoringDevice); FHIR R4 Device.
"""

from gateway.cda.codes import system_uri
from gateway.cda.context import Context
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json


def device_key(node: Node, context: Context) -> tuple[str, str] | None:
    """Return system and value of the number of an authoring device, None for anybody else."""
    if node.child("assignedAuthoringDevice") is None:
        return None
    for item in node.children("id"):
        if item.get("root") and item.get("extension"):
            return system_uri(item.get("root"), context), item.get("extension")
    return None


def device_id(node: Node, context: Context) -> str | None:
    """Return the id of an authoring device, of its number; none without one."""
    found = device_key(node, context)
    return context.ids.make("Device", *found) if found else None


@converter("author_device_id")
def author_device_id(node: Node, context: Context) -> str | None:
    """Give the id of a device that is an author.

    Spec: CI-SIS Structuration minimale, assignedAuthor/id of a device.
    """
    return device_id(node, context)


@converter("author_device_identifier")
def author_device_identifier(node: Node, context: Context) -> Json | None:
    """Give the identifier of an authoring device."""
    found = device_key(node, context)
    return {"system": found[0], "value": found[1]} if found else None
