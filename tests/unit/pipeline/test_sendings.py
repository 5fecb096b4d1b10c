"""Each document that leaves shows as a Communication, and as a Task where a person must act."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from gateway.conformance.packages import definitions_of
from gateway.connectors.mssante_mail import build
from gateway.core.access import Audience
from gateway.core.contributions import Target
from gateway.core.deliveries import DeliveryStatus, Handover, Notice
from gateway.core.directory import BoxKind, Entry
from gateway.core.timestamps import utc_seconds
from gateway.fhir import sendings, topics
from gateway.fhir.profiles.judge import Judge
from gateway.pipeline import departures, outgoing, submissions, written
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.sharing import reasons
from tests.conftest import ROOT
from tests.support.gaps import subscribed_row, subscription
from tests.support.mail import CONCEPTMAPS, SENDER
from tests.support.pipeline import START, HandClock
from tests.unit.pipeline.test_departures import WAITING, identity, store, take
from tests.unit.pipeline.test_document_requests import withdrawal
from tests.unit.pipeline.test_submissions import AWAY, CONFIRMED, LETTER, Line, refused

__all__ = ["store"]

JUDGE = Judge(definitions_of([]))
C = DeliveryStatus.CONFIRMED
SENT = Handover(DeliveryStatus.SENT, "250 taken")
BY_NUMBER = LETTER.replace(b"^NET^X.400^medecin.14@essai.mssante.example", b"")
DOCTOR = "99900000144"


def office(store, *answers, at=START):
    """Return who sends mails; the record takes all."""
    post, record = Line(*answers), Line()
    post.name = "mssante"
    return Deliverer(
        store, [post, record], HandClock(at), DeliveryPolicy("https://relais.example/fhir"),
        on_settled=submissions.settled, on_notice=outgoing.noticed, draw=lambda: 0.0,
        guards={"mssante": departures.guard, "dmp": departures.guard},
    )  # fmt: skip


async def sent(store, *answers, at=START):
    deliverer = office(store, *answers, at=at)
    while await deliverer.step():
        pass
    return deliverer


async def current(store, type_):
    """Return the resources of a type as they are now, judged by their profiles."""
    page = await store.read(lambda tx: tx.resources.search(type_, [], 100, None))
    found = [orjson.loads(one.body) for one in page.resources]
    wrong = [f for one in found for f in JUDGE.findings(one) if f.issue.severity.refuses]
    assert wrong == []
    return found


async def shown(store):
    """Return the Communication of each sending, by kind of recipient."""
    found = {}
    for one in await current(store, "Communication"):
        to = one["recipient"][0]
        kind = one["category"][0]["coding"][0]["code"]
        if kind.startswith("mail"):
            kind += " patient" if to.get("reference", "").startswith("Patient/") else " doctor"
        found[kind] = one
    return found


async def states(store):
    return {kind: one["status"] for kind, one in (await shown(store)).items()}


ALL = {"mail doctor", "mail patient", "record"}


async def test_a_document_on_its_way_is_in_progress_then_completed(store):
    await take(store, LETTER)
    assert await states(store) == dict.fromkeys(ALL, "in-progress")

    deliverer = await sent(store, SENT, SENT)
    waits = await shown(store)

    assert {kind: one["status"] for kind, one in waits.items()} == {
        "mail doctor": "in-progress", "mail patient": "in-progress", "record": "completed",
    }  # fmt: skip
    assert waits["mail doctor"]["sent"] == utc_seconds(START)
    assert "received" not in waits["mail doctor"]
    key = waits["mail doctor"]["identifier"][0]["value"]
    for evidence in ("delivered", "read"):
        notice = Notice("mssante", key, DeliveryStatus.CONFIRMED, START, "", {"evidence": evidence})
        assert await deliverer.apply_notice(notice)

    arrived = (await shown(store))["mail doctor"]
    assert arrived["status"] == "completed"
    assert arrived["received"]
    assert arrived["note"] == [{"text": "Lu par le destinataire."}]


async def test_it_names_document_patient_and_recipient(store):
    await take(store, LETTER)

    found = await shown(store)
    [document] = await current(store, "DocumentReference")
    [patient] = await current(store, "Patient")

    about = [{"reference": f"DocumentReference/{document['id']}"}]
    for one in found.values():
        assert one["about"] == about
        assert one["payload"] == [{"contentReference": about[0]}]
        assert one["subject"] == {"reference": f"Patient/{patient['id']}"}
    assert found["mail doctor"]["recipient"] == [
        {
            "type": "Practitioner",
            "identifier": {"system": "https://rpps.esante.gouv.fr", "value": DOCTOR},
            "display": "medecin.14@essai.mssante.example",
        }
    ]
    assert found["mail patient"]["recipient"] == [{"reference": f"Patient/{patient['id']}"}]
    assert found["record"]["recipient"] == [{"display": "Dossier médical partagé"}]
    # The address of a patient's mailbox is the matricule.
    assert "254039902200377" not in str(found)


async def test_what_waits_for_an_identity_is_on_hold_and_goes_on(store):
    await take(store, WAITING)
    found = await shown(store)
    assert {one["status"] for one in found.values()} == {"on-hold"}
    [why] = {one["statusReason"]["coding"][0]["code"] for one in found.values()}
    assert why == "no-trusted-ins"
    assert await current(store, "Task") == []

    await take(store, identity("A31", "Q1"))

    assert set((await states(store)).values()) == {"in-progress"}


async def test_a_refusal_is_not_done_with_its_reason_and_a_person_has_work(store):
    await take(store, LETTER)
    await sent(store, refused("the operator answered 550 unknown mailbox."), CONFIRMED)

    found = [one for one in (await shown(store)).values() if one["status"] == "not-done"]
    [task] = await current(store, "Task")

    [failed] = found
    assert "550 unknown mailbox" in failed["statusReason"]["text"]
    assert task["focus"] == {"reference": f"Communication/{failed['id']}"}
    assert task["for"] == failed["subject"]
    assert task["code"]["coding"][1]["code"] == "settle-sending"
    assert (task["status"], task["priority"]) == ("requested", "urgent")


async def test_what_is_given_up_is_not_done(store):
    await take(store, LETTER)
    deliverer = office(store, AWAY, AWAY, at=START + timedelta(days=9))
    while await deliverer.step():
        pass

    states_ = await states(store)

    assert states_["mail doctor"] == states_["mail patient"] == "not-done"
    assert len(await current(store, "Task")) == 2


async def test_a_bounce_after_an_arrival_takes_it_back(store):
    await take(store, LETTER)
    deliverer = await sent(store)
    mail = (await shown(store))["mail doctor"]
    assert mail["status"] == "completed"
    key = mail["identifier"][0]["value"]

    await deliverer.apply_notice(
        Notice("mssante", key, DeliveryStatus.REFUSED, START, "550 unknown mailbox")
    )

    taken_back = (await shown(store))["mail doctor"]
    assert taken_back["status"] == "not-done"
    assert taken_back["sent"] == mail["sent"]
    assert "received" not in taken_back


def box(number, address, **more):
    return Entry(rpps=number, address=address, origin="extract", kind=BoxKind.PERSONAL, **more)


async def test_several_mailboxes_are_work_that_goes_when_one_is_left(store):
    several = [box(DOCTOR, f"medecin.{n}@essai.mssante.example") for n in (14, 15)]
    await store.write(lambda tx: tx.directory.put(several))
    await take(store, BY_NUMBER)

    held = (await shown(store))["mail doctor"]
    [task] = await current(store, "Task")

    assert held["status"] == "on-hold"
    assert held["statusReason"]["coding"][0]["code"] == "several-mailboxes"
    assert task["code"]["coding"][1]["code"] == "choose-mailbox"
    assert task["reasonCode"]["coding"][0]["code"] == "several-mailboxes"

    later = START + timedelta(days=1)
    await store.write(lambda tx: tx.directory.forget("extract", later))
    await store.write(lambda tx: tx.directory.put([replace(several[0], seen_at=later)]))
    await store.write(lambda tx: departures.release_all(tx, 0, later))

    assert await current(store, "Task") == []
    assert (await shown(store))["mail doctor"]["status"] == "in-progress"


async def test_work_somebody_took_stays_when_the_row_moves_on(store):
    await take(store, LETTER)
    deliverer = await sent(store, refused("550"), CONFIRMED)
    [task] = await current(store, "Task")
    taken = {**task, "status": "in-progress", "owner": {"display": "A"}}
    taken.pop("meta", None)

    def take_it(tx):
        stored = tx.resources.current([("Task", task["id"])])[("Task", task["id"])]
        written.write(tx, Target("Task", task["id"]), taken, stored, START)

    await store.write(take_it)
    key = task["identifier"][0]["value"]
    row = await store.read(lambda tx: tx.outbox.by_key("mssante", key))

    def again(tx):
        tx.outbox.settle(row.id, DeliveryStatus.QUEUED, START)
        submissions.settled(tx, tx.outbox.by_key("mssante", key), START)

    await store.write(again)
    while await deliverer.step():
        pass

    [kept] = await current(store, "Task")
    assert kept["status"] == "in-progress"


async def test_a_masked_letter_is_stopped_by_a_decision_and_hidden_alike(store):
    masked = LETTER.replace(
        b"MASQUE_PS^Masqu\xc3\xa9 aux professionnels^MetaDMPMSS||N",
        b"MASQUE_PS^Masqu\xc3\xa9 aux professionnels^MetaDMPMSS||Y",
    )
    assert masked != LETTER
    await take(store, masked)

    stopped = (await shown(store))["mail doctor"]
    tasks = await current(store, "Task")

    assert stopped["status"] == "not-done"
    assert stopped["statusReason"]["coding"][0]["code"] == "masked-professionals"
    assert "MASQUE_PS" in {one["code"] for one in stopped["meta"]["security"]}
    [task] = [one for one in tasks if one["focus"]["reference"].endswith(stopped["id"])]
    assert "MASQUE_PS" in {one["code"] for one in task["meta"]["security"]}
    row = await store.read(lambda tx: tx.resources.current([("Communication", stopped["id"])]))
    assert [one.masks for one in row.values()] == [Audience.PROFESSIONAL.value]


async def test_a_withdrawal_is_a_sending_that_answers_the_first(store):
    await take(store, LETTER)
    await sent(store)
    first = (await shown(store))["record"]

    await take(store, withdrawal(LETTER))
    await sent(store)

    back = (await shown(store))["record-withdrawal"]
    assert back["status"] == "completed"
    assert back["about"] == first["about"]


async def test_who_follows_deliveries_is_told_of_each_step(store):
    row = replace(
        subscribed_row("d", {
            **subscription("http://localhost:9/n"), "criteria": topics.DELIVERY_CHANGED.url,
        }),
        topic=topics.DELIVERY_CHANGED.url,
    )  # fmt: skip
    await store.write(lambda tx: tx.subscriptions.put(row))
    await take(store, LETTER)
    await sent(store, SENT, SENT)

    events = await store.read(lambda tx: tx.subscriptions.events("d", 1, 99))

    assert all(focus.startswith("Communication/") for _, focus, _ in events)
    # Three begin; two are handed over, and one has arrived.
    assert sorted(focus.rpartition("/")[2] for _, focus, _ in events) == ["1"] * 3 + ["2"] * 3


async def test_the_same_state_writes_no_new_version(store):
    await take(store, LETTER)
    await sent(store)
    before = await current(store, "Communication")

    def again(tx):
        for row in tx.outbox.page(list(DeliveryStatus), 0, 100):
            submissions.show(tx, row, START + timedelta(hours=1))

    await store.write(again)

    assert await current(store, "Communication") == before


async def test_a_notice_that_comes_before_the_hand_over_is_recorded_counts_once(store):
    """The mailbox may be read before the worker wrote that the operator took the mail."""
    await take(store, LETTER)

    class Hasty(Line):
        name = "mssante"

        async def send(self, delivery):
            key = delivery.item.key
            notice = Notice("mssante", key, C, START, "", {"evidence": "delivered"})
            assert await deliverer.apply_notice(notice)
            assert (await store.read(lambda tx: tx.outbox.by_key("mssante", key))).status is C
            return await super().send(delivery)

    post = Hasty(SENT, SENT)
    deliverer = Deliverer(
        store, [post], HandClock(START), DeliveryPolicy("https://relais.example/fhir"),
        on_settled=submissions.settled, on_notice=outgoing.noticed,
    )  # fmt: skip
    while await deliverer.step():
        pass

    assert len(post.given) == 2
    found = await shown(store)
    assert {found["mail doctor"]["status"], found["mail patient"]["status"]} == {"completed"}
    assert found["mail doctor"]["note"] == [{"text": "Remis."}]
    rows = await store.read(lambda tx: tx.outbox.page([C], 0, 10, "mssante"))
    assert [row.attempts for row in rows] == [1, 1]
    # One arrival, however it was learned.
    acks = await store.read(lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 99, "mllp"))
    keys = [row.item.key for row in acks]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("listed", "doubted"),
    [
        ((), False),
        (("medecin.14@essai.mssante.example",), False),
        (("Medecin.14@essai.mssante.example", "b@essai.mssante.example"), False),
        (("b@essai.mssante.example",), True),
    ],
)
async def test_a_named_mailbox_is_compared_with_the_directory_before_it_leaves(
    store, listed, doubted
):
    await store.write(lambda tx: tx.directory.put([box(DOCTOR, one) for one in listed]))
    await take(store, LETTER)
    post = Line(SENT, SENT)
    post.name = "mssante"
    deliverer = Deliverer(
        store, [post], HandClock(START), DeliveryPolicy("https://relais.example/fhir"),
        on_settled=submissions.settled, guards={"mssante": departures.guard},
    )  # fmt: skip
    await deliverer.step()

    [mail] = [row for row in post.given if row.item.details["kind"] == "professional"]
    assert mail.item.details["to"] == "medecin.14@essai.mssante.example"
    assert bool(mail.item.details.get("doubted")) is doubted
    made = build(mail, SENDER, CONCEPTMAPS)
    assert [one.code for one in made.doubts] == (["RLS-MSS-046"] if doubted else [])


def published(name):
    system = orjson.loads((ROOT / "profiles/fhir" / f"CodeSystem-{name}.json").read_bytes())
    return {one["code"]: one["display"] for one in system["concept"]}


def test_the_codes_that_are_written_are_published():
    said = [one for one in vars(reasons).values() if isinstance(one, reasons.Reason)]

    assert published("document-sending") == {
        code: told for code, (told, _) in sendings.KINDS.items()
    }
    assert set(published("sending-reason")) == {one.word for one in said}
    assert set(sendings.WORK) <= set(published("task-code"))


@pytest.mark.parametrize(
    "name", ["identifier", "category", "about", "recipient", "payload", "medium"]
)
async def test_the_profile_asks_for_what_is_always_told(store, name):
    await take(store, LETTER)
    one = (await shown(store))["record"]
    without = {key: value for key, value in one.items() if key != name}

    assert any(f.issue.severity.refuses for f in JUDGE.findings(without))
