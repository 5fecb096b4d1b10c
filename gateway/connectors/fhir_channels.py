"""Hands a notification to the connector of its channel; one row of the outbox knows one name."""

from gateway.connectors.fhir_hook import FhirHook
from gateway.connectors.fhir_mail import FhirMail
from gateway.core.deliveries import Delivery, Handover
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity


class FhirChannels:
    """Every channel that is pushed; made of `core.deliveries.Connector`."""

    name = FhirHook.name

    def __init__(self, hook: FhirHook, mail: FhirMail | None = None) -> None:
        """Prepare; nothing is sent.

        Args:
            hook: sends rest-hook and message.
            mail: sends email; None where no mail leaves.
        """
        self._hook = hook
        self._mail = mail

    async def send(self, delivery: Delivery) -> Handover:
        """Send one notification; errors are those of its channel.

        Raises:
            RejectedError: its channel is not offered (any more) (RLS-SUB-041).
        """
        if delivery.item.details.get("channel") != "email":
            return await self._hook.send(delivery)
        if self._mail is None:
            raise RejectedError([_no_mail()])
        return await self._mail.send(delivery)


def _no_mail() -> Issue:
    return Issue(
        code="RLS-SUB-041",
        severity=Severity.ERROR,
        where="Subscription.channel.type",
        what="No mail leaves from here any more.",
        fix="Write the subscription again with another channel, or set hooks.mail_host.",
    )
