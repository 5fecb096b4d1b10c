"""Why a gap is one: rule, law, arithmetic of the deadline, evidence, and what would close it.

For pages, `DetectedIssue.detail` and `relais pathway explain`. Decides nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.events import events_named
from gateway.core.facts import ExpectationRow, Received, Status
from gateway.pathway import wording
from gateway.pathway.calendar import WORKING_UNITS, is_working_day, local, region_of
from gateway.pathway.corrected import AUTHOR, FLAG, OFFSET, REASON
from gateway.pathway.facts import Fact, instant_of, reduce
from gateway.pathway.rules import Rule, Rules
from gateway.pathway.wording import clock, event_name, length, say

_DAY = timedelta(days=1)
#: A delay worth a sentence.
_NOTABLE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The same sentences in both languages."""

    fr: tuple[str, ...]
    en: tuple[str, ...]


def explain(row: ExpectationRow, received: Iterable[Received], rules: Rules) -> Explanation:
    """Say why an expectation stands where it does.

    Args:
        row: the expectation.
        received: assertions about its person.
        rules: all versions; one that is gone leaves out what only the rule knows.
    """
    facts = reduce(received)
    told = [tuple(_sentences(row, facts, rules, place)) for place in range(2)]
    return Explanation(*told)


def _sentences(
    row: ExpectationRow, facts: Mapping[str, Fact], rules: Rules, language: int
) -> Iterator[str]:
    rule = rules.version(row.rule, row.rule_version)
    trigger = facts.get(row.trigger)
    if rule is not None and trigger is not None:
        rule = rule.case(trigger.attributes)
    yield from _ailment(row, language)
    if rule is not None:
        written = rule.written
        name = written.name.get("fr" if language == 0 else "en", row.rule)
        yield say("rule", language, id=rule.id, version=rule.version, name=name)
        yield wording.legal(written.legal.kind, written.legal.ref, language)
    if trigger is not None:
        yield say(
            "trigger",
            language,
            event=event_name(trigger.event, language),
            at=clock(trigger.low, language),
            learned=clock(trigger.learned, language),
        )
    for fact in (trigger, facts.get(row.closer)):
        yield from _corrected(fact, language)
    if row.details.get("estab"):
        yield say("place", language, estab=row.details["estab"])
    if rule is not None:
        sentence = "forbidden" if rule.written.kind == "forbid" else "awaited"
        yield say(sentence, language, events=_closers(rule, language))
        yield from _deadline(row, rule, trigger, language)
    yield from _standing(row, rule, facts, language)
    for flag in row.details.get("flags", ()):
        if flag in wording.FLAGS:
            yield wording.FLAGS[flag][language]
    if row.details.get("candidates"):
        yield say("candidates", language, count=len(row.details["candidates"]))
    waits = row.status in (Status.OVERDUE, Status.UNCONFIRMED, Status.PENDING, Status.PAUSED)
    shown = "; ".join(_evidence(rule, row, trigger, facts, language)) if rule and waits else ""
    if shown:
        yield say("evidence", language, shown=shown)
    if rule is not None and waits and rule.written.kind == "expect":
        yield say("closes", language, events=_closers(rule, language))


def _ailment(row: ExpectationRow, language: int) -> Iterator[str]:
    """Say what is wrong with a feed; nothing of what is about a person."""
    said, at = row.details, clock(row.anchor, language)
    name, event = said.get("feed", ""), said.get("event")
    if event == "FEED.SILENT":
        yield say("silent", language, feed=name, at=at)
    elif event == "FEED.SKEW" and said.get("skew_s"):
        word = "behind" if said["skew_s"] > 0 else "ahead"
        by = length(timedelta(seconds=abs(said["skew_s"])), language)
        yield say(word, language, feed=name, by=by, at=at)
    elif event == "FEED.REJECTS":
        yield say("rejecting", language, feed=name, count=said.get("rejects", "?"), at=at)


def _corrected(fact: Fact | None, language: int) -> Iterator[str]:
    """Say by how much the time of a fact was moved, who allowed it and why."""
    if fact is None or FLAG not in fact.flags:
        return
    said = fact.assertion.attributes
    offset = timedelta(seconds=said[OFFSET])
    sign = "-" if offset < timedelta(0) else "+"
    yield say(
        "corrected",
        language,
        event=event_name(fact.event, language),
        offset=f"{sign}{length(abs(offset), language)}",
        told=clock(fact.assertion.when.low - offset, language),
        author=said[AUTHOR],
        reason=said[REASON],
    )


