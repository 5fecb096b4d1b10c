"""What the pipeline counts for Prometheus beside its own steps; labels come from closed sets."""

from collections import Counter as Count
from collections.abc import Iterable, Mapping
from datetime import datetime

from prometheus_client import Counter, Histogram

from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.facts import LedgerLine, Status

_SLOW = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400, 259200)

INPUT_SECONDS = Histogram(
    "relais_input_seconds", "From the last byte of an input to its answer", ("channel",)
)
_DELIVERIES = Counter(
    "relais_deliveries_total", "Attempts to deliver, by how they ended", ("connector", "status")
)
_DELIVERY_SECONDS = Histogram(
    "relais_delivery_seconds",
    "From queueing to the hand-over, by the clock of the gateway",
    ("connector",),
    buckets=_SLOW,
)
_OPENED = Counter("relais_gaps_opened_total", "Gaps that became overdue", ("rule",))
_CLOSED = Counter("relais_gaps_closed_total", "Gaps that ended, by how", ("rule", "status"))
_ARRIVED = (DeliveryStatus.SENT, DeliveryStatus.CONFIRMED)

Transitions = Mapping[tuple[str, str, str], int]


def count_attempt(delivery: Delivery, status: DeliveryStatus, now: datetime) -> None:
    """Count an attempt that was written down."""
    connector = delivery.item.connector
    _DELIVERIES.labels(connector, status.value).inc()
    if status in _ARRIVED:
        _DELIVERY_SECONDS.labels(connector).observe((now - delivery.created_at).total_seconds())


def transitions(lines: Iterable[LedgerLine]) -> Transitions:
    """Return how many gaps opened and ended, by rule, what it was (`opened`, `closed`), state."""
    found: Count[tuple[str, str, str]] = Count()
    for line in lines:
        if line.to_status is Status.OVERDUE:
            found[line.rule, "opened", line.to_status.value] += 1
        elif line.from_status is Status.OVERDUE:
            found[line.rule, "closed", line.to_status.value] += 1
    return found


def count_gaps(found: Transitions) -> None:
    """Count what a look that is durable did."""
    for (rule, what, status), number in found.items():
        if what == "opened":
            _OPENED.labels(rule).inc(number)
        else:
            _CLOSED.labels(rule, status).inc(number)
