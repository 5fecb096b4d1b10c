"""What a mail in our own mailbox says of one that was sent: notices of delivery and of reading.

Pure: reads bytes, answers nothing, moves nothing (`connectors.mssante_mailbox`). Standards: RFC
3464 (delivery), RFC 8098 (disposition), RFC 3834 (automatic answers), CI-SIS volet on mails in
the other direction (codes 900 to 906 of integration).
"""

import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from enum import StrEnum

from gateway.connectors.smtp_words import word
from gateway.core.letters import Letter

_KEY = r"[0-9a-f]{32,64}"
_ENVELOPE_ID = re.compile(_KEY)
_DISPOSITION = re.compile(
    r"(?:manual|automatic)-action/MDN-sent-(?:manually|automatically)\s*;\s*"
    r"(displayed|processed|dispatched|deleted|denied|failed)\s*"
    r"(?:/\s*([\w,\- ]+))?\s*(?::\s*(\d{1,3})\b.*)?",
    re.IGNORECASE | re.DOTALL,
)
_SMTP_CODE = re.compile(r"\b([245]\d\d)\b")
_BOUNCE_WORDS = re.compile(
    r"undeliver|non distribu|non remis|returned to sender|delivery (?:status|failure|failed)"
    r"|mail delivery|failure notice|[ée]chec de (?:la )?remise",
    re.IGNORECASE,
)
_DAEMON = re.compile(r"<?(?:mailer-daemon|postmaster)@", re.IGNORECASE)
_INTEGRATION = {
    900: "wrong version",
    901: "author not allowed",
    902: "patient unknown",
    903: "no INS",
    904: "INS differs",
    905: "INS traits incomplete",
    906: "not integrated",
}
_DELAYED_FIRST = ("failed", "delivered", "relayed", "expanded", "delayed")


class Kind(StrEnum):
    """What a mail is to us."""

    DELIVERED = "delivered"
    #: Handed on to a server that gives no notices, or to a list.
    RELAYED = "relayed"
    DELAYED = "delayed"
    FAILED = "failed"
    READ = "read"
    INTEGRATED = "integrated"
    NOT_INTEGRATED = "not integrated"
    #: An answer of a machine, such as an absence: never answered.
    AUTOMATIC = "automatic"
    #: A notice that names nothing we sent.
    UNREADABLE = "unreadable"
    #: A letter of somebody.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reading:
    """A mail that was read.

    Attributes:
        key: idempotency key of the outbox row it answers, empty when it names none.
        at: when the other side acted, None when it does not say.
        note: code and our word, without what the other side wrote.
        letter: documents somebody sent, None for every other mail.
    """

    kind: Kind
    key: str = ""
    at: datetime | None = None
    note: str = ""
    letter: Letter | None = None


def read_notice(data: bytes, domain: str) -> Reading:
    """Read a mail.

    Args:
        data: the mail as fetched.
        domain: of our Message-IDs; those of others are not ours.
    """
    mail = message_from_bytes(data)
    parts = _parts(mail)
    for part in parts:
        if part.get_content_type() == "message/delivery-status":
            return _delivery(mail, part, parts, domain)
        if part.get_content_type() == "message/disposition-notification":
            return _disposition(mail, part, domain)
    if _is_bounce(mail):
        return _bounce(mail, parts, domain)
    if _is_automatic(mail):
        return Reading(Kind.AUTOMATIC)
    report = str(mail.get_content_type()) == "multipart/report"
    return Reading(Kind.UNREADABLE if report else Kind.OTHER)


def _parts(mail: Message) -> list[Message]:
    """Return the parts of first level; the mail itself when it has none."""
    payload = mail.get_payload()
    if isinstance(payload, list):
        return [part for part in payload if isinstance(part, Message)]
    return [mail]


def _delivery(mail: Message, part: Message, parts: list[Message], domain: str) -> Reading:
    """Read RFC 3464: fields of the mail, then a block of fields per recipient."""
    blocks = _blocks(part)
    envelope = next((b["Original-Envelope-Id"] for b in blocks if b["Original-Envelope-Id"]), "")
    found = _ENVELOPE_ID.fullmatch(str(envelope).strip().lower())
    key = found[0] if found else _returned_key(parts, domain)
    actions = {
        action: block
        for block in blocks
        if (action := str(block["Action"] or "").strip().lower().split(" ")[0])
    }
    action = next((name for name in _DELAYED_FIRST if name in actions), "")
    if not key or not action:
        return Reading(Kind.UNREADABLE)
    block = actions[action]
    kind = {
        "failed": Kind.FAILED,
        "delivered": Kind.DELIVERED,
        "delayed": Kind.DELAYED,
    }.get(action, Kind.RELAYED)
    return Reading(kind, key, _moment(block, mail), _status_note(kind, block))


