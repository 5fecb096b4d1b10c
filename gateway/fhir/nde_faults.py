"""Why a Subscription of the volet Notification d'événements is refused, one issue per fault."""

from collections.abc import Sequence

from gateway.core.issues import Issue, Severity


def missing(name: str) -> Issue:
    """Say that an extension is not there exactly once."""
    return Issue(
        code="RLS-FHR-270",
        severity=Severity.ERROR,
        where="Subscription.extension",
        what=f"the extension {name} of nde-subscription is not there once with its value.",
        fix="Send start, subject, declarant, event-type and subscriber, each once.",
    )


def unknown_event(known: Sequence[str]) -> Issue:
    """Say that no topic means this type of event."""
    return Issue(
        code="RLS-FHR-271",
        severity=Severity.ERROR,
        where="Subscription.criteria",
        what="nothing is told here of this type of event (TRE_R254).",
        fix=f"Ask for one of {', '.join(known)}.",
    )


def other_event() -> Issue:
    """Say that criteria and extension name two types of events."""
    return Issue(
        code="RLS-FHR-272",
        severity=Severity.ERROR,
        where="Subscription.criteria",
        what="the type of event is not that of the extension event-type.",
        fix="Send the same code in both.",
    )


def nobody() -> Issue:
    """Say that the person is not named by an identifier."""
    return Issue(
        code="RLS-FHR-273",
        severity=Severity.ERROR,
        where="Subscription.extension",
        what="the contained patient has no identifier with a system to be followed by.",
        fix="Send the INS, or the number of the person in an establishment, with its system.",
    )


def unknown_criteria() -> Issue:
    """Say that a parameter would be without effect."""
    return Issue(
        code="RLS-FHR-274",
        severity=Severity.ERROR,
        where="Subscription.criteria",
        what="it has a parameter besides event-type and subject.identifier.",
        fix="Leave it out.",
    )
