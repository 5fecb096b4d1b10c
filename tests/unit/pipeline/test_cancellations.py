"""Something never seen is cancelled: kept, flagged, or refused by a strict source."""

from functools import lru_cache

import pytest

from gateway.core.messages import InboxStatus, Outcome
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Site, Sites
from gateway.pipeline.commit import commit
from gateway.pipeline.replay import Replayer
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support.gateway import converter, holdings, message, take
from tests.support.pipeline import RULES, START, HandClock
from tests.unit.hl7v2.compose import EVN, PID, PV1, er7, msh
from tests.unit.hl7v2.orders import FILLER, PLACER, at, obr, orc

FLAG = "cancel-without-original"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    opened = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    await opened.open()
    yield opened
    await opened.close()


def sent(number: int, kind: str, *segments: str) -> bytes:
    header = at(msh(kind), f"2026112008{30 + number:02}00").replace("|P|", "|T|")
    return er7(header.replace("G0001", f"C{number:04}"), *segments)


def moved(number: int, event: str, structure: str, zbe: str) -> bytes:
    return sent(number, f"ADT^{event}^{structure}", EVN, PID, PV1, f"ZBE|{zbe}")


_UNIT = "Onco^^^^^CHU-DEMO&990000001&M^UF^^^4036||HMS"
TRANSFER = moved(1, "A02", "ADT_A02", f"M7^CHU-DEMO^990000001|20261120081500||INSERT|N||{_UNIT}")
TRANSFER_CANCELLED = moved(
    2, "A12", "ADT_A12", f"M7^CHU-DEMO^990000001|20261120081500||CANCEL|N|A02|{_UNIT}"
)
OTHER_TRANSFER_CANCELLED = moved(
    2, "A12", "ADT_A12", f"M8^CHU-DEMO^990000001|20261120081500||CANCEL|N|A02|{_UNIT}"
)
CLASS_CHANGE_CANCELLED = moved(
    2, "A07", "ADT_A06", f"M9^CHU-DEMO^990000001|20261120081500||CANCEL|N|A06|{_UNIT}"
)
ORDER = sent(1, "ORM^O01^ORM_O01", PID, orc("NW", PLACER), obr())
ORDER_CANCELLED = sent(2, "ORM^O01^ORM_O01", PID, orc("CA", PLACER))
FILLER_CANCELLED = sent(2, "ORM^O01^ORM_O01", PID, orc("OC", "", FILLER))
SCH = "SCH|A1^CHU-DEMO|F1^AGENDA|||||||30|MIN|^^^20261201140000^20261201143000"
BOOKED = sent(1, "SIU^S12^SIU_S12", SCH, PID, "RGS|1|A")
APPOINTMENT_CANCELLED = sent(2, "SIU^S15^SIU_S12", SCH, PID, "RGS|1|A")
RF1 = "RF1|P|R|MED|||R5^CHU-DEMO^990000001|20261201"
PRD = "PRD|RT|SMR DES TESTS|||||990000209^FINEG"
REFERRAL = sent(1, "REF^I12^REF_I12", RF1, PRD, PID)
REFERRAL_CANCELLED = sent(2, "REF^I14^REF_I12", RF1, PRD, PID)

PAIRS = [
    pytest.param(TRANSFER, TRANSFER_CANCELLED, "ZBE-1", id="movement"),
    pytest.param(ORDER, ORDER_CANCELLED, "ORC-2", id="order"),
    pytest.param(BOOKED, APPOINTMENT_CANCELLED, "SCH-1", id="appointment"),
    pytest.param(REFERRAL, REFERRAL_CANCELLED, "RF1-6", id="referral"),
]
ALONE = [
    *(pytest.param(*one.values[1:], id=one.id) for one in PAIRS),
    pytest.param(FILLER_CANCELLED, "ORC-3", id="order named by its filler"),
    pytest.param(CLASS_CHANGE_CANCELLED, "ZBE-1", id="change of class"),
]


