"""The ledger of a person whose records are merged and taken apart, whenever one looks."""

import random
from dataclasses import replace

import pytest

from gateway.store.memory import MemoryStore
from tests.support.linked import Arrived, ledger_bytes, looked_at_random
from tests.unit.pipeline.test_links_watched import (
    END,
    HERE,
    THERE,
    moves_on,
    replayed,
    says,
    transfers,
)


def of_record(number: str, told: Arrived) -> Arrived:
    """Return a message about another record of the patient."""
    return replace(told, body=told.body.replace(b"P0012", number.encode()))


def number(local: str) -> str:
    return f"{local}^^^H{HERE}&{HERE}&M^PI"


def merged(when: str) -> Arrived:
    """Compose the merge of the record of the stay into the one with the INS."""
    told = says("ADT^A40^ADT_A39", HERE, when, f"MRG|{number('P0100')}")
    return of_record("P0500", told)


def taken_apart(when: str) -> Arrived:
    """Compose the separation of the two records."""
    told = says("ADT^A37^ADT_A37", HERE, when, f"PID|2||{number('P0100')}")
    return of_record("P0500", told)


#: The stay was told under a second record without INS; the arrival elsewhere has the INS.
STORY = [
    of_record("P0100", moves_on("ADT^A01^ADT_A01", HERE, "20261120080000", status="PROV")),
    of_record(
        "P0100", moves_on("ADT^A03^ADT_A03", HERE, "20261120160000", "ZFM|8|7||2", status="PROV")
    ),
    moves_on("ADT^A01^ADT_A01", THERE, "20261120180000"),
    of_record("P0500", says("ADT^A28^ADT_A05", HERE, "20261121090000")),
    merged("20261122090000"),
    taken_apart("20261124100000"),
]


async def test_a_merge_closes_and_a_separation_opens_again_at_their_own_instants():
    store = await replayed(STORY)

    assert transfers(await ledger_bytes(store)) == [
        ("2026-11-20T15:03:00Z", "pending", "trigger"),
        ("2026-11-21T05:00:00Z", "overdue", "timer"),
        ("2026-11-22T08:03:00Z", "met", "identity"),
        ("2026-11-24T09:03:00Z", "overdue", "identity"),
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_looks_at_any_instants_tell_the_same_of_merges(seed):
    store = MemoryStore()
    await store.open()
    await looked_at_random(store, STORY, END, random.Random(seed), often=0.4)

    assert await ledger_bytes(store) == await ledger_bytes(await replayed(STORY))
