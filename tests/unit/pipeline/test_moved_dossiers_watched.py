"""The ledger of two patients between whom a dossier is moved, whenever and however one looks."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from gateway.core.facts import Status
from gateway.pipeline.dossiers import owners
from gateway.pipeline.replay import Replayer
from gateway.store.memory import MemoryStore
from tests.support.gateway import converter, holdings
from tests.support.linked import (
    Arrived,
    expectation_rows,
    ledger_bytes,
    looked_at_random,
    watcher_of,
)
from tests.support.moved import LATER, RIGHT, WRONG, Watched, letter_and_stay, move
from tests.support.pipeline import RULES, HandClock
from tests.unit.hl7v2.compose import with_field
from tests.unit.pipeline.test_links_watched import (
    END,
    HERE,
    THERE,
    moves_on,
    replayed,
    says,
    transfers,
)
from tests.unit.pipeline.test_merges_watched import number, of_record


def of_dossier(told: Arrived) -> Arrived:
    """Return a message that names the dossier in PID-18."""
    lines = told.body.decode().split("\r")
    place = next(place for place, line in enumerate(lines) if line.startswith("PID"))
    lines[place] = with_field(lines[place], 18, f"D25^^^H{HERE}&{HERE}&M^AN")
    return replace(told, body="\r".join(lines).encode())


def of_wrong(told: Arrived) -> Arrived:
    """Return a message about the dossier, told under the wrong patient."""
    return of_dossier(of_record("P0100", told))


def moved(right: str, wrong: str, when: str, status: str = "VALI") -> Arrived:
    """Compose an A44 of the dossier."""
    dossier = f"D25^^^H{HERE}&{HERE}&M^AN"
    told = says("ADT^A44^ADT_A43", HERE, when, f"MRG|{number(wrong)}||{dossier}", status=status)
    return of_dossier(of_record(right, told))


def merged(stays: str, goes: str, when: str, status: str) -> Arrived:
    """Compose an A40."""
    told = says("ADT^A40^ADT_A39", HERE, when, f"MRG|{number(goes)}", status=status)
    return of_record(stays, told)


def taken_apart(one: str, other: str, when: str) -> Arrived:
    """Compose an A37."""
    return of_record(one, says("ADT^A37^ADT_A37", HERE, when, f"PID|2||{number(other)}"))


ADMITTED = of_wrong(moves_on("ADT^A01^ADT_A01", HERE, "20261120080000", status="PROV"))
DISCHARGED = of_wrong(
    moves_on("ADT^A03^ADT_A03", HERE, "20261120160000", "ZFM|8|7||2", status="PROV")
)
ARRIVED = moves_on("ADT^A01^ADT_A01", THERE, "20261120180000")
KNOWN = of_record("P0500", says("ADT^A28^ADT_A05", HERE, "20261121090000"))
MOVED = moved("P0500", "P0100", "20261122090000")
#: The stay was told under the wrong patient; the right one has arrived elsewhere.
BACK = moved("P0100", "P0500", "20261124100000", status="PROV")
STORY = [ADMITTED, DISCHARGED, ARRIVED, KNOWN, MOVED, BACK]
#: The wrong record is merged into another one afterwards, and taken apart from it.
MERGED = [
    *STORY[:-1],
    merged("P0700", "P0100", "20261123090000", status="PROV"),
    of_dossier(
        of_record("P0700", moves_on("ADT^A02^ADT_A02", HERE, "20261123100000", status="PROV"))
    ),
    taken_apart("P0700", "P0100", "20261124110000"),
]


async def whose(store: MemoryStore) -> set[str]:
    """Return the Patients that the expectations stand for."""
    rows = await expectation_rows(store)
    found = await store.read(lambda tx: owners(tx, {row.patient.id for row in rows}))
    return set(found.values())


async def record_of(store: MemoryStore, local: str) -> str:
    """Return the id of the Patient with a local number."""
    held = await holdings(store, "Patient")
    return next(
        one["id"] for one in held.values() if local in {i["value"] for i in one["identifier"]}
    )


async def test_a_moved_dossier_is_met_by_what_the_right_patient_did_and_opens_when_it_comes_back():
    store = await replayed(STORY)

    assert transfers(await ledger_bytes(store)) == [
        ("2026-11-20T15:03:00Z", "pending", "trigger"),
        ("2026-11-21T05:00:00Z", "overdue", "timer"),
        ("2026-11-22T08:03:00Z", "met", "identity"),
        ("2026-11-24T09:03:00Z", "overdue", "identity"),
    ]


async def test_what_was_open_stays_open_under_the_right_patient_without_a_new_opening():
    store = await replayed(STORY[:-1])

    lines = [line for _, line in await store.read(lambda tx: tx.watch.ledger(0, 99))]
    opened = [line.gap_id for line in lines if line.to_status is Status.OVERDUE]
    assert len(opened) == len(set(opened)) > 1
    assert await whose(store) == {await record_of(store, "P0500")}


async def test_what_the_dossier_had_closed_for_the_wrong_patient_opens_again():
    """A stay elsewhere ended with a transfer; the dossier looked like the arrival."""
    left = moves_on("ADT^A03^ADT_A03", THERE, "20261120060000", "ZFM|8|7||2", status="PROV")
    link = says("ADT^A24^ADT_A24", THERE, "20261120070000", f"PID|2||{number('P0100')}")
    here = f"PID|2||P0100^^^H{THERE}&{THERE}&M^PI".encode()
    link = replace(link, body=link.body.replace(here, f"PID|2||{number('P0100')}".encode()))

    store = await replayed([left, link, ADMITTED, MOVED])

    assert [(status, cause) for _, status, cause in transfers(await ledger_bytes(store))] == [
        ("pending", "trigger"),
        ("met", "closer"),
        ("overdue", "identity"),
    ]


async def test_a_discharge_cancelled_under_the_wrong_patient_after_the_move_is_cancelled():
    told = moves_on("ADT^A13^ADT_A01", HERE, "20261122110000", "ZFM|8|7||2", status="PROV")
    body = told.body.replace(b"|INSERT|N||", b"|CANCEL|N|A03|")
    body = body.replace(b"|M20261122110000^", b"|M20261120160000^")

    store = await replayed([*STORY[:-1], of_wrong(replace(told, body=body))])

    [*_, (_, status, _)] = transfers(await ledger_bytes(store))
    assert status == "void"


@pytest.mark.parametrize("story", [STORY, MERGED], ids=["moved back", "merged as well"])
@pytest.mark.parametrize("seed", range(6))
async def test_looks_at_any_instants_tell_the_same_of_moved_dossiers(story, seed):
    store = MemoryStore()
    await store.open()
    await looked_at_random(store, story, END, random.Random(seed), often=0.4)

    once = await replayed(story)
    assert await ledger_bytes(store) == await ledger_bytes(once)
    assert await expectation_rows(store) == await expectation_rows(once)


@pytest.mark.parametrize("turn", range(0, 24, 5))
async def test_the_ledger_does_not_tell_where_in_a_commit_the_move_came(turn):
    told = list(list(permutations([ADMITTED, DISCHARGED, KNOWN, ARRIVED]))[turn])
    orders = [[*told[:place], MOVED, *told[place:]] for place in range(5)]

    ledgers = {
        await ledger_bytes(await replayed([replace(one, at=MOVED.at) for one in order]))
        for order in orders
    }

    assert len(ledgers) == 1
    assert transfers(ledgers.pop())[-1][1] == "met"


@pytest.mark.parametrize("place", range(4))
async def test_wherever_the_move_comes_in_it_ends_the_same(place):
    told = [ADMITTED, DISCHARGED, ARRIVED]
    told.insert(place, MOVED)
    log = [replace(one, at=ARRIVED.at + timedelta(minutes=n)) for n, one in enumerate(told)]

    store = await replayed(log)

    rows = {row.rule: row.status for row in await expectation_rows(store)}
    assert rows == {"TRX-01": Status.OVERDUE, "TRX-08": Status.MET}
    assert await whose(store) == {await record_of(store, "P0500")}


async def test_a_merge_of_the_wrong_record_changes_nothing_of_the_dossier():
    store = await replayed(MERGED)

    assert await whose(store) == {await record_of(store, "P0500")}
    assert transfers(await ledger_bytes(store))[-1][1:] == ("met", "identity")


# --- letters ----------------------------------------------------------------------------------


@pytest.mark.field("FL-155")
async def test_letter_and_open_gap_go_with_their_dossier_and_come_back():
    stay = letter_and_stay()
    at = stay[-1].at + timedelta(days=2)

    gone = await Watched.of([*stay, move(stay[0], at)])

    types = ("DocumentReference", "Composition", "Encounter", "DetectedIssue", "Task")
    assert (await gone.statuses())["TRX-03"] == "overdue"
    assert await whose(gone.store) == {RIGHT}
    assert await gone.subjects(*types) == {f"Patient/{RIGHT}"}

    await gone.take(move(stay[0], gone.clock.instant + LATER, back=True))
    assert await whose(gone.store) == {WRONG}
    assert await gone.subjects(*types) == {f"Patient/{WRONG}"}


@pytest.mark.parametrize("place", [0, 2, 4], ids=["first", "between", "last"])
async def test_a_letter_is_of_the_right_patient_whenever_the_move_is_told(place):
    stay = letter_and_stay()
    log = [*stay[:place], move(stay[0], stay[-1].at), *stay[place:]]
    log = [replace(one, at=stay[-1].at + timedelta(minutes=n)) for n, one in enumerate(log)]

    found = await Watched.of(log)

    assert await whose(found.store) == {RIGHT}
    assert await found.subjects("DocumentReference", "Encounter") == {f"Patient/{RIGHT}"}


# --- replay -----------------------------------------------------------------------------------


async def test_a_replay_of_a_moved_dossier_changes_nothing():
    store = await replayed(STORY)
    held, ledger = await holdings(store), await ledger_bytes(store)
    rows = await expectation_rows(store)
    clock = HandClock(END + timedelta(hours=1))

    replayer = Replayer(store, converter(), clock, RULES, chunk=2)
    changes = [change async for part in replayer.run() for change in part.changes]
    await watcher_of(store, clock).drain()

    assert changes == []
    assert (await holdings(store), await ledger_bytes(store)) == (held, ledger)
    assert await expectation_rows(store) == rows
