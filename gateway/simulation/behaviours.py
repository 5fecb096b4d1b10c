"""How care is organised in the region: each handoff is done in time, done late, or never done.

Second layer of the simulation: the stories say what has to follow, this module whether and when
it does, and notes each rupture as a truth that nobody sends. Chance comes from a stream per
patient, purpose and thing concerned, so that one more behaviour moves no other. Transport faults
are in `simulation.faults`; nothing here knows a message or a rule file.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.simulation.draws import Draws, workday
from gateway.simulation.faults import Transport


class Cause(StrEnum):
    """Why a handoff fails."""

    FORGOTTEN = "letter forgotten"
    LATE = "letter late"
    LOST = "patient never arrived"
    LATE_ARRIVAL = "patient arrived late"
    #: The patient arrived; no trusted identity ties the two stays together.
    UNLINKED = "identity not linked"
    NOT_BACK = "leave not returned"
    LATE_BACK = "leave returned late"
    NOT_BOOKED = "follow-up never booked"
    NO_GP = "no family doctor on file"
    NOT_QUALIFIED = "identity not qualified"
    WRONG_MAILBOX = "wrong mailbox"
    UNANSWERED = "request never answered"
    ANSWERED_LATE = "request answered late"
    REFUSED = "request refused everywhere"
    SILENT = "feed silent"


@dataclass(frozen=True, slots=True)
class Truth:
    """A rupture as it really is, whoever notices.

    Attributes:
        rule: id of the rule that ought to notice.
        patient: number in the region; 0 for a feed.
        finess: of the establishment that hands over.
        visit: number of the visit that should be followed; empty for a feed.
        begins: when the handoff was due to begin.
        ends: when it was made good, None: never.
        real: False where the handoff took place and only its traces are broken.
    """

    rule: str
    cause: Cause
    patient: int
    finess: str
    visit: str
    begins: datetime
    ends: datetime | None = None
    real: bool = True


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each thing goes wrong, per opportunity. Assumptions that exercise the engine."""

    letter_forgotten: float = 0.05
    letter_late: float = 0.18
    transfer_lost: float = 0.06
    transfer_late: float = 0.06
    leave_lost: float = 0.08
    leave_late: float = 0.10
    not_booked: float = 0.25
    no_gp: float = 0.05
    unqualified: float = 0.05
    qualified_late: float = 0.06
    wrong_mailbox: float = 0.04
    unanswered: float = 0.06
    answered_late: float = 0.06
    refused: float = 0.04


#: The region of the demonstration.
USUAL = Rates()
#: A region where every handoff is done.
FLAWLESS = Rates(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


class Done(StrEnum):
    """How something that has to be done is done."""

    IN_TIME = "in time"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done about one handoff; `delay` counts from when it ought to be."""

    done: Done
    delay: timedelta = timedelta()


class Behaviours:
    """The behaviour of everybody around one patient."""

    def __init__(self, draws: Draws, rates: Rates = USUAL) -> None:
        self._draws = draws
        self._rates = rates

    def has_gp(self) -> bool:
        """Tell whether a family doctor is on file."""
        return not self._draws.child("gp").chance(self._rates.no_gp)

    def letter(self, visit: str) -> Deed:
        """Return how the discharge letter of a visit is written: the same day, or days after."""
        rates = self._rates
        return self._deed(
            ("letter", visit),
            rates.letter_forgotten,
            rates.letter_late,
            lambda draws: timedelta(days=draws.between(2, 9)),
        )

    def transfer(self, visit: str) -> Deed:
        """Return how the patient of a visit reaches the next establishment."""
        rates = self._rates
        return self._deed(
            ("transfer", visit),
            rates.transfer_lost,
            rates.transfer_late,
            lambda draws: timedelta(days=draws.between(2, 3)),
        )

    def leave(self, movement: str) -> Deed:
        """Return how a patient comes back from a leave; a delay counts from the agreed hour."""
        rates = self._rates
        return self._deed(
            ("leave", movement),
            rates.leave_lost,
            rates.leave_late,
            lambda draws: draws.minutes(5 * 60, 13 * 60),
        )

    def booking(self, visit: str) -> Deed:
        """Return how a promised follow-up is booked; `delay` counts from the letter."""
        draws = self._draws.child("booking", visit)
        never = draws.chance(self._rates.not_booked)
        return Deed(Done.NEVER if never else Done.IN_TIME, timedelta(days=draws.between(1, 3)))

    def identity(self, establishment: str) -> Deed:
        """Return how an establishment qualifies an identity; late: days after the letter."""
        rates = self._rates
        return self._deed(
            ("identity", establishment),
            rates.unqualified,
            rates.qualified_late,
            lambda draws: timedelta(days=draws.between(4, 7)),
        )

    def wrong_mailbox(self, visit: str) -> bool:
        """Tell whether a letter names a mailbox that does not exist any more."""
        return self._draws.child("mailbox", visit).chance(self._rates.wrong_mailbox)

    def request(self, visit: str) -> Deed:
        """Return how a request for a place is answered; `delay` counts from the request."""
        rates = self._rates
        deed = self._deed(
            ("request", visit),
            rates.unanswered,
            rates.answered_late,
            lambda draws: timedelta(days=draws.between(5, 7)),
        )
        return Deed(deed.done, timedelta(hours=3)) if deed.done is Done.IN_TIME else deed

    def refused(self, visit: str) -> bool:
        """Tell whether the answer to a request is no, everywhere."""
        return self._draws.child("refused", visit).chance(self._rates.refused)

    def _deed(
        self,
        purpose: tuple[str, str],
        never: float,
        late: float,
        delay: Callable[[Draws], timedelta],
    ) -> Deed:
        """Draw once whether it is done; the delay comes from the draw behind it."""
        draws = self._draws.child(*purpose)
        roll = draws.unit()
        if roll < never:
            return Deed(Done.NEVER)
        if roll < never + late:
            return Deed(Done.LATE, delay(draws))
        return Deed(Done.IN_TIME)


def office_hours(moment: datetime) -> datetime:
    """Return a moment of a working day at which a secretary books appointments."""
    return workday(moment.replace(hour=14, minute=20, second=0, microsecond=0))


def feed_truths(transport: Transport, start: datetime, finess: dict[str, str]) -> Iterable[Truth]:
    """Yield the silences of the feeds, which are no ward's fault.

    Args:
        transport: what happens to messages on their way.
        start: first instant of the region.
        finess: number of each establishment by its key.
    """
    for outage in transport.outages:
        begins = start + timedelta(hours=outage.after_hours)
        ends = begins + timedelta(hours=outage.length_hours)
        yield Truth("FEED-01", Cause.SILENT, 0, finess[outage.source], "", begins, ends)
