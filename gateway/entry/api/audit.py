"""`/fhir/AuditEvent`: the journal of accesses, read and searched; nobody writes through here.

Read by auditors only: clients whose scopes name AuditEvent. A client with a territory sees the
trail of persons it may be shown, one person at a time. FHIR R4 AuditEvent, search parameters.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.core.access import Sight
from gateway.core.audit import Entry, Wanted
from gateway.core.contributions import Target
from gateway.core.errors import RejectedError
from gateway.core.ports import Store, StoredResource, Transaction
from gateway.entry.api import asked
from gateway.entry.api.answers import respond
from gateway.entry.api.asked import Pairs
from gateway.entry.api.fhir import FhirSettings, check_there
from gateway.entry.auth.wall import check_named, sight_of
from gateway.fhir import page_tokens
from gateway.fhir.bundle import searchset, to_bytes
from gateway.fhir.search_dates import date_range
from gateway.fhir.search_faults import bad_value, place, unknown_parameter
from gateway.fhir.search_results import DEFAULT_COUNT, TOTALS, read_count
from gateway.pipeline import rights, seen
from gateway.sharing.audit import BY_ACTION, BY_SUBTYPE, BY_TYPE, KINDS, audit_event

_KNOWN = ("_count", "_cursor", "_format", "_id", "_pretty", "_total", "action", "agent", "date",
          "outcome", "patient", "subtype", "type")  # fmt: skip
_CODES = {"type": BY_TYPE, "subtype": BY_SUBTYPE, "action": BY_ACTION}
_NOBODY = "-"


def audit_router(store: Store, settings: FhirSettings) -> APIRouter:
    """Return the routes; they come before those of the FHIR door."""
    door = _Door(store, settings)
    router = APIRouter(prefix="/fhir/AuditEvent", tags=["FHIR"])
    add = router.add_api_route
    add("", door.search)
    add("", _read_only, methods=["POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    add("/_search", door.search_form, methods=["POST"])
    add("/{id}", door.read)
    add("/{id}", _read_only, methods=["PUT", "PATCH", "DELETE"], include_in_schema=False)
    return router


async def _read_only(_request: Request) -> Response:
    """Refuse to write."""
    raise HTTPException(405, headers={"Allow": "GET"})


class _Door:
    """The interactions; one instance serves every request."""

    def __init__(self, store: Store, settings: FhirSettings) -> None:
        self._store = store
        self._base = settings.base
        self._now = settings.now

    async def read(self, request: Request) -> Response:
        """Give one entry."""
        check_named(request, "AuditEvent", "r")
        format_ = asked.format_of(request, asked.query_of(request))
        id_, sight = request.path_params["id"], sight_of(request)

        def work(tx: Transaction) -> Entry | None:
            found = tx.audit.get(id_)
            if found is None or not _is_shown(tx, sight, (found.trace.patient,)):
                return None
            return found

        found = await seen.read(self._store, sight, work)
        row = check_there(None if found is None else self._row(found))
        return respond(row.body, format_)

    async def search(self, request: Request) -> Response:
        """Search the journal, the newest entries first."""
        return await self._search(request, asked.query_of(request))

    async def search_form(self, request: Request) -> Response:
        """Search the journal with the parameters in a form."""
        return await self._search(request, asked.query_of(request) + await asked.form_of(request))

    async def _search(self, request: Request, pairs: Pairs) -> Response:
        check_named(request, "AuditEvent", "s")
        format_ = asked.format_of(request, pairs)
        sight, now = sight_of(request), self._now()
        used = [pair for pair in pairs if pair[0] not in ("_cursor", "_format", "_pretty")]
        wanted, count, ids = _read_query(pairs)
        is_counted = dict(pairs).get("_total") != "none"
        said = f"audit\n{[pair for pair in used if pair[0] != '_count']}"
        given = dict(pairs).get("_cursor")
        opened = page_tokens.read(said, given, now) if given else None
        before = int(opened.cursor) if opened and opened.cursor.isdigit() else None

        def work(tx: Transaction) -> tuple[int | None, list[Entry]]:
            asked_of = _of_persons(tx, wanted)
            if not _is_shown(tx, sight, wanted.patients):
                return 0 if is_counted else None, []
            if ids:
                found = [one for id_ in ids if (one := tx.audit.get(id_))]
                shown = [one for one in found if _is_shown(tx, sight, (one.trace.patient,))]
                return len(shown) if is_counted else None, shown
            total = tx.audit.count(asked_of) if is_counted else None
            return total, tx.audit.find(asked_of, count + 1, before)

        total, found = await seen.read(self._store, sight, work)
        more = len(found) > count and not ids
        page = found if ids else found[:count]
        token = None
        if more and page:
            token = page_tokens.write(said, str(page[-1].link.number), now)
        links = asked.page_links(f"{self._base}/AuditEvent", tuple(used), given, token)
        rows = [self._row(one) for one in page]
        return respond(searchset(rows, base=self._base, total=total, links=links), format_)

    def _row(self, entry: Entry) -> StoredResource:
        trace = entry.trace
        body = to_bytes(audit_event(trace, self._base))
        target = Target("AuditEvent", trace.id)
        return StoredResource(*target, 1, trace.at, body, False, "", target, trace.patient)


def _is_shown(tx: Transaction, sight: Sight | None, patients: Sequence[str]) -> bool:
    """Tell whether a client may read the trail of Patients."""
    if sight is None or not sight.has_territory:
        return True
    keys = [("Patient", one) for one in patients if one]
    return bool(keys) and set(tx.resources.current(keys)) == set(keys)


def _of_persons(tx: Transaction, wanted: Wanted) -> Wanted:
    """Return what is wanted about persons: under each of their Patients."""
    if not wanted.patients:
        return wanted
    found = rights.patients_of(tx, wanted.patients)
    patients = tuple(sorted({one for theirs in found.values() for one in theirs})) or (_NOBODY,)
    return Wanted(patients, wanted.agent, wanted.kinds, wanted.outcomes, wanted.start, wanted.end)


def _read_query(pairs: Pairs) -> tuple[Wanted, int, list[str]]:
    """Read the parameters.

    Raises:
        RejectedError: one issue per fault (RLS-FHR-060, RLS-FHR-062).
    """
    count, ids = DEFAULT_COUNT, list[str]()
    patients, agent, outcomes = list[str](), "", list[str]()
    kinds: set[str] = set(KINDS)
    span: list[datetime | None] = [None, None]
    issues = []
    for name, value in pairs:
        if name not in _KNOWN:
            issues.append(unknown_parameter(place(name), "AuditEvent", _KNOWN))
        elif name == "_count":
            count = min(read_count(value) or 0, 200)
            issues += [] if count else [bad_value("http._count", "a whole number, 1 or more")]
        elif name == "_total" and value not in TOTALS:
            issues.append(bad_value("http._total", ", ".join(TOTALS)))
        elif name == "_id":
            ids += value.split(",")
        elif name == "patient":
            patients += [one.removeprefix("Patient/") for one in value.split(",")]
        elif name == "agent":
            agent = value.rpartition("|")[2].rpartition("/")[2]
        elif name == "outcome":
            outcomes += value.split(",")
        elif name in _CODES:
            codes = [one.rpartition("|")[2] for one in value.split(",")]
            kinds &= {kind for code in codes for kind in _CODES[name].get(code, ())}
        elif name == "date" and not _narrow(span, value):
            issues.append(bad_value("http.date", "a date with eq, ge, gt, le or lt"))
    if issues:
        raise RejectedError(issues)
    asked_kinds = () if kinds == set(KINDS) else tuple(sorted(kinds)) or (_NOBODY,)
    wanted = Wanted(tuple(patients), agent, asked_kinds, tuple(outcomes), span[0], span[1])
    return wanted, count, ids


def _narrow(span: list[datetime | None], value: str) -> bool:
    """Narrow a span by a date parameter; False when it is not understood."""
    prefix, text = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    found = date_range(text.replace(" ", "+"))
    bounds: dict[str, Callable[[str, str], tuple[str, str]]] = {
        "eq": lambda low, high: (low, high),
        "ge": lambda low, high: (low, ""),
        "gt": lambda low, high: (high, ""),
        "le": lambda low, high: ("", high),
        "lt": lambda low, high: ("", low),
    }
    if found is None or prefix not in bounds:
        return False
    low, high = (datetime.fromisoformat(t) if t else None for t in bounds[prefix](*found))
    starts = [at for at in (span[0], low) if at is not None]
    ends = [at for at in (span[1], high) if at is not None]
    span[0], span[1] = max(starts, default=None), min(ends, default=None)
    return True
