"""A call that a client tells of: a Communication by telephone makes `CALL.DONE` known.

What a platform notes beside its own work closes what waits for a contact with the person. A call
that did not take place, that was noted by mistake or is deleted takes the fact back.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from gateway.core.contributions import Json, Target
from gateway.core.facts import Assertion, Op, Span
from gateway.core.ports import StoredResource, Transaction
from gateway.fhir.moments import moment
from gateway.pipeline import written

#: What is asserted, with its attributes.
ASSERTS = {"CALL.DONE": frozenset[str]()}
#: HL7 v3 ParticipationMode: somebody was spoken to.
_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_SPOKEN = frozenset({"PHONE", "VIDEOCONF"})

#: A resource that was written, as it is from now on and as it was.
Change = tuple[tuple[str, str], Json | None, StoredResource | None]


def tell_calls(tx: Transaction, row_id: int, changes: Sequence[Change], now: datetime) -> None:
    """Assert the calls among what a client wrote, and take back those that are none any more.

    Args:
        tx: the transaction that writes the resources.
        row_id: inbox row of the request.
        changes: what it wrote.
        now: instant of the commit, receipt of the facts.
    """
    told = [one for change in changes for one in _told(change, now)]
    if told:
        patients = tx.facts.replace([(row_id, now, told)])
        tx.watch.touch(dict.fromkeys(tx.facts.persons(patients).values(), now))


def _told(change: Change, now: datetime) -> list[Assertion]:
    (type_, id_), made, before = change
    if type_ != "Communication":
        return []
    was = _called(written.read(before) if before is not None and not before.deleted else None)
    is_ = _called(made)
    found = []
    if was and was != is_:
        found.append(_assertion(id_, was, Op.RETRACT, Span(now, now), now))
    if is_ and made is not None:
        found.append(_assertion(id_, is_, Op.ASSERT, _when(made, now), now))
    return found


def _called(resource: Json | None) -> str:
    """Return the Patient somebody spoke to or about; empty when nobody did."""
    if resource is None or resource.get("status") != "completed":
        return ""
    codes = {
        coding.get("code")
        for medium in resource.get("medium", ())
        for coding in medium.get("coding", ())
        if coding.get("system") == _SYSTEM
    }
    type_, _, id_ = str(resource.get("subject", {}).get("reference", "")).partition("/")
    return id_ if type_ == "Patient" and not codes.isdisjoint(_SPOKEN) else ""


def _when(resource: Json, now: datetime) -> Span:
    """Return when they spoke: received, else sent, as precisely as it is said, else now."""
    return moment(str(resource.get("received") or resource.get("sent") or "")) or Span(now, now)


def _assertion(id_: str, patient_id: str, op: Op, when: Span, now: datetime) -> Assertion:
    key = f"Communication/{id_}|call"
    # A call that is moved to another person is taken back there before it is told here.
    revision = f"{now.isoformat(timespec='microseconds')}#{op is Op.ASSERT:d}"
    return Assertion(
        aid=sha256(f"{key}|{revision}|{patient_id}".encode()).hexdigest(),
        event="CALL.DONE",
        key=f"{key}|{patient_id}",
        op=op,
        revision=revision,
        when=when,
        sent_at=now,
        patient=Target("Patient", patient_id),
        source="",
        attributes={},
    )
