"""Enhanced mode: the commit on the connection, the word of the application in the outbox."""

from dataclasses import replace

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline.commit import commit
from gateway.pipeline.to_hospital import control_id
from gateway.store.memory import MemoryStore
from tests.support.gateway import message
from tests.support.hospital import converter, lines, take, waiting
from tests.support.pipeline import RULES, START
from tests.unit.hl7v2.compose import PID, admission, msh, with_field, with_msh
from tests.unit.pipeline.test_document_requests import changed, letters, withdrawal


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    return opened


def asking(body: bytes, commit: str, application: str) -> bytes:
    """Return a message with MSH-15 and MSH-16."""
    return changed(body, MSH_15=commit, MSH_16=application)


def code_of(ack: bytes) -> str:
    return lines(ack)[1].split("|")[1] if ack else ""


async def told(store, receipt) -> tuple[str, str]:
    """Return what the connection and the application say."""
    found = [code_of(row.item.body) for row in await waiting(store)]
    return code_of(receipt.ack), "".join(found)


GOOD = admission()
WRITTEN_WRONG = admission(PID=with_field(PID, 3, ""))
WRONG_HEADER = admission(MSH=with_msh(12, "9.9"))

#: MSH-15, MSH-16, then connection and application for: good, content wrong, header wrong.
TABLE = [
    ("", "", ("AA", ""), ("AE", ""), ("AR", "")),
    ("AL", "AL", ("CA", "AA"), ("CE", ""), ("CR", "")),
    ("AL", "NE", ("CA", ""), ("CE", ""), ("CR", "")),
    ("AL", "ER", ("CA", ""), ("CE", ""), ("CR", "")),
    ("AL", "SU", ("CA", "AA"), ("CE", ""), ("CR", "")),
    ("AL", "", ("CA", ""), ("CE", ""), ("CR", "")),
    ("NE", "AL", ("", "AA"), ("", "AE"), ("", "AR")),
    ("NE", "NE", ("", ""), ("", ""), ("", "")),
    ("NE", "ER", ("", ""), ("", "AE"), ("", "AR")),
    ("NE", "SU", ("", "AA"), ("", ""), ("", "")),
    ("ER", "NE", ("", ""), ("CE", ""), ("CR", "")),
    ("ER", "AL", ("", "AA"), ("CE", ""), ("CR", "")),
    ("ER", "ER", ("", ""), ("CE", ""), ("CR", "")),
    ("SU", "AL", ("CA", "AA"), ("", "AE"), ("", "AR")),
    ("SU", "NE", ("CA", ""), ("", ""), ("", "")),
    ("SU", "SU", ("CA", "AA"), ("", ""), ("", "")),
    ("", "AL", ("", "AA"), ("", "AE"), ("", "AR")),
]
CELLS = [
    pytest.param(commit, application, body, expected, id=f"{commit}-{application}-{name}")
    for commit, application, *row in TABLE
    for name, body, expected in zip(
        ("good", "content", "header"), (GOOD, WRITTEN_WRONG, WRONG_HEADER), row, strict=True
    )
]


@pytest.mark.field("FL-078")
@pytest.mark.parametrize(("commit", "application", "body", "expected"), CELLS)
async def test_each_combination_is_answered_as_the_table_says(
    store, commit, application, body, expected
):
    [receipt] = await take(store, asking(body, commit, application))

    assert await told(store, receipt) == expected


async def test_a_functional_refusal_is_taken_and_then_refused_by_the_application(store):
    first, second = letters()
    await take(store, first, second)

    [receipt] = await take(store, asking(withdrawal(first), "AL", "AL"))

    assert await told(store, receipt) == ("CA", "AE")
    [row] = await waiting(store)
    assert "|900^" in lines(row.item.body)[2]


async def test_a_functional_refusal_nobody_else_will_tell_is_told_at_once(store):
    first, second = letters()
    await take(store, first, second)

    [receipt] = await take(store, asking(withdrawal(first), "AL", "NE"))

    assert await told(store, receipt) == ("CE", "")


async def test_a_duplicate_is_committed_again_and_answered_once(store):
    body = asking(GOOD, "AL", "AL")

    first, again = await take(store, body, body)

    assert (code_of(first.ack), code_of(again.ack)) == ("CA", "CA")
    assert len(await waiting(store)) == 1


async def test_the_word_of_the_application_is_a_message_of_its_own(store):
    await take(store, asking(GOOD, "AL", "AL"))

    [row] = await waiting(store)
    header, msa = lines(row.item.body)
    fields = header.split("|")
    assert fields[2:6] == ["RELAIS", "DAC", "GAM", "CHU-DEMO"]
    assert (fields[8], fields[9]) == ("ACK^A01^ACK", row.item.key)
    assert fields[14:16] == ["AL", "NE"]
    assert msa == "MSA|AA|G0001"
    assert row.item.details["kind"] == "ack"
    assert row.item.lane == row.item.details["destination"]


async def test_without_a_destination_the_connection_tells_everything(store):
    made = converter(acks_to="")

    [receipt] = await take(store, asking(GOOD, "NE", "AL"), made=made)

    assert await told(store, receipt) == ("AA", "")


async def test_a_source_that_is_answered_early_hears_of_its_result_later(store):
    made = converter(ack="accept")
    opened = made.open(message(asking(GOOD, "AL", "AL")))

    async def commit_of(item):
        [receipt] = await store.write(lambda tx: commit(tx, [item], START, RULES))
        return receipt

    kept = await commit_of(made.prepare(opened, keep_only=True))
    before = await told(store, kept)
    await commit_of(replace(made.prepare(opened), inbox_id=kept.inbox_id))

    assert (before, await told(store, kept)) == (("CA", ""), ("CA", "AA"))


@pytest.mark.field("FL-077")
@pytest.mark.parametrize(
    ("code", "error", "expected"),
    [
        ("AA", "", DeliveryStatus.CONFIRMED),
        ("AE", "ERR|||101^x^y|E\r", DeliveryStatus.REFUSED),
        ("CA", "", DeliveryStatus.RETRY_WAIT),
        ("AR", "ERR|||206^x^y|E\r", DeliveryStatus.RETRY_WAIT),
    ],
)
async def test_an_answer_through_our_own_door_settles_what_waits(store, code, error, expected):
    row = await sent(store)

    [receipt] = await take(store, answer_to(row.item.key, code, error))

    [row] = await waiting(store)
    assert (receipt.ack, row.status) == (b"", expected)


async def test_an_answer_to_something_else_settles_nothing(store):
    await sent(store)

    await take(store, answer_to(control_id("another"), "AA"))

    [row] = await waiting(store)
    assert row.status is DeliveryStatus.RETRY_WAIT


async def sent(store):
    """Queue a message and leave it where a commit was its last answer."""
    await take(store, asking(GOOD, "AL", "AL"))

    def work(tx):
        [row] = tx.outbox.claim(["mllp"], START, 1)
        tx.outbox.settle(row.id, DeliveryStatus.RETRY_WAIT, START, due_at=START)
        return row

    return await store.write(work)


def answer_to(number: str, code: str, error: str = "") -> bytes:
    header = with_msh(9, "ACK^A01^ACK", msh())
    return f"{header}\rMSA|{code}|{number}\r{error}".encode()
