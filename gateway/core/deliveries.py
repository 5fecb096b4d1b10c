"""What leaves: an item of the outbox, its states, and what the other side said."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class DeliveryStatus(StrEnum):
    """Life of an outbox row."""

    QUEUED = "queued"
    SENDING = "sending"
    RETRY_WAIT = "retry_wait"
    #: Handed over; a later notice confirms or refuses.
    SENT = "sent"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    HELD = "held"
    SKIPPED = "skipped"


#: States nothing leaves by itself.
SETTLED = frozenset(
    {
        DeliveryStatus.CONFIRMED,
        DeliveryStatus.REFUSED,
        DeliveryStatus.GIVEN_UP,
        DeliveryStatus.SKIPPED,
    }
)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An item about to be queued.

    Attributes:
        connector: `mssante`, `fhir_hook`, ...
        key: idempotency key, unique per connector: queued twice, sent once.
        lane: items of one lane leave one by one in the order of their ids (a subscription);
            empty when order does not matter.
        due_at: first attempt no earlier, UTC.
        content_type: of `body`.
        body: what is sent; empty when the connector makes it from `details`.
        details: JSON-able; endpoint, recipient, references. Never logged.
        about: `Type/id` of the resource it is about.
    """

    connector: str
    key: str
    due_at: datetime
    content_type: str = ""
    body: bytes = b""
    lane: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox.

    Attributes:
        attempts: so far.
        created_at: when it was queued; the horizon of retries counts from here.
        note: last answer of the other side: a code and a word, no patient data.
        receipt: JSON-able details of that answer.
        abandoned: the lease of the attempt before ended and nobody said how that attempt did:
            its worker died. Known to who claimed the row only.
    """

    id: int
    item: NewDelivery
    status: DeliveryStatus
    attempts: int
    created_at: datetime
    due_at: datetime
    note: str = ""
    receipt: dict[str, Any] = field(default_factory=dict)
    abandoned: bool = False

    @property
    def begun_at(self) -> datetime:
        """Return when it could leave first: when it was queued, or let go after waiting."""
        return max(self.created_at, self.item.due_at)


@dataclass(frozen=True, slots=True)
class Stay:
    """Why a row that is due does not leave after all.

    Attributes:
        status: held or skipped.
        note: a word and a sentence.
    """

    status: DeliveryStatus
    note: str


@dataclass(frozen=True, slots=True)
class Handover:
    """What a connector reports of one attempt.

    Attributes:
        status: `SENT` when a notice is still to come, else `CONFIRMED`; `SKIPPED` when the other
            side has no place for it.
        note: code and word of the other side.
        receipt: such as the Message-ID.
    """

    status: DeliveryStatus
    note: str = ""
    receipt: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """What arrived later about something that was sent.

    Attributes:
        key: idempotency key of the outbox row it answers.
        status: confirmed or refused.
        at: when the other side acted, UTC.
    """

    connector: str
    key: str
    status: DeliveryStatus
    at: datetime
    note: str = ""
    receipt: dict[str, Any] = field(default_factory=dict)


class Connector(Protocol):
    """One outside system. Sends once and says what happened; never retries, never decides."""

    name: str

    async def send(self, delivery: Delivery) -> Handover:
        """Send once.

        Raises:
            RetriableError: network, time, HTTP 408 425 429 5xx, SMTP 4yz.
            RejectedError: the other side refused for good.
        """
        ...
