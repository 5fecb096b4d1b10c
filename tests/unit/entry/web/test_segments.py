"""A message cut into fields with their names, and led to what they became."""

from gateway.entry.web.data import Trace
from gateway.entry.web.segments import segments, shown_text, trace_groups

TEXT = "MSH|^~\\&|GAM|CHU\rPID|||1^^^A&9&M^PI~2||DOE\rOBX|1|ED\rOBX|2|TX|||hello\rZXX|1|what\r"


def trace(source: str, target: str = "name", resource: str = "Patient/p") -> Trace:
    return Trace(resource, target, '"x"', source, "", "")


def test_fields_are_numbered_and_named_as_the_standard_does() -> None:
    header, person, *_ = segments(TEXT, ())

    assert [(f.place, f.value) for f in header.fields] == [
        ("MSH-1", "|"), ("MSH-2", "^~\\&"), ("MSH-3", "GAM"), ("MSH-4", "CHU"),
    ]  # fmt: skip
    assert [(f.place, f.label("fr"), f.label("en")) for f in person.fields] == [
        ("PID-3", "Identifiants du patient", "Patient identifier list"),
        ("PID-5", "Noms", "Patient name"),
    ]


def test_a_repeated_segment_carries_its_number() -> None:
    found = segments(TEXT, ())

    assert [segment.name for segment in found] == ["MSH", "PID", "OBX", "OBX[2]", "ZXX"]
    assert found[4].label("fr") == ""


def test_a_field_leads_to_what_it_became() -> None:
    groups = trace_groups([trace("PID-3[1]"), trace("OBX[2]-5.1, site table", "value")])
    fields = {f.place: f for segment in segments(TEXT, groups) for f in segment.fields}

    assert fields["PID-3"].rows == ("t0",)
    assert fields["OBX[2]-5"].rows == ("t1",)
    assert fields["PID-5"].rows == ()


def test_a_source_is_cut_into_places_and_words() -> None:
    [group] = trace_groups([trace("PV1-2, PV1-21, site table"), trace("conceptmap marital-status")])

    assert group.rows[0].places == (
        ("PV1-2", "f-PV1-1-2"), ("PV1-21", "f-PV1-1-21"), ("site table", ""),
    )  # fmt: skip
    assert group.rows[1].places == (("conceptmap marital-status", ""),)


def test_lines_of_one_resource_stand_together() -> None:
    groups = trace_groups(
        [trace("PID-5"), trace("PID-7", "birthDate"), trace("PV1-2", "class", "Encounter/e")]
    )

    assert [(g.resource, len(g.rows)) for g in groups] == [("Patient/p", 2), ("Encounter/e", 1)]


def test_what_is_no_message_has_no_fields() -> None:
    assert segments("<ClinicalDocument/>", ()) == ()
    assert segments("MSH|", ()) == ()


def test_a_large_body_is_cut_and_says_so() -> None:
    text, shown = shown_text(b"a" * 100_000, "utf-8")

    assert (len(text), shown) == (65_536, 65_536)
    assert shown_text(b"caf\xe9", "latin-1") == ("café", 0)
    assert shown_text(b"caf\xe9", "utf-8") == ("caf\ufffd", 0)
