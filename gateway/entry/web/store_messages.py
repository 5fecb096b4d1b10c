"""Inputs and deliveries from the store: lists without bodies, one input with what it made."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.errors import RejectedError
from gateway.core.messages import Channel, InboxRow, InboxStatus, RawMessage
from gateway.core.ports import Store, Transaction
from gateway.entry.traced import short, value_at
from gateway.entry.web.data import (
    DeliveryLine,
    DeliveryList,
    MessageLine,
    MessageList,
    MessagePage,
    Trace,
    Way,
)
from gateway.hl7v2.reader import read as read_hl7
from gateway.pipeline.closed_doors import outages
from gateway.pipeline.convert import Conversion, Converter
from gateway.pipeline.folds import fold_alone

_ROWS = 50
_HIGHEST = 2**62
#: Documents of one input whose deliveries are shown, and how many of each.
_DOCUMENTS, _SENDS = 5, 20
#: A page of a rare type looks at no more rows than this; the next page goes on.
_RANGE = 20_000


@dataclass(frozen=True, slots=True)
class MessageReader:
    """Reads inputs and deliveries."""

    store: Store
    converter: Converter

    async def messages(
        self, statuses: Sequence[InboxStatus], kind: str, before: int | None
    ) -> MessageList:
        """Return a page of inputs, newest first."""

        def work(tx: Transaction) -> tuple[list[InboxRow], int, dict[InboxStatus, int]]:
            high = before if before is not None else tx.inbox.last_id() + 1
            low = max(0, high - _RANGE) if kind else 0
            status = statuses[0] if statuses else None
            return tx.inbox.newest(status, high, low, _ROWS + 1, kind), low, tx.inbox.counts()

        rows, low, counts = await self.store.read(work)
        older: int | None = rows[_ROWS - 1].id if len(rows) > _ROWS else None
        if older is None and low:
            older = low + 1
        return MessageList(tuple(message_line(row) for row in rows[:_ROWS]), older, counts)

    async def message(self, number: int) -> MessagePage | None:
        """Return one input with its bytes, its answer and the trace of what it made."""
        row = await self.store.read(lambda tx: tx.inbox.get(number))
        if row is None:
            return None
        charset = await asyncio.to_thread(_charset, row)
        resources, facts, trace = await asyncio.to_thread(self._made, row)
        if row.channel is Channel.FHIR:
            # What a client wrote is what it wrote: no mapping made it.
            resources = await self.store.read(lambda tx: _written(tx, number))
        stored_at, sends = await self.store.read(lambda tx: _carried(tx, resources))
        return MessagePage(
            message_line(row), row.body, charset, row.answer.decode(charset, "replace"),
            len(row.body), resources, trace,
            Way(row.header.sent_at, answer_code(row.answer), stored_at, facts, sends),
        )  # fmt: skip

    def _made(self, row: InboxRow) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Trace, ...]]:
        """Convert the bytes again, for the trace; nothing is stored."""
        if row.status is not InboxStatus.CONVERTED or row.channel is Channel.FHIR:
            return (), (), ()
        raw = RawMessage(row.body, row.channel, row.received_at, flags=row.flags)
        try:
            conversion = self.converter.convert(raw, trace=True)
        except RejectedError:
            # The mapping has become stricter since; the row keeps what it ended as.
            return (), (), ()
        facts = tuple(dict.fromkeys(one.event for one in conversion.assertions))
        resources, trace = _traced(conversion)
        return resources, facts, trace

    async def deliveries(
        self, statuses: Sequence[DeliveryStatus], before: int | None
    ) -> DeliveryList:
        """Return a page of deliveries, newest first."""
        wanted = list(statuses or DeliveryStatus)

        def work(tx: Transaction) -> DeliveryList:
            rows = tx.outbox.newest(wanted, _HIGHEST if before is None else before, _ROWS + 1)
            older = rows[_ROWS - 1].id if len(rows) > _ROWS else None
            shown = tuple(delivery_line(row) for row in rows[:_ROWS])
            counts = by_status(tx.outbox.counts())
            return DeliveryList(shown, older, counts, tuple(outages(tx)))

        return await self.store.read(work)


def _written(tx: Transaction, number: int) -> tuple[str, ...]:
    """Return what a request of a client wrote."""
    made = tx.contributions.made_by([number]).get(number, ())
    return tuple(f"{target.type}/{target.id}" for target in made)


def _carried(
    tx: Transaction, resources: Sequence[str]
) -> tuple[datetime | None, tuple[DeliveryLine, ...]]:
    """Return when what an input made was stored, and where its documents went."""
    made = [one for one in resources if one.startswith("Provenance/")][:1]
    keys = [("Provenance", one.partition("/")[2]) for one in made]
    stored = [one.last_updated for one in tx.resources.current(keys).values()]
    documents = [one for one in resources if one.startswith("DocumentReference/")][:_DOCUMENTS]
    sends = (row for one in documents for row in tx.outbox.of_document(one, _SENDS))
    return min(stored, default=None), tuple(delivery_line(row) for row in sends)


def by_status(counts: Mapping[tuple[str, DeliveryStatus], int]) -> dict[DeliveryStatus, int]:
    """Return how many deliveries of all connectors are in each state."""
    total: dict[DeliveryStatus, int] = {}
    for (_, status), count in counts.items():
        total[status] = total.get(status, 0) + count
    return total


def message_line(row: InboxRow) -> MessageLine:
    """Return an input as lists show it."""
    return MessageLine(
        row.id, row.received_at, row.header.message_type,
        ", ".join(part for part in row.header.sender if part), row.channel.value, row.status,
        row.header.control_id, row.issues, row.flags, row.attempts,
    )  # fmt: skip


def answer_code(answer: bytes) -> str:
    """Return MSA-1 of an answer; empty without one."""
    for segment in answer.split(b"\r"):
        if segment.startswith(b"MSA") and len(segment) > 4:
            return segment[4:].split(segment[3:4], 1)[0].decode("ascii", "replace")
    return ""


def _charset(row: InboxRow) -> str:
    """Return the codec the bytes are shown in; unreadable ones show as Latin-1."""
    if row.channel is Channel.CDA:
        return "utf-8"
    try:
        return read_hl7(row.body).charset
    except RejectedError:
        return "latin-1"


def _traced(conversion: Conversion) -> tuple[tuple[str, ...], tuple[Trace, ...]]:
    resources = fold_alone(conversion.contributions)
    found = {f"{r['resourceType']}/{r['id']}": r for r in resources}
    lines = [
        Trace(
            line.resource, line.target, short(value_at(found[line.resource], line.target)),
            line.source, line.via if line.via != "text" else "", line.spec,
        )
        for line in conversion.trace
        if line.resource in found and line.source != "constant"
    ]  # fmt: skip
    order = {name: number for number, name in enumerate(found)}
    lines.sort(key=lambda line: order[line.resource])
    return tuple(found), tuple(dict.fromkeys(lines))


def delivery_line(row: Delivery) -> DeliveryLine:
    """Return a delivery as the list shows it: no name and no whole address."""
    details = row.item.details
    evidence = str(row.receipt.get("evidence", "")) if row.status.value == "confirmed" else ""
    return DeliveryLine(
        row.id, row.item.connector, row.item.about, _to(details), row.status,
        evidence, row.attempts, row.created_at, row.due_at, row.note,
    )  # fmt: skip


def _to(details: Mapping[str, object]) -> str:
    """Return where it goes: the domain of a mailbox without its name, or the subscription's id."""
    address = str(details.get("to") or "")
    if "@" in address:
        return f"…@{address.rpartition('@')[2]}"
    return str(details.get("subscription") or "")[:8]
