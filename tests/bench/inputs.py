"""What the bench sends: messages and letters of the synthetic region, no other source."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from gateway.simulation.establishments import CLCC, Establishment
from gateway.simulation.letters import compose
from gateway.simulation.mdm import letter_message
from gateway.simulation.region import Region
from gateway.simulation.rendering import render, source
from gateway.simulation.steps import LetterSent, Movement, Step

_SEED = "bench"


def arrivals(count: int) -> list[bytes]:
    """Return distinct admissions (ADT^A01) of one establishment, each of another visit."""
    return list(islice((render(step).body for step in _movements("A01", CLCC)), count))


def movements(count: int) -> list[bytes]:
    """Return ADT messages of all kinds, patient after patient in the order of their life."""
    return list(islice((body for body in _adt()), count))


def letter(level: int = 3) -> bytes:
    """Return one discharge letter (LDL-SES) as a document."""
    step, content = next(_letters(level))
    return compose(step, content)


def documents(count: int, size: int = 330_000) -> list[bytes]:
    """Return distinct MDM^T02, each with a CDA document of `size` bytes (level 1, a PDF)."""
    made: list[bytes] = []
    for number, (step, content) in enumerate(_letters(1)):
        if len(made) == count:
            break
        first = replace(content, version=1, number=content.number + 100 * number)
        made.append(letter_message(step, first, pdf_size=size * 3 // 4 - 6000))
    return made


def _steps() -> Iterator[Step]:
    region = Region(_SEED, 0)
    number = 0
    while True:
        number += 1
        yield from region.patient(number).steps


def _movements(event: str, site: Establishment) -> Iterator[Step]:
    for step in _steps():
        content = step.content
        if isinstance(content, Movement) and content.event == event and source(step) is site:
            yield step


def _adt() -> Iterator[bytes]:
    for step in _steps():
        if not isinstance(step.content, LetterSent):
            sent = render(step)
            if sent.name.startswith("ADT"):
                yield sent.body


def _letters(level: int) -> Iterator[tuple[Step, LetterSent]]:
    """Yield first versions of letters that a hospital sends as MDM."""
    for step in _steps():
        content = step.content
        if (
            isinstance(content, LetterSent)
            and content.version == 1
            and content.level == level
            and content.visit.establishment.letters == "mdm"
        ):
            yield step, content
