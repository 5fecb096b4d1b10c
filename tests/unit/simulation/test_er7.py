"""The ER7 writer escapes values and leaves nothing that a value could break."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7v2.reader import read
from gateway.simulation.er7 import DELETE, message, segment, stamp

_MSH = segment("MSH", {3: "A", 4: "B", 9: ("ADT", "A01", "ADT_A01"), 10: "1", 18: "UNICODE UTF-8"})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a|b", "a\\F\\b"),
        ("a^b", "a\\S\\b"),
        ("a&b", "a\\T\\b"),
        ("a~b", "a\\R\\b"),
        ("a\\b", "a\\E\\b"),
        ("a\rb", "a\\X0D\\b"),
    ],
    ids=["field", "component", "sub-component", "repetition", "escape", "terminator"],
)
def test_a_delimiter_in_a_value_is_escaped(value: str, written: str) -> None:
    assert segment("NTE", {3: value}) == f"NTE|||{written}"


def test_fields_are_numbered_as_in_the_standard() -> None:
    line = segment("PV1", {1: "1", 3: ("1010", "12", "1", ("CHU", "990001000", "M")), 5: ""})

    assert line == "PV1|1||1010^12^1^CHU&990001000&M"


def test_msh_counts_its_separators() -> None:
    assert _MSH.startswith("MSH|^~\\&|A|B|||||ADT^A01^ADT_A01|1|")


def test_repetitions_and_the_delete_value_pass() -> None:
    line = segment("PID", {3: [("1", "", "", "X", "PI"), (DELETE, "", "", "Y", "INS")]})

    assert line == 'PID|||1^^^X^PI~""^^^Y^INS'


def test_a_stamp_is_local_and_carries_its_offset_when_asked() -> None:
    at = datetime(2026, 3, 29, 8, 5, tzinfo=ZoneInfo("Europe/Paris"))

    assert stamp(at) == "20260329080500"
    assert stamp(at, offset=True) == "20260329080500+0200"


# Controls other than CR are removed by the reader, and CR LF at the edges is no value.
_TEXT = st.text(
    st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs", "Cc"]),
    min_size=1,
).filter(lambda text: text.strip() == text and text != DELETE)


@given(_TEXT)
def test_what_is_written_is_read_back(value: str) -> None:
    body = message([_MSH, segment("NTE", {1: "1", 3: value})], "UNICODE UTF-8")

    assert read(body).value("NTE-3") == value
