"""What befalls records, letters and appointments beside the story of a patient.

Told after the story, with numbers and chance of its own: discharges that are entered on Monday,
family doctors that are declared, records that are opened twice and merged, letters that are
withdrawn, appointments nobody comes to.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.simulation.behaviours import Cause, Done, Truth
from gateway.simulation.chart import Chart
from gateway.simulation.draws import Draws, at_hour, workdays_after, workdays_between
from gateway.simulation.establishments import CLCC, HAD, SMR
from gateway.simulation.people import ipp
from gateway.simulation.requests import known_identity
from gateway.simulation.steps import (
    Booking,
    Content,
    Identity,
    IdentityNews,
    LetterSent,
    Movement,
    Place,
    Step,
    Visit,
)

#: Added to the number of a patient to get that of a second record.
SECOND_RECORD = 100_000
_PROVISIONAL = Identity("PROV", with_ins=False)
_SUPPORT = ("PSY", "Soutien psychologique")
#: Numbers of appointments and letters of this module begin behind those of the story.
_FIRST_NUMBER = 900
_REBOOKED_WITHIN = 5
_DECLARED_WITHIN = 5


def tell_mishaps(chart: Chart, draws: Draws) -> None:
    """Change and complete what was told of a patient, and the truths with it."""
    _enter_late(chart, draws.child("entry"))
    _declare_gp(chart)
    _withdraw_letter(chart, draws.child("letter"))
    _miss_appointment(chart, draws.child("appointment"))
    _open_twice(chart, draws.child("record"))


def _enter_late(chart: Chart, draws: Draws) -> None:
    """Enter discharges of a Friday or a week-end on the Monday after."""
    cancelled = {m.visit.number for _s, m in _movements(chart) if m.event == "A13"}
    for step, moved in _movements(chart):
        if moved.event != "A03" or moved.visit.number in cancelled:
            continue
        if moved.visit.care.patient_class != "I" or moved.start.weekday() < 4:
            continue
        if moved.exit is None or moved.exit.sector in ("smr", "had"):
            # Whoever goes on to another bed is entered: the other end asks for it.
            continue
        if chart.behaviours.happens("entered_late", moved.visit.number):
            monday = moved.start + timedelta(days=7 - moved.start.weekday())
            entered = at_hour(monday, 9, draws.between(0, 59))
            _put(chart, step, replace(step, recorded=entered, sent=entered + timedelta(seconds=9)))


def _declare_gp(chart: Chart) -> None:
    """Declare a family doctor some working days after the first discharge that misses one."""
    missed = [one for one in chart.truths if one.rule == "VIL-08"]
    deed = chart.behaviours.declaring()
    if not missed or deed.done is Done.NEVER:
        return
    first = min(one.begins for one in missed)
    declared = at_hour(workdays_after(first, deed.delay.days), 15)
    letters = [s.sent for s in chart.steps if isinstance(s.content, LetterSent)]
    visits = {moved.visit.number: moved.visit for _s, moved in _movements(chart)}
    site = visits[missed[0].visit].establishment
    known = known_identity(chart.steps, site, declared)
    if known is None or any(sent > declared for sent in letters):
        return
    who = replace(chart.person, has_gp=True)
    number = chart.ipp(site)
    news = IdentityNews(site, who, number, "A31", names_gp=True)
    _add(chart, news, declared, known)
    chart.truths[:] = [
        replace(one, cause=Cause.GP_LATE, ends=declared) if one.rule == "VIL-08" else one
        for one in chart.truths
        if one.rule != "VIL-08"
        or (one.begins < declared and workdays_between(one.begins, declared) > _DECLARED_WITHIN)
    ]


def _withdraw_letter(chart: Chart, draws: Draws) -> None:
    """Delete a letter that was written in time; sometimes another takes its place."""
    faulty = {one.visit for one in chart.truths if one.rule in ("TRX-01", "TRX-02", "TRX-03")}
    letters = [(s, s.content) for s in chart.steps if isinstance(s.content, LetterSent)]
    drafts = {letter.number for _s, letter in letters if letter.in_progress}
    for step, letter in letters:
        visit = letter.visit
        if letter.kind != "ldl" or visit.number in faulty or letter.number in drafts:
            continue
        if visit.care.patient_class != "I":
            continue
        if not chart.behaviours.happens("withdrawn", visit.number):
            continue
        at = step.sent + timedelta(days=draws.between(1, 3), minutes=draws.between(0, 90))
        _add(chart, replace(letter, withdrawn=True), at, step.identity)
        again = None
        if draws.chance(0.5):
            again = at + timedelta(hours=draws.between(2, 20))
            right = replace(letter, number=_FIRST_NUMBER + letter.number, level=1)
            _add(chart, right, again, step.identity)
        # What a withdrawn letter promised, nobody waits for.
        chart.truths[:] = [
            one for one in chart.truths if one.rule != "VIL-04" or one.visit != visit.number
        ]
        chart.rupture("TRX-01", Cause.WITHDRAWN, visit, at, again)


def _miss_appointment(chart: Chart, draws: Draws) -> None:
    """Book an appointment for support that nobody comes to, a day or two before a stay."""
    stays = [moved for _s, moved in _movements(chart) if moved.event == "A01"]
    gone = {m.visit.number for _s, m in _movements(chart) if m.event == "A11"}
    stays = [one for one in stays if one.visit.number not in gone and not one.visit.care.urgent]
    if not stays or not chart.behaviours.happens("no_show", "support"):
        return
    stay = stays[0]
    start = at_hour(stay.start - timedelta(days=draws.between(1, 2)), 15)
    known = known_identity(chart.steps, stay.visit.establishment, start - timedelta(days=2))
    left = _left(chart, stay.visit)
    if known is None or left is None:
        return
    number = f"R{chart.person.order:05d}{_FIRST_NUMBER}"
    slot = _slot(chart, stay.visit, number, start, stay.place)
    _add(chart, slot, start - timedelta(days=2), known)
    _add(chart, replace(slot, event="S26"), start + timedelta(hours=1), known)
    deed = chart.behaviours.rebooking(number)
    # Days in a bed do not count: somebody thinks of it after the stay.
    booked = at_hour(workdays_after(left, deed.delay.days), 14)
    ends = None if deed.done is Done.NEVER else booked
    if ends is not None:
        again = _slot(chart, stay.visit, f"{number}B", booked + timedelta(days=6), stay.place)
        _add(chart, again, booked, known)
    if deed.done is not Done.IN_TIME:
        cause = Cause.NO_SHOW if ends is None else Cause.REBOOKED_LATE
        finess = stay.visit.establishment.finess
        truth = Truth("ONC-14", cause, chart.person.order, finess, "", start, ends)
        chart.truths.append(truth)


def _open_twice(chart: Chart, draws: Draws) -> None:
    """Admit somebody who comes from a hospital under a second record of the establishment."""
    for arrival, moved in _movements(chart):
        site, visit = moved.visit.establishment, moved.visit
        if moved.event != "A01" or site not in (SMR, HAD) or visit.care.origin is None:
            continue
        if not chart.behaviours.happens("opened_twice", visit.number):
            continue
        second = ipp(site.finess, SECOND_RECORD + chart.person.order)
        begun = arrival.sent - timedelta(minutes=2)
        merged = at_hour(moved.start + timedelta(days=draws.between(1, 5)), 10)
        known = known_identity(chart.steps, site, begun) or arrival.identity
        never = chart.behaviours.happens("never_merged", visit.number)
        until = datetime.max.replace(tzinfo=merged.tzinfo) if never else merged
        _rename(chart, visit.number, second, until)
        _add(chart, IdentityNews(site, visit.person, second, "A28"), begun, _PROVISIONAL)
        _mark_twice(chart, visit, moved.start, None if never else merged)
        if never:
            continue
        news = IdentityNews(site, visit.person, visit.ipp, "A40", other=second)
        _add(chart, news, merged, known)
        if chart.behaviours.happens("wrongly_parted", visit.number):
            apart = merged + timedelta(days=draws.between(1, 2))
            _add(chart, replace(news, event="A37"), apart, known)
            _add(chart, news, apart + timedelta(days=1), known)


def _mark_twice(chart: Chart, visit: Visit, start: datetime, merged: datetime | None) -> None:
    """Note what a second record hides from the hospital, and what it holds up."""
    origin = visit.care.origin
    rule = "TRX-08" if visit.establishment is SMR else "ORI-06"
    for _step, moved in _movements(chart):
        sender = moved.visit
        if moved.event == "A03" and origin is not None and sender.nda == origin.nda:
            chart.rupture(rule, Cause.OPENED_TWICE, sender, moved.start, merged, real=False)
            if visit.establishment is SMR:
                # A place that was promised there is not seen to be taken either.
                chart.rupture("ORI-03", Cause.OPENED_TWICE, sender, moved.start, merged, real=False)
    for step in chart.steps:
        letter = step.content
        if not isinstance(letter, LetterSent) or letter.visit.number != visit.number:
            continue
        if letter.visit.ipp == visit.ipp or letter.version > 1 or not visit.person.has_gp:
            continue
        # Nobody may mail a letter of a record without a qualified identity.
        chart.rupture("ID-01", Cause.OPENED_TWICE, visit, step.sent, merged)
        chart.rupture("TRX-03", Cause.OPENED_TWICE, visit, step.sent, merged)


def _rename(chart: Chart, number: str, second: str, until: datetime) -> None:
    """Tell a visit under another record, up to an instant."""

    def renamed(step: Step) -> Step:
        content = step.content
        if not isinstance(content, (Movement, LetterSent)) or content.visit.number != number:
            return step
        if step.sent >= until:
            return step
        told = replace(content, visit=replace(content.visit, ipp=second))
        return replace(step, content=told, identity=_PROVISIONAL)

    _each(chart, renamed)


def _left(chart: Chart, visit: Visit) -> datetime | None:
    """Return when somebody left a stay alive."""
    found = [
        m.start
        for _s, m in _movements(chart)
        if m.event == "A03"
        and m.visit.number == visit.number
        and m.exit
        and m.exit.sector != "dead"
    ]
    return max(found, default=None)


def _slot(chart: Chart, visit: Visit, number: str, start: datetime, place: Place) -> Booking:
    site = visit.establishment
    unit = place if site is not CLCC else Place(CLCC.units[-1])
    return Booking(
        site, chart.person, chart.ipp(site), "S12", number, start, 40, _SUPPORT,
        visit.attending, unit,
    )  # fmt: skip


def _movements(chart: Chart) -> list[tuple[Step, Movement]]:
    return [(s, s.content) for s in chart.steps if isinstance(s.content, Movement)]


def _put(chart: Chart, old: Step, new: Step) -> None:
    _each(chart, lambda step: new if step is old else step)


def _each(chart: Chart, change: Callable[[Step], Step]) -> None:
    chart.steps[:] = [change(step) for step in chart.steps]


def _add(chart: Chart, content: Content, at: datetime, known: Identity) -> None:
    sent = at + timedelta(seconds=20)
    chart.steps.append(Step(len(chart.steps) + 1, chart.story, at, at, sent, known, content))
