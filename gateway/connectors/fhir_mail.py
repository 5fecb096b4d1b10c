"""The email channel: a mail that says that something happened, and never what, nor of whom.

The body is the same sentence for everybody; what is attached is the notification as agreed, which
holds ids at most (`fhir.subscription_channels` refuses more). STARTTLS is required but towards a
server on this machine. Standard: FHIR R4 Subscription, channel email; Subscriptions R5 Backport
1.1.0, channels; RFC 5321, RFC 5322, RFC 3207.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as CRLF
from email.utils import format_datetime

from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException, SMTPResponseException

from gateway.connectors.fhir_hook import forbidden
from gateway.core.deliveries import Delivery, DeliveryStatus, Handover
from gateway.core.egress import EndpointError
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.fhir.subscription_channels import attachment, read_mailbox

_PLACE = "Subscription.channel.endpoint"
_LATER_S = 60.0
_SUBJECTS = {
    "handshake": "Relais : ouverture d’un abonnement",
    "heartbeat": "Relais : abonnement en service",
    "event": "Relais : du nouveau pour un abonnement",
}
_TEXT = """Bonjour,

{what}
Abonnement : {subscription}
Pour lire ce qui s’est passé, demandez $events de cet abonnement.

Relais : {what_en}
"""
_WHAT = {
    "handshake": ("Un abonnement vous est ouvert.", "a subscription is opened for you."),
    "heartbeat": ("Rien de nouveau ; l’abonnement est en service.", "nothing new; still here."),
    "event": ("Il y a du nouveau.", "something happened."),
}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over.

    Attributes:
        sender: address mails come from.
        domains: domains mails may go to, their sub-domains included; `*` admits all.
        tls: makes a context for STARTTLS; None towards a server on this machine only.
        user: name for AUTH; empty for none.
    """

    host: str
    port: int
    sender: str
    domains: frozenset[str]
    tls: Callable[[], ssl.SSLContext] | None = None
    user: str = ""
    password: str = ""
    timeout_s: float = 30.0


class FhirMail:
    """Sends notifications as mails."""

    def __init__(self, server: MailServer) -> None:
        """Prepare; nothing is sent."""
        self._server = server

    async def send(self, delivery: Delivery) -> Handover:
        """Send one notification.

        Raises:
            RetriableError: the server is away, offers no TLS, or says 4yz (RLS-SUB-038, 040).
            RejectedError: the address may not be written to, or the server says 5yz
                (RLS-SUB-035, 039).
        """
        return await hand_over(build(delivery, self._server), self._server)


async def hand_over(mail: EmailMessage, server: MailServer) -> Handover:
    """Hand one mail to the server.

    Raises:
        RetriableError: the server is away, offers no TLS, or says 4yz (RLS-SUB-038, 040).
        RejectedError: the server says 5yz (RLS-SUB-039).
    """
    client = SMTP(
        hostname=server.host,
        port=server.port,
        start_tls=False,
        tls_context=server.tls() if server.tls else None,
        timeout=server.timeout_s,
    )
    try:
        await client.connect()
        await client.ehlo()
        if server.tls is not None:
            if not client.supports_extension("starttls"):
                raise RetriableError([_no_tls()], _LATER_S)
            await client.starttls()
        if server.user:
            await client.login(server.user, server.password)
        await client.sendmail(server.sender, [str(mail["To"])], mail.as_bytes())
    except SMTPResponseException as error:
        raise _refusal(error.code) from None
    except (SMTPException, OSError) as error:
        refused = getattr(error, "recipients", None)
        if refused:
            raise _refusal(refused[0].code) from None
        raise RetriableError([_away()], _LATER_S) from None
    finally:
        client.close()
    return Handover(DeliveryStatus.CONFIRMED, "250 taken")


def build(delivery: Delivery, server: MailServer) -> EmailMessage:
    """Build the mail of an outbox row: the same for each attempt.

    Raises:
        RejectedError: its address may not be written to (any more) (RLS-SUB-035).
    """
    details = delivery.item.details
    try:
        to = read_mailbox(str(details["endpoint"]), server.domains)
    except EndpointError as error:
        raise RejectedError([forbidden(str(error))]) from error
    kind = str(details["kind"])
    what, what_en = _WHAT[kind]
    mail = EmailMessage(policy=CRLF)
    mail["From"] = server.sender
    mail["To"] = to
    mail["Subject"] = _SUBJECTS[kind]
    mail["Date"] = format_datetime(delivery.created_at)
    # Made of the key, so that a mail sent twice is known for the same.
    name = delivery.item.key.replace(":", ".")
    mail["Message-ID"] = f"<{name}@{server.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    subscription = str(details["subscription"])
    mail.set_content(_TEXT.format(what=what, what_en=what_en, subscription=subscription))
    media = attachment(delivery.item.content_type)
    if media:
        main, _, sub = media.partition("/")
        end = sub.rpartition("+")[2]
        mail.add_attachment(
            delivery.item.body, maintype=main, subtype=sub, filename=f"notification.{end}"
        )
    return mail


def _refusal(code: int) -> RejectedError | RetriableError:
    if 500 <= code <= 599:
        return RejectedError([_refused(code)])
    return RetriableError([_away()], _LATER_S)


def _away() -> Issue:
    return Issue(
        code="RLS-SUB-038",
        severity=Severity.ERROR,
        where="hooks.mail_host",
        what="The mail server is away or does not take the mail now.",
        fix="Look at the mail server; the mail is tried again.",
    )


def _refused(code: int) -> Issue:
    return Issue(
        code="RLS-SUB-039",
        severity=Severity.ERROR,
        where=_PLACE,
        what=f"The mail server refused the mail with {code}.",
        fix="Correct the address of the subscription and request it again.",
    )


def _no_tls() -> Issue:
    return Issue(
        code="RLS-SUB-040",
        severity=Severity.ERROR,
        where="hooks.mail_host",
        what="The mail server offers no STARTTLS; nothing is sent in clear.",
        fix="Use a mail server that offers it.",
    )
