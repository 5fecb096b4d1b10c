"""Who may open the pages, and as what: a table of the installation (an RPPS is not a right).

A TOML file, read again when it changes, so that a right that is taken counts at the next request:

    [people.899700218896]
    name = "Claire Morel"
    role = "coordinator"
    finess = ["690000990"]
    territory = ["690000010", "690000020"]
"""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway.core.access import Client
from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry.auth.id_token import ID_NAT


class Role(StrEnum):
    """What a person does here; what each may open is in `entry.auth.roles`."""

    COORDINATOR = "coordinator"
    PILOT = "pilot"
    OPS = "ops"
    INTEGRATOR = "integrator"
    AUDITOR = "auditor"
    ADMIN = "admin"


#: Roles as tables written before call them.
_FORMER = {"operator": Role.OPS}
#: Who looks after the software, not after persons: nobody is shown to them.
_NO_PERSONS = frozenset({Role.INTEGRATOR, Role.ADMIN})
_KEYS = frozenset({"role", "finess", "territory", "team_reference", "everybody", "name"})


@dataclass(frozen=True, slots=True)
class Person:
    """A row of the table.

    Attributes:
        id: national identifier (SubjectNameID of Pro Santé Connect).
        finess: organisations, one of which they have to work for; empty: any.
        territory: FINESS of the organisations whose patients they may be shown, beside those
            they work for.
        team_reference: signed reference by which their organisation counts as of the care team
            of whoever is in the territory; empty: it does not.
        everybody: they have no perimeter.
        name: as colleagues read it; empty: the identifier is shown.
    """

    id: str
    role: Role
    finess: frozenset[str] = frozenset()
    territory: tuple[str, ...] = ()
    team_reference: str = ""
    everybody: bool = False
    name: str = ""

    def circle(self, works: Sequence[str]) -> Client:
        """Return what they may be shown, as it is decided about; the same for their colleagues.

        Args:
            works: organisations of theirs that count here, of Pro Santé Connect.
        """
        territory = None if self.everybody else tuple(sorted({*self.territory, *works}))
        if self.role in _NO_PERSONS:
            territory, works = (), ()
        # Who coordinates takes part in the care; who pilots, runs or audits does not.
        cares = self.role is Role.COORDINATOR
        own, *further = sorted(works) or [""]
        said = repr((territory, own, further, self.team_reference, cares))
        id_ = f"people:{hashlib.sha256(said.encode()).hexdigest()[:16]}"
        return Client(
            id_,
            id_,
            "",
            territory=territory,
            organisation=own,
            team_reference="" if self.role in _NO_PERSONS else self.team_reference,
            further=tuple(further),
            people=cares,
        )


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
        return self._current().get(id_)

    def everybody(self) -> list[Person]:
        """Return every row; raises as `find`."""
        return list(self._current().values())

    def _current(self) -> dict[str, Person]:
        try:
            found = self._file.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._seen:
                self._known = _read(tomllib.loads(self._file.read_text(encoding="utf-8")))
                self._seen = stamp
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FatalError([_wrong()]) from error
        return self._known


def _read(told: dict[str, Any]) -> dict[str, Person]:
    found = {}
    for id_, row in told.get("people", {}).items():
        if not ID_NAT.fullmatch(id_) or set(row) - _KEYS:
            raise ValueError(id_)
        everybody = row.get("everybody", False)
        if not isinstance(everybody, bool):
            raise TypeError(id_)
        role = row["role"]
        found[id_] = Person(
            id_,
            _FORMER.get(role) or Role(role),
            frozenset(_texts(row, "finess")),
            tuple(sorted(_texts(row, "territory"))),
            str(row.get("team_reference", "")),
            everybody,
            str(row.get("name", ""))[:80],
        )
    return found


def _texts(row: dict[str, Any], name: str) -> list[str]:
    told = row.get(name, [])
    if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
        raise TypeError(name)
    return told


def _wrong() -> Issue:
    return Issue(
        code="RLS-CFG-123",
        severity=Severity.FATAL,
        where="setting psc.people",
        what="the table of people is missing or cannot be read.",
        fix="Write [people.<national identifier>] with role (coordinator, pilot, ops, integrator, "
        "auditor, admin), finess, name, and territory, team_reference or everybody.",
    )