@lru_cache
def strict():
    mappings = load_mappings()
    mappings.sites = Sites([Site.model_validate({"name": "default", "leniency": "strict"})])
    return build_converter(load(), clock=HandClock(), mappings=mappings)


async def take_strictly(store, *bodies):
    receipts = []
    for body in bodies:
        item = strict().prepare(strict().open(message(body)))
        receipts += await store.write(lambda tx, item=item: commit(tx, [item], START, RULES))
    return receipts


async def flags_of(store, row_id: int) -> tuple[str, ...]:
    row = await store.read(lambda tx: tx.inbox.get(row_id))
    return row.flags


@pytest.mark.field("FL-091")
@pytest.mark.parametrize(("body", "place"), ALONE)
async def test_a_cancellation_of_something_never_seen_is_kept_and_flagged(store, body, place):
    [receipt] = await take(store, body)

    assert receipt.outcome is Outcome.ACCEPTED
    assert b"\rMSA|AA|" in receipt.ack
    assert FLAG in await flags_of(store, receipt.inbox_id)
    told = [(one.code, one.where) for one in receipt.issues if one.hl7_code == 204]
    assert told == [("RLS-HL7-064", place)]


@pytest.mark.field("FL-091")
@pytest.mark.parametrize(("body", "place"), ALONE)
async def test_a_strict_source_is_refused(store, body, place):
    [receipt] = await take_strictly(store, body)

    refused = [(one.code, one.where, one.hl7_code) for one in receipt.issues]
    assert refused == [("RLS-HL7-064", place, 204)]
    assert b"\rMSA|AE|" in receipt.ack
    assert not await holdings(store)


@pytest.mark.parametrize("together", [1, 9])
@pytest.mark.parametrize(("original", "cancelled", "_place"), PAIRS)
async def test_what_is_known_is_cancelled_without_a_flag(
    store, original, cancelled, _place, together
):
    receipts = await take(store, original, cancelled, together=together)

    assert [FLAG in await flags_of(store, one.inbox_id) for one in receipts] == [False, False]


@pytest.mark.parametrize(("original", "cancelled", "_place"), PAIRS)
async def test_the_tombstone_ends_what_comes_later_and_the_flag_stays(
    store, original, cancelled, _place
):
    expected = MemoryStore()
    await expected.open()
    await take(expected, original, cancelled)

    receipts = await take(store, cancelled, original)
    flags = await flags_of(store, receipts[0].inbox_id)
    replayed = [one async for one in Replayer(store, converter(), HandClock(), RULES).run()]

    assert await holdings(store) == await holdings(expected)
    assert FLAG in flags
    assert await flags_of(store, receipts[0].inbox_id) == flags
    assert [one.changes for one in replayed] == [()]


@pytest.mark.field("FL-092")
async def test_a_movement_of_the_same_hour_is_not_what_is_cancelled(store):
    receipts = await take(store, TRANSFER, OTHER_TRANSFER_CANCELLED)

    assert FLAG in await flags_of(store, receipts[1].inbox_id)


async def test_a_second_cancellation_does_not_count_as_the_original(store):
    again = ORDER_CANCELLED.replace(b"C0002", b"C0003")

    receipts = await take(store, ORDER_CANCELLED, again)

    assert [FLAG in await flags_of(store, one.inbox_id) for one in receipts] == [True, True]


@pytest.mark.parametrize("together", [1, 2])
async def test_an_order_is_known_under_either_number(store, together):
    pair = sent(1, "ORM^O01^ORM_O01", PID, orc("NA", PLACER, FILLER))

    receipts = await take(store, pair, FILLER_CANCELLED, together=together)

    assert FLAG not in await flags_of(store, receipts[1].inbox_id)


async def test_a_strict_cancellation_that_was_refused_is_taken_on_replay_once_the_original_came(
    store,
):
    [refused, _] = await take_strictly(store, ORDER_CANCELLED, ORDER)

    outcome = await Replayer(store, strict(), HandClock(), RULES).rows([refused.inbox_id])

    assert outcome.moved == ((1, InboxStatus.QUARANTINED, InboxStatus.CONVERTED),)
