"""What wins is what the source wrote last, whatever arrives last, twice or at the same time."""

import asyncio
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from gateway.core.errors import RetriableError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import InboxStatus, Outcome
from gateway.pipeline.commit import commit
from gateway.pipeline.receive import Receiver
from gateway.pipeline.replay import Replayer
from gateway.simulation.behaviours import USUAL
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.memory import MemoryStore
from tests.support.gateway import converter, holdings, message, take
from tests.support.pipeline import RULES, START, HandClock
from tests.unit.hl7v2.compose import EVN, PID, PV1, admission, er7, msh, with_field, with_msh


@pytest.fixture
async def store():
    opened = MemoryStore()
    await opened.open()
    return opened


def identity(control_id: str, recorded: str, **pid: str) -> bytes:
    """Compose an A31 recorded at an instant, with other fields in PID (`pid_13="..."`)."""
    said = PID
    for name, value in pid.items():
        said = with_field(said, int(name.partition("_")[2]), value)
    header = with_msh(10, control_id, msh("ADT^A31^ADT_A05"))
    return er7(header, with_field(EVN, 2, recorded), said, "PV1|1|N")


async def only(store, type_: str) -> dict:
    """Return the one resource of a type."""
    [resource] = (await holdings(store, type_)).values()
    return resource


async def rows(store):
    return await store.read(lambda tx: tx.inbox.page(None, 0, 100))


@pytest.mark.field("FL-086")
async def test_an_older_update_that_arrives_last_changes_nothing(store):
    newer = identity("G1", "20261120100000", pid_13="^PRN^PH^^^^^^^^^0465710002")
    older = identity("G2", "20261120090000", pid_13="^PRN^PH^^^^^^^^^0465710001")

    await take(store, newer, older)

    patient = await only(store, "Patient")
    assert [item["value"] for item in patient["telecom"]] == ["0465710002"]


@pytest.mark.field("FL-101")
async def test_one_movement_told_by_two_systems_is_one(store):
    first = admission()
    second = admission(MSH=with_msh(3, "EAI", with_msh(10, "E0001")))

    receipts = await take(store, first, second)

    encounters = await holdings(store, "Encounter")
    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED] * 2
    # The stay and its one movement.
    assert len(encounters) == 2
    assert len(await rows(store)) == 2


@pytest.mark.field("FL-072")
async def test_a_control_id_used_again_for_another_message_is_refused(store):
    used = identity("G15", "20261120100000")
    other = identity("G15", "20261120110000", pid_8="F")

    first, again = await take(store, used, other)

    assert first.outcome is Outcome.ACCEPTED
    assert again.outcome is Outcome.REJECTED
    assert [(issue.code, issue.where, issue.hl7_code) for issue in again.issues] == [
        ("RLS-HL7-205", "MSH-10", 205)
    ]
    assert [row.status for row in await rows(store)] == ["converted", "quarantined"]


@pytest.mark.field("FL-072")
async def test_a_control_id_of_long_ago_may_come_again(store):
    await take(store, identity("G15", "20261020100000"))
    made = converter()
    much_later = START + RULES.control_id_window + timedelta(days=1)
    raw = replace(message(identity("G15", "20261120100000")), received_at=much_later)

    item = made.prepare(made.open(raw))
    [receipt] = await store.write(lambda tx: commit(tx, [item], much_later, RULES))

    assert receipt.outcome is Outcome.ACCEPTED


@pytest.mark.field("FL-072")
async def test_a_site_whose_counter_restarts_is_flagged_and_not_refused(store):
    made = converter()
    opened = made.open(message(identity("G15", "20261120110000", pid_8="M")))
    policy = replace(opened.policy, reuse_refused=False)
    await take(store, identity("G15", "20261120100000"))

    item = made.prepare(replace(opened, policy=policy))
    [receipt] = await store.write(lambda tx: commit(tx, [item], START, RULES))

    assert receipt.outcome is Outcome.ACCEPTED
    assert "control-id-reused" in receipt.flags


@pytest.mark.field("FL-214")
async def test_many_first_messages_of_one_patient_at_once_make_one_patient(store):
    receiver = Receiver(store, converter(), HandClock(), RULES)
    bodies = [identity(f"G{n}", f"2026112010000{n}") for n in range(8)]
    await receiver.start()
    try:
        receipts = await asyncio.gather(*(receiver.receive(message(body)) for body in bodies))
    finally:
        await receiver.stop()

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    assert len(await holdings(store, "Patient")) == 1


@pytest.mark.field("FL-326")
async def test_a_resource_that_every_message_says_again_is_written_once(store):
    bodies = [
        admission(
            MSH=with_msh(10, f"G{n}"),
            PID=with_field(PID, 3, f"P{n}^^^CHU-DEMO&990000001&M^PI"),
            PV1=with_field(PV1, 19, f"V{n}^^^CHU-DEMO&990000001&M^VN"),
        )
        for n in range(32)
    ]

    await take(store, *bodies)

    shared = {}
    for type_ in ("Organization", "Practitioner"):
        page = await store.read(lambda tx, t=type_: tx.resources.search(t, (), 100, None))
        shared[type_] = {row.version for row in page.resources}
    assert len(await holdings(store, "Patient")) == 32
    assert shared == {"Organization": {1}, "Practitioner": {1}}


