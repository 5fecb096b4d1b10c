"""Bulk exports over REST: `$export`, its status, its files, and taking it back.

Spec: HL7 Bulk Data Access 2.0.0, export; FHIR R4 asynchronous requests. The work is done by
`pipeline.exporting`; here is what a client asks and is told. Another client's export is answered
like one that never was.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from gateway.core.access import Principal
from gateway.core.clock import Clock
from gateway.core.errors import RejectedError
from gateway.core.exports import Export, ExportFile, ExportStatus
from gateway.core.ports import Store, Transaction
from gateway.entry.api import asked
from gateway.entry.api.asked import Pairs
from gateway.entry.api.bodies import read_body
from gateway.entry.api.errors import MEDIA_TYPE, malformed, operation_outcome, refusal
from gateway.entry.auth.wall import check_scopes, client_of, sight_of
from gateway.fhir import export_faults as faults
from gateway.fhir.bundle import http_date, to_bytes
from gateway.fhir.export import NDJSON, parse_export
from gateway.fhir.views import View
from gateway.pipeline.exporting import lines, query_of
from gateway.sharing.scopes import allows, parse

_MEDIA = frozenset({"application/fhir+json", "application/json"})
_LIMIT = 64 * 1024
#: How long a client is asked to wait between two looks, seconds.
_RETRY_S = 2
#: How long a client that has too many exports is asked to wait, seconds.
_TOO_MANY_S = 300


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """How exports are given.

    Attributes:
        base: address of the FHIR door, without trailing slash.
        keep: how long an export is kept.
        per_client: exports of one client at most.
    """

    base: str
    keep: timedelta = timedelta(hours=24)
    per_client: int = 5


def export_router(store: Store, clock: Clock, settings: ExportSettings) -> APIRouter:
    """Return the routes; they come before those of the FHIR door."""
    door = _Door(store, clock, settings)
    router = APIRouter(prefix="/fhir", tags=["FHIR bulk export"])
    add = router.add_api_route
    job = {"job": "id of the export, as in Content-Location"}
    group = asked.described({"id": "id of a Group"})
    for method in ("GET", "POST"):
        # A route each: the description names an operation after its route.
        add("/$export", door.system, methods=[method])
        add("/Patient/$export", door.patients, methods=[method])
        add("/Group/{id}/$export", door.group, methods=[method], openapi_extra=group)
    add("/_export/{job}", door.status, openapi_extra=asked.described(job))
    add("/_export/{job}", door.drop, methods=["DELETE"], openapi_extra=asked.described(job))
    add(
        "/_export/{job}/{file}",
        door.file,
        openapi_extra=asked.described({**job, "file": "name of a file, as in the manifest"}),
    )
    return router


class _Door:
    """The interactions; one instance serves every request."""

    def __init__(self, store: Store, clock: Clock, settings: ExportSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    async def system(self, request: Request) -> Response:
        """Begin an export of everything."""
        return await self._begin(request, "")

    async def patients(self, request: Request) -> Response:
        """Begin an export of what is about persons."""
        return await self._begin(request, "Patient")

    async def group(self, _request: Request) -> Response:
        """Refuse an export of a group."""
        raise RejectedError([faults.no_groups()])

    async def _begin(self, request: Request, level: str) -> Response:
        pairs = asked.query_of(request)
        asked.format_of(request, pairs)
        address = asked.link(f"{self._settings.base}{request.url.path[len('/fhir') :]}", pairs)
        if request.method == "POST":
            pairs = [*pairs, *await _parameters(request)]
        lenient = asked.handling_is_lenient(request)
        if not lenient and not _waits(request):
            raise RejectedError([faults.not_asynchronous()])
        now, base = self._clock.now(), self._settings.base
        query = parse_export(level, pairs, lenient=lenient, base=base, now=now)
        check_scopes(request, query.looked_at)
        named = any(name == "_type" for name, _ in pairs)
        wanted = tuple(part.type for part in query.parts)
        types = _allowed(request, wanted)
        if not types or (named and types != wanted):
            # Refused by the wall's own words: nothing is said of what exists.
            check_scopes(request, [(type_, letter) for type_ in wanted for letter in "rs"])
        principal: Principal | None = getattr(request.state, "principal", None)
        job = Export(
            id=uuid4().hex,
            client=client_of(request),
            asked_at=now,
            expires=now + self._settings.keep,
            request=address,
            level=level,
            types=types,
            parameters=tuple(pairs),
            lenient=lenient,
            protected=principal is not None and principal.scopes is not None,
            sees=sight_of(request),
        )
        if not await self._store.write(lambda tx: self._added(tx, job)):
            return refusal([faults.too_many_exports()], headers={"Retry-After": str(_TOO_MANY_S)})
        return Response(
            operation_outcome(query.left_out),
            202,
            {"Content-Location": f"{base}/_export/{job.id}", "Cache-Control": "no-store"},
            MEDIA_TYPE,
        )

    def _added(self, tx: Transaction, job: Export) -> bool:
        if tx.exports.kept(job.client) >= self._settings.per_client:
            return False
        tx.exports.add(job)
        return True

    async def status(self, request: Request) -> Response:
        """Tell how far an export is; the manifest when it is done."""
        job, files = await self._store.read(lambda tx: self._known(tx, request))
        told = {"Expires": http_date(job.expires), "Cache-Control": "no-store"}
        if job.status is ExportStatus.FAILED:
            return refusal([faults.failed()], headers=told)
        if job.status is not ExportStatus.DONE:
            progress = "waiting" if job.status is ExportStatus.QUEUED else "in progress"
            wait = {"X-Progress": progress, "Retry-After": str(_RETRY_S)}
            return Response(b"", 202, {**told, **wait})
        return Response(to_bytes(self._manifest(job, files)), 200, told, "application/json")

    def _manifest(self, job: Export, files: list[ExportFile]) -> dict[str, object]:
        def listed(deleted: bool) -> list[dict[str, object]]:
            return [
                {"type": "Bundle" if deleted else file.type, "url": address, "count": file.count}
                for file in files
                if file.deleted is deleted
                for address in [f"{self._settings.base}/_export/{job.id}/{file.number}.ndjson"]
            ]

        at = job.transaction_time
        return {
            "transactionTime": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            if at
            else None,
            "request": job.request,
            "requiresAccessToken": job.protected,
            "output": listed(False),
            "deleted": listed(True),
            "error": [],
        }

    async def drop(self, request: Request) -> Response:
        """Take an export back, begun or done, with its files."""

        def work(tx: Transaction) -> None:
            job, _ = self._known(tx, request)
            tx.exports.drop(job.id)

        await self._store.write(work)
        return Response(operation_outcome([]), 202, {"Cache-Control": "no-store"}, MEDIA_TYPE)

    async def file(self, request: Request) -> Response:
        """Give one file, line by line; the rights of the client count as they are now."""
        number, dot, ending = request.path_params["file"].partition(".")
        if not (number.isascii() and number.isdigit() and len(number) < 6 and dot + ending):
            raise RejectedError([faults.unknown_export()])

        def work(tx: Transaction) -> tuple[Export, ExportFile | None]:
            job, _ = self._known(tx, request)
            return job, tx.exports.file(job.id, int(number))

        job, found = await self._store.read(work)
        if found is None or ending != "ndjson":
            raise RejectedError([faults.unknown_export()])
        check_scopes(request, [(found.type, letter) for letter in "rs"])
        view = View(elements=query_of(job, self._settings.base).elements)
        told = {"Expires": http_date(job.expires), "Cache-Control": "no-store"}
        return StreamingResponse(
            lines(self._store, found, view, sight_of(request)), 200, told, NDJSON
        )

    def _known(self, tx: Transaction, request: Request) -> tuple[Export, list[ExportFile]]:
        """Return a job of the client that asks, and its files without items.

        Raises:
            RejectedError: there is none, it expired, or it is another client's (RLS-FHR-302).
        """
        job = tx.exports.get(request.path_params["job"])
        if job is None or job.client != client_of(request) or job.expires <= self._clock.now():
            raise RejectedError([faults.unknown_export()])
        return job, tx.exports.files(job.id)


def _waits(request: Request) -> bool:
    wishes = ",".join(request.headers.getlist("prefer")).replace(";", ",").split(",")
    return "respond-async" in {wish.strip().lower() for wish in wishes}


def _allowed(request: Request, types: Iterable[str]) -> tuple[str, ...]:
    """Return the types the client may read and search."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None or principal.scopes is None:
        return tuple(types)
    scopes = parse(principal.scopes)
    return tuple(one for one in types if all(allows(scopes, one, letter) for letter in "rs"))


async def _parameters(request: Request) -> Pairs:
    """Read the Parameters of a POST.

    Raises:
        RejectedError: they are none (RLS-FHR-059).
    """
    body = await read_body(request, _MEDIA, _LIMIT)
    try:
        sent = orjson.loads(body.data)
    except orjson.JSONDecodeError:
        sent = None
    held = sent.get("parameter", []) if isinstance(sent, dict) else None
    if not isinstance(held, list) or sent.get("resourceType") != "Parameters":
        raise RejectedError([malformed("http.body", "The body is no Parameters resource.")])
    return [_pair(one) for one in held]


def _pair(given: object) -> tuple[str, str]:
    """Return one parameter as in an address."""
    if isinstance(given, dict) and isinstance(given.get("name"), str):
        for name, value in given.items():
            if name == "valueReference" and isinstance(value, dict):
                value = value.get("reference")
            if name.startswith("value") and isinstance(value, str):
                return given["name"], value
    raise RejectedError([malformed("http.body", "A parameter has no name or no simple value.")])
