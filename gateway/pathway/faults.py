"""Every problem of a rule file, one function a code; they stop the start."""

from collections.abc import Iterable

from gateway.core.issues import Issue, Severity
from gateway.core.nearest import nearest_hint


def wrong_key(where: str, key: str, reason: str, known: Iterable[str] = ()) -> Issue:
    """Say that a key is unknown, missing or holds a value of the wrong form."""
    return Issue(
        code="RLS-PTH-001",
        severity=Severity.FATAL,
        where=where,
        what=f"key '{key}': {reason}{nearest_hint(key.rpartition('.')[2], known)}.",
        fix="Correct the key; docs/reference holds the vocabulary of a rule.",
    )


def unknown_event(where: str, key: str, name: str, known: Iterable[str]) -> Issue:
    """Say that an event is not of the alphabet."""
    return Issue(
        code="RLS-PTH-002",
        severity=Severity.FATAL,
        where=where,
        what=f"key '{key}': event '{name}' is unknown{nearest_hint(name, known)}.",
        fix="Write an event of the alphabet, a family such as 'DOC.*', or several joined by '|'.",
    )


def unknown_field(where: str, key: str, name: str, event: str, known: Iterable[str]) -> Issue:
    """Say that an event has no such attribute."""
    return Issue(
        code="RLS-PTH-003",
        severity=Severity.FATAL,
        where=where,
        what=f"key '{key}': {event} has no field '{name}'{nearest_hint(name, known)}.",
        fix="Write an attribute of the event; `t.<name>` reads the trigger.",
    )


def bad_expression(where: str, key: str, reason: str) -> Issue:
    """Say that a `where` cannot be read."""
    return Issue(
        code="RLS-PTH-004",
        severity=Severity.FATAL,
        where=where,
        what=f"key '{key}': {reason}.",
        fix="Use == != < <= > >=, in [...], and, or, not, fields, texts in quotes, numbers, null.",
    )


def unknown_unit(where: str, key: str, name: str, known: Iterable[str]) -> Issue:
    """Say that a deadline is counted in no known unit."""
    return Issue(
        code="RLS-PTH-005",
        severity=Severity.FATAL,
        where=where,
        what=f"key '{key}': unit '{name}' is unknown{nearest_hint(name, known)}.",
        fix="Write h, bh, d, bd, jo or day0.",
    )


def wrong_types(where: str, key: str, reason: str) -> Issue:
    """Say that an expression compares what cannot be compared."""
    return Issue(
        code="RLS-PTH-006",
        severity=Severity.FATAL,
        where=where,
        what=f"key '{key}': {reason}.",
        fix="Compare text with 'text', numbers with numbers, true and false with neither.",
    )


def contradictory_rule(where: str, key: str, reason: str) -> Issue:
    """Say that the keys of a rule exclude each other."""
    return Issue(
        code="RLS-PTH-007",
        severity=Severity.FATAL,
        where=where,
        what=f"key '{key}': {reason}.",
        fix="Correct the rule; an id keeps its meaning, a version its content.",
    )


def defined_twice(where: str, name: str, other: str) -> Issue:
    """Say that two files hold the same version of a rule."""
    return Issue(
        code="RLS-PTH-008",
        severity=Severity.FATAL,
        where=where,
        what=f"'{name}' is already defined in {other}.",
        fix="Keep one of the two, or raise the version.",
    )


def changed_in_place(where: str, name: str) -> Issue:
    """Say that a published version is not what was published."""
    return Issue(
        code="RLS-PTH-009",
        severity=Severity.FATAL,
        where=where,
        what=f"{name} was published and has been changed since.",
        fix="Put it back, and write the change as a new file with the next version.",
    )


def goes_round(where: str, way: str) -> Issue:
    """Say that an escalation ladder comes back to somebody who was told before."""
    return Issue(
        code="RLS-PTH-010",
        severity=Severity.FATAL,
        where=where,
        what=f"the ladder goes round: {way}.",
        fix="Name each role once; the owner is told when the gap opens.",
    )


def unknown_rule(where: str, name: str, known: Iterable[str]) -> Issue:
    """Say that a setting or a list names a rule that is not there."""
    return Issue(
        code="RLS-PTH-011",
        severity=Severity.FATAL,
        where=where,
        what=f"rule '{name}' is unknown{nearest_hint(name, known)}.",
        fix="Write the id of a rule file, or * for all.",
    )


def no_rules(where: str) -> Issue:
    """Say that a folder holds no rule file: nothing would be noticed."""
    return Issue(
        code="RLS-PTH-017",
        severity=Severity.FATAL,
        where=where,
        what="the folder is not there, or holds no rule file.",
        fix="Name a folder of rule files: RELAIS_PATHWAYS, RELAIS_PATHWAY_ADDED, or --rules.",
    )
