"""What a websocket of notifications is told: its subscriptions, from a number on, in order.

Every process reads the numbered events from the store, so it does not matter which process an
event happened in, nor which one the socket is open to. Opens no socket (`entry.api.sockets`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.access import LOCAL
from gateway.core.audit import Trace
from gateway.core.delivery_ports import SubscriptionRow
from gateway.core.errors import RejectedError
from gateway.core.ports import Transaction
from gateway.fhir import notifications
from gateway.fhir.bundle import read_exact
from gateway.fhir.subscription_channels import is_xml
from gateway.fhir.subscriptions import Terms, terms_of
from gateway.fhir.xml import to_xml
from gateway.pipeline import hooks, subscribed
from gateway.pipeline.disclosed import disclosed

#: Notifications read at once; the next ones are read when these have left.
_AT_ONCE = 50


@dataclass(slots=True)
class Binding:
    """A subscription a socket is bound to.

    Attributes:
        sent: number of the last event that left.
        greeted: its handshake left.
        spoken_at: when something left last.
        due_at: when something is due though nothing happens: a heartbeat, or the end.
    """

    id: str
    sent: int
    spoken_at: datetime
    greeted: bool = False
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """What a ticket gave."""

    client: str
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class Frames:
    """What leaves of one subscription.

    Attributes:
        texts: notifications, in order.
        sent: number of the last event in them; that of before when there is none.
        is_over: nothing more will come of it.
        traces: what the journal keeps of it, before it leaves.
    """

    texts: tuple[str, ...] = ()
    sent: int = 0
    is_over: bool = False
    traces: tuple[Trace, ...] = ()


def bind(tx: Transaction, digest: str, now: datetime) -> Bound | None:
    """Take a ticket; None when it is unknown, used, expired, or of a client that may not any more.

    Args:
        tx: a transaction that writes: a ticket is used once, also when it is late.
        digest: of the ticket.
        now: instant of the binding.
    """
    ticket = tx.subscriptions.take_ticket(digest)
    if ticket is None or ticket.expires < now or not may_listen(tx, ticket.client):
        return None
    bindings = []
    for id_ in ticket.subscriptions:
        row = tx.subscriptions.get(id_)
        if row is not None and row.client == ticket.client and row.status != "off":
            sent = row.events if ticket.since == 0 else min(ticket.since - 1, row.events)
            bindings.append(Binding(id_, sent, now))
    return Bound(ticket.client, tuple(bindings)) if bindings else None


def may_listen(tx: Transaction, client: str) -> bool:
    """Tell whether a client may (still) have a socket open."""
    if client == LOCAL:
        return not tx.access.clients()
    known = tx.access.client(client)
    return known is not None and known.active


def news(
    tx: Transaction, bindings: Iterable[Binding], now: datetime
) -> Iterator[tuple[Binding, bool]]:
    """Return the bindings that have something to be told, an end included.

    Beside each is whether its subscription waits for its handshake, which `greet` sends. When each
    is due next is noted.
    """
    for binding in bindings:
        row = tx.subscriptions.get(binding.id)
        terms = _live(row, now)
        if row is None or terms is None or row.status == "requested":
            yield binding, row is not None and terms is not None
            continue
        beat = binding.spoken_at + timedelta(seconds=terms.heartbeat_s)
        is_due = terms.heartbeat_s > 0 and beat <= now
        dues = [terms.end, beat if terms.heartbeat_s > 0 else None]
        binding.due_at = min((one for one in dues if one is not None), default=None)
        if row.status != "active" or not binding.greeted or row.events > binding.sent or is_due:
            yield binding, False


def is_news(bindings: Iterable[Binding], standing: Mapping[str, tuple[str, int]]) -> bool:
    """Tell whether `news` has something but what time alone brings.

    Args:
        bindings: of one socket.
        standing: state and number of the last event, by subscription.
    """
    for binding in bindings:
        status, events = standing.get(binding.id, ("", 0))
        if status != "active" or not binding.greeted or events > binding.sent:
            return True
    return False


def greet(tx: Transaction, binding: Binding, base: str, now: datetime) -> Frames:
    """Make a subscription active whose client is there, and return its handshake.

    Args:
        tx: a transaction that writes.
        binding: where the socket stands.
        base: public address of the FHIR door, without trailing slash.
        now: instant of the look.
    """
    row = tx.subscriptions.get(binding.id)
    terms = _live(row, now)
    if row is None or terms is None or row.status != "requested":
        return Frames(sent=binding.sent)
    told = notifications.handshake(subscribed.head_of(row, base), now)
    subscribed.set_status(tx, row, "active", now)
    return Frames((_text(told, terms),), binding.sent)


def frames(tx: Transaction, binding: Binding, base: str, now: datetime) -> Frames:
    """Return what leaves now: handshake, then events in order, else a heartbeat that is due.

    Args:
        tx: a transaction that reads.
        binding: where the socket stands.
        base: public address of the FHIR door, without trailing slash.
        now: instant of the look.
    """
    row = tx.subscriptions.get(binding.id)
    terms = _live(row, now)
    if row is None or terms is None or row.status not in ("requested", "active"):
        return Frames(sent=binding.sent, is_over=True)
    texts, sent = [], binding.sent
    traces: list[Trace] = []
    if not binding.greeted:
        texts.append(_text(notifications.handshake(subscribed.head_of(row, base), now), terms))
    for _ in range(_AT_ONCE):
        if row.events <= sent:
            break
        notification, sent, told = _event(tx, row, terms, sent, base, now)
        traces += told
        texts += [notification] if notification else []
    is_quiet = (now - binding.spoken_at).total_seconds() >= terms.heartbeat_s
    if not texts and terms.heartbeat_s and is_quiet:
        texts.append(_text(notifications.heartbeat(subscribed.head_of(row, base), now), terms))
    return Frames(tuple(texts), sent, traces=tuple(traces))


def _live(row: SubscriptionRow | None, now: datetime) -> Terms | None:
    """Return the terms of a subscription that is not over; None for one that is, or is broken."""
    try:
        terms = terms_of(row.body) if row is not None else None
    except RejectedError:
        return None
    is_over = terms is None or (terms.end is not None and terms.end <= now)
    return None if is_over else terms


def _event(
    tx: Transaction, row: SubscriptionRow, terms: Terms, sent: int, base: str, now: datetime
) -> tuple[str, int, list[Trace]]:
    """Return the next notification, the number it ends with and what the journal keeps of it.

    The notification is empty when nothing is kept.
    """
    last = min(sent + terms.max_count, row.events)
    told = hooks.read_events(tx, row, sent + 1, last, terms.content, now)
    if not told:
        return "", last, []
    traces = [disclosed(tx, row, terms, one, now) for one in told]
    head = subscribed.head_of(row, base, events=told[-1].number)
    text = _text(notifications.event_notification(head, told, terms.content), terms)
    return text, last, traces


def _text(notification: bytes, terms: Terms) -> str:
    body = to_xml(read_exact(notification)) if is_xml(terms.mime) else notification
    return body.decode()
