"""Two sides number one order: what is said under either number is one request, in any order."""

from itertools import permutations

import pytest

from gateway.core.messages import InboxStatus, Outcome
from gateway.pipeline.replay import Replayer
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support.gateway import converter, holdings, take
from tests.support.pipeline import RULES, HandClock
from tests.unit.hl7v2.compose import PID, er7, msh
from tests.unit.hl7v2.orders import FILLER, PLACER, at, obr, orc

HEMATOLOGY = "58410-2^Hémogramme^LN"
RESULT = "OBX|1|NM|718-7^Hémoglobine^LN||11|g/dL||||F"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    opened = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    await opened.open()
    yield opened
    await opened.close()


def sent(number: int, *segments: str, kind: str = "ORM^O01^ORM_O01") -> bytes:
    """Compose a message of this number, so many minutes after half past eight."""
    header = at(msh(kind), f"2026112008{30 + number:02}00").replace("|P|", "|T|")
    return er7(header.replace("G0001", f"O{number:04}"), PID, *segments)


def result(number: int, head: str, *, status: str = "F", code: str = HEMATOLOGY) -> bytes:
    return sent(number, head, obr(code, f25=status), RESULT, kind="ORU^R01^ORU_R01")


PLACER_ALONE = sent(1, orc("NW", PLACER), obr(HEMATOLOGY, f31="ANEMIE^Anémie^L"))
FILLER_ALONE = result(2, orc("RE", "", FILLER))
BOTH = sent(3, orc("NA", PLACER, FILLER))
OTHER_FILLER = sent(4, orc("SC", PLACER, "F4^PSY^990000001", "CM"))
OTHER_PLACER = sent(5, orc("SC", "P10^CHU-DEMO^990000001", FILLER, "CM"))


def shown(held: dict) -> list[tuple]:
    return [
        (one["status"], [number["value"] for number in one["identifier"]]) for one in held.values()
    ]


async def alone(*bodies: bytes) -> dict[str, dict]:
    store = MemoryStore()
    await store.open()
    await take(store, *bodies)
    return await holdings(store)


@pytest.mark.field("FL-094")
@pytest.mark.parametrize("together", [1, 3])
async def test_numbers_in_pieces_are_one_request_in_any_order(store, together):
    expected = await alone(PLACER_ALONE, FILLER_ALONE, BOTH)

    for order in permutations((PLACER_ALONE, FILLER_ALONE, BOTH)):
        again = MemoryStore()
        await again.open()
        receipts = await take(again, *order, together=together)
        assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
        assert await holdings(again) == expected
    await take(store, PLACER_ALONE, FILLER_ALONE, BOTH, together=together)

    assert await holdings(store) == expected
    requests = {name: one for name, one in expected.items() if name.startswith("ServiceRequest")}
    assert shown(requests) == [("completed", ["P9", "F3"])]


async def test_two_requests_stand_until_a_message_gives_both_numbers(store):
    await take(store, PLACER_ALONE, FILLER_ALONE)

    before = await holdings(store, "ServiceRequest")
    await take(store, BOTH)

    assert sorted(shown(before)) == [("active", ["P9"]), ("completed", ["F3"])]
    assert shown(await holdings(store, "ServiceRequest")) == [("completed", ["P9", "F3"])]


@pytest.mark.field("FL-094")
@pytest.mark.parametrize("together", [1, 9])
@pytest.mark.parametrize("wrong", [OTHER_FILLER, OTHER_PLACER], ids=["filler", "placer"])
async def test_a_number_that_belongs_to_another_order_is_refused(store, wrong, together):
    expected = await alone(PLACER_ALONE, FILLER_ALONE, BOTH)

    receipts = await take(store, PLACER_ALONE, FILLER_ALONE, BOTH, wrong, together=together)

    refused = receipts[-1]
    assert refused.outcome is Outcome.REJECTED
    assert [(one.code, one.where, one.hl7_code) for one in refused.issues] == [
        ("RLS-HL7-065", "ORC-3", 205)
    ]
    assert b"\rMSA|AE|" in refused.ack
    assert await holdings(store) == expected


async def test_two_pairs_that_contradict_each_other_in_one_message_are_refused(store):
    body = sent(1, orc("NW", PLACER, FILLER), obr(), orc("NW", "P10^CHU-DEMO^990000001", FILLER))

    [receipt] = await take(store, body)

    assert [one.code for one in receipt.issues] == ["RLS-HL7-065"]


