"""The journal of accesses for its auditor: searched, proved, and written as a file."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.audit import Entry, Wanted
from gateway.core.ports import Store, Transaction
from gateway.entry.web.ops.values import JournalPage
from gateway.pipeline import rights
from gateway.pipeline.journal import verify

ROWS = 100
#: Entries of a printed trail; who needs more exports them.
PRINTED = 2000
#: Entries of one file at most; a longer period is asked for in parts.
EXPORTED = 50_000
#: What somebody has to explain: opened without a right, values that were masked.
SPECIAL = ("break-glass", "reveal")
_PAGE = 1000
_NOBODY = "-"
#: A cell that begins so is taken for a formula by spreadsheets (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_DETAILS = ("role", "why", "target", "page", "what", "address", "request")


@dataclass(frozen=True, slots=True)
class JournalReader:
    """Reads the journal."""

    store: Store

    async def page(self, wanted: Wanted, before: int | None, size: int = ROWS) -> JournalPage:
        """Return a page of entries, newest first; on the first one what is special, too."""

        def work(tx: Transaction) -> JournalPage:
            asked = of_persons(tx, wanted)
            found = tx.audit.find(asked, size + 1, before)
            special: list[Entry] = []
            if before is None and not wanted.kinds:
                only = Wanted(asked.patients, asked.agent, SPECIAL, (), asked.start, asked.end)
                special = tx.audit.find(only, 20)
            head = tx.audit.head()
            older = found[size - 1].link.number if len(found) > size else None
            return JournalPage(
                tuple(found[:size]),
                older,
                tuple(special),
                tx.audit.count(asked),
                (head.number, head.digest.hex()),
            )

        return await self.store.read(work)

    async def proved(self) -> tuple[tuple[int, str], str]:
        """Walk through the whole chain; return its head, and what is wrong in words."""
        proof = await verify(self.store)
        return (proof.head.number, proof.head.digest.hex()), proof.fault

    async def exported(self, wanted: Wanted) -> str:
        """Return entries as CSV, newest first, no cell a formula."""
        rows: list[Entry] = []
        before: int | None = None
        while len(rows) < EXPORTED:
            found = await self.store.read(
                lambda tx, at=before: tx.audit.find(of_persons(tx, wanted), _PAGE, at)  # type: ignore[misc] # bound now
            )
            rows += found
            if len(found) < _PAGE:
                break
            before = found[-1].link.number
        return as_csv(rows)


def of_persons(tx: Transaction, wanted: Wanted) -> Wanted:
    """Return what is wanted about persons: under each of their Patients."""
    if not wanted.patients:
        return wanted
    found = rights.patients_of(tx, wanted.patients)
    patients = tuple(sorted({one for theirs in found.values() for one in theirs})) or (_NOBODY,)
    return Wanted(patients, wanted.agent, wanted.kinds, wanted.outcomes, wanted.start, wanted.end)


def as_csv(entries: Sequence[Entry]) -> str:
    """Return entries as CSV with semicolons, the separator of French spreadsheets."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(
        ["number", "digest", "instant", "kind", "outcome", "agent", "patient", *_DETAILS]
    )
    for entry in entries:
        trace = entry.trace
        cells = [
            str(entry.link.number),
            entry.link.digest.hex(),
            written(trace.at),
            trace.kind,
            trace.outcome,
            trace.agent,
            trace.patient,
            *(str(trace.details.get(name, "")) for name in _DETAILS),
        ]
        writer.writerow([plain(cell) for cell in cells])
    return text.getvalue()


def plain(cell: str) -> str:
    """Return a cell that no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def written(at: datetime) -> str:
    """Return an instant in UTC with Z."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