def _closers(rule: Rule, language: int) -> str:
    joined = " ou " if language == 0 else " or "
    alternatives = [
        joined.join(
            dict.fromkeys(
                event_name(event, language) for one in group for event in one.event.split("|")
            )
        )
        for group in (rule.written.closes, rule.written.also)
        if group
    ]
    return (", et " if language == 0 else ", and ").join(alternatives)


def _evidence(
    rule: Rule,
    row: ExpectationRow,
    trigger: Fact | None,
    facts: Mapping[str, Fact],
    language: int,
) -> Iterator[str]:
    """Give what a person wants to see first: attributes of the trigger, the last facts."""
    for name in rule.written.evidence:
        if "." not in name:
            said = trigger.attributes.get(name) if trigger else None
            said = row.details.get(name) if said is None else said
            if said is not None and name != "te":
                yield f"{name} = {said}"
            continue
        known = [fact for fact in facts.values() if fact.event in events_named(name)]
        if known:
            last = max(known, key=lambda fact: (fact.low, fact.key))
            of = " du " if language == 0 else " of "
            yield f"{event_name(last.event, language)}{of}{clock(last.low, language)}"


def _deadline(
    row: ExpectationRow, rule: Rule, trigger: Fact | None, language: int
) -> Iterator[str]:
    written = rule.written.deadline
    if row.deadline is None:
        yield say("open", language)
        return
    deadline, anchor = clock(row.deadline, language), clock(row.anchor, language)
    if written.at:
        yield say("at", language, deadline=deadline)
    elif written.unit == "day0" or (not written.n and written.unit not in ("h", "bh")):
        yield say("day", language, anchor=anchor, deadline=deadline)
    elif not written.n:
        yield say("at", language, deadline=deadline)
    else:
        unit = wording.unit_name(written.unit, language)
        yield say("units", language, n=written.n, unit=unit, anchor=anchor, deadline=deadline)
        if written.unit in WORKING_UNITS:
            skipped = ", ".join(_skipped(row.anchor, row.deadline, written.unit, row, language))
            if skipped:
                yield say("skipped", language, days=skipped)
    told = row.deadline + rule.written.grace
    settled = trigger.learned + rule.written.settle if trigger else told
    if settled > told:
        settle = length(rule.written.settle, language)
        yield say("settle", language, settle=settle, theta=clock(settled, language))
    elif rule.written.grace:
        grace = length(rule.written.grace, language)
        yield say("grace", language, grace=grace, theta=clock(told, language))


def _skipped(
    anchor: datetime, deadline: datetime, unit: str, row: ExpectationRow, language: int
) -> Iterator[str]:
    region = region_of(row.details.get("estab"))
    day, last = local(anchor).date() + _DAY, local(deadline).date()
    while day < last:
        if not is_working_day(day, "jo" if unit == "jo" else "bd", region):
            yield day.strftime("%d/%m" if language == 0 else "%m-%d")
        day += _DAY


def _standing(
    row: ExpectationRow, rule: Rule | None, facts: Mapping[str, Fact], language: int
) -> Iterator[str]:
    status, closer = row.status, facts.get(row.closer)
    opened = clock(row.opened_at, language) if row.opened_at else "?"
    if status in (Status.MET, Status.MET_LATE) and closer is not None:
        yield from _met(row, closer, language)
    elif status is Status.MET:
        yield say("never", language)
    elif status is Status.OVERDUE and closer is not None:
        event, at = event_name(closer.event, language), clock(closer.low, language)
        yield say("found", language, event=event, at=at, opened=opened)
    elif status is Status.OVERDUE:
        yield say("overdue", language, opened=opened)
    elif status in (Status.CANCELLED, Status.MOOT):
        when = instant_of(row.details.get("cancelled_at"))
        event = event_name(str(row.details.get("cancelled_by", "")), language)
        yield say(status.value, language, event=event, at=clock(when, language) if when else "?")
    elif status in (Status.PENDING, Status.UNCONFIRMED, Status.VOID):
        yield say(status.value, language)


def _met(row: ExpectationRow, closer: Fact, language: int) -> Iterator[str]:
    late = closer.low - row.deadline if row.deadline else timedelta(0)
    yield say(
        row.status.value,
        language,
        event=event_name(closer.event, language),
        at=clock(closer.low, language),
        learned=clock(closer.learned, language),
        late=length(late, language),
    )
    delay = closer.learned - closer.low
    if row.status is Status.MET and row.opened_at is not None and delay >= _NOTABLE:
        yield say("information", language, delay=length(delay, language))
