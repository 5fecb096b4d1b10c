"""Write what a mail operator or a recipient sends back: notices of delivery, of reading, bounces.

Standards: RFC 3464, RFC 8098, RFC 3834; CI-SIS for the codes of integration in a disposition.
"""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

_DAEMON = "mailer-daemon@operateur.mssante.example"


@dataclass(frozen=True, slots=True)
class Original:
    """The mail a report is about.

    Attributes:
        envelope_id: ENVID as given, empty when none was.
        headers: its header lines, as RET=HDRS gives them back.
    """

    sender: str
    recipient: str
    message_id: str
    envelope_id: str
    headers: bytes


def delivery_report(
    original: Original, action: str, status: str, diagnostic: str, at: datetime
) -> bytes:
    """Write a notice of delivery: `delivered`, `failed`, `delayed`, `relayed` (RFC 3464)."""
    words = {"delivered": "Message distribué", "failed": "Message non distribué"}
    fields = [
        *([f"Original-Envelope-Id: {original.envelope_id}"] if original.envelope_id else []),
        "Reporting-MTA: dns; smtp.operateur.mssante.example",
        "",
        f"Original-Recipient: rfc822;{original.recipient}",
        f"Final-Recipient: rfc822;{original.recipient}",
        f"Action: {action}",
        f"Status: {status}",
        *([f"Diagnostic-Code: smtp; {diagnostic}"] if diagnostic else []),
        f"Last-Attempt-Date: {format_datetime(at)}",
        "",
    ]
    return _report(
        original,
        "delivery-status",
        words.get(action, "Message retardé"),
        "\r\n".join(fields).encode("ascii"),
        at,
    )


def reading_report(original: Original, disposition: str, at: datetime) -> bytes:
    """Write a notice of reading or integration (RFC 8098)."""
    fields = [
        "Reporting-UA: logiciel.example; essai",
        f"Original-Recipient: rfc822;{original.recipient}",
        f"Final-Recipient: rfc822;{original.recipient}",
        f"Original-Message-ID: {original.message_id}",
        f"Disposition: {disposition}",
        "",
    ]
    body = "\r\n".join(fields).encode("ascii")
    return _report(original, "disposition-notification", "Accusé", body, at)


def plain_bounce(original: Original, code: int, at: datetime) -> bytes:
    """Write a refusal in plain words, without any machine-readable part."""
    mail = _mail(original, "Undelivered Mail Returned to Sender", at)
    mail["Return-Path"] = "<>"
    mail.set_content(
        "Votre message n'a pas pu être remis.\n\n"
        f"{code} refus de la boîte\n\nMessage-ID: {original.message_id}\n"
    )
    return mail.as_bytes()


def absence(original: Original, at: datetime) -> bytes:
    """Write an answer of an absent person."""
    mail = _mail(original, "Absence", at)
    mail["Auto-Submitted"] = "auto-replied"
    mail["In-Reply-To"] = original.message_id
    mail.set_content("Je suis absent.\n")
    return mail.as_bytes()


def _report(original: Original, kind: str, subject: str, body: bytes, at: datetime) -> bytes:
    mail = _mail(original, subject, at)
    mail["Auto-Submitted"] = "auto-replied"
    boundary = f"rapport-{original.message_id.strip('<>').partition('@')[0][:24]}"
    lines = [
        *(f"{name}: {value}" for name, value in mail.items()),
        "MIME-Version: 1.0",
        f"Content-Type: multipart/report; report-type={kind}; boundary={boundary}",
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "Rapport automatique.",
        f"--{boundary}",
        f"Content-Type: message/{kind}",
        "",
        body.decode("ascii"),
        f"--{boundary}",
        "Content-Type: text/rfc822-headers",
        "",
    ]
    head = "\r\n".join([*lines, ""]).encode("utf-8")
    return head + original.headers + f"\r\n--{boundary}--\r\n".encode("ascii")


def _mail(original: Original, subject: str, at: datetime) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"Operateur <{_DAEMON}>"
    mail["To"] = original.sender
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = make_msgid(domain="operateur.mssante.example")
    return mail
