"""Who numbers what: assigning authorities and establishments as HL7 v2 writes them.

Does not know fields (`hl7v2.context`, `hl7v2.convert`): it is given a node and where in it the
authority stands.
"""

import re
from typing import Protocol
from urllib.parse import quote

from gateway.core.systems import IDENTIFIER_BASE
from gateway.mapping.sites import Site

_FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")
#: National identifier of a structure: the digit 1, then the FINESS.
_STRUCTURE = re.compile(r"1[0-9][0-9AB][0-9]{7}")
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")


class Parts(Protocol):
    """A field repetition, or one of its components, of which parts can be read."""

    def component(self, number: int, subcomponent: int = 1, /) -> str:
        """Return the decoded text of a part, empty when absent."""
        ...


def finess(text: str) -> str:
    """Return the FINESS in a text: as it is, or behind the 1 of a national structure id."""
    text = text.strip()
    if _FINESS.fullmatch(text):
        return text
    return text[1:] if _STRUCTURE.fullmatch(text) else ""


def finess_of(node: Parts, component: int, site: Site) -> str:
    """Return the FINESS of the authority (HD) at a component, empty when it names none.

    The table of the site translates names; the type letters M and N mark a FINESS.
    Spec: IHE France, constraints on HL7 data types, HD.
    """
    name, universal = node.component(component, 1), node.component(component, 2)
    declared = site.authorities.get(universal) or site.authorities.get(name, "")
    return finess(declared) or finess(universal) or finess(name)


def system_of(kind: str, name: str, universal: str, universal_type: str, site: Site) -> str:
    """Return the identifier system of an entity identifier (EI), empty when it names nobody.

    Args:
        kind: what is numbered, a path segment of our identifier systems.
        name: EI-2.
        universal: EI-3.
        universal_type: EI-4.
        site: gives the meaning of a bare name.
    """
    declared = site.authorities.get(universal) or site.authorities.get(name)
    authority = declared or universal or name
    if not authority:
        return ""
    if _OID.fullmatch(authority) and universal_type in ("", "ISO"):
        return f"urn:oid:{authority}"
    return f"{IDENTIFIER_BASE}/{kind}/{quote(authority, safe='')}"
