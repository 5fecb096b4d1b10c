"""hl7apy as a second opinion: what it adds, what is left to us, and that it ends no report."""

import pytest

from gateway.conformance import second_opinion
from gateway.hl7v2.reader import read
from tests.unit.conformance.judging import found
from tests.unit.hl7v2.compose import EVN, PID, PV1, ZBE, admission, er7, msh, with_field


def opinions(raw):
    return {(f.issue.code, f.issue.where) for f in second_opinion.second_opinions(read(raw))}


def test_it_agrees_with_a_french_message_although_its_tables_are_not_ours():
    assert opinions(admission()) == set()


def test_it_finds_what_our_profiles_do_not_ask():
    raw = er7(msh(), EVN, PID, PV1, ZBE, "GT1|1")

    assert ("RLS-HL7-390", "GT1-3") in found(raw)


def test_it_is_silent_where_we_have_spoken():
    raw = admission(PV1=with_field(PV1, 2, ""))

    assert ("RLS-HL7-390", "PV1-2") in opinions(raw)
    assert ("RLS-HL7-390", "PV1-2") not in found(raw)
    assert ("RLS-HL7-020", "PV1-2") in found(raw)


def test_it_is_not_shown_what_it_does_not_know():
    raw = er7(msh(), EVN, PID, PV1, "ZBE|", "ZXX|1^2&3", "PRT||UC||SB")

    assert opinions(raw) == set()


@pytest.mark.parametrize("broken", [ValueError, AttributeError, RecursionError])
def test_its_bugs_end_no_report(monkeypatch, broken):
    def breaks(*_):
        raise broken

    monkeypatch.setattr(second_opinion, "parse_segment", breaks)

    assert ("RLS-HL7-390", "PID") in opinions(admission())
    told = [f.issue.what for f in second_opinion.second_opinions(read(admission()))]
    assert any(f"({broken.__name__})" in one for one in told)


def test_its_words_quote_no_value():
    raw = admission(PID=with_field(PID, 20, "SECRET-" * 30))

    told = [str(f.issue) for f in second_opinion.second_opinions(read(raw))]
    assert "SECRET" not in " ".join(told)
