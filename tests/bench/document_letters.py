"""Letters for the bench: of many patients, each with letters and their replacements."""

import re
from collections.abc import Iterator
from functools import partial
from uuid import UUID, uuid5

from tests.unit.pipeline.test_document_requests import cda, changed, replacement
from tests.unit.pipeline.test_submissions import LETTER

_INS, _IPP = "254039902200377", "0040000003"
_VISIT, _DOSSIER = "V00003001", "D00003002"
_ROOT = "2.999.1.990004004.2.3.5"
_UUID = re.compile(r"\b[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\b")


def of_patients(first: int, letters: int, each: int) -> list[list[bytes]]:
    """Return so many letters by patient, in the order in which their author sends them.

    Args:
        first: number of the first patient; those of other numbers are other persons.
        letters: how many.
        each: of one patient; every second one replaces the one before.
    """
    found = []
    for at in range(0, letters, each):
        own = _of(first + at // each)
        found.append([next(own) for _ in range(min(each, letters - at))])
    return found


def root(patient: int, number: int, version: int) -> str:
    """Return the uniqueId of a version of a letter."""
    return f"2.999.1.990004004.2.{patient + 100}.{number + 1}.{version}"


def matricule(patient: int) -> str:
    """Return the INS of a patient."""
    digits = f"{2_540_399_000_000 + patient:013d}"
    return f"{digits}{97 - int(digits) % 97:02d}"


def _of(patient: int) -> Iterator[bytes]:
    number = 0
    while True:
        name, code = f"B{patient}N{number}", root(patient, number, 1)
        made = _person(LETTER, patient)
        made = cda(made, partial(_named, code=code))
        made = changed(made, MSH_10=f"{name}A", TXA_12=code)
        yield made
        # An OID without extension: as the record wants its uniqueIds.
        again, parent = root(patient, number, 2), changed(made)
        yield _without_extension(replacement(parent, f"{name}B", f"^^{again}^ISO", code), again)
        number += 1


def _named(text: str, code: str) -> str:
    """Give a letter its own identifier and setId, and its entries theirs."""
    text = text.replace(f"{_ROOT}.1", code).replace(
        f'<setId root="{_ROOT}"', f'<setId root="{code}"'
    )
    return _UUID.sub(lambda found: str(uuid5(UUID(found[0]), code)).upper(), text)


def _without_extension(body: bytes, code: str) -> bytes:
    made = cda(body, lambda text: text.replace(f'root="{code}" extension=""', f'root="{code}"'))
    return changed(made, TXA_12=code)


def _person(body: bytes, patient: int) -> bytes:
    """Put another patient in the place of the one of a letter, in message and document."""
    others = {
        _INS: matricule(patient),
        _IPP: f"{patient:010d}",
        _VISIT: f"V{patient:08d}",
        _DOSSIER: f"D{patient:08d}",
    }

    def edit(text: str) -> str:
        for old, new in others.items():
            text = text.replace(old, new)
        return text

    return edit(cda(body, edit).decode()).encode()
