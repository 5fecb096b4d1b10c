"""An input on its way through the receiver, from the door to its answer."""

import asyncio
from dataclasses import replace

from gateway.core import tracing
from gateway.core.messages import RawMessage, Receipt
from gateway.pipeline.prepared import Opened, Prepared


class Ticket:
    """One input.

    Attributes:
        answer: what its sender waits for; the commit may end after it when the deadline passed.
        early: stores its bytes while it is converted.
        row_id: its row, once there is one.
        key: what a resend of it has in common with it.
        span: tells how long it took.
    """

    __slots__ = (
        "answer", "early", "key", "opened", "prepared", "raw", "row_id", "span", "started",
    )  # fmt: skip

    def __init__(self, raw: RawMessage, answer: asyncio.Future[Receipt], started: float) -> None:
        self.raw = raw
        self.answer = answer
        self.started = started
        self.span = tracing.start("input", channel=raw.channel.value)
        self.opened: Opened | None = None
        self.prepared: Prepared | None = None
        self.early: asyncio.Task[None] | None = None
        self.row_id: int | None = None
        self.key: tuple[str, ...] | None = None


def item_of(ticket: Ticket) -> Prepared:
    """Return what is committed of an input that is prepared."""
    prepared = ticket.prepared
    if prepared is None:  # pragma: no cover - a ticket is ready only once it is prepared
        msg = "ticket committed before its conversion"
        raise AssertionError(msg)
    if ticket.row_id is not None and prepared.inbox_id is None:
        return replace(prepared, inbox_id=ticket.row_id)
    return prepared
