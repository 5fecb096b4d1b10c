"""Requests for a place in rehabilitation: answered, refused everywhere, or never answered.

Told after the story of a patient, with numbers and chance of its own: a story without them is the
same. The establishment that is asked answers in its own name.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.simulation.behaviours import Cause, Done
from gateway.simulation.chart import Chart
from gateway.simulation.draws import Draws, workday, workdays_after, workdays_between
from gateway.simulation.establishments import SMR, Establishment
from gateway.simulation.rendering import source
from gateway.simulation.steps import Identity, Movement, Request, Step, Visit

#: Before the patient leaves, not counting what a week-end adds.
_AHEAD = timedelta(days=3)


def tell_requests(chart: Chart, draws: Draws) -> None:
    """Tell the request behind each discharge to rehabilitation, and what came of it."""
    for number, (visit, admitted, leaving) in enumerate(_departures(chart.steps), 1):
        chance = draws.child(visit.number)
        asked = max(admitted + timedelta(hours=20), leaving - _AHEAD)
        asked = workday(asked.replace(hour=14)) + chance.minutes(0, 120)
        if asked >= leaving:
            continue
        order = f"O{chart.person.order:05d}{number:03d}"
        question = Request(visit, order, "NW", asked, leaving)
        known = known_identity(chart.steps, visit.establishment, asked)
        if known is None:
            continue
        _say(chart, question, asked, known)
        deed = chart.behaviours.request(visit.number)
        if deed.done is Done.NEVER:
            chart.rupture("ORI-01", Cause.UNANSWERED, visit, asked)
            continue
        refused = chart.behaviours.refused(visit.number)
        answered = asked + deed.delay
        if deed.done is Done.IN_TIME:
            answered = workdays_after(asked, deed.delay.days) + timedelta(hours=2)
            answered = answered if answered < leaving else asked + timedelta(hours=1)
        answer = Request(visit, order, "UA" if refused else "OK", answered, leaving, answers=SMR)
        later = known_identity(chart.steps, visit.establishment, answered)
        _say(chart, answer, answered, later or known)
        if deed.done is Done.LATE:
            chart.rupture("ORI-01", Cause.ANSWERED_LATE, visit, asked, answered)
        if refused:
            chart.rupture("ORI-02", Cause.REFUSED, visit, answered)
        else:
            _place_not_taken(chart, visit, answered, leaving)


def _place_not_taken(chart: Chart, visit: Visit, answered: datetime, leaving: datetime) -> None:
    """Note a place that is promised and not taken, or not seen to be."""
    for known in [one for one in chart.truths if one.visit == visit.number]:
        if known.rule != "TRX-08":
            continue
        is_late = known.ends is None or workdays_between(leaving, known.ends) > 1
        if known.real and is_late:
            chart.rupture("ORI-03", known.cause, visit, leaving, known.ends)
        elif not known.real:
            chart.rupture("ORI-03", known.cause, visit, leaving, known.ends, real=False)
    if answered > leaving:
        # Who is there already does not arrive any more.
        chart.rupture("ORI-03", Cause.ANSWERED_LATE, visit, leaving, answered, real=False)


def _departures(steps: list[Step]) -> Iterator[tuple[Visit, datetime, datetime]]:
    """Yield the visits that end, for good, with a departure to rehabilitation."""
    last: dict[str, Movement] = {}
    for step in steps:
        moved = step.content
        if isinstance(moved, Movement) and moved.event in ("A03", "A13"):
            last[moved.visit.number] = moved
    for moved in last.values():
        if moved.event == "A03" and moved.exit and moved.exit.sector == "smr" and moved.admitted:
            yield moved.visit, moved.admitted, moved.start


def known_identity(steps: list[Step], site: Establishment, at: datetime) -> Identity | None:
    """Return what an establishment knew of the identity by then; None: nothing."""
    known = [step.identity for step in steps if source(step) is site and step.sent <= at]
    return known[-1] if known else None


def _say(chart: Chart, content: Request, at: datetime, identity: Identity) -> None:
    sent = at + timedelta(seconds=20)
    chart.steps.append(Step(len(chart.steps) + 1, chart.story, at, at, sent, identity, content))
