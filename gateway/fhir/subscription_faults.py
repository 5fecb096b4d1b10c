"""Why a Subscription is refused when it is written, one issue per fault."""

from collections.abc import Sequence

from gateway.core.issues import Issue, Severity


def unknown_topic(topics: Sequence[str]) -> Issue:
    """Say that nobody publishes this topic."""
    return Issue(
        code="RLS-SUB-001",
        severity=Severity.ERROR,
        where="Subscription.criteria",
        what="this is no topic that is published here.",
        fix=f"Give the address of one: {', '.join(topics)}.",
    )


def unsupported_channel(offered: Sequence[str]) -> Issue:
    """Say that nothing is sent by this channel."""
    return Issue(
        code="RLS-SUB-002",
        severity=Severity.ERROR,
        where="Subscription.channel.type",
        what="this channel is not offered.",
        fix=f"Use one of {', '.join(offered)}, without the extension for other channels.",
    )


def refused_filter(index: int, why: str) -> Issue:
    """Say that a filter cannot be honoured."""
    return Issue(
        code="RLS-SUB-003",
        severity=Severity.ERROR,
        where=f"Subscription.criteria.extension[{index}]",
        what=f"this filter cannot be honoured: {why}.",
        fix="Use a filter of the topic, or none.",
    )


def unsupported_content(contents: Sequence[str]) -> Issue:
    """Say that a level of content is missing or not offered."""
    return Issue(
        code="RLS-SUB-004",
        severity=Severity.ERROR,
        where="Subscription.channel.payload.extension",
        what="the content of notifications is not said or not offered to this client.",
        fix=f"Give backport-payload-content as one of {', '.join(contents)}.",
    )


def unsupported_mime(medias: str) -> Issue:
    """Say that notifications are not written like this."""
    return Issue(
        code="RLS-SUB-005",
        severity=Severity.ERROR,
        where="Subscription.channel.payload",
        what="notifications are not written in this media type.",
        fix=f"Use {medias}.",
    )


def refused_endpoint(why: str) -> Issue:
    """Say that an endpoint may not be called."""
    return Issue(
        code="RLS-SUB-006",
        severity=Severity.ERROR,
        where="Subscription.channel.endpoint",
        what=f"this endpoint is not called: {why}.",
        fix="Give an https address by name; the operator lists the hosts that may be called.",
    )


def refused_header(index: int) -> Issue:
    """Say that a header is not sent."""
    return Issue(
        code="RLS-SUB-007",
        severity=Severity.ERROR,
        where=f"Subscription.channel.header[{index}]",
        what="this header is not `Name: value`, or it is one the connection decides.",
        fix="Send printable ASCII, such as `Authorization: Bearer ...`.",
    )


def ended() -> Issue:
    """Say that the end is past."""
    return Issue(
        code="RLS-SUB-008",
        severity=Severity.ERROR,
        where="Subscription.end",
        what="the end is in the past: nothing would ever be sent.",
        fix="Give a later instant or leave it out.",
    )


def unknown_extension(where: str) -> Issue:
    """Say that an extension would be without effect."""
    return Issue(
        code="RLS-SUB-009",
        severity=Severity.ERROR,
        where=where,
        what="this extension is not understood, so what it asks for would not happen.",
        fix="Use the extensions of Subscriptions R5 Backport 1.1.0 for R4, or subscription-events-"
        "per-second of ours.",
    )


def out_of_range(name: str, low: int, high: int) -> Issue:
    """Say that a number cannot be honoured."""
    return Issue(
        code="RLS-SUB-010",
        severity=Severity.ERROR,
        where="Subscription.channel.extension",
        what=f"{name} is not a number from {low} to {high}.",
        fix="Give a number within these bounds.",
    )


def not_a_subscription() -> Issue:
    """Say that a body holds something else."""
    return Issue(
        code="RLS-SUB-011",
        severity=Severity.ERROR,
        where="http.body",
        what="the body is no JSON object with resourceType Subscription.",
        fix="Send a Subscription as FHIR JSON.",
    )
