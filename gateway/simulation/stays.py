"""The stories of the region: which stays, appointments and letters a patient goes through.

Each story is a function of a `Chart`, a `Cast` and a first day; chance comes from the chart. A
story stops where the pathway may break, so that labels of what should have followed can be put
beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.simulation.behaviours import Cause, Done
from gateway.simulation.chart import Chart, StayTeller
from gateway.simulation.draws import at_hour, workday
from gateway.simulation.establishments import CHU, CLCC, HAD, SMR, Establishment
from gateway.simulation.handoffs import absence, appointment, closing_letter, letter
from gateway.simulation.people import Professional
from gateway.simulation.steps import Booking, Care, Entry, Exit, Origin, Place

Story = Callable[[Chart, "Cast", datetime], None]


@dataclass(frozen=True, slots=True)
class Cast:
    """The doctors of each establishment and how careful the region is.

    Attributes:
        doctors: by key of the establishment.
        corrections: probability that a step that can be entered wrongly is, and is corrected.
    """

    doctors: dict[str, tuple[Professional, ...]]
    corrections: float = 0.08


HOME = Exit("home", "8")
#: Where a surgery patient goes, with how often; PMSI codes of ZFM-2 and ZFM-4.
WAYS_OUT: tuple[tuple[Exit, float], ...] = (
    (HOME, 0.40),
    (Exit("smr", "7", "2", SMR.finess), 0.26),
    (Exit("had", "7", "6", HAD.finess), 0.18),
    (Exit("home", "8", "8"), 0.06),
    (Exit("ms", "8", "7"), 0.05),
    (Exit("unknown", "4", circumstance="4"), 0.03),
    (Exit("dead", "9"), 0.02),
)


def surgery(chart: Chart, cast: Cast, day: datetime) -> None:
    """Tell an operation for cancer, from the first consultation to the last care setting."""
    site = chart.draws.pick((CHU, CLCC))
    chart.story = "surgery"
    ward, consulting = site.units[0], site.units[-1]
    surgeon = chart.draws.pick(cast.doctors[site.key])
    chart.register(site, at_hour(day, 9, chart.draws.between(0, 50)))
    if chart.behaviours.identity(site.key).done is Done.IN_TIME:
        chart.qualify(site, at_hour(day, 10, chart.draws.between(0, 50)))
    planned = at_hour(workday(day + timedelta(days=chart.draws.between(7, 20))), 8)
    _consultation(chart, site, surgeon, Place(consulting), day)
    care = Care("I", "03", "Chirurgie programmée", expected_end=planned + timedelta(days=6))
    stay = chart.visit(site, surgeon, care)
    bed = Place(ward, str(chart.draws.between(1, 30)), str(chart.draws.between(1, 2)))
    stay.preadmit(at_hour(day, 15), planned, bed)
    arrival = planned + chart.draws.minutes(0, 90)
    stay.admit(arrival, bed)
    if chart.draws.chance(cast.corrections / 2):
        stay.cancel(arrival + chart.draws.minutes(35, 50))
        stay.admit(arrival + chart.draws.minutes(60, 90), bed)
    _ward_life(chart, cast, stay, arrival)
    way = chart.draws.weighted(WAYS_OUT)
    leaving = at_hour(arrival + timedelta(days=chart.draws.between(4, 9)), 11)
    leaving = goes_home(chart, cast, stay, leaving + chart.draws.minutes(0, 240), way)
    closing_letter(chart, stay, leaving, way)
    _next_setting(chart, cast, stay, leaving, way)


def chemotherapy(chart: Chart, cast: Cast, day: datetime) -> None:
    """Tell a series of sessions: one visit a session under one dossier (PAM France 2.11 7.1.2)."""
    chart.story = "chemotherapy"
    unit = CLCC.units[1]
    doctor = chart.draws.pick(cast.doctors["clcc"])
    chart.register(CLCC, at_hour(day, 8, chart.draws.between(0, 59)))
    if chart.behaviours.identity(CLCC.key).done is Done.IN_TIME:
        chart.qualify(CLCC, at_hour(day, 9, chart.draws.between(0, 59)))
    count, gap = chart.draws.between(4, 8), chart.draws.pick((14, 21))
    nda = chart.dossier()
    place = Place(unit, "F" + str(chart.draws.between(1, 12)))
    service = ("CHIMIO", "Séance de chimiothérapie")
    first = at_hour(day + timedelta(days=4), 9)
    for cycle in range(count):
        start = workday(first + timedelta(days=gap * cycle)) + chart.draws.minutes(0, 240)
        slot = Booking(
            CLCC, chart.person, chart.ipp(CLCC), "S12", appointment(chart), start, 180, service,
            doctor, place,
        )  # fmt: skip
        chart.book(slot, start - timedelta(days=3))
        if cycle and chart.draws.chance(0.05):
            chart.book(replace(slot, event="S15"), start - timedelta(days=1))
            continue
        session = chart.visit(CLCC, doctor, Care("R", "19", "Chimiothérapie"), nda)
        session.admit(start, place)
        last = cycle == count - 1
        session.discharge(start + chart.draws.minutes(150, 260), Exit("home", "8", last=last), 10)
        if last:
            letter(chart, session, session.current.start)


def emergency(chart: Chart, cast: Cast, day: datetime) -> None:
    """Tell an emergency visit followed by an admission under the same dossier."""
    chart.story = "emergency"
    doctor = chart.draws.pick(cast.doctors["chu"])
    nda = chart.dossier()
    end = _emergency_visit(chart, cast, day, doctor, nda)
    entry = Entry(emergency="5", source="7")
    expected = end + timedelta(days=5)
    care = Care("I", "03", "Occlusion digestive", urgent=True, entry=entry, expected_end=expected)
    stay = chart.visit(CHU, doctor, care, nda)
    ward = Place(CHU.unit("1020"), str(chart.draws.between(1, 20)), "1")
    stay.admit(end + timedelta(minutes=12), ward)
    _ward_life(chart, cast, stay, end)
    way = chart.draws.weighted(WAYS_OUT)
    leaving = at_hour(end + timedelta(days=chart.draws.between(4, 8)), 14)
    leaving = goes_home(chart, cast, stay, leaving + chart.draws.minutes(0, 180), way)
    closing_letter(chart, stay, leaving, way)
    _next_setting(chart, cast, stay, leaving, way)


def _emergency_visit(
    chart: Chart, cast: Cast, day: datetime, doctor: Professional, nda: str
) -> datetime:
    """Tell the hours in the emergency unit; return when they end."""
    arrival = at_hour(day, chart.draws.between(7, 20), chart.draws.between(0, 59))
    chart.register(CHU, arrival)
    care = Care("E", "10", "Douleur abdominale", urgent=True, entry=Entry(source="7"))
    visit = chart.visit(CHU, doctor, care, nda)
    box = Place(CHU.unit("1040"), "BOX" + chart.draws.pick("1234"))
    visit.admit(arrival + timedelta(minutes=4), box, "A04")
    if chart.behaviours.identity(CHU.key).done is Done.IN_TIME:
        chart.qualify(CHU, arrival + chart.draws.minutes(20, 70))
    end = arrival + chart.draws.minutes(120, 220)
    visit.discharge(end, Exit("mco", "6", "1", last=False), lag=10)
    return end


def home_hospital(chart: Chart, cast: Cast, day: datetime) -> None:
    """Tell a stay in hospital at home asked for by the general practitioner."""
    chart.story = "home hospital"
    had_stay(chart, cast, day, Entry(provenance="9", source="1"), None)


def consultation(chart: Chart, cast: Cast, day: datetime) -> None:
    """Tell an outpatient consultation with its appointment."""
    chart.story = "consultation"
    site = chart.draws.pick((CHU, CLCC))
    doctor = chart.draws.pick(cast.doctors[site.key])
    chart.register(site, at_hour(day, 9))
    if chart.behaviours.identity(site.key).done is Done.IN_TIME:
        chart.qualify(site, at_hour(day, 10))
    _consultation(chart, site, doctor, Place(site.units[-1]), day)


def had_stay(
    chart: Chart, cast: Cast, day: datetime, entry: Entry, origin: Origin | None
) -> StayTeller:
    """Tell a stay in hospital at home (PV1-21 06), with a short hospital visit in between."""
    chart.register(HAD, at_hour(day, 7, 30))
    if chart.behaviours.identity(HAD.key).done is Done.IN_TIME:
        chart.qualify(HAD, at_hour(day, 8))
    doctor = chart.draws.pick(cast.doctors["had"])
    # Who comes from hospital is seen within a day of leaving it.
    begin = at_hour(day, 8 if origin else 14, chart.draws.between(40, 59))
    length = chart.draws.between(10, 24)
    expected = begin + timedelta(days=length)
    reason = "Soins post-opératoires"
    care = Care("I", "06", reason, entry=entry, origin=origin, expected_end=expected)
    stay = chart.visit(HAD, doctor, care)
    stay.admit(begin, Place(chart.draws.pick(HAD.units)))
    if chart.draws.chance(0.3):
        away = at_hour(begin + timedelta(days=4), 9)
        days = chart.draws.between(1, 6)
        absence(
            chart, stay, away, away + timedelta(days=days), away + timedelta(days=days, hours=4)
        )
    end = at_hour(begin + timedelta(days=length), 16, chart.draws.between(0, 59))
    stay.discharge(end, HOME)
    letter(chart, stay, end)
    return stay


def smr_stay(
    chart: Chart, cast: Cast, day: datetime, entry: Entry, origin: Origin | None
) -> StayTeller:
    """Tell a stay in rehabilitation with week-end leaves."""
    chart.register(SMR, at_hour(day, 10, 30))
    if chart.behaviours.identity(SMR.key).done is Done.IN_TIME:
        chart.qualify(SMR, at_hour(day, 11, 30))
    doctor = chart.draws.pick(cast.doctors["smr"])
    begin = day + chart.draws.minutes(50, 150)
    length = chart.draws.between(18, 34)
    expected = begin + timedelta(days=length)
    reason = "Réadaptation après chirurgie"
    care = Care("I", "03", reason, entry=entry, origin=origin, expected_end=expected)
    stay = chart.visit(SMR, doctor, care)
    stay.admit(begin, Place(chart.draws.pick(SMR.units), str(chart.draws.between(1, 40)), "1"))
    if chart.draws.chance(0.5):
        saturday = begin + timedelta(days=5 - begin.weekday() + 7)
        away = at_hour(saturday, 10)
        absence(chart, stay, away, away + timedelta(hours=31), away + timedelta(hours=32))
    end = at_hour(begin + timedelta(days=length), 11, chart.draws.between(0, 59))
    end = goes_home(chart, cast, stay, end, HOME)
    letter(chart, stay, end)
    return stay


def _ward_life(chart: Chart, cast: Cast, stay: StayTeller, arrival: datetime) -> None:
    """Tell the days in the ward: intensive care at the CHU, a change of bed, a leave."""
    draws, home = chart.draws, stay.current.place
    when = arrival + draws.minutes(300, 420)
    if stay.visit.establishment is CHU:
        critical = Place(CHU.unit("1030"), "SI" + str(draws.between(1, 8)), "1")
        stay.transfer(when, critical, "HMS")
        when += draws.minutes(24 * 60, 30 * 60)
        stay.transfer(when, home, "HMS")
    if draws.chance(cast.corrections * 2):
        stay.transfer(when + draws.minutes(60, 120), Place(home.unit, home.room, "3"), "L")
        stay.cancel(when + draws.minutes(150, 200))
    if draws.chance(0.15):
        away = at_hour(when + timedelta(days=1), 10, draws.between(0, 59))
        if draws.chance(cast.corrections * 4):
            stay.leave(away, away + timedelta(hours=8))
            stay.cancel(away + timedelta(minutes=50))
            return
        back = absence(chart, stay, away, away + timedelta(hours=7), away + timedelta(hours=10))
        if back and draws.chance(cast.corrections * 2):
            stay.cancel(away + timedelta(hours=7, minutes=40))
            stay.come_back(away + timedelta(hours=8))


def goes_home(chart: Chart, cast: Cast, stay: StayTeller, leaving: datetime, way: Exit) -> datetime:
    """Discharge; sometimes the discharge is cancelled and comes a day later."""
    stay.discharge(leaving, way)
    if not chart.draws.chance(cast.corrections):
        return leaving
    stay.cancel(leaving + chart.draws.minutes(60, 150))
    later = leaving + timedelta(days=1)
    stay.discharge(later, way)
    return later


def _next_setting(chart: Chart, cast: Cast, stay: StayTeller, leaving: datetime, way: Exit) -> None:
    """Tell the stay in the next setting; now and then nobody arrives there, or days late."""
    if way.finess not in (SMR.finess, HAD.finess):
        return
    visit, is_smr = stay.visit, way.finess == SMR.finess
    rule = "TRX-08" if is_smr else "ORI-06"
    deed = chart.behaviours.transfer(visit.number)
    if deed.done is Done.NEVER:
        chart.rupture(rule, Cause.LOST, visit, leaving)
        return
    begun = stay.admitted or leaving
    origin = Origin(visit.establishment.finess, begun, visit.nda)
    entry = Entry(mode="7", provenance="1", source="4")
    if is_smr:
        next_stay = smr_stay(chart, cast, leaving + deed.delay, entry, origin)
    else:
        day = leaving + timedelta(days=1) + deed.delay
        next_stay = had_stay(chart, cast, day, entry, origin)
    arrived = next_stay.admitted
    if deed.done is Done.LATE:
        chart.rupture(rule, Cause.LATE_ARRIVAL, visit, leaving, arrived)
    linked = chart.linked(visit.establishment, next_stay.visit.establishment)
    if linked is None or (arrived and linked > arrived):
        chart.rupture(rule, Cause.UNLINKED, visit, leaving, linked, real=False)


def _consultation(
    chart: Chart, site: Establishment, doctor: Professional, place: Place, day: datetime
) -> None:
    start = at_hour(day, 11, chart.draws.pick((0, 15, 30, 45)))
    booked = at_hour(day, 10, 55) if start.minute else at_hour(day, 10, 52)
    slot = Booking(
        site, chart.person, chart.ipp(site), "S12", appointment(chart), start, 20,
        ("CONSULT", "Consultation d'oncologie"), doctor, place,
    )  # fmt: skip
    chart.book(slot, booked)
    visit = chart.visit(site, doctor, Care("O", "07", "Consultation"))
    visit.admit(start, place, "A04")
    visit.discharge(start + chart.draws.minutes(15, 50), HOME, lag=5)


#: What a patient of the region goes through, with how often.
STORIES: tuple[tuple[Story, float], ...] = (
    (surgery, 0.40),
    (chemotherapy, 0.20),
    (emergency, 0.18),
    (home_hospital, 0.10),
    (consultation, 0.12),
)
