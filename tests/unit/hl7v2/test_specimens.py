"""Samples, interpreters and notes of a group of results."""

from tests.unit.hl7v2.compose import PID, er7, msh
from tests.unit.hl7v2.orders import FILLER, PLACER, folded, obr, orc

HEAD = orc("RE", PLACER, FILLER, "CM")
RESULT = "OBX|1|NM|718-7^Hb^LN||11|g/dL||||F"


def sent(*segments: str) -> bytes:
    return er7(msh("ORU^R01^ORU_R01"), PID, *segments)


def test_a_sample_behind_no_result_makes_nothing() -> None:
    assert folded("Specimen", sent(HEAD, obr("LAB^L^L"), "SPM|1|S1&LABO")) == []


def test_a_sample_belongs_to_the_group_it_stands_in() -> None:
    other = orc("RE", "P10^CHU-DEMO^990000001", "F4^PSY^990000001", "CM")
    raw = sent(HEAD, obr("A^A^L"), RESULT, "SPM|1|S1&LABO", other, obr("B^B^L"), RESULT)

    first, second = sorted(folded("DiagnosticReport", raw), key=lambda one: "specimen" not in one)

    assert len(first["specimen"]) == 1
    assert "specimen" not in second


def test_a_sample_of_the_same_number_is_the_same_in_a_later_message() -> None:
    early = sent(HEAD, obr("A^A^L"), RESULT, "SPM|1|S1&LABO||BLD")
    late = sent(HEAD, obr("A^A^L"), RESULT, "SPM|2|S1&LABO||BLD|||||||||||||20261120|20261121")

    assert len(folded("Specimen", early, late)) == 1


def test_an_interpreter_without_a_name_or_a_number_is_nobody() -> None:
    (report,) = folded("DiagnosticReport", sent(HEAD, obr("A^A^L", f32="^20261120"), RESULT))

    assert "resultsInterpreter" not in report
