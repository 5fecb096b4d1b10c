"""`relais admin why`: the decision in words, as a read would take it."""

import asyncio
from pathlib import Path

from gateway.store.factory import open_store
from tests.integration.rest.conftest import Shelf
from tests.support.sharing import HOSPITAL, consent, dac, organisation, person, stay


def fill(folder: Path) -> None:
    """Put a person who consented to the handoff into the store of the command."""

    async def run() -> None:
        store = open_store(f"sqlite:///{folder}/cli.db")
        await store.open()
        await Shelf(store).put(
            organisation("hospital", HOSPITAL),
            person("p1"),
            stay("e1", "p1"),
            consent("c1", "p1", categories=("handoff",)),
        )
        await store.write(lambda tx: tx.access.put_client(dac()))
        await store.close()

    asyncio.run(run())


def test_why_a_client_is_shown_a_person(relais, tmp_path):
    fill(tmp_path)

    told = relais("admin", "why", "dac", "p1")

    assert told.code == 0
    assert told.out.splitlines() == [
        "document: no: the consent that names it does not cover this (Consent/c1/_history/1).",
        "handoff: yes: the person consented (Consent/c1/_history/1).",
        f"stays at: {HOSPITAL}; care teams: 0; consents: 1",
    ]
    assert "ESSAI" not in told.out


def test_nobody_is_known_under_a_wrong_name(relais, tmp_path):
    fill(tmp_path)

    assert "RLS-SEC-035" in relais("admin", "why", "other", "p1").err
    assert "RLS-SEC-043" in relais("admin", "why", "dac", "p9").err
