"""The MLLP door over TLS: who gets in, what is known of them, what the others leave behind."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from structlog.testing import capture_logs

from gateway.core.errors import FatalError
from gateway.entry.mllp_door import MllpLimits
from gateway.entry.sender import Address, MllpLine, SendPlan, send
from gateway.entry.tls import client_context, server_context
from tests.integration.doors.house import ack, adt, calling, eventually, framed, listening


class Keys:
    """A throw-away authority with files of a server and a client."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(self.ca)
        self.server = self._issue(folder / "server.pem", "localhost", "127.0.0.1")
        self.client = self._issue(folder / "client.pem", "dpi.chu-x.example")

    def _issue(self, path, *names):
        self.authority.issue_cert(
            *names, organization_name="CHU-X"
        ).private_key_and_cert_chain_pem.write_to_path(path)
        return path


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("stranger"))


def required(keys):
    return server_context(keys.server, client_ca=keys.ca)


def optional(keys):
    return server_context(keys.server, client_ca=keys.ca, requires_client=False)


def at(door):
    return Address.parse(f"mllps://127.0.0.1:{door.port}")


async def test_client_certificate_is_told_to_the_pipeline(house, keys):
    async with listening(house, tls=required(keys)) as door:
        line = await MllpLine.open(at(door), tls=client_context(keys.ca, certificate=keys.client))
        await line.exchange(adt("MSG1"), 2)
        line.close()

    pem = keys.client.read_bytes()
    certificate = x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERT") :])
    peer = house.received[0].peer
    assert peer.certificate == certificate.fingerprint(hashes.SHA256()).hex()
    assert peer.subject == certificate.subject.rfc4514_string()
    assert "CHU-X" in peer.subject
    assert door.figure("relais_mllp_frames_total", result="accepted") == 1


async def test_optional_certificate_may_be_missing(house, keys):
    async with listening(house, tls=optional(keys)) as door:
        line = await MllpLine.open(at(door), tls=client_context(keys.ca))
        await line.exchange(adt("MSG1"), 2)
        line.close()

    assert (house.received[0].peer.certificate, house.received[0].peer.subject) == (None, None)


async def test_client_without_certificate_is_refused(house, keys):
    with capture_logs() as lines:
        async with listening(house, tls=required(keys)) as door:
            plan = SendPlan(tls=client_context(keys.ca), timeout_s=2)
            results = [each async for each in send([adt()], at(door), plan)]
            await eventually(lambda: door.figure("relais_mllp_connections") == 0)

    # With TLS 1.3 the client believes it is connected until its first read.
    assert [each.issue.code for each in results] == ["RLS-NET-012"]
    assert [line["kind"] for line in lines if line["event"] == "tls_refused"] == ["no_certificate"]
    assert (house.received, house.incidents) == ([], [])


async def test_certificate_of_another_authority_is_refused(house, keys, stranger):
    context = client_context(keys.ca, certificate=stranger.client)

    with capture_logs() as lines:
        async with listening(house, tls=required(keys)) as door:
            plan = SendPlan(tls=context, timeout_s=2)
            results = [each async for each in send([adt()], at(door), plan)]
            await eventually(lambda: door.figure("relais_mllp_connections") == 0)

    assert [each.issue.code for each in results] == ["RLS-NET-012"]
    assert [line["kind"] for line in lines if line["event"] == "tls_refused"] == ["unknown_ca"]


async def test_old_protocol_is_refused(house, keys):
    context = client_context(keys.ca, certificate=keys.client)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with capture_logs() as lines:
        async with listening(house, tls=required(keys)) as door:
            with pytest.raises(OSError, match=r"(?i)protocol version|reset"):
                await asyncio.open_connection("127.0.0.1", door.port, ssl=context)
            await eventually(lambda: door.figure("relais_mllp_connections") == 0)

    assert [line["kind"] for line in lines if line["event"] == "tls_refused"] == ["protocol"]


@pytest.mark.field("FL-012")
@pytest.mark.parametrize("first", [framed(adt()), b"GET / HTTP/1.1\r\n\r\n"], ids=["MLLP", "HTTP"])
async def test_plain_bytes_on_the_tls_port_are_closed_at_once_with_a_hint(house, keys, first):
    opening = listening(house, tls=required(keys), other_port=2575)
    async with opening as door, calling(door.port) as caller:
        await caller.send(first)
        await caller.rest(timeout_s=1)
        await eventually(lambda: house.incidents != [])

    incident = house.incidents[0]
    assert (incident.kind, incident.peer) == ("plain-on-tls-port", caller.address)
    assert incident.details["hint"] == f"plain bytes on TLS port {door.port}; use 2575"
    assert house.received == []


