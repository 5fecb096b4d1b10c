"""The rest-hook connector against a receiver on this machine that fails in every way they do."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import orjson
import pytest
import trustme

from gateway.connectors.fhir_hook import FhirHook
from gateway.connectors.http import HttpClient
from gateway.core.deliveries import Delivery, DeliveryStatus, NewDelivery
from gateway.core.egress import EgressPolicy
from gateway.core.errors import RejectedError, RetriableError
from gateway.fhir import notifications
from gateway.fhir.notifications import Head, Told
from gateway.fhir.topics import GAP
from gateway.simulation.receiver import CUT, HANG, Answer, Receiver
from tests.contract.connector_contract import ConnectorContract
from tests.support.gaps import BASE, LOOPBACK
from tests.support.pipeline import START

HEAD = Head(BASE, "s1", GAP.url, "active", 7)
HEADER = "Bearer secret-of-the-subscription"


def _delivery(url, *, timeout_s=0, header=HEADER, content="id-only"):
    told = Told(7, START, "DetectedIssue/sentinel-gap")
    item = NewDelivery(
        "fhir_hook",
        "s1:7",
        START,
        content_type="application/fhir+json",
        body=notifications.event_notification(HEAD, [told], content),
        details={
            "endpoint": url,
            "headers": [["Authorization", header]],
            "timeout_s": timeout_s,
        },
    )
    return Delivery(1, item, DeliveryStatus.SENDING, 1, START, START)


class Platform:
    """The other side as the contract wants it."""

    def __init__(self, receiver):
        self.receiver = receiver

    def accepted(self):
        return _delivery(self.receiver.url)

    def not_now(self):
        self.receiver.script.append(Answer(503))
        return _delivery(self.receiver.url)

    def refused(self):
        self.receiver.script.append(Answer(403))
        return _delivery(self.receiver.url)

    async def go_away(self):
        await self.receiver.stop()

    def count(self):
        return len(self.receiver.events)

    def attempts(self):
        return len(self.receiver.arrived)

    def distinct(self):
        return len({one.bundle_id for one in self.receiver.arrived})

    def secrets(self):
        return ["secret-of-the-subscription", "sentinel-gap"]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def connector() -> AsyncIterator[FhirHook]:
    async with HttpClient(keeps_connections=False) as client:
        yield FhirHook(client, LOOPBACK, timeout_s=5.0)


class TestFhirHook(ConnectorContract):
    """What every connector promises."""

    @pytest.fixture
    def other_side(self, receiver):
        return Platform(receiver)


@pytest.mark.field("FL-241")
@pytest.mark.parametrize("content", ["empty", "id-only", "full-resource"])
async def test_headers_and_media_type_are_sent_whatever_the_content(connector, receiver, content):
    delivery = _delivery(receiver.url, content=content)

    handover = await connector.send(delivery)

    [arrived] = receiver.arrived
    assert (handover.status, handover.note) == (DeliveryStatus.CONFIRMED, "HTTP 200")
    assert arrived.headers["authorization"] == HEADER
    assert arrived.headers["content-type"] == "application/fhir+json"
    assert (arrived.kind, arrived.number) == ("event-notification", 7)
    assert arrived.body == delivery.item.body


@pytest.mark.field("FL-239")
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200),
        Answer(200, body=b"<html>ok</html>"),
        Answer(202, body=b"not json"),
        Answer(204),
        Answer(200, body=b"x" * 10_000_000),
        Answer(200, endless=True),
    ],
    ids=["nothing", "HTML", "words", "204", "much", "endless"],
)
async def test_any_success_counts_whatever_is_answered(connector, receiver, answer):
    receiver.script.append(answer)

    handover = await connector.send(_delivery(receiver.url))

    assert handover.status is DeliveryStatus.CONFIRMED


async def _fault(connector, delivery):
    with pytest.raises((RejectedError, RetriableError)) as caught:
        await connector.send(delivery)
    [issue] = caught.value.issues
    return type(caught.value), issue.code


@pytest.mark.field("FL-248")
@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (500, RetriableError, "RLS-SUB-032"),
        (503, RetriableError, "RLS-SUB-032"),
        (408, RetriableError, "RLS-SUB-032"),
        (409, RetriableError, "RLS-SUB-032"),
        (425, RetriableError, "RLS-SUB-032"),
        (429, RetriableError, "RLS-SUB-032"),
        (400, RejectedError, "RLS-SUB-033"),
        (401, RejectedError, "RLS-SUB-033"),
        (404, RejectedError, "RLS-SUB-033"),
        pytest.param(410, RejectedError, "RLS-SUB-036", marks=pytest.mark.field("FL-255")),
        pytest.param(301, RejectedError, "RLS-SUB-034", marks=pytest.mark.field("FL-255")),
        (302, RejectedError, "RLS-SUB-034"),
    ],
)
async def test_each_refusal_has_its_class(connector, receiver, status, kind, code):
    receiver.script.append(Answer(status))

    assert await _fault(connector, _delivery(receiver.url)) == (kind, code)


@pytest.mark.field("FL-254")
async def test_a_redirect_is_not_followed(connector, receiver):
    elsewhere = Receiver()
    await elsewhere.start()
    receiver.script.append(Answer(307, headers=(("Location", elsewhere.url),)))

    await _fault(connector, _delivery(receiver.url))

    assert elsewhere.arrived == []
    await elsewhere.stop()


@pytest.mark.parametrize(("text", "wait"), [("120", 120.0), ("99999999", 86400.0), ("soon", 0.5)])
async def test_the_time_a_receiver_names_is_told(connector, receiver, text, wait):
    receiver.script.append(Answer(429, headers=(("Retry-After", text),)))

    with pytest.raises(RetriableError) as caught:
        await connector.send(_delivery(receiver.url))

    assert caught.value.retry_after_s == wait


async def test_a_receiver_that_hangs_is_left_after_the_time_of_the_subscription(
    connector, receiver
):
    receiver.script.append(HANG)

    found = await _fault(connector, _delivery(receiver.url, timeout_s=1))

    assert found == (RetriableError, "RLS-SUB-031")


async def test_a_connection_that_is_cut_is_tried_again(connector, receiver):
    receiver.script.append(CUT)

    assert await _fault(connector, _delivery(receiver.url)) == (RetriableError, "RLS-SUB-030")


@pytest.mark.field("FL-240")
async def test_no_connection_is_left_open(connector, receiver):
    receiver.script.extend([Answer(200, endless=True), Answer(500), Answer(301), CUT] * 10)

    for _ in range(60):
        try:
            await connector.send(_delivery(receiver.url, content="empty"))
        except (RejectedError, RetriableError):
            continue

    assert len(receiver.arrived) == 60
    for _ in range(500):
        if receiver.connections:
            await asyncio.sleep(0.01)
    assert receiver.connections == 0


PUBLIC = "93.184.216.34"


async def _never(*_):
    pytest.fail("nothing may be sent")


@pytest.mark.field("FL-254")
@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["0.0.0.0"],  # noqa: S104 - an address to be refused
        ["::1"],
        ["fe80::1%eth0"],
        ["fd00::1"],
        ["::ffff:169.254.169.254"],
        ["100.64.0.1"],
        ["224.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        [PUBLIC, "10.0.0.5"],
        ["not an address"],
    ],
    ids=str,
)
async def test_a_name_that_leads_inside_is_not_called(addresses):
    async def resolver(_host, _port):
        return addresses

    async with HttpClient() as client:
        client.post = _never
        policy = EgressPolicy(hosts=frozenset({"dac.test"}))
        hook = FhirHook(client, policy, resolver=resolver)

        assert await _fault(hook, _delivery("https://dac.test/hook")) == (
            RejectedError,
            "RLS-SUB-035",
        )


async def test_a_network_inside_that_is_admitted_may_be_called(tls):
    server, trusted = tls
    elsewhere = await _over_tls(server)
    policy = _lan_policy(elsewhere)

    async with HttpClient(trusted, keeps_connections=False) as client:
        hook = FhirHook(client, policy, resolver=_at("127.0.0.1"))
        handover = await hook.send(_delivery(f"https://dac.test:{elsewhere.port}/hook"))

    assert handover.status is DeliveryStatus.CONFIRMED
    assert elsewhere.arrived[0].headers["host"] == f"dac.test:{elsewhere.port}"
    await elsewhere.stop()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("dac.test").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


async def _over_tls(context):
    made = Receiver()
    await made.start(context)
    return made


def _lan_policy(receiver):
    return EgressPolicy(
        hosts=frozenset({"dac.test", "other.test"}),
        ports=frozenset({receiver.port}),
        lan=(ip_network("127.0.0.0/8"),),
    )


def _at(address):
    async def resolver(_host, _port):
        return [address]

    return resolver


@pytest.mark.field("FL-254")
async def test_the_name_is_resolved_once_and_the_judged_address_is_called(tls):
    server, trusted = tls
    receiver = await _over_tls(server)
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def rebinding(_host, _port):
        return next(answers)

    async with HttpClient(trusted, keeps_connections=False) as client:
        hook = FhirHook(client, _lan_policy(receiver), resolver=rebinding)
        handover = await hook.send(_delivery(f"https://dac.test:{receiver.port}/hook"))

    assert handover.status is DeliveryStatus.CONFIRMED
    await receiver.stop()


async def test_a_certificate_of_another_name_gets_nothing(tls):
    server, trusted = tls
    receiver = await _over_tls(server)

    async with HttpClient(trusted, keeps_connections=False) as client:
        hook = FhirHook(client, _lan_policy(receiver), resolver=_at("127.0.0.1"))
        found = await _fault(hook, _delivery(f"https://other.test:{receiver.port}/hook"))

    assert found == (RetriableError, "RLS-SUB-037")
    assert receiver.arrived == []
    await receiver.stop()


@pytest.mark.field("FL-255")
async def test_an_expired_certificate_gets_nothing_and_is_tried_again(authority):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    authority.issue_cert("dac.test", not_after=yesterday).configure_cert(server)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    receiver = await _over_tls(server)

    async with HttpClient(trusted, keeps_connections=False) as client:
        hook = FhirHook(client, _lan_policy(receiver), resolver=_at("127.0.0.1"))
        found = await _fault(hook, _delivery(f"https://dac.test:{receiver.port}/hook"))

    assert found == (RetriableError, "RLS-SUB-037")
    assert receiver.arrived == []
    await receiver.stop()


async def test_a_name_nobody_knows_is_tried_again():
    async def unknown(_host, _port):
        raise OSError

    async with HttpClient() as client:
        hook = FhirHook(client, EgressPolicy(hosts=frozenset({"dac.test"})), resolver=unknown)

        assert await _fault(hook, _delivery("https://dac.test/")) == (
            RetriableError,
            "RLS-SUB-030",
        )


async def test_an_endpoint_that_is_no_longer_admitted_is_not_called(receiver):
    async with HttpClient() as client:
        hook = FhirHook(client, replace(LOOPBACK, allow_loopback=False))

        assert await _fault(hook, _delivery(receiver.url)) == (RejectedError, "RLS-SUB-035")
    assert receiver.arrived == []


async def test_what_the_receiver_keeps_can_be_read_back(connector, receiver):
    await connector.send(_delivery(receiver.url))

    assert receiver.arrived[0].bundle == orjson.loads(receiver.arrived[0].body)
    assert receiver.events == [7]
