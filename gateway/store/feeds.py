"""Queries on feeds: who sent how much, how late, and how far each is believed complete."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import bindparam, func, literal_column, select

from gateway.core.pathway_ports import FeedState
from gateway.store import feedmarks
from gateway.store.codec import instant_text, key_text, read_instant
from gateway.store.sqltext import Compiler, Session, given
from gateway.store.tables import TABLES

_FEED, _PROVEN, _MARK, _PAGE = (
    TABLES[name].c for name in ("feed", "feed_proven", "feed_mark", "feed_mark_page")
)
_CHANGED = feedmarks.FeedColumns._fields[1:]


class FeedSql:
    """The statements of feeds for one database."""

    def __init__(self, c: Compiler) -> None:
        feed, mark = TABLES["feed"], TABLES["feed_mark"]
        self.some = c(
            select(*_FEED)
            .where(c.among(_FEED.feed, "feeds"))
            .order_by(_FEED.feed)
            .with_for_update(),
            "feeds",
        )
        self.insert = c.insert(feed, feedmarks.FeedColumns._fields)
        self.update = c(
            feed.update()
            .where(_FEED.feed == bindparam("of_feed"))
            .values({name: bindparam(name) for name in _CHANGED}),
            *_CHANGED,
            "of_feed",
        )
        # Two writers may set a mark at one instant; the first stays.
        self.insert_mark = c.insert(mark, ("feed", "at", "watermark"), ignore=True)
        of_feed = _MARK.feed == bindparam("of_feed")
        oldest = select(*_MARK).where(of_feed, _MARK.at < bindparam("end")).order_by(_MARK.at)
        self.oldest = c(c.limited(oldest, "rows"), "of_feed", "end", "rows")
        self.insert_page = c.insert(TABLES["feed_mark_page"], feedmarks.PageColumns._fields)
        self.drop = c(mark.delete().where(of_feed, _MARK.at <= bindparam("end")), "of_feed", "end")
        pages = select(*_PAGE)
        self.pages = c(pages.where(_PAGE.at >= bindparam("since")).order_by(_PAGE.at), "since")
        in_page = pages.where(
            _PAGE.feed == bindparam("of_feed"), _PAGE.watermark >= bindparam("instant")
        )
        self.page = c(
            c.limited(in_page.order_by(_PAGE.watermark), "rows"), "of_feed", "instant", "rows"
        )
        self.insert_proven = c.insert(TABLES["feed_proven"], ("feed", "at"), ignore=True)
        self.all = c(
            select(*_FEED, _PROVEN.at)
            .join_from(feed, TABLES["feed_proven"], _FEED.feed == _PROVEN.feed, isouter=True)
            .order_by(_FEED.feed)
        )
        complete = select(_MARK.at).where(
            _MARK.feed == bindparam("of_feed"), _MARK.watermark >= bindparam("instant")
        )
        self.complete = c(
            c.limited(complete.order_by(_MARK.watermark), "rows"), "of_feed", "instant", "rows"
        )
        # The mark that stood at `since`, and those after it.
        newest = mark.alias("newest")
        standing = (
            select(func.max(newest.c.at))
            .where(newest.c.feed == _FEED.feed, newest.c.at <= bindparam("since"))
            .scalar_subquery()
        )
        start = func.coalesce(standing, literal_column("''"))
        marks = select(*_MARK).order_by(_MARK.feed, _MARK.at)
        self.marks = c(marks)
        # An outer join: SQLite then goes from each feed to its marks, and reads those only.
        both = (_FEED.feed == _MARK.feed) & (_MARK.at >= start)
        self.marks_since = c(
            select(*_MARK).join_from(feed, mark, both, isouter=True).order_by(_FEED.feed, _MARK.at),
            "since",
        )


class SqlFeeds:
    """The part of `core.pathway_ports.WatchQueries` that is about feeds."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: FeedSql) -> None:
        self._session = session
        self._sql = sql

    def seen(
        self, messages: Sequence[tuple[str, datetime, datetime]], behind_s: Mapping[str, float]
    ) -> None:
        """Note messages of feeds: (feed, receipt, emission); clocks that are behind, by feed."""
        by_feed: dict[str, list[tuple[datetime, datetime]]] = {}
        for name, receipt, emission in messages:
            by_feed.setdefault(key_text(name), []).append((receipt, emission))
        if not by_feed:
            return
        names = (given(sorted(by_feed)),)
        before = {
            row[0]: feedmarks.FeedColumns(*row) for row in self._session.rows(self._sql.some, names)
        }
        marks: list[feedmarks.Mark] = []
        for name in sorted(by_feed):
            late = behind_s.get(name, 0.0)
            row, new = feedmarks.seen(name, before.get(name), by_feed[name], late)
            marks += new
            enough = feedmarks.proven(before.get(name), by_feed[name])
            if enough:
                self._session.run(self._sql.insert_proven, (name, enough))
            if name in before:
                self._session.run(self._sql.update, (*row[1:], name))
            else:
                self._session.run(self._sql.insert, row)
        self._session.run_many(self._sql.insert_mark, marks)
        # The newest mark of each feed, which is the last one.
        for name, mark in {mark[0]: mark for mark in marks}.items():
            self._fold(name, feedmarks.old_until(mark))

    def _fold(self, feed: str, end: str) -> None:
        """Put old marks of a feed into pages, as far as they fill some."""
        wanted = (feed, end, feedmarks.PAGE)
        while len(rows := self._session.rows(self._sql.oldest, wanted)) == feedmarks.PAGE:
            self._session.run(self._sql.insert_page, feedmarks.folded([tuple(r) for r in rows]))
            self._session.run(self._sql.drop, (feed, rows[-1][1]))

    def all(self, since: datetime | None) -> list[FeedState]:
        """Return every feed, with the mark that stood at `since` and those after it."""
        start = instant_text(since) if since is not None else ""
        if since is None:
            rows = self._session.rows(self._sql.marks)
        else:
            rows = self._session.rows(self._sql.marks_since, (start,))
        pages = self._session.rows(self._sql.pages, (start,))
        old = [m for page in pages for m in feedmarks.unfolded(feedmarks.PageColumns(*page))]
        marks: dict[str, list[tuple[datetime, datetime]]] = {}
        for name, at, watermark in (*old, *rows):
            if name is None:
                continue
            marks.setdefault(name, []).append((read_instant(at), read_instant(watermark)))
        if since is not None:
            marks = {name: feedmarks.standing(known, since) for name, known in marks.items()}
        return [
            feed_state(row[:-1], marks.get(row[0], ()), row[-1])
            for row in self._session.rows(self._sql.all)
        ]

    def newest(self) -> list[FeedState]:
        """Return every feed with its newest mark only."""
        return [
            feed_state(row[:-1], newest_mark(row[:-1]), row[-1])
            for row in self._session.rows(self._sql.all)
        ]

    def complete_at(self, feed: str, instant: datetime) -> datetime | None:
        """Return the receipt that made a feed complete up to an instant."""
        wanted = (key_text(feed), instant_text(instant), 1)
        found = self._session.rows(self._sql.complete, wanted)
        return self._first_complete(wanted) or (read_instant(found[0][0]) if found else None)

    def _first_complete(self, wanted: tuple[str, str, int]) -> datetime | None:
        """Return the receipt of the first mark in a page that is late enough."""
        found = self._session.rows(self._sql.page, wanted)
        if not found:
            return None
        marks = feedmarks.unfolded(feedmarks.PageColumns(*found[0]))
        return read_instant(next(at for _, at, watermark in marks if watermark >= wanted[1]))


def newest_mark(row: Sequence[Any]) -> list[tuple[datetime, datetime]]:
    """Return the newest mark of a feed, which its columns repeat; none before the first."""
    c = feedmarks.FeedColumns(*row)
    return [(read_instant(c.mark_at), read_instant(c.watermark))] if c.mark_at else []


def feed_state(
    row: Sequence[Any], marks: Sequence[tuple[datetime, datetime]], proven_at: str | None
) -> FeedState:
    """Make the state of a feed of its columns."""
    c = feedmarks.FeedColumns(*row)
    return FeedState(
        feed=c.feed,
        first_at=read_instant(c.first_at),
        last_at=read_instant(c.last_at),
        count=c.messages,
        lateness_s=_lateness(c.lateness),
        marks=tuple(marks),
        proven_at=read_instant(proven_at) if proven_at else None,
    )


# Every look asks for every feed, of which few have moved.
@lru_cache(maxsize=256)
def _lateness(told: bytes) -> tuple[float, ...]:
    return tuple(orjson.loads(told))
