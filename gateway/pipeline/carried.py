"""The documents a message carries, decoded and read once on their way through the pipeline.

Joins `hl7v2`, which knows where they are, and `cda`, which reads them.
"""

from dataclasses import dataclass, replace

from gateway.cda.reader import Document
from gateway.cda.reader import read as read_cda
from gateway.core.envelope import EmbeddedDocument
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.hl7v2 import envelope
from gateway.hl7v2.document_refusals import reference_pointer
from gateway.hl7v2.message import Message

#: A document is kept without its content.
FLAG_ELSEWHERE = "external-content"
#: Messages that may carry documents.
TYPES = frozenset({"MDM", "ORU"})


@dataclass(frozen=True, slots=True)
class Carried:
    """A document of a message.

    Attributes:
        place: where it stands, with its bytes.
        document: as read.
    """

    place: EmbeddedDocument
    document: Document


def carried(message: Message, *, lenient: bool) -> tuple[Carried, ...]:
    """Return the documents of an MDM or ORU in order; of other messages none.

    Args:
        message: as read.
        lenient: repair what can be repaired.

    Raises:
        RejectedError: of `hl7v2.envelope.documents`, or a document that is no CDA; the places of
            its issues begin with the field.
    """
    if message.message_type not in TYPES:
        return ()
    places = envelope.documents(message, lenient=lenient)
    return tuple(Carried(place, _read(place)) for place in places)


def elsewhere(message: Message) -> list[Issue]:
    """Say which documents of a message are only pointed to, and so kept without content."""
    if message.message_type not in TYPES:
        return []
    return [reference_pointer(obx.ordinal, kept=True) for obx in envelope.pointers(message)]


def _read(place: EmbeddedDocument) -> Document:
    try:
        return read_cda(place.body)
    except RejectedError as error:
        raise RejectedError(
            [replace(issue, where=f"{place.place} {issue.where}") for issue in error.issues]
        ) from error
