"""The stories of one patient each that a rule is explained by, told as their hospitals would.

Every instant is written down: when it happened, and when the gateway hears of it. A story bears
the name of the scenario of `fixtures/pathways` that tells the same as facts, with a ledger that
was counted by hand: by messages it has to be the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from gateway.simulation.behaviours import Cause, Truth
from gateway.simulation.draws import Draws
from gateway.simulation.establishments import CHU, SMR, Establishment
from gateway.simulation.faults import Arrival
from gateway.simulation.people import Person, ipp, person
from gateway.simulation.play import Planned
from gateway.simulation.region import PARIS, Region
from gateway.simulation.stays import HOME
from gateway.simulation.steps import (
    Care,
    Content,
    Exit,
    Identity,
    IdentityNews,
    LetterSent,
    Movement,
    Place,
    Step,
    Visit,
)

_SURGERY = Care("I", "03", "Chirurgie programmée")
_REHABILITATION = Care("I", "03", "Réadaptation après chirurgie")
_TO_SMR = Exit("smr", "7", "2", SMR.finess)
_VALID, _PROVISIONAL = Identity("VALI", with_ins=True), Identity("PROV", with_ins=False)
#: From the entry of an act to its message, and from that to our door.
_ENTERED, _ON_THE_WAY = timedelta(seconds=40), timedelta(seconds=20)


def at(text: str, fold: int = 0) -> datetime:
    """Return an instant in Paris, `2025-11-14 16:40`."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold)


class Telling:
    """What is told of one patient, in the order of receipt."""

    def __init__(self, number: int) -> None:
        region = Region("stories", 1)
        self._cast = region.cast
        who = person(number, region.gps, Draws("story", number))
        #: No opposition, a family doctor who is known.
        self.person: Person = replace(who, dmp=("INO", "IC"), has_gp=True)
        self.arrivals: list[Arrival] = []
        self.truths: list[Truth] = []
        #: When the mail operator takes what waits, and when others are heard of by a feed.
        self.mails: tuple[datetime, ...] = ()
        self.heard: tuple[tuple[str, datetime], ...] = ()
        self._numbers = 0

    def number(self) -> int:
        """Return the next number of this patient."""
        self._numbers += 1
        return self._numbers

    def say(
        self,
        heard: datetime,
        happened: datetime,
        content: Content,
        identity: Identity = _VALID,
        recorded: datetime | None = None,
    ) -> None:
        """Add a message that is heard at an instant."""
        sent = heard - _ON_THE_WAY
        written = recorded or sent - _ENTERED
        order = len(self.arrivals) + 1
        step = Step(order, "story", happened, written, sent, identity, content)
        self.arrivals.append(Arrival(heard.astimezone(UTC), step))

    def visit(
        self, site: Establishment = CHU, care: Care = _SURGERY, record: int | None = None
    ) -> Visit:
        """Open a visit; `record` is another number of the patient there."""
        number = f"{self.person.order:05d}{self.number():03d}"
        own = ipp(site.finess, record or self.person.order)
        doctor = self._cast.doctors[site.key][0]
        return Visit(site, self.person, own, f"D{number}", f"V{number}", doctor, care)

    def news(self, heard: datetime, site: Establishment, event: str, other: str = "") -> None:
        """Tell of the identity alone: A31, A40, A37."""
        own = ipp(site.finess, self.person.order)
        self.say(heard, heard, IdentityNews(site, self.person, own, event, other))

    def dies(self, heard: datetime, happened: datetime, site: Establishment = CHU) -> None:
        """Tell of a death by the identity (A31)."""
        own = ipp(site.finess, self.person.order)
        news = IdentityNews(site, self.person, own, "A31", dead_at=happened)
        self.say(heard, happened, news)

    def admit(
        self, visit: Visit, heard: datetime, happened: datetime, identity: Identity = _VALID
    ) -> None:
        """Begin a stay (A01)."""
        move = Movement(
            visit, "A01", f"M{visit.number[1:]}1", happened, _bed(visit), admitted=happened
        )
        self.say(heard, happened, move, identity)

    def leave(
        self, visit: Visit, heard: datetime, happened: datetime, began: datetime, way: Exit = HOME
    ) -> Movement:
        """End a stay (A03); return the movement."""
        number = f"M{visit.number[1:]}{self.number()}"
        move = Movement(
            visit, "A03", number, happened, _bed(visit), nature="S",
            admitted=began, discharged=happened, exit=way,
        )  # fmt: skip
        self.say(heard, happened, move)
        return move

    def undo(self, move: Movement, heard: datetime) -> None:
        """Take the end of a stay back (A13)."""
        undone = replace(
            move, event="A13", original="A03", action="CANCEL", discharged=None, exit=None
        )
        self.say(heard, heard, undone)

    def letter(
        self, left: Movement, heard: datetime, written: datetime, *, kind: str = "ldl"
    ) -> LetterSent:
        """Send what is written of a stay; return it."""
        if left.admitted is None or left.discharged is None or left.exit is None:
            msg = "a letter needs a finished stay"
            raise ValueError(msg)
        letter = LetterSent(
            left.visit, left.admitted, left.discharged, left.place, left.exit, self.number(),
            kind=kind,
        )  # fmt: skip
        self.say(heard, written, letter, recorded=written)
        return letter

    def rupture(
        self,
        rule: str,
        cause: Cause,
        left: Movement,
        ends: datetime | None = None,
        *,
        real: bool = True,
    ) -> None:
        """Note a handoff that fails after a discharge; nobody sends it."""
        visit = left.visit
        finess, begins = visit.establishment.finess, left.start
        self.truths.append(
            Truth(rule, cause, self.person.order, finess, visit.number, begins, ends, real)
        )

    def planned(self) -> list[Planned]:
        """Return what is told, in order of receipt."""
        found = [
            Planned(one.at, self.person.order, order, one)
            for order, one in enumerate(self.arrivals)
        ]
        return sorted(found, key=lambda one: one[:3])


