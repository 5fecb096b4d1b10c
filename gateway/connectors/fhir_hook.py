"""The rest-hook channel: one POST to the endpoint of a subscription.

Every address of the endpoint's name is judged at each send and the judged one is connected to;
redirects are not followed; what the receiver answers beyond its status is read to a limit and
dropped. Standard: FHIR R4 Subscription, channel rest-hook; Subscriptions R5 Backport 1.1.0.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping

from gateway.connectors.http import HttpClient, HttpFailureError, HttpReply
from gateway.core.deliveries import Delivery, DeliveryStatus, Handover
from gateway.core.egress import EgressPolicy, Endpoint, EndpointError, may_connect, read_endpoint
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.issues import Issue, Severity

#: Gives the addresses of a host and port.
Resolver = Callable[[str, int], Awaitable[list[str]]]

_ANSWER_LIMIT = 64 * 1024
_LONGEST_WAIT_S = 86400.0
#: The least a receiver is left alone; how much longer is the caller's to say.
_SOON_S = 0.5
_AGAIN = frozenset({408, 409, 425, 429})
_PLACE = "Subscription.channel.endpoint"


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host by the resolver of this machine.

    Raises:
        OSError: the name has none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


class FhirHook:
    """Sends notifications; made of `core.deliveries.Connector`."""

    name = "fhir_hook"

    def __init__(
        self,
        client: HttpClient,
        policy: EgressPolicy,
        *,
        timeout_s: float = 10.0,
        resolver: Resolver = resolve,
        sign: Callable[[bytes], str] | None = None,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            client: should not keep connections (`HttpClient(keeps_connections=False)`).
            policy: what may be called.
            timeout_s: for a whole attempt, where the subscription asks for none.
            resolver: gives addresses of names.
            sign: makes the value of `X-Relais-Signature` of a body; None: nothing is signed.
        """
        self._client = client
        self._policy = policy
        self._timeout_s = timeout_s
        self._resolver = resolver
        self._sign = sign

    async def send(self, delivery: Delivery) -> Handover:
        """Send one notification.

        Raises:
            RetriableError: no answer, or 408, 409, 425, 429, 5xx.
            RejectedError: the endpoint may not be called, or answers 3xx or another 4xx.
        """
        details = delivery.item.details
        url: str = details["endpoint"]
        headers: dict[str, str] = dict(details["headers"])
        headers["Content-Type"] = delivery.item.content_type
        if self._sign is not None:
            headers["X-Relais-Signature"] = self._sign(delivery.item.body)
        timeout_s = float(details["timeout_s"] or self._timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                address = await self._address(url)
                reply = await self._client.post(
                    url,
                    delivery.item.body,
                    headers,
                    timeout_s,
                    address=address,
                    body_limit=_ANSWER_LIMIT,
                )
        except TimeoutError as error:
            raise RetriableError([_late(timeout_s)], _SOON_S) from error
        except HttpFailureError as error:
            issue = _not_trusted() if error.is_tls else _unreachable()
            raise RetriableError([issue], _SOON_S) from error
        if 200 <= reply.status < 300:
            return Handover(DeliveryStatus.CONFIRMED, f"HTTP {reply.status}")
        raise _fault(reply)

    async def _address(self, url: str) -> str:
        """Return the address to connect to; every one the name has must be admitted."""
        try:
            endpoint = read_endpoint(url, self._policy)
        except EndpointError as error:
            raise RejectedError([forbidden(str(error))]) from error
        try:
            addresses = await self._resolved(endpoint)
        except OSError as error:
            raise RetriableError([_unreachable()], _SOON_S) from error
        if not all(may_connect(one, endpoint, self._policy) for one in addresses):
            raise RejectedError([forbidden("its name leads to an address inside")])
        return addresses[0]

    async def _resolved(self, endpoint: Endpoint) -> list[str]:
        addresses = await self._resolver(endpoint.host, endpoint.port)
        if not addresses:
            msg = "no address"
            raise OSError(msg)
        return addresses


def _fault(reply: HttpReply) -> RejectedError | RetriableError:
    status = reply.status
    if status in _AGAIN or status >= 500:
        return RetriableError([_busy(status)], _retry_after(reply.headers))
    if status == 410:
        return RejectedError([_gone()])
    if 300 <= status < 400:
        return RejectedError([_redirect(status)])
    return RejectedError([_refused(status)])


def _retry_after(headers: Mapping[str, str]) -> float:
    """Read Retry-After in seconds; a date asks for no more than our own wait (RFC 9110 10.2.3)."""
    text = headers.get("retry-after", "")
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    return min(float(text), _LONGEST_WAIT_S) if is_number else _SOON_S


def _unreachable() -> Issue:
    return Issue(
        code="RLS-SUB-030",
        severity=Severity.ERROR,
        where=_PLACE,
        what="The receiver could not be reached.",
        fix="Start the receiver and look at name, port and firewall; it is tried again.",
    )


def _late(timeout_s: float) -> Issue:
    return Issue(
        code="RLS-SUB-031",
        severity=Severity.ERROR,
        where=_PLACE,
        what=f"The receiver did not answer within {timeout_s:g} s.",
        fix="Answer first and work afterwards; the same notification comes again.",
    )


def _busy(status: int) -> Issue:
    return Issue(
        code="RLS-SUB-032",
        severity=Severity.ERROR,
        where=_PLACE,
        what=f"The receiver answered {status}.",
        fix="Look at the receiver; it is tried again.",
    )


def _refused(status: int) -> Issue:
    return Issue(
        code="RLS-SUB-033",
        severity=Severity.ERROR,
        where=_PLACE,
        what=f"The receiver refused with {status}.",
        fix="Correct address or headers of the subscription and request it again.",
    )


def _redirect(status: int) -> Issue:
    return Issue(
        code="RLS-SUB-034",
        severity=Severity.ERROR,
        where=_PLACE,
        what=f"The receiver redirects ({status}); redirects are not followed.",
        fix="Give the final address in the subscription.",
    )


def forbidden(why: str) -> Issue:
    """Say that an endpoint may not be called or written to (any more)."""
    return Issue(
        code="RLS-SUB-035",
        severity=Severity.ERROR,
        where=_PLACE,
        what=f"The endpoint is not called: {why}.",
        fix="Use an endpoint this installation may call, or ask its operator to admit it.",
    )


def _gone() -> Issue:
    return Issue(
        code="RLS-SUB-036",
        severity=Severity.ERROR,
        where=_PLACE,
        what="The receiver is gone for good (410).",
        fix="Nothing; the subscription is off. Write it again with another endpoint.",
    )


def _not_trusted() -> Issue:
    return Issue(
        code="RLS-SUB-037",
        severity=Severity.ERROR,
        where=_PLACE,
        what="The certificate of the receiver is not trusted: expired, another name, or unknown.",
        fix="Renew the certificate of the receiver; it is tried again.",
    )
