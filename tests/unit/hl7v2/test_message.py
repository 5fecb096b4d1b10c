"""Places in a message, three-state values, free text."""

import pytest

from gateway.core.errors import RejectedError
from gateway.hl7v2.leaves import leaves
from gateway.hl7v2.message import Segment, selector
from gateway.hl7v2.paths import compile_path, is_path
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import EVN, admission, er7, msh

ROL_1, ROL_2 = "ROL||UC|ODRP|1^A", "ROL||UC|AT|2^B"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("PID-3", "P0012"),
        ("PID-3.1", "P0012"),
        ("PID-3.4", "CHU-DEMO"),
        ("PID-3.4.2", "990000001"),
        ("PID-3[2]", "279035121518989"),
        ("PID-3[2].4.2", "1.2.250.1.213.1.4.10"),
        ("PID-3[2].5", "INS"),
        ("PID-3[3]", ""),
        ("PID-3.5.2", ""),
        ("PID-2", ""),
        ("PID-99", ""),
        ("PID", ""),
        ("NK1-3", ""),
        ("MSH-1", "|"),
        ("MSH-2", r"^~\&"),
        ("MSH-3", "GAM"),
        ("MSH-9.2", "A01"),
        ("MSH-10", "G0001"),
        ("PID[1]-7", "19790328"),
        ("PID[2]-7", ""),
    ],
)
def test_a_place_is_counted_as_in_the_standard(path, value):
    message = read(admission())

    assert message.value(path) == value
    assert "".join(node.text() for node in message.select(path)[:1]) == value


@pytest.mark.parametrize(
    "path", ["", "pid-3", "PID-0", "PID-3[0]", "PID-3.", "PID.3", "PIDX-3", "PID-3.4.2.1"]
)
def test_what_is_no_place_is_a_fault_of_the_mapping(path):
    assert not is_path(path)
    with pytest.raises(ValueError, match="is not a place"):
        compile_path(path)


def test_each_repetition_is_a_node_with_its_place():
    nodes = read(admission()).select("PID-3")

    assert [node.place for node in nodes] == ["PID-3[1]", "PID-3[2]"]
    assert nodes[1].component(4, 2) == "1.2.250.1.213.1.4.10"
    assert nodes[1].component(5) == "INS"
    assert nodes[1].component(6) == nodes[1].component(4, 9) == ""


def test_a_field_that_does_not_repeat_has_a_plain_place():
    message = read(admission())

    assert message.select("PID-7")[0].place == "PID-7"
    assert message.select("PID-3[2].4.2")[0].place == "PID-3[2].4.2"


def test_repeated_segments_are_numbered():
    message = read(er7(msh(), EVN, ROL_1, ROL_2))

    assert [rol.place for rol in message.segments_named("ROL")] == ["ROL[1]", "ROL[2]"]
    assert [node.place for node in message.select("ROL-4.2")] == ["ROL[1]-4.2", "ROL[2]-4.2"]
    assert message.value("ROL[2]-4.2") == "B"
    assert message.first("EVN").place == "EVN"


def test_a_path_of_its_own_name_is_relative_to_the_segment():
    message = read(er7(msh(), EVN, ROL_1, ROL_2))
    second = message.segments_named("ROL")[1]

    assert second.value("ROL-4") == "2"
    assert second.value("MSH-10") == "G0001"
    assert [one.place for one in second.select("ROL")] == ["ROL[2]"]
    assert second.value("ROL[1]-4") == "1"


def test_a_path_of_its_own_field_is_relative_to_the_repetition():
    second = read(admission()).select("PID-3")[1]

    assert second.value("PID-3.5") == "INS"
    assert second.value("PID-3[1].5") == "PI"
    assert second.value("PID-7") == "19790328"
    assert second.value("PV1-2") == "I"


def test_a_component_gives_its_sub_components():
    (component,) = read(admission()).select("PID-3[1].4")

    assert component.text() == "CHU-DEMO"
    assert (component.component(2), component.component(3), component.component(4)) == (
        "990000001",
        "M",
        "",
    )


@pytest.mark.field("FL-052")
def test_said_empty_and_not_said_are_different():
    message = read(
        er7(msh("ADT^A31^ADT_A05"), 'PID|||80||DUPONT^Orianne^^^^^L~""^Orianne^^^^^D||""')
    )

    legal, used = message.select("PID-5")
    assert (used.is_null, used.is_null_at(1), used.is_null_at(2)) == (False, True, False)
    assert (used.component(1), used.component(2)) == ("", "Orianne")
    assert legal.is_null_at(1) is False
    (birth,) = message.select("PID-7")
    assert (birth.is_null, birth.text(), message.value("PID-7")) == (True, "", "")
    assert message.select("PID-8") == []


def test_a_component_said_empty_is_selected():
    message = read(er7(msh(), 'PID|||""^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS'))

    (component,) = message.select("PID-3.1")
    assert component.is_null is True
    assert message.select("PID-3")[0].is_null is False


@pytest.mark.parametrize("field", ["", "^^^", "&&", "  ", "^ ^", "~~"])
def test_a_field_of_separators_holds_nothing(field):
    message = read(er7(msh(), f"PID|||{field}"))

    assert message.select("PID-3") == []
    assert message.first("PID").nodes(3) == []
    assert message.first("PID").holds(3) is False


@pytest.mark.field("FL-053")
def test_codes_are_trimmed_and_text_is_not():
    message = read(
        er7(
            msh("ORU^R01^ORU_R01").replace("2.11^IHE", "2.1^ CISIS"),
            "PID|||  80 ^^^CHU-X ",
            "NTE|1||  retrait  ",
            "OBX|1|TX|A||  retrait  ||||||F",
            "OBX|2|CE|A|| N ^^ table ||||||F",
        )
    )

    assert (message.value("PID-3"), message.value("PID-3.4")) == ("80", "CHU-X")
    assert message.value("MSH-21.2") == "CISIS_FRANCE-2.11-PAM"
    assert message.value("NTE-3") == message.value("OBX[1]-5") == "  retrait  "
    assert message.value("OBX[2]-5.3") == "table"


