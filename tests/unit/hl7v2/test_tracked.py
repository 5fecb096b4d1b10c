"""A tracked message reads the same and knows what was read."""

from gateway.hl7v2.leaves import leaves
from gateway.hl7v2.reader import read
from gateway.hl7v2.tracked import tracked, unread
from tests.unit.hl7v2.compose import admission, er7, msh


def test_a_tracked_copy_holds_the_same():
    message = read(admission())

    copy, reads = tracked(message)

    assert leaves(copy) == leaves(message)
    assert copy.names == message.names
    assert reads == set()


def test_every_way_of_reading_is_noticed():
    message = read(admission())
    copy, reads = tracked(message)

    copy.value("PID-7")
    copy.select("PID-3[2].4.2")
    copy.first("PV1").field(2)
    copy.first("PV1").nodes(3)
    copy.first("ZBE").holds(1)

    assert reads == {("PID", 1, 7), ("PID", 1, 3), ("PV1", 1, 2), ("PV1", 1, 3), ("ZBE", 1, 1)}


def test_what_nobody_read_is_listed_by_segment():
    message = read(er7(msh(), "PID|1||P1^^^X^PI", 'OBX|1|ST|A||""', "OBX|2|ST|B||b"))
    copy, reads = tracked(message)
    reads.update(("MSH", 1, number) for number in range(22))

    copy.value("PID-3")
    for obx in copy.segments_named("OBX"):
        obx.field(3)
    copy.segments_named("OBX")[1].field(5)

    assert unread(message, reads) == {
        "PID": ["PID-1"],
        "OBX[1]": ["OBX[1]-1", "OBX[1]-2"],
        "OBX[2]": ["OBX[2]-1", "OBX[2]-2"],
    }
