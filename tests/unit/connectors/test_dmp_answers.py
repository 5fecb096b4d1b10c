"""Answers of a shared record, read with suspicion; multipart that holds any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.connectors import dmp_answers as answers
from gateway.connectors import dmp_mtom as mtom
from gateway.connectors.dmp_answers import Record
from gateway.connectors.dmp_soap import ANSWER_LIMIT, AnswerError, read_answer
from gateway.simulation import dmp_wire as wire

ID = "urn:uuid:00000000-0000-4000-8000-000000000001"
KIND = "application/soap+xml"


def answer(body=None):
    return wire.answer(body or wire.registry_answer(), ID, "urn:x")


def test_an_answer_to_our_message_is_read():
    assert answers.registry(read_answer(KIND, answer(), ID)).is_success


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no XML that may be read"),
        (b"<a/>", "no SOAP 1.2 envelope"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "no XML that may be read"),
        (b"x" * ANSWER_LIMIT, "too large"),
    ],
)
def test_what_is_no_answer_concludes_nothing(data, why):
    with pytest.raises(AnswerError, match=why):
        read_answer(KIND, data, ID)


def test_an_answer_to_another_message_concludes_nothing():
    with pytest.raises(AnswerError, match="another message"):
        read_answer(KIND, answer(), ID.replace("1", "2"))


def test_half_a_multipart_concludes_nothing():
    kind, body = wire.as_multipart(answer())

    assert answers.registry(read_answer(kind, body, ID)).is_success
    with pytest.raises(AnswerError):
        read_answer(kind, body[:-20], ID)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [("OK", "active", Record.OPEN), ("OK", "terminated", Record.CLOSED), ("NF", "", Record.ABSENT)],
)
def test_the_state_of_a_record(code, status, expected):
    assert answers.record(etree.fromstring(wire.existence_answer(code, status))) is expected


@pytest.mark.parametrize(("code", "status"), [("OK", ""), ("AE", "active"), ("", "")])
def test_an_existence_test_that_does_not_say_concludes_nothing(code, status):
    with pytest.raises(AnswerError):
        answers.record(etree.fromstring(wire.existence_answer(code, status)))


@pytest.mark.parametrize("status", ["Failure", "PartialSuccess", "success", ""])
def test_nothing_but_success_is_one(status):
    body = etree.fromstring(wire.registry_answer())
    body.set("status", f"urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:{status}")

    assert not answers.registry(body).is_success


def test_success_beside_an_error_is_none():
    body = etree.fromstring(wire.registry_answer([("XDSRegistryError", "")]))
    body.set("status", "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success")

    told = answers.registry(body)

    assert not told.is_success
    assert told.codes == ("XDSRegistryError",)


@pytest.mark.field("FL-285")
def test_texts_of_an_error_are_not_quoted():
    body = etree.fromstring(wire.registry_answer([("PAT-MOUETTE PAULINE 254039902200377", "")]))

    assert answers.registry(body).codes == ("unnamed",)


def test_whose_fault_a_fault_is():
    ours = etree.fromstring(wire.fault("FailedAuthentication", "x", is_ours=False))
    theirs = etree.fromstring(wire.fault("Busy", "x", is_ours=True))

    assert answers.fault(ours) == answers.Fault("FailedAuthentication", is_ours=True)
    assert answers.fault(theirs) == answers.Fault("Busy", is_ours=False)
    assert answers.fault(etree.fromstring(wire.registry_answer())) is None


@given(st.lists(st.binary(max_size=400), min_size=1, max_size=4))
def test_any_bytes_come_back_as_they_were_sent(bodies):
    parts = [mtom.Part(f"{n}@relais", "text/xml", data) for n, data in enumerate(bodies)]

    boundary, body = mtom.write(b"<root/>", parts)

    root, *found = mtom.read(mtom.content_type(boundary, "urn:x"), body)
    assert root.data == b"<root/>"
    assert [(one.content_id, one.data) for one in found] == [
        (one.content_id, one.data) for one in parts
    ]
