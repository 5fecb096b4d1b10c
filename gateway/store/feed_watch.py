"""Queries on how often feeds speak, and on what ails them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, bindparam, case, func, literal_column, select

from gateway.core.feed_ports import (
    CancelledAlone,
    ClockCorrection,
    FeedHour,
    FeedPart,
    Heard,
    MissingNumbers,
    Numbered,
    Refusal,
    Said,
    Trouble,
)
from gateway.store import feedcounts, feednumbers
from gateway.store.codec import instant_text, key_text, storable
from gateway.store.feedcorrections import CorrectionColumns, correction_columns, read_correction
from gateway.store.feedorphans import OrphanColumns, orphan_columns, read_orphan
from gateway.store.sqltext import Compiler, Session
from gateway.store.tables import TABLES

_PART, _HOUR, _TROUBLE = (TABLES[name].c for name in ("feed_part", "feed_hour", "feed_trouble"))
_REFUSAL, _DELAY, _INBOX = (TABLES[name].c for name in ("feed_refusal", "feed_delay", "inbox"))
_CORRECTION = TABLES["feed_correction"].c
_WITHDRAWN = ("withdrawn_at", "withdrawn_by", "withdrawn_for")
#: States of an input that waits for somebody.
_HELD = ("quarantined", "failed")
_KEY = ("feed", "event", "ailment", "since")


class FeedWatchSql:
    """The statements of counts and troubles for one database."""

    def __init__(self, c: Compiler) -> None:
        part, hour, trouble = (TABLES[name] for name in ("feed_part", "feed_hour", "feed_trouble"))
        # A row of the same key is completed, from what is in it and what is given.
        self.put_part = c.upsert(part, feedcounts.PartColumns._fields, _ends(_PART))
        size = literal_column(str(feedcounts.MINUTE), Integer)
        one, none = literal_column("1", Integer), literal_column("0", Integer)
        minute = func.substr(_given("first_at"), one, size)
        same = case((func.substr(_HOUR.last_at, one, size) == minute, one), else_=none)
        more = {
            "messages": _HOUR.messages + literal_column("excluded.messages", Integer),
            "minutes": _HOUR.minutes + literal_column("excluded.minutes", Integer) - same,
            **_ends(_HOUR),
        }
        self.put_hour = c.upsert(hour, feedcounts.HourColumns._fields, more)
        self.parts = c(select(*_PART).order_by(_PART.feed, _PART.event))
        of_part = (_HOUR.feed == bindparam("of_feed"), _HOUR.event == bindparam("of_event"))
        since = select(*_HOUR).where(*of_part, _HOUR.hour >= bindparam("since"))
        self.hours = c(since.order_by(_HOUR.hour), "of_feed", "of_event", "since")
        self.forget = c(
            hour.delete().where(*of_part, _HOUR.hour < bindparam("before")),
            "of_feed",
            "of_event",
            "before",
        )
        said = TABLES["feed_said"]
        again = {"messages": said.c.messages + literal_column("excluded.messages", Integer)}
        self.put_said = c.upsert(said, feedcounts.SaidColumns._fields, again)
        told = (said.c.feed, said.c.event, said.c.said)
        recently = select(*told, func.sum(said.c.messages)).where(said.c.day >= bindparam("since"))
        self.said = c(recently.group_by(*told).order_by(*told), "since")
        self.forget_said = c(said.delete().where(said.c.day < bindparam("before")), "before")
        refusal = TABLES["feed_refusal"]
        self.refuse = c.insert(refusal, ("inbox_id", "feed", "at"), ignore=True)
        held = _INBOX.status.in_([literal_column(f"'{status}'") for status in _HELD])
        recent = case((_REFUSAL.at >= bindparam("since"), one), else_=none)
        self.refused = c(
            select(_REFUSAL.feed, func.count(), func.sum(recent))
            .join_from(refusal, TABLES["inbox"], (_INBOX.id == _REFUSAL.inbox_id) & held)
            .group_by(_REFUSAL.feed),
            "since",
        )
        waiting = select(_INBOX.id).where(_INBOX.id == _REFUSAL.inbox_id, held)
        self.mended = c(refusal.delete().where(~waiting.exists()))
        self.usual = c(select(*_DELAY))
        self.set_usual = c.insert(TABLES["feed_delay"], ("feed", "usual"), ignore=True)
        number, names = TABLES["feed_number"], feednumbers.NumberColumns._fields
        self.numbers = c(select(*number.c).order_by(number.c.sender))
        of_sender = select(*number.c).where(number.c.sender == bindparam("of_sender"))
        self.number = c(of_sender.with_for_update(), "of_sender")
        self.begin_number = c.insert(number, names, ignore=True)
        self.put_number = c.upsert(number, names)
        orphan = TABLES["feed_orphan"]
        self.cancel_alone = c.insert(orphan, OrphanColumns._fields, ignore=True)
        alone = select(*orphan.c).where(orphan.c.at < bindparam("before"))
        self.cancelled_alone = c(alone.order_by(orphan.c.at, orphan.c.inbox_id), "before")
        this_row = orphan.c.inbox_id == bindparam("of_inbox")
        self.settle_cancelled = c(orphan.delete().where(this_row), "of_inbox")
        self.begin = c.insert(trouble, feedcounts.TroubleColumns._fields, ignore=True)
        # Written out, as its index has it, so that the index serves.
        lasts = _TROUBLE.ended_at == literal_column("''")
        this = [_TROUBLE[name] == bindparam(f"of_{name}") for name in _KEY]
        ended = trouble.update().where(*this, lasts).values(ended_at=bindparam("ended"))
        self.end = c(ended, "ended", *(f"of_{name}" for name in _KEY))
        correction = TABLES["feed_correction"]
        self.corrections = c(select(*_CORRECTION).order_by(_CORRECTION.number))
        self.approve = c.insert(correction, CorrectionColumns._fields)
        standing = _CORRECTION.withdrawn_at == literal_column("''")
        self.withdraw = c(
            correction.update()
            .where(_CORRECTION.number == bindparam("of_number"), standing)
            .values({name: bindparam(name) for name in _WITHDRAWN}),
            *_WITHDRAWN,
            "of_number",
        )
        everything = select(*_TROUBLE).order_by(*(_TROUBLE[name] for name in _KEY))
        self.troubles = c(everything)
        self.lasting = c(everything.where(lasts))


def _given(name: str) -> ColumnElement[str]:
    """Return what is given for a column of a row that is there already."""
    return literal_column(f"excluded.{name}", Text)


def _ends(of: Any) -> dict[str, ColumnElement[str]]:
    """Return the first and the last receipt of a row with those that are given."""
    first, last = _given("first_at"), _given("last_at")
    return {
        "first_at": case((of.first_at > first, first), else_=of.first_at),
        "last_at": case((of.last_at < last, last), else_=of.last_at),
    }


class SqlFeedWatch:
    """`core.feed_ports.FeedQueries` in a transaction."""

    __slots__ = ("_session", "_sql")

    def __init__(self, session: Session, sql: FeedWatchSql) -> None:
        self._session = session
        self._sql = sql

    def count(self, heard: Sequence[Heard]) -> None:
        """Count messages, for their feed and for their event in it."""
        hours = feedcounts.counted(heard)
        self._session.run_many(self._sql.put_part, feedcounts.parts_of(hours))
        self._session.run_many(self._sql.put_hour, hours)
        self._session.run_many(self._sql.put_said, feedcounts.said_of(heard))

    def parts(self) -> list[FeedPart]:
        """Return every feed and every event of it, by feed and event."""
        return [feedcounts.read_part(row) for row in self._session.rows(self._sql.parts)]

    def hours(self, feed: str, event: str, since: datetime) -> list[FeedHour]:
        """Return the hours from the one of an instant on in which anything came, oldest first."""
        wanted = (key_text(feed), key_text(event), feedcounts.hour_text(since))
        return [feedcounts.read_hour(row) for row in self._session.rows(self._sql.hours, wanted)]

    def said(self, since: datetime) -> list[Said]:
        """Return what messages told from the day of an instant on, by feed and event."""
        rows = self._session.rows(self._sql.said, (feedcounts.day_text(since),))
        return [feedcounts.read_said(row) for row in rows]

    def forget(self, before: datetime) -> None:
        """Drop the hours that began before an instant, and refusals that were mended."""
        end = instant_text(before)
        parts = self._session.rows(self._sql.parts)
        self._session.run_many(self._sql.forget, [(row[0], row[1], end) for row in parts])
        self._session.run(self._sql.forget_said, (feedcounts.day_text(before),))
        self._session.run(self._sql.mended, ())

    def begin(self, trouble: Trouble) -> bool:
        """Keep a trouble that was found; False when somebody has told of it already."""
        return self._session.run(self._sql.begin, feedcounts.trouble_columns(trouble)) > 0

    def end(self, trouble: Trouble, at: datetime) -> bool:
        """Note the end of a trouble; False when somebody has told of it already."""
        key = feedcounts.trouble_columns(trouble).key
        return self._session.run(self._sql.end, (instant_text(at), *key)) > 0

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Note inputs that went to the quarantine."""
        rows = [(one.inbox_id, key_text(one.feed), instant_text(one.at)) for one in refusals]
        self._session.run_many(self._sql.refuse, rows)

    def refused(self, since: datetime) -> dict[str, tuple[int, int]]:
        """Return, by feed, how many inputs are in quarantine, and of these since an instant."""
        rows = self._session.rows(self._sql.refused, (instant_text(since),))
        return {feed: (int(held), int(recent)) for feed, held, recent in rows}

    def usual_delays(self) -> dict[str, int]:
        """Return what the transport of each feed takes, seconds, as it was first learned."""
        return {row[0]: row[1] for row in self._session.rows(self._sql.usual)}

    def set_usual_delay(self, feed: str, seconds: int) -> None:
        """Keep what the transport of a feed takes; what is known already stays."""
        self._session.run(self._sql.set_usual, (key_text(feed), seconds))

    def corrections(self) -> list[ClockCorrection]:
        """Return the corrections of clocks there ever were, by number."""
        return [read_correction(row) for row in self._session.rows(self._sql.corrections)]

    def approve(self, correction: ClockCorrection) -> None:
        """Keep a correction; its number is new."""
        self._session.run(self._sql.approve, correction_columns(correction))

    def withdraw(self, number: int, at: datetime, by: str, reason: str) -> bool:
        """Note the end of a correction; False when it is over already, or there is none."""
        told = (instant_text(at), storable(by), storable(reason), number)
        return self._session.run(self._sql.withdraw, told) > 0

    def troubles(self, *, lasting: bool = False) -> list[Trouble]:
        """Return every trouble there was, or those that last."""
        found = self._session.rows(self._sql.lasting if lasting else self._sql.troubles)
        return [feedcounts.read_trouble(row) for row in found]

    def number(self, messages: Sequence[Numbered]) -> None:
        """Note the numbers of messages, in the order of their receipt."""
        for sender, own in feednumbers.by_sender(messages).items():
            known = self._session.rows(self._sql.number, (sender,))
            if not known:
                # Two writers may meet a new sender: one begins, both wait for the row.
                first = feednumbers.numbered(None, own[:1])
                self._session.run(self._sql.begin_number, first)
                known = self._session.rows(self._sql.number, (sender,))
            after = feednumbers.numbered(feednumbers.read_columns(known[0]), own)
            self._session.run(self._sql.put_number, after)

    def missing(self, before: datetime) -> list[MissingNumbers]:
        """Return the numbers that are missing since before an instant, by sender and number."""
        rows = [feednumbers.read_columns(row) for row in self._session.rows(self._sql.numbers)]
        return [one for row in rows for one in feednumbers.missing(row, before)]

    def cancel_alone(self, inputs: Sequence[CancelledAlone]) -> None:
        """Note inputs that cancel what nobody told; one that is noted already stays as it is."""
        self._session.run_many(self._sql.cancel_alone, [orphan_columns(one) for one in inputs])

    def cancelled_alone(self, before: datetime) -> list[CancelledAlone]:
        """Return those that are noted and came before an instant, oldest first."""
        rows = self._session.rows(self._sql.cancelled_alone, (instant_text(before),))
        return [read_orphan(row) for row in rows]

    def settle_cancelled(self, inbox_ids: Sequence[int]) -> None:
        """Drop notes: the original came, or nobody waits for it any more."""
        self._session.run_many(self._sql.settle_cancelled, [(one,) for one in sorted(inbox_ids)])
