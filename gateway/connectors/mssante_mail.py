"""The mail of one document to one recipient, built the same each time from its outbox row.

Does not send (`connectors.mssante`). Standards: ANS référentiel socle MSSanté #2 (subject,
X-MSS headers, one patient per mail), IHE ITI TF-2 3.32.4.1.4 (XDM over mail), RFC 5322, 2047,
2183, 2231.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.generator import BytesGenerator
from email.header import Header
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from io import BytesIO
from typing import Any, cast
from unicodedata import normalize
from urllib.parse import quote
from uuid import NAMESPACE_OID, uuid5

from gateway import __version__
from gateway.cda.reader import read as read_cda
from gateway.cda.xds_metadata import Author, Code, DocumentEntry, describe, shows_ins
from gateway.connectors import mail_faults as faults
from gateway.connectors import xdm, xdm_reader
from gateway.connectors.ebrim import SubmissionSet
from gateway.connectors.letter_drawing import drawn
from gateway.connectors.letter_pdf import Draw, doubts, rendering
from gateway.connectors.xdm_check import contradictions
from gateway.core.deliveries import Delivery
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.timestamps import PARIS
from gateway.mapping.conceptmaps import ConceptMap

#: A key is a hash, so that it can stand in Message-ID and ENVID and be read back from them.
KEY = re.compile(r"[0-9a-f]{32,64}")
ARCHIVE_NAME = "IHE_XDM.zip"
_PREFIX = "XDM/1.0/DDM+"
_REPLACES = "[Annule et remplace] "
_WITHDRAWS = "[Annule] "
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTENT_TYPES = "1.2.250.1.213.2.2"
#: RFC 2047: an encoded word has at most 75 characters; one more for the fold.
POLICY = policy.compat32.clone(linesep="\r\n", max_line_length=76)
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Sender:
    """The mailbox that sends.

    Attributes:
        address: of the application's mailbox.
        name: of the service, as recipients read it.
        product: reference of the product (X-MSS-NIL), on every mail.
        source_id: OID of this system.
    """

    address: str
    name: str
    product: str
    source_id: str

    @property
    def domain(self) -> str:
        """Return the domain of the mailbox, that of Message-IDs."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail ready to go; `data` has CRLF line ends.

    Attributes:
        lacks: attributes that France requires and the header of the document does not give.
        doubts: what is wrong with the document and does not keep it from leaving.
    """

    sender: str
    recipient: str
    message_id: str
    envelope_id: str
    data: bytes
    archive: bytes
    lacks: tuple[str, ...]
    doubts: tuple[Issue, ...] = ()


def message_id(key: str, domain: str) -> str:
    """Return the Message-ID of an outbox row: the same for each attempt.

    Raises:
        RejectedError: the key is no hash (RLS-MSS-040).
    """
    if not KEY.fullmatch(key):
        raise RejectedError([faults.not_ours("idempotency key")])
    return f"<{key}@{domain}>"


def build(
    delivery: Delivery,
    sender: Sender,
    conceptmaps: Mapping[str, ConceptMap],
    draw: Draw = drawn,
) -> Mail:
    """Build the mail of an outbox row: the same bytes for each attempt.

    Args:
        delivery: the row.
        sender: the mailbox that sends.
        conceptmaps: by name.
        draw: sets the page of the PDF; in this process by default.

    Raises:
        RejectedError: the document cannot be packed, a header would hold control characters, or
            the archive does not pass its own reader (RLS-MSS-001 to 017, 040), or no PDF can be
            made of it here (RLS-MSS-044, 047).
        RetriableError: what makes the PDF ended (RLS-MSS-048).
    """
    item = delivery.item
    details = item.details
    identifier = message_id(item.key, sender.domain)
    document = read_cda(item.body)
    if details.get("withdraws"):
        entry = describe(document, conceptmaps, ins_trusted=details.get("ins_trusted") is True)
        return _withdrawal(delivery, entry, sender, identifier)
    is_trusted = details.get("ins_trusted") is True
    if not is_trusted and shows_ins(document):
        # The routing holds such a document; this is the second lock on the same door.
        raise RejectedError([faults.unqualified_ins()])
    entry = describe(
        document,
        conceptmaps,
        ins_trusted=is_trusted,
        labels=details.get("labels", ()),
    )
    lot = _lot(delivery, entry, sender)
    front = xdm.Sender(sender.name, sender.address, f"Relais {__version__}")
    archive = xdm.pack([xdm.Packed(entry, item.body)], lot, front)
    found = xdm_reader.read(archive, strict=True)
    issues = [*found.issues, *contradictions(found)]
    if any(issue.severity.refuses for issue in issues):
        raise RejectedError(issues)
    mail = _mixed(item.key)
    _headers(mail, delivery, entry, sender, identifier)
    _attach(mail, entry, archive, rendering(document, entry, draw), text=_text(details))
    return Mail(
        sender=sender.address,
        recipient=address(details, "to"),
        message_id=identifier,
        envelope_id=item.key,
        data=as_bytes(mail),
        archive=archive,
        lacks=entry.lacks,
        doubts=(*doubts(entry), *([faults.other_mailbox()] if details.get("doubted") else [])),
    )


def subject(entry: DocumentEntry, *, replaces: bool) -> str:
    """Return the subject: document, person, birth date (référentiel socle #2, ECO.2.1.3)."""
    return f"{_REPLACES if replaces else ''}{_PREFIX}{_about(entry)}"


def _about(entry: DocumentEntry) -> str:
    who = entry.traits
    born = f"{who.born[6:8]}/{who.born[4:6]}/{who.born[:4]}" if len(who.born) == 8 else who.born
    return " ".join(part for part in (entry.title, who.family, who.given, born) if part)


def _withdrawal(delivery: Delivery, entry: DocumentEntry, sender: Sender, identifier: str) -> Mail:
    """Build the mail that takes back what another one brought.

    It carries no document, for nobody should file it again, and so no archive and no prefix of
    one; it answers the mail that brought it (RFC 5322 3.6.4).
    """
    details = delivery.item.details
    created = entry.creation_time
    day = f" du {created[6:8]}/{created[4:6]}/{created[:4]}" if len(created) >= 8 else ""
    text = (
        f"Bonjour,\n\nLe document « {entry.title} »{day}, reçu par un message précédent, est "
        "annulé par son auteur. Ne l'utilisez plus et retirez-le du dossier du patient.\n\n"
        "Cordialement\n"
    )
    mail = cast("Message[Any, Any]", MIMEText(text, "plain", "utf-8", policy=POLICY))
    _addresses(mail, delivery, sender, identifier)
    earlier = message_id(str(details["withdraws"]), sender.domain)
    mail["In-Reply-To"] = earlier
    mail["References"] = earlier
    mail["Subject"] = words("Subject", f"{_WITHDRAWS}{_about(entry)}")
    return Mail(
        sender=sender.address,
        recipient=address(details, "to"),
        message_id=identifier,
        envelope_id=delivery.item.key,
        data=as_bytes(mail),
        archive=b"",
        lacks=(),
    )


def _lot(delivery: Delivery, entry: DocumentEntry, sender: Sender) -> SubmissionSet:
    details = delivery.item.details
    given = details.get("author") or {}
    first = entry.authors[0] if entry.authors else Author("")
    author = Author(
        given.get("person") or first.person,
        given.get("institution") or first.institution,
        first.role,
        first.specialty,
    )
    content = Code(details.get("content_type_code") or "97", _CONTENT_TYPES, "")
    return SubmissionSet(
        unique_id=f"2.25.{uuid5(NAMESPACE_OID, delivery.item.key).int}",
        source_id=sender.source_id,
        submitted=delivery.begun_at.strftime("%Y%m%d%H%M%S"),
        author=author,
        content_type=content,
        patient_id=entry.patient_id,
        title=entry.title,
    )


def _mixed(key: str) -> "Message[Any, Any]":
    # The declared header type is `str`; this policy takes `Header` too, which folds by itself.
    return cast(
        "Message[Any, Any]",
        MIMEMultipart("mixed", boundary=f"relais-{key[:32]}", policy=POLICY),
    )


def _headers(
    mail: "Message[Any, Any]",
    delivery: Delivery,
    entry: DocumentEntry,
    sender: Sender,
    identifier: str,
) -> None:
    _addresses(mail, delivery, sender, identifier)
    mail["Subject"] = words(
        "Subject", subject(entry, replaces=bool(delivery.item.details.get("replaces")))
    )
    mail["X-MSS-CODECDA"] = _checked("X-MSS-CODECDA", entry.type_code.code)
    mail["X-MSS-INS"] = "O" if entry.has_ins else "N"


def _addresses(
    mail: "Message[Any, Any]", delivery: Delivery, sender: Sender, identifier: str
) -> None:
    """Write what every mail of ours says of who, when and under which number."""
    details = delivery.item.details
    mail["From"] = mailbox(sender.name, sender.address)
    mail["To"] = f"<{address(details, 'to')}>"
    if details.get("reply_to"):
        mail["Reply-To"] = f"<{address(details, 'reply_to')}>"
    mail["Date"] = format_datetime(local(delivery.begun_at))
    mail["Message-ID"] = identifier
    mail["X-MSS-NIL"] = _checked("X-MSS-NIL", sender.product)
    if details.get("kind") == "patient" and details.get("final"):
        mail["X-MSS-MES"] = "FIN"
    if details.get("read_receipt"):
        mail["Disposition-Notification-To"] = f"<{sender.address}>"


def _attach(
    mail: "Message[Any, Any]", entry: DocumentEntry, archive: bytes, pdf: bytes, *, text: str
) -> None:
    mail.attach(MIMEText(text, "plain", "utf-8", policy=POLICY))
    zipped = MIMEApplication(archive, "zip", policy=POLICY)
    zipped.add_header("Content-Disposition", "attachment", filename=ARCHIVE_NAME)
    mail.attach(zipped)
    shown = MIMEApplication(pdf, "pdf", policy=POLICY)
    shown["Content-Disposition"] = _disposition(_pdf_name(entry))
    mail.attach(shown)


def _pdf_name(entry: DocumentEntry) -> str:
    """Return date of the act, type, name (référentiel socle #2, ECO.2.1.6)."""
    day = (entry.service_stop or entry.service_start or entry.creation_time)[:8]
    parts = (day, entry.title, entry.traits.family, entry.traits.given)
    return f"{'_'.join(part for part in parts if part)}.pdf"


def _disposition(name: str) -> str:
    """Return the header with a short ASCII name and the full one (RFC 2183, RFC 2231)."""
    stem = name.removesuffix(".pdf")
    plain = normalize("NFKD", stem).encode("ascii", "ignore").decode()
    short = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[: _LONGEST_NAME - 4] or "document"
    full = quote(re.sub(r"[\s/\\]+", "_", _CONTROLS.sub("", name)), safe="")
    return f"attachment; filename=\"{short}.pdf\";\r\n filename*=utf-8''{full}"


def _text(details: Mapping[str, object]) -> str:
    given = details.get("text")
    if isinstance(given, str) and given.strip():
        return given
    return "Bonjour,\n\nVeuillez trouver ci-joint un document.\n\nCordialement\n"


def mailbox(name: str, address: str) -> Header:
    """Return a name and an address as one header."""
    shown = words("From", f'"{name}"' if name.isascii() else name)
    shown.append(f"<{address}>", "us-ascii")
    return shown


def words(header: str, text: str) -> Header:
    """Return a header folded into encoded words that no character is cut by (RFC 2047)."""
    text = _checked(header, text)
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, header_name=header)


def _checked(header: str, text: str) -> str:
    """Return a value that adds no header of its own.

    Raises:
        RejectedError: RLS-MSS-003.
    """
    if _CONTROLS.search(text):
        raise RejectedError([faults.control_character(header)])
    return text


def address(details: Mapping[str, object], name: str) -> str:
    """Return an address among the details of a row.

    Raises:
        RejectedError: it is none (RLS-MSS-004).
    """
    value = details.get(name)
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise RejectedError([faults.bad_address(name)])
    return value


def local(instant: datetime) -> datetime:
    """Return an instant as mails show it."""
    return instant.astimezone(PARIS).replace(microsecond=0)


def as_bytes(mail: "Message[Any, Any]") -> bytes:
    """Return a mail as it goes, with CRLF line ends."""
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=POLICY).flatten(mail)
    return out.getvalue()
