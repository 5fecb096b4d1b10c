"""The reference list of messages: docs/reference/events.csv, one row for each trigger event.

Written by hand from the standards; the table of the program (`gateway.hl7v2.events`) and the
mapping files are compared with it.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).resolve().parents[3] / "docs" / "reference" / "events.csv"


@dataclass(frozen=True, slots=True)
class Listed:
    """One row.

    Attributes:
        message: MSH-9.1.
        trigger: MSH-9.2.
        structure: MSH-9.3.
        action: what ZBE-4 may say, empty without movement.
        cancelled_by: event that cancels its movement.
        clause: of the standard that defines the event.
        meaning: in a few words.
        unused: why nothing is made of it, as long as nothing is.
    """

    message: str
    trigger: str
    structure: str
    action: str
    cancelled_by: str
    clause: str
    meaning: str
    unused: str


def listed() -> dict[tuple[str, str], Listed]:
    """Return the rows by message and trigger event."""
    with LIST.open(encoding="utf-8", newline="") as file:
        rows = [Listed(**row) for row in csv.DictReader(file)]
    return {(row.message, row.trigger): row for row in rows}
