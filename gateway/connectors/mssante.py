"""MSSanté: one document to one recipient, handed to the mail operator over SMTP.

Sends once and says what happened; retries, states and who receives are decided elsewhere
(`pipeline.deliver`, `sharing.routing`). Standards: RFC 5321, RFC 3207 (STARTTLS, required), RFC
1870 (SIZE), RFC 3461 (notices of delivery), ANS référentiel socle MSSanté #2.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from gateway.connectors import mail_faults as faults
from gateway.connectors import mssante_receipts
from gateway.connectors.letter_drawing import drawn
from gateway.connectors.letter_press import Press
from gateway.connectors.mssante_mail import Mail, Sender, build
from gateway.connectors.smtp_words import NOT_LET_IN, TOO_LARGE, word
from gateway.core.deliveries import Delivery, DeliveryStatus, Handover, Notice
from gateway.core.digits import whole_number
from gateway.core.errors import RejectedError, RelaisError, RetriableError
from gateway.mapping.conceptmaps import ConceptMap

#: A refused certificate does not mend itself in minutes: a person is called, nobody is stormed.
_NOT_LET_IN_S = 900.0
_NETWORK_S = 30.0
#: A session that waited so long for its mail is opened anew: operators end silent ones.
_IDLE_S = 30.0
#: Steps at which the operator knows nothing of a letter yet.
_OUTSIDE = frozenset({"connect", "EHLO", "STARTTLS"})
#: Mails that are built at the same time; most of them wait for their pages.
_BUILDERS = 4


@dataclass(frozen=True, slots=True)
class Domain:
    """What is known of a domain of the trust space.

    Attributes:
        emits_dsn: it answers with notices of delivery; else a hand-over counts as arrival.
        limit: largest mail it takes, bytes; 0 when not known.
        emits_mdn: it tells that a mail was read, where that is asked for (RFC 8098).
    """

    emits_dsn: bool = True
    limit: int = 0
    emits_mdn: bool = False


def nearest(domains: Mapping[str, Domain], address: str) -> Domain | None:
    """Return the entry of an address or a domain, the nearest one above it, None outside all."""
    name = address.rpartition("@")[2].lower()
    while name:
        if name in domains:
            return domains[name]
        name = name.partition(".")[2]
    return None


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator and what it lets us do.

    Attributes:
        tls: makes the context of each connection, so that certificates may be renewed.
        domains: domains of the trust space, sub-domains included; nothing leaves for others.
        unknown_wait_s: how long the notice of a mail is waited for when its hand-over was cut.
    """

    host: str
    port: int
    tls: Callable[[], ssl.SSLContext]
    sender: Sender
    domains: Mapping[str, Domain] = field(default_factory=dict)
    timeout_s: float = 60.0
    unknown_wait_s: float = 900.0

    def domain(self, address: str) -> Domain | None:
        """Return the entry of an address, the nearest one above it, None outside all."""
        return nearest(self.domains, address)


class NoticeFinder(Protocol):
    """Where a notice of one mail is looked for."""

    async def find(self, key: str) -> Notice | None:
        """Return the notice of an outbox row, None when none came."""
        ...