@pytest.mark.field("FL-013")
async def test_probe_of_the_tls_port_is_counted_without_incident(house, keys):
    with capture_logs() as lines:
        async with listening(house, tls=required(keys)) as door:
            async with calling(door.port) as caller:
                caller.writer.write_eof()
                await caller.rest()
            await eventually(
                lambda: door.figure("relais_mllp_connections_closed_total", reason="probe") == 1
            )

    assert [line["event"] for line in lines] == ["mllp_listening", "mllp_probed", "mllp_stopped"]
    assert house.incidents == []


@pytest.mark.field("FL-010")
async def test_handshake_that_never_comes_is_given_up(house, keys):
    opening = listening(house, MllpLimits(handshake_s=0.1), tls=required(keys))
    async with opening as door, calling(door.port) as caller:
        await caller.send(b"\x16\x03\x01")
        rest = await caller.rest(timeout_s=2)
        await eventually(lambda: door.figure("relais_mllp_connections") == 0)

    assert rest == b""


async def test_many_messages_over_tls_are_answered_in_order(house, keys):
    bodies = [adt(f"MSG{n}", "x" * 20_000) for n in range(50)]

    async with listening(house, tls=required(keys)) as door:
        plan = SendPlan(tls=client_context(keys.ca, certificate=keys.client))
        results = [each async for each in send(bodies, at(door), plan)]

    assert [(each.index, each.code) for each in results] == [(n, "AA") for n in range(50)]
    assert [raw.body for raw in house.received] == bodies


async def test_first_frame_sent_with_the_handshake_is_not_lost(house, keys):
    context = client_context(keys.ca, certificate=keys.client)

    opening = listening(house, tls=required(keys))
    async with opening as door, calling(door.port, ssl=context) as caller:
        await caller.send(framed(adt("MSG1")) + framed(adt("MSG2")))
        answers = await caller.codes(2)

    assert answers == [("AA", "MSG1"), ("AA", "MSG2")]


@pytest.mark.field("FL-016")
async def test_client_that_closes_its_half_still_gets_its_answer(house, keys):
    house.gate.clear()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = client_context(keys.ca, certificate=keys.client)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")

    async with listening(house, tls=required(keys)) as door, calling(door.port) as caller:

        async def until_done(step):
            while True:
                try:
                    done = step()
                except ssl.SSLWantReadError:
                    await caller.send(outgoing.read())
                    incoming.write(await asyncio.wait_for(caller.reader.read(65536), 2))
                else:
                    return done

        await until_done(tls.do_handshake)
        tls.write(framed(adt("MSG1")))
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        await caller.send(outgoing.read())
        await eventually(lambda: len(house.received) == 1)
        house.gate.set()
        answer = await until_done(lambda: tls.read(65536))

    assert answer == framed(ack("AA", adt("MSG1")))


async def test_context_can_be_replaced_while_the_door_is_open(house, keys, stranger):
    async with listening(house, tls=optional(keys)) as door:
        door.listener.tls = optional(stranger)
        line = await MllpLine.open(at(door), tls=client_context(stranger.ca))
        answer = await line.exchange(adt("MSG1"), 2)
        line.close()

    assert b"MSA|AA|MSG1" in answer


async def test_stop_closes_tls_connections(house, keys):
    context = client_context(keys.ca, certificate=keys.client)

    opening = listening(house, tls=required(keys))
    async with opening as door, calling(door.port, ssl=context) as caller:
        await caller.send(framed(adt("MSG1")))
        await caller.ack()
        await door.listener.stop(grace_s=2)
        rest = await caller.rest()

    assert rest == b""
    assert door.figure("relais_mllp_connections_closed_total", reason="stopped") == 1


@pytest.mark.parametrize("which", ["certificate", "client_ca"])
def test_file_that_is_no_pem_is_a_configuration_fault(keys, tmp_path, which):
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no PEM")
    files = {"certificate": keys.server, "client_ca": keys.ca, which: wrong}

    with pytest.raises(FatalError) as caught:
        server_context(files["certificate"], client_ca=files["client_ca"])

    assert caught.value.issues[0].code == "RLS-NET-020"


def test_required_certificate_needs_an_authority(keys):
    with pytest.raises(FatalError) as caught:
        server_context(keys.server)

    assert caught.value.issues[0].code == "RLS-NET-020"


def test_floor_of_tls_cannot_be_lowered_by_the_platform(keys):
    context = required(keys)

    names = {suite["name"] for suite in context.get_ciphers()}
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert all("GCM" in name or "CHACHA20" in name for name in names)
    assert context.verify_mode == ssl.CERT_REQUIRED
