"""A batch file posted to /hl7v2: each message takes the road alone, the answer is a batch.

Does not cut or write batches (`hl7v2.batch`).
"""

import asyncio
from collections.abc import Sequence

import structlog

from gateway.core.errors import RetriableError
from gateway.core.messages import Incident, Outcome, RawMessage, Receipt
from gateway.entry.doors import House, unavailable
from gateway.hl7v2.batch import BatchFile, answer, open_batch

log = structlog.get_logger()

#: The message came in a batch.
FLAG_BATCH = "batch"
#: Messages of one batch in process at the same time: they share commits.
_TOGETHER = 64


async def receive_batch(house: House, raw: RawMessage) -> Receipt:
    """Take every message of a batch; what becomes of one does not touch the others.

    Args:
        house: what is behind the door.
        raw: the body, for which `hl7v2.batch.is_batch` is true.

    Returns:
        A receipt whose `ack` is the batch answer: UNAVAILABLE when nothing at all was kept (the
        whole body may then be sent again), else ACCEPTED. A message that could not be kept has
        AR among the others: sending the whole body again is harmless, what was kept counts once.

    Raises:
        RetriableError: the store is away before a message was taken.
    """
    file = open_batch(raw.body)
    if file.issues:
        await _note(house, raw, file)
    receipts: list[Receipt] = []
    messages = file.messages
    for first in range(0, len(messages), _TOGETHER):
        group = [_one(house, raw, body) for body in messages[first : first + _TOGETHER]]
        receipts += await asyncio.gather(*group)
    acks = [receipt.ack for receipt in receipts]
    lost = bool(receipts) and all(one.outcome is Outcome.UNAVAILABLE for one in receipts)
    return Receipt(
        Outcome.UNAVAILABLE if lost else Outcome.ACCEPTED,
        file.issues,
        answer(file, acks, house.clock.now()),
    )


async def _one(house: House, raw: RawMessage, body: bytes) -> Receipt:
    flags = (*raw.flags, FLAG_BATCH)
    message = RawMessage(body, raw.channel, raw.received_at, raw.peer, raw.charset, flags)
    try:
        return await house.receive(message)
    except RetriableError:
        issue = unavailable()
        return Receipt(Outcome.UNAVAILABLE, (issue,), house.answer_for(body, issue))


async def _note(house: House, raw: RawMessage, file: BatchFile) -> None:
    """Keep for the operator that a batch is not what it says: messages may be missing."""
    peer = raw.peer.address if raw.peer else ""
    details = {"issues": _places(file), "messages": len(file.messages)}
    log.warning("batch_incomplete", address=peer, size=len(raw.body))
    await house.incident(
        Incident(raw.received_at, "batch-incomplete", peer, len(raw.body), b"", details)
    )


def _places(file: BatchFile) -> Sequence[str]:
    return [f"{issue.code} {issue.where}" for issue in file.issues]
