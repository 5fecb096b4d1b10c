"""What the pathway engine needs of the store: facts of persons, state of expectations, feeds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from gateway.core.access import Sight
from gateway.core.facts import Assertion, ExpectationRow, LedgerLine, Received, Status
from gateway.core.handoffs import HandoffQueries

#: Messages after which the silence of a feed means something.
PROVEN_AFTER = 200


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """A Patient that went from one person to another.

    Attributes:
        at: instant of the commit that moved it, UTC.
        before: person until then.
        after: person from then on.
    """

    at: datetime
    patient_id: str
    before: str
    after: str


class FactQueries(Protocol):
    """What inputs assert about persons, and which Patients are one person."""

    def replace(self, by_inbox: Sequence[tuple[int, datetime, Sequence[Assertion]]]) -> set[str]:
        """Make these the assertions of each inbox row (id, receipt instant).

        Returns:
            Ids of the Patients that gained or lost an assertion. What a row says again
            unchanged keeps its first receipt instant and is not reported.
        """
        ...

    def of_person(self, person_id: str) -> list[Received]:
        """Return every assertion about the Patients of a person, in order of (at, order)."""
        ...

    def fold_away(self, person_id: str) -> int:
        """Put the assertions about the Patients of a person where they take little room.

        They are read as before, and come back by themselves when one of them is added to, taken
        back, or told of another Patient.

        Returns:
            How many were folded; 0 when they are already, or the store does not fold.
        """
        ...

    def of_feeds(self, since: datetime) -> list[Received]:
        """Return the assertions without patient received at or after `since`."""
        ...

    def told_since(self, since: datetime, after: str, limit: int) -> list[str]:
        """Return ids of Patients about whom anything was received since, above `after`, sorted.

        At most `limit`; what was put away after years of silence is left out.
        """
        ...

    def persons(self, patient_ids: Iterable[str]) -> dict[str, str]:
        """Return the person of each Patient; one that is linked to nobody is its own."""
        ...

    def link(self, persons: Mapping[str, str], at: datetime) -> set[str]:
        """Set the person of Patients from an instant on.

        The moves are kept, and looks at these persons that have begun are run again.

        Returns:
            The persons, old and new, that changed.
        """
        ...

    def moves(self, patient_ids: Iterable[str]) -> list[Move]:
        """Return every move of these Patients, oldest first."""
        ...

    def moves_between(self, person_ids: Iterable[str]) -> list[Move]:
        """Return every move from or to these persons, oldest first."""
        ...

    def patients(self, person_id: str) -> list[str]:
        """Return the Patients of a person, sorted; parts of dossiers are among them."""
        ...

    def parts(self, patient_ids: Iterable[str]) -> list[str]:
        """Return the parts of dossiers that were told under these Patients, sorted."""
        ...

    def set_apart(self, part: str, patient_id: str, aids: Iterable[str]) -> None:
        """Hold assertions of a Patient under a part of a dossier from now on.

        A part that is new has the person of the Patient, and all its moves, so that nothing is
        different until it moves by itself.

        Args:
            part: of a dossier (`core.facts.dossier_part`).
            patient_id: the Patient they were told under.
            aids: of the assertions, by whatever input.
        """
        ...


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is known of a feed.

    Attributes:
        feed: `<establishment or sender>:<ADT|DOC|SIU|...>`.
        first_at: receipt of its first message.
        last_at: receipt of its last message.
        count: messages so far.
        lateness_s: recent emission-to-receipt delays, seconds, at most 200, oldest first;
            below zero when the clock of the sender runs ahead.
        marks: (receipt, watermark) each time the watermark moved, oldest first, thinned to one
            a minute.
        proven_at: receipt of the message that made them `PROVEN_AFTER`; None: fewer so far.
    """

    feed: str
    first_at: datetime
    last_at: datetime
    count: int
    lateness_s: tuple[float, ...] = ()
    marks: tuple[tuple[datetime, datetime], ...] = ()
    proven_at: datetime | None = None


class RuleMark(NamedTuple):
    """What a rule said when somebody last noted it.

    Attributes:
        rule: its id; empty for the walk to those whom a change concerns.
        digest: of its versions, empty when it is not in force; of the walk: the last Patient that
            was walked past.
        since: from when on it says so; None when it said so before anybody noted it. Of the
            walk: of the change it follows.
    """

    rule: str
    digest: str
    since: datetime | None


