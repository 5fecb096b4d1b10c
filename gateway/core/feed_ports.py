"""What the watch over feeds needs of the store: how often each speaks, and what ails it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from gateway.core.clock import CLOCKS_DIFFER
from gateway.core.contributions import Target

#: A message of which nothing is in any resource, and one that tells no fact of a pathway.
UNMAPPED, NO_FACT = "unmapped", "no-fact"
#: The whole of a feed, where an event is asked for.
WHOLE = ""


class Heard(NamedTuple):
    """One message of a feed.

    Attributes:
        feed: `<establishment or sender>:<ADT|DOC|SIU|...>`.
        event: `A03`, `T02`; empty when it has none.
        at: its receipt, UTC.
        said: what it told, as it was read when it came: `UNMAPPED`, `NO_FACT`, or the events of
            its facts, sorted, with a blank between; empty: not known.
    """

    feed: str
    event: str
    at: datetime
    said: str = ""


class Said(NamedTuple):
    """How many messages of an event of a feed told the same since a day.

    Attributes:
        said: as of `Heard`.
    """

    feed: str
    event: str
    said: str
    messages: int


@dataclass(frozen=True, slots=True)
class FeedPart:
    """A feed, or the messages of one event in it.

    Attributes:
        event: `A03`; `WHOLE` for the feed itself.
        first_at: receipt of its first message.
        last_at: receipt of its last message.
    """

    feed: str
    event: str
    first_at: datetime
    last_at: datetime

    @property
    def name(self) -> str:
        """Return `<feed>` or `<feed>:<event>`, the name its facts carry."""
        return f"{self.feed}:{self.event}" if self.event else self.feed


@dataclass(frozen=True, slots=True)
class FeedHour:
    """What came in an hour.

    Attributes:
        hour: its first instant, UTC.
        messages: that came.
        minutes: of the hour in which any came, at most 60: what comes in one go counts once.
        first_at: receipt of the first one.
        last_at: receipt of the last one.
    """

    hour: datetime
    messages: int
    minutes: int
    first_at: datetime
    last_at: datetime


class Refusal(NamedTuple):
    """An input of a feed that went to the quarantine."""

    inbox_id: int
    feed: str
    at: datetime


class Numbered(NamedTuple):
    """A message whose sender numbers what it sends (MSH-13).

    Attributes:
        sender: who counts, `<MSH-3.1>|<MSH-4.1>`.
        at: its receipt, UTC.
    """

    sender: str
    number: int
    at: datetime


class MissingNumbers(NamedTuple):
    """Numbers a sender gave that did not come.

    Attributes:
        sender: who counts, `<MSH-3.1>|<MSH-4.1>`.
        first: of a run of numbers.
        last: of the run.
        since: receipt of the first message with a higher number.
    """

    sender: str
    first: int
    last: int
    since: datetime


class CancelledAlone(NamedTuple):
    """An input that cancels what nobody had told when it came.

    Attributes:
        inbox_id: the row it is stored in.
        at: its receipt, UTC.
        digest: canonical SHA-256 of the input, that of the versions of what it says.
        targets: what it cancels.
    """

    inbox_id: int
    feed: str
    at: datetime
    digest: str
    targets: tuple[Target, ...]


class Ailment(StrEnum):
    """What may be wrong with a feed."""

    SILENT = "silent"
    SKEWED = "skewed"
    REJECTING = "rejecting"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong with a feed for a while.

    Attributes:
        event: the part that is concerned; `WHOLE` for the feed itself.
        since: when it began; with feed, event and ailment its key.
        told_at: when it was found, receipt of the fact that tells it.
        value: seconds of skew, messages refused; 0 for a silence.
        ended_at: when its end was found; None while it lasts.
        lost: events of facts that came by what is silent, for the most part.
    """

    feed: str
    event: str
    ailment: Ailment
    since: datetime
    told_at: datetime
    value: int = 0
    ended_at: datetime | None = None
    lost: tuple[str, ...] = ()

    @property
    def part(self) -> str:
        """Return the name its facts carry."""
        return f"{self.feed}:{self.event}" if self.event else self.feed


