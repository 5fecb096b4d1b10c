"""The email channel towards a real SMTP server: what leaves, what never does, what is told."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default

import pytest
import trustme
from aiosmtpd.smtp import SMTP

from gateway.connectors.fhir_channels import FhirChannels
from gateway.connectors.fhir_hook import FhirHook
from gateway.connectors.fhir_mail import FhirMail, MailServer
from gateway.connectors.http import HttpClient
from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.pipeline.publish import gap_changes
from gateway.store.memory import MemoryStore
from tests.support.gaps import (
    BASE,
    IDS,
    LOOPBACK,
    opened,
    parameters,
    subscribed_row,
    subscription,
)
from tests.support.pipeline import HandClock

DOMAINS = frozenset({"dac.test"})


@dataclass
class Office:
    """An SMTP server that keeps what it takes, and answers RCPT as it is told."""

    answer: str = "250 OK"
    mails: list[bytes] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - name of the library
        self, _server, _session, envelope, address, _options
    ):
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - as above
        self.mails.append(envelope.content)
        return "250 taken"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def office(request, authority) -> AsyncIterator[Office]:
    made = Office()
    context = None
    if getattr(request, "param", "tls") == "tls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            made, hostname="localhost", tls_context=context, require_starttls=bool(context)
        ),
        "127.0.0.1",
        0,
    )
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


def server_of(office: Office, authority: trustme.CA | None, **more: object) -> MailServer:
    """Return where mails are handed over."""

    def tls() -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        return context

    return MailServer(
        "localhost",
        office.port,
        "relais@region.test",
        DOMAINS,
        tls=tls if authority else None,
        **more,
    )


def wanted(**channel: object) -> dict:
    plain = {"type": "email", "payload": "text/plain;attach=application/fhir+json"}
    return subscription("mailto:dac@dac.test", **{**plain, **channel})


async def play(server: MailServer | None, resource: dict) -> tuple[MemoryStore, list[str]]:
    """Let a subscription be told of a gap by mail; return the store and its dead letters."""
    store, clock = MemoryStore(), HandClock()
    await store.open()
    await store.write(lambda tx: tx.subscriptions.put(subscribed_row("s1", resource)))
    await store.write(lambda tx: gap_changes(tx, [opened()], clock.now(), IDS))
    async with HttpClient(keeps_connections=False) as http:
        mail = FhirMail(server) if server else None
        line = FhirChannels(FhirHook(http, LOOPBACK), mail)
        deliverer = Deliverer(store, [line], clock, DeliveryPolicy(BASE), draw=lambda: 0.5)
        for _ in range(8):
            await deliverer.step()
            clock.advance(seconds=30)
    rows = await store.read(lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 9))
    return store, [f"{row.status} {row.note}" for row in rows]


async def test_a_mail_says_that_something_happened_and_not_what(office, authority):
    resource = wanted(content="id-only")

    _, states = await play(server_of(office, authority), resource)

    [raw] = office.mails
    mail = message_from_bytes(raw, policy=default)
    body, attached = mail.iter_parts()
    assert states == ["confirmed 250 taken"]
    assert (mail["To"], mail["From"]) == ("dac@dac.test", "relais@region.test")
    assert mail["Message-ID"] == "<s1.1@region.test>"
    assert "Il y a du nouveau." in body.get_content()
    for word in ("SMR", "DetectedIssue", "Patient", "8f1c0a52"):
        assert word not in body.get_content() + mail["Subject"]
    assert attached.get_content_type() == "application/fhir+json"
    assert parameters(_json(attached))["type"] == "event-notification"
    assert [e for e in _json(attached)["entry"] if "resource" in e][1:] == []


def _json(part):
    return json.loads(part.get_payload(decode=True))


@pytest.mark.parametrize(
    ("payload", "content", "attached"),
    [
        pytest.param("text/plain", "empty", [], id="a sentence only"),
        pytest.param(
            "text/plain; attach=application/fhir+xml",
            "empty",
            ["application/fhir+xml"],
            id="a notification in XML",
        ),
    ],
)
async def test_what_is_attached_is_what_was_asked_for(
    office, authority, payload, content, attached
):
    await play(server_of(office, authority), wanted(payload=payload, content=content))

    mail = message_from_bytes(office.mails[0], policy=default)
    assert [one.get_content_type() for one in mail.iter_attachments()] == attached


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("550 no such mailbox", "refused RLS-SUB-039"),
        ("451 later", "retry_wait RLS-SUB-038"),
    ],
)
async def test_what_the_server_answers_is_told(office, authority, answer, state):
    office.answer = answer

    store, states = await play(server_of(office, authority), wanted())

    assert [one[: len(state)] for one in states] == [state]
    row = await store.read(lambda tx: tx.subscriptions.get("s1"))
    assert row.status == ("error" if state.startswith("refused") else "active")


@pytest.mark.parametrize("office", ["clear"], indirect=True)
async def test_nothing_is_sent_in_clear(office, authority):
    _, states = await play(server_of(office, authority), wanted())

    assert office.mails == []
    assert states[0].startswith("retry_wait RLS-SUB-040")


async def test_a_server_of_another_authority_gets_nothing(office):
    _, states = await play(server_of(office, trustme.CA()), wanted())

    assert office.mails == []
    assert states[0].startswith("retry_wait RLS-SUB-038")


async def test_a_domain_that_is_no_longer_admitted_gets_nothing(office, authority):
    resource = {**wanted(), "channel": {**wanted()["channel"], "endpoint": "mailto:a@other.test"}}

    _, states = await play(server_of(office, authority), resource)

    assert office.mails == []
    assert states[0].startswith("refused RLS-SUB-035")


async def test_where_no_mail_leaves_any_more_the_subscription_says_so():
    store, states = await play(None, wanted())

    row = await store.read(lambda tx: tx.subscriptions.get("s1"))
    assert states[0].startswith("refused RLS-SUB-041")
    assert row.status == "error"
