"""What spans are told of inputs and deliveries: how they ended, with numbers of our own rows."""

from gateway.core.errors import RetriableError
from gateway.core.messages import Outcome, Receipt
from gateway.core.tracing import Span

#: An input that the sender has to mend, or to send again.
_FAILED = (Outcome.REJECTED, Outcome.UNAVAILABLE)


def ended(span: Span, outcome: Receipt | RetriableError) -> None:
    """End the span of an input."""
    if isinstance(outcome, RetriableError):
        span.fail(outcome.issues[0].code)
        span.end()
        return
    span.tell(outcome=outcome.outcome.value)
    if outcome.inbox_id is not None:
        span.tell(inbox_id=outcome.inbox_id)
    if outcome.outcome in _FAILED:
        span.fail(outcome.issues[0].code if outcome.issues else outcome.outcome.value)
    span.end()


def looked(span: Span, persons: int) -> None:
    """Tell how many persons a look was at; one that found nobody is not told, they are many."""
    if persons:
        span.tell(persons=persons)
    else:
        span.drop()
