"""Whether the doors may open beyond this machine."""

import pytest

from gateway.core.access import Client
from gateway.core.errors import FatalError
from gateway.entry.exposure import refuse_exposure, refuse_nobody
from gateway.entry.settings import Settings, load
from gateway.store.memory import MemoryStore

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound
TLS = {"certificate": "chain.pem"}


def code(**more: object) -> str:
    """Return the code of the refusal; empty when it may open."""
    try:
        refuse_exposure(load(**{"host": EVERYWHERE, **more}))
    except FatalError as error:
        return error.issues[0].code
    return ""


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, "RLS-SEC-001"),
        ({"psc": {"issuer": "https://psc.test"}}, "RLS-SEC-001"),
        ({"host": "127.0.0.1"}, ""),
        ({"host": "::1"}, ""),
        ({"http": TLS}, ""),
        ({"http": {"proxies": ["10.0.0.0/24"]}}, ""),
        ({"http": TLS, "environment": "production"}, ""),
        ({"unprotected": True, "environment": "test"}, ""),
        ({"unprotected": True}, "RLS-SEC-002"),
        ({"http": TLS, "mllps": {**TLS, "require_client": False}}, "RLS-SEC-003"),
        ({"http": TLS, "mllps": TLS}, ""),
    ],
)
def test_doors_open_beyond_this_machine_over_tls_or_behind_a_proxy(
    told: dict[str, object], expected: str
) -> None:
    assert code(**told) == expected


def exposed(**more: object) -> Settings:
    return load(**{"host": EVERYWHERE, "http": TLS, **more})


async def test_somebody_has_to_be_let_in() -> None:
    store = MemoryStore()
    await store.open()
    with pytest.raises(FatalError, match="RLS-SEC-004"):
        await refuse_nobody(exposed(), store)
    await refuse_nobody(exposed(psc={"issuer": "https://psc.test"}), store)
    await refuse_nobody(load(), store)

    await store.write(lambda tx: tx.access.put_client(Client("dac", "DAC", "system/*.rs")))
    await refuse_nobody(exposed(), store)
