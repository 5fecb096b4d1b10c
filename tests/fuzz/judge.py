"""What must hold of the gateway's word on any bytes: no bug surfaces, every reply is an ACK."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from gateway.core.issues import Issue
from gateway.core.messages import Channel, InboxStatus, RawMessage
from gateway.entry import wiring
from gateway.entry.settings import Settings
from gateway.hl7v2.reader import read
from gateway.pipeline.mend import fit_alone
from gateway.simulation.play import events
from gateway.simulation.region import Region
from tests.fuzz.mutations import mutated

_FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "hl7v2"
_CODES = frozenset({"AA", "AE", "AR", "CA", "CE", "CR"})
_NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
_LARGEST = 60_000


@dataclass(slots=True)
class Found:
    """What a run found.

    Attributes:
        statuses: how often each status came.
        wrong: (what is wrong, the bytes), the first of each kind.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, bytes] = field(default_factory=dict)


def bodies() -> list[bytes]:
    """Return the messages to mutate: one of each fixture, and a few synthetic lives."""
    fixed = [path.read_bytes() for path in sorted(_FIXTURES.glob("*/*.er7"))]
    played = [event.body for event in events(Region("fuzz", 12)) if event.door != "cda"]
    return [body for body in (*fixed, *played) if len(body) <= _LARGEST]


def run(seed: int, count: int) -> Found:
    """Mutate, convert and answer `count` messages; the same seed finds the same."""
    random, converter, known = Random(seed), wiring.build_converter(Settings()), bodies()
    found = Found()
    for _ in range(count):
        body = mutated(known, random)
        try:
            wrong = _wrong(converter, body, found)
        except Exception as error:  # noqa: BLE001 - what we look for
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            line = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
            wrong = f"{type(error).__name__} at {line.rpartition('gateway/')[2]}"
        if wrong:
            found.wrong.setdefault(wrong, body)
    return found


def _wrong(converter: wiring.Converter, body: bytes, found: Found) -> str:
    """Return what is wrong with the gateway's word on these bytes; empty when nothing is."""
    opened = converter.open(RawMessage(body, Channel.MLLP, _NOW))
    prepared = fit_alone(converter, converter.prepare(opened))
    found.statuses[prepared.status.value] += 1
    if prepared.status is InboxStatus.FAILED:
        return f"failed at {prepared.issues[0].where}"
    if prepared.status is InboxStatus.QUARANTINED and not prepared.issues:
        return "refused without an issue"
    for issue in prepared.issues:
        if not (issue.code and issue.where and issue.what and issue.fix):
            return f"{issue.code}: an issue without place or fix"
    if (issue := _misshapen(prepared.issues)) is not None:
        return f"refused for its FHIR shape: {issue.code} at {issue.where}"
    refused = prepared.status is InboxStatus.QUARANTINED
    return answer_fault(opened.answer("refuse" if refused else "AA", prepared.issues))


def _misshapen(issues: Sequence[Issue]) -> Issue | None:
    """Return the first refusal that names a FHIR place: no sender can find that."""
    refusals = (one for one in issues if one.severity.refuses)
    return next((one for one in refusals if one.code.startswith("RLS-FHR-")), None)


def answer_fault(answer: bytes) -> str:
    """Return what makes an answer no acknowledgement; empty when there is none or it is one."""
    if not answer:
        return ""
    message = read(answer)
    if message.message_type != "ACK" or message.value("MSA-1") not in _CODES:
        return "the answer is no acknowledgement"
    if message.names[:2] != ("MSH", "MSA") or set(message.names[2:]) - {"ERR"}:
        return f"the answer has the segments {message.names}"
    return ""
