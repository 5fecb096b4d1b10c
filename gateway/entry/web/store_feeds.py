"""Feeds as people see them: up to date, or silent for longer than their habit allows."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from gateway.core.pathway_ports import FeedState
from gateway.entry.web.store_names import named_feed
from gateway.entry.web.values import Feed

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


def shown_feeds(
    states: Iterable[FeedState],
    places: Mapping[str, str],
    unconfirmed: Mapping[str, int],
    now: datetime,
) -> list[Feed]:
    """Return feeds with the names of their establishments.

    Args:
        states: as the store keeps them.
        places: names by FINESS.
        unconfirmed: expectations in suspense, by FINESS.
        now: the present instant.
    """
    shown = []
    for state in states:
        silent = is_silent(state, now)
        waiting = unconfirmed.get(state.feed.rpartition(":")[0], 0) if silent else 0
        name = named_feed(state.feed, places)
        shown.append(
            Feed(name, "silent" if silent else "live", state.last_at, state.count, waiting)
        )
    return shown
