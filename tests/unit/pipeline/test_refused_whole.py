"""Inputs that hold no single message: each is kept, and its sender is told what to send."""

import pytest

from gateway.core.messages import Channel, InboxStatus, RawMessage
from gateway.hl7v2.reader import read
from tests.support.gateway import converter
from tests.support.pipeline import START
from tests.unit.hl7v2.compose import admission

XML = (
    b'<?xml version="1.0"?><ADT_A01 xmlns="urn:hl7-org:v2xml">'
    b"<MSH><MSH.10>X7</MSH.10></MSH></ADT_A01>"
)
BATCH = b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + admission() + b"BTS|1\rFTS|1\r"


@pytest.mark.parametrize(
    ("body", "answer", "hint"),
    [
        pytest.param(
            BATCH, ("AR", "", "200"), "POST /hl7v2",
            id="a batch over MLLP", marks=pytest.mark.field("FL-058"),
        ),
        pytest.param(
            XML, ("AR", "X7", "200"), "Send ER7",
            id="the XML encoding", marks=pytest.mark.field("FL-061"),
        ),
        pytest.param(
            admission() + admission(), ("AE", "G0001", "100"), "its own frame",
            id="two messages in a frame", marks=pytest.mark.field("FL-057"),
        ),
    ],
)  # fmt: skip
def test_it_is_kept_whole_and_its_sender_told_what_to_send(body, answer, hint):
    made = converter()

    opened = made.open(RawMessage(body, Channel.MLLP, START))
    prepared = made.prepare(opened)

    said = read(opened.answer("refuse", prepared.issues))
    assert prepared.status is InboxStatus.QUARANTINED
    assert (said.value("MSA-1"), said.value("MSA-2"), said.value("ERR-3.1")) == answer
    assert hint in said.value("ERR-8")
