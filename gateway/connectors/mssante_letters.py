"""A mail of somebody that carries an archive of documents: read, checked, nothing answered.

Pure: reads bytes (`connectors.mssante_mailbox` fetches them). The archive is judged before
anything in it is believed (`connectors.xdm_reader`). Standards: IHE ITI TF-2 3.32 (XDM over
mail), CI-SIS volet on mails handed to an application.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr

from gateway.connectors import mail_faults as faults
from gateway.connectors import xdm_reader
from gateway.connectors.mssante_receipts import receipt_wanted_by
from gateway.connectors.xdm_check import contradictions
from gateway.core.errors import RejectedError
from gateway.core.letters import Letter, LetterDocument

#: What is no document at all is told when it is read.
_CONTRADICTED = "RLS-MSS-017"
#: Mails inside mails that are looked into; staff forward to the mailbox of the application.
_DEEPEST = 3
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_ZIP = b"PK\x03\x04"
_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[A-Za-z0-9.-]{1,255}")
_MASKS = frozenset({"MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"})


def read_letter(data: bytes) -> Letter | None:
    """Read a mail; None when it carries no archive.

    Raises:
        RejectedError: the archive is none, is made to hurt, or contradicts itself (RLS-MSS-010
            to 017), or the files are packed unreadably (RLS-MSS-034); nothing of it goes on.
    """
    mail = message_from_bytes(data)
    parts = list(_walk(mail))
    archive = next((one for part in parts if (one := _archive(part))), None)
    if archive is None:
        if any(_is_tnef(part) for part in parts):
            raise RejectedError([faults.unreadable_attachment(0)])
        return None
    found = xdm_reader.read(archive)
    if not found.is_sound:
        raise RejectedError([one for one in found.issues if one.severity.refuses])
    # Who a letter is about is read in its document: metadata of somebody else end it here.
    if wrong := [one for one in contradictions(found) if one.code == _CONTRADICTED]:
        raise RejectedError(wrong)
    documents = tuple(
        LetterDocument(one.data, frozenset(one.confidentiality) & _MASKS, one.is_deleted)
        for one in found.documents
        if one.mime_type.lower() in ("text/xml", "application/xml")
    )
    return Letter(
        message_id=str(mail["Message-ID"] or "").strip().strip("<>"),
        sender=_address(mail["Return-Path"]) or _address(mail["From"]),
        recipient=_address(mail["To"]),
        reply_to=_address(mail["Reply-To"]),
        subject=_decoded(mail["Subject"]),
        text=_text(mail),
        documents=documents,
        receipt_to=receipt_wanted_by(mail),
        raw=data,
    )


def _walk(mail: Message, depth: int = 0) -> Iterator[Message]:
    """Yield the parts of a mail, and of mails forwarded inside it; deeper ones are passed over."""
    yield mail
    payload = mail.get_payload()
    if not isinstance(payload, list):
        return
    inside = depth + (mail.get_content_maintype() == "message")
    if inside > _DEEPEST:
        return
    for part in payload:
        if isinstance(part, Message):
            yield from _walk(part, inside)


def _is_tnef(part: Message) -> bool:
    name = str(part.get_filename() or "").lower()
    return part.get_content_type() in _TNEF or name == "winmail.dat"


def _archive(part: Message) -> bytes | None:
    """Return a part that is a zip by its first bytes, whatever it is called."""
    if part.is_multipart() or part.get_content_maintype() == "text":
        return None
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) and content.startswith(_ZIP) else None


def _address(value: object) -> str:
    found = parseaddr(str(value or ""))[1]
    return found if _ADDRESS.fullmatch(found) else ""


def _decoded(value: object) -> str:
    raw = str(value or "")
    try:
        return str(make_header(decode_header(raw)))
    except (ValueError, LookupError):
        # A charset nobody knows: the raw words still tell.
        return raw


def _text(mail: Message) -> str:
    for part in mail.walk():
        if part.get_content_type() == "text/plain" and not part.get_filename():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                return content.decode(part.get_content_charset() or "utf-8", "replace")
    return ""
