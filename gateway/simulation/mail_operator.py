"""The double of a MSSanté operator: takes mails over SMTP, judges them, answers by scenario.

What was taken is kept before the 250 leaves, on disk when a folder is given, and counted by
Message-ID; of two mails under one Message-ID the recipient sees the first. Notices go to the
mailbox of the sender. Standards: RFC 5321, RFC 3207 (required),
RFC 3461, ANS référentiel socle MSSanté #2.
"""

import asyncio
import json
import ssl
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway.simulation.mail_checks import findings
from gateway.simulation.mail_dsn import NoticeSMTP
from gateway.simulation.mail_reports import (
    Original,
    delivery_report,
    plain_bounce,
    reading_report,
)
from gateway.simulation.mailbox import MailboxServer

_DISPOSITION = "automatic-action/MDN-sent-automatically; processed"


class Fate(StrEnum):
    """What becomes of the mails to one recipient."""

    DELIVER = "deliver"
    #: Delivered, then read by software that files it.
    INTEGRATE = "integrate"
    #: Delivered, then refused by the software of the recipient.
    NOT_INTEGRATED = "not integrated"
    #: 451 the first time.
    LATER = "later"
    UNKNOWN = "unknown"
    FULL = "full"
    TOO_LARGE = "too large"
    #: Taken, refused by the next server afterwards.
    BOUNCE = "bounce"
    #: The same, told in plain words without a report.
    PLAIN_BOUNCE = "plain bounce"
    #: Taken; no word ever comes.
    SILENT = "silent"
    #: Taken, and the connection ends before the 250, the first time.
    CUT = "cut"


