"""The websocket channel: `$get-ws-binding-token`, and the socket notifications leave by.

A ticket is given over REST to whoever may read the subscriptions, and is used once, in the first
frame: never in an address, which ends in logs. Close codes: 4401 the ticket is not valid (any
more), 4403 another origin, 4408 no ticket came, 1013 the reader is too slow (it asks `$events`)
or there are too many.
Subscriptions R5 Backport 1.1.0, channels; RFC 6455.
"""

import asyncio
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from urllib.parse import urlsplit

import orjson
import structlog
from fastapi import APIRouter, Request, WebSocket
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect

from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.delivery_ports import BindingTicket, SubscriptionRow
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.ports import Store, Transaction
from gateway.entry.api import subscription_faults as faults
from gateway.entry.api.answers import Format, respond
from gateway.entry.api.socket_waker import Listening, Waker
from gateway.entry.api.subscription_requests import is_deleted, number_of, owned, parameters_of
from gateway.entry.api.subscriptions import SubscriptionSettings
from gateway.entry.api.writes import media_of
from gateway.fhir.bundle import fhir_instant
from gateway.fhir.subscriptions import terms_of
from gateway.pipeline import bound
from gateway.pipeline.bound import Binding, Frames

_log = structlog.get_logger()
#: How long a ticket can be used.
TICKET_LIVES = timedelta(seconds=30)
_BIND = re.compile(r"bind-with-token:? ([\w-]{20,100})")
_LONGEST_FRAME = 300
#: Parameters of the operation, and which may be repeated.
_OF_TOKEN = {"id": True, "eventsSinceNumber": False}
_NOT_VALID, _ORIGIN, _NO_FRAME, _LATER, _OVER = 4401, 4403, 4408, 1013, 1000


@dataclass(frozen=True, slots=True)
class SocketRhythm:
    """How long a socket waits, seconds.

    Attributes:
        first_s: for the first frame.
        poll_s: between two looks for events, one for all sockets of a process.
        look_s: after which a socket looks by itself, whatever it was told.
        write_s: for the reader to take a notification.
        most: sockets of this process at the same time; one more is told to come later.
    """

    first_s: float = 2.0
    poll_s: float = 0.25
    look_s: float = 5.0
    write_s: float = 10.0
    most: int = 500


def sockets_router(
    store: Store,
    clock: Clock,
    settings: SubscriptionSettings,
    rhythm: SocketRhythm = SocketRhythm(),
) -> APIRouter:
    """Return the operation and the socket; it comes before the routes of the FHIR door."""
    door = _Tickets(store, clock, settings)
    sockets = _Sockets(store, clock, settings.base, rhythm)
    router = APIRouter(prefix="/fhir", tags=["FHIR subscriptions"])
    add = router.add_api_route
    for path in ("", "/{id}"):
        place = f"/Subscription{path}/$get-ws-binding-token"
        add(place, door.give, methods=["GET"])
        add(place, door.give, methods=["POST"], include_in_schema=False)
    router.add_api_websocket_route("/ws", sockets.serve)
    return router


class _Tickets:
    """The operation; one instance serves every request."""

    def __init__(self, store: Store, clock: Clock, settings: SubscriptionSettings) -> None:
        self._store, self._clock = store, clock
        self._client_of = settings.client_of
        scheme, _, rest = settings.base.partition("://")
        self._url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}/ws"

    async def give(self, request: Request) -> Response:
        """Give a ticket for websocket subscriptions of the client."""
        media, pairs = media_of(request), await parameters_of(request, _OF_TOKEN)
        since = number_of(dict(pairs), "eventsSinceNumber", 0)
        client, now = self._client_of(request), self._clock.now()
        own = request.path_params.get("id")
        ids = [own] if own else [v.rpartition("/")[2] for name, v in pairs if name == "id"]
        secret = secrets.token_urlsafe(32)
        expires = now + TICKET_LIVES

        def work(tx: Transaction) -> tuple[str, ...]:
            rows = [owned(tx, id_, client) for id_ in dict.fromkeys(ids)]
            if not ids:
                mine = (row for row in tx.subscriptions.all() if row.client == client)
                rows = [row for row in mine if _is_open(row) and not is_deleted(tx, row.id)]
            if not rows or not all(map(_is_open, rows)):
                raise RejectedError([faults.no_websocket()])
            found = tuple(row.id for row in rows)
            ticket = BindingTicket(_digest(secret), client, found, expires, since)
            tx.subscriptions.keep_ticket(ticket, now)
            return found

        bound_to = await self._store.write(work)
        return respond(_answer(secret, expires, bound_to, self._url), Format(media))


def _is_open(row: SubscriptionRow) -> bool:
    """Tell whether a subscription can be listened to on a socket."""
    if row.status not in ("requested", "active"):
        return False
    try:
        return terms_of(row.body).channel == "websocket"
    except RejectedError:
        return False


def _answer(secret: str, expires: datetime, ids: tuple[str, ...], url: str) -> bytes:
    parameters: list[Json] = [
        {"name": "token", "valueString": secret},
        {"name": "expiration", "valueDateTime": fhir_instant(expires)},
        *({"name": "subscription", "valueString": id_} for id_ in ids),
        {"name": "websocket-url", "valueUrl": url},
    ]
    return orjson.dumps({"resourceType": "Parameters", "parameter": parameters})