class MssanteConnector:
    """Hands documents to the operator."""

    name = "mssante"

    def __init__(
        self,
        operator: Operator,
        conceptmaps: Mapping[str, ConceptMap],
        notices: NoticeFinder | None = None,
        protection: Callable[[Mail], Mail] = lambda mail: mail,
        press: Press | None = None,
    ) -> None:
        """Prepare.

        Args:
            operator: who takes mails.
            conceptmaps: by name.
            notices: where notices are looked for; None: nowhere.
            protection: signs and encrypts a mail as its recipient wants (`connectors.smime`).
            press: sets the pages of PDFs; None: they are set in this process.
        """
        self._operator = operator
        self._protection = protection
        self._conceptmaps = conceptmaps
        self._notices = notices
        self._press = press
        self._draw = drawn if press is None else press.drawn
        # Threads of their own: who waits for a page keeps no other connector from its signature.
        self._threads = ThreadPoolExecutor(_BUILDERS, "mail")

    async def close(self) -> None:
        """End what sets pages; the next mail starts it again."""
        if self._press is not None:
            await asyncio.to_thread(self._press.close)

    async def send(self, delivery: Delivery) -> Handover:
        """Send once.

        Raises:
            RetriableError: the operator is away or says 4yz, does not let us in, or was cut
                after the mail had left (RLS-MSS-020 to 023, 026), or the PDF was not made
                (RLS-MSS-048).
            RejectedError: the mail cannot be built, or is refused for good (RLS-MSS-001 to 017,
                024, 025, 040, 044, 047).
        """
        session = await _let_in(self._operator)
        try:
            began = monotonic()
            # Packing is CPU work of milliseconds, the PDF of much more: not on the loop.
            loop = asyncio.get_running_loop()
            mail = await loop.run_in_executor(self._threads, self._built, delivery)
            domain = self._operator.domain(mail.recipient)
            if domain is None:
                raise RejectedError([faults.outside("to")])
            if domain.limit and len(mail.data) > domain.limit:
                raise RejectedError([faults.too_large("recipient domain")])
            if monotonic() - began > _IDLE_S:
                await session.close()
                session = await _let_in(self._operator)
            try:
                announces = await session.transmit(mail)
            except (SMTPException, OSError) as error:
                raise session.failure(error) from None
        finally:
            await session.close()
        return _handover(mail, announces=announces and domain.emits_dsn)

    def _built(self, delivery: Delivery) -> Mail:
        if delivery.item.details.get("kind") == mssante_receipts.KIND:
            return mssante_receipts.build(delivery, self._operator.sender)
        return self._protection(
            build(delivery, self._operator.sender, self._conceptmaps, self._draw)
        )

    async def before_resend(self, delivery: Delivery) -> Handover | None:
        """Look whether an earlier attempt arrived; None when the mail may go again.

        To be called before each attempt but the first. The same Message-ID is sent again only
        when no notice of the earlier one came; an attempt that nobody saw the end of (a kill
        after the operator's 250) gives its notice the time to come.

        Raises:
            RetriableError: the mailbox of notices cannot be read, or the notice of an abandoned
                attempt is waited for (RLS-MSS-026, 027); nothing is sent blindly.
            RejectedError: the notice says that the mail was refused (RLS-MSS-024).
        """
        if self._notices is None:
            return None
        notice = await self._notices.find(delivery.item.key)
        if notice is None and delivery.abandoned:
            raise RetriableError([faults.unknown_outcome()], self._operator.unknown_wait_s)
        if notice is None:
            return None
        if notice.status is DeliveryStatus.REFUSED:
            code, _, said = notice.note.partition(" ")
            number = whole_number(code) or 550
            raise RejectedError([faults.refused("notice", number, said or word(number))])
        return Handover(notice.status, notice.note, notice.receipt)


