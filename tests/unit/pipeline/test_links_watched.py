"""Patients that become one person and part again: the ledger tells when, whenever one looks."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from gateway.simulation.faults import PERFECT
from gateway.store.memory import MemoryStore
from tests.support.linked import (
    Arrived,
    expectation_rows,
    feed,
    ledger_bytes,
    linked_region,
    looked_at_random,
    watcher_of,
)
from tests.support.pipeline import HandClock
from tests.unit.hl7v2.compose import PID, PV1, ZBE, er7, msh, with_field

HERE, THERE = "990000001", "990000002"
INS = "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
END = datetime(2026, 12, 20, tzinfo=UTC)


def says(kind: str, finess: str, when: str, *more: str, status: str = "VALI") -> Arrived:
    """Compose what a hospital says at a time of day, received three minutes later."""
    header = msh(kind).replace("|G0001|", f"|{finess}{when}|").replace("20261120083000", when)
    header = header.replace("CHU-DEMO", f"H{finess}")
    pid = with_field(PID, 3, f"P0012^^^H{finess}&{finess}&M^PI~{INS}")
    pid = with_field(with_field(with_field(pid, 32, status), 33, when), 18, "")
    segments = [one.replace("CHU-DEMO", f"H{finess}").replace("990000001", finess) for one in more]
    body = er7(header, f"EVN||{when}||||{when}", pid, *(segments or ["PV1|1|N"]))
    at = datetime.strptime(when, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    # Composed in winter: Paris is an hour ahead.
    return Arrived(at - timedelta(minutes=57), "mllp", body)


def moves_on(kind: str, finess: str, when: str, *more: str, status: str = "VALI") -> Arrived:
    """Compose a movement of the only stay there."""
    zbe = ZBE.replace("|M1^", f"|M{when}^").replace("20261120081500", when)
    return says(kind, finess, when, with_field(PV1, 36, ""), zbe, *more, status=status)


STORY = [
    moves_on("ADT^A01^ADT_A01", HERE, "20261120080000"),
    moves_on("ADT^A03^ADT_A03", HERE, "20261120160000", "ZFM|8|7||2"),
    moves_on("ADT^A01^ADT_A01", THERE, "20261120180000", status="PROV"),
    says("ADT^A31^ADT_A05", THERE, "20261122090000"),
    says("ADT^A31^ADT_A05", THERE, "20261124100000", status="DOUT"),
]


async def replayed(log, end=END):
    """Look once, when all of the log has been committed."""
    store, clock = MemoryStore(), HandClock(log[0].at)
    await store.open()
    for one in log:
        clock.instant = one.at
        await feed(store, [one])
    clock.instant = end
    await watcher_of(store, clock).drain()
    return store


def transfers(ledger: bytes) -> list[tuple[str, str, str]]:
    """Return (instant, status, cause) of the lines about the transfer."""
    lines = map(json.loads, ledger.splitlines())
    return [(one["instant"], one["to"], one["cause"]) for one in lines if one["rule"] == "TRX-08"]


async def test_a_link_closes_and_an_unlink_opens_again_at_their_own_instants():
    store = await replayed(STORY)

    assert transfers(await ledger_bytes(store)) == [
        ("2026-11-20T15:03:00Z", "pending", "trigger"),
        ("2026-11-21T05:00:00Z", "overdue", "timer"),
        ("2026-11-22T08:03:00Z", "met", "identity"),
        ("2026-11-24T09:03:00Z", "overdue", "identity"),
    ]


@pytest.mark.parametrize("seed", range(8))
async def test_looks_at_any_instants_tell_the_same_of_links(seed):
    store = MemoryStore()
    await store.open()
    await looked_at_random(store, STORY, END, random.Random(seed), often=0.4)

    once = await replayed(STORY)
    assert await ledger_bytes(store) == await ledger_bytes(once)
    assert await expectation_rows(store) == await expectation_rows(once)


@pytest.mark.parametrize("seed", range(3))
async def test_a_region_with_doubted_identities_is_told_the_same(seed):
    log = linked_region(f"links {seed}", 8, PERFECT)
    end = log[-1].at + timedelta(days=60)
    store = MemoryStore()
    await store.open()
    await looked_at_random(store, log, end, random.Random(seed), often=0.2)

    once = await replayed(log, end)
    assert await ledger_bytes(store) == await ledger_bytes(once)
    assert await expectation_rows(store) == await expectation_rows(once)
