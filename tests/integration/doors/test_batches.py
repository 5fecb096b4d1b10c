"""A batch over HTTP: each message has its own fate, and the answer is a batch."""

import pytest

from gateway.core.errors import RetriableError
from gateway.core.messages import Outcome, Receipt
from tests.integration.doors.house import ack, adt, refused
from tests.integration.doors.test_http import ER7, serving

FHS = b"FHS|^~\\&|DPI|CHU-X|RELAIS|DAC|20261120101500||||F1\r"
BHS = b"BHS|^~\\&|DPI|CHU-X|RELAIS|DAC|20261120101500||||B1\r"


def batch(*bodies: bytes, count: int | None = None) -> bytes:
    said = len(bodies) if count is None else count
    return FHS + BHS + b"".join(bodies) + b"BTS|%d\rFTS|1\r" % said


def answers(content: bytes) -> list[tuple[str, str]]:
    """Return (MSA-1, MSA-2) of each acknowledgement in a batch."""
    found = [line.split(b"|") for line in content.split(b"\r") if line.startswith(b"MSA")]
    return [(line[1].decode(), line[2].decode()) for line in found]


def names(content: bytes) -> list[str]:
    return [line[:3].decode() for line in content.split(b"\r") if line]


@pytest.mark.field("FL-058")
async def test_a_batch_is_answered_by_a_batch(house):
    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=batch(adt("M1"), adt("M2")), headers=ER7)

    assert answer.status_code == 200
    assert names(answer.content) == ["FHS", "BHS", "MSH", "MSA", "MSH", "MSA", "BTS", "FTS"]
    assert answers(answer.content) == [("AA", "M1"), ("AA", "M2")]
    assert [raw.body for raw in house.received] == [adt("M1"), adt("M2")]
    assert {raw.flags for raw in house.received} == {("batch",)}
    assert house.incidents == []


@pytest.mark.field("FL-058")
async def test_one_bad_message_does_not_stop_the_others(house):
    def judged(raw):
        if b"|M2|" in raw.body:
            return Receipt(Outcome.REJECTED, (refused(),), ack("AE", raw.body, 101))
        return Receipt(Outcome.ACCEPTED, ack=ack("AA", raw.body))

    house.receipt = judged
    async with serving(house) as client:
        body = batch(adt("M1"), adt("M2"), adt("M3"))
        answer = await client.post("/hl7v2", content=body, headers=ER7)

    assert answers(answer.content) == [("AA", "M1"), ("AE", "M2"), ("AA", "M3")]


@pytest.mark.field("FL-058")
async def test_a_wrong_count_is_a_warning_in_the_answer_and_an_incident(house):
    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=batch(adt("M1"), count=2), headers=ER7)

    assert answers(answer.content) == [("AA", "M1")]
    assert b"BTS|1|RLS-HL7-017 " in answer.content
    incident = house.incidents[0]
    assert (incident.kind, incident.excerpt) == ("batch-incomplete", b"")
    assert incident.details == {"issues": ["RLS-HL7-017 BTS-1"], "messages": 1}


async def test_many_messages_are_answered_in_their_order(house):
    bodies = [adt(f"M{number}") for number in range(150)]

    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=batch(*bodies), headers=ER7)

    assert [of for _, of in answers(answer.content)] == [f"M{number}" for number in range(150)]
    assert house.most_at_once <= 64


async def test_a_message_that_could_not_be_kept_is_to_be_sent_again(house):
    def away(raw):
        if b"|M2|" in raw.body:
            raise RetriableError([refused("RLS-STO-001")])
        return Receipt(Outcome.ACCEPTED, ack=ack("AA", raw.body))

    house.receipt = away
    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=batch(adt("M1"), adt("M2")), headers=ER7)

    assert answer.status_code == 200
    assert answers(answer.content) == [("AA", "M1"), ("AR", "M2")]


async def test_a_batch_of_which_nothing_was_kept_is_refused_by_the_transport(house):
    house.receipt = house.away

    async with serving(house) as client:
        answer = await client.post("/hl7v2", content=batch(adt("M1"), adt("M2")), headers=ER7)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answers(answer.content) == [("AR", "M1"), ("AR", "M2")]
