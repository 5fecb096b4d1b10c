"""Mails to the auditors of the installation: that somebody broke the glass, and never whose.

Who it was and about whom is in the journal, behind a login; the mail holds the number of its entry.
Goes through the mail server of notifications (`hooks.mail_host`). RFC 5321, RFC 5322.
"""

from email.message import EmailMessage
from email.policy import SMTP as CRLF
from email.utils import format_datetime

from gateway.connectors.fhir_mail import MailServer, hand_over
from gateway.core.deliveries import Delivery, Handover

_SUBJECT = "Relais : un bris de glace à examiner"
_TEXT = """Bonjour,

Une personne a ouvert le dossier d’un patient qu’elle n’a pas le droit de voir (bris de glace).
Qui, pour quel patient et pour quelle raison : dans le journal, {journal}
Entrée : {entry}

Relais: somebody broke the glass; the journal tells who, about whom, and why.
"""


class AlertMail:
    """Sends mails to auditors; a `core.deliveries.Connector`."""

    name = "alert_mail"

    def __init__(self, server: MailServer, base: str) -> None:
        """Prepare; nothing is sent.

        Args:
            server: takes the mails.
            base: public address of the pages, without trailing slash.
        """
        self._server, self._base = server, base

    async def send(self, delivery: Delivery) -> Handover:
        """Send one mail.

        Raises:
            RetriableError: the server is away, offers no TLS, or says 4yz (RLS-SUB-038, 040).
            RejectedError: the server says 5yz (RLS-SUB-039).
        """
        return await hand_over(self.build(delivery), self._server)

    def build(self, delivery: Delivery) -> EmailMessage:
        """Build the mail of an outbox row: the same for each attempt."""
        details = delivery.item.details
        mail = EmailMessage(policy=CRLF)
        mail["From"] = self._server.sender
        mail["To"] = str(details["to"])
        mail["Subject"] = _SUBJECT
        mail["Date"] = format_datetime(delivery.created_at)
        # Made of the key, so that a mail sent twice is known for the same.
        name = delivery.item.key.replace(":", ".")
        mail["Message-ID"] = f"<{name}@{self._server.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(_TEXT.format(journal=f"{self._base}/journal", entry=details["entry"]))
        return mail
