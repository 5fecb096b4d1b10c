"""Mutes are made and lifted: kept, and the persons they are about looked at again.

A mute hides and silences; what is overdue stays overdue. It ends by itself: the look that shows
it plans the one at its end.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from gateway.core.errors import RejectedError
from gateway.core.facts import ExpectationRow, Status
from gateway.core.issues import Issue
from gateway.core.ports import ResourceQueries, Transaction
from gateway.core.work import Mute, Scope
from gateway.fhir import gaps, mute_faults
from gateway.fhir.mutes import Asked, judged
from gateway.pathway.mutes import subjects_of
from gateway.pipeline import written

_MOST = 10**6


def mute(
    tx: Transaction,
    wish: Asked,
    rules: Collection[str],
    now: datetime,
    shown: ResourceQueries | None = None,
) -> Mute:
    """Keep a mute; return it.

    Args:
        tx: an open transaction.
        wish: what somebody asks for; a gap by its id or that of its DetectedIssue.
        rules: ids of all rules.
        now: instant of the commit.
        shown: resources of who asks; None: all.

    Raises:
        RejectedError: it is wrong, or what would be muted is not there (RLS-GAP-021 to 026).
    """
    resources = shown or tx.resources
    gap_id = _gap_id(resources, wish.parts.get("gap", ""))
    if gap_id:
        wish = replace(wish, parts={**wish.parts, "gap": gap_id})
    if "domain" in wish.parts:
        domain = wish.parts["domain"].rpartition("@")[2].lower()
        wish = replace(wish, parts={**wish.parts, "domain": domain})
    made = judged(wish, now)
    absent = list(_absent(tx, resources, wish, rules))
    if absent:
        raise RejectedError(absent)
    tx.work.mute(made)
    _look_again(tx, made, now)
    return made


def lift(tx: Transaction, mute_id: str, by: str, now: datetime) -> Mute:
    """End a mute before its time; return it as it is then.

    Raises:
        RejectedError: there is none (RLS-GAP-027), or it is over (RLS-GAP-028).
    """
    found = next((one for one in tx.work.mutes() if one.id == mute_id), None)
    if found is None:
        raise RejectedError([mute_faults.no_mute()])
    if found.end <= now:
        raise RejectedError([mute_faults.mute_over()])
    at = now.replace(microsecond=0)
    tx.work.lift(mute_id, by, at)
    _look_again(tx, found, now)
    return replace(found, lifted_at=at, lifted_by=by)


def hidden(tx: Transaction, rows: Iterable[ExpectationRow], now: datetime) -> set[str]:
    """Return the ids of the gaps among some that are muted now: lists leave them out."""
    holding = [one for one in tx.work.mutes() if one.holds(now)]
    if not holding:
        return set()
    plain = {one.subject for one in holding}
    # A mute of a Patient holds for the whole person.
    named = [one.subject.split("|") for one in holding if one.scope is Scope.PATIENT_RULE]
    whose = tx.facts.persons({patient for _, patient, _ in named})
    of_persons = {(whose[patient], rule) for _, patient, rule in named}
    return {
        row.gap_id
        for row in rows
        if (row.person_id, row.rule) in of_persons or not plain.isdisjoint(subjects_of(row, ()))
    }


def _gap_id(resources: ResourceQueries, named: str) -> str:
    """Return the id of the gap of a DetectedIssue; empty when it is none."""
    key = ("DetectedIssue", named)
    issue = written.read(resources.current([key]).get(key)) if named else None
    for identifier in (issue or {}).get("identifier", ()):
        if identifier.get("system") == gaps.GAP_SYSTEM:
            return str(identifier.get("value", ""))
    return ""


def _absent(
    tx: Transaction, resources: ResourceQueries, wish: Asked, rules: Collection[str]
) -> Iterable[Issue]:
    parts = wish.parts
    if "gap" in parts and tx.watch.gap(parts["gap"]) is None:
        yield mute_faults.nothing_there("gap")
    if "patient" in parts:
        key = ("Patient", parts["patient"])
        if key not in resources.current([key]):
            yield mute_faults.nothing_there("patient")
    if "rule" in parts and parts["rule"] not in rules:
        yield mute_faults.nothing_there("rule")


def _look_again(tx: Transaction, made: Mute, now: datetime) -> None:
    """Have the persons looked at whose open gaps it is about."""
    if made.scope is Scope.PATIENT_RULE:
        persons = tx.facts.persons([made.subject.split("|")[1]])
    else:
        rows = _open(tx, made)
        about = [row for row in rows if made.subject in subjects_of(row, ())]
        persons = tx.facts.persons({row.patient.id for row in about})
    tx.watch.touch(dict.fromkeys(persons.values(), now))


def _open(tx: Transaction, made: Mute) -> list[ExpectationRow]:
    """Return the open gaps among which those of a mute are."""
    if made.scope is Scope.GAP:
        found = tx.watch.gap(made.subject.split("|")[1])
        return [found] if gaps.is_open(found) and found is not None else []
    rule = made.subject.split("|")[1] if made.scope is Scope.RULE_ESTABLISHMENT else ""
    return tx.watch.gaps((Status.OVERDUE,), _MOST, rule=rule)
