"""Reads the offer of a territory from a file: a table, one service of care a line, or FHIR.

FHIR (`.json`, `.ndjson`) is read by `connectors.offers_fhir`. Columns of a table are found by their
names: `finess`, `type`, `nom`, `territoire` (postcodes or their beginnings, parted by spaces),
`telephone`, `messagerie`; parted by `;`. Keeps nothing (`pipeline.offers`).
"""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

from gateway.connectors import directory_faults as faults
from gateway.connectors.offers_fhir import Territory, read_resources
from gateway.core.errors import RejectedError
from gateway.fhir.offers import KINDS, Offer
from gateway.mapping.conceptmaps import ConceptMap

_FHIR = (".json", ".ndjson")
_NEEDED = ("finess", "type", "nom")
_FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")
_AREA = re.compile(r"[0-9AB]{2,5}")


def read_offers(path: Path, conceptmaps: Mapping[str, ConceptMap]) -> Territory:
    """Return the offers of a file.

    Args:
        path: of the file.
        conceptmaps: by name; kinds of codes of the ROR.

    Raises:
        RejectedError: it is no table in UTF-8, lacks a column, or a line is wrong (RLS-DIR-002,
            004, 014); nothing of it is taken, a territory half replaced misleads.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise RejectedError([faults.not_text(path.name)]) from error
    if path.suffix.lower() in _FHIR:
        return read_resources(path.name, text, conceptmaps)
    return Territory(_rows(path, text))


def _rows(path: Path, text: str) -> list[Offer]:
    rows = csv.DictReader(io.StringIO(text), delimiter=";")
    columns = [name.strip().lower() for name in rows.fieldnames or ()]
    rows.fieldnames = columns
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise RejectedError([faults.unknown_columns(path.name, f"'{missing[0]}'")])
    found: list[Offer] = []
    wrong = []
    for number, row in enumerate(rows, start=2):
        told = {name: (value or "").strip() for name, value in row.items() if name}
        why = _fault(told)
        if why:
            wrong.append(faults.bad_offer(path.name, number, why))
            continue
        found.append(
            Offer(
                finess=told["finess"],
                kind=told["type"].lower(),
                name=told["nom"],
                areas=tuple(sorted(told.get("territoire", "").split())),
                phone=told.get("telephone", ""),
                mailbox=told.get("messagerie", ""),
            )
        )
    if wrong:
        raise RejectedError(wrong)
    return found


def _fault(told: dict[str, str]) -> str:
    if not _FINESS.fullmatch(told["finess"]):
        return "no FINESS"
    if told["type"].lower() not in KINDS:
        return f"the type is none of {', '.join(KINDS)}"
    if not told["nom"]:
        return "no name"
    wrong = [one for one in told.get("territoire", "").split() if not _AREA.fullmatch(one)]
    return "the territory is no list of postcodes" if wrong else ""
