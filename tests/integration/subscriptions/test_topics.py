"""What makes an event of each topic, shown by messages through the whole pipeline."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx2
import orjson
import pytest

from gateway.core.contributions import Target
from gateway.core.deliveries import DeliveryStatus
from gateway.fhir.search_table import parameters_of
from gateway.fhir.topics import OF_CHANGES, OF_GAPS, TOPICS
from gateway.pipeline import written
from gateway.pipeline.commit import commit
from gateway.pipeline.publish import gap_changes
from gateway.pipeline.replay import Replayer
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.support.care import lived, story
from tests.support.gaps import IDS, opened
from tests.support.gateway import converter, message, take
from tests.support.pipeline import RULES, START, HandClock
from tests.support.topics import follow, told
from tests.support.writing import BASE, writing_app

HL7 = ROOT / "fixtures" / "hl7v2"
STAY, MOVED = "adt_a02_told_in_three_messages", "adt_a12_cancelled_transfer"


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    made = MemoryStore()
    await made.open()
    yield made
    await made.close()


def bodies(*folders: str) -> list[bytes]:
    """Return the messages of some cases, in order."""
    return [p.read_bytes() for folder in folders for p in sorted((HL7 / folder).glob("*.er7"))]


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        pytest.param(
            [STAY],
            {"encounter-admitted": ["Encounter/1"], "encounter-transferred": ["Encounter/3"]},
            id="an admission, and a move told in three messages",
        ),
        pytest.param(
            [MOVED],
            {
                "encounter-admitted": ["Encounter/1"],
                "encounter-transferred": ["Encounter/2", "Encounter/3"],
            },
            id="a move that is taken back",
        ),
        pytest.param(
            ["adt_a11_cancelled_admission"],
            {"encounter-admitted": ["Encounter/1", "Encounter/2"]},
            id="an admission that is taken back",
        ),
        pytest.param(
            ["adt_a03_discharge_to_rehabilitation"],
            {"encounter-admitted": ["Encounter/1"], "encounter-discharged": ["Encounter/1"]},
            id="a discharge of which the admission was never told",
        ),
        pytest.param(
            [
                "adt_a01_admission_of_a_validated_identity",
                "adt_a03_discharge_to_rehabilitation",
                "adt_a13_cancelled_discharge_alone",
            ],
            {
                "encounter-admitted": ["Encounter/1"],
                "encounter-discharged": ["Encounter/2", "Encounter/3"],
            },
            id="a discharge that is taken back",
        ),
        pytest.param(
            ["mdm_t10_replaced_letter"],
            {
                "document-received": ["DocumentReference/1"] * 2,
                "discharge-document-available": ["DocumentReference/1"] * 2,
                "document-replaced": ["DocumentReference/2"],
            },
            id="a letter that is replaced",
        ),
        pytest.param(
            ["mdm_t04_withdrawn_letter"],
            {
                "document-received": ["DocumentReference/1"],
                "discharge-document-available": ["DocumentReference/1"],
                "document-replaced": ["DocumentReference/2"],
            },
            id="a letter that is withdrawn",
        ),
        pytest.param(
            ["orm_o01_order_changed"],
            {"referral-created": ["ServiceRequest/1"], "referral-updated": ["ServiceRequest/2"]},
            id="a request that changes",
        ),
        pytest.param(
            ["adt_a37_merge_taken_back"],
            {"patient-merged": ["Patient/2", "Patient/3"]},
            id="a merge that is taken back",
        ),
        pytest.param(
            ["siu_s26_patient_did_not_come"],
            {"appointment-missed": ["Appointment/2"]},
            id="a patient who did not come",
        ),
        pytest.param(["adt_a28_new_patient"], {}, id="an identity alone is no event"),
    ],
)
async def test_what_a_hospital_tells_is_an_event_of_its_topics(store, folders, expected):
    await follow(store)

    await take(store, *bodies(*folders))

    assert await told(store) == expected


async def test_plans_and_work_are_told_as_they_are_drawn():
    inputs, until = story(ROOT / "fixtures" / "care" / "from_discharge_to_home_with_a_programme")
    life = await lived([], until - timedelta(days=400))
    await follow(life.store)

    await life.take(*inputs)
    await life.look(until)

    found = await told(life.store)
    plans = found["care-plan-changed"]
    assert {one.partition("/")[0] for one in plans} == {"CarePlan"}
    assert plans[0] == "CarePlan/1"
    assert len(plans) > 1
    await life.store.close()


async def test_the_work_on_a_gap_is_told_once_for_each_of_its_versions(store):
    await follow(store, topic="task-created-or-updated", content="full-resource")

    first = opened()
    again = replace(first, before=first.after, lines=())
    await store.write(lambda tx: gap_changes(tx, [first], START, IDS))
    await store.write(lambda tx: gap_changes(tx, [again], START, IDS))

    assert await told(store) == {"task-created-or-updated": ["Task/1"]}


@pytest.mark.field("FL-243")
async def test_the_same_again_is_no_event(store):
    await follow(store)
    await take(store, *bodies(STAY, "mdm_t10_replaced_letter"))
    before = await told(store)

    await take(store, *bodies(STAY, "mdm_t10_replaced_letter"))

    assert await told(store) == before


@pytest.mark.field("FL-253")
@pytest.mark.parametrize(("telling", "events"), [(False, 0), (True, 1)])
async def test_a_replay_tells_only_when_it_is_asked_to(store, telling, events):
    await take(store, *bodies("mdm_t10_replaced_letter"))
    await _forget(store, "DocumentReference")
    await follow(store, topic="document-received")
    await follow(store, topic="document-replaced")

    replayer = Replayer(store, converter(), HandClock(), RULES)
    outcomes = [part async for part in replayer.run(telling=telling)]

    assert sum(len(part.changes) for part in outcomes) > 0
    assert sum(map(len, (await told(store)).values())) == events


async def test_an_input_that_is_taken_out_of_quarantine_is_told(store):
    [receipt] = await take(store, *bodies("adt_a01_admission_of_a_validated_identity"))
    await _forget(store, "Encounter")
    await follow(store, topic="encounter-admitted")

    await Replayer(store, converter(), HandClock(), RULES).rows([receipt.inbox_id])

    assert await told(store) == {"encounter-admitted": ["Encounter/3"]}


async def _forget(store, type_):
    """Delete the resources of a type behind the back of their inputs."""
    page = await store.read(lambda tx: tx.resources.search(type_, (), 50, None))
    for one in page.resources:
        await store.write(lambda tx, one=one: written.delete(tx, one, START))


@pytest.mark.parametrize(
    ("topic", "filter_", "is_met"),
    [
        ("encounter-admitted", "class=ACUTE", True),
        ("encounter-admitted", "Encounter?class=AMB", False),
        ("encounter-admitted", "patient={patient}", True),
        ("encounter-admitted", "patient=Patient/other", False),
        ("encounter-admitted", "patient:identifier={ipp}", True),
        ("encounter-admitted", "patient:identifier=urn:other|P0042", False),
        ("encounter-admitted", "service-provider:identifier={finess}", True),
        ("encounter-admitted", "service-provider:identifier={other}", False),
    ],
)
async def test_filters_compare_what_is_searched(store, topic, filter_, is_met):
    [body] = bodies("adt_a01_admission_of_a_validated_identity")
    await follow(store, topic="encounter-admitted", id_="all")
    await take(store, body)
    [(_, focus, _)] = await store.read(lambda tx: tx.subscriptions.events("all", 1, 9))
    key = ("Encounter", focus.split("/")[1])
    stay = orjson.loads((await store.read(lambda tx: tx.resources.current([key])))[key].body)
    subject = stay["subject"]["reference"]
    values = {
        "patient": subject,
        "ipp": await _named(store, subject),
        "finess": await _named(store, stay["serviceProvider"]["reference"]),
        "other": "urn:finess|000000000",
    }
    await _forget(store, "Encounter")
    await follow(store, filter_.format(**values), topic=topic, id_="one")

    await Replayer(store, converter(), HandClock(), RULES).rows([1])

    assert ("one" in await told(store)) is is_met


async def _named(store, reference: str) -> str:
    type_, id_ = reference.split("/")
    stored = (await store.read(lambda tx: tx.resources.current([(type_, id_)])))[type_, id_]
    first = orjson.loads(stored.body)["identifier"][0]
    return f"{first['system']}|{first['value']}"


@pytest.mark.field("FL-247")
async def test_each_event_is_judged_on_the_pair_that_was_written(store):
    await follow(store, topic="encounter-discharged")
    stay = {
        "resourceType": "Encounter",
        "id": "e1",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
    }
    at = Target("Encounter", "e1")

    def both(tx):
        running = written.write(tx, at, {**stay, "status": "in-progress"}, None, START)
        written.write(tx, at, {**stay, "status": "finished"}, running, START)

    await store.write(both)

    assert await told(store) == {"encounter-discharged": ["Encounter/2"]}


async def test_what_is_rolled_back_was_never_told(store):
    await follow(store)
    made = converter()
    [body] = bodies("adt_a01_admission_of_a_validated_identity")

    def fail(tx):
        commit(tx, [made.prepare(made.open(message(body)))], START, RULES)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.write(fail)

    assert await told(store) == {}
    assert await store.read(lambda tx: tx.outbox.counts()) == {}


@pytest.mark.field("FL-249")
async def test_a_client_may_ask_not_to_hear_of_what_it_writes_itself(store):
    url = "https://relais.example/fhir/StructureDefinition/subscription-mutes-own"
    await follow(store, topic="task-created-or-updated", id_="hears")
    await follow(store, topic="task-created-or-updated", id_="mutes")
    row = await store.read(lambda tx: tx.subscriptions.get("mutes"))
    body = {**orjson.loads(row.body), "extension": [{"url": url, "valueBoolean": True}]}
    await store.write(lambda tx: tx.subscriptions.put(replace(row, body=orjson.dumps(body))))
    task = {"resourceType": "Task", "id": "t1", "status": "requested", "intent": "order"}
    owner = Target("Task", "t1")

    first = await store.write(lambda tx: written.write(tx, owner, task, None, START))
    own = {**task, "status": "accepted"}
    await store.write(lambda tx: written.write(tx, owner, own, first, START, by="local"))

    assert await told(store) == {"hears": ["Task/1", "Task/2"], "mutes": ["Task/1"]}


@pytest.mark.field("FL-249")
async def test_what_a_client_writes_over_rest_is_told_and_not_to_itself_if_it_asks(store):
    url = "https://relais.example/fhir/StructureDefinition/subscription-mutes-own"
    await follow(store, topic="task-created-or-updated", id_="hears")
    await follow(store, topic="task-created-or-updated", id_="mutes")
    row = await store.read(lambda tx: tx.subscriptions.get("mutes"))
    body = {**orjson.loads(row.body), "extension": [{"url": url, "valueBoolean": True}]}
    await store.write(lambda tx: tx.subscriptions.put(replace(row, body=orjson.dumps(body))))
    task = {"resourceType": "Task", "status": "requested", "intent": "order"}
    transport = httpx2.ASGITransport(app=writing_app(store, HandClock()))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        made = (await client.post("/fhir/Task", json=task)).json()
        changed = {**made, "status": "accepted"}
        path, based_on = f"/fhir/Task/{made['id']}", {"If-Match": 'W/"1"'}
        answer = await client.put(path, json=changed, headers=based_on)

    assert answer.status_code == 200
    assert await told(store) == {"hears": ["Task/1", "Task/2"]}


async def test_nothing_is_queued_for_who_is_not_active(store):
    await follow(store, topic="encounter-admitted")
    row = await store.read(lambda tx: tx.subscriptions.get("encounter-admitted"))
    for number, status in enumerate(("requested", "error", "off", "active")):
        other = replace(row, id=f"s{number}", status=status)
        await store.write(lambda tx, other=other: tx.subscriptions.put(other))

    await take(store, *bodies("adt_a01_admission_of_a_validated_identity"))

    assert set(await told(store)) == {"encounter-admitted", "s0", "s1", "s3"}
    queued = await store.read(lambda tx: tx.outbox.page([DeliveryStatus.QUEUED], 0, 9))
    assert sorted(one.item.lane for one in queued) == ["encounter-admitted", "s3"]


@pytest.mark.parametrize("topic", OF_CHANGES, ids=lambda topic: topic.name)
def test_a_filter_is_a_search_parameter_of_the_focus(topic):
    searched = parameters_of(topic.resource)

    for one in topic.filters.values():
        assert searched[one.param].kind == one.kind, one
    assert topic.test is not None


def test_every_topic_is_told_by_somebody():
    engine = [topic for topic in TOPICS.values() if topic.test is None]

    assert [topic.name for topic in engine] == ["gap", *(topic.name for topic in OF_GAPS)]