@dataclass(frozen=True, slots=True)
class ClockCorrection:
    """A wrong clock of a feed that a person has allowed to be corrected for a while.

    Attributes:
        number: 1 for the first one of the installation.
        since: from when the clock was wrong, in true time, UTC.
        until: when it was right again, in true time; None while it is not.
        offset_s: seconds that are added to what it tells; positive when it is behind.
        author: who allowed it.
        reason: why, in words.
        approved_at: instant of the commit: from then on it is known.
        withdrawn_at: from when on it is not applied any more; None while it is.
    """

    number: int
    feed: str
    since: datetime
    until: datetime | None
    offset_s: int
    author: str
    reason: str
    approved_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_for: str = ""

    @property
    def offset(self) -> timedelta:
        """Return what is added."""
        return timedelta(seconds=self.offset_s)

    def covers(self, feed: str, told: datetime, received: datetime) -> bool:
        """Tell whether a word was said in this time, by the wrong clock.

        Around the ends of that time one emission may be read by the wrong clock and by the right
        one: it is read by the one that brings it nearer to its receipt, and not behind it.

        Args:
            feed: that said it.
            told: emission, by the clock of the sender.
            received: receipt, by ours.
        """
        true = told + self.offset
        if feed != self.feed or not self._holds_at(true) or true > received + CLOCKS_DIFFER:
            return False
        is_right = not self._holds_at(told) and told <= received + CLOCKS_DIFFER
        return not (is_right and told > true)

    def _holds_at(self, instant: datetime) -> bool:
        return self.since <= instant and (self.until is None or instant < self.until)


class FeedQueries(Protocol):
    """Counts of feeds, and their troubles."""

    def count(self, heard: Sequence[Heard]) -> None:
        """Count messages, for their feed and for their event in it."""
        ...

    def parts(self) -> list[FeedPart]:
        """Return every feed and every event of it, by feed and event."""
        ...

    def hours(self, feed: str, event: str, since: datetime) -> list[FeedHour]:
        """Return the hours from the one of an instant on in which anything came, oldest first."""
        ...

    def said(self, since: datetime) -> list[Said]:
        """Return what messages told from the day of an instant (UTC) on, by feed and event."""
        ...

    def forget(self, before: datetime) -> None:
        """Drop the hours that began before an instant, and refusals that were mended."""
        ...

    def begin(self, trouble: Trouble) -> bool:
        """Keep a trouble that was found; False when somebody has told of it already."""
        ...

    def end(self, trouble: Trouble, at: datetime) -> bool:
        """Note the end of a trouble; False when somebody has told of it already."""
        ...

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Note inputs that went to the quarantine."""
        ...

    def refused(self, since: datetime) -> dict[str, tuple[int, int]]:
        """Return, by feed, how many inputs are in quarantine, and of these since an instant."""
        ...

    def usual_delays(self) -> dict[str, int]:
        """Return what the transport of each feed takes, seconds, as it was first learned."""
        ...

    def set_usual_delay(self, feed: str, seconds: int) -> None:
        """Keep what the transport of a feed takes; what is known already stays."""
        ...

    def corrections(self) -> list[ClockCorrection]:
        """Return the corrections of clocks there ever were, by number."""
        ...

    def approve(self, correction: ClockCorrection) -> None:
        """Keep a correction; its number is new."""
        ...

    def withdraw(self, number: int, at: datetime, by: str, reason: str) -> bool:
        """Note the end of a correction; False when it is over already, or there is none."""
        ...

    def number(self, messages: Sequence[Numbered]) -> None:
        """Note the numbers of messages, in the order of their receipt."""
        ...

    def missing(self, before: datetime) -> list[MissingNumbers]:
        """Return the numbers that are missing since before an instant, by sender and number."""
        ...

    def cancel_alone(self, inputs: Sequence[CancelledAlone]) -> None:
        """Note inputs that cancel what nobody told; one that is noted already stays as it is."""
        ...

    def cancelled_alone(self, before: datetime) -> list[CancelledAlone]:
        """Return those that are noted and came before an instant, oldest first."""
        ...

    def settle_cancelled(self, inbox_ids: Sequence[int]) -> None:
        """Drop notes: the original came, or nobody waits for it any more."""
        ...

    def troubles(self, *, lasting: bool = False) -> list[Trouble]:
        """Return every trouble there was, or those that last, by feed, event, ailment, start."""
        ...
