"""A gateway that other machines reach: TLS, nobody without a token, inputs by certificate."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import trustme
from prometheus_client import CollectorRegistry

from gateway.core.errors import FatalError
from gateway.entry.serve import Gateway
from gateway.entry.settings import load
from tests.conftest import ROOT
from tests.support.sharing import dac
from tests.support.smart import EC, assertion, form

MESSAGE = (ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7").read_bytes()
ER7 = {"Content-Type": "application/hl7-v2+er7"}


class Outside:
    """A gateway that listens everywhere, and callers with and without a certificate."""

    def __init__(self, gateway: Gateway, plain: httpx2.AsyncClient, known: httpx2.AsyncClient):
        self.gateway, self.plain, self.known = gateway, plain, known


def elsewhere(client: httpx2.AsyncClient) -> dict[str, str]:
    """Return what a proxy on this machine says of a caller elsewhere."""
    assert client is not None
    return {"X-Forwarded-For": "192.0.2.7"}


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    authority, senders = trustme.CA(), trustme.CA()
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "server.pem")
    )
    senders.cert_pem.write_to_path(str(tmp_path / "senders.pem"))
    senders.issue_cert("ghu.test").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "sender.pem")
    )
    url = f"sqlite:///{tmp_path}/relais.db"
    settings = load(
        host="0.0.0.0",  # noqa: S104 - closed, which is what is tested
        environment="test",
        public_url="https://127.0.0.1",
        store={"url": url},
        http={
            "port": 0,
            "certificate": tmp_path / "server.pem",
            "client_ca": tmp_path / "senders.pem",
        },
        mllp={"port": 0},
    )
    gateway = Gateway(settings, registry=CollectorRegistry())
    await gateway.store.open()
    await gateway.store.write(lambda tx: tx.access.put_client(dac()))
    await gateway.store.close()
    await gateway.start()
    base = f"https://127.0.0.1:{gateway.http_port}"
    contexts = [ssl.create_default_context(), ssl.create_default_context()]
    for one in contexts:
        authority.configure_trust(one)
    contexts[1].load_cert_chain(tmp_path / "sender.pem")
    async with (
        httpx2.AsyncClient(base_url=base, verify=contexts[0], timeout=60) as plain,
        httpx2.AsyncClient(base_url=base, verify=contexts[1], timeout=60) as known,
    ):
        yield Outside(gateway, plain, known)
    await gateway.stop()


async def test_nobody_is_let_in_without_a_token(outside: Outside) -> None:
    statuses = {
        path: (await outside.plain.get(path, headers=elsewhere(outside.plain))).status_code
        for path in ("/fhir/Patient", "/", "/gaps", "/messages", "/metrics", "/fhir/metadata")
    }

    assert statuses == {
        "/fhir/Patient": 401,
        "/": 403,
        "/gaps": 403,
        "/messages": 403,
        "/metrics": 403,
        "/fhir/metadata": 200,
    }
    # Nor from this machine: there is no implicit client where others reach the door.
    assert (await outside.plain.get("/fhir/Patient")).status_code == 401


async def test_a_client_with_a_token_is(outside: Outside) -> None:
    about = (await outside.plain.get("/fhir/.well-known/smart-configuration")).json()
    now = outside.gateway.clock.now().timestamp()
    signed = assertion(now, about["token_endpoint"], EC, iss="dac", sub="dac")
    given = await outside.plain.post("/auth/token", data=form(signed))
    headers = {"Authorization": f"Bearer {given.json()['access_token']}"}

    assert (await outside.plain.get("/fhir/Patient", headers=headers)).status_code == 200


async def test_inputs_come_from_senders_that_show_a_certificate(outside: Outside) -> None:
    headers = {**ER7, **elsewhere(outside.plain)}
    unknown = await outside.plain.post("/hl7v2", content=MESSAGE, headers=headers)
    document = await outside.plain.post("/cda", content=b"<x/>", headers=elsewhere(outside.plain))
    known = await outside.known.post("/hl7v2", content=MESSAGE, headers=headers)

    assert (unknown.status_code, document.status_code) == (401, 401)
    assert "RLS-SEC-054" in unknown.text
    assert known.status_code == 200
    assert b"MSA|AA" in known.content


def test_the_plain_mllp_door_stays_on_this_machine(outside: Outside) -> None:
    [door] = outside.gateway._listeners
    [found] = {one.getsockname()[0] for one in door._server.sockets}  # type: ignore[union-attr]

    assert found == "127.0.0.1"


async def test_without_anybody_to_let_in_nothing_opens(tmp_path: Path) -> None:
    trustme.CA().issue_cert("relais.test").private_key_and_cert_chain_pem.write_to_path(
        str(tmp_path / "server.pem")
    )
    settings = load(
        host="0.0.0.0",  # noqa: S104 - it is refused
        store={"url": "memory://"},
        http={"port": 0, "certificate": tmp_path / "server.pem"},
        mllp={"port": 0},
    )

    with pytest.raises(FatalError, match="RLS-SEC-004"):
        await Gateway(settings, registry=CollectorRegistry()).start()
