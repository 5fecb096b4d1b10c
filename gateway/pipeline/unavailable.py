"""The answers given when nothing could be kept: the sender is to send again."""

from gateway.core.issues import Issue, Severity
from gateway.core.messages import Outcome, Receipt
from gateway.pipeline.prepared import Opened


def unavailable(opened: Opened, issues: tuple[Issue, ...]) -> Receipt:
    """Tell a sender that nothing was kept, with the code its engine queues on."""
    code = opened.policy.transient_ack
    ack = b"" if code == "none" else opened.answer(code, issues)
    return Receipt(outcome=Outcome.UNAVAILABLE, issues=issues, ack=ack)


def busy() -> tuple[Issue, ...]:
    """Say that the gateway is full."""
    return (
        Issue(
            code="RLS-STO-020",
            severity=Severity.ERROR,
            where="gateway",
            what="too many messages are waiting to be stored.",
            fix="Send the message again in a moment; nothing was kept.",
            hl7_code=207,
        ),
    )


def late() -> tuple[Issue, ...]:
    """Say that the store did not answer in time."""
    return (
        Issue(
            code="RLS-STO-021",
            severity=Severity.ERROR,
            where="store",
            what="the message could not be stored in time.",
            fix="Send the message again; if it was stored after all it counts once.",
            hl7_code=207,
        ),
    )


def contended() -> Issue:
    """Say that two gateways store the same inputs."""
    return Issue(
        code="RLS-STO-022",
        severity=Severity.ERROR,
        where="store",
        what="another process keeps storing the same messages.",
        fix="Send the message again; look for two gateways fed by one sender.",
        hl7_code=206,
    )
