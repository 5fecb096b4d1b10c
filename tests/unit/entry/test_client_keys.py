"""Keys at an address: how long they are used, when they are asked for again, what is not called."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.connectors.jwks import Fetched, JwksFetcher, KeysNotFetchedError
from gateway.core.access import Client
from gateway.core.egress import EgressPolicy
from gateway.entry.auth.assertion import AssertionRefusedError
from gateway.entry.auth.keys import ClientKeys
from tests.support.pipeline import START, HandClock
from tests.support.smart import EC, JWKS, RSA

DAC = Client("dac", "DAC", "system/Task.r", "https://dac.test/jwks")


class Address:
    """Stands for the fetcher: counts, and answers what it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Fetched | None = Fetched(json.dumps(JWKS).encode(), 600.0)

    async def fetch(self, _url: str) -> Fetched:
        self.asked += 1
        if self.answer is None:
            raise KeysNotFetchedError
        return self.answer


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


@pytest.fixture
def address() -> Address:
    return Address()


@pytest.fixture
def keys(address: Address, clock: HandClock) -> ClientKeys:
    return ClientKeys(address, clock)  # type: ignore[arg-type]


async def test_keys_are_asked_for_once_while_they_are_fresh(keys, address, clock) -> None:
    for _ in range(3):
        assert {key.kid for key in (await keys.of(DAC, "ec")).keys} == {"rsa", "ec"}
        clock.advance(seconds=199)
    assert address.asked == 1
    clock.advance(seconds=4)
    await keys.of(DAC, "ec")
    assert address.asked == 2


async def test_an_unknown_key_asks_again_once_a_minute(keys, address, clock) -> None:
    await keys.of(DAC, "ec")
    for _ in range(5):
        await keys.of(DAC, "new")
    assert address.asked == 1
    clock.advance(seconds=61)
    address.answer = Fetched(
        json.dumps({"keys": [{**EC.as_dict(private=False), "kid": "new"}]}).encode(), 9
    )
    assert [key.kid for key in (await keys.of(DAC, "new")).keys] == ["new"]
    assert address.asked == 2


async def test_old_keys_serve_a_quarter_of_an_hour_while_the_address_is_away(
    keys, address, clock
) -> None:
    await keys.of(DAC, "ec")
    address.answer = None
    clock.advance(seconds=600 + 899)
    assert (await keys.of(DAC, "ec")).keys
    clock.advance(seconds=2)
    with pytest.raises(AssertionRefusedError, match=r"^keys$"):
        await keys.of(DAC, "ec")


async def test_an_address_that_never_answered_has_no_keys(keys, address) -> None:
    address.answer = None

    with pytest.raises(AssertionRefusedError, match=r"^keys$"):
        await keys.of(DAC, "ec")


async def test_what_is_no_key_set_is_none(keys, address) -> None:
    address.answer = Fetched(b"<html>", 600)

    with pytest.raises(AssertionRefusedError, match=r"^keys$"):
        await keys.of(DAC, "ec")


async def test_keys_that_were_given_ask_nobody(keys, address) -> None:
    given = Client(
        "dac", "DAC", "system/Task.r", jwks=json.dumps({"keys": [RSA.as_dict(private=False)]})
    )

    assert [key.kid for key in (await keys.of(given, "rsa")).keys] == ["rsa"]
    assert address.asked == 0


@pytest.fixture
def server() -> Iterator[Any]:
    """Give a server on a real socket whose answer can be set."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = server.said
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.said = (200, {}, json.dumps(JWKS).encode())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("cache_control", "fresh_s"),
    [
        ("max-age=60", 60.0),
        ("public, max-age=86400", 3600.0),
        ("no-store", 0.0),
        ("no-cache, max-age=60", 0.0),
        ("", 3600.0),
    ],
)
async def test_the_server_says_how_long(server, cache_control: str, fresh_s: float) -> None:
    server.said = (200, {"Cache-Control": cache_control}, json.dumps(JWKS).encode())
    fetcher = JwksFetcher(EgressPolicy(allow_loopback=True))

    got = await fetcher.fetch(f"http://127.0.0.1:{server.server_port}/jwks")

    assert (got.fresh_s, json.loads(got.jwks)) == (fresh_s, JWKS)


@pytest.mark.parametrize(
    "said",
    [
        (404, {}, b""),
        (302, {"Location": "http://127.0.0.1/elsewhere"}, b""),
        (200, {}, b" " * (64 * 1024 + 1)),
    ],
)
async def test_what_is_not_taken_from_an_address(server, said) -> None:
    server.said = said
    fetcher = JwksFetcher(EgressPolicy(allow_loopback=True))

    with pytest.raises(KeysNotFetchedError):
        await fetcher.fetch(f"http://127.0.0.1:{server.server_port}/jwks")


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/jwks",
        "https://inside.test/jwks",
        "http://dac.test/jwks",
        "file:///etc/passwd",
    ],
)
async def test_what_is_inside_or_not_https_is_never_called(url: str) -> None:
    async def resolver(_host: str, _port: int) -> list[str]:
        return ["10.0.0.1"]

    policy = EgressPolicy(hosts=frozenset({"*"}), ports=frozenset({80, 443}))

    with pytest.raises(KeysNotFetchedError):
        await JwksFetcher(policy, resolver=resolver).fetch(url)


async def test_an_address_that_does_not_answer(server) -> None:
    port = server.server_port
    server.shutdown()
    server.server_close()

    with pytest.raises(KeysNotFetchedError):
        await JwksFetcher(EgressPolicy(allow_loopback=True)).fetch(f"http://127.0.0.1:{port}/jwks")
