"""Letters that ask for the shared record: fed, held, stopped or taken back, with their facts."""

from dataclasses import replace

import pytest

from gateway.core.deliveries import DeliveryStatus, Handover
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.issues import Issue, Severity
from gateway.pipeline import departures, submissions
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support import hospital
from tests.support.mail import messages
from tests.support.pipeline import RULES, START, HandClock
from tests.unit.pipeline.test_document_requests import changed, withdrawal

LETTERS = [
    body.decode("iso8859-15").replace("|8859/15|", "|UNICODE UTF-8|").encode()
    if b"|8859/15|" in body
    else body
    for body in messages()
]
LETTER, _, OF_ANOTHER = LETTERS
RECORD = replace(RULES, record=True)
CONFIRMED = Handover(DeliveryStatus.CONFIRMED, "Success", {"evidence": "delivered"})
POLICY = DeliveryPolicy(base="https://relais.example/fhir")


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    opened = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    await opened.open()
    yield opened
    await opened.close()


class Line:
    """A shared record that answers as it is told, and counts."""

    name = "dmp"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.given = []

    async def send(self, delivery):
        self.given.append(delivery)
        answer = self.answers.pop(0) if self.answers else CONFIRMED
        if isinstance(answer, Exception):
            raise answer
        return answer


AWAY = RetriableError([Issue("RLS-DMP-020", Severity.WARNING, "HTTPS", "away.", "None.")], 1.0)


def refused(what="the registry answered XDSRepositoryMetadataError."):
    return RejectedError([Issue("RLS-DMP-024", Severity.ERROR, "ITI-41", what, "Correct it.")])


async def take(store, *bodies):
    await hospital.take(store, *bodies, rules=RECORD)


async def deliver(store, *answers, days=0):
    """Send what is due; return what the record was given."""
    line, clock = Line(*answers), HandClock(START)
    clock.advance(days=days)
    deliverer = Deliverer(
        store, [line], clock, POLICY, on_settled=submissions.settled,
        guards={submissions.CONNECTOR: departures.guard},
    )  # fmt: skip
    while await deliverer.step():
        pass
    return line.given


async def rows(store):
    found = await store.read(lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100, "dmp"))
    return [(row.item.details["kind"], row.status.value) for row in found]


async def words(store):
    """Return event and attributes of every fact about a send."""

    def work(tx):
        patients = [
            row.item.details["pathway"]["patient"]
            for row in tx.outbox.page(list(DeliveryStatus), 0, 100, "dmp")
        ]
        persons = set(tx.facts.persons(patients).values())
        found = [one.assertion for person in persons for one in tx.facts.of_person(person)]
        return {one.event: one.attributes for one in found if one.event.startswith("SND")}

    return await store.read(work)


async def test_a_letter_that_asks_for_it_is_fed_and_that_is_a_fact(store):
    await take(store, LETTER)
    [given] = await deliver(store)

    told = await words(store)
    assert await rows(store) == [("dmp", "confirmed")]
    assert given.item.details["ins"] == "254039902200377"
    assert given.item.details["content_type_code"]
    assert set(told) == {"SND.DMP_OK"}
    assert told["SND.DMP_OK"]["channel"] == "dmp"
    assert told["SND.DMP_OK"]["about"].startswith("DocumentReference/")


async def test_the_same_letter_twice_is_one_submission(store):
    await take(store, LETTER, changed(LETTER, MSH_10="AGAIN"))

    assert len(await deliver(store)) == 1


async def test_a_letter_that_does_not_ask_is_not_fed(store):
    flag = b"DESTDMP^Destinataire DMP^MetaDMPMSS||Y"
    await take(store, LETTER.replace(flag, flag[:-1] + b"N"))

    assert await rows(store) == []


async def test_a_refusal_is_a_fact_with_the_code_of_the_registry(store):
    await take(store, LETTER)
    await deliver(store, refused())

    told = await words(store)
    assert await rows(store) == [("dmp", "refused")]
    assert told["SND.DMP_KO"]["code"] == "XDSRepositoryMetadataError"


async def test_a_closed_record_is_skipped_and_a_fact(store):
    closed = Handover(DeliveryStatus.SKIPPED, "DMPClosed: closed.", {"code": "DMPClosed"})
    await take(store, LETTER)
    await deliver(store, closed)

    assert await rows(store) == [("dmp", "skipped")]
    assert (await words(store))["SND.DMP_KO"]["code"] == "DMPClosed"


