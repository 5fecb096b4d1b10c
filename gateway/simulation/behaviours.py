"""How care is organised in the region: each handoff is done in time, done late, or never done.

Second layer of the simulation: the stories say what has to follow, this module whether and when
it does, and notes each rupture as a truth that nobody sends. Chance comes from a stream per
patient, purpose and thing concerned, so that one more behaviour moves no other. Transport faults
are in `simulation.faults`; nothing here knows a message or a rule file.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
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
    UNFINISHED = "letter never finished"
    BOOKED_LATE = "follow-up booked late"
    GP_LATE = "family doctor declared late"
    #: The patient arrived, under a second record of the establishment.
    OPENED_TWICE = "record opened twice"
    WITHDRAWN = "letter withdrawn"
    NO_SHOW = "missed appointment not booked again"
    REBOOKED_LATE = "missed appointment booked again late"
    BOARD_SILENT = "nothing written of the meeting"
    BOARD_LATE = "meeting written up late"
    NO_PROGRAMME = "care programme never handed over"
    PROGRAMME_LATE = "care programme late"
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
    """How often each thing goes wrong, per opportunity. Assumptions that exercise the engine.

    Attributes:
        unfinished: of the letters that are sent as a draft first.
        entered_late: of the discharges of a Friday or a week-end: entered the Monday after.
        gp_declared: of those without family doctor: declared within some working days.
        opened_twice: of the arrivals from hospital: under a second record of the establishment.
        never_merged, wrongly_parted: of the records opened twice.
        no_show: of those with an appointment for support.
    """

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
    unfinished: float = 0.20
    entered_late: float = 0.40
    gp_declared: float = 0.50
    gp_declared_late: float = 0.20
    opened_twice: float = 0.10
    never_merged: float = 0.20
    wrongly_parted: float = 0.25
    withdrawn: float = 0.03
    no_show: float = 0.30
    not_rebooked: float = 0.15
    rebooked_late: float = 0.10
    board_silent: float = 0.03
    board_late: float = 0.07
    no_programme: float = 0.15
    programme_late: float = 0.10


#: The region of the demonstration.
USUAL = Rates()
#: A region where every handoff is done.
FLAWLESS = Rates(*[0] * len(fields(Rates)))


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
        """Return how a promised follow-up is booked; working days from the letter."""
        draws = self._draws.child("booking", visit)
        never = draws.chance(self._rates.not_booked)
        return Deed(Done.NEVER if never else Done.IN_TIME, timedelta(days=draws.between(1, 4)))

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
        """Return how a request for a place is answered.

        `delay` counts from the request: working days in time, days when late.
        """
        rates = self._rates
        deed = self._deed(
            ("request", visit),
            rates.unanswered,
            rates.answered_late,
            lambda draws: timedelta(days=draws.between(5, 7)),
        )
        if deed.done is not Done.IN_TIME:
            return deed
        days = self._draws.child("answer", visit).between(0, 2)
        return Deed(deed.done, timedelta(days=days))

    def refused(self, visit: str) -> bool:
        """Tell whether the answer to a request is no, everywhere."""
        return self._draws.child("refused", visit).chance(self._rates.refused)

    def board(self, visit: str) -> Deed:
        """Return how a meeting is written up; `delay` counts working days from it."""
        rates = self._rates
        return self._worked(("board", visit), rates.board_silent, rates.board_late, (0, 4), (7, 12))

    def programme(self, visit: str) -> Deed:
        """Return how a care programme is handed over; working days from the meeting's record."""
        rates = self._rates
        purpose = ("programme", visit)
        return self._worked(purpose, rates.no_programme, rates.programme_late, (2, 9), (12, 18))

    def rebooking(self, appointment: str) -> Deed:
        """Return how a missed appointment is booked again; working days from when it was."""
        rates = self._rates
        purpose = ("rebooking", appointment)
        return self._worked(purpose, rates.not_rebooked, rates.rebooked_late, (1, 3), (7, 9))

    def declaring(self) -> Deed:
        """Return how a family doctor is declared who was not known; working days after leaving."""
        draws, rates = self._draws.child("declaring"), self._rates
        if not draws.chance(rates.gp_declared):
            return Deed(Done.NEVER)
        late = draws.chance(rates.gp_declared_late)
        days = draws.between(7, 9) if late else draws.between(2, 4)
        return Deed(Done.LATE if late else Done.IN_TIME, timedelta(days=days))

    def happens(self, what: str, to: str) -> bool:
        """Tell whether something befalls a thing, at the rate of that name."""
        rate: float = getattr(self._rates, what)
        return self._draws.child(what, to).chance(rate)

    def _worked(
        self,
        purpose: tuple[str, str],
        never: float,
        late: float,
        in_time: tuple[int, int],
        too_late: tuple[int, int],
    ) -> Deed:
        """Draw whether it is done, and after how many working days."""
        deed = self._deed(purpose, never, late, lambda d: timedelta(days=d.between(*too_late)))
        if deed.done is not Done.IN_TIME:
            return deed
        days = self._draws.child("days", *purpose).between(*in_time)
        return Deed(deed.done, timedelta(days=days))

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
