"""What is wrong with a mute that somebody asks for, one function a code."""

from collections.abc import Iterable

from gateway.core.issues import Issue, Severity
from gateway.core.work import LONGEST_MUTE, SHORTEST_NOTE


def _place(name: str) -> str:
    return f"Parameters.parameter.where(name='{name}')"


def no_parameters() -> Issue:
    """Say that the body is no Parameters."""
    return Issue(
        code="RLS-GAP-020",
        severity=Severity.ERROR,
        where="Parameters",
        what="the body is no Parameters.",
        fix="Send Parameters with scope, reason, until, note and what is muted.",
    )


def wrong_parameter(name: str, reason: str, known: Iterable[str] = ()) -> Issue:
    """Say that a parameter is unknown, missing, said twice or of another type."""
    names = ", ".join(known)
    return Issue(
        code="RLS-GAP-021",
        severity=Severity.ERROR,
        where=_place(name),
        what=f"the parameter is {reason}.",
        fix=f"Send the parameters of this scope: {names}." if names else "Send it as documented.",
    )


def wrong_code(name: str, known: Iterable[str]) -> Issue:
    """Say that a scope or a reason is none."""
    return Issue(
        code="RLS-GAP-022",
        severity=Severity.ERROR,
        where=_place(name),
        what="the code is not one of those there are.",
        fix=f"Write one of {', '.join(known)}.",
    )


def nothing_there(name: str) -> Issue:
    """Say that what would be muted does not exist."""
    return Issue(
        code="RLS-GAP-023",
        severity=Severity.ERROR,
        where=_place(name),
        what="there is none: nothing would be muted.",
        fix="Take the id from the gap's DetectedIssue, the Patient, or `relais pathway rules`.",
    )


def wrong_end(reason: str) -> Issue:
    """Say that a mute has no end, or one that is over or too far."""
    return Issue(
        code="RLS-GAP-024",
        severity=Severity.ERROR,
        where=_place("until"),
        what=f"the end of the mute {reason}.",
        fix=f"Write an instant with offset after the start, at most {LONGEST_MUTE.days} days on.",
    )


def short_note() -> Issue:
    """Say that the note tells nothing."""
    return Issue(
        code="RLS-GAP-025",
        severity=Severity.ERROR,
        where=_place("note"),
        what=f"the note has fewer than {SHORTEST_NOTE} characters.",
        fix="Say in words why nobody is to be told.",
    )


def past_start() -> Issue:
    """Say that a mute would begin in the past: what was told stays told."""
    return Issue(
        code="RLS-GAP-026",
        severity=Severity.ERROR,
        where=_place("from"),
        what="the mute would begin in the past, or is no instant with offset.",
        fix="Leave `from` out to begin now, or write an instant to come.",
    )


def no_mute() -> Issue:
    """Say that there is no such mute."""
    return Issue(
        code="RLS-GAP-027",
        severity=Severity.ERROR,
        where=_place("mute"),
        what="there is no mute with this id.",
        fix="Take the id from the answer that made it, or from the list of mutes.",
    )


def mute_over() -> Issue:
    """Say that a mute ended already."""
    return Issue(
        code="RLS-GAP-028",
        severity=Severity.ERROR,
        where=_place("mute"),
        what="the mute ended already, or was lifted.",
        fix="Nothing: its gaps are told again.",
    )