class _Sockets:
    """The sockets of one process."""

    def __init__(self, store: Store, clock: Clock, base: str, rhythm: SocketRhythm) -> None:
        self._store, self._clock, self._base = store, clock, base
        self._rhythm = rhythm
        self._open = 0
        self._waker = Waker(store, clock, rhythm.poll_s)
        parts = urlsplit(base)
        self._origin = f"{parts.scheme}://{parts.netloc}"

    async def serve(self, socket: WebSocket) -> None:
        """Serve one socket until it closes."""
        await socket.accept()
        if socket.headers.get("origin") not in (None, self._origin):
            await _end(socket, _ORIGIN)
            return
        if self._open >= self._rhythm.most:
            await _end(socket, _LATER)
            return
        self._open += 1
        frames: asyncio.Queue[str | None] = asyncio.Queue(maxsize=4)
        reading = asyncio.create_task(_read(socket, frames))
        try:
            code = await self._listen(socket, frames)
        except WebSocketDisconnect:
            # The reader went while something was sent to it.
            code = 0
        finally:
            self._open -= 1
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if code:
            await _end(socket, code)

    async def _listen(self, socket: WebSocket, frames: asyncio.Queue[str | None]) -> int:
        """Bind, then send what happens; return the code to close with, 0 when it is closed."""
        try:
            text = await asyncio.wait_for(frames.get(), self._rhythm.first_s)
        except TimeoutError:
            return _NO_FRAME
        listening = Listening(partial(_wake, frames))
        try:
            return await self._tell(socket, frames, listening, text)
        finally:
            self._waker.remove(listening)

    async def _tell(
        self,
        socket: WebSocket,
        frames: asyncio.Queue[str | None],
        listening: Listening,
        text: str | None,
    ) -> int:
        while text is not None:
            try:
                if text and not await self._bind(listening, text):
                    return _NOT_VALID
                if code := await self._send_due(socket, listening):
                    return code
            except RetriableError as error:
                _log.warning("socket_postponed", code=error.issues[0].code)
            try:
                text = await asyncio.wait_for(frames.get(), self._rhythm.look_s)
            except TimeoutError:
                text = ""
        return 0

    async def _bind(self, listening: Listening, text: str) -> bool:
        """Bind the subscriptions of a ticket; several tickets of one client may share a socket."""
        match = _BIND.fullmatch(text)
        if match is None:
            return False
        digest, now = _digest(match[1]), self._clock.now()
        found = await self._store.write(lambda tx: bound.bind(tx, digest, now))
        if found is None or listening.client not in ("", found.client):
            return False
        listening.client = found.client
        listening.bindings |= {one.id: one for one in found.bindings}
        self._waker.add(listening)
        _log.info("socket_bound", count=len(found.bindings))
        return True

    async def _send_due(self, socket: WebSocket, listening: Listening) -> int:
        """Send what is there until nothing is; return the code to close with, 0 to go on."""
        while True:
            now = self._clock.now()
            due = await self._store.read(partial(_due, listening=listening, now=now))
            if due is None:
                return _NOT_VALID
            for binding, waits in due:
                made = await self._made(binding, now, greeting=waits)
                if made.is_over:
                    del listening.bindings[binding.id]
                elif not await self._send(socket, binding, made, now):
                    return _LATER
            if not listening.bindings:
                return _OVER
            if not due:
                dues = [one.due_at for one in listening.bindings.values() if one.due_at]
                listening.due_at = min(dues, default=None)
                return 0

    async def _made(self, binding: Binding, now: datetime, *, greeting: bool) -> Frames:
        if greeting:
            return await self._store.write(lambda tx: bound.greet(tx, binding, self._base, now))
        found = await self._store.read(lambda tx: bound.frames(tx, binding, self._base, now))
        if found.traces:
            await self._store.write(lambda tx: tx.audit.append(found.traces))
        return found

    async def _send(self, socket: WebSocket, binding: Binding, made: Frames, now: datetime) -> bool:
        """Send notifications; False when the reader does not take them."""
        for text in made.texts:
            try:
                await asyncio.wait_for(socket.send_text(text), self._rhythm.write_s)
            except TimeoutError:
                _log.warning("socket_too_slow")
                return False
            binding.spoken_at, binding.greeted = now, True
        binding.sent = made.sent
        return True


def _due(tx: Transaction, listening: Listening, now: datetime) -> list[tuple[Binding, bool]] | None:
    """Return what `bound.news` tells; None when the client may not listen any more."""
    if not bound.may_listen(tx, listening.client):
        return None
    return list(bound.news(tx, listening.bindings.values(), now))


def _wake(frames: asyncio.Queue[str | None]) -> None:
    # One that is full is looked through anyway, and what is due with it.
    with suppress(asyncio.QueueFull):
        frames.put_nowait("")


async def _read(socket: WebSocket, frames: asyncio.Queue[str | None]) -> None:
    """Hand on what the client sends: tickets; None when it is gone."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            await frames.put(None)
            return
        text = message.get("text") or "?"
        await frames.put(text if len(text) <= _LONGEST_FRAME else "?")


async def _end(socket: WebSocket, code: int) -> None:
    """Close; a reader that takes nothing does not take that either."""
    with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
        await asyncio.wait_for(socket.close(code), 1.0)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
