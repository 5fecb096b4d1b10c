"""Subscription over REST: create, update, delete, `$status` and `$events`.

Read, history and search are those of every type (`entry.api.fhir`). A subscription is accepted
as `requested`; its endpoint is asked after the answer, by the outbox. FHIR R4 http and
Subscriptions R5 Backport 1.1.0, operations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.core.clock import Clock
from gateway.core.delivery_ports import SubscriptionRow
from gateway.core.errors import RejectedError
from gateway.core.ports import Store, StoredResource, Transaction
from gateway.entry.api import subscription_faults as faults
from gateway.entry.api.answers import Format, respond
from gateway.entry.api.subscription_requests import (
    body_of,
    is_deleted,
    number_of,
    owned,
    parameters_of,
)
from gateway.entry.api.writes import answer, check_version, media_of
from gateway.fhir import notifications
from gateway.fhir.subscription_channels import CONTENTS
from gateway.fhir.subscriptions import SubscriptionRules, accept, terms_of, with_secrets
from gateway.pipeline import hooks, subscribed

#: Events of one answer at most; a client asks again from the last number it got.
_EVENTS = 500
#: Parameters of the operations, and which may be repeated (Subscriptions R5 Backport 1.1.0).
_OF_STATUS = {"id": True, "status": True}
_OF_EVENTS = {"eventsSinceNumber": False, "eventsUntilNumber": False, "content": False}
#: The endpoint is asked after the client knows the id of its subscription.
_HANDSHAKE_AFTER = timedelta(milliseconds=100)


def local_client(_request: Request) -> str:
    """Return the one client there is on this machine."""
    return "local"


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """What the door needs to know.

    Attributes:
        base: public address of the FHIR door, without trailing slash.
        rules: what is honoured.
        client_of: name of the client of a request.
        of_clients: what is honoured for clients with rules of their own.
    """

    base: str
    rules: SubscriptionRules = field(default_factory=SubscriptionRules)
    client_of: Callable[[Request], str] = local_client
    of_clients: Mapping[str, SubscriptionRules] = field(default_factory=dict)

    def rules_of(self, client: str) -> SubscriptionRules:
        """Return what is honoured for a client."""
        return self.of_clients.get(client, self.rules)


def subscriptions_router(store: Store, clock: Clock, settings: SubscriptionSettings) -> APIRouter:
    """Return the routes; they come before those of the FHIR door."""
    door = _Door(store, clock, settings)
    router = APIRouter(prefix="/fhir/Subscription", tags=["FHIR subscriptions"])
    add = router.add_api_route
    add("", door.create, methods=["POST"])
    refused = ["PUT", "PATCH", "DELETE"]
    add("", door.only("GET, POST"), methods=refused, include_in_schema=False)
    add("/$status", door.all_status, methods=["GET"])
    add("/$status", door.all_status, methods=["POST"], include_in_schema=False)
    add("/{id}", door.update, methods=["PUT"])
    add("/{id}", door.delete, methods=["DELETE"])
    only = door.only("GET, PUT, DELETE")
    add("/{id}", only, methods=["PATCH"], include_in_schema=False)
    add("/{id}/$status", door.status, methods=["GET"])
    add("/{id}/$status", door.status, methods=["POST"], include_in_schema=False)
    add("/{id}/$events", door.events, methods=["GET"])
    add("/{id}/$events", door.events, methods=["POST"], include_in_schema=False)
    return router


class _Door:
    """The interactions; one instance serves every request."""

    def __init__(self, store: Store, clock: Clock, settings: SubscriptionSettings) -> None:
        self._store = store
        self._clock = clock
        self._base = settings.base
        self._rules_of = settings.rules_of
        self._client_of = settings.client_of

    def only(self, allowed: str) -> Callable[[Request], Any]:
        """Return what refuses a method."""

        async def refuse(_request: Request) -> Response:
            """Refuse the method."""
            raise HTTPException(405, headers={"Allow": allowed})

        refuse.__name__ = f"refuse_{len(allowed)}"
        return refuse

    async def create(self, request: Request) -> Response:
        """Take a new subscription."""
        if "if-none-exist" in request.headers:
            raise RejectedError([faults.conditional()])
        media = media_of(request)
        sent = await body_of(request)
        client = self._client_of(request)
        now = self._clock.now()
        rules = self._rules_of(client)
        kept, terms, status = accept(sent, rules, now)
        body = orjson.dumps(kept)
        row = SubscriptionRow(str(uuid4()), client, terms.topic.url, status, body)

        def work(tx: Transaction) -> StoredResource:
            live = [one for one in tx.subscriptions.all() if one.client == client]
            if sum(one.status != "off" for one in live) >= rules.per_client:
                raise RejectedError([faults.too_many(rules.per_client)])
            return subscribed.keep(tx, row, now, after=_HANDSHAKE_AFTER)

        stored = await self._store.write(work)
        location = f"{self._base}/Subscription/{stored.id}/_history/{stored.version}"
        return answer(request, stored, media, 201, {"Location": location})

    async def update(self, request: Request) -> Response:
        """Replace a subscription; also how a client brings one back from error."""
        media = media_of(request)
        sent = await body_of(request)
        id_ = request.path_params["id"]
        if sent.get("id") != id_:
            raise RejectedError([faults.other_id()])
        client, now = self._client_of(request), self._clock.now()
        rules = self._rules_of(client)

        def work(tx: Transaction) -> StoredResource:
            row = owned(tx, id_, client)
            check_version(request, subscribed.current(tx, id_), faults.changed_meanwhile)
            kept, terms, status = accept(with_secrets(sent, row.body), rules, now)
            changed = replace(
                row, topic=terms.topic.url, status=status, body=orjson.dumps(kept), error=""
            )
            return subscribed.keep(tx, changed, now, after=_HANDSHAKE_AFTER)

        return answer(request, await self._store.write(work), media, 200, {})

    async def delete(self, request: Request) -> Response:
        """End a subscription; nothing more is sent."""
        id_, client, now = request.path_params["id"], self._client_of(request), self._clock.now()

        def work(tx: Transaction) -> None:
            current = subscribed.current(tx, id_)
            if current is None or not current.deleted:
                row = owned(tx, id_, client)
                check_version(request, current, faults.changed_meanwhile)
                subscribed.end(tx, row, now)

        await self._store.write(work)
        return Response(status_code=204)

    async def all_status(self, request: Request) -> Response:
        """Tell the state of subscriptions (operation $status)."""
        media, pairs = media_of(request), await parameters_of(request, _OF_STATUS)
        ids = {value.rpartition("/")[2] for name, value in pairs if name == "id"}
        statuses = {value for name, value in pairs if name == "status"}
        client = self._client_of(request)

        def work(tx: Transaction) -> list[SubscriptionRow]:
            rows = [row for row in tx.subscriptions.all() if row.client == client]
            return [row for row in rows if not is_deleted(tx, row.id)]

        rows = [
            row
            for row in await self._store.read(work)
            if (not ids or row.id in ids) and (not statuses or row.status in statuses)
        ]
        return self._status(rows, "Subscription/$status", media)

    async def status(self, request: Request) -> Response:
        """Tell the state of one subscription (operation $status)."""
        media = media_of(request)
        await parameters_of(request, _OF_STATUS)
        id_, client = request.path_params["id"], self._client_of(request)
        row = await self._store.read(lambda tx: owned(tx, id_, client))
        return self._status([row], f"Subscription/{id_}/$status", media)

    async def events(self, request: Request) -> Response:
        """Give numbered events again (operation $events)."""
        media, pairs = media_of(request), await parameters_of(request, _OF_EVENTS)
        asked = dict(pairs)
        low = number_of(asked, "eventsSinceNumber", 1)
        high = number_of(asked, "eventsUntilNumber", 2**53)
        high = min(high, low + _EVENTS - 1)
        id_, client, now = request.path_params["id"], self._client_of(request), self._clock.now()

        def work(tx: Transaction) -> bytes:
            row = owned(tx, id_, client)
            agreed = terms_of(row.body).content
            content = asked.get("content", agreed)
            if content not in CONTENTS:
                raise RejectedError([faults.bad_parameter("content", " or ".join(CONTENTS))])
            if CONTENTS.index(content) > CONTENTS.index(agreed):
                raise RejectedError([faults.more_than_agreed()])
            told = hooks.read_events(tx, row, low, high, content, now)
            head = subscribed.head_of(row, self._base)
            return notifications.query_event(head, told, content, now)

        return respond(await self._store.read(work), Format(media))

    def _status(self, rows: Sequence[SubscriptionRow], address: str, media: str) -> Response:
        heads = [subscribed.head_of(row, self._base) for row in rows]
        return respond(notifications.query_status(heads, self._base, address), Format(media))