@pytest.mark.parametrize(
    ("segment", "path"),
    [
        ("OBX|1|FT|A||voir https://x.example/a?b=1&c=2^fin||||||F", "OBX-5"),
        ("OBX|1|TX|A||voir https://x.example/a?b=1&c=2^fin||||||F", "OBX-5"),
        ("OBX|1|ST|A||voir https://x.example/a?b=1&c=2^fin||||||F", "OBX-5"),
        ("NTE|1||voir https://x.example/a?b=1&c=2^fin", "NTE-3"),
        ("OBR|1|7||SCAN|||||||||voir https://x.example/a?b=1&c=2^fin", "OBR-13"),
    ],
)
@pytest.mark.field("FL-042")
def test_text_with_forgotten_escapes_is_read_whole(segment, path):
    message = read(er7(msh("ORU^R01^ORU_R01"), segment))

    (node,) = message.select(path)
    assert node.text() == node.component(1) == "voir https://x.example/a?b=1&c=2^fin"
    assert message.flags == ("unescaped-delimiter",)
    assert node.text() in [leaf[-1] for leaf in leaves(message)]


@pytest.mark.field("FL-042")
def test_coded_results_keep_their_components():
    message = read(er7(msh("ORU^R01^ORU_R01"), "OBX|1|CE|A||Y^^expandedYes-NoIndicator||||||F"))

    assert message.value("OBX-5.3") == "expandedYes-NoIndicator"
    assert message.flags == ()


def test_a_text_that_repeats_has_one_node_a_line():
    message = read(er7(msh("ORU^R01^ORU_R01"), "OBX|1|TX|A||ligne 1~ligne 2||||||F"))

    assert [node.text() for node in message.select("OBX-5")] == ["ligne 1", "ligne 2"]


@pytest.mark.field("FL-054")
def test_a_repeated_field_is_never_one_string():
    message = read(er7(msh("ADT^A40^ADT_A39"), "MRG|501^^^CHU-X^PI~7702^^^LABO-Z^PI"))

    found = {node.component(4): node.component(1) for node in message.select("MRG-1")}
    assert found == {"CHU-X": "501", "LABO-Z": "7702"}


def test_segments_and_the_message_are_no_values():
    message = read(admission())

    assert (message.text(), message.place, message.is_null) == ("", "", False)
    (pid,) = message.select("PID")
    assert isinstance(pid, Segment)
    assert (pid.text(), pid.is_null, pid.name) == ("", False, "PID")


def test_quick_access_to_the_fields_of_a_segment():
    pid = read(admission()).first("PID")

    assert (pid.field(3), pid.field(3, 4, 2), pid.field(99)) == ("P0012", "990000001", "")
    assert [node.repetition for node in pid.nodes(3)] == [1, 2]
    assert pid.node(2) is None


def test_leaves_name_their_place():
    found = leaves(read(er7(msh(), 'PID|||80^^^A&1.2~""')))

    assert found[-4:] == [
        ("PID", 1, 3, 1, 1, 1, "80"),
        ("PID", 1, 3, 1, 4, 1, "A"),
        ("PID", 1, 3, 1, 4, 2, "1.2"),
        ("PID", 1, 3, 2, 1, 1, ""),
    ]


def test_a_changed_segment_leaves_the_first_message_alone():
    message = read(admission())
    pv1 = message.first("PV1")

    changed = message.with_fields(pv1, ["PV1", "1", "O"], "trial")

    assert (changed.value("PV1-2"), message.value("PV1-2")) == ("O", "I")
    assert (changed.flags, message.flags) == (("trial",), ())
    assert changed.names == message.names


@pytest.mark.field("FL-147")
def test_reading_one_message_leaves_nothing_for_the_next():
    alone = leaves(read(er7(msh(), EVN)))
    with pytest.raises(RejectedError):
        read(b"MSH||")
    read(admission())

    assert leaves(read(er7(msh(), EVN))) == alone


def test_a_blank_repetition_counts_and_holds_nothing():
    message = read(er7(msh(), "PID|||1^^^A~ ^^~2^^^A"))

    found = message.select("PID-3")

    assert [(node.place, node.text()) for node in found] == [("PID-3[1]", "1"), ("PID-3[3]", "2")]
    assert message.select("PID-3[2]") == []
    assert message.value("PID-3[3].4") == "A"


def test_a_long_field_is_cut_without_being_kept_twice():
    text = "x" * 5000
    message = read(er7(msh("MDM^T02^MDM_T02"), f"OBX|1|ED|A||^AP^^Base64^{text}"))
    (cell,) = message._by_name["OBX"]

    assert message.value("OBX-5.5") == text
    assert message.value("OBX-3") == "A"
    assert 3 in cell._cuts
    assert 5 not in cell._cuts


@pytest.mark.parametrize(
    "path", ["PID", "PID-3", "PID-3.4.2", "PID-3[2]", "OBX-5", "OBX[2]-5", "ZZZ"]
)
def test_a_compiled_place_finds_what_select_finds(path):
    message = read(er7(msh(), "PID|||1^^^A&B~2", "OBX|1|ST|||a", "OBX|2|ST|||b"))
    sources = [message, *message.segments, *message.select("PID-3")]
    select = selector(path)

    found = [[node.place for node in select(source)] for source in sources]

    assert found == [[node.place for node in source.select(path)] for source in sources]
