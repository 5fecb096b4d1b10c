"""The notice of disposition of a letter that came to us: what the hospital made of it.

Built the same each time from its outbox row, of which the body is the mail as it came. Does not
decide whether one is due (`pipeline.letter_receipts`). Standards: RFC 8098 (fields, null sender),
RFC 6522 (report), CI-SIS volet on CDA documents of a mail handed to an application.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from typing import Any, cast

from gateway.connectors import mssante_mail as mails
from gateway.core.deliveries import Delivery

KIND = "receipt"
_REFUSED = "[KO Intégration système !]"
_PRODUCT = "X-MSS-NIL"
#: They speak of the archive, which goes back with the notice.
_OF_ARCHIVE = ("X-MSS-CODECDA", "X-MSS-INS")
_ACTION = "automatic-action/MDN-sent-automatically; processed"
_INTEGRATED = "Bonjour,\n\nVotre message a été intégré dans le dossier du patient.\n"
#: Labels of HL7 table 0533 in the volet; those of a header have no accents.
_LABELS = {
    "900": "Version du document incorrecte",
    "901": "Auteur non habilite",
    "902": "Identifiant patient inconnu",
    "903": "INS absente du document",
    "904": "INS differente de celle connue",
    "905": "INS incomplete",
    "906": "Autre erreur",
}


def build(delivery: Delivery, sender: mails.Sender) -> mails.Mail:
    """Build the notice.

    Raises:
        RejectedError: the mail that came names no usable address (RLS-MSS-003, 004, 040).
    """
    item = delivery.item
    original = message_from_bytes(item.body, policy=mails.POLICY)
    identifier = mails.message_id(item.key, sender.domain)
    code = str(delivery.receipt.get("code", ""))
    report = cast(
        "Message[Any, Any]",
        MIMEMultipart(
            "report",
            boundary=f"relais-{item.key[:32]}",
            policy=mails.POLICY,
            report_type="disposition-notification",
        ),
    )
    to = mails.address(item.details, "to")
    report["From"] = mails.mailbox(sender.name, sender.address)
    report["To"] = f"<{to}>"
    report["Date"] = format_datetime(mails.local(delivery.begun_at))
    report["Message-ID"] = identifier
    report["In-Reply-To"] = f"<{item.details['mail']}>"
    report["Subject"] = mails.words("Subject", _subject(original, code))
    report[_PRODUCT] = sender.product
    for name in _OF_ARCHIVE:
        if original[name]:
            report[name] = str(original[name])
    report.attach(_text(code))
    report.attach(_fields(item.details, code))
    report.attach(MIMEMessage(original, policy=mails.POLICY))
    for part in _attachments(original):
        report.attach(part)
    # RFC 8098 3: no notice answers a notice, so its envelope names nobody.
    return mails.Mail("", to, identifier, item.key, mails.as_bytes(report), b"", ())


def _subject(original: "Message[Any, Any]", code: str) -> str:
    try:
        known = str(make_header(decode_header(str(original["Subject"] or ""))))
    except (ValueError, LookupError):
        known = str(original["Subject"] or "")
    known = " ".join(known.split())
    return f"{_REFUSED}[{code}] {known}" if code else known


def _text(code: str) -> MIMEText:
    words = _INTEGRATED
    if code:
        words = f"Bonjour,\n\nVotre message n'a pas été intégré : {code} {_LABELS[code]}.\n"
    return MIMEText(words, "plain", "utf-8", policy=mails.POLICY)


def _fields(details: dict[str, Any], code: str) -> "Message[Any, Any]":
    """Write the fields of RFC 8098 3.1, those the volet requires included."""
    ours = mails.address(details, "ours")
    fields: Message[Any, Any] = Message(policy=mails.POLICY)
    fields["Reporting-UA"] = "Relais"
    fields["Original-Recipient"] = f"rfc822;{ours}"
    fields["Final-Recipient"] = f"rfc822;{ours}"
    fields["Original-Message-ID"] = f"<{details['mail']}>"
    fields["Disposition"] = f"{_ACTION}/Error: {code}^{_LABELS[code]}" if code else _ACTION
    part: Message[Any, Any] = Message(policy=mails.POLICY)
    part["Content-Type"] = "message/disposition-notification"
    part.attach(fields)
    return part


def _attachments(original: "Message[Any, Any]") -> Iterator["Message[Any, Any]"]:
    """Give the attachments of the mail as they came; they go back beside it."""
    for part in original.walk():
        if not part.is_multipart() and part.get_filename():
            yield part


def receipt_wanted_by(mail: "Message[Any, Any]") -> str:
    """Return the address a notice may go to by itself, empty when none may.

    Spec: RFC 8098 2.1: only when the address that asks is that of the envelope, against loops.
    """
    asked = _ADDRESS.findall(str(mail["Disposition-Notification-To"] or ""))
    came = _ADDRESS.findall(str(mail["Return-Path"] or ""))
    if len(asked) != 1 or [one.lower() for one in asked] != [one.lower() for one in came]:
        return ""
    return str(asked[0])


_ADDRESS = re.compile(r"[^\s@<>,;\"]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
