"""An input on its way: the bytes as received, its inbox row, its answer."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.core.issues import Issue
from gateway.core.values import value


class Channel(StrEnum):
    """The door an input came through."""

    MLLP = "mllp"
    HTTP = "http"
    CDA = "cda"
    FHIR = "fhir"


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection, as far as the transport knows it.

    Attributes:
        address: `host:port`.
        certificate: SHA-256 fingerprint of the client certificate, hex; None without TLS.
        subject: subject of that certificate, RFC 4514.
    """

    address: str
    certificate: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class RawMessage:
    """An input exactly as received.

    Attributes:
        body: the bytes between the MLLP frame bytes, or the HTTP body.
        channel: the door.
        received_at: our clock when the last byte arrived, UTC.
        peer: the other end.
        charset: charset parameter of an HTTP Content-Type, None otherwise.
        flags: what the door noticed (`frame-end`, `mllp-in-http`).
    """

    body: bytes
    channel: Channel
    received_at: datetime
    peer: Peer | None = None
    charset: str | None = None
    flags: tuple[str, ...] = ()


class InboxStatus(StrEnum):
    """Life of an inbox row."""

    RECEIVED = "received"
    CONVERTED = "converted"
    QUARANTINED = "quarantined"
    #: A known event Relais does not use, an answer, or a refused header: kept, no effect.
    IGNORED = "ignored"
    FAILED = "failed"
    DISCARDED = "discarded"


class InboxEvent(StrEnum):
    """What can happen to an inbox row."""

    CONVERTED_OK = "converted_ok"
    REJECTED = "rejected"
    SET_ASIDE = "set_aside"
    BROKE = "broke"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


S, E = InboxStatus, InboxEvent
#: A pair that is absent is an error, not a default.
INBOX_TRANSITIONS: dict[tuple[InboxStatus, InboxEvent], InboxStatus] = {
    (S.RECEIVED, E.CONVERTED_OK): S.CONVERTED,
    (S.RECEIVED, E.REJECTED): S.QUARANTINED,
    (S.RECEIVED, E.SET_ASIDE): S.IGNORED,
    (S.RECEIVED, E.BROKE): S.FAILED,
    (S.CONVERTED, E.REPLAYED): S.RECEIVED,
    (S.QUARANTINED, E.REPLAYED): S.RECEIVED,
    (S.IGNORED, E.REPLAYED): S.RECEIVED,
    (S.FAILED, E.REPLAYED): S.RECEIVED,
    (S.QUARANTINED, E.DISCARDED): S.DISCARDED,
    (S.FAILED, E.DISCARDED): S.DISCARDED,
}


@value(frozen=True, slots=True)
class Header:
    """What the inbox knows of an input without mapping it.

    Attributes:
        sender: (MSH-3.1, MSH-4.1); for a CDA (`cda`, custodian identifier or empty).
        control_id: MSH-10; empty when there is none (a CDA): then no reuse check.
        message_type: `ADT^A01`, `CDA <template or LOINC>`, or empty when unreadable.
        raw_sha256: of the bytes, hex.
        canonical_sha256: the same with MSH-7 and MSH-13 masked and terminators normalised.
        sent_at: MSH-7 or effectiveTime; None when unreadable.
        number: MSH-13; None when its sender does not count. Not kept with a stored row.
    """

    sender: tuple[str, str]
    control_id: str
    message_type: str
    raw_sha256: str
    canonical_sha256: str
    sent_at: datetime | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A stored input. `body` and `received_at` are never rewritten."""

    id: int
    received_at: datetime
    channel: Channel
    peer: str
    header: Header
    body: bytes
    status: InboxStatus
    answer: bytes
    issues: tuple[Issue, ...] = ()
    flags: tuple[str, ...] = ()
    attempts: int = 0


@value(frozen=True, slots=True)
class NewInboxRow:
    """An input about to be stored."""

    received_at: datetime
    channel: Channel
    peer: str
    header: Header
    body: bytes
    status: InboxStatus
    answer: bytes = b""
    issues: tuple[Issue, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """Something a door survived that is not a message: a cut frame, a TLS hello on 2575.

    Attributes:
        kind: `truncated-frame`, `oversize-frame`, `tls-on-plain-port`, `frame-restarted`...
        peer: `host:port`.
        size: bytes seen.
        excerpt: the first 4 kB, kept like an inbox body (may hold patient data).
    """

    at: datetime
    kind: str
    peer: str
    size: int
    excerpt: bytes = b""
    details: dict[str, Any] = field(default_factory=dict)


class Outcome(StrEnum):
    """What became of an input, as its sender is told."""

    ACCEPTED = "accepted"
    #: The same input again: the first answer, no effect.
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    #: Kept without effect: a known event Relais does not use.
    IGNORED = "ignored"
    #: An acknowledgement reached a door: never answered, an answer to an answer loops.
    UNANSWERED = "unanswered"
    #: Nothing was kept; the sender may send again.
    UNAVAILABLE = "unavailable"


@value(frozen=True, slots=True)
class Receipt:
    """The answer to a `RawMessage`; made only after what it tells is durable.

    Attributes:
        ack: the HL7 v2 ACK, unframed, in the sender's charset; empty for a CDA and when
            `UNANSWERED`.
        location: `DocumentReference/<id>` of an accepted CDA, else empty.
    """

    outcome: Outcome
    issues: tuple[Issue, ...] = ()
    ack: bytes = b""
    inbox_id: int | None = None
    location: str = ""
    flags: tuple[str, ...] = ()
