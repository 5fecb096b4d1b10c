"""Which resource each write is about: by its id, by criteria, or a new one.

Locks what it finds, so that of two clients that create the same thing one waits and then sees it.
Does not judge what is written. FHIR R4 http 3.1.0.8.1 (conditional create, update, patch, delete).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from gateway.core.contributions import Json, Target
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import StoredResource, Transaction
from gateway.fhir import write_faults as faults
from gateway.fhir.search import Query
from gateway.fhir.writable import WRITABLE

Key = tuple[str, str]
#: In which order the entries of a transaction count (FHIR R4 http 3.1.0.11.2).
RANKS = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2}


@dataclass(frozen=True, slots=True)
class Write:
    """One thing a client asks to be written.

    Attributes:
        method: POST, PUT, PATCH or DELETE.
        type: of the address.
        id: of the address; empty for a new resource and for criteria.
        query: criteria that say which resource it is (`If-None-Exist`, `Type?...`).
        resource: what is written by POST and PUT.
        patch: what PATCH makes of the current resource; raises RejectedError.
        if_match: as sent.
        if_absent: `If-None-Match: *`.
        full_url: of the entry.
        place: of the entry (`Bundle.entry[2]`); empty for a request of its own.
    """

    method: str
    type: str
    id: str = ""
    query: Query | None = None
    resource: Json | None = None
    patch: Callable[[Json], Json] | None = None
    if_match: str | None = None
    if_absent: bool = False
    full_url: str = ""
    place: str = ""

    @property
    def criteria(self) -> str:
        """Return the criteria as text, the same for the same criteria."""
        return "" if self.query is None else repr(sorted(self.query.used))

    @property
    def judged_late(self) -> bool:
        """Tell whether profiles can be judged only once it is known what is stored.

        A Task may be the work on a gap, which has rules of its own.
        """
        return self.method == "PATCH" or (self.method == "PUT" and self.type == "Task")


@dataclass(frozen=True, slots=True)
class Aim:
    """A write with the resource it is about.

    Attributes:
        id: of the resource; empty when there is none (a deletion that finds nothing).
        found: it was found by criteria or named, rather than to be made.
    """

    write: Write
    id: str
    found: bool = False

    @property
    def key(self) -> Key:
        """Return type and id."""
        return self.write.type, self.id

    @property
    def is_only_found(self) -> bool:
        """Tell whether a conditional create found what it would have made."""
        return self.write.method == "POST" and self.found


def aims(tx: Transaction, writes: Sequence[Write], new_id: Callable[[], str]) -> list[Aim]:
    """Say which resource each write is about, in their order, all locked.

    Raises:
        RejectedError: criteria fit several (RLS-FHR-250), or none where one must be there
            (RLS-FHR-245); clients do not write the type (RLS-FHR-243); two writes are about one
            resource (RLS-FHR-255).
    """
    named = [Target(one.type, one.id) for one in writes if one.id]
    asked = [Target(one.type, f"?{one.criteria}") for one in writes if one.query is not None]
    # In one call, so that all writers lock in one order.
    tx.contributions.lock([*named, *asked])
    made: dict[int, Aim] = {}
    gone: set[Key] = set()
    for number in sorted(range(len(writes)), key=lambda n: RANKS[writes[n].method]):
        write = writes[number]
        with entry(write.place):
            made[number] = _aim(tx, write, gone, new_id)
        if write.method == "DELETE":
            gone.add(made[number].key)
    found = [made[number] for number in range(len(writes))]
    _check_apart(found)
    tx.contributions.lock([Target(*one.key) for one in found if one.id])
    return found


@contextmanager
def entry(place: str) -> Iterator[None]:
    """Do what concerns one entry; its issues name the entry.

    Raises:
        RejectedError: as what is done inside.
    """
    try:
        yield
    except RejectedError as error:
        raise RejectedError([placed(issue, place) for issue in error.issues]) from error


def placed(issue: Issue, place: str) -> Issue:
    """Return an issue of an entry at its place in the Bundle."""
    if not place or issue.where.startswith("Bundle.entry"):
        return issue
    where = issue.where
    if where.startswith("http"):
        return replace(issue, where=f"{place}.request")
    _, dot, rest = where.partition(".")
    return replace(issue, where=f"{place}.resource{dot}{rest}")


def _aim(tx: Transaction, write: Write, gone: set[Key], new_id: Callable[[], str]) -> Aim:
    is_writable = write.type in WRITABLE
    if not is_writable and not (write.method == "POST" and write.query):
        raise RejectedError([faults.not_written(write.type)])
    if write.query is None:
        return Aim(write, write.id, found=True) if write.id else Aim(write, new_id())
    match = _match(tx, write, write.query, gone)
    if match is not None:
        return Aim(write, match.id, found=True)
    if write.method == "PATCH":
        raise RejectedError([faults.unknown()])
    if write.method == "DELETE":
        return Aim(write, "")
    if not is_writable:
        raise RejectedError([faults.not_written(write.type)])
    chosen = (write.resource or {}).get("id")
    if write.method == "PUT" and chosen and WRITABLE[write.type].own_ids:
        return Aim(write, str(chosen))
    return Aim(write, new_id())


def _match(tx: Transaction, write: Write, query: Query, gone: set[Key]) -> StoredResource | None:
    page = tx.resources.search(write.type, query.conditions, 2 + len(gone), None)
    found = [row for row in page.resources if (row.type, row.id) not in gone]
    if len(found) > 1:
        name = "If-None-Exist" if write.method == "POST" else "path"
        raise RejectedError([faults.several(f"http.{name}")])
    if not found:
        return None
    sent = (write.resource or {}).get("id")
    if write.method == "PUT" and sent is not None and sent != found[0].id:
        raise RejectedError([faults.other_id()])
    return found[0]


def _check_apart(found: Sequence[Aim]) -> None:
    """Hold a transaction to one entry per resource (FHIR R4 http 3.1.0.11.2)."""
    changed: dict[object, str] = {}
    for one in found:
        if one.is_only_found or not one.id:
            continue
        # Two conditional creates of one thing would both find nothing, and both create it.
        names: list[object] = [one.key]
        if one.write.query is not None:
            names.append((one.write.type, one.write.criteria))
        for name in names:
            if name in changed and changed[name] != one.write.place:
                raise RejectedError([faults.same_resource([changed[name], one.write.place])])
            changed[name] = one.write.place
