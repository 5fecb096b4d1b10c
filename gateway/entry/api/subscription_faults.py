"""What the Subscription door refuses beyond the content of a Subscription."""

from gateway.core.issues import Issue, Severity


def too_many(limit: int) -> Issue:
    """Say that a client has as many subscriptions as it may."""
    return Issue(
        code="RLS-SUB-012",
        severity=Severity.ERROR,
        where="Subscription",
        what=f"this client has {limit} subscriptions already, as many as it may.",
        fix="Delete those you no longer need.",
    )


def conditional() -> Issue:
    """Say that a conditional create is not offered."""
    return Issue(
        code="RLS-SUB-013",
        severity=Severity.ERROR,
        where="http.If-None-Exist",
        what="a conditional create is not offered.",
        fix="Search for the subscription by url first.",
    )


def unknown() -> Issue:
    """Say that a client has no such subscription."""
    return Issue(
        code="RLS-SUB-014",
        severity=Severity.ERROR,
        where="http.path",
        what="this client has no subscription with this id.",
        fix="Create it with POST; ids are given by the server.",
    )


def deleted() -> Issue:
    """Say that a subscription is deleted."""
    return Issue(
        code="RLS-SUB-015",
        severity=Severity.ERROR,
        where="http.path",
        what="this subscription is deleted.",
        fix="Create a new one.",
    )


def changed_meanwhile() -> Issue:
    """Say that somebody wrote another version."""
    return Issue(
        code="RLS-SUB-016",
        severity=Severity.ERROR,
        where="http.If-Match",
        what="the subscription has another version meanwhile.",
        fix="Read it again, then write it with the new ETag.",
    )


def other_id() -> Issue:
    """Say that body and address name two resources."""
    return Issue(
        code="RLS-SUB-017",
        severity=Severity.ERROR,
        where="Subscription.id",
        what="the id of the body is not that of the address.",
        fix="Send the same id in both.",
    )


def more_than_agreed() -> Issue:
    """Say that more content is asked for than the subscription has."""
    return Issue(
        code="RLS-SUB-018",
        severity=Severity.ERROR,
        where="http.content",
        what="this is more content than the subscription was accepted with.",
        fix="Ask for the content of the subscription, or for less.",
    )


def bad_parameter(name: str, wanted: str) -> Issue:
    """Say that a parameter of an operation cannot be read."""
    return Issue(
        code="RLS-SUB-019",
        severity=Severity.ERROR,
        where=f"http.{name}",
        what=f"the parameter is not {wanted}.",
        fix="Correct the parameter and ask again.",
    )


def no_websocket() -> Issue:
    """Say that a subscription is not listened to on a websocket."""
    return Issue(
        code="RLS-SUB-020",
        severity=Severity.ERROR,
        where="Subscription.channel.type",
        what="there is no subscription of this client that waits for a websocket.",
        fix="Create one with channel.type websocket; write one that is off or in error again.",
    )
