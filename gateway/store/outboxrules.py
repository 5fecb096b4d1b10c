"""How a row of the outbox looks and what may become of it; shared by the three stores.

A worker may come late: its lease ended, another one took the row, or a notice arrived before the
worker could write that it had sent. What is known for sure is never overwritten by less.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from gateway.core.deliveries import SETTLED, Delivery, DeliveryStatus, NewDelivery
from gateway.store.codec import (
    instant_text,
    json_bytes,
    key_text,
    read_instant,
    seal,
    storable,
    unseal,
)
from gateway.store.watchproblems import not_an_end

_S = DeliveryStatus
#: A worker that took a row and says nothing for so long is taken for dead.
LEASE = timedelta(minutes=5)
#: Rows that leave by themselves when they are due.
WAITING = frozenset({_S.QUEUED, _S.RETRY_WAIT, _S.SENDING})
_ANY = frozenset(_S) - {_S.SENDING}
#: What a row that is no longer on its way may still become. `queued`: a person sends it again.
_LATER = {
    _S.SENT: frozenset({_S.SENT, _S.CONFIRMED, _S.REFUSED, _S.QUEUED}),
    _S.CONFIRMED: frozenset({_S.CONFIRMED, _S.REFUSED}),
    _S.REFUSED: frozenset({_S.REFUSED, _S.CONFIRMED, _S.QUEUED}),
    _S.GIVEN_UP: _ANY - {_S.RETRY_WAIT},
    _S.SKIPPED: _ANY - {_S.RETRY_WAIT},
}


class OutboxColumns(NamedTuple):
    """A row of `outbox`, in the order of the table."""

    id: int
    connector: str
    key: str
    lane: str
    head: int
    status: str
    attempts: int
    created_at: str
    not_before: str
    due_at: str
    about: str
    note: str
    content_type: str
    details: bytes
    receipt: bytes
    body: bytes

    @property
    def unsettled(self) -> bool:
        """Tell whether the row holds up its lane."""
        return self.status not in SETTLED

    @property
    def turn(self) -> tuple[str, int]:
        """Return the order in which due rows leave."""
        return self.due_at, self.id


def key_of(item: NewDelivery) -> tuple[str, str]:
    """Return what makes two items the same item."""
    return storable(item.connector), key_text(item.key)


def lane_of(item: NewDelivery) -> tuple[str, str]:
    """Return the lane of an item, its second part empty when order does not matter."""
    return storable(item.connector), key_text(item.lane)


def new_columns(row_id: int, item: NewDelivery, now: datetime, head: bool) -> OutboxColumns:
    """Return the columns of a new row."""
    connector, key = key_of(item)
    return OutboxColumns(
        id=row_id,
        connector=connector,
        key=key,
        lane=lane_of(item)[1],
        head=int(head),
        status=_S.QUEUED.value,
        attempts=0,
        created_at=instant_text(now),
        not_before=instant_text(item.due_at),
        due_at=instant_text(item.due_at),
        about=storable(item.about),
        note="",
        content_type=storable(item.content_type),
        details=seal(json_bytes(item.details)),
        receipt=seal(b"{}"),
        body=seal(item.body),
    )


def read_delivery(columns: Sequence[Any]) -> Delivery:
    """Make a delivery of its columns; the body is empty when it was not read."""
    c = OutboxColumns(*columns)
    return Delivery(
        id=c.id,
        item=NewDelivery(
            connector=c.connector,
            key=c.key,
            due_at=read_instant(c.not_before),
            content_type=c.content_type,
            body=unseal(c.body) if c.body else b"",
            lane=c.lane,
            details=orjson.loads(unseal(c.details)),
            about=c.about,
        ),
        status=DeliveryStatus(c.status),
        attempts=c.attempts,
        created_at=read_instant(c.created_at),
        due_at=read_instant(c.due_at),
        note=c.note,
        receipt=orjson.loads(unseal(c.receipt)),
    )


def taken(columns: OutboxColumns, lease: str) -> OutboxColumns:
    """Return a row as a claim writes it; the attempt counts, also when the worker dies in it."""
    return columns._replace(status=_S.SENDING.value, attempts=columns.attempts + 1, due_at=lease)


def claimed(columns: OutboxColumns, lease: str) -> Delivery:
    """Return a row as the worker that takes it gets it; `columns` are those before the claim."""
    delivery = read_delivery(taken(columns, lease))
    return replace(delivery, abandoned=columns.status == _S.SENDING.value)


def lease_end(now: datetime) -> str:
    """Return the instant at which a row taken now may be taken again."""
    return instant_text(now + LEASE)


def counts_for(delivery_id: int, known: str, status: DeliveryStatus) -> bool:
    """Tell whether a word on a row says more than what is known.

    Raises:
        FatalError: the word is no end of an attempt (RLS-STO-041).
    """
    if status is _S.SENDING:
        raise not_an_end(delivery_id, status.value)
    return status in _LATER.get(DeliveryStatus(known), _ANY)


def amended_columns(details: Mapping[str, object], since: datetime | None) -> dict[str, Any]:
    """Return the columns that an amendment changes."""
    begun = {} if since is None else {"not_before": instant_text(since)}
    return {**begun, "details": seal(json_bytes(dict(details)))}


def put_back_columns(due_at: datetime, note: str) -> dict[str, Any]:
    """Return the columns of a row that was taken and not tried, its attempts left out."""
    return {
        "status": _S.RETRY_WAIT.value,
        "due_at": instant_text(due_at),
        "note": storable(note),
    }


def settled_columns(
    status: DeliveryStatus,
    now: datetime,
    note: str,
    receipt: Mapping[str, object] | None,
    due_at: datetime | None,
) -> dict[str, Any]:
    """Return the columns that a settled attempt changes; without receipt the known one stays."""
    changed: dict[str, Any] = {
        "status": status.value,
        "due_at": instant_text(due_at or now),
        "note": storable(note),
    }
    if receipt is not None:
        changed["receipt"] = seal(json_bytes(dict(receipt)))
    return changed
