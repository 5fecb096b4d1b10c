"""Requests for a place in rehabilitation: answered, refused everywhere, or never answered.

Told after the story of a patient, with numbers and chance of its own: a story without them is the
same. The hospital passes the answers on that its orientation portal received.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.simulation.behaviours import Cause, Done
from gateway.simulation.chart import Chart
from gateway.simulation.draws import Draws, workday
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
        known = _identity(chart.steps, question, asked)
        if known is None:
            continue
        _say(chart, question, asked, known)
        deed = chart.behaviours.request(visit.number)
        if deed.done is Done.NEVER:
            chart.rupture("ORI-01", Cause.UNANSWERED, visit, asked)
            continue
        refused = chart.behaviours.refused(visit.number)
        answered = asked + deed.delay
        answer = Request(visit, order, "UA" if refused else "OK", answered, leaving)
        _say(chart, answer, answered, _identity(chart.steps, answer, answered) or known)
        if deed.done is Done.LATE:
            chart.rupture("ORI-01", Cause.ANSWERED_LATE, visit, asked, answered)
        if refused:
            chart.rupture("ORI-02", Cause.REFUSED, visit, answered)
        elif any(t.visit == visit.number and t.cause is Cause.LOST for t in chart.truths):
            chart.rupture("ORI-03", Cause.LOST, visit, leaving)


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


def _identity(steps: list[Step], content: Request, at: datetime) -> Identity | None:
    """Return what the establishment knew of the identity by then."""
    site = content.visit.establishment
    known = [step.identity for step in steps if source(step) is site and step.sent <= at]
    return known[-1] if known else None


def _say(chart: Chart, content: Request, at: datetime, identity: Identity) -> None:
    sent = at + timedelta(seconds=20)
    chart.steps.append(Step(len(chart.steps) + 1, chart.story, at, at, sent, identity, content))
