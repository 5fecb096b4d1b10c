"""Sends what was tried to a test gateway of the settings, and says what it answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from gateway.connectors.http import HttpClient
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.entry.bench.inputs import Kind
from gateway.entry.sender import Address, HttpAnswer, SendPlan, send
from gateway.entry.sender_lines import Scheme
from gateway.entry.settings import Settings
from gateway.entry.tls import client_context
from gateway.entry.web.segments import Segment, segments

_XML = {"Content-Type": "application/xml"}
_TIMEOUT_S = 20.0
_SHOWN = 8000


@dataclass(frozen=True, slots=True)
class Sent:
    """What a test gateway said.

    Attributes:
        target: its name in the settings.
        address: where it is.
        code: MSA-1, or the HTTP status of a document; empty when no answer came.
        ms: time to the answer, milliseconds.
        text: the answer, shortened.
        segments: the answer cut into fields, when it is an acknowledgement.
        issue: why it is not known what became of the input.
    """

    target: str
    address: str
    code: str
    ms: int
    text: str = ""
    segments: tuple[Segment, ...] = ()
    issue: Issue | None = None


async def sent_to(settings: Settings, name: str, content: bytes, kind: Kind) -> Sent:
    """Send one message or document, once.

    Args:
        settings: name the gateways (`workbench.targets`).
        name: of one of them.
        content: as it is sent.
        kind: what it is.

    Raises:
        RejectedError: there is no such gateway, or it does not take this (RLS-WEB-126).
        FatalError: a certificate of the settings cannot be read (RLS-NET-020).
    """
    written = settings.workbench.targets.get(name)
    if written is None:
        raise RejectedError([_not_there("the settings name no such gateway")])
    to = Address.parse(written)
    over_http = to.scheme in (Scheme.HTTP, Scheme.HTTPS)
    if kind is Kind.FHIR or (kind is Kind.CDA and not over_http):
        raise RejectedError([_not_there("it does not take this kind of input")])
    own = settings.outbound
    tls = None
    if to.scheme in (Scheme.MLLPS, Scheme.HTTPS):
        tls = client_context(own.authority, certificate=own.certificate, key=own.key)
    async with HttpClient(tls) as client:
        if kind is Kind.CDA:
            return await _document(client, name, to, content)

        async def post(
            url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
        ) -> HttpAnswer:
            reply = await client.post(url, body, headers, timeout_s)
            return HttpAnswer(reply.status, reply.body)

        plan = SendPlan(timeout_s=_TIMEOUT_S, tls=tls, post=post)
        try:
            async for one in send([content], to, plan):
                text = one.ack.decode("utf-8", "replace")[:_SHOWN]
                ms = round(one.latency_s * 1000)
                return Sent(name, str(to), one.code, ms, text, segments(text, ()), one.issue)
        except RetriableError as error:
            return Sent(name, str(to), "", 0, issue=error.issues[0])
    raise AssertionError


async def _document(client: HttpClient, name: str, to: Address, body: bytes) -> Sent:
    path = to.path if to.path.endswith("/cda") else f"{to.path.removesuffix('/hl7v2')}/cda"
    where = f"{to.scheme}://{to.host}:{to.port}{path}"
    began = monotonic()
    try:
        reply = await client.post(where, body, _XML, _TIMEOUT_S)
    except OSError:
        return Sent(name, where, "", 0, issue=_not_there("it does not answer"))
    ms = round((monotonic() - began) * 1000)
    return Sent(name, where, str(reply.status), ms, reply.body.decode("utf-8", "replace")[:_SHOWN])


def _not_there(why: str) -> Issue:
    return Issue(
        code="RLS-WEB-126",
        severity=Severity.ERROR,
        where="setting workbench.targets",
        what=f"nothing was sent: {why}.",
        fix="Choose a gateway of the list; documents go to those with an http address.",
    )