def _bed(visit: Visit) -> Place:
    return Place(visit.establishment.units[0], "12", "1")


# --- the letter of the day of discharge -------------------------------------------------------


def _friday(told: Telling) -> None:
    left = told.leave(told.visit(), at("2025-11-14 16:52"), at("2025-11-14 16:40"), _MONDAY)
    told.letter(left, at("2025-11-17 09:07"), at("2025-11-17 09:05"))
    told.rupture("TRX-01", Cause.LATE, left, at("2025-11-17 09:05"))


def _held_up(told: Telling) -> None:
    left = told.leave(told.visit(), at("2025-11-14 16:52"), at("2025-11-14 16:40"), _MONDAY)
    told.letter(left, at("2025-11-15 11:30"), at("2025-11-14 17:10"))


def _silent_feed(told: Telling) -> None:
    began = at("2025-11-12 10:00")
    left = told.leave(told.visit(), at("2025-11-17 16:52"), at("2025-11-17 16:40"), began)
    told.letter(left, at("2025-11-18 10:20"), at("2025-11-17 17:20"))
    told.heard = (("DOC", at("2025-11-17 14:05")),)


def _cancelled(told: Telling) -> None:
    visit = told.visit()
    left = told.leave(visit, at("2025-11-14 16:52"), at("2025-11-14 16:40"), _MONDAY)
    told.undo(left, at("2025-11-15 08:15"))
    _really_left(told, visit)


def _cancelled_first(told: Telling) -> None:
    visit = told.visit()
    left = told.leave(visit, at("2025-11-15 08:20"), at("2025-11-14 16:40"), _MONDAY)
    # The cancellation was written after the discharge, and overtakes it.
    told.undo(left, at("2025-11-15 08:15"))
    late = told.arrivals[0]
    sent = at("2025-11-14 16:51")
    told.arrivals[0] = replace(late, step=replace(late.step, recorded=sent, sent=sent))
    _really_left(told, visit)