@pytest.mark.field("FL-117")
async def test_without_a_qualified_ins_a_letter_waits(store):
    await take(store, LETTER.replace(b"|VALI", b"|PROV"))

    assert await deliver(store) == []
    # Nothing at all, or a row that waits: never one that leaves.
    assert {status for _, status in await rows(store)} <= {"held"}


async def test_one_patient_refused_does_not_stop_another(store):
    await take(store, LETTER, OF_ANOTHER)
    await deliver(store, refused())

    assert await rows(store) == [("dmp", "refused"), ("dmp", "confirmed")]


@pytest.mark.field("FL-100")
async def test_a_record_that_is_away_does_not_stop_the_mails(store):
    await hospital.take(store, LETTER, rules=replace(RECORD, mails=True))
    record, post, clock = Line(*[AWAY] * 9), Line(), HandClock(START)
    post.name = "mssante"
    deliverer = Deliverer(store, [record, post], clock, POLICY, on_settled=submissions.settled)

    while await deliverer.step():
        pass

    assert await rows(store) == [("dmp", "retry_wait")]
    assert len(post.given) == 2
    assert set(await words(store)) == {"SND.MSS_OK"}


def opposition(said="IO"):
    """Return what the hospital says of the patient of the letter about feeding the record."""
    segments = LETTER.decode().split("\r")
    header, patient = segments[0], next(one for one in segments if one.startswith("PID|"))
    lines = [header, "EVN||20260123180000", patient, "PV1|1|N", f"ZFA|ACTIF||||||||{said}|20260101"]
    fields = {
        "MSH_9": "ADT^A31^ADT_A05", "MSH_10": f"OPP-{said}", "MSH_12": "2.5^FRA^2.11", "MSH_21": "",
    }  # fmt: skip
    return changed("\r".join(lines).encode() + b"\r", **fields)


async def test_against_the_opposition_of_the_patient_nothing_is_fed(store):
    await take(store, opposition(), LETTER)

    assert await deliver(store) == []
    assert await rows(store) == [("dmp", "skipped")]


async def test_an_opposition_told_later_stops_what_is_queued(store):
    await take(store, LETTER, opposition())

    assert await deliver(store) == []
    assert await rows(store) == [("dmp", "skipped")]


async def test_an_opposition_that_was_taken_back_stops_nothing(store):
    await take(store, opposition(), opposition("INO"), LETTER)

    assert len(await deliver(store)) == 1


@pytest.mark.field("FL-171")
async def test_a_letter_withdrawn_after_it_was_fed_is_taken_back_and_told(store):
    await take(store, LETTER)
    await deliver(store)
    await take(store, withdrawal(LETTER), withdrawal(LETTER, "W2"))
    due = await words(store)

    [given] = await deliver(store)

    told = await words(store)
    assert given.item.details["kind"] == "dmp-delete"
    assert given.item.body
    assert await rows(store) == [("dmp", "confirmed"), ("dmp-delete", "confirmed")]
    assert "SND.WITHDRAWAL_DUE" in due
    assert "SND.WITHDRAWN" not in due
    assert {"SND.WITHDRAWAL_DUE", "SND.WITHDRAWN"} <= set(told)
    assert told["SND.WITHDRAWN"]["doc"] == told["SND.WITHDRAWAL_DUE"]["doc"]


async def test_a_letter_withdrawn_before_it_left_never_leaves(store):
    await take(store, LETTER, withdrawal(LETTER))

    assert await deliver(store) == []
    assert await rows(store) == [("dmp", "skipped")]


async def test_a_withdrawal_that_comes_first_stops_the_letter(store):
    await take(store, withdrawal(LETTER), LETTER)

    assert await deliver(store) == []


async def test_the_sender_who_asked_hears_what_became_of_it(store):
    flag = "ACK_RECEPTION^Accusé de réception^MetaDMPMSS".encode()
    assert flag in OF_ANOTHER
    await take(store, OF_ANOTHER)
    await deliver(store, refused())

    [zam] = [hospital.lines(row.item.body) for row in await hospital.waiting(store)]
    assert zam[0].split("|")[8] == "ZAM^Z01^ZAM_Z01"
    assert any("XDSRepositoryMetadataError" in line and "DMP_ERROR_CODE" in line for line in zam)


async def test_after_days_without_an_answer_it_is_given_up_and_a_fact(store):
    away = Exception("bug")
    await take(store, LETTER)
    await deliver(store, away)
    await deliver(store, *[away] * 40, days=4)

    assert await rows(store) == [("dmp", "given_up")]
    assert "SND.DMP_KO" in await words(store)
