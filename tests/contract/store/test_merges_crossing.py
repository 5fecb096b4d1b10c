"""A merge, or a moved dossier, and movements of the record that goes, in two processes at once."""

import asyncio

import pytest

from gateway.core.ports import Store
from gateway.entry.settings import load
from gateway.entry.wiring import build_receiver
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support.gateway import converter, holdings, message, take
from tests.support.merging import merge, moved_dossier, patient_id, stay
from tests.support.pipeline import HandClock

PAIRS = range(8)


def moving(pair: int) -> list[bytes]:
    """Return movements of the record that goes."""
    times = ("0800", "0900", "1200")
    return [
        stay(event, f"L{pair}", f"V{pair}", f"D{pair}", f"M{n}", f"20260301{times[n]}")
        for n, event in enumerate(("A01", "A02", "A03"))
    ]


def merges(pair: int) -> bytes:
    return merge(f"S{pair}", f"L{pair}", "202603011000")


def moves(pair: int) -> bytes:
    return moved_dossier(f"D{pair}", f"S{pair}", f"L{pair}", "202603011000")


async def persons(store: Store) -> dict[int, tuple[bool, int]]:
    """Return whether both records of a pair are one person, and how many movements are there."""
    found = {}
    for pair in PAIRS:
        ids = [patient_id(f"L{pair}"), patient_id(f"S{pair}")]
        told = [await store.read(lambda tx, one=one: tx.facts.persons([one])[one]) for one in ids]
        facts = await store.read(lambda tx, one=told[1]: tx.facts.of_person(one))
        found[f"{pair}"] = (
            told[0] == told[1],
            len([f for f in facts if f.assertion.event[:3] == "ENC"]),
        )
    return found


@pytest.mark.field("FL-096")
@pytest.mark.parametrize("said", [merges, moves], ids=["merge", "moved dossier"])
async def test_two_processes_end_as_one_would_whichever_comes_first(durable_url, said):
    expected = MemoryStore()
    await expected.open()
    await take(expected, *(body for n in PAIRS for body in (*moving(n), said(n))))
    stores = [open_store(durable_url, timeout_s=20) for _ in range(2)]
    for one in stores:
        await one.open()
    receivers = [build_receiver(load(), one, converter(), HandClock()) for one in stores]
    for receiver in receivers:
        await receiver.start()
    told = [body for n in PAIRS for body in moving(n)], [said(n) for n in PAIRS]
    try:
        async with asyncio.timeout(120):
            receipts = await asyncio.gather(
                *(
                    receiver.receive(message(body))
                    for receiver, bodies in zip(receivers, told, strict=True)
                    for body in bodies
                )
            )
        held, whose = await holdings(stores[0]), await persons(stores[0])
    finally:
        for receiver, one in zip(receivers, stores, strict=True):
            await receiver.stop()
            await one.close()

    assert {receipt.outcome for receipt in receipts} == {"accepted"}
    assert held == await holdings(expected)
    assert whose == await persons(expected)