def _blocks(part: Message) -> list[Message]:
    """Return the blocks of fields; the parser splits them, unless they came encoded."""
    payload = part.get_payload()
    blocks = (
        [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []
    )
    if str(part["Content-Transfer-Encoding"] or "").strip().lower() != "base64":
        return blocks or [message_from_string(str(payload))]
    packed = "".join(str(one.get_payload()) for one in blocks) or str(payload)
    try:
        text = b64decode(packed)
    except ValueError:
        # Cut or damaged: the fields are missing, and the caller says that it is unreadable.
        return []
    return [message_from_bytes(block) for block in re.split(rb"\r?\n\r?\n", text) if block.strip()]


def _status_note(kind: Kind, block: Message) -> str:
    status = re.match(r"\s*([245]\.\d{1,3}\.\d{1,3})", str(block["Status"] or ""))
    diagnostic = _SMTP_CODE.search(str(block["Diagnostic-Code"] or "").partition(";")[2])
    parts = []
    if diagnostic and kind in (Kind.FAILED, Kind.DELAYED):
        parts.append(f"{diagnostic[1]} {word(int(diagnostic[1]))}")
    elif kind is Kind.FAILED:
        parts.append("550 not delivered")
    else:
        parts.append(kind.value)
    if status:
        parts.append(status[1])
    return " ".join(parts)


def _disposition(mail: Message, part: Message, domain: str) -> Reading:
    """Read RFC 8098; `processed/Error: 902` says that the recipient's software refused it."""
    blocks = _blocks(part)
    fields = {name.lower(): str(value) for b in blocks for name, value in b.items()}
    key = _key_in([fields.get("original-message-id", "")], domain)
    match = _DISPOSITION.match(fields.get("disposition", "").strip())
    if not key or match is None:
        return Reading(Kind.UNREADABLE)
    disposition, modifier, code = match.groups()
    name, at = disposition.lower(), _moment(mail, mail)
    if "error" in (modifier or "").lower() or name == "failed":
        number = int(code) if code else 906
        return Reading(
            Kind.NOT_INTEGRATED, key, at, f"{number} {_INTEGRATION.get(number, 'not integrated')}"
        )
    if name == "processed":
        return Reading(Kind.INTEGRATED, key, at, "processed")
    if name == "displayed":
        return Reading(Kind.READ, key, at, "displayed")
    # Dispatched, deleted unread or denied prove that it arrived and no more.
    return Reading(Kind.DELIVERED, key, at, name)


def _is_bounce(mail: Message) -> bool:
    """Tell whether a mail without report is a refusal in plain words."""
    from_daemon = bool(_DAEMON.search(str(mail["From"] or "")))
    empty_path = str(mail["Return-Path"] or "").strip() == "<>"
    return (from_daemon or empty_path) and bool(_BOUNCE_WORDS.search(_subject(mail)))


def _bounce(mail: Message, parts: list[Message], domain: str) -> Reading:
    key = _returned_key(parts, domain) or _key_in(
        [str(mail["In-Reply-To"] or ""), str(mail["References"] or ""), *_texts(parts)], domain
    )
    if not key:
        return Reading(Kind.UNREADABLE)
    codes = [found for text in _texts(parts) if (found := re.search(r"\b(5\d\d)[ -]", text))]
    number = int(codes[0][1]) if codes else 550
    return Reading(Kind.FAILED, key, _moment(mail, mail), f"{number} {word(number)}")


def _is_automatic(mail: Message) -> bool:
    submitted = str(mail["Auto-Submitted"] or "no").strip().lower()
    marks = ("X-Auto-Response-Suppress", "X-Autoreply", "X-Autorespond")
    return submitted != "no" or any(mail[name] for name in marks)


def _returned_key(parts: Iterable[Message], domain: str) -> str:
    """Return our key from the headers that came back (RET=HDRS) or the whole mail."""
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers":
            raw = part.get_payload(decode=True)
            headers = message_from_bytes(raw if isinstance(raw, bytes) else b"")
        elif part.get_content_type() == "message/rfc822" and part.is_multipart():
            payload = part.get_payload(0)
            headers = payload if isinstance(payload, Message) else Message()
        else:
            continue
        if key := _key_in([str(headers["Message-ID"] or "")], domain):
            return key
    return ""


def _key_in(texts: Iterable[str], domain: str) -> str:
    ours = re.compile(rf"<({_KEY})@{re.escape(domain)}>", re.IGNORECASE)
    return next((found[1].lower() for text in texts if (found := ours.search(text))), "")


def _texts(parts: Iterable[Message]) -> list[str]:
    found = []
    for part in parts:
        raw = part.get_payload(decode=True) if part.get_content_maintype() == "text" else None
        if isinstance(raw, bytes):
            found.append(raw.decode("utf-8", "replace"))
    return found


def _subject(mail: Message) -> str:
    raw = str(mail["Subject"] or "")
    try:
        return str(make_header(decode_header(raw)))
    except (ValueError, LookupError):
        # A charset nobody knows: the raw words may still tell.
        return raw


def _moment(block: Message, mail: Message) -> datetime | None:
    for text in (block["Last-Attempt-Date"], mail["Date"]):
        if not text:
            continue
        try:
            found = parsedate_to_datetime(str(text))
        except ValueError:
            continue
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return None