def _really_left(told: Telling, visit: Visit) -> None:
    number = f"M{visit.number[1:]}9"
    left = Movement(
        visit, "A03", number, at("2025-11-18 11:00"), _bed(visit), nature="S",
        admitted=_MONDAY, discharged=at("2025-11-18 11:00"), exit=HOME,
    )  # fmt: skip
    told.letter(left, at("2025-11-18 10:36"), at("2025-11-18 10:30"))
    told.say(at("2025-11-18 11:08"), at("2025-11-18 11:00"), left)


def _backfill(told: Telling) -> None:
    left = told.leave(told.visit(), at("2025-12-08 02:00"), at("2025-11-14 16:40"), _MONDAY)
    told.letter(left, at("2025-12-08 02:04"), at("2025-11-14 17:10"))


def _deleted_first(told: Telling) -> None:
    began = at("2025-11-12 10:00")
    left = told.leave(told.visit(), at("2025-11-17 14:10"), at("2025-11-17 14:00"), began)
    letter = told.letter(left, at("2025-11-17 16:05"), at("2025-11-17 15:30"))
    late = told.arrivals[-1]
    sent = at("2025-11-17 15:31")
    told.arrivals[-1] = replace(late, step=replace(late.step, recorded=sent, sent=sent))
    gone = replace(letter, withdrawn=True, version=2)
    told.say(at("2025-11-17 16:00"), at("2025-11-17 15:50"), gone)
    told.rupture("TRX-01", Cause.WITHDRAWN, left)


def _died(told: Telling) -> None:
    visit, began = told.visit(), at("2025-11-12 10:00")
    told.admit(visit, at("2025-11-12 10:10"), began)
    left = told.leave(visit, at("2025-11-17 15:10"), at("2025-11-17 15:00"), began)
    told.dies(at("2025-11-19 11:00"), at("2025-11-19 10:00"))
    told.rupture("TRX-01", Cause.FORGOTTEN, left)


def _replaced(told: Telling) -> None:
    began = at("2025-11-03 10:00")
    left = told.leave(told.visit(), at("2025-11-06 09:50"), at("2025-11-06 09:40"), began)
    letter = told.letter(left, at("2025-11-06 10:01"), at("2025-11-06 10:00"))
    for version, heard in ((2, at("2025-11-10 09:01")), (3, at("2025-11-12 08:01"))):
        written = heard - timedelta(minutes=1)
        told.say(heard, written, replace(letter, version=version), recorded=written)
    # No mail leaves from the second version on, until Friday.
    told.mails = (at("2025-11-06 10:05"), at("2025-11-14 09:00"))


# --- from one establishment to the next -------------------------------------------------------


def _left_for_rehabilitation(told: Telling) -> Movement:
    began = at("2025-10-20 10:00")
    return told.leave(told.visit(), at("2025-10-25 15:12"), at("2025-10-25 15:00"), began, _TO_SMR)


def _first_hour(told: Telling) -> None:
    _left_for_rehabilitation(told)
    visit = told.visit(SMR, _REHABILITATION)
    told.admit(visit, at("2025-10-27 09:00"), at("2025-10-26 02:30"))


def _second_hour(told: Telling) -> None:
    left = _left_for_rehabilitation(told)
    visit, arrived = told.visit(SMR, _REHABILITATION), at("2025-10-26 02:30", fold=1)
    told.admit(visit, at("2025-10-27 09:00"), arrived)
    told.rupture("TRX-08", Cause.LATE_ARRIVAL, left, arrived)


def _no_telling(told: Telling) -> None:
    _left_for_rehabilitation(told)
    # Its times carry no offset.
    visit = told.visit(replace(SMR, offset=False), _REHABILITATION)
    told.admit(visit, at("2025-10-27 09:00"), at("2025-10-26 02:30"))


