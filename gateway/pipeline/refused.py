"""Note what was refused of each feed, so that the watch over feeds can count it."""

from collections.abc import Sequence
from datetime import datetime

from gateway.cda.facts import feed as feed_of_document
from gateway.core.feed_ports import Refusal
from gateway.core.messages import Channel, InboxStatus
from gateway.core.ports import Transaction
from gateway.hl7v2.facts import feed_of
from gateway.hl7v2.message import Message
from gateway.pipeline.prepared import Opened, Prepared

#: Kept until somebody mends it: `pipeline.quarantine`.
_REFUSED = frozenset({InboxStatus.QUARANTINED, InboxStatus.FAILED})


def note_refused(tx: Transaction, stored: Sequence[tuple[int, Prepared]], now: datetime) -> None:
    """Note the inputs that go to the quarantine, by feed.

    Args:
        tx: the transaction that stores them.
        stored: row id and what became of it.
        now: instant of the commit.
    """
    found = [
        Refusal(row_id, feed, now)
        for row_id, item in stored
        if item.status in _REFUSED and (feed := item.feed or _feed(item.opened))
    ]
    if found:
        tx.feeds.refuse(found)


def _feed(opened: Opened) -> str:
    """Return the feed of a refused input; of one that cannot be read, what its header tells."""
    if isinstance(opened.parsed, Message):
        return feed_of(opened.parsed, opened.site)
    facility = opened.header.sender[1]
    if opened.raw.channel is Channel.CDA:
        return feed_of_document(opened.site, facility)
    place = opened.site.finess or facility
    kind = opened.header.message_type.partition("^")[0]
    return f"{place}:{kind}" if place and kind else ""
