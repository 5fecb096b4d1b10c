"""A message whose sender belongs to another certificate is refused, and an incident is kept."""

from functools import lru_cache

import pytest

from gateway.core.messages import Channel, InboxStatus, Outcome, Peer, RawMessage
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter
from gateway.hl7v2.reader import read
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Site, Sites
from gateway.pipeline.receive import Receiver
from gateway.store.memory import MemoryStore
from tests.support.pipeline import RULES, START, HandClock
from tests.unit.hl7v2.compose import admission, msh, with_msh

OURS, THEIRS = "a" * 64, "b" * 64


def site(name: str, facility: str, certificate: str) -> Site:
    sender = {"facility": facility, "certificate": certificate}
    return Site.model_validate({"name": name, "finess": "990000001", "sources": [sender]})


BOUND = (site("chu", "CHU-DEMO", OURS), site("ch-y", "CH-Y", THEIRS), site("free", "FREE", ""))


@lru_cache
def converter():
    mappings = load_mappings()
    mappings.sites = Sites(BOUND)
    return build_converter(load(), clock=HandClock(), mappings=mappings)


def raw(facility: str, certificate: str | None, channel=Channel.MLLP) -> RawMessage:
    body = admission(MSH=with_msh(4, facility))
    return RawMessage(body, channel, START, Peer("10.0.0.7:4000", certificate, "CN=dpi"))


def refused(message: RawMessage) -> bool:
    made = converter()
    prepared = made.prepare(made.open(message))
    return [issue.code for issue in prepared.issues] == ["RLS-NET-021"]


@pytest.mark.parametrize(
    ("facility", "certificate", "is_refused"),
    [
        pytest.param("CHU-DEMO", OURS, False, id="its own certificate"),
        pytest.param("CHU-DEMO", THEIRS, True, id="the certificate of another sender"),
        pytest.param("CHU-DEMO", "c" * 64, True, id="a certificate of nobody"),
        pytest.param("CHU-DEMO", None, True, id="no certificate"),
        pytest.param("FREE", OURS, True, id="a free sender over the connection of another"),
        pytest.param("ELSEWHERE", OURS, True, id="an unknown sender over it"),
        pytest.param("FREE", "c" * 64, False, id="a free sender with any certificate"),
        pytest.param("FREE", None, False, id="a free sender with none"),
    ],
)
@pytest.mark.field("FL-024")
def test_a_sender_comes_with_its_certificate_only(facility, certificate, is_refused):
    assert refused(raw(facility, certificate)) is is_refused


@pytest.mark.field("FL-024")
def test_http_has_no_client_certificate_so_a_bound_sender_is_refused_there():
    assert refused(raw("CHU-DEMO", None, Channel.HTTP))


@pytest.mark.field("FL-024")
def test_a_sloppy_header_does_not_hide_the_sender():
    body = admission(MSH=msh()).replace(b"MSH|", b"msh|", 1)

    assert refused(RawMessage(body, Channel.MLLP, START, Peer("10.0.0.7:4000", THEIRS)))


def test_an_input_read_again_has_no_connection_to_be_judged_by():
    body = raw("CHU-DEMO", OURS).body

    assert not refused(RawMessage(body, Channel.MLLP, START))
    assert refused(RawMessage(body, Channel.MLLP, START, flags=("sender-not-allowed",)))


@pytest.fixture
async def receiver():
    store, clock = MemoryStore(), HandClock()
    await store.open()
    found = Receiver(store, converter(), clock, RULES)
    found.store = store
    await found.start()
    yield found
    await found.stop()


@pytest.mark.field("FL-024")
async def test_the_refusal_is_an_ar_and_leaves_a_row_and_an_incident(receiver):
    receipt = await receiver.receive(raw("CHU-DEMO", THEIRS))

    answer = read(receipt.ack)
    row = await receiver.store.read(lambda tx: tx.inbox.get(receipt.inbox_id))
    incident = receiver.store.incidents[0]
    assert (receipt.outcome, answer.value("MSA-1"), answer.value("ERR-3.1")) == (
        Outcome.REJECTED,
        "AR",
        "207",
    )
    assert (row.status, row.flags) == (InboxStatus.QUARANTINED, ("sender-not-allowed",))
    assert (incident.kind, incident.peer, incident.details["certificate"]) == (
        "sender-not-allowed",
        "10.0.0.7:4000",
        THEIRS,
    )


@pytest.mark.field("FL-024")
async def test_a_stranger_uses_up_no_control_id_of_the_real_sender(receiver):
    forged = raw("CHU-DEMO", THEIRS)
    forged = RawMessage(forged.body + b"NTE|1||x\r", forged.channel, START, forged.peer)

    first = await receiver.receive(forged)
    second = await receiver.receive(raw("CHU-DEMO", OURS))

    assert (first.outcome, second.outcome) == (Outcome.REJECTED, Outcome.ACCEPTED)
