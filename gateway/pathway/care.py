"""The cancer pathway of a person, drawn from all facts about them.

What opens it: a board that is asked for, a malignant report of pathology, the record of a board,
a programme of care. It is planned until a board or a programme is there, active from then on,
finished by death, cancelled when the board is not asked for any more and nothing else tells of a
cancer. Facts say neither tumour nor intent: a person has one pathway.
Pure: the result depends on the set of facts and on how far the expectations are.
Spec: fhir-fr EpisodeOfCare and CarePlan (one per pathway); pathways 3.1 to 3.3.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.core.care import Activity, Pathway, Phase, Progress, Stage, State
from gateway.core.events import REQUEST_KINDS, family
from gateway.core.facts import ExpectationRow, Status
from gateway.pathway.facts import Fact, instant_of

_ASKED = "REQ.rcp.SENT"
_CALLED_OFF = "REQ.rcp.WITHDRAWN"
_REPORT = "DOC.ACP"
_DECIDED = ("DOC.FRCP", "DOC.PPS")
#: Events that may open a pathway.
OPENING = frozenset({_ASKED, _REPORT, *_DECIDED})

#: PPS: all active treatments have stopped.
_STOPPED = "MED-052"
#: Purposes of a stay or an appointment that are a treatment of a cancer.
_TREATMENTS = frozenset({"chemotherapy", "radiotherapy", "brachytherapy", "immunotherapy"})
_MARKS = {
    _ASKED: Phase.SUSPICION,
    _REPORT: Phase.SUSPICION,
    "DOC.FRCP": Phase.ANNOUNCED,
    "DOC.PPS": Phase.ANNOUNCED,
    "DOC.CRO": Phase.TREATMENT,
    "REQ.palliative.SENT": Phase.PALLIATIVE,
}
_PHASES = list(Phase)

#: What is planned; requests and appointments stand under the resource they are about.
_STEPS = frozenset({"PPS.STEP", "LDL.PROMISE"})
_ANSWERS: Mapping[str, Progress] = {
    **{f"REQ.{kind}.ACCEPTED": Progress.ACCEPTED for kind in REQUEST_KINDS},
    **{f"REQ.{kind}.REFUSED": Progress.REFUSED for kind in REQUEST_KINDS},
    **{f"REQ.{kind}.WITHDRAWN": Progress.CANCELLED for kind in REQUEST_KINDS},
    "APPT.BOOKED": Progress.BOOKED,
    "APPT.MOVED": Progress.BOOKED,
    "APPT.CANCELLED": Progress.CANCELLED,
    "APPT.NOSHOW": Progress.NO_SHOW,
    "APPT.DONE": Progress.DONE,
}
_PROGRESS = list(Progress)
_MET = frozenset({Status.MET, Status.MET_LATE})
#: Families whose facts are acts, not words about one.
_ACTS = frozenset({"ENC", "DOC", "HOME"})


def pathway_of(facts: Mapping[str, Fact], rows: Iterable[ExpectationRow] = ()) -> Pathway | None:
    """Return the cancer pathway of a person; None when nothing opens one.

    Args:
        facts: of the person, by key.
        rows: the person's expectations, for what is done and what is overdue.
    """
    openers = sorted((one for one in facts.values() if _opens(one)), key=_begun)
    if not openers:
        return None
    start, opener = _start(openers[0]), openers[0]
    patient = opener.assertion.patient
    documents = sorted((one for one in openers if one.event in _DECIDED), key=_begun)
    last = documents[-1] if documents else None
    since = [one for one in facts.values() if _start(one) >= start or one.event == "PPS.STEP"]
    rows = [row for row in rows if row.anchor >= start]
    return Pathway(
        opener=opener.key,
        holder=patient.id if patient is not None else "",
        stages=tuple(_stages(facts.values(), openers, start)),
        phase=_phase(since),
        documents=tuple(one.key for one in documents),
        estab=last.text("estab") if last is not None else opener.text("estab"),
        author=last.text("author") if last is not None else "",
        activities=tuple(_activities(since, facts, rows)),
        overdue=tuple(
            sorted((row.gap_id, row.episode) for row in rows if row.status is Status.OVERDUE)
        ),
    )


def _opens(fact: Fact) -> bool:
    if fact.event == _REPORT:
        return fact.attributes.get("malignant") is True
    return fact.event in OPENING


def _start(fact: Fact) -> datetime:
    """Return when it happened: the record of a board is written after the meeting."""
    if fact.event == "DOC.FRCP":
        return min(fact.low, instant_of(fact.attributes.get("session_time")) or fact.low)
    return fact.low


def _begun(fact: Fact) -> tuple[datetime, str]:
    return _start(fact), fact.key


def _stages(facts: Iterable[Fact], openers: Sequence[Fact], start: datetime) -> Iterator[Stage]:
    """Return the states a pathway was in, in order."""
    decided = [_start(one) for one in openers if one.event in _DECIDED]
    found = [(start, State.PLANNED)] if not decided or min(decided) > start else []
    deaths = []
    called_off = []
    for fact in facts:
        if fact.event == "PAT.DEATH":
            deaths.append(fact.low)
        elif fact.event == _CALLED_OFF:
            called_off.append(fact)
    if decided:
        found.append((min(decided), State.ACTIVE))
    elif called_off and _all_called_off(openers, called_off):
        found.append((max(start, *(one.low for one in called_off)), State.CANCELLED))
    if deaths and found[-1][1] is not State.CANCELLED:
        # Who is told of after the death is told of late.
        died = max(start, min(deaths))
        found = [one for one in found if one[0] < died] or found[:1]
        found.append((died, State.FINISHED))
    for index, (at, state) in enumerate(found):
        yield Stage(state, at, found[index + 1][0] if index + 1 < len(found) else None)


def _all_called_off(openers: Sequence[Fact], called_off: Iterable[Fact]) -> bool:
    """Tell whether each board that was asked for is not any more, and nothing else opens."""
    gone = {_about(one) for one in called_off}
    return all(one.event == _ASKED and _about(one) in gone for one in openers)


def _phase(facts: Iterable[Fact]) -> Phase:
    """Return the phase of the latest mark; of two at one instant the later phase."""
    marks = [(_start(fact), _PHASES.index(phase)) for fact in facts if (phase := _marked(fact))]
    return _PHASES[max(marks)[1]] if marks else Phase.SUSPICION


def _marked(fact: Fact) -> Phase | None:
    if fact.event == "PPS.STEP":
        return Phase.FOLLOW_UP if fact.text("code") == _STOPPED else None
    if fact.event in ("ENC.ADMIT", "ENC.OUTPT"):
        return Phase.TREATMENT if fact.text("purpose") in _TREATMENTS else None
    if fact.event == "APPT.DONE":
        return Phase.TREATMENT if fact.text("kind") in _TREATMENTS else None
    if fact.event == _REPORT and not _opens(fact):
        return None
    return _MARKS.get(fact.event)


@dataclass(slots=True)
class _Group:
    """The facts about one planned thing, and what they say of its progress."""

    facts: list[Fact] = field(default_factory=list)
    progress: set[Progress] = field(default_factory=set)
    outcomes: set[str] = field(default_factory=set)


def _activities(
    since: Iterable[Fact], facts: Mapping[str, Fact], rows: Sequence[ExpectationRow]
) -> list[Activity]:
    groups: dict[str, _Group] = {}
    of_key: dict[str, str] = {}
    asked: dict[str, str] = {}
    for fact in sorted(since, key=lambda one: one.key):
        if not _is_planned(fact):
            continue
        about = _about(fact) or fact.key
        group = groups.setdefault(about, _Group())
        group.facts.append(fact)
        of_key[fact.key] = about
        if fact.event in _ANSWERS:
            group.progress.add(_ANSWERS[fact.event])
            if fact.event == "APPT.DONE":
                group.outcomes.add(fact.key)
        elif fact.event.startswith("REQ.") and (number := fact.text("request")):
            asked[number] = about
    _answer_by_appointment(groups, asked)
    for row in rows:
        if row.trigger in of_key:
            _judge(groups[of_key[row.trigger]], row, facts.get(row.closer))
    found = [_activity(about, group) for about, group in groups.items()]
    return sorted(found, key=_by_time)


def _is_planned(fact: Fact) -> bool:
    if fact.event in _STEPS:
        return fact.text("mood") != "EVN"
    return family(fact.event) in ("REQ", "APPT") and fact.event != "REQ.NUMBERED"


def _about(fact: Fact) -> str:
    """Return `Type/id` of what a planned thing is; empty when none was made of it."""
    if family(fact.event) in ("REQ", "APPT"):
        return fact.key.partition("|")[0]
    return fact.text("about")


def _answer_by_appointment(groups: Mapping[str, _Group], asked: Mapping[str, str]) -> None:
    """Tell requests what became of the appointments that were made for them."""
    for about, group in groups.items():
        for fact in group.facts:
            wanted = asked.get(fact.text("request"))
            if family(fact.event) != "APPT" or wanted is None or wanted == about:
                continue
            if fact.event in ("APPT.BOOKED", "APPT.DONE"):
                groups[wanted].progress.add(_ANSWERS[fact.event])
                groups[wanted].outcomes.add(fact.key)


def _judge(group: _Group, row: ExpectationRow, closer: Fact | None) -> None:
    """Note what the engine concluded of an expectation about something planned."""
    if row.status is Status.OVERDUE:
        group.progress.add(Progress.OVERDUE)
    elif row.status in _MET and closer is not None:
        if family(closer.event) in _ACTS or closer.event == "APPT.DONE":
            group.progress.add(Progress.DONE)
            group.outcomes.add(closer.key)
        elif closer.event == "APPT.BOOKED":
            group.progress.add(Progress.BOOKED)
            group.outcomes.add(closer.key)


def _activity(about: str, group: _Group) -> Activity:
    said = group.facts
    progress = min(group.progress or {Progress.PLANNED}, key=_PROGRESS.index)
    if Progress.ACCEPTED in group.progress and progress is Progress.REFUSED:
        # Several were asked: one has accepted.
        progress = Progress.ACCEPTED
    low = [at for fact in said for name in _LOW if (at := instant_of(fact.attributes.get(name)))]
    high = [at for fact in said if (at := instant_of(fact.attributes.get("high")))]
    contents = sorted({one for fact in said if (one := fact.text("content"))})
    return Activity(
        key=min(fact.key for fact in said),
        about=about if "/" in about and "|" not in about else "",
        progress=progress,
        content=contents[0] if contents else "",
        low=min(low, default=None),
        high=max(high, default=None),
        outcomes=tuple(sorted(group.outcomes)),
    )


_LOW = ("low", "date", "proposed_date", "session_time")


def _by_time(activity: Activity) -> tuple[bool, datetime | None, str]:
    # Without a date: last.
    return activity.low is None, activity.low, activity.key
