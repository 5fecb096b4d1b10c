"""Who may open the pages, and as what: a table of the installation (an RPPS is not a right).

A TOML file, read again when it changes, so that a right that is taken counts at the next request:

    [people.899700218896]
    role = "pilot"
    finess = ["690000010"]
"""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry.auth.id_token import ID_NAT


class Role(StrEnum):
    """What a person does here.

    Pilots and auditors read; operators also see messages as they came, and act on them.
    """

    PILOT = "pilot"
    OPERATOR = "operator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Person:
    """A row of the table.

    Attributes:
        id: national identifier (SubjectNameID of Pro Santé Connect).
        finess: organisations, one of which they have to work for; empty: any.
    """

    id: str
    role: Role
    finess: frozenset[str] = frozenset()


class People:
    """The table, as the file says now."""

    def __init__(self, file: Path) -> None:
        """Read the file.

        Raises:
            FatalError: it is missing or wrong (RLS-CFG-123).
        """
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._known: dict[str, Person] = {}
        self.find("")

    def find(self, id_: str) -> Person | None:
        """Return the row of a person; None for one who has no right here.

        Raises:
            FatalError: the file is missing or wrong (RLS-CFG-123).
        """
        try:
            found = self._file.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._seen:
                self._known = _read(tomllib.loads(self._file.read_text(encoding="utf-8")))
                self._seen = stamp
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FatalError([_wrong()]) from error
        return self._known.get(id_)


def _read(told: dict[str, Any]) -> dict[str, Person]:
    found = {}
    for id_, row in told.get("people", {}).items():
        if not ID_NAT.fullmatch(id_) or set(row) - {"role", "finess"}:
            raise ValueError(id_)
        found[id_] = Person(id_, Role(row["role"]), frozenset(map(str, row.get("finess", ()))))
    return found


def _wrong() -> Issue:
    return Issue(
        code="RLS-CFG-123",
        severity=Severity.FATAL,
        where="setting psc.people",
        what="the table of people is missing or cannot be read.",
        fix="Write [people.<national identifier>] with role (pilot, operator, auditor) and finess.",
    )
