"""The addresses of the auditor: the journal of accesses, proved, printed, and as a file.

Read only, and for auditors only. Each look at the journal is an entry of it.
"""

import base64
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gateway.core.audit import Wanted
from gateway.core.timestamps import PARIS
from gateway.entry.web.ops.desk import Desk
from gateway.entry.web.ops.trail import PRINTED, ROWS, SPECIAL
from gateway.entry.web.render import View
from gateway.sharing.audit import KINDS

_FILTERS = ("who", "what", "patient", "outcome", "from", "to")
_OUTCOMES = ("0", "4", "8")


def audit_routes(desk: Desk) -> APIRouter:
    """Return the pages of the auditor."""
    router = APIRouter(include_in_schema=False)
    door = _Audit(desk)
    router.add_api_route("/audit", desk.opened(door.page))
    router.add_api_route("/audit/proof", desk.opened(door.proof))
    router.add_api_route("/audit/export", desk.opened(door.export))
    return router


class _Audit:
    """The handlers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request, now: datetime) -> Response:
        """Show entries, the newest first."""
        query = request.query_params
        wanted, asked = wanted_of(query)
        is_print = query.get("print") == "1"
        kind = "export" if is_print else "audit-read"
        await self._noted(request, kind, wanted, "print" if is_print else "audit")
        before = query.get("before", "")
        page = await self._desk.ops.trail.page(
            wanted,
            int(before) if before.isdecimal() and len(before) < 19 else None,
            PRINTED if is_print else ROWS,
        )
        base = [(name, value) for name, value in asked.items() if value]
        values: dict[str, Any] = {
            "page": page,
            "asked": asked,
            "kinds": sorted((*KINDS, *(one for one in SPECIAL if one not in KINDS))),
            "filtered": bool(base),
            "is_print": is_print,
            "first": self._desk.pages.address(request, base),
            "older": None,
            "export": _under("/audit/export", base),
            "printed": self._desk.pages.address(request, [*base, ("print", "1")]),
            "proof": None,
        }
        if page.older is not None:
            values["older"] = self._desk.pages.address(
                request, [*base, ("before", str(page.older))]
            )
        known = (*_FILTERS, "before", "print")
        return await self._desk.pages.answer(
            request, View("audit.html", "audit", values, {}, known=known, live=not is_print), now
        )

    async def proof(self, request: Request, now: datetime) -> Response:
        """Walk through the chain and show its head, or what is wrong with it."""
        await self._noted(request, "audit-read", Wanted(), "proof")
        head, fault = await self._desk.ops.trail.proved()
        values = {"head": head, "fault": fault}
        return await self._desk.pages.answer(request, View("proof.html", "audit", values, {}), now)

    async def export(self, request: Request, now: datetime) -> Response:
        """Give entries as CSV."""
        wanted, _asked = wanted_of(request.query_params)
        await self._noted(request, "export", wanted, "audit")
        text = await self._desk.ops.trail.exported(wanted)
        name = f"relais-audit-{now.astimezone(PARIS):%Y%m%d-%H%M}.csv"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        # With a byte-order mark: French spreadsheets read UTF-8 by it.
        return Response(("\ufeff" + text).encode(), 200, headers, "text/csv; charset=utf-8")

    async def _noted(self, request: Request, kind: str, wanted: Wanted, page: str) -> None:
        asked = base64.b64encode(f"audit?{request.url.query}".encode()).decode()
        more = {"page": page, "query": asked}
        traces = [self._desk.trace(request, kind, one, **more) for one in wanted.patients or ("",)]
        await self._desk.ops.journal.keep(traces)


def wanted_of(query: Any) -> tuple[Wanted, dict[str, str]]:
    """Read the filters; what is not understood is left out.

    Args:
        query: parameters of the address.

    Returns:
        What is wanted, and the filters as they were understood.
    """
    asked = {name: str(query.get(name, "")).strip()[:80] for name in _FILTERS}
    asked["what"] = asked["what"] if asked["what"] in (*KINDS, *SPECIAL) else ""
    asked["outcome"] = asked["outcome"] if asked["outcome"] in _OUTCOMES else ""
    asked["patient"] = asked["patient"].removeprefix("Patient/")
    low, high = _day(asked["from"]), _day(asked["to"])
    asked["from"], asked["to"] = low.isoformat() if low else "", high.isoformat() if high else ""
    return (
        Wanted(
            (asked["patient"],) if asked["patient"] else (),
            asked["who"],
            (asked["what"],) if asked["what"] else (),
            (asked["outcome"],) if asked["outcome"] else (),
            _midnight(low) if low else None,
            _midnight(high + timedelta(days=1)) if high else None,
        ),
        asked,
    )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1900 < found.year < 2200 else None


def _midnight(day: date) -> datetime:
    """Return the first instant of a day in Paris."""
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


def _under(path: str, query: list[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
