"""From the facts of a gap to the resources that show them."""

from dataclasses import replace

import orjson
import pytest

from gateway.core.contributions import Contribution, Target, Version
from gateway.core.facts import Assertion, Op, Received, Span
from gateway.core.ports import NewVersion, StoredResource
from gateway.pipeline.evidence import references
from gateway.store.memory import MemoryStore
from tests.support.gaps import row
from tests.support.pipeline import START

STAY, OTHER_STAY = Target("Encounter", "stay"), Target("Encounter", "other-stay")
LETTER, OLD_LETTER = Target("DocumentReference", "letter"), Target("DocumentReference", "old")
VISIT, WARD = Target("Appointment", "visit"), Target("Organization", "ward")
KEY = "ENC.DISCHARGE|ipp|V1"


@pytest.fixture
async def store():
    made = MemoryStore()
    await made.open()
    yield made
    await made.close()


def says(target, annotates=False):
    resource = {"resourceType": target.type, "id": target.id}
    return Contribution(target, Version(START, START, 0, "d"), resource, annotates=annotates)


def received(order, event="ENC.DISCHARGE", key=KEY, op=Op.ASSERT, revision="r1", **attributes):
    """Return what an input of this number asserts."""
    said = Assertion(
        aid=f"{order}{event}",
        event=event,
        key=key,
        op=op,
        revision=revision,
        when=Span(START, START),
        sent_at=START,
        patient=row().patient,
        source="990000010:ADT",
        attributes=attributes,
    )
    return Received(said, START, order)


def version(target, number=1, deleted=False):
    body = b"" if deleted else orjson.dumps({"resourceType": target.type, "id": target.id})
    stored = StoredResource(
        target.type, target.id, number, START, body, deleted, f"{number}", target
    )
    return NewVersion(stored, ())


async def keep(store, inputs, *stored):
    """Store what inputs said by number, and the first version of some resources."""

    def work(tx):
        tx.contributions.replace(list(inputs.items()))
        tx.resources.put([version(target) for target in stored])

    await store.write(work)


async def shown(store, *said, **changes):
    rows = [replace(row(), **changes)]
    return await store.read(lambda tx: references(tx, rows, said))


async def test_a_movement_is_shown_by_the_stay_its_message_spoke_of(store):
    await keep(store, {7: [says(WARD), says(STAY)], 8: [says(OTHER_STAY)]}, STAY, OTHER_STAY, WARD)

    assert await shown(store, received(7)) == {KEY: ("Encounter/stay",)}


async def test_of_several_words_the_last_one_counts(store):
    await keep(store, {7: [says(STAY)], 8: [says(OTHER_STAY)]}, STAY, OTHER_STAY)
    words = [received(8, revision="r2"), received(7)]

    assert await shown(store, *words) == {KEY: ("Encounter/other-stay",)}


async def test_a_fact_that_was_taken_back_is_shown_by_what_had_said_it(store):
    await keep(store, {7: [says(STAY)]}, STAY)
    words = [received(7), received(8, op=Op.RETRACT, revision="r2")]

    assert await shown(store, *words) == {KEY: ("Encounter/stay",)}


async def test_a_letter_is_not_shown_by_the_one_it_replaces(store):
    await keep(store, {7: [says(LETTER), says(OLD_LETTER, annotates=True)]}, LETTER, OLD_LETTER)

    found = await shown(store, received(7, "DOC.LDL_SES", "DOC|s1"), trigger="DOC|s1")

    assert found == {"DOC|s1": ("DocumentReference/letter",)}


async def test_a_promise_is_shown_by_its_visit_then_by_the_letter_that_makes_it(store):
    other = Target("Appointment", "other-visit")
    await keep(store, {7: [says(LETTER), says(other), says(VISIT)]}, LETTER, VISIT, other)
    said = received(7, "LDL.PROMISE", "LDL|p", about="Appointment/visit")

    found = await shown(store, said, trigger="LDL|p")

    assert found == {"LDL|p": ("Appointment/visit", "DocumentReference/letter")}


async def test_an_appointment_is_named_by_its_key(store):
    await keep(store, {7: [says(VISIT)]}, VISIT)
    said = received(7, "APPT.BOOKED", "Appointment/visit")

    found = await shown(store, said, closer="Appointment/visit")

    assert found == {"Appointment/visit": ("Appointment/visit",)}


async def test_a_sending_which_no_input_says_names_the_letter_it_sent(store):
    await keep(store, {7: [says(LETTER)]}, LETTER)
    said = received(-3, "SND.MSS_OK", "SND|s1|mss|", about="DocumentReference/letter")

    found = await shown(store, said, closer="SND|s1|mss|")

    assert found == {"SND|s1|mss|": ("DocumentReference/letter",)}


async def test_what_cannot_be_read_is_not_named(store):
    await keep(store, {7: [says(STAY)], 8: [says(LETTER)]}, STAY)
    await store.write(lambda tx: tx.resources.put([version(STAY, 2, deleted=True)]))
    words = [received(7), received(8, "DOC.LDL_SES", "DOC|s1"), received(9, key="unknown input")]

    assert await shown(store, *words, evidence=(KEY, "DOC|s1", "unknown input")) == {}


async def test_a_fact_about_the_patient_names_nobody_a_second_time(store):
    await keep(store, {7: [says(row().patient)]}, row().patient)

    said = received(7, "PAT.GP_KNOWN", "Patient/p|gp")

    assert await shown(store, said, closer="Patient/p|gp") == {}
