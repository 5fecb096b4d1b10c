"""Another reader finds the same values in the standard segments (hl7apy, without groups)."""

import pytest
from hl7apy.parser import parse_message

from gateway.hl7v2.leaves import leaves
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import EVN, PID, PV1, er7, msh

#: hl7apy knows no ZBE, so the message is made of standard segments.
_MESSAGES = {
    "admission": er7(msh(), EVN, PID, PV1),
    "empty parts": er7(
        msh("ADT^A31^ADT_A05"),
        EVN,
        "PID|||~80^^^CHU-X&1.2&ISO^PI||DURAND^Zoé^^^^^L~^Zoé||||||||^PRN^PH^^^^^^^^^0400000000",
        "PV1|1|N",
    ),
    "repeated segments": er7(
        msh(), EVN, PID, "NK1|1|DURAND^Léa", "NK1|2|DURAND^Max|MTH", PV1, "DG1|1||C50.9^Sein"
    ),
}


def second_opinion(raw: bytes) -> list[tuple[str, int, int, int, int, int, str]]:
    """Return the leaves hl7apy finds, header left out (it treats MSH-1 and MSH-2 apart)."""
    parsed = parse_message(raw.decode(), find_groups=False)
    counts: dict[str, int] = {}
    found = []
    for segment in parsed.children:
        counts[segment.name] = counts.get(segment.name, 0) + 1
        if segment.name == "MSH":
            continue
        repetitions: dict[int, int] = {}
        for field in segment.children:
            number = int(field.name.split("_")[1])
            repetitions[number] = repetitions.get(number, 0) + 1
            place = (segment.name, counts[segment.name], number, repetitions[number])
            for at, component in enumerate(field.to_er7().split("^"), 1):
                for below, text in enumerate(component.split("&"), 1):
                    if text:
                        found.append((*place, at, below, text))
    return found


@pytest.mark.parametrize("raw", _MESSAGES.values(), ids=_MESSAGES.keys())
def test_both_readers_find_the_same_leaves(raw):
    expected = second_opinion(raw)
    assert len(expected) > 15

    own = [leaf for leaf in leaves(read(raw)) if leaf[0] != "MSH"]

    assert own == expected
