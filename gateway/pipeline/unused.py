"""What came and nothing uses: messages that are in no resource, or whose facts no rule reads.

A count of what is converted says nothing about that: a feed may be well, and tell nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.core.feed_ports import NO_FACT, UNMAPPED, Said
from gateway.core.ports import Transaction

#: How far back messages are counted.
SPAN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Use:
    """What became of the messages of an event of a feed.

    Attributes:
        messages: that came and were understood.
        unmapped: of which nothing is in any resource.
        no_fact: of which something is, and that tell no fact of a pathway.
        no_rule: whose facts no rule in force reads.
    """

    messages: int = 0
    unmapped: int = 0
    no_fact: int = 0
    no_rule: int = 0

    @property
    def unused(self) -> int:
        """Return how many nothing uses."""
        return self.unmapped + self.no_fact + self.no_rule


def uses(tx: Transaction, relevant: Collection[str], now: datetime) -> dict[tuple[str, str], Use]:
    """Return what became of messages by feed and event.

    Args:
        tx: a transaction.
        relevant: events of facts that rules in force read.
        now: the present instant.
    """
    return added_up(tx.feeds.said(now - SPAN), relevant)


def added_up(told: Iterable[Said], relevant: Collection[str]) -> dict[tuple[str, str], Use]:
    """Return counts by feed and event."""
    found: dict[tuple[str, str], Use] = {}
    for one in told:
        use = found.get((one.feed, one.event), Use())
        use = replace(use, messages=use.messages + one.messages)
        if one.said == UNMAPPED:
            use = replace(use, unmapped=use.unmapped + one.messages)
        elif one.said == NO_FACT:
            use = replace(use, no_fact=use.no_fact + one.messages)
        elif not any(event in relevant for event in one.said.split()):
            use = replace(use, no_rule=use.no_rule + one.messages)
        found[one.feed, one.event] = use
    return found


def of_feeds(found: Mapping[tuple[str, str], Use]) -> dict[str, Use]:
    """Return counts by feed."""
    whole: dict[str, Use] = {}
    for (feed, _), one in found.items():
        sum_ = whole.get(feed, Use())
        whole[feed] = Use(
            sum_.messages + one.messages,
            sum_.unmapped + one.unmapped,
            sum_.no_fact + one.no_fact,
            sum_.no_rule + one.no_rule,
        )
    return whole
