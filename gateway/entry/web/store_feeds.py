"""Feeds as people see them: up to date, or silent for longer than their habit allows."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from gateway.core.facts import ExpectationRow
from gateway.core.feed_ports import WHOLE, Ailment
from gateway.core.pathway_ports import FeedState
from gateway.core.ports import Transaction
from gateway.entry.web.rulebook import RuleBook
from gateway.entry.web.store_names import named_feed
from gateway.entry.web.values import Feed
from gateway.pathway.watermarks import feeds_of

#: A pause of this many usual intervals happens once in ten thousand (Poisson: e^-9.2).
_INTERVALS = 9.2
#: Nights and Sundays are quiet everywhere.
_FLOOR, _CEILING = timedelta(hours=12), timedelta(days=7)


def patience(state: FeedState) -> timedelta:
    """Return how long a feed may say nothing before it counts as silent."""
    if state.count < 2:
        return _CEILING
    usual = (state.last_at - state.first_at) / (state.count - 1)
    return min(max(usual * _INTERVALS, _FLOOR), _CEILING)


def is_silent(state: FeedState, now: datetime) -> bool:
    """Tell whether a feed has been quiet for too long."""
    return now - state.last_at > patience(state)


def told_silent(tx: Transaction) -> frozenset[str]:
    """Return the feeds whose silence was told."""
    lasting = tx.feeds.troubles(lasting=True)
    of_silence = (one for one in lasting if one.ailment is Ailment.SILENT)
    return frozenset(one.feed for one in of_silence if one.event == WHOLE)


def needed_feeds(row: ExpectationRow, book: RuleBook) -> frozenset[str]:
    """Return the feeds that would bring what is awaited, from where one left or goes."""
    rule = book.version(row)
    here, there = (str(row.details.get(name) or "") for name in ("estab", "destination_finess"))
    return frozenset(feeds_of(rule, here, there)) if rule is not None else frozenset()


def shown_feeds(
    states: Iterable[FeedState],
    places: Mapping[str, str],
    unconfirmed: Mapping[str, int],
    now: datetime,
    silent: Collection[str] = (),
) -> list[Feed]:
    """Return feeds with the names of their establishments.

    Args:
        states: as the store keeps them.
        places: names by FINESS.
        unconfirmed: expectations in suspense, by feed.
        now: the present instant.
        silent: feeds whose silence was told; others go by how often they speak.
    """
    shown = []
    for state in states:
        is_off = state.feed in silent or is_silent(state, now)
        waiting = unconfirmed.get(state.feed, 0) if is_off else 0
        name = named_feed(state.feed, places)
        shown.append(
            Feed(name, "silent" if is_off else "live", state.last_at, state.count, waiting)
        )
    return shown
