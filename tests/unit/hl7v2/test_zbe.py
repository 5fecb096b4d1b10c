"""Repairs of the movement segment."""

import pytest

from gateway.hl7v2.intake import repair_zbe, with_repaired_zbe
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import SHIFTED_ZBE, ZBE, admission, msh, with_field


@pytest.mark.field("FL-135")
def test_a_shifted_segment_is_put_right():
    segment, flags = repair_zbe(read(admission(ZBE=SHIFTED_ZBE)).first("ZBE"))

    assert flags == ("zbe-shifted",)
    assert [segment.field(number) for number in (1, 2, 3, 4, 5, 6)] == [
        "M1", "20261120081500", "", "INSERT", "N", ""
    ]  # fmt: skip
    assert (segment.field(7, 10), segment.field(8), segment.field(9)) == ("4036", "", "HMS")
    assert segment.raw == ZBE
    assert segment.message.value("ZBE-4") == "INSERT"
    assert segment.message.flags == ("zbe-shifted",)


def test_a_correct_segment_stays_as_it_is():
    zbe = read(admission()).first("ZBE")

    assert repair_zbe(zbe) == (zbe, ())


@pytest.mark.parametrize(("kind", "action"), [("ADT^A01", "INSERT"), ("ADT^A13", "CANCEL")])
def test_a_missing_action_is_that_of_the_event(kind, action):
    message = read(admission(MSH=msh(kind), ZBE="ZBE|M1|20261120081500"))

    repaired = with_repaired_zbe(message)

    assert repaired.value("ZBE-4") == action
    assert repaired.flags == ("zbe-action-assumed",)


def test_a_missing_action_is_not_guessed_when_the_event_allows_two():
    zbe = read(admission(MSH=msh("ADT^A06"), ZBE=with_field(ZBE, 4, ""))).first("ZBE")

    assert repair_zbe(zbe) == (zbe, ())


def test_a_movement_without_segment_is_flagged():
    assert with_repaired_zbe(read(admission(ZBE=None))).flags == ("zbe-missing",)


@pytest.mark.parametrize("kind", ["ADT^A31^ADT_A05", "ORU^R01^ORU_R01", "XXX^Y01"])
def test_other_messages_need_no_movement(kind):
    assert with_repaired_zbe(read(admission(MSH=msh(kind), ZBE=None))).flags == ()