_REFUSALS = {
    Fate.UNKNOWN: "550 5.1.1 mailbox unknown",
    Fate.FULL: "452 4.2.2 mailbox full",
    Fate.TOO_LARGE: "552 5.3.4 message too big",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail the operator took.

    Attributes:
        wrong: what the checks found; empty when it is as it must be.
    """

    sender: str
    recipient: str
    message_id: str
    envelope_id: str
    notify: frozenset[str]
    data: bytes
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manners:
    """How the operator behaves.

    Attributes:
        fate: of the mails to an address.
        strict: a mail with findings is answered 554.
        announces_dsn: EHLO offers notices of delivery.
        delay_s: from the 250 to the notice.
        answer_s: from the keeping of a mail to the 250.
        limit: SIZE, bytes.
    """

    fate: Callable[[str], Fate] = lambda _address: Fate.DELIVER
    strict: bool = True
    announces_dsn: bool = True
    delay_s: float = 0.0
    answer_s: float = 0.0
    limit: int = 25 * 2**20


@dataclass(slots=True)
class _Seen:
    refused_once: set[str] = field(default_factory=set)
    cut_once: set[str] = field(default_factory=set)


class MailOperator:
    """SMTP of the operator; its notices go to the mailboxes."""

    def __init__(
        self,
        tls: ssl.SSLContext,
        mailboxes: MailboxServer,
        manners: Manners = Manners(),
        folder: Path | None = None,
    ) -> None:
        self._tls = tls
        self._mailboxes = mailboxes
        self._manners = manners
        self._folder = folder
        self._seen = _Seen()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._dialogues: set[NoticeSMTP] = set()
        self.taken: list[Taken] = []
        #: Answers that were not 250, in order.
        self.refusals: list[str] = []
        self.port = 0

    @property
    def by_message_id(self) -> Counter[str]:
        """Return how often each Message-ID was taken."""
        return Counter(mail.message_id for mail in self.taken)

    @property
    def distinct(self) -> dict[str, Taken]:
        """Return what recipients see, by Message-ID: a second mail under one id is dropped."""
        return {mail.message_id: mail for mail in reversed(self.taken)}

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Take up what an earlier life kept, tell its notices again, then listen.

        A mailbox outlives a server that is killed: ours does by being filled again before anybody
        can look into it, so start this one before the mailboxes listen.
        """
        loop = asyncio.get_running_loop()
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            for mail in kept(self._folder):
                self.taken.append(mail)
                await self._tell(mail)
        self._server = await loop.create_server(self._dialogue, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening; notices that were not told yet are told at the next start."""
        if self._server is not None:
            self._server.close()
        for dialogue in self._dialogues:
            if dialogue.transport is not None:
                dialogue.transport.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until every notice that is on its way was told."""
        await asyncio.gather(*self._tasks)

    def _dialogue(self) -> NoticeSMTP:
        made = NoticeSMTP(
            self,
            announces=self._manners.announces_dsn,
            data_size_limit=self._manners.limit,
            hostname="smtp.operateur.mssante.example",
            tls_context=self._tls,
            require_starttls=True,
            auth_require_tls=True,
            loop=asyncio.get_running_loop(),
        )
        self._dialogues.add(made)
        return made

    # --- hooks of aiosmtpd ----------------------------------------------------------------

    async def handle_RCPT(  # noqa: N802 - name of the hook
        self, _server: NoticeSMTP, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Answer by the fate of the recipient."""
        fate = self._manners.fate(address)
        refusal = _REFUSALS.get(fate, "")
        if fate is Fate.LATER and address not in self._seen.refused_once:
            self._seen.refused_once.add(address)
            refusal = "451 4.7.1 try later"
        if refusal:
            self.refusals.append(refusal)
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - name of the hook
        self, server: NoticeSMTP, _session: Any, envelope: Any
    ) -> str:
        """Judge, keep, then answer."""
        data: bytes = envelope.content
        wrong = findings(data)
        if len(envelope.rcpt_tos) != 1:
            wrong.append("not one recipient")
        if wrong and self._manners.strict:
            self.refusals.append(f"554 5.6.0 {', '.join(wrong)}")
            return "554 5.6.0 content refused"
        mail = Taken(
            sender=envelope.mail_from,
            recipient=envelope.rcpt_tos[0],
            message_id=str(message_from_bytes(data)["Message-ID"] or "").strip(),
            envelope_id=server.asked.envelope_id,
            notify=server.asked.notify,
            data=data,
            wrong=tuple(wrong),
        )
        self._keep(mail)
        self._later(mail)
        if self._is_cut(mail) and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        await asyncio.sleep(self._manners.answer_s)
        return "250 2.0.0 taken"

    def _is_cut(self, mail: Taken) -> bool:
        if self._manners.fate(mail.recipient) is not Fate.CUT:
            return False
        first = mail.message_id not in self._seen.cut_once
        self._seen.cut_once.add(mail.message_id)
        return first

    # --- what follows ---------------------------------------------------------------------

    def _keep(self, mail: Taken) -> None:
        if self._folder is not None:
            _write(self._folder / f"{len(self.taken) + 1:06d}.json", mail)
        self.taken.append(mail)

    def _later(self, mail: Taken) -> None:
        task = asyncio.get_running_loop().create_task(self._tell(mail, self._manners.delay_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, mail: Taken, delay_s: float = 0.0) -> None:
        await asyncio.sleep(delay_s)
        for report in self._reports(mail):
            await self._mailboxes.append(mail.sender, report)

    def _reports(self, mail: Taken) -> list[bytes]:
        fate, now = self._manners.fate(mail.recipient), datetime.now(UTC)
        headers = mail.data.partition(b"\r\n\r\n")[0] + b"\r\n"
        original = Original(mail.sender, mail.recipient, mail.message_id, mail.envelope_id, headers)
        if fate is Fate.SILENT:
            return []
        if fate is Fate.PLAIN_BOUNCE:
            return [plain_bounce(original, 550, now)]
        if fate is Fate.BOUNCE:
            report = delivery_report(original, "failed", "5.1.1", "550 no such mailbox", now)
            return [report] if "FAILURE" in mail.notify or not mail.notify else []
        reports = []
        if "SUCCESS" in mail.notify:
            reports.append(delivery_report(original, "delivered", "2.0.0", "250 ok", now))
        wants_reading = message_from_bytes(headers)["Disposition-Notification-To"] is not None
        if fate is Fate.INTEGRATE and wants_reading:
            reports.append(reading_report(original, _DISPOSITION, now))
        if fate is Fate.NOT_INTEGRATED and wants_reading:
            wrong = f"{_DISPOSITION}/Error: 902^Identifiant patient inconnu"
            reports.append(reading_report(original, wrong, now))
        return reports


def kept(folder: Path) -> list[Taken]:
    """Return what an operator kept under its folder, in the order it was taken."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _write(path: Path, mail: Taken) -> None:
    """Write a mail whole or not at all."""
    shown = {
        "sender": mail.sender,
        "recipient": mail.recipient,
        "message_id": mail.message_id,
        "envelope_id": mail.envelope_id,
        "notify": sorted(mail.notify),
        "data": b64encode(mail.data).decode("ascii"),
        "wrong": list(mail.wrong),
    }
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(shown), encoding="utf-8")
    draft.replace(path)


def _read(path: Path) -> Taken:
    shown = json.loads(path.read_text(encoding="utf-8"))
    return Taken(
        **{
            **shown,
            "notify": frozenset(shown["notify"]),
            "wrong": tuple(shown["wrong"]),
            "data": b64decode(shown["data"]),
        }
    )
