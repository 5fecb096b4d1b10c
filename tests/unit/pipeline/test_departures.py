"""What waits for a qualified identity leaves by itself, once, unless something else came."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.deliveries import DeliveryStatus
from gateway.pipeline import departures, submissions
from gateway.pipeline.commit import commit
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy, RetryRule
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support import hospital
from tests.support.gateway import message
from tests.support.pipeline import RULES, START, HandClock
from tests.unit.pipeline.test_document_requests import changed
from tests.unit.pipeline.test_submissions import AWAY, CONFIRMED, LETTER, Line

BOTH = replace(RULES, mails=True, record=True)
POLICY = DeliveryPolicy(base="https://relais.example/fhir")
WAITING = LETTER.replace(b"|VALI", b"|PROV")
INS = "254039902200377"
ALL = {("professional", "held"), ("patient", "held"), ("dmp", "held")}
GONE = {("professional", "confirmed"), ("patient", "confirmed"), ("dmp", "confirmed")}


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    opened = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path}/d")
    await opened.open()
    yield opened
    await opened.close()


async def take(store, *bodies, at=START, site=None):
    """Commit inputs one by one at an instant."""
    made = hospital.converter(**(site or {}))
    for body in bodies:
        item = made.prepare(made.open(message(body)))
        assert item.status.value == "converted", item.issues
        await store.write(lambda tx, item=item: commit(tx, [item], at, BOTH))


async def deliver(store, *answers, at=START, horizon=timedelta(days=3)):
    """Send what is due at an instant; return what left, by kind."""
    record, post = Line(*answers), Line()
    post.name = "mssante"
    clock = HandClock(at)
    policy = replace(POLICY, rule=RetryRule(horizon))
    deliverer = Deliverer(
        store, [record, post], clock, policy, on_settled=submissions.settled,
        guards={"dmp": departures.guard, "mssante": departures.guard},
    )  # fmt: skip
    while await deliverer.step():
        pass
    return {one.item.details["kind"]: one for one in (*record.given, *post.given)}


async def rows(store):
    """Return kind and state of each row but those to the hospital."""
    found = await store.read(lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100))
    return {
        (row.item.details["kind"], row.status.value)
        for row in found
        if row.item.connector in ("dmp", "mssante")
    }


async def notes(store):
    found = await store.read(lambda tx: tx.outbox.page(list(DeliveryStatus), 0, 100))
    return {row.item.details["kind"]: row.note.partition(":")[0] for row in found}


async def told(store):
    """Return how often each event about a send is asserted of the patient of the letter."""

    def work(tx):
        [row, *_] = tx.outbox.page(list(DeliveryStatus), 0, 1, "mssante")
        patient = row.item.details["pathway"]["patient"]
        person = tx.facts.persons([patient])[patient]
        found = [one.assertion.event for one in tx.facts.of_person(person)]
        return sorted({event for event in found if event.startswith("SND")})

    return await store.read(work)


def identity(event, number, *more, status="VALI", identifiers=None, at="20260124090000"):
    """Return an identity message about the patient of the letter.

    Args:
        event: A31, A28, A47, A40.
        number: MSH-10.
        more: further segments, behind PID.
        status: PID-32.
        identifiers: PID-3, as in the letter by default.
    """
    segments = LETTER.decode().split("\r")
    header = segments[0].split("|")
    fields = next(one for one in segments if one.startswith("PID|")).split("|")
    fields[32], fields[33] = status, at
    if identifiers is not None:
        fields[3] = identifiers
    structure = {"A40": "ADT_A39", "A47": "ADT_A30"}.get(event, "ADT_A05")
    header[6], header[8], header[9] = at, f"ADT^{event}^{structure}", number
    header[11], header[20] = "2.5^FRA^2.11", ""
    tail = [] if event in ("A40", "A47") else ["PV1|1|N"]
    lines = ["|".join(header), f"EVN||{at}", "|".join(fields), *more, *tail]
    return "\r".join(lines).encode() + b"\r"


def pid_3():
    fields = next(s for s in LETTER.decode().split("\r") if s.startswith("PID|")).split("|")
    return fields[3]


async def test_a_letter_of_a_provisional_identity_waits_on_both_ways_and_that_is_a_fact(store):
    await take(store, WAITING)

    assert await deliver(store) == {}
    assert await rows(store) == ALL
    assert await told(store) == ["SND.HELD_NO_INS"]


@pytest.mark.parametrize("event", ["A31", "A28"])
async def test_it_leaves_by_itself_when_the_identity_is_qualified(store, event):
    await take(store, WAITING, identity(event, "Q1"))
    waits = await told(store)

    left = await deliver(store)

    assert waits == ["SND.HELD_NO_INS"]
    assert set(left) == {"professional", "patient", "dmp"}
    assert left["patient"].item.details["to"] == f"{INS}@patient.mssante.fr"
    assert left["dmp"].item.details["ins"] == INS
    assert all(one.item.details["ins_trusted"] for one in left.values())
    assert await rows(store) == GONE
    # What it waited for is a fact that stays; PAT.INS_OK ends the gap.
    assert await told(store) == ["SND.DMP_OK", "SND.HELD_NO_INS", "SND.MSS_OK"]


async def test_it_leaves_once_however_often_the_identity_is_told_and_the_letter_sent(store):
    await take(store, WAITING, identity("A31", "Q1"))
    await deliver(store)
    await take(
        store, identity("A31", "Q2", at="20260125090000"), changed(WAITING, MSH_10="AGAIN"),
        changed(LETTER, MSH_10="AGAIN-2"),
    )  # fmt: skip

    assert await deliver(store) == {}
    assert await rows(store) == GONE


async def test_the_identifier_that_is_corrected_lets_it_go(store):
    """PAM France: A47 gives another identifier list; here the INS, under a validated identity."""
    local = pid_3().partition("~")[0]
    nameless = WAITING.replace(pid_3().encode(), local.encode())
    await take(store, nameless)
    before = await rows(store)
    merged = f"MRG|{local}"
    await take(store, identity("A47", "Q1", merged), identity("A31", "Q2", at="20260124100000"))

    left = await deliver(store)

    assert before == ALL
    assert set(left) == {"professional", "patient", "dmp"}


async def test_it_leaves_under_the_record_that_its_own_was_merged_into(store):
    local = pid_3().partition("~")[0]
    other = local.replace("0040000003", "0040000999")
    survivor = pid_3().replace(local, other)
    await take(
        store, WAITING, identity("A31", "S1", identifiers=survivor),
    )  # fmt: skip
    before = await rows(store)
    merge = identity("A40", "M1", f"MRG|{local}", identifiers=survivor, at="20260124100000")
    await take(store, merge)

    left = await deliver(store)

    assert before == ALL
    assert set(left) == {"professional", "patient", "dmp"}
    assert left["patient"].item.details["to"] == f"{INS}@patient.mssante.fr"


async def test_a_letter_merged_into_the_record_of_another_ins_goes_to_nobody(store):
    local = pid_3().partition("~")[0]
    survivor = pid_3().replace(local, local.replace("0040000003", "0040000999"))
    survivor = survivor.replace(INS, "254039902200280")
    strange = identity("A31", "S1", identifiers=survivor)
    merge = identity("A40", "M1", f"MRG|{local}", identifiers=survivor, at="20260124100000")
    await take(store, WAITING, strange, merge)

    assert await deliver(store) == {}
    assert await rows(store) == ALL
    # Whichever keeps it: the number is not trusted, or it is not that of the document.
    assert set((await notes(store)).values()) <= {"no-trusted-ins", "other-ins-in-document"}


async def test_an_opposition_told_meanwhile_keeps_it_from_the_record(store):
    await take(store, WAITING, identity("A31", "O1", status="PROV").replace(
        b"PV1|1|N", b"PV1|1|N\rZFA|ACTIF||||||||IO|20260101"
    ))  # fmt: skip
    await take(store, identity("A31", "Q1", at="20260125090000"))

    left = await deliver(store)

    assert set(left) == {"professional", "patient"}
    assert ("dmp", "skipped") in await rows(store)
    assert (await notes(store))["dmp"] == "opposed"


async def test_a_withdrawn_letter_does_not_leave_when_the_identity_is_qualified(store):
    withdrawn = (
        changed(WAITING, MSH_9="MDM^T04^MDM_T02", MSH_10="W1")
        .replace(b"ORC|NW", b"ORC|CA").replace(b"||||||F\rPRT", b"||||||D\rPRT", 1)
    )  # fmt: skip
    await take(store, WAITING, withdrawn, identity("A31", "Q1"))

    assert await deliver(store) == {}


@pytest.mark.field("FL-124")
async def test_an_ins_removed_while_the_mail_waits_to_leave_is_not_used(store):
    await take(store, LETTER)
    await take(store, identity("A31", "D1", status="DOUT"))

    assert await deliver(store) == {}
    assert await rows(store) == ALL
    assert await told(store) == ["SND.HELD_NO_INS"]


@pytest.mark.field("FL-151")
async def test_nothing_goes_to_the_mailbox_of_a_patient_who_died(store):
    death = identity("A31", "D1").split(b"\r")
    pid = death[2].split(b"|")
    pid[29], pid[30] = b"20260124080000", b"Y"
    await take(store, LETTER, b"\r".join([*death[:2], b"|".join(pid), *death[3:]]))

    left = await deliver(store)

    assert set(left) == {"professional", "dmp"}
    assert (await notes(store))["patient"] == "deceased"


async def test_what_waited_for_weeks_has_the_whole_horizon_to_leave(store):
    later = START + timedelta(days=20)
    await take(store, WAITING)
    await take(store, identity("A31", "Q1"), at=later)
    await deliver(store, AWAY, at=later)

    assert ("dmp", "retry_wait") in await rows(store)

    left = await deliver(store, CONFIRMED, at=later + timedelta(hours=2))

    assert set(left) == {"dmp"}
    assert await rows(store) == GONE


async def test_a_site_that_needs_no_ins_sends_what_shows_none(store):
    local = pid_3().partition("~")[0]
    body = WAITING.replace(pid_3().encode(), local.encode())
    await take(store, body, site={"require_ins": False})

    # The document itself shows an INS, so the mail waits all the same.
    assert await deliver(store) == {}


async def test_who_sent_the_document_hears_that_it_is_not_sent(store):
    masked = LETTER.replace(
        b"INVISIBLE_PATIENT^Non visible par le patient^MetaDMPMSS||N",
        b"INVISIBLE_PATIENT^Non visible par le patient^MetaDMPMSS||Y",
    )
    await take(store, masked)

    [zam] = [hospital.lines(row.item.body) for row in await hospital.waiting(store)]
    assert zam[0].split("|")[8] == "ZAM^Z02^ZAM_Z01"
    assert any("masked-patient" in line and "SMTPERRORCODE" in line for line in zam)


async def test_who_sent_the_document_hears_that_the_patient_opposes_the_record(store):
    opposed = identity("A31", "O1").replace(
        b"PV1|1|N", b"PV1|1|N\rZFA|ACTIF||||||||IO|20260101"
    )  # fmt: skip
    await take(store, LETTER, opposed)
    await deliver(store)

    found = [hospital.lines(row.item.body) for row in await hospital.waiting(store)]
    refused = [zam for zam in found if zam[0].split("|")[8] == "ZAM^Z01^ZAM_Z01"]
    assert [any("opposed" in line for line in zam) for zam in refused] == [True]
