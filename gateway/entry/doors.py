"""What every door of HL7 v2 and CDA needs of the house, and the faults doors find by themselves.

Does not open a door: `entry.mllp`, `entry.api.hl7v2` and `entry.api.cda` do.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.core.clock import Clock
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Incident, RawMessage, Receipt

Receive = Callable[[RawMessage], Awaitable[Receipt]]
#: Builds the ACK of an input that does not reach the pipeline, from its first bytes and the
#: reason; AE or AR follows from the HL7 code of the issue.
AnswerFor = Callable[[bytes, Issue], bytes]
IncidentSink = Callable[[Incident], Awaitable[None]]
#: Writes issues as an OperationOutcome in JSON.
OutcomeFor = Callable[[Sequence[Issue]], bytes]

#: HL7 table 0357, "application record locked": the sender may send again (AR), unlike 207 (AE).
_TRY_AGAIN = 206


@dataclass(frozen=True, slots=True)
class House:
    """What is behind a door.

    Attributes:
        receive: the pipeline; its receipt is durable.
        answer_for: builds the ACK of what never reaches the pipeline.
        incident: keeps what a door survived that is not a message.
        clock: tells when the last byte of an input arrived.
    """

    receive: Receive
    answer_for: AnswerFor
    incident: IncidentSink
    clock: Clock


def oversize(limit: int, where: str = "MLLP frame") -> Issue:
    """Say that an input is larger than the door takes."""
    return Issue(
        code="RLS-NET-001",
        severity=Severity.ERROR,
        where=where,
        what=f"the input is larger than the limit of {limit} bytes and was not read.",
        fix="Send a smaller document or ask the operator to raise mllp.max_frame.",
    )


def unavailable() -> Issue:
    """Say that nothing was kept and that the same input may be sent again."""
    return Issue(
        code="RLS-NET-002",
        severity=Severity.ERROR,
        where="gateway",
        what="the input could not be kept for now; nothing was stored.",
        fix="Send the same input again later.",
        hl7_code=_TRY_AGAIN,
    )
