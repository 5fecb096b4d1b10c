"""What is wrong with a Task that people send back, one function a code."""

from collections.abc import Iterable

from gateway.core.issues import Issue, Severity


def no_task() -> Issue:
    """Say that the body is no Task."""
    return Issue(
        code="RLS-GAP-001",
        severity=Severity.ERROR,
        where="Task",
        what="the body is no Task.",
        fix="Send the Task as it was read, with what you change.",
    )


def missing(name: str) -> Issue:
    """Say that an element every Task has is left out."""
    return Issue(
        code="RLS-GAP-012",
        severity=Severity.ERROR,
        where=f"Task.{name}",
        what="the element is left out.",
        fix="Send the whole Task as it was read, with what you change.",
    )


def not_yours(name: str) -> Issue:
    """Say that an element is not for people to change."""
    return Issue(
        code="RLS-GAP-002",
        severity=Severity.ERROR,
        where=f"Task.{name}",
        what="this element is the gateway's: what was missed, for whom and since when.",
        fix="Leave it as it was read; change status, businessStatus, statusReason, owner, "
        "performerType, note, output or restriction.",
    )


def ended(status: str) -> Issue:
    """Say that a Task is over."""
    return Issue(
        code="RLS-GAP-003",
        severity=Severity.ERROR,
        where="Task.status",
        what=f"the Task is {status}: it is not woken.",
        fix="When the gap opens again it gets a Task of its own; see its DetectedIssue.",
    )


def wrong_status(known: Iterable[str]) -> Issue:
    """Say that people cannot give a Task this status."""
    return Issue(
        code="RLS-GAP-004",
        severity=Severity.ERROR,
        where="Task.status",
        what="people cannot give a Task this status.",
        fix=f"Write one of {', '.join(known)}.",
    )


def wrong_business(code: str, status: str, known: Iterable[str]) -> Issue:
    """Say that a business status does not go with the status."""
    return Issue(
        code="RLS-GAP-013",
        severity=Severity.ERROR,
        where="Task.businessStatus",
        what=f"'{code}' does not go with the status {status}.",
        fix=f"Write {' or '.join(known)}, or leave it out.",
    )


def no_reason(status: str) -> Issue:
    """Say that a reason is missing."""
    return Issue(
        code="RLS-GAP-005",
        severity=Severity.ERROR,
        where="Task.statusReason.text",
        what=f"a Task is not {status} without a reason in words.",
        fix="Write statusReason.text.",
    )


def no_date() -> Issue:
    """Say that it is not told until when a Task is put off."""
    return Issue(
        code="RLS-GAP-006",
        severity=Severity.ERROR,
        where="Task.restriction.period.end",
        what="a Task is put off until an instant to come.",
        fix="Write restriction.period.end, a dateTime with offset after now.",
    )


def no_output() -> Issue:
    """Say that it is not told how a gap was settled."""
    return Issue(
        code="RLS-GAP-007",
        severity=Severity.ERROR,
        where="Task.output",
        what="a Task is not completed without what was done.",
        fix="Write an output: valueCodeableConcept with the reason, or a reference to the act.",
    )


def unknown() -> Issue:
    """Say that there is no such Task."""
    return Issue(
        code="RLS-GAP-008",
        severity=Severity.ERROR,
        where="http.path",
        what="there is no Task with this id.",
        fix="Tasks are made by the gateway; search for them, or follow the gap's DetectedIssue.",
    )


def other_id() -> Issue:
    """Say that body and address name two Tasks."""
    return Issue(
        code="RLS-GAP-009",
        severity=Severity.ERROR,
        where="Task.id",
        what="the id of the body is not that of the address.",
        fix="Send the Task to its own address.",
    )


def no_version() -> Issue:
    """Say that it is not told which version was read."""
    return Issue(
        code="RLS-GAP-010",
        severity=Severity.ERROR,
        where="http.If-Match",
        what="several people may work on one Task: the version that was read is asked for.",
        fix="Send If-Match with the ETag of the version you read.",
    )


def changed_meanwhile() -> Issue:
    """Say that somebody wrote another version."""
    return Issue(
        code="RLS-GAP-011",
        severity=Severity.ERROR,
        where="http.If-Match",
        what="the Task has another version meanwhile.",
        fix="Read it again, see what changed, then write it with the new ETag.",
    )


def nobody() -> Issue:
    """Say that a gap is to be given to somebody who does not act on gaps here."""
    return Issue(
        code="RLS-WEB-001",
        severity=Severity.ERROR,
        where="form.to",
        what="nobody of this identifier acts on gaps here.",
        fix="Choose somebody of the list, who has the role coordinator in the table of people.",
    )


def too_far() -> Issue:
    """Say that a gap is put off for longer than it may be."""
    return Issue(
        code="RLS-WEB-002",
        severity=Severity.ERROR,
        where="form.until",
        what="a critical gap is put off for at most 12 hours, any other for 5 business days.",
        fix="Choose an earlier instant; it can be put off again then.",
    )