async def test_the_same_pair_said_again_is_no_contradiction(store):
    receipts = await take(store, BOTH, sent(6, orc("SC", PLACER, FILLER, "IP")))

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}


async def test_a_replay_gives_the_same_and_refuses_nothing_that_was_accepted(store):
    await take(store, FILLER_ALONE, PLACER_ALONE, BOTH, OTHER_FILLER)
    before = await holdings(store)

    outcomes = [one async for one in Replayer(store, converter(), HandClock(), RULES).run()]

    assert [(one.rows, one.moved, one.changes) for one in outcomes] == [(4, (), ())]
    assert await holdings(store) == before


async def test_a_pair_that_is_taken_back_gives_both_requests_again(store):
    await take(store, PLACER_ALONE, FILLER_ALONE, BOTH)

    await store.write(lambda tx: _forget(tx, 3))

    assert sorted(shown(await holdings(store, "ServiceRequest"))) == [
        ("active", ["P9"]),
        ("completed", ["F3"]),
    ]


def _forget(tx, row_id: int) -> None:
    from gateway.pipeline.refold import refold

    changed = tx.contributions.replace([(row_id, [])])
    refold(tx, changed, (), HandClock().now(), RULES.folds)


# --- results before their order ---------------------------------------------------------------


@pytest.mark.field("FL-090")
async def test_a_result_makes_the_order_it_answers_and_the_order_completes_it():
    early = result(5, orc("RE", PLACER, FILLER, "CM"))
    late = sent(1, orc("NW", PLACER), obr(HEMATOLOGY, f5="S", f31="ANEMIE^Anémie^L"))

    first = await alone(early)
    both = await alone(early, late)

    [made] = [one for name, one in first.items() if name.startswith("ServiceRequest")]
    assert (made["status"], made["code"]["coding"][0]["code"]) == ("completed", "58410-2")
    [request] = [one for name, one in both.items() if name.startswith("ServiceRequest")]
    assert request["status"] == "completed"
    assert request["priority"] == "stat"
    assert request["reasonCode"][0]["text"] == "Anémie"
    assert both == await alone(late, early)


@pytest.mark.field("FL-090")
@pytest.mark.parametrize(
    ("order_status", "result_status", "expected"),
    [
        pytest.param("", "F", "completed", id="final results"),
        pytest.param("", "C", "completed", id="corrected results"),
        pytest.param("", "P", "active", id="preliminary results"),
        pytest.param("", "X", "revoked", id="no results, the order is cancelled"),
        pytest.param("IP", "F", "active", id="ORC-5 wins"),
        pytest.param("", "", "active", id="results follow, no more is said"),
    ],
)
async def test_the_status_of_an_order_by_its_results(order_status, result_status, expected):
    held = await alone(result(1, orc("RE", PLACER, FILLER, order_status), status=result_status))

    [request] = [one for name, one in held.items() if name.startswith("ServiceRequest")]
    assert request["status"] == expected


async def test_what_results_repeat_of_an_order_does_not_overwrite_it():
    order = sent(1, orc("NW", PLACER), obr("NFS^Numération^L"))

    held = await alone(order, result(2, orc("RE", PLACER, FILLER, "CM")))

    [request] = [one for name, one in held.items() if name.startswith("ServiceRequest")]
    assert request["code"]["text"] == "Numération"
    assert request["status"] == "completed"


async def test_results_name_their_order_by_the_number_that_lasts(store):
    await take(store, FILLER_ALONE, BOTH)

    held = await holdings(store, "Observation", "Provenance")

    [observation] = [one for name, one in held.items() if name.startswith("Observation")]
    assert observation["basedOn"] == [
        {
            "type": "ServiceRequest",
            "identifier": {"system": "https://relais.example/ns/order/990000001", "value": "F3"},
        }
    ]
    named = [
        target for one in held.values() if one["resourceType"] == "Provenance"
        for target in one["target"] if "ServiceRequest" in str(target)
    ]  # fmt: skip
    requests = await holdings(store, "ServiceRequest")
    assert {one["reference"] for one in named if "reference" in one} <= requests.keys()


async def test_a_row_that_was_refused_may_be_accepted_once_the_other_is_gone(store):
    await take(store, BOTH, OTHER_FILLER)
    await store.write(lambda tx: _forget(tx, 1))

    outcome = await Replayer(store, converter(), HandClock(), RULES).rows([2])

    assert outcome.moved == ((2, InboxStatus.QUARANTINED, InboxStatus.CONVERTED),)
