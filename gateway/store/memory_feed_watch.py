"""How often feeds speak, and what ails them, in memory."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

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
from gateway.core.messages import InboxStatus
from gateway.store import feedcounts, feednumbers
from gateway.store.codec import instant_text, key_text, storable
from gateway.store.feedcorrections import CorrectionColumns, correction_columns, read_correction
from gateway.store.feedcounts import HourColumns, PartColumns, TroubleColumns
from gateway.store.feednumbers import NumberColumns
from gateway.store.feedorphans import OrphanColumns, orphan_columns, read_orphan
from gateway.store.journal import Journal

#: States of an input that waits for somebody.
_HELD = (InboxStatus.QUARANTINED, InboxStatus.FAILED)


class MemoryFeedWatch:
    """Counts and troubles, kept as the columns the SQL stores write.

    `status` gives the state of an input.
    """

    def __init__(self, journal: Journal, status: Callable[[int], InboxStatus | None]) -> None:
        self._journal = journal
        self._status = status
        self._refusals: dict[int, Refusal] = {}
        self._numbers: dict[str, NumberColumns] = {}
        self._delays: dict[str, int] = {}
        self._parts: dict[tuple[str, str], PartColumns] = {}
        self._hours: dict[tuple[str, str], dict[str, HourColumns]] = {}
        self._troubles: dict[tuple[str, str, str, str], TroubleColumns] = {}
        self._corrections: dict[int, CorrectionColumns] = {}
        self._orphans: dict[int, OrphanColumns] = {}
        self._said: dict[tuple[str, ...], int] = {}

    def count(self, heard: Sequence[Heard]) -> None:
        """Count messages, for their feed and for their event in it."""
        hours = feedcounts.counted(heard)
        for part in feedcounts.parts_of(hours):
            key = (part.feed, part.event)
            known = self._parts.get(key, part)
            first, last = min(known.first_at, part.first_at), max(known.last_at, part.last_at)
            self._journal.put(self._parts, key, part._replace(first_at=first, last_at=last))
        for one in hours:
            of_part = self._hours.setdefault((one.feed, one.event), {})
            before = of_part.get(one.hour)
            self._journal.put(of_part, one.hour, before.with_more(one) if before else one)
        for told in feedcounts.said_of(heard):
            number = self._said.get(told[:-1], 0) + told.messages
            self._journal.put(self._said, told[:-1], number)

    def parts(self) -> list[FeedPart]:
        """Return every feed and every event of it, by feed and event."""
        return [feedcounts.read_part(self._parts[key]) for key in sorted(self._parts)]

    def hours(self, feed: str, event: str, since: datetime) -> list[FeedHour]:
        """Return the hours from the one of an instant on in which anything came, oldest first."""
        start = feedcounts.hour_text(since)
        of_part = self._hours.get((key_text(feed), key_text(event)), {})
        return [feedcounts.read_hour(of_part[hour]) for hour in sorted(of_part) if hour >= start]

    def said(self, since: datetime) -> list[Said]:
        """Return what messages told from the day of an instant on, by feed and event."""
        start, found = feedcounts.day_text(since), Counter[tuple[str, ...]]()
        for (day, *told), number in self._said.items():
            if day >= start:
                found[tuple(told)] += number
        return [feedcounts.read_said((*told, found[told])) for told in sorted(found)]

    def forget(self, before: datetime) -> None:
        """Drop the hours that began before an instant, and refusals that were mended."""
        end = instant_text(before)
        for of_part in self._hours.values():
            for hour in [hour for hour in of_part if hour < end]:
                self._journal.drop(of_part, hour)
        for told in [told for told in self._said if told[0] < feedcounts.day_text(before)]:
            self._journal.drop(self._said, told)
        for inbox_id in [one for one in self._refusals if self._status(one) not in _HELD]:
            self._journal.drop(self._refusals, inbox_id)

    def begin(self, trouble: Trouble) -> bool:
        """Keep a trouble that was found; False when somebody has told of it already."""
        row = feedcounts.trouble_columns(trouble)
        if row.key in self._troubles:
            return False
        self._journal.put(self._troubles, row.key, row)
        return True

    def end(self, trouble: Trouble, at: datetime) -> bool:
        """Note the end of a trouble; False when somebody has told of it already."""
        key = feedcounts.trouble_columns(trouble).key
        row = self._troubles.get(key)
        if row is None or row.ended_at:
            return False
        self._journal.put(self._troubles, key, row._replace(ended_at=instant_text(at)))
        return True

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Note inputs that went to the quarantine."""
        for one in refusals:
            if one.inbox_id not in self._refusals:
                self._journal.put(self._refusals, one.inbox_id, one)

    def refused(self, since: datetime) -> dict[str, tuple[int, int]]:
        """Return, by feed, how many inputs are in quarantine, and of these since an instant."""
        found: dict[str, tuple[int, int]] = {}
        for one in self._refusals.values():
            if self._status(one.inbox_id) in _HELD:
                held, recent = found.get(key_text(one.feed), (0, 0))
                found[key_text(one.feed)] = (held + 1, recent + (one.at >= since))
        return found

    def usual_delays(self) -> dict[str, int]:
        """Return what the transport of each feed takes, seconds, as it was first learned."""
        return dict(self._delays)

    def set_usual_delay(self, feed: str, seconds: int) -> None:
        """Keep what the transport of a feed takes; what is known already stays."""
        if key_text(feed) not in self._delays:
            self._journal.put(self._delays, key_text(feed), seconds)

    def corrections(self) -> list[ClockCorrection]:
        """Return the corrections of clocks there ever were, by number."""
        return [read_correction(self._corrections[number]) for number in sorted(self._corrections)]

    def approve(self, correction: ClockCorrection) -> None:
        """Keep a correction; its number is new."""
        row = correction_columns(correction)
        self._journal.put(self._corrections, row.number, row)

    def withdraw(self, number: int, at: datetime, by: str, reason: str) -> bool:
        """Note the end of a correction; False when it is over already, or there is none."""
        row = self._corrections.get(number)
        if row is None or row.withdrawn_at:
            return False
        told = (instant_text(at), storable(by), storable(reason))
        over = row._replace(withdrawn_at=told[0], withdrawn_by=told[1], withdrawn_for=told[2])
        self._journal.put(self._corrections, number, over)
        return True

    def troubles(self, *, lasting: bool = False) -> list[Trouble]:
        """Return every trouble there was, or those that last."""
        rows = (self._troubles[key] for key in sorted(self._troubles))
        return [feedcounts.read_trouble(row) for row in rows if not (lasting and row.ended_at)]

    def number(self, messages: Sequence[Numbered]) -> None:
        """Note the numbers of messages, in the order of their receipt."""
        for sender, own in feednumbers.by_sender(messages).items():
            after = feednumbers.numbered(self._numbers.get(sender), own)
            self._journal.put(self._numbers, sender, after)

    def missing(self, before: datetime) -> list[MissingNumbers]:
        """Return the numbers that are missing since before an instant, by sender and number."""
        rows = [self._numbers[sender] for sender in sorted(self._numbers)]
        return [one for row in rows for one in feednumbers.missing(row, before)]

    def cancel_alone(self, inputs: Sequence[CancelledAlone]) -> None:
        """Note inputs that cancel what nobody told; one that is noted already stays as it is."""
        for one in inputs:
            if one.inbox_id not in self._orphans:
                self._journal.put(self._orphans, one.inbox_id, orphan_columns(one))

    def cancelled_alone(self, before: datetime) -> list[CancelledAlone]:
        """Return those that are noted and came before an instant, oldest first."""
        end = instant_text(before)
        found = (row for row in self._orphans.values() if row.at < end)
        return [read_orphan(row) for row in sorted(found, key=lambda row: (row.at, row.inbox_id))]

    def settle_cancelled(self, inbox_ids: Sequence[int]) -> None:
        """Drop notes: the original came, or nobody waits for it any more."""
        for one in inbox_ids:
            if one in self._orphans:
                self._journal.drop(self._orphans, one)
