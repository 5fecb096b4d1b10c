"""Short ways to say what the store is given. All people and systems are invented."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from gateway.core.contributions import Claim, Contribution, Kind, Target, Version
from gateway.core.messages import Channel, Header, InboxStatus, NewInboxRow
from gateway.core.ports import Condition, IndexEntry, NewVersion, StoredResource

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PATIENT = Target("Patient", "0b1c-patient")
STAY = Target("Encounter", "77aa-stay")
WARD = Target("Organization", "ward-3105")


def at(seconds: float) -> datetime:
    """Return an instant so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def sha(text: str) -> str:
    """Return a hash, hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def header(control_id: str, content: str = "", sender: tuple[str, str] = ("DPI", "CHU")) -> Header:
    """Return the header of an input with this content."""
    digest = sha(f"{sender}{control_id}{content}")
    return Header(sender, control_id, "ADT^A01", digest, digest, NOON)


def row(control_id: str, content: str = "", **changes: Any) -> NewInboxRow:
    """Return an input about to be stored."""
    sender = changes.pop("sender", ("DPI", "CHU"))
    made = NewInboxRow(
        received_at=NOON,
        channel=Channel.MLLP,
        peer="10.0.0.7:41000",
        header=header(control_id, content, sender),
        body=f"MSH|^~\\&|{control_id}|{content}".encode("utf-8", "replace"),
        status=InboxStatus.RECEIVED,
    )
    return replace(made, **changes)


def version(seconds: float, digest: str = "d0") -> Version:
    """Return the version of an input recorded so many seconds after noon."""
    return Version(at(seconds), at(seconds), 0, digest)


def says(target: Target, seconds: float = 0, kind: Kind = Kind.OWN, **content: Any) -> Contribution:
    """Return what an input recorded so many seconds after noon says about a target."""
    resource = {"resourceType": target.type, "id": target.id, **content}
    return Contribution(target, version(seconds), resource, kind=kind)


def shared(target: Target, seconds: float, **content: Any) -> Contribution:
    """Return the same for reference data."""
    return says(target, seconds, Kind.SHARED, **content)


def ins(target: Target, content: str, value: str = "ins-1") -> Claim:
    """Return the claim of a patient on an INS."""
    return Claim("ins", value, target, content)


def made(
    id_: str,
    number: int = 1,
    seconds: float = 0,
    index: tuple[IndexEntry, ...] = (),
    **changes: Any,
) -> NewVersion:
    """Return one version of a resource."""
    type_ = changes.pop("type_", "Encounter")
    body = orjson.dumps({"resourceType": type_, "id": id_, "meta": {"versionId": str(number)}})
    stored = StoredResource(
        type=type_,
        id=id_,
        version=number,
        last_updated=at(seconds),
        body=body,
        deleted=False,
        content_hash=sha(f"{id_}{number}")[:32],
        owner=Target(type_, id_),
    )
    return NewVersion(replace(stored, **changes), index)


def token(param: str, value: str, system: str = "") -> IndexEntry:
    """Return the index entry of a code or an identifier."""
    return IndexEntry(param, system, value)


def period(low: str, high: str, param: str = "date") -> IndexEntry:
    """Return the index entry of a period given by its days, the last one not included."""
    return IndexEntry(param, low=day(low), high=day(high))


def day(date: str) -> str:
    """Return the first instant of a day as the index writes it."""
    return f"{date}T00:00:00.000000Z"


def has(param: str, *values: tuple[str | None, str | None], **more: Any) -> Condition:
    """Return a condition on a token."""
    return Condition(param, "token", values, **more)


def when(prefix: str, low: str, high: str, param: str = "date") -> Condition:
    """Return a condition on a date given by its days, the last one not included."""
    return Condition(param, "date", ((prefix, day(low), day(high)),))
