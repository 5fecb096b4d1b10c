"""One stay in which everything that can be entered wrongly may be, and is put right, or not.

For property tests: no pathway follows from it, only movements, cancellations and updates, each
entered before the next one happens. The stay as it really was is told beside the messages.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.simulation.chart import Chart, StayTeller
from gateway.simulation.draws import Draws, at_hour
from gateway.simulation.establishments import Establishment
from gateway.simulation.people import Person
from gateway.simulation.stays import WAYS_OUT, Cast, goes_home
from gateway.simulation.steps import Care, Entry, Place, Step

_INPATIENT = Care("I", "03", "Chirurgie programmée")
_EMERGENCY = Care("E", "10", "Douleur abdominale", urgent=True, entry=Entry(source="7"))
_OUTPATIENT = Care("O", "07", "Surveillance")
_SOON = timedelta(minutes=40)


@dataclass(frozen=True, slots=True)
class Told:
    """What was said, and the last visit as it really was.

    Attributes:
        steps: in true order.
        stay: of the visit; no movement of it is left when all were cancelled.
    """

    steps: list[Step]
    stay: StayTeller


@dataclass(slots=True)
class _Ward:
    """A stay and the clock of its ward."""

    stay: StayTeller
    cast: Cast
    draws: Draws
    now: datetime

    def passes(self, low: int = 90, high: int = 900) -> datetime:
        """Let some minutes pass."""
        self.now += self.draws.minutes(low, high)
        return self.now

    def soon(self) -> datetime:
        """Let the time pass after which an error is seen."""
        self.now += _SOON
        return self.now

    def place(self) -> Place:
        """Return any bed."""
        units = self.stay.visit.establishment.units[:3]
        return Place(self.draws.pick(units), str(self.draws.between(20, 40)), "1")


def corrected_stay(
    who: Person, site: Establishment, cast: Cast, draws: Draws, day: datetime
) -> Told:
    """Tell one stay in which every kind of correction may occur."""
    chart = Chart(who, draws)
    chart.story = "one stay"
    chart.register(site, at_hour(day, 8))
    if draws.chance(0.8):
        chart.qualify(site, at_hour(day, 8, 30))
    doctor = draws.pick(cast.doctors[site.key])
    begin = at_hour(day + timedelta(days=2), 8)
    emergency = draws.chance(0.4)
    stay = chart.visit(site, doctor, _EMERGENCY if emergency else _INPATIENT)
    ward = _Ward(stay, cast, draws, begin)
    arrives = _comes_by_emergency if emergency else _comes_as_planned
    if not arrives(chart, ward, day):
        return Told(chart.steps, ward.stay)
    for _ in range(draws.between(0, 5)):
        draws.pick(_ACTS)(ward)
    if draws.chance(0.8):
        _leaves(chart, ward)
    return Told(chart.steps, ward.stay)


def _comes_as_planned(chart: Chart, ward: _Ward, day: datetime) -> bool:
    """Tell an admission, announced or not; return whether anybody came."""
    draws, bed = ward.draws, Place(ward.stay.visit.establishment.units[0], "12", "1")
    way = draws.pick(("A05", "A14", ""))
    if way:
        announce = ward.stay.preadmit if way == "A05" else ward.stay.expect
        announce(at_hour(day, 9), ward.now, bed)
        if draws.chance(0.15):
            ward.stay.cancel(at_hour(day, 11))
            return False
    ward.stay.admit(ward.now, bed)
    if draws.chance(0.3):
        ward.stay.cancel(ward.soon())
        if draws.chance(0.3):
            return False
        visit = ward.stay.visit
        # A cancelled visit number is not used again, unless a pre-admission keeps it alive.
        if not visit.preadmission:
            ward.stay = chart.visit(visit.establishment, visit.attending, visit.care)
        ward.stay.admit(ward.soon(), bed)
    return True


def _comes_by_emergency(_chart: Chart, ward: _Ward, _day: datetime) -> bool:
    """Tell an emergency that becomes a stay, or should have been one from the beginning."""
    stay, draws = ward.stay, ward.draws
    stay.admit(ward.now, Place(stay.visit.establishment.unit("1040"), "BOX1"), "A04")
    if draws.chance(0.25):
        visit = replace(stay.visit, care=_INPATIENT)
        stay.correct(ward.soon(), stay.current.number, visit=visit, nature="C")
        return True
    stay.change_class(ward.passes(), _INPATIENT, ward.place())
    if draws.chance(0.4):
        stay.cancel(ward.soon())
        if draws.chance(0.6):
            stay.change_class(ward.passes(), _INPATIENT, ward.place())
    return True


def _transfer(ward: _Ward) -> None:
    ward.stay.transfer(ward.passes(), ward.place(), "HMS")
    if ward.draws.chance(0.4):
        ward.stay.cancel(ward.soon())


def _transfer_told_wrong(ward: _Ward) -> None:
    stay = ward.stay
    stay.transfer(ward.passes(), ward.place(), "HMS")
    seen = ward.soon()
    stay.correct(seen, stay.current.number, place=ward.place())
    if ward.draws.chance(0.3):
        stay.cancel(ward.soon())


def _earlier_hour(ward: _Ward) -> None:
    """Correct when any movement of the stay began, by some minutes."""
    stay = ward.stay
    wrong = ward.draws.pick(stay.live)
    start = wrong.start - timedelta(minutes=ward.draws.between(1, 9))
    changes = {"admitted": start} if wrong.admitted == wrong.start else {}
    stay.correct(ward.soon(), wrong.number, start=start, **changes)


def _leave(ward: _Ward) -> None:
    stay, draws = ward.stay, ward.draws
    stay.leave(ward.passes(), ward.now + timedelta(hours=10))
    if draws.chance(0.4):
        stay.cancel(ward.soon())
        return
    stay.come_back(ward.passes(300, 600))
    if draws.chance(0.4):
        stay.cancel(ward.soon())
        stay.come_back(ward.soon())


def _other_doctor(ward: _Ward) -> None:
    stay = ward.stay
    others = ward.cast.doctors[stay.visit.establishment.key]
    stay.change_doctor(ward.passes(), ward.draws.pick(others))
    if ward.draws.chance(0.4):
        stay.cancel(ward.soon())


def _planned_transfer(ward: _Ward) -> None:
    """Keep a place: given up, taken, or still kept."""
    stay, place = ward.stay, ward.place()
    announced = stay.plan_transfer(ward.passes(), ward.now + timedelta(hours=20), place)
    end = ward.draws.between(0, 2)
    if end == 0:
        stay.withdraw(ward.soon(), announced)
    elif end == 1:
        stay.transfer(ward.passes(), place, "HMS")


def _planned_discharge(ward: _Ward) -> None:
    stay, draws = ward.stay, ward.draws
    way = draws.weighted(WAYS_OUT)
    announced = stay.plan_discharge(ward.passes(), ward.now + timedelta(hours=30), way)
    if draws.chance(0.5):
        stay.withdraw(ward.soon(), announced)


def _outpatient_for_a_while(ward: _Ward) -> None:
    stay, draws, before = ward.stay, ward.draws, ward.stay.visit.care
    if before.patient_class != "I":
        return
    stay.change_class(ward.passes(), _OUTPATIENT, ward.place())
    if draws.chance(0.5):
        stay.cancel(ward.soon())
    elif draws.chance(0.5):
        stay.change_class(ward.passes(), _INPATIENT, ward.place())


def _leaves(chart: Chart, ward: _Ward) -> None:
    """Discharge, taken back now and then; sometimes the way out is corrected."""
    stay, draws = ward.stay, ward.draws
    careless = Cast(ward.cast.doctors, corrections=0.4)
    leaving = ward.passes(600, 1400)
    ward.now = goes_home(chart, careless, stay, leaving, draws.weighted(WAYS_OUT))
    if draws.chance(0.3):
        ward.passes(60, 90)
        stay.correct(ward.soon(), stay.current.number, exit=draws.weighted(WAYS_OUT))


_ACTS: tuple[Callable[[_Ward], None], ...] = (
    _transfer,
    _transfer_told_wrong,
    _earlier_hour,
    _leave,
    _other_doctor,
    _planned_transfer,
    _planned_discharge,
    _outpatient_for_a_while,
)
