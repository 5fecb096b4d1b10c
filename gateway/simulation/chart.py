"""Tell what happens to one patient: each verb adds the step its source system would send."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.simulation.behaviours import Behaviours, Cause, Truth
from gateway.simulation.draws import Draws
from gateway.simulation.establishments import Establishment
from gateway.simulation.people import Person, Professional, ipp
from gateway.simulation.steps import (
    Booking,
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

#: Event that undoes each movement event (PAM France 2.11, table of events).
CANCELS = {
    "A01": "A11", "A04": "A11", "A02": "A12", "A03": "A13", "A21": "A52", "A22": "A53",
    "A05": "A38", "A06": "A07", "A07": "A06", "A14": "A27", "A15": "A26", "A16": "A25",
    "A54": "A55",
}  # fmt: skip


class Chart:
    """The patient's path so far; the stories call its verbs in order of time."""

    def __init__(self, person: Person, draws: Draws, behaviours: Behaviours | None = None) -> None:
        self.person = person
        self.draws = draws
        self.behaviours = behaviours or Behaviours(draws.child("behaviours"))
        self.steps: list[Step] = []
        self.truths: list[Truth] = []
        self.story = ""
        self._identity: dict[str, Identity] = {}
        self._qualified: dict[str, datetime] = {}
        self._numbers = 0

    def number(self) -> int:
        """Return the next number of this patient, used for every kind of identifier."""
        self._numbers += 1
        return self._numbers

    def ipp(self, establishment: Establishment) -> str:
        """Return the identifier of the patient in one establishment."""
        return ipp(establishment.finess, self.person.order)

    def say(self, occurred: datetime, content: Content, site: Establishment, lag: int = 20) -> None:
        """Add a step that was entered up to `lag` minutes after the fact."""
        recorded = occurred + self.draws.minutes(0, lag)
        sent = recorded + timedelta(seconds=self.draws.between(1, 40))
        identity = self._identity[site.key]
        self.steps.append(
            Step(len(self.steps) + 1, self.story, occurred, recorded, sent, identity, content)
        )

    def register(self, site: Establishment, at: datetime) -> None:
        """Create the patient in an establishment, provisional (A28); once per establishment."""
        if site.key in self._identity:
            return
        self._identity[site.key] = Identity("PROV", with_ins=self.draws.chance(0.25))
        self.say(at, IdentityNews(site, self.person, self.ipp(site), "A28"), site, lag=3)

    def qualify(self, site: Establishment, at: datetime) -> None:
        """Validate the identity with the INS from the national service (A31)."""
        if self._identity[site.key].status == "VALI":
            return
        self._identity[site.key] = Identity("VALI", with_ins=True)
        self._qualified[site.key] = at
        self.say(at, IdentityNews(site, self.person, self.ipp(site), "A31"), site, lag=3)

    def qualified(self, site: Establishment) -> bool:
        """Tell whether the establishment holds a validated identity."""
        return self._identity[site.key].status == "VALI"

    def linked(self, here: Establishment, there: Establishment) -> datetime | None:
        """Return since when two establishments are known to speak of one person; None: never."""
        known = [self._qualified.get(site.key) for site in (here, there)]
        return None if None in known else max(at for at in known if at)

    def rupture(
        self,
        rule: str,
        cause: Cause,
        visit: Visit,
        begins: datetime,
        ends: datetime | None = None,
        *,
        real: bool = True,
    ) -> None:
        """Note a handoff that fails; nobody sends it."""
        self.truths.append(
            Truth(
                rule,
                cause,
                self.person.order,
                visit.establishment.finess,
                visit.number,
                begins,
                ends,
                real,
            )
        )

    def book(self, booking: Booking, at: datetime) -> None:
        """Send an appointment, or its cancellation (S12, S15)."""
        self.say(at, booking, booking.establishment, lag=5)

    def dossier(self) -> str:
        """Return a new dossier number (NDA)."""
        return f"D{self.person.order:05d}{self.number():03d}"

    def visit(
        self, site: Establishment, attending: Professional, care: Care, nda: str = ""
    ) -> "StayTeller":
        """Open a visit of a new dossier, or of `nda`; says nothing yet."""
        number = f"V{self.person.order:05d}{self.number():03d}"
        dossier = nda or self.dossier()
        visit = Visit(site, self.person, self.ipp(site), dossier, number, attending, care)
        return StayTeller(self, visit)


