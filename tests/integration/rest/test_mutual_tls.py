"""A FHIR client over mutual TLS: its token serves with its own certificate only."""

import json
import ssl
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from gateway.entry.auth.certificates import digest_in
from gateway.entry.serve import Gateway
from gateway.entry.settings import load
from gateway.entry.tls import client_context
from tests.integration.doors.test_certificates_of_senders import Keys
from tests.support.sharing import dac
from tests.support.smart import EC, JWKS, assertion, form


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
async def gateway(keys: Keys):
    """Give a gateway whose HTTP door speaks TLS, with one client that has a certificate."""
    made = Gateway(
        load(
            store={"url": "memory://"},
            http={
                "port": 0,
                "certificate": keys.server,
                "client_ca": keys.ca,
            },
            mllp={"port": 0},
        ),
        registry=CollectorRegistry(),
    )
    await made.start()
    client = dac(
        scopes="system/Patient.rs",
        territory=None,
        jwks=json.dumps(JWKS),
        certificate=digest_in(keys.ours),
    )
    await made.store.write(lambda tx: tx.access.put_client(client))
    await made.store.write(
        lambda tx: tx.access.put_client(replace(client, id="open", certificate=""))
    )
    yield made
    await made.stop()


def shown(keys: Keys, certificate: Path | None) -> ssl.SSLContext:
    return client_context(keys.ca, certificate=certificate)


async def asked(
    gateway: Gateway, context: ssl.SSLContext, token: str = "", client: str = "dac"
) -> httpx2.Response:
    """Ask for a token, or read with one, on a connection of its own."""
    async with httpx2.AsyncClient(base_url=gateway.base_url, verify=context, timeout=60) as http:
        if token:
            return await http.get("/fhir/Patient", headers={"Authorization": f"Bearer {token}"})
        now = gateway.clock.now().timestamp()
        url = f"{gateway.base_url}/auth/token"
        signed = assertion(now, url, EC, iss=client, sub=client)
        return await http.post("/auth/token", data=form(signed))


async def test_a_token_serves_with_the_certificate_of_its_client_only(
    gateway: Gateway, keys: Keys
) -> None:
    own, other, none = (shown(keys, one) for one in (keys.ours, keys.theirs, None))

    given = await asked(gateway, own)
    refused = [await asked(gateway, one) for one in (other, none)]
    token = given.json()["access_token"]
    answers = [(await asked(gateway, one, token)).status_code for one in (own, other, none)]

    assert gateway.base_url.startswith("https://")
    assert given.status_code == 200, given.text
    assert {(one.status_code, one.text) for one in refused} == {(400, '{"error":"invalid_client"}')}
    assert answers == [200, 401, 401]


async def test_a_client_without_certificate_needs_none(gateway: Gateway, keys: Keys) -> None:
    context = shown(keys, None)
    token = (await asked(gateway, context, client="open")).json()["access_token"]

    assert (await asked(gateway, context, token)).status_code == 200


async def test_a_certificate_of_another_authority_is_refused(
    gateway: Gateway, keys: Keys, tmp_path: Path
) -> None:
    foreign = Keys(tmp_path)
    context = client_context(keys.ca, certificate=foreign.ours)

    with pytest.raises((httpx2.ConnectError, httpx2.ReadError, httpx2.RemoteProtocolError)):
        await asked(gateway, context)


async def test_a_header_that_claims_a_certificate_is_nothing(gateway: Gateway, keys: Keys) -> None:
    token = (await asked(gateway, shown(keys, keys.ours))).json()["access_token"]
    claims = {
        "Authorization": f"Bearer {token}",
        "X-Forwarded-Client-Cert": f"Hash={digest_in(keys.ours)}",
    }

    async with httpx2.AsyncClient(
        base_url=gateway.base_url, verify=shown(keys, None), timeout=60
    ) as http:
        assert (await http.get("/fhir/Patient", headers=claims)).status_code == 401
