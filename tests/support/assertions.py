"""Short ways to say what a hospital asserted, and when it was received."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from gateway.core.contributions import Target
from gateway.core.facts import Assertion, Op, Received, Span
from gateway.core.timestamps import PARIS
from gateway.pathway.replay import Advance

PATIENT = Target("Patient", "00000000-0000-5000-8000-000000000001")
OTHER = Target("Patient", "00000000-0000-5000-8000-000000000002")
MCO, SMR, HAD = "690000011", "690000022", "690000033"


def paris(text: str, fold: int = 0) -> datetime:
    """Read a wall clock in Paris, `2025-11-14 16:40`, or a text with offset, as UTC."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        read = read.replace(tzinfo=PARIS, fold=fold)
    return read.astimezone(UTC)


def span(text: str) -> Span:
    """Read an event time: an instant, a day `2025-11-14`, or two readings `a / b`."""
    first, _, second = text.partition(" / ")
    if second:
        return Span(paris(first), paris(second))
    if len(first) == len("2025-11-14"):
        low = paris(f"{first} 00:00")
        return Span(low, paris(f"{first} 23:59:59") + timedelta(seconds=1))
    return Span(paris(first), paris(first))


def says(
    event: str,
    key: str,
    te: str,
    received: str,
    *,
    revision: str | None = None,
    op: Op = Op.ASSERT,
    patient: Target = PATIENT,
    source: str = f"{MCO}:ADT",
    order: int = 0,
    flags: tuple[str, ...] = (),
    sent: str | None = None,
    **attributes: Any,
) -> Received:
    """Return one received assertion; a retraction is `op=Op.RETRACT`."""
    when = span(te)
    revision = revision or f"1 {te}"
    content = f"{event}|{key}|{op}|{revision}|{te}|{patient}|{sorted(attributes.items())}"
    assertion = Assertion(
        aid=sha256(content.encode()).hexdigest(),
        event=event,
        key=key,
        op=op,
        revision=revision,
        when=when,
        sent_at=paris(sent) if sent else when.low,
        patient=patient,
        source=source,
        attributes=attributes,
        flags=flags,
    )
    return Received(assertion, paris(received), order)


def check_saved(found: Advance) -> None:
    """Fail when a line is about a row that would not be saved with it."""
    assert {line.gap_id for line in found.lines} <= {row.gap_id for row in found.changed}
