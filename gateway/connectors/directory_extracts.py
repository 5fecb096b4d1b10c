"""Reads the published extracts of the Annuaire Santé: mailboxes, and professionals at places.

Lines are parted by `|`, the first names the columns, which are found by their names: their number
and order have changed over the years. Keeps nothing (`pipeline.directory`). Standard: ANS,
extractions en libre accès de l'Annuaire Santé.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from unicodedata import combining, normalize

from gateway.connectors import directory_faults as faults
from gateway.core.directory import BoxKind, Entry
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.timestamps import PARIS

MAILBOXES, PROFESSIONALS = "extract:mssante", "extract:professionals"
_DATE = re.compile(r"_(\d{8})(\d{4})?\.(?:txt|csv|zip)$", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>,;|\"]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_RPPS = re.compile(r"8?(\d{11})")
_FINESS = re.compile(r"1?([0-9][0-9AB][0-9]{7})")
_TOWN = re.compile(r"^(\d{5})?\s*(.*?)(?:\s+CEDEX.*)?$", re.IGNORECASE)
_KINDS = frozenset(kind.value for kind in BoxKind)
#: How many faults are told one by one.
_TOLD = 20
#: A published extract is below 1 GB; an archive made to hurt is not.
_LARGEST = 4 * 2**30

#: Columns by what they tell, each with the names it has had.
_MAILBOX_COLUMNS = {
    "kind": ("type de bal",),
    "address": ("adresse bal",),
    "rpps": ("identifiant pp",),
    "finess": ("identification structure", "identifiant structure"),
    "family": ("nom d exercice",),
    "given": ("prenom d exercice",),
    "profession": ("libelle profession",),
    "structure": ("raison sociale structure bal",),
    "service": ("service de rattachement",),
    "town": ("l6ligneacheminement structure bal",),
    "postcode": ("code postal structure bal",),
    "unlisted": ("liste rouge",),
}
_PROFESSIONAL_COLUMNS = {
    "rpps": ("identifiant pp",),
    "finess": ("numero finess site",),
    "family": ("nom d exercice",),
    "given": ("prenom d exercice",),
    "profession": ("libelle profession",),
    "structure": ("raison sociale site",),
    "town": ("libelle commune coord structure", "libelle commune"),
    "postcode": ("code postal coord structure", "code postal"),
}
_NEEDED = {
    MAILBOXES: ("kind", "address", "rpps", "finess", "family"),
    PROFESSIONALS: ("rpps", "finess", "family", "profession"),
}


@dataclass(slots=True)
class Extract:
    """An extract that is being read.

    Attributes:
        origin: which extract it is.
        as_of: its date, UTC.
        left_out: lines that could not be read.
        issues: the first of them, one by one.
    """

    name: str
    origin: str
    as_of: datetime
    columns: Mapping[str, int]
    width: int
    lines: Iterator[list[str]]
    left_out: int = 0
    issues: list[Issue] = field(default_factory=list)

    def entries(self) -> Iterator[Entry]:
        """Yield what the lines tell; one that cannot be read is noted and left out."""
        for number, cells in enumerate(self.lines, start=2):
            if not any(cells):
                continue
            # Published lines end in a separator too many, or not.
            while len(cells) > self.width and not cells[-1]:
                cells.pop()
            why = self._fault(cells)
            if why:
                self.left_out += 1
                if len(self.issues) < _TOLD:
                    self.issues.append(faults.bad_line(self.name, number, why))
                continue
            yield self._entry(cells)

    def _fault(self, cells: list[str]) -> str:
        if len(cells) != self.width:
            return f"{len(cells)} columns instead of {self.width}"
        if self.origin == PROFESSIONALS:
            return "" if _RPPS.fullmatch(self._cell(cells, "rpps")) else "no RPPS"
        if not _ADDRESS.fullmatch(self._cell(cells, "address")):
            return "no mail address"
        return "" if self._cell(cells, "kind").upper() in _KINDS else "unknown kind of mailbox"

    def _entry(self, cells: list[str]) -> Entry:
        rpps = _RPPS.fullmatch(self._cell(cells, "rpps"))
        finess = _FINESS.fullmatch(self._cell(cells, "finess"))
        town = _TOWN.match(self._cell(cells, "town"))
        names = (self._cell(cells, "structure"), self._cell(cells, "service"))
        return Entry(
            origin=self.origin,
            rpps=rpps[1] if rpps else "",
            finess=finess[1] if finess else "",
            address=self._cell(cells, "address"),
            kind=self._cell(cells, "kind").upper(),
            family=self._cell(cells, "family"),
            given=self._cell(cells, "given"),
            profession=self._cell(cells, "profession"),
            structure=", ".join(name for name in names if name),
            place=town[2] if town else "",
            postcode=self._cell(cells, "postcode") or (town[1] or "" if town else ""),
            unlisted=self._cell(cells, "unlisted").upper() in ("1", "O", "OUI", "TRUE", "Y"),
            seen_at=self.as_of,
        )

    def _cell(self, cells: list[str], name: str) -> str:
        place = self.columns.get(name)
        return cells[place].strip() if place is not None else ""


@contextmanager
def opened(path: Path, as_of: datetime | None = None) -> Iterator[Extract]:
    """Open an extract, or the archive it is published in.

    Args:
        path: of the file.
        as_of: its date; read from its name when not given.

    Raises:
        RejectedError: no date, columns of no known extract, no text (RLS-DIR-001, 002, 004).
    """
    day = as_of or date_of(path.name)
    if day is None:
        raise RejectedError([faults.no_date(path.name)])
    try:
        with _bytes_of(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as text:
            lines = csv.reader(text, delimiter="|", quoting=csv.QUOTE_NONE)
            head = [_folded(name) for name in next(lines, [])]
            while head and not head[-1]:
                head.pop()
            origin, columns = _recognised(path.name, head)
            yield Extract(path.name, origin, day, columns, len(head), lines)
    except (UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise RejectedError([faults.not_text(path.name)]) from error


def date_of(name: str) -> datetime | None:
    """Return the date in the name of an extract (Paris), UTC; None when there is none."""
    found = _DATE.search(name)
    if found is None:
        return None
    try:
        local = datetime.strptime(f"{found[1]}{found[2] or '0000'}", "%Y%m%d%H%M")  # noqa: DTZ007 - Paris is put on below
    except ValueError:
        return None
    return local.replace(tzinfo=PARIS).astimezone(UTC)


@contextmanager
def _bytes_of(path: Path) -> Iterator[IO[bytes]]:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as raw:
            yield raw
        return
    with zipfile.ZipFile(path) as archive:
        texts = [one for one in archive.infolist() if one.filename.lower().endswith(".txt")]
        fits = [one for one in texts if one.file_size <= _LARGEST]
        wanted = [one for one in fits if re.search("bal|mssante|activite", one.filename, re.I)]
        if not (wanted or fits):
            raise RejectedError([faults.not_text(path.name)])
        with archive.open((wanted or fits)[0]) as inside:
            yield inside


def _recognised(name: str, head: list[str]) -> tuple[str, dict[str, int]]:
    is_mailboxes = any("bal" in column.split() for column in head)
    origin = MAILBOXES if is_mailboxes else PROFESSIONALS
    wanted = _MAILBOX_COLUMNS if is_mailboxes else _PROFESSIONAL_COLUMNS
    columns = {
        told: head.index(alias)
        for told, aliases in wanted.items()
        for alias in reversed(aliases)
        if alias in head
    }
    missing = [wanted[told][0] for told in _NEEDED[origin] if told not in columns]
    if missing:
        raise RejectedError([faults.unknown_columns(name, f"'{missing[0]}'")])
    return origin, columns


def _folded(text: str) -> str:
    plain = "".join(c for c in normalize("NFKD", text) if not combining(c))
    return " ".join(re.sub(r"[^0-9a-z]+", " ", plain.casefold()).split())