class WatchQueries(Protocol):
    """The state of the pathway engine: expectations, ledger, timers, feeds."""

    @property
    def handoffs(self) -> HandoffQueries:
        """Return the counts that are kept as expectations change."""
        ...

    def rule_marks(self) -> list[RuleMark]:
        """Return what every rule said when it was last noted, by id; empty: nobody noted any."""
        ...

    def mark_rules(self, marks: Sequence[RuleMark]) -> None:
        """Note what rules say."""
        ...

    def touch(self, persons: Mapping[str, datetime]) -> None:
        """Ask for a new look at persons at these instants, or earlier if already asked."""
        ...

    def claim_due(self, now: datetime, limit: int) -> list[str]:
        """Take persons whose look is due, earliest first; those of other workers are left.

        A person is taken for 60 s or until `save`; then it is due again.
        """
        ...

    def overslept(self, now: datetime, poll: timedelta) -> list[str]:
        """Return the persons whom no timer wakes for an instant that is over, sorted.

        Args:
            now: instant of looking.
            poll: how long a person with an unconfirmed expectation may sleep at most.

        Returns:
            Those with an expectation that waits for an instant up to `now` and a later timer, or
            none. Who is due, or is being looked at, is not among them.
        """
        ...

    def open_asleep(
        self, after: str, now: datetime, limit: int
    ) -> tuple[list[ExpectationRow], str]:
        """Walk through the open gaps, by id, one page.

        Args:
            after: last id of the page before; empty for the first one.
            now: instant of looking.
            limit: how many to walk past.

        Returns:
            Those whose person nobody looks at, and no timer wakes by now; and the last id of the
            page, empty when it was the last one.
        """
        ...

    def quiet(self, after: str, since: datetime, limit: int) -> tuple[list[str], str]:
        """Walk through everybody who was ever looked at, by id, one page.

        Args:
            after: last id of the page before; empty for the first one.
            since: instant of the last look at most.
            limit: how many to walk past.

        Returns:
            Those who wait for no timer, and were not looked at later; and the last id of the
            page, empty when it was the last one.
        """
        ...

    def expectations(self, person_id: str) -> list[ExpectationRow]:
        """Return the expectations whose trigger is with a Patient of a person, by gap id."""
        ...

    def looked_until(self, patient_id: str) -> datetime | None:
        """Return the instant up to which the ledger of a Patient is written; None: never.

        Asked before facts and expectations are read, it makes `save` of the same transaction
        notice another worker that saved meanwhile; the transaction then runs again.
        """
        ...

    def set_apart(self, part: str, patient_id: str, expectations: Sequence[ExpectationRow]) -> None:
        """Write expectations whose trigger is held apart, as they stand; no line tells of it.

        The ledger of the part is written as far as that of the Patient. Looks at the person that
        have begun are run again.

        Args:
            part: of a dossier (`core.facts.dossier_part`).
            patient_id: the Patient the trigger was told under.
            expectations: of the person, that name the part from now on.
        """
        ...

    def save(
        self,
        person_id: str,
        expectations: Sequence[ExpectationRow],
        lines: Sequence[LedgerLine],
        until: datetime,
        next_due: datetime | None,
    ) -> None:
        """Write the state after a look: rows, new ledger lines (appended), the next timer.

        Args:
            person_id: who was looked at, or another of its Patients, with nothing to write but
                `until`; its lease ends here.
            expectations: every row that changed; others may be among them.
            lines: new transitions, in order; each starts where the state or the line before it
                ended, the last of each expectation ends in the status of its row.
            until: instant up to which the ledger of the Patient of this id is written now.
            next_due: next look; one that was touched since `claim_due` stays asked for.

        Raises:
            FatalError: a gap would be opened twice for one episode (RLS-PTH-090), or rows and
                lines disagree (RLS-PTH-093).
            RetriableError: the state moved since it was read (RLS-PTH-091), or a trigger is
                still with another person (RLS-PTH-092).
        """
        ...

    def ledger(self, after: int, limit: int) -> list[tuple[int, LedgerLine]]:
        """Return ledger lines with sequence number above `after`, in order."""
        ...

    def last_line(self) -> int:
        """Return the sequence number of the last ledger line, 0 without any."""
        ...

    def gaps(
        self,
        statuses: Sequence[Status],
        limit: int,
        rule: str = "",
        opened_only: bool = True,
        severity: str = "",
        sight: Sight | None = None,
    ) -> list[ExpectationRow]:
        """Return expectations in these states, most severe and oldest deadline first.

        Args:
            statuses: which states.
            limit: how many at most.
            rule: of one rule; empty: of any.
            opened_only: leave out what was never opened.
            severity: of one severity; empty: of any.
            sight: those one may be shown, with those of feeds; None: all.
        """
        ...

    def gap(self, gap_id: str) -> ExpectationRow | None:
        """Return one expectation."""
        ...

    def some(self, gap_ids: Iterable[str]) -> dict[str, ExpectationRow]:
        """Return each expectation among these that is there."""
        ...

    def history(self, gap_id: str) -> list[LedgerLine]:
        """Return the ledger of one expectation."""
        ...

    def counts(self) -> dict[tuple[str, Status], int]:
        """Return how many expectations each rule has in each state."""
        ...

    def counts_seen(
        self, statuses: Sequence[Status], sight: Sight
    ) -> dict[tuple[str, Status], int]:
        """Return how many expectations of each rule in these states somebody may be shown."""
        ...

    def feed_seen(
        self,
        seen: Sequence[tuple[str, datetime, datetime]],
        behind_s: Mapping[str, float] | None = None,
    ) -> None:
        """Note messages of feeds: (feed, receipt, emission).

        Args:
            seen: of each, emission as it was told.
            behind_s: by how much the clock of a feed is behind, where a person allowed it to be
                read so: watermarks go by the right time.
        """
        ...

    def feeds(self, since: datetime | None = None) -> list[FeedState]:
        """Return every feed, by name.

        Args:
            since: leave out marks that no longer stood at this instant (there are up to 1,440
                a day and feed).
        """
        ...

    def feeds_now(self) -> list[FeedState]:
        """Return every feed, by name, with its newest mark only."""
        ...

    def complete_at(self, feed: str, instant: datetime) -> datetime | None:
        """Return the receipt that made a feed complete up to an instant; None: not so far."""
        ...
