"""The tumour board before an operation: asked for, held, written up, and the care programme after.

Told after the story of a patient, with numbers and chance of its own, like the requests.
"""

from datetime import datetime, timedelta

from gateway.simulation.behaviours import Cause, Done
from gateway.simulation.chart import Chart
from gateway.simulation.draws import Draws, at_hour, workday, workdays_after
from gateway.simulation.establishments import Establishment
from gateway.simulation.requests import known_identity
from gateway.simulation.steps import LetterSent, Movement, Request, Step

_SERVICE = ("RCP", "Réunion de concertation pluridisciplinaire")
#: Numbers of these documents begin behind those of the story.
_FIRST_NUMBER = 800
#: Within which a programme is to be handed over; days in another place do not count.
_PROGRAMME_DAYS = 10


def tell_board(chart: Chart, draws: Draws) -> None:
    """Tell the meeting that follows the first consultation of who is operated on."""
    leaving = next((m for m in _movements(chart) if _ends_consultation(m)), None)
    if chart.story != "surgery" or leaving is None:
        return
    visit = leaving.visit
    asked = at_hour(leaving.start, 16, draws.between(0, 50))
    session = at_hour(workday(asked + timedelta(days=draws.between(2, 4))), 12)
    request = Request(visit, f"B{chart.person.order:05d}", "NW", asked, session, _SERVICE)
    _say(chart, request, asked)
    deed = chart.behaviours.board(visit.number)
    if deed.done is Done.NEVER:
        chart.rupture("ONC-02", Cause.BOARD_SILENT, visit, session)
        return
    written = at_hour(workdays_after(session, deed.delay.days), 17, draws.between(0, 50))
    if deed.done is Done.LATE:
        chart.rupture("ONC-02", Cause.BOARD_LATE, visit, session, written)
    _say(chart, _document(leaving, "frcp", _FIRST_NUMBER), written)
    programme = chart.behaviours.programme(visit.number)
    if programme.done is Done.NEVER:
        chart.rupture("ONC-05", Cause.NO_PROGRAMME, visit, written)
        return
    handed = at_hour(workdays_after(written, programme.delay.days), 11, draws.between(0, 50))
    if _days_here(chart, visit.establishment, written, handed) >= _PROGRAMME_DAYS:
        chart.rupture("ONC-05", Cause.PROGRAMME_LATE, visit, written, handed)
    _say(chart, _document(leaving, "pps", _FIRST_NUMBER + 1), handed)


def _days_here(chart: Chart, site: Establishment, first: datetime, last: datetime) -> int:
    """Return the working days that ended between two moments, the patient in no other place.

    A programme handed over elsewhere is late once the last day here is over.
    """
    away = {moved.visit.number: moved.start for moved in _elsewhere(chart, site, "A01")}
    back = {moved.visit.number: moved.start for moved in _elsewhere(chart, site, "A03")}
    noons = (at_hour(first + timedelta(days=n), 12) for n in range(1, (last - first).days + 2))
    return sum(
        noon.date() < last.date()
        and noon.weekday() < 5
        and not any(left <= noon < back.get(visit, last) for visit, left in away.items())
        for noon in noons
    )


def _elsewhere(chart: Chart, site: Establishment, event: str) -> list[Movement]:
    return [m for m in _movements(chart) if m.event == event and m.visit.establishment is not site]


def _movements(chart: Chart) -> list[Movement]:
    return [step.content for step in chart.steps if isinstance(step.content, Movement)]


def _ends_consultation(moved: Movement) -> bool:
    return moved.event == "A03" and moved.visit.care.patient_class == "O"


def _document(leaving: Movement, kind: str, number: int) -> LetterSent:
    """Return a document about a consultation that is over."""
    if leaving.exit is None:
        message = "a consultation ends with a way out"
        raise ValueError(message)
    return LetterSent(
        visit=leaving.visit,
        admitted=leaving.admitted or leaving.start,
        discharged=leaving.start,
        place=leaving.place,
        exit=leaving.exit,
        number=number,
        level=1,
        kind=kind,
    )


def _say(chart: Chart, content: Request | LetterSent, at: datetime) -> None:
    known = known_identity(chart.steps, content.visit.establishment, at)
    if known is None:
        return
    sent = at + timedelta(seconds=30)
    chart.steps.append(Step(len(chart.steps) + 1, chart.story, at, at, sent, known, content))
