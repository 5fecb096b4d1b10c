"""What was planned beside what became of it, and how far documents went, on a real store."""

from datetime import UTC, datetime

import pytest

from gateway.core.deliveries import NewDelivery
from gateway.entry.web.store_care import letters, planned
from gateway.fhir.care import PATHWAY_SYSTEM
from gateway.fhir.care_words import PROGRESS
from gateway.store.memory import MemoryStore
from tests.integration.rest.conftest import Shelf
from tests.support.sharing import person, stay

ANNA = "anna01"
SUBJECT = {"reference": f"Patient/{ANNA}"}


def activity(progress: str, *outcomes: str, **more: object) -> dict:
    coding = [{"system": PROGRESS, "code": progress}]
    told = {"outcomeCodeableConcept": [{"coding": coding}], **more}
    return {**told, "outcomeReference": [{"reference": one} for one in outcomes]}


def plan(*activities: dict, **more: object) -> dict:
    return {
        "resourceType": "CarePlan", "id": "plan", "status": "active", "intent": "plan",
        "identifier": [{"system": PATHWAY_SYSTEM, "value": "x"}], "subject": SUBJECT,
        "activity": list(activities), **more,
    }  # fmt: skip


def request(id_: str, status: str = "active", due: str = "2026-03-20") -> dict:
    return {
        "resourceType": "ServiceRequest", "id": id_, "status": status, "intent": "plan",
        "subject": SUBJECT, "code": {"text": f"Séance {id_}"},
        "occurrencePeriod": {"start": due},
    }  # fmt: skip


async def shelf(*resources: dict) -> MemoryStore:
    store = MemoryStore()
    await store.open()
    await Shelf(store).put(person(ANNA), *resources)
    return store


async def test_each_line_of_a_pathway_says_what_became_of_it_with_its_evidence() -> None:
    came = stay("stay1", ANNA, status="finished", period={"start": "2026-03-22T08:00:00Z"})
    store = await shelf(
        plan(
            activity("done", "Encounter/stay1", reference={"reference": "ServiceRequest/r1"}),
            activity("overdue", detail={
                "status": "scheduled", "code": {"text": "Consultation d’annonce"},
                "scheduledPeriod": {"start": "2026-03-01T00:00:00Z"},
            }),
            {"reference": {"reference": "Task/gap"}},
        ),
        request("r1"), came,
    )  # fmt: skip

    late, done = sorted(
        await store.read(lambda tx: planned(tx, [ANNA])), key=lambda one: str(one.low)
    )

    assert (late.label, late.progress, late.seen) == ("Consultation d’annonce", "overdue", None)
    assert (done.label, done.progress) == ("Séance r1", "done")
    assert done.seen == datetime(2026, 3, 22, 8, tzinfo=UTC)
    assert [kind for kind, _ in done.links] == ["ServiceRequest", "Encounter"]
    assert done.links[1][1] == "/fhir/Encounter/stay1"


async def test_what_no_pathway_tells_stands_there_once() -> None:
    visit = {
        "resourceType": "Appointment", "id": "a1", "status": "noshow", "description": "Contrôle",
        "start": "2026-03-25T09:00:00Z",
        "participant": [{"actor": SUBJECT, "status": "accepted"}],
    }  # fmt: skip
    store = await shelf(
        plan(activity("planned", reference={"reference": "ServiceRequest/r1"})),
        request("r1"), request("r2", "revoked"), request("r3", "entered-in-error"), visit,
    )  # fmt: skip

    found = await store.read(lambda tx: planned(tx, [ANNA]))

    assert sorted((one.label, one.progress) for one in found) == [
        ("Contrôle", "no-show"), ("Séance r1", "planned"), ("Séance r2", "cancelled"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ({"reasonCode": [{"text": "Séance"}], "appointmentType": {"text": "NORMAL"}}, "Séance"),
        ({"comment": "Chez le médecin", "serviceType": [{"text": "Ambulatoire"}]},
         "Chez le médecin"),
        ({"appointmentType": {"coding": [{"code": "NORMAL"}]}}, "NORMAL"),
    ],
)  # fmt: skip
async def test_an_appointment_is_named_by_what_it_is_for_and_dated_by_what_is_wished(said, label):
    visit = {
        "resourceType": "Appointment", "id": "a1", "status": "proposed",
        "requestedPeriod": [{"start": "2026-03-02"}],
        "participant": [{"actor": SUBJECT, "status": "needs-action"}], **said,
    }  # fmt: skip
    store = await shelf(visit)

    [one] = await store.read(lambda tx: planned(tx, [ANNA]))

    assert (one.label, one.low and one.low.date().isoformat()) == (label, "2026-03-02")


async def test_a_plan_that_was_taken_back_plans_nothing() -> None:
    store = await shelf(plan(activity("planned"), status="revoked"), request("r4", "completed"))

    [one] = await store.read(lambda tx: planned(tx, [ANNA]))

    assert (one.label, one.progress) == ("Séance r4", "done")


async def test_documents_say_how_far_their_deliveries_are() -> None:
    def letter(number: int, **more: object) -> dict:
        return {
            "resourceType": "DocumentReference", "id": f"d{number:03}", "status": "current",
            "subject": SUBJECT, "date": f"2026-03-{number % 27 + 1:02}T10:00:00Z",
            "description": "Lettre de liaison", "author": [{"display": "Dr ESSAI"}], **more,
        }  # fmt: skip

    store = await shelf(*(letter(number) for number in range(60)))
    at = datetime(2026, 3, 27, tzinfo=UTC)
    about = "DocumentReference/d026"
    rows = [
        NewDelivery(connector, key, at, about=about)
        for connector, key in (("mssante", "1"), ("mssante", "2"), ("dmp_xds", "3"))
    ]
    await store.write(lambda tx: tx.outbox.queue(rows, at))

    shown, more = await store.read(lambda tx: letters(tx, [ANNA]))

    assert (len(shown), more) == (50, 10)
    assert shown[0].at == max(one.at for one in shown)
    one = next(one for one in shown if one.id == "d026")
    assert (one.label, one.author, one.state) == ("Lettre de liaison", "Dr ESSAI", "current")
    assert one.sent == (("dmp", "queued", 1), ("mssante", "queued", 2))
    assert next(one for one in shown if one.id == "d025").sent == ()
