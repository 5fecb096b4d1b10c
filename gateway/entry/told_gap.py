"""A gap told to whoever asks why it is one, line by line."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from gateway.core.errors import RejectedError
from gateway.core.facts import ExpectationRow, LedgerLine, Received, Status, feed_of
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Transaction
from gateway.pathway.calendar import region_of
from gateway.pathway.counting import CountedDay, counted_days, read_pauses
from gateway.pathway.explain import explain
from gateway.pathway.facts import reduce, stamp
from gateway.pathway.rules import Rules
from gateway.pathway.watermarks import feeds_of
from gateway.pathway.wording import clock, event_name, say
from gateway.pipeline.histories import history_of

#: Shorter than any id one would type by accident.
_SHORTEST = 8
_TITLES = {
    "why": ("Pourquoi", "Why"),
    "days": ("Le délai, jour par jour", "The deadline, day by day"),
    "facts": ("Les faits", "The facts"),
    "ledger": ("Le journal", "The ledger"),
}
_RECEIVED = ("reçu", "received")
_WHY_NOT = {
    "weekend": ("week-end", "week-end"),
    "holiday": ("jour férié", "public holiday"),
    "pause": ("suspendu", "paused"),
}


def told_gap(tx: Transaction, gap_id: str, rules: Rules, language: int) -> list[str]:
    """Return what there is to say about a gap.

    Args:
        tx: a reading transaction.
        gap_id: the whole id, or its first characters (8 at least) when no other begins so.
        rules: all versions.
        language: 0 French, 1 English.

    Raises:
        RejectedError: there is no such gap, or several (RLS-PTH-122).
    """
    row = _found(tx, gap_id)
    history = history_of(tx, row.person_id)
    told = explain(row, history.received, rules)
    why = [*(told.fr, told.en)[language], *_waiting(tx, row, rules, language)]
    lines = [f"{row.gap_id}  {row.rule} v{row.rule_version}  {row.status}", ""]
    lines += [_TITLES["why"][language], *_indented(why), ""]
    days = list(_days(row, history.received, rules, language))
    if days:
        lines += [_TITLES["days"][language], *_indented(days), ""]
    lines += [
        _TITLES["facts"][language], *_indented(_facts(row, history.received, language)), "",
        _TITLES["ledger"][language], *_indented(_ledger(tx.watch.history(row.gap_id))),
    ]  # fmt: skip
    return lines


def _found(tx: Transaction, gap_id: str) -> ExpectationRow:
    row = tx.watch.gap(gap_id)
    if row is not None:
        return row
    rows = tx.watch.gaps(tuple(Status), 10**9, opened_only=False)
    near = [one for one in rows if len(gap_id) >= _SHORTEST and one.gap_id.startswith(gap_id)]
    if len(near) == 1:
        return near[0]
    raise RejectedError(
        [
            Issue(
                code="RLS-PTH-122",
                severity=Severity.ERROR,
                where=gap_id,
                what=f"{len(near)} gaps have an id that begins so."
                if near
                else "there is no such gap.",
                fix="Take the id from the page of the gap, or from `relais pathway as-of --all`.",
            )
        ]
    )


def _waiting(tx: Transaction, row: ExpectationRow, rules: Rules, language: int) -> Iterator[str]:
    """Say how many expectations a silent feed leaves unconfirmed."""
    feed = feed_of(row.patient.id)
    if feed and row.status is Status.OVERDUE:
        found = tx.watch.gaps([Status.UNCONFIRMED], 10**9, opened_only=False)
        count = sum(feed in _needed(one, rules) for one in found)
        yield say("waiting", language, count=count)


def _needed(row: ExpectationRow, rules: Rules) -> list[str]:
    rule = rules.version(row.rule, row.rule_version)
    here, there = (str(row.details.get(name) or "") for name in ("estab", "destination_finess"))
    return feeds_of(rule, here, there) if rule is not None else []


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _days(
    row: ExpectationRow, received: Sequence[Received], rules: Rules, language: int
) -> Iterator[str]:
    rule = rules.version(row.rule, row.rule_version)
    trigger = reduce(received).get(row.trigger) if rule is not None and rule.cases else None
    if rule is not None and trigger is not None:
        rule = rule.case(trigger.attributes)
    if rule is None or row.deadline is None or rule.written.deadline.at:
        return
    region = region_of(str(row.details.get("estab") or ""))
    yield f"{clock(row.anchor, language)}  0"
    unit = rule.written.deadline.unit
    pauses = read_pauses(row.details.get("pauses", ()))
    for one in counted_days(row.anchor, row.deadline, unit, pauses, region):
        yield _day(one, language)
    yield f"{clock(row.deadline, language)}  ="
    if rule.written.grace:
        told = clock(row.deadline + rule.written.grace, language)
        yield f"{told}  + {_hours(rule.written.grace)}"


def _day(one: CountedDay, language: int) -> str:
    said = str(one.number) if one.number is not None else f"- {_WHY_NOT[one.why][language]}"
    return f"{one.day:%a %d/%m/%Y}  {said}" if language else f"{one.day:%d/%m/%Y}  {said}"


def _hours(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:g} h"


def _facts(row: ExpectationRow, received: Sequence[Received], language: int) -> list[str]:
    facts = reduce(received)
    told = []
    for key in row.evidence:
        fact = facts.get(key)
        if fact is None:
            told.append(f"{key}  -")
            continue
        told.append(
            f"{event_name(fact.event, language)}  {stamp(fact.low)}"
            f"  {_RECEIVED[language]} {stamp(fact.learned)}  {fact.assertion.source}  {key}"
        )
    return told


def _ledger(lines: Sequence[LedgerLine]) -> list[str]:
    return [
        f"{stamp(line.instant)}  {line.from_status or '-'} -> {line.to_status}"
        f"  {line.cause}  ({line.rule} v{line.rule_version}, {line.episode})"
        for line in lines
    ]
