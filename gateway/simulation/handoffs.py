"""What has to follow a stay, done or not: the way back from a leave, the letter, the appointment.

Tells what the behaviours of `simulation.behaviours` decide and notes the truth beside it.
"""

from datetime import datetime, timedelta

from gateway.simulation.behaviours import Cause, Done, office_hours
from gateway.simulation.chart import Chart, StayTeller
from gateway.simulation.draws import at_hour, workday, workdays_after, workdays_between
from gateway.simulation.letters import promises
from gateway.simulation.steps import Booking, Exit

#: Within which a follow-up is to be booked, counted in working days from the discharge.
_BOOKING_DAYS = 5


def closing_letter(chart: Chart, stay: StayTeller, leaving: datetime, way: Exit) -> None:
    """Write the letter of a hospital stay; nobody writes one for who left on their own."""
    if way.mode in ("8", "7"):
        letter(chart, stay, leaving)
    elif way.mode == "4":
        chart.rupture("TRX-01", Cause.FORGOTTEN, stay.visit, leaving)


def absence(chart: Chart, stay: StayTeller, away: datetime, back: datetime, due: datetime) -> bool:
    """Let the patient go and come back; tell whether they came back in time."""
    stay.leave(away, due)
    leave, deed = stay.current, chart.behaviours.leave(stay.current.number)
    if deed.done is Done.IN_TIME:
        stay.come_back(back)
        return True
    if deed.done is Done.LATE:
        stay.come_back(due + deed.delay)
        chart.rupture("ORI-08", Cause.LATE_BACK, leave.visit, due, due + deed.delay)
    else:
        chart.rupture("ORI-08", Cause.NOT_BACK, leave.visit, due)
    return False


def letter(chart: Chart, stay: StayTeller, leaving: datetime) -> None:
    """Send the letter on the day of discharge or some days after; sometimes it never comes."""
    draws, visit = chart.draws, stay.visit
    deed = chart.behaviours.letter(visit.number)
    level = 1 if draws.chance(0.2) else 3
    hours, draft = draws.minutes(50, 180), draws.chance(0.15)
    inpatient = visit.care.patient_class == "I"
    if deed.done is Done.NEVER:
        if inpatient:
            chart.rupture("TRX-01", Cause.FORGOTTEN, visit, leaving)
        return
    at = leaving + deed.delay + hours
    if deed.done is Done.LATE and inpatient:
        chart.rupture("TRX-01", Cause.LATE, visit, leaving, at)
    mailbox = ""
    if visit.person.has_gp and chart.behaviours.wrong_mailbox(visit.number):
        mailbox = f"ancien.{visit.person.gp.mail}"
        chart.rupture("TRX-03", Cause.WRONG_MAILBOX, visit, at)
        if chart.qualified(visit.establishment):
            chart.rupture("TRX-04", Cause.WRONG_MAILBOX, visit, at)
    unfinished = draft and level == 3 and chart.behaviours.happens("unfinished", visit.number)
    sent = stay.letter(
        at, level=level, draft_first=draft, mailbox=mailbox, is_finished=not unfinished
    )
    if unfinished:
        chart.rupture("TRX-02", Cause.UNFINISHED, visit, at)
    _after_letter(chart, stay, leaving, at, promised=promises(sent))


def _after_letter(
    chart: Chart, stay: StayTeller, leaving: datetime, at: datetime, *, promised: bool
) -> None:
    """Qualify the identity at last, and book what the letter promises."""
    visit = stay.visit
    site = visit.establishment
    if not chart.qualified(site):
        deed = chart.behaviours.identity(site.key)
        qualified = at + deed.delay if deed.done is Done.LATE else None
        if visit.person.has_gp:
            # The mail to the family doctor waits for the identity.
            chart.rupture("ID-01", Cause.NOT_QUALIFIED, visit, at, qualified)
            chart.rupture("TRX-03", Cause.NOT_QUALIFIED, visit, at, qualified)
        if qualified is not None:
            chart.qualify(site, qualified)
    if not promised:
        return
    deed = chart.behaviours.booking(visit.number)
    if deed.done is Done.NEVER:
        chart.rupture("VIL-04", Cause.NOT_BOOKED, visit, at)
        return
    booked = office_hours(workdays_after(at, deed.delay.days))
    if workdays_between(leaving, booked) > _BOOKING_DAYS:
        chart.rupture("VIL-04", Cause.BOOKED_LATE, visit, at, booked)
    start = at_hour(workday(booked + timedelta(days=9)), 10)
    service = ("CONSULT", "Consultation de contrôle")
    slot = Booking(
        site, chart.person, chart.ipp(site), "S12", appointment(chart), start, 20, service,
        visit.attending, stay.current.place,
    )  # fmt: skip
    chart.book(slot, booked)


def appointment(chart: Chart) -> str:
    """Return a new appointment number."""
    return f"R{chart.person.order:05d}{chart.number():03d}"
