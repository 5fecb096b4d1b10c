"""One attempt to deliver: made once, and told by how it ended.

What follows from it (another attempt, a dead letter) is decided in `pipeline.deliver`.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from gateway.core import tracing
from gateway.core.deliveries import Connector, Delivery, DeliveryStatus, Handover
from gateway.core.errors import FatalError, RejectedError, RetriableError
from gateway.pipeline.bugs import connector_broke, place_of

_log = structlog.get_logger()
#: In a receipt: so many attempts, all there were, ended at the door.
_OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended.

    Attributes:
        let_in: whether the other side let us in; None: the attempt did not come so far.
        held_until: no attempt was made: the door is closed, it is made then.
    """

    status: DeliveryStatus
    note: str = ""
    receipt: Mapping[str, object] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    why: str = ""
    retry_after_s: float = 0.0
    let_in: bool | None = True
    held_until: datetime | None = None


async def attempt(connector: Connector, delivery: Delivery) -> Outcome:
    """Send, unless an attempt that a crash cut short proves to have arrived."""
    with tracing.start("delivery", connector=connector.name, outbox_id=delivery.id) as span:
        outcome = await _attempt(connector, delivery)
        span.tell(attempt=delivery.attempts, ended=outcome.status.value)
        if outcome.codes:
            span.fail(outcome.codes[0])
        return outcome


async def _attempt(connector: Connector, delivery: Delivery) -> Outcome:
    look = getattr(connector, "before_resend", None)
    never_in = _never_in(delivery)
    if look is not None and not never_in:
        found = await _tried(connector, delivery, look(delivery))
        if found is not None:
            # A look at what arrived goes another way than what is sent.
            return replace(found, let_in=None) if found.let_in else found
    sent = await _tried(connector, delivery, connector.send(delivery))
    if sent is None:
        msg = "a connector sent and told nothing"
        raise TypeError(msg)
    if never_in and sent.let_in is False:
        return replace(sent, receipt={_OUTSIDE: delivery.attempts})
    return sent


def _never_in(delivery: Delivery) -> bool:
    """Tell whether every attempt before ended at the door: nothing left that could have arrived."""
    outside = delivery.receipt.get(_OUTSIDE, 0)
    return not delivery.abandoned and outside == delivery.attempts - 1


async def _tried(
    connector: Connector, delivery: Delivery, call: Awaitable[Handover | None]
) -> Outcome | None:
    """Say how a call went; None when it told nothing."""
    # Gathered, because a bug in one connector must not cancel what others are sending.
    [result] = await asyncio.gather(call, return_exceptions=True)
    if result is None:
        return None
    if isinstance(result, Handover):
        return Outcome(result.status, result.note, result.receipt)
    if isinstance(result, (RejectedError, RetriableError, FatalError)):
        return _failed(result)
    if isinstance(result, Exception):
        place = f"{type(result).__name__} {place_of(result)}"
        _log.error("delivery_failed", outbox_id=delivery.id, error=place)
        return _failed(RetriableError([connector_broke(connector.name)], 0.0))
    raise result


def _failed(error: RejectedError | RetriableError | FatalError) -> Outcome:
    is_final = isinstance(error, RejectedError)
    return Outcome(
        status=DeliveryStatus.REFUSED if is_final else DeliveryStatus.RETRY_WAIT,
        note=" ".join(f"{issue.code} {issue.what}" for issue in error.issues),
        codes=tuple(issue.code for issue in error.issues),
        why=" ".join(issue.what for issue in error.issues),
        retry_after_s=error.retry_after_s if isinstance(error, RetriableError) else 0.0,
        let_in=not (isinstance(error, RetriableError) and error.whole_door),
    )


def tell(delivery: Delivery, status: DeliveryStatus, outcome: Outcome) -> None:
    """Log how an attempt ended."""
    code = outcome.codes[0] if outcome.codes else ""
    told = {"outbox_id": delivery.id, "kind": delivery.item.connector, "code": code}
    if status is DeliveryStatus.RETRY_WAIT:
        _log.warning("delivery_retried", attempts=delivery.attempts, **told)
    elif status is DeliveryStatus.GIVEN_UP:
        _log.error("delivery_given_up", attempts=delivery.attempts, **told)
    elif status is DeliveryStatus.REFUSED:
        _log.warning("delivery_refused", attempts=delivery.attempts, **told)
    else:
        _log.info("delivery_done", status=status.value, **told)
