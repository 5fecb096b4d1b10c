"""A letter that came by secure mail, before it is handed to an application of the hospital."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LetterDocument:
    """One CDA document of its archive.

    Attributes:
        body: as it came.
        masks: codes of its metadata among MASQUE_PS, INVISIBLE_PATIENT,
            INVISIBLE_REPRESENTANTS_LEGAUX.
        is_withdrawn: its metadata take it back.
    """

    body: bytes
    masks: frozenset[str] = frozenset()
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail with an archive of documents.

    Attributes:
        message_id: Message-ID, without its brackets.
        sender: address of the mailbox that wrote.
        recipient: address of ours it came to.
        reply_to: address for answers, empty when none is given.
        subject: as read.
        text: the mail itself.
        documents: CDA documents of the archive, in its order.
        receipt_to: mailbox that is told what became of it, empty when none asks or may.
        raw: the mail as it came; empty where it was not fetched.
    """

    message_id: str
    sender: str
    recipient: str
    reply_to: str
    subject: str
    text: str
    documents: tuple[LetterDocument, ...]
    receipt_to: str = ""
    raw: bytes = b""