def _under_another_record(told: Telling) -> None:
    told.news(at("2025-11-03 09:00"), CHU, "A31")
    told.news(at("2025-11-03 09:05"), SMR, "A31")
    began = at("2025-10-30 10:00")
    left = told.leave(told.visit(), at("2025-11-04 14:10"), at("2025-11-04 14:00"), began, _TO_SMR)
    arrived = at("2025-11-04 16:00")
    told.rupture("TRX-08", Cause.OPENED_TWICE, left, arrived, real=False)
    other = told.person.order + 500
    visit = told.visit(SMR, _REHABILITATION, record=other)
    told.admit(visit, at("2025-11-04 16:05"), arrived, _PROVISIONAL)
    second = ipp(SMR.finess, other)
    told.news(at("2025-11-06 09:30"), SMR, "A40", second)
    told.news(at("2025-11-07 11:00"), SMR, "A37", second)


# --- at home ----------------------------------------------------------------------------------


def _readmitted(told: Telling) -> None:
    first, again = told.visit(), told.visit()
    began = at("2025-12-17 09:00")
    told.admit(first, at("2025-12-17 09:10"), began)
    told.leave(first, at("2025-12-22 14:10"), at("2025-12-22 14:00"), began)
    back = at("2025-12-26 03:00")
    told.admit(again, at("2025-12-26 03:10"), back)
    told.leave(again, at("2025-12-31 10:20"), at("2025-12-31 10:00"), back)


def _programme(told: Telling) -> None:
    visit = told.visit()
    met = at("2026-04-29 12:00")
    began = at("2026-04-27 10:00")
    seen = Movement(
        visit, "A03", f"M{visit.number[1:]}1", met, _bed(visit),
        admitted=began, discharged=met, exit=HOME,
    )  # fmt: skip
    told.letter(seen, at("2026-04-29 12:30"), met, kind="frcp")
    told.letter(seen, at("2026-05-18 09:05"), at("2026-05-18 09:00"), kind="pps")


_MONDAY = at("2025-11-10 10:00")

#: By the name of the scenario that tells the same as facts.
STORIES: Mapping[str, Callable[[Telling], None]] = {
    "friday_discharge_letter_on_monday": _friday,
    "letter_written_in_time_received_late": _held_up,
    "cancelled_discharge_then_the_real_one": _cancelled,
    "cancel_of_a_discharge_comes_before_the_discharge": _cancelled_first,
    "transfer_over_the_change_of_clocks_in_the_first_hour": _first_hour,
    "transfer_over_the_change_of_clocks_in_the_second_hour": _second_hour,
    "transfer_over_the_change_of_clocks_with_no_telling_which_hour": _no_telling,
    "readmission_pauses_the_contact_after_discharge": _readmitted,
    "programme_of_care_over_the_bridges_of_may": _programme,
    "backfill_of_an_old_discharge": _backfill,
    "letter_held_up_by_a_silent_feed": _silent_feed,
    "arrival_under_another_record_merged_and_parted": _under_another_record,
    "death_after_a_letter_was_missed": _died,
    "replaced_letter_that_is_replaced_again": _replaced,
    "deletion_of_a_letter_comes_before_the_letter": _deleted_first,
}


@dataclass(frozen=True, slots=True)
class Story:
    """A story with its messages.

    Attributes:
        name: of its scenario.
        person: it is about.
        planned: what is told, in order of receipt.
        truths: handoffs that fail, which nobody tells.
        mails: when the mail operator takes what waits; by default never.
        heard: kind of feed and instant of a message about somebody else; it is promised then.
    """

    name: str
    person: Person
    planned: tuple[Planned, ...]
    truths: tuple[Truth, ...] = ()
    mails: tuple[datetime, ...] = ()
    heard: tuple[tuple[str, datetime], ...] = ()


def story(name: str) -> Story:
    """Return a story by its name."""
    told = Telling(list(STORIES).index(name) + 1)
    STORIES[name](told)
    planned = tuple(told.planned())
    return Story(name, told.person, planned, tuple(told.truths), told.mails, told.heard)


def stories() -> tuple[Story, ...]:
    """Return every story, each about a patient of its own."""
    return tuple(story(name) for name in STORIES)
