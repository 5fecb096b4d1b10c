"""One transaction stores inputs, what they say and the versions that change."""

import orjson
import pytest

from gateway.core.errors import RejectedError
from gateway.core.messages import InboxStatus, Outcome
from gateway.pipeline.commit import commit
from gateway.pipeline.prepared import Policy
from gateway.store.memory import MemoryStore
from tests.support.pipeline import RULES, START, FakeConverter, raw


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    yield opened
    await opened.close()


async def committed(store, *texts, converter=None):
    converter = converter or FakeConverter()
    items = [converter.prepare(converter.open(raw(text))) for text in texts]
    return await store.write(lambda tx: commit(tx, items, START, RULES))


async def resource(store, type_, id_):
    found = await store.read(lambda tx: tx.resources.current([(type_, id_)]))
    return found.get((type_, id_))


async def test_an_input_becomes_a_row_and_a_version():
    store = MemoryStore()
    await store.open()

    [receipt] = await committed(store, "1:p1:0")

    assert receipt.outcome is Outcome.ACCEPTED
    assert receipt.ack == b"AA 1 "
    row = await store.read(lambda tx: tx.inbox.get(receipt.inbox_id))
    assert row.status is InboxStatus.CONVERTED
    assert row.body == b"1:p1:0"
    stored = await resource(store, "Patient", "p1")
    body = orjson.loads(stored.body)
    assert (stored.version, body["meta"]["versionId"]) == (1, "1")
    assert body["meta"]["lastUpdated"] == "2026-03-02T08:00:00.000Z"
    assert body["name"] == [{"use": "official", "family": "F0"}]


@pytest.mark.field("FL-073")
async def test_the_same_input_again_gets_the_first_answer_and_has_no_effect(store):
    [first] = await committed(store, "1:p1:0")

    [again] = await committed(store, "1:p1:0")

    assert again.outcome is Outcome.DUPLICATE
    assert again.ack == first.ack
    assert again.inbox_id == first.inbox_id
    assert (await resource(store, "Patient", "p1")).version == 1
    assert await store.read(lambda tx: len(tx.inbox.page(None, 0, 10))) == 1


async def test_the_same_input_twice_in_one_commit_counts_once(store):
    first, again = await committed(store, "1:p1:0", "1:p1:0")

    assert [first.outcome, again.outcome] == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert await store.read(lambda tx: len(tx.inbox.page(None, 0, 10))) == 1


async def test_a_control_id_used_again_for_other_content_is_refused_and_kept(store):
    await committed(store, "1:p1:0")

    [refused] = await committed(store, "1:p1:5")

    assert refused.outcome is Outcome.REJECTED
    assert [(issue.code, issue.hl7_code) for issue in refused.issues] == [("RLS-HL7-205", 205)]
    row = await store.read(lambda tx: tx.inbox.get(refused.inbox_id))
    assert (row.status, row.body) == (InboxStatus.QUARANTINED, b"1:p1:5")
    body = orjson.loads((await resource(store, "Patient", "p1")).body)
    assert body["name"][0]["family"] == "F0"


async def test_a_site_may_accept_control_ids_again(store):
    tolerant = FakeConverter(Policy(reuse_refused=False))
    await committed(store, "1:p1:0", converter=tolerant)

    [accepted] = await committed(store, "1:p1:5", converter=tolerant)

    assert accepted.outcome is Outcome.ACCEPTED
    assert accepted.flags == ("control-id-reused",)


async def test_an_older_message_that_comes_late_does_not_win(store):
    await committed(store, "2:p1:9")

    await committed(store, "1:p1:4")

    body = orjson.loads((await resource(store, "Patient", "p1")).body)
    assert body["name"][0]["family"] == "F9"
    assert (await resource(store, "Patient", "p1")).version == 1


async def test_a_resource_that_breaks_its_shape_leaves_nothing(store):
    with pytest.raises(RejectedError) as caught:
        await committed(store, "1:p1:0", "2:p2:shape")

    assert [issue.where for issue in caught.value.issues] == ["Patient.colour"]
    assert await store.read(lambda tx: tx.inbox.page(None, 0, 10)) == []
    assert await resource(store, "Patient", "p1") is None


async def test_what_every_message_says_makes_one_version(store):
    for minute in range(5):
        await committed(store, f"{minute}:p{minute}:{minute}")

    assert (await resource(store, "Organization", "hospital")).version == 1
