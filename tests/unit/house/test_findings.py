"""Every finding that a page can show has words in both languages."""

import pytest

from gateway.core.issues import Issue, Severity
from gateway.entry.web.words import Words, in_french
from tests.conftest import ROOT
from tests.support.docs import errors

#: Families of what is found in an input or a resource, of what is sent and of rules and gaps:
#: pages of messages, deliveries and health, and the workbench show them. The others are refusals
#: at start, on the command line or to a client, and faults of the store.
FAMILIES = frozenset(
    ("CDA", "HL7", "INS", "MAP", "FHR", "PTH", "GAP", "MSS", "DMP", "DIR", "NET", "RTE", "SUB")
)
MADE = {code for code in errors.made(ROOT / "gateway") if code[4:7] in FAMILIES}
ENGLISH = {row[0]: row[1:] for row in errors.rows(ROOT / "docs" / "reference" / "errors.d")}


def test_each_code_has_words_in_both_languages_and_no_other_has() -> None:
    assert {"without French": MADE - set(in_french()), "made nowhere": set(in_french()) - MADE} == {
        "without French": set(),
        "made nowhere": set(),
    }
    assert MADE - set(ENGLISH) == set()


def test_all_of_them_were_looked_for() -> None:
    assert {code[4:7] for code in MADE} == FAMILIES
    assert len(MADE) > 450


@pytest.mark.parametrize("place", [0, 1], ids=["meaning", "what to do"])
def test_french_words_are_sentences_of_their_own(place: int) -> None:
    said = {code: texts[place] for code, texts in in_french().items()}

    assert [code for code, text in said.items() if not text.endswith(".")] == []
    assert [code for code, text in said.items() if not text[0].isupper()] == []
    assert [code for code, text in said.items() if "'" in text or len(text) > 160] == []
    assert [code for code, text in said.items() if text == ENGLISH[code][place]] == []


def test_english_pages_show_the_words_of_the_finding_itself() -> None:
    issue = Issue("RLS-HL7-020", Severity.ERROR, "PID-3", "the field is empty.", "Value it.")

    assert Words("en").finding(issue.code) is None
    assert Words("fr").finding(issue.code) == (
        "Un champ obligatoire est vide.",
        "Remplir le champ indiqué.",
    )
    assert Words("fr").finding("RLS-STO-001") is None
