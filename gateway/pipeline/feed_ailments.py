"""What ails feeds that speak: clocks that are wrong, and inputs that are refused.

Finds; telling is `pipeline.feed_watch`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.core.feed_ports import WHOLE, Ailment, ClockCorrection, Trouble
from gateway.core.pathway_ports import FeedState
from gateway.core.ports import Transaction
from gateway.pathway import clocks

_HOUR = timedelta(hours=1)


class Change(NamedTuple):
    """What a step of the watch found.

    Attributes:
        trouble: that begins, or ends.
        ends: when it ended, as an event time; None when it begins.
        value: seconds of skew that are left at its end.
        is_told: nobody is told of the end of a trouble whose place another one takes.
    """

    trouble: Trouble
    ends: datetime | None = None
    value: int = 0
    is_told: bool = True


def refusals(tx: Transaction, lasting: list[Trouble], now: datetime, most: int) -> Iterator[Change]:
    """Find the feeds of which more than so many inputs an hour go to the quarantine.

    Args:
        tx: an open transaction.
        lasting: troubles that last.
        now: instant of the step.
        most: inputs that may be refused in an hour.
    """
    refused = tx.feeds.refused(now - _HOUR)
    known = {one.feed: one for one in lasting if one.ailment is Ailment.REJECTING}
    for feed, (_held, recent) in sorted(refused.items()):
        if recent > most and feed not in known:
            yield Change(Trouble(feed, WHOLE, Ailment.REJECTING, now, now, value=recent))
    for feed, trouble in sorted(known.items()):
        if feed not in refused:
            yield Change(trouble, now)


def wrong_clocks(tx: Transaction, lasting: list[Trouble], now: datetime) -> Iterator[Change]:
    """Find the feeds whose sender's clock is wrong, or right again.

    Args:
        tx: an open transaction.
        lasting: troubles that last.
        now: instant of the step.
    """
    usual = tx.feeds.usual_delays()
    known = {one.feed: one for one in lasting if one.ailment is Ailment.SKEWED}
    corrections = [one for one in tx.feeds.corrections() if one.withdrawn_at is None]
    for state in tx.watch.feeds_now():
        found, trouble = None, known.get(state.feed)
        road = usual.get(state.feed)
        # What is learned in this step serves in it.
        road = clocks.usual_delay(state.lateness_s) if road is None else road
        if road is not None:
            found = clocks.skew(state.lateness_s, road)
        if found is None:
            continue
        # What is left of it: corrected, a wrong clock is no trouble; one that is mended under its
        # correction is.
        found -= sum(one.offset_s for one in corrections if _holds(one, state))
        if trouble is not None and not clocks.is_notable(found):
            yield Change(trouble, state.last_at, found)
        elif clocks.is_notable(found) and (
            trouble is None or clocks.is_notable(found - trouble.value)
        ):
            if trouble is not None:
                yield Change(trouble, state.last_at, is_told=False)
            since = state.last_at
            yield Change(Trouble(state.feed, WHOLE, Ailment.SKEWED, since, now, value=found))


def _holds(correction: ClockCorrection, state: FeedState) -> bool:
    """Tell whether a correction is of the last message of a feed."""
    is_over = correction.until is not None and correction.until <= state.last_at
    return correction.feed == state.feed and correction.since <= state.last_at and not is_over


def learn_delays(tx: Transaction) -> None:
    """Keep what the transport of feeds takes that is not known yet."""
    usual = tx.feeds.usual_delays()
    for feed, road in new_delays(tx, usual):
        tx.feeds.set_usual_delay(feed, road)


def new_delays(tx: Transaction, usual: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Return the feeds whose transport can be told from now on, and what it takes."""
    for state in tx.watch.feeds_now():
        if state.feed not in usual:
            road = clocks.usual_delay(state.lateness_s)
            if road is not None:
                yield state.feed, road
