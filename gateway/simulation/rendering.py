"""Turn a step into what its source sends: the door and the bytes."""

from typing import NamedTuple

from gateway.simulation.adt import identity_message, movement_message
from gateway.simulation.establishments import Establishment
from gateway.simulation.letters import compose
from gateway.simulation.mdm import letter_message
from gateway.simulation.siu import appointment_message
from gateway.simulation.steps import Booking, IdentityNews, LetterSent, Movement, Step


class Rendered(NamedTuple):
    """A message or document as it leaves its source.

    Attributes:
        door: `mllp`, `http` or `cda`.
        name: what it is, `ADT^A01` or `CDA 11490-0`.
    """

    door: str
    name: str
    body: bytes


def source(step: Step) -> Establishment:
    """Return the establishment that speaks."""
    content = step.content
    if isinstance(content, (Movement, LetterSent)):
        return content.visit.establishment
    return content.establishment


def render(step: Step) -> Rendered:
    """Return what the source of a step sends for it."""
    site, content = source(step), step.content
    if isinstance(content, Movement):
        return Rendered(site.door, f"ADT^{content.event}", movement_message(step, content))
    if isinstance(content, IdentityNews):
        return Rendered(site.door, f"ADT^{content.event}", identity_message(step, content))
    if isinstance(content, Booking):
        return Rendered(site.door, f"SIU^{content.event}", appointment_message(step, content))
    if site.letters == "cda":
        return Rendered("cda", "CDA 11490-0", compose(step, content))
    name = "MDM^T02" if content.version == 1 else "MDM^T10"
    return Rendered(site.door, name, letter_message(step, content))
