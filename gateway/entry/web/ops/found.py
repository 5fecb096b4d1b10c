"""The addresses of who looks for a message. What is looked for is posted, and stays in the page."""

from datetime import datetime

import structlog
from starlette.requests import Request
from starlette.responses import Response

from gateway.entry.web.ops.desk import Desk
from gateway.entry.web.ops.finding import SHOWN, Found
from gateway.entry.web.render import View

_log = structlog.get_logger()
#: Of what is looked for; no control id and no number of a patient is longer.
_LONGEST = 200


class Finding:
    """Looking for messages; each look is in the journal before its answer leaves."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._finder = desk, desk.ops.finder

    async def by_control(self, request: Request, now: datetime, fields: dict[str, str]) -> Response:
        """Show the messages with a control id."""
        found = await self._finder.by_control(fields.get("control", "").strip()[:_LONGEST])
        trace = self._desk.trace(request, "search-type", what="messages by control id")
        await self._desk.ops.journal.keep([trace])
        return await self._shown(request, now, "control", found)

    async def of_patient(self, request: Request, now: datetime, fields: dict[str, str]) -> Response:
        """Show the messages that tell of whoever carries a number."""
        patients = await self._finder.patients(fields.get("number", "")[:_LONGEST])
        about = {"page": "messages", "what": "messages of a patient"}
        traces = [
            self._desk.trace(request, "search-type", one, **about) for one in patients or ("",)
        ]
        # Kept before anything is read of whom it is about.
        await self._desk.ops.journal.keep(traces)
        found = await self._finder.of_patients(patients)
        return await self._shown(request, now, "patient", found)

    async def _shown(self, request: Request, now: datetime, by: str, found: Found) -> Response:
        _log.info("messages_looked_for", kind=by, count=len(found.rows))
        values = {
            "found": found,
            "by": by,
            "most": SHOWN,
            # The answer to a form is at no address of its own.
            "here": "/messages",
            "other_language": "/messages",
        }
        view = View("found.html", "messages", values, {}, live=False)
        return await self._desk.shown(request, view, now)
