"""What is odd about rules that are sound: told by `relais pathway check`, stops nothing.

Whether conditions can hold is tried out on the values they compare with, not proved; where there
are too many combinations nothing is said.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, combinations, pairwise, product
from math import prod
from typing import Any

from gateway.core.events import ATTRIBUTES, Kind, family
from gateway.core.issues import Issue, Severity
from gateway.pathway.calendar import due
from gateway.pathway.model import Escalation
from gateway.pathway.published import Lists
from gateway.pathway.rule import Rule
from gateway.pathway.rules import Rules
from gateway.pathway.where import literals

#: More combinations of values than this are not tried.
_MOST = 50_000
#: A gap may open on a morning, before a week-end, on a Saturday.
_OPENINGS = (
    datetime(2026, 3, 3, 8, tzinfo=UTC),
    datetime(2026, 3, 6, 17, tzinfo=UTC),
    datetime(2026, 3, 7, 11, tzinfo=UTC),
)
_INSTANTS = ("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z")


def oddities(rules: Rules, lists: Lists) -> Iterator[Issue]:
    """Find what is odd, rule by rule, then in pairs.

    Args:
        rules: all of a folder, on or off.
        lists: beside them.
    """
    for versions in (rules.versions[name] for name in sorted(rules.versions)):
        for rule in versions:
            yield from _steps_without_effect(rule)
            if _ever_holds([rule]) is False:
                yield _never_applies(_named(rule))
        for newer, older in pairwise(versions):
            if _hides(newer, older):
                yield _hidden(_named(older), _named(newer))
    newest = [versions[0] for _name, versions in sorted(rules.versions.items())]
    for one, other in combinations(newest, 2):
        if _answer_the_same(one, other) and _ever_holds([one, other]) is False:
            yield _never_both(one.id, other.id)
    for name in lists.gone(rules):
        yield _gone(name)


def _named(rule: Rule) -> str:
    return f"{rule.id} version {rule.version}"


def _hides(newer: Rule, older: Rule) -> bool:
    """Tell whether every anchor of the older version is one of the newer."""
    if newer.trigger.events < older.trigger.events:
        return False
    first, since = newer.applies_from, older.applies_from
    return first is None or (since is not None and first <= since)


def _answer_the_same(one: Rule, other: Rule) -> bool:
    """Tell whether two rules start with the same event and end with the same."""
    closers = (chain.from_iterable(p.events for p in rule.closes) for rule in (one, other))
    mine, theirs = map(frozenset, closers)
    return bool(one.trigger.events & other.trigger.events and mine & theirs)


def _ever_holds(rules: Sequence[Rule]) -> bool | None:
    """Tell whether one trigger may start all of these; None when it was not tried."""
    texts = [rule.written.trigger.where for rule in rules]
    names = frozenset().union(*(rule.trigger.reads for rule in rules))
    events = frozenset.intersection(*(rule.trigger.events for rule in rules))
    fields = ATTRIBUTES[family(next(iter(events)))]
    words = frozenset().union(*(literals(text)[0] for text in texts))
    numbers = frozenset().union(*(literals(text)[1] for text in texts))
    values = {name: _values(fields[name], words, numbers) for name in sorted(names)}
    if prod(len(one) for one in values.values()) > _MOST:
        return None
    return any(all(rule.trigger.where(fact, fact) for rule in rules) for fact in _facts(values))


def _facts(values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for chosen in product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


def _values(kind: Kind, words: Collection[str], numbers: Collection[float]) -> Sequence[Any]:
    """Return values that stand for all there are."""
    if kind is Kind.BOOLEAN:
        return (None, True, False)
    if kind is Kind.NUMBER:
        near = {number + step for number in numbers for step in (-1, 0, 1)}
        return (None, 0, *sorted(near))
    if kind is Kind.INSTANT:
        return (None, *_INSTANTS)
    if kind is Kind.TEXTS:
        return (None, sorted(words))
    return (None, "another value", *sorted(words))


def _steps_without_effect(rule: Rule) -> Iterator[Issue]:
    """Find steps of a ladder that never come after the one before."""
    steps = rule.written.escalate
    for number, (before, step) in enumerate(pairwise(steps), 2):
        if all(_at(step, opened) <= _at(before, opened) for opened in _OPENINGS):
            yield _unreachable(_named(rule), number, step.to, step.after)


def _at(step: Escalation, opened: datetime) -> datetime:
    return due(opened, *step.count) or opened


def _never_both(one: str, other: str) -> Issue:
    """Say that the conditions of two rules that wait for the same exclude each other."""
    return Issue(
        code="RLS-PTH-012",
        severity=Severity.WARNING,
        where=f"{one} and {other}",
        what="they start with the same event and wait for the same, and never both apply.",
        fix="Nothing, if they share out the cases between them; else correct a condition.",
    )


def _hidden(older: str, newer: str) -> Issue:
    """Say that a version is never in force."""
    return Issue(
        code="RLS-PTH-013",
        severity=Severity.WARNING,
        where=older,
        what=f"it never applies: {newer} holds for every anchor it would have.",
        fix="Give the newer version a later applies_from, or leave it when that is meant.",
    )


def _unreachable(where: str, number: int, role: str, after: str) -> Issue:
    """Say that a step of the ladder never comes after the one before it."""
    return Issue(
        code="RLS-PTH-014",
        severity=Severity.WARNING,
        where=f"{where}, escalate {number}",
        what=f"the step to {role} after {after} never comes after the one before it.",
        fix="Put the steps in order of time.",
    )


def _never_applies(where: str) -> Issue:
    """Say that no trigger fulfils the condition of a rule."""
    return Issue(
        code="RLS-PTH-015",
        severity=Severity.WARNING,
        where=where,
        what="no value fulfils the condition of its trigger: it starts nothing.",
        fix="Correct trigger.where.",
    )


def _gone(name: str) -> Issue:
    """Say that a published version has no file any more."""
    return Issue(
        code="RLS-PTH-016",
        severity=Severity.WARNING,
        where=name,
        what="it was published, and its file is gone: what it opened cannot be explained.",
        fix="Put the file back; a rule is turned off by the setting pathway.off.",
    )
