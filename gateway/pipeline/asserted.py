"""Store what inputs assert about pathways, and ask for a look at whom it is about.

Called at the end of a commit or a replay, in its transaction; looking is `pipeline.watch`.
"""

from collections.abc import Sequence
from datetime import datetime

from gateway.core.facts import Assertion
from gateway.core.feed_ports import NO_FACT, UNMAPPED, Heard, Numbered
from gateway.core.messages import Header, InboxStatus
from gateway.core.ports import Transaction
from gateway.pipeline.dossiers import unheard
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.refused import note_refused

#: Inputs that show that a feed is alive: understood, or known to have no effect.
_ALIVE = frozenset({InboxStatus.CONVERTED, InboxStatus.IGNORED})


#: Type of a message that answers one of ours.
_ANSWER = "ZAM"


def store_assertions(
    tx: Transaction, rows: Sequence[tuple[int, datetime, Sequence[Assertion]]], now: datetime
) -> None:
    """Make these the assertions of inbox rows.

    Args:
        tx: the transaction that folded the same rows: persons are linked already.
        rows: row id, receipt instant and assertions; none takes back what the row said before.
        now: instant of the look that is asked for.
    """
    patients = tx.facts.replace(rows) if rows else set()
    if patients:
        persons = tx.facts.persons(patients - unheard(tx, patients))
        tx.watch.touch(dict.fromkeys(persons.values(), now))


def store_told(tx: Transaction, stored: Sequence[tuple[int, Prepared]], now: datetime) -> None:
    """Store what new inputs assert, and that their feeds are alive.

    Their receipt is the instant of the commit: no look that was made before it missed them.
    """
    rows = [
        (row_id, now, asserted(item))
        for row_id, item in stored
        # A row that was stored before its conversion may have said something else.
        if item.assertions or item.inbox_id is not None
    ]
    store_assertions(tx, rows, now)
    seen, heard = [], []
    for _, item in stored:
        if item.feed and item.status in _ALIVE:
            seen.append((item.feed, now, item.opened.header.sent_at or now))
            heard.append(Heard(item.feed, event_of(item.opened.header), now, said_by(item)))
    note_refused(tx, stored, now)
    if seen:
        tx.watch.feed_seen(seen, _behind(tx, seen))
        tx.feeds.count(heard)


def _behind(tx: Transaction, seen: Sequence[tuple[str, datetime, datetime]]) -> dict[str, float]:
    """Return by how many seconds clocks are behind, as people allowed them to be read."""
    holding = [one for one in tx.feeds.corrections() if one.withdrawn_at is None]
    if not holding:
        return {}
    last = {feed: (sent, receipt) for feed, receipt, sent in seen}
    return {
        feed: float(one.offset_s)
        for feed, (sent, receipt) in last.items()
        for one in holding
        if one.covers(feed, sent, receipt)
    }


def note_numbers(tx: Transaction, batch: Sequence[Prepared], now: datetime) -> None:
    """Note which numbers of their senders (MSH-13) came, those of repeated messages included."""
    numbered = [
        Numbered("|".join(header.sender), header.number, now)
        for item in batch
        # What is converted after its answer came before.
        if item.inbox_id is None and (header := item.opened.header).number is not None
    ]
    if numbered:
        tx.feeds.number(numbered)


def event_of(header: Header) -> str:
    """Return what a feed counts an input as: `A03` of `ADT^A03`, the type of a document."""
    kind = header.message_type.split("^")
    return kind[1] if len(kind) > 1 else kind[0].rpartition(" ")[2]


def said_by(item: Prepared) -> str:
    """Return what an input told: the events of its facts, or how little else it did."""
    if item.opened.header.message_type.startswith(_ANSWER):
        # The word of a hospital about what we sent is used as such.
        return ""
    if item.status is not InboxStatus.CONVERTED or not item.contributions:
        return UNMAPPED
    return " ".join(sorted({one.event for one in item.assertions})) or NO_FACT


def asserted(item: Prepared) -> tuple[Assertion, ...]:
    """Return what an input asserts: nothing unless it was converted."""
    return item.assertions if item.status is InboxStatus.CONVERTED else ()
