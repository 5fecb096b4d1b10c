"""Structures: notation, and the fewest faults that explain a message."""

import pytest

from gateway.conformance.structure import StructureError, compile_structure

STAY = "MSH EVN PID [PD1] [{ROL}] PV1 [PV2] ZBE [{<A01|B01>}] [{ORC OBR [{NTE}]}]"


def differences(text, *names):
    return [
        (edit.kind, edit.name, edit.index)
        for edit in compile_structure(text, {}).edits(" ".join(names).split())
    ]


@pytest.mark.parametrize(
    "names",
    [
        "MSH EVN PID PV1 ZBE",
        "MSH EVN PID PD1 ROL ROL PV1 PV2 ZBE",
        "MSH EVN PID PV1 ZBE B01 A01 B01",
        "MSH EVN PID PV1 ZBE ORC OBR NTE NTE ORC OBR",
    ],
)
def test_a_message_of_the_structure_has_no_difference(names):
    assert differences(STAY, names) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("MSH PID PV1 ZBE", [("missing", "EVN", 1)]),
        ("MSH EVN PID PV2 PV1 ZBE", [("extra", "PV2", 3)]),
        ("MSH EVN PID PV1 PV1 ZBE", [("extra", "PV1", 4)]),
        ("MSH EVN PID PV1 ZBE XXX", [("extra", "XXX", 5)]),
        ("MSH EVN PID PV1 ZBE OBR", [("missing", "ORC", 5)]),
        ("MSH EVN", [("missing", "PID", 2), ("missing", "PV1", 2), ("missing", "ZBE", 2)]),
        ("MSH PID EVN PV1 ZBE", [("missing", "EVN", 1), ("extra", "EVN", 2)]),
        ("MSH EVN PID PV1 ZBE ROL", [("extra", "ROL", 5)]),
    ],
)
def test_differences_are_the_fewest(names, expected):
    assert differences(STAY, names) == expected


def test_a_long_message_with_a_fault_is_explained_at_once():
    names = ["MSH", "PID", *["ORC", "OBR"] * 2000]

    assert differences("MSH EVN PID {ORC OBR}", *names) == [("missing", "EVN", 1)]


def test_parts_are_put_in_and_shown():
    structure = compile_structure("MSH $who PV1", {"who": "PID [$more]", "more": "PD1"})

    assert structure.text == "MSH PID [ PD1 ] PV1"
    assert structure.edits(["MSH", "PID", "PD1", "PV1"]) == []


@pytest.mark.parametrize(
    "text", ["", "[MSH]", "MSH [PID", "MSH PID]", "MSH $nobody", "MSH (PID)", "<MSH|PID"]
)
def test_what_is_no_structure_is_refused(text):
    with pytest.raises(StructureError):
        compile_structure(text, {})


def test_a_part_that_contains_itself_is_refused():
    with pytest.raises(StructureError, match="contains itself"):
        compile_structure("MSH $a", {"a": "PID $a"})


def test_a_segment_that_may_follow_itself_is_known():
    structure = compile_structure(STAY, {})

    assert [name for name in ("ROL", "PV1", "NTE", "ORC") if structure.repeats(name)] == [
        "ROL",
        "NTE",
    ]