class StayTeller:
    """One visit, movement by movement, with what a cancellation gives back."""

    def __init__(self, chart: Chart, visit: Visit) -> None:
        self.chart = chart
        self.visit = visit
        self._live: list[Movement] = []

    @property
    def current(self) -> Movement:
        """Return the last movement that is not cancelled."""
        return self._live[-1]

    @property
    def live(self) -> tuple[Movement, ...]:
        """Return the movements that are not cancelled, as they are after their corrections."""
        return tuple(self._live)

    @property
    def admitted(self) -> datetime | None:
        """Return when the stay began, None before the admission."""
        return self.current.admitted if self._live else None

    def preadmit(self, at: datetime, planned: datetime, place: Place) -> None:
        """Announce a stay (A05)."""
        number = f"P{self.chart.person.order:05d}{self.chart.number():03d}"
        self.visit = replace(self.visit, preadmission=number)
        self._add(replace(self._movement("A05", at, place), planned=planned))

    def admit(self, at: datetime, place: Place, event: str = "A01") -> None:
        """Begin the stay (A01, or A04 for an emergency or an external visit)."""
        self._add(replace(self._movement(event, at, place), admitted=at))

    def transfer(self, at: datetime, place: Place, nature: str) -> None:
        """Move the patient inside the establishment (A02)."""
        movement = self._movement("A02", at, place)
        self._add(replace(movement, nature=nature, prior=self.current.place))

    def leave(self, at: datetime, back_by: datetime) -> None:
        """Let the patient go for less than 48 hours (A21)."""
        self._add(replace(self._movement("A21", at, self.current.place), back_by=back_by))

    def come_back(self, at: datetime) -> None:
        """Receive the patient back (A22)."""
        self._add(self._movement("A22", at, self.current.place))

    def expect(self, at: datetime, planned: datetime, place: Place) -> None:
        """Announce a stay without pre-admission (A14)."""
        self._add(replace(self._movement("A14", at, place), planned=planned))

    def change_class(self, at: datetime, care: Care, place: Place) -> None:
        """Let the patient be cared for as `care` says: A06 to inpatient or session, else A07."""
        event = "A06" if care.patient_class in "IR" else "A07"
        prior = self.current.place
        self.visit = replace(self.visit, care=care)
        self._add(replace(self._movement(event, at, place), prior=prior))

    def change_doctor(self, at: datetime, attending: Professional) -> None:
        """Give the patient another attending doctor (A54)."""
        self.visit = replace(self.visit, attending=attending)
        self._add(replace(self._movement("A54", at, self.current.place), nature="M"))

    def plan_transfer(self, at: datetime, planned: datetime, place: Place) -> Movement:
        """Keep a place for a later transfer (A15); return what can be cancelled."""
        movement = self._movement("A15", at, self.current.place)
        return self._announce(replace(movement, planned=planned, reserved=place, nature="H"))

    def plan_discharge(self, at: datetime, planned: datetime, way: Exit) -> Movement:
        """Announce the discharge (A16); return what can be cancelled."""
        movement = self._movement("A16", at, self.current.place)
        return self._announce(replace(movement, planned=planned, exit=way, nature="S"))

    def withdraw(self, at: datetime, announced: Movement) -> None:
        """Cancel what was announced and has not happened (A25, A26)."""
        content = replace(
            announced,
            event=CANCELS[announced.event],
            original=announced.event,
            action="CANCEL",
            visit=self.visit,
            place=self.current.place,
            planned=None,
            reserved=None,
            exit=None,
        )
        self.chart.say(at, content, self.visit.establishment, lag=2)

    def correct(self, at: datetime, number: str, **changes: Any) -> None:
        """Update a movement that stands (Z99), the current one or an earlier one.

        Args:
            at: when the error is seen.
            number: of the movement.
            changes: fields of the movement that were wrong.
        """
        index = next(i for i, one in enumerate(self._live) if one.number == number)
        was = self._live[index]
        right = replace(was, **changes)
        self._live[index] = right
        if was.visit == self.visit:
            self.visit = right.visit
        content = replace(
            right,
            event="Z99",
            original=was.event,
            action="UPDATE",
            historic=index + 1 < len(self._live),
        )
        self.chart.say(at, content, self.visit.establishment, lag=2)

    def discharge(self, at: datetime, way: Exit, lag: int = 45) -> None:
        """End the visit (A03)."""
        movement = self._movement("A03", at, self.current.place)
        if way.sector == "home" and not self.chart.person.has_gp:
            self.chart.rupture("VIL-08", Cause.NO_GP, self.visit, at)
        self._add(replace(movement, discharged=at, exit=way, nature="S"), lag)

    def cancel(self, at: datetime) -> None:
        """Undo the last movement; the message carries the state that is current again."""
        undone = self._live.pop()
        if self._live:
            self.visit = self._live[-1].visit
        if undone.event == "A03":
            # A discharge that never was leaves nothing to follow.
            truths = self.chart.truths
            truths[:] = [
                one
                for one in truths
                if one.visit != self.visit.number or one.begins != undone.start
            ]
        back = self._live[-1] if self._live else undone
        keeps_admission = undone.event not in ("A01", "A04")
        content = replace(
            undone,
            event=CANCELS[undone.event],
            original=undone.event,
            action="CANCEL",
            visit=back.visit,
            place=back.place,
            prior=None,
            admitted=undone.admitted if keeps_admission else None,
            discharged=None,
            exit=None,
            back_by=None,
        )
        self.chart.say(at, content, self.visit.establishment, lag=2)

    def letter(
        self,
        at: datetime,
        *,
        level: int = 3,
        draft_first: bool = False,
        number: int | None = None,
        mailbox: str = "",
        is_finished: bool = True,
    ) -> LetterSent:
        """Send the discharge letter of the finished visit; return it.

        A draft is finished some days later, unless it never is.
        """
        last = self.current
        if last.admitted is None or last.discharged is None or last.exit is None:
            message = "a discharge letter needs a finished stay"
            raise ValueError(message)
        number = self.chart.number() if number is None else number
        letter = LetterSent(
            visit=self.visit,
            admitted=last.admitted,
            discharged=last.discharged,
            place=last.place,
            exit=last.exit,
            number=number,
            level=level,
            in_progress=draft_first,
            mailbox=mailbox,
        )
        self.chart.say(at, letter, self.visit.establishment, lag=1)
        if draft_first and is_finished:
            final = replace(letter, version=2, in_progress=False)
            later = at + self.chart.draws.minutes(24 * 60, 72 * 60)
            self.chart.say(later, final, self.visit.establishment, lag=1)
        return letter

    def _movement(self, event: str, at: datetime, place: Place) -> Movement:
        number = f"M{self.chart.person.order:05d}{self.chart.number():03d}"
        return Movement(self.visit, event, number, at, place, admitted=self.admitted)

    def _announce(self, movement: Movement) -> Movement:
        self.chart.say(movement.start, movement, self.visit.establishment)
        return movement

    def _add(self, movement: Movement, lag: int = 20) -> None:
        self._live.append(movement)
        self.chart.say(movement.start, movement, self.visit.establishment, lag)