@pytest.mark.field("FL-084")
async def test_a_commit_whose_outcome_is_unknown_is_not_a_yes_and_the_resend_counts_once():
    class Unsure(MemoryStore):
        """Stores, then loses the answer once."""

        lost = False

        async def write(self, work):
            done = await super().write(work)
            if not self.lost:
                self.lost = True
                issue = Issue("RLS-STO-000", Severity.ERROR, "store", "cut.", "Send again.")
                raise RetriableError([issue])
            return done

    store = Unsure()
    await store.open()
    receiver = Receiver(store, converter(), HandClock(), RULES)
    await receiver.start()
    try:
        first = await receiver.receive(message(admission()))
        again = await receiver.receive(message(admission()))
    finally:
        await receiver.stop()

    assert (first.outcome, first.ack.split(b"\r")[1][:7]) == (Outcome.UNAVAILABLE, b"MSA|AR|")
    assert (again.outcome, again.ack.split(b"\r")[1][:7]) == (Outcome.DUPLICATE, b"MSA|AA|")
    assert [row.status for row in await rows(store)] == [InboxStatus.CONVERTED]


@pytest.mark.field("FL-307")
async def test_a_day_replayed_twice_writes_nothing(store):
    await take(store, *(event.body for event in events(Region("replay", 3), PERFECT)))
    before = await holdings(store)
    replayer = Replayer(store, converter(), HandClock(), RULES)

    parts = [part for _ in range(2) async for part in replayer.run()]

    assert sum(part.rows for part in parts) == 2 * len(await rows_of_all(store))
    assert [part.changes for part in parts if part.changes] == []
    assert [part.moved for part in parts if part.moved] == []
    assert await holdings(store) == before


async def rows_of_all(store):
    return await store.read(lambda tx: tx.inbox.page(None, 0, 10_000))


def _written_twice(kind: str) -> Region:
    """Return a region whose only patient has one letter, a draft that was finished."""
    seed = {"MDM": "letters-38", "CDA": "letters-70"}[kind]
    return Region(seed, 1, replace(USUAL, unfinished=0, withdrawn=0))


def letters(kind: str) -> list[bytes]:
    """Return the letters of a stay that was written twice, as messages or as documents."""
    found = [
        event.body
        # Patients whose only letter was written twice.
        for event in events(_written_twice(kind), PERFECT)
        if event.label.message.startswith(kind)
        and (kind == "CDA" or b"\rTXA|1|11490-0|" in event.body)
    ]
    assert len(found) == 2
    return found


@pytest.mark.field("FL-088")
@pytest.mark.field("FL-164")
async def test_a_replaced_letter_stays_replaced_in_any_order_and_when_sent_again(store):
    first, second = letters("MDM")
    # Resent by a relay that renumbers what it passes on.
    resent = first.replace(b"|" + first.split(b"|")[9] + b"|", b"|RESENT1|", 1)
    await take(store, first, second)
    expected = await holdings(store, "DocumentReference", "CarePlan")

    for order in permutations([first, second, resent]):
        other = MemoryStore()
        await other.open()
        await take(other, *order)

        found = await holdings(other, "DocumentReference", "CarePlan")
        assert {name: each["status"] for name, each in found.items()} == {
            name: each["status"] for name, each in expected.items()
        }
    statuses = [each["status"] for name, each in expected.items() if name.startswith("Doc")]
    assert sorted(statuses) == ["current", "superseded"]


@pytest.mark.field("FL-187")
async def test_an_older_version_of_a_document_that_arrives_last_is_not_current(store):
    first, second = letters("CDA")

    await take(store, second, first)

    alone = MemoryStore()
    await alone.open()
    await take(alone, first)
    [older] = await holdings(alone, "DocumentReference")
    documents = await holdings(store, "DocumentReference")
    assert len(documents) == 2
    assert documents.pop(older)["status"] == "superseded"
    assert [document["status"] for document in documents.values()] == ["current"]


@pytest.mark.field("FL-166")
async def test_a_letter_in_a_message_and_by_itself_is_one_document(store):
    envelope = letters("MDM")[0]
    obx = next(line for line in envelope.split(b"\r") if line.startswith(b"OBX|1|ED"))
    alone = b64decode(obx.split(b"|")[5].split(b"^")[4])
    names = []
    for order in permutations([envelope, alone]):
        other = MemoryStore()
        await other.open()
        receipts = await take(other, *order)
        assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
        names.append(sorted(await holdings(other, "DocumentReference", "Patient")))

    assert names[0] == names[1]
    assert [name.split("/")[0] for name in names[0]] == ["DocumentReference", "Patient"]


@pytest.mark.field("FL-165")
async def test_a_request_to_add_that_says_deleted_is_refused_and_deletes_nothing(store):
    first, _ = letters("MDM")
    await take(store, first)
    before = await holdings(store, "DocumentReference")
    contradicting = (
        first.replace(b"||||||F\r", b"||||||D\r", 1)
        .replace(b"|NW\r", b"|CA\r")
        .replace(b"|" + first.split(b"|")[9] + b"|", b"|OTHER1|", 1)
    )

    [receipt] = await take(store, contradicting)

    assert receipt.outcome is Outcome.REJECTED
    assert [(issue.code, issue.where) for issue in receipt.issues] == [("RLS-HL7-046", "ORC-1")]
    assert await holdings(store, "DocumentReference") == before
