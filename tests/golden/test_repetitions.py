"""Every repetition of a segment counts: a message with one of its segments sent three times.

A copy must be read into some value, or be told: what is neither was dropped in silence.
"""

from functools import lru_cache

import pytest

from gateway.core.contributions import Json
from gateway.core.messages import Channel, InboxStatus, RawMessage
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter
from gateway.pipeline.convert import Converter
from gateway.pipeline.folds import fold_alone
from tests.conftest import ROOT
from tests.support.pipeline import START, HandClock

FIXTURES = ROOT / "fixtures" / "hl7v2"
ADMISSION = "adt_a01_admission_of_a_validated_identity"
APPOINTMENT = "siu_s12_several_resources"
REFERRAL = "ref_i12_referral_to_rehabilitation"
ORDER = "orm_o01_new_order_of_psychology"


@lru_cache
def converter() -> Converter:
    return build_converter(load(), clock=HandClock())


def read_places(body: bytes) -> set[str]:
    """Return the places a message is read from, and those its issues name."""
    opened = converter().open(RawMessage(body, Channel.MLLP, START))
    prepared = converter().prepare(opened)
    places = {issue.where for issue in prepared.issues}
    if prepared.status is InboxStatus.CONVERTED:
        for line in converter().explain(opened):
            places |= set(line.source.split(", "))
    return places


def segments(body: bytes, name: str) -> list[bytes]:
    return [line for line in body.split(b"\r") if line.startswith(name.encode() + b"|")]


def tripled(body: bytes, name: str) -> bytes:
    """Send the last segment of a name three times, one behind the other."""
    line = segments(body, name)[-1]
    before, _, after = body.rpartition(line)
    return before + b"\r".join([line] * 3) + after


def names_segment(place: str, name: str, number: int) -> bool:
    return place == f"{name}[{number}]" or place.startswith(f"{name}[{number}]-")


def body_of(fixture: str) -> bytes:
    return (FIXTURES / fixture / "input.er7").read_bytes()


@pytest.mark.parametrize(
    ("fixture", "name"),
    [
        (ADMISSION, "NK1"),
        (ADMISSION, "ROL"),
        (ORDER, "ORC"),
        (REFERRAL, "PRD"),
        (APPOINTMENT, "AIL"),
        (APPOINTMENT, "AIP"),
        (APPOINTMENT, "AIS"),
    ],
)
@pytest.mark.field("FL-148")
def test_every_repetition_of_a_segment_is_read(fixture: str, name: str):
    sent = len(segments(body_of(fixture), name))

    places = read_places(tripled(body_of(fixture), name))

    unread = [
        number
        for number in range(1, sent + 3)
        if not any(names_segment(place, name, number) for place in places)
    ]
    assert unread == []


def resource(body: bytes, kind: str) -> Json:
    opened = converter().open(RawMessage(body, Channel.MLLP, START))
    found = fold_alone(converter().prepare(opened).contributions)
    return next(one for one in found if one["resourceType"] == kind)


@pytest.mark.parametrize(
    ("fixture", "name", "kind", "element"),
    [
        (ORDER, "DG1", "ServiceRequest", "reasonCode"),
        (ORDER, "NTE", "ServiceRequest", "note"),
        (REFERRAL, "DG1", "ServiceRequest", "reasonCode"),
        (REFERRAL, "NTE", "ServiceRequest", "note"),
    ],
)
@pytest.mark.field("FL-148")
def test_every_repetition_gives_a_value_of_its_list(
    fixture: str, name: str, kind: str, element: str
):
    body = body_of(fixture)
    line = segments(body, name)[-1]
    others = [line[: len(b"DG1|1||")] + b"Z5%d^autre motif %d^CIM-10" % (n, n) for n in (2, 3)]

    once = resource(body, kind)[element]
    thrice = resource(body.replace(line, b"\r".join([line, *others])), kind)[element]

    assert len(thrice) == len(once) + 2


@pytest.mark.field("FL-148")
def test_a_second_document_of_a_message_is_told_and_none_is_chosen():
    body = body_of("mdm_t02_new_letter")
    document = next(line for line in segments(body, "OBX") if line.split(b"|")[2] == b"ED")

    assert "OBX[2]" in read_places(body.replace(document, document + b"\r" + document))
