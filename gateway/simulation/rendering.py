"""Turn a step into what its source sends: the door and the bytes."""

from typing import NamedTuple

from gateway.simulation.adt import identity_message, movement_message
from gateway.simulation.establishments import Establishment
from gateway.simulation.letters import compose
from gateway.simulation.mdm import letter_message
from gateway.simulation.orm import request_message
from gateway.simulation.siu import appointment_message
from gateway.simulation.steps import Booking, IdentityNews, LetterSent, Movement, Request, Step


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
    if isinstance(content, Request) and content.answers is not None:
        return content.answers
    if isinstance(content, (Movement, Request, LetterSent)):
        return content.visit.establishment
    return content.establishment


def _is_posted(letter: LetterSent) -> bool:
    """Tell whether a letter goes to the HTTP door: nobody to mail it to."""
    site = letter.visit.establishment
    return (
        site.letters == "cda"
        and letter.kind == "ldl"
        and not letter.withdrawn
        and not letter.visit.person.has_gp
    )


def name(step: Step) -> str:
    """Return what a step is sent as, without making it."""
    content = step.content
    if isinstance(content, LetterSent):
        if content.withdrawn:
            return "MDM^T04"
        if _is_posted(content):
            return "CDA 11490-0"
        return "MDM^T02" if content.version == 1 else "MDM^T10"
    if isinstance(content, Request):
        return "ORM^O01"
    return f"{'SIU' if isinstance(content, Booking) else 'ADT'}^{content.event}"


def render(step: Step) -> Rendered:
    """Return what the source of a step sends for it."""
    site, content = source(step), step.content
    door = site.door
    if isinstance(content, Movement):
        body = movement_message(step, content)
    elif isinstance(content, IdentityNews):
        body = identity_message(step, content)
    elif isinstance(content, Booking):
        body = appointment_message(step, content)
    elif isinstance(content, Request):
        body = request_message(step, content)
    elif _is_posted(content):
        door, body = "cda", compose(step, content)
    else:
        body = letter_message(step, content)
    return Rendered(door, name(step), body)
