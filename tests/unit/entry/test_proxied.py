"""What a proxy says of callers, and from whom that counts."""

import ipaddress
from typing import Any

import pytest

from gateway.entry.api.proxied import Proxied

PROXY = ipaddress.ip_network("10.0.0.0/24")


async def seen(peer: str, *headers: tuple[str, str], proxies: Any = (PROXY,)) -> tuple[str, str]:
    """Return who calls and by which scheme, as the application behind is told."""
    found: list[tuple[str, str]] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        found.append((scope["client"][0], scope["scheme"]))

    scope = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 4711),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    await Proxied(app, proxies)(scope, None, None)  # type: ignore[arg-type] # not used
    return found[0]


FOR, PROTO = "x-forwarded-for", "x-forwarded-proto"


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("192.0.2.7", [(FOR, "127.0.0.1"), (PROTO, "https")], ("192.0.2.7", "http")),
        ("10.0.0.9", [(FOR, "192.0.2.7"), (PROTO, "https")], ("192.0.2.7", "https")),
        ("10.0.0.9", [(FOR, "127.0.0.1, 192.0.2.7")], ("192.0.2.7", "http")),
        ("10.0.0.9", [(FOR, "127.0.0.1"), (FOR, "192.0.2.7")], ("192.0.2.7", "http")),
        ("10.0.0.9", [(FOR, "192.0.2.7, 10.0.0.8")], ("192.0.2.7", "http")),
        ("10.0.0.9", [], ("", "http")),
        ("10.0.0.9", [(FOR, "10.0.0.8")], ("", "http")),
        ("::ffff:10.0.0.9", [(FOR, "192.0.2.7")], ("192.0.2.7", "http")),
        ("127.0.0.1", [], ("127.0.0.1", "http")),
        ("127.0.0.1", [(FOR, "192.0.2.7")], ("192.0.2.7", "http")),
        ("10.0.0.9", [(FOR, "192.0.2.7"), (PROTO, "gopher")], ("192.0.2.7", "http")),
    ],
)
async def test_the_caller_is_who_a_proxy_of_ours_names(
    peer: str, headers: list[tuple[str, str]], expected: tuple[str, str]
) -> None:
    assert await seen(peer, *headers) == expected


async def test_a_proxy_on_this_machine_that_names_nobody_is_not_this_machine() -> None:
    here = ipaddress.ip_network("127.0.0.1/32")

    assert await seen("127.0.0.1", proxies=(here,)) == ("", "http")
    assert await seen("127.0.0.1", (FOR, "127.0.0.1"), proxies=(here,)) == ("", "http")