class _Session:
    """One connection and the step it is at, which decides what its end means."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        self._step = "connect"
        self._client = SMTP(
            hostname=operator.host,
            port=operator.port,
            start_tls=False,
            tls_context=operator.tls(),
            timeout=operator.timeout_s,
        )

    async def enter(self) -> None:
        """Connect and go on under TLS, or not at all (RFC 3207; never in clear)."""
        await self._client.connect()
        self._step = "EHLO"
        await self._client.ehlo()
        if not self._client.supports_extension("starttls"):
            raise RetriableError([faults.no_starttls()], _NOT_LET_IN_S, whole_door=True)
        self._step = "STARTTLS"
        await self._client.starttls()
        # TLS 1.3: a refused client certificate shows at the first answer only.
        await self._client.ehlo()

    async def transmit(self, mail: Mail) -> bool:
        """Hand the mail over; tell whether notices of delivery were asked for."""
        client = self._client
        # Nothing answers a mail without sender (RFC 8098 3).
        notices = bool(mail.sender) and client.supports_extension("dsn")
        self._refuse_large(len(mail.data))
        self._step = "MAIL"
        options = [f"SIZE={len(mail.data)}"] if client.supports_extension("size") else []
        options += [f"RET=HDRS ENVID={mail.envelope_id}"] if notices else []
        await client.mail(mail.sender, options=options, encoding="ascii")
        self._step = "RCPT"
        asked = f"NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{_xtext(mail.recipient)}"
        await client.rcpt(mail.recipient, options=[asked] if notices else [], encoding="ascii")
        self._step = "DATA"
        await client.data(mail.data)
        self._step = "QUIT"
        return notices

    def _refuse_large(self, size: int) -> None:
        announced = self._client.esmtp_extensions.get("size", "")
        most = whole_number(announced, size)
        if most is not None and 0 < most < size:
            raise RejectedError([faults.too_large("SMTP SIZE")])

    def failure(self, error: Exception) -> RelaisError:
        """Say what an error means at this step; the words of the operator are not quoted."""
        # Before a letter is named, what fails is the door and no letter.
        outside = self._step in _OUTSIDE
        if isinstance(error, SMTPResponseException):
            return _at_the_door(error.code) if outside else _refusal(self._step, error.code)
        if self._step == "DATA":
            return RetriableError([faults.unknown_outcome()], self._operator.unknown_wait_s)
        if isinstance(error, ssl.SSLError):
            return _not_let_in("server certificate", whole_door=outside)
        timed_out = isinstance(error, SMTPTimeoutError | TimeoutError)
        if self._step == "STARTTLS" and not timed_out:
            return _not_let_in("client certificate", whole_door=True)
        said = type(error).__name__
        return RetriableError([faults.away(said)], _NETWORK_S, whole_door=outside)

    async def close(self) -> None:
        """End the connection; what happens after the answer to DATA changes nothing."""
        if self._step == "QUIT":
            try:
                await self._client.quit()
            except (SMTPResponseException, SMTPServerDisconnected, SMTPTimeoutError, OSError):
                # The mail was taken before.
                self._step = "closed"
        self._client.close()


async def _let_in(operator: Operator) -> _Session:
    """Come in before anything is built: a door that is closed costs no page and no signature.

    Raises:
        RetriableError: nobody answers, or we do not accept each other (RLS-MSS-020 to 022).
    """
    session = _Session(operator)
    try:
        await session.enter()
    except (SMTPException, OSError) as error:
        await session.close()
        raise session.failure(error) from None
    except RetriableError:
        await session.close()
        raise
    return session


def _not_let_in(why: str, *, whole_door: bool) -> RetriableError:
    return RetriableError([faults.not_let_in(why)], _NOT_LET_IN_S, whole_door=whole_door)


def _at_the_door(code: int) -> RelaisError:
    """Sort an answer of the operator before any letter: it is about us, or about its day."""
    said = f"{code} {word(code)}"
    if code in NOT_LET_IN or code >= 500:
        return _not_let_in(said, whole_door=True)
    return RetriableError([faults.away(said)], _NETWORK_S, whole_door=True)


def _refusal(step: str, code: int) -> RelaisError:
    """Sort an answer of the operator by its code (RFC 5321 4.2.1)."""
    if code in NOT_LET_IN:
        return RetriableError([faults.not_let_in(f"{code} {word(code)}")], _NOT_LET_IN_S)
    if code in TOO_LARGE:
        return RejectedError([faults.too_large(f"SMTP {step} {code}")])
    if 500 <= code <= 599:
        return RejectedError([faults.refused(step, code, word(code))])
    return RetriableError([faults.not_now(step, code, word(code))])


def _handover(mail: Mail, *, announces: bool) -> Handover:
    """Wait for a notice, or take the hand-over for the arrival where no notice will come."""
    receipt: dict[str, object] = {"message_id": mail.message_id, "lacks": list(mail.lacks)}
    if mail.doubts:
        receipt["doubts"] = [f"{one.code} {one.what}" for one in mail.doubts]
    if announces:
        return Handover(DeliveryStatus.SENT, "250 taken", receipt)
    receipt |= {"evidence": "assumed", "assumed": True}
    return Handover(DeliveryStatus.CONFIRMED, "250 taken; assumed", receipt)


def _xtext(text: str) -> str:
    """Write a value of RFC 3461 4: printable ASCII without `+` and `=`."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text)
