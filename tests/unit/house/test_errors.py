"""The catalogue of errors and the codes in code say the same."""

from collections import Counter

from tests.conftest import ROOT
from tests.support.docs import errors

ROWS = errors.rows(ROOT / "docs" / "reference" / "errors.d")
MADE = errors.made(ROOT / "gateway")


def test_each_code_is_made_in_one_place():
    assert {code: count for code, count in MADE.items() if count > 1} == {}


def test_each_code_has_one_row():
    assert {code: n for code, n in Counter(row[0] for row in ROWS).items() if n > 1} == {}


def test_rows_and_code_hold_the_same_codes():
    listed = {row[0] for row in ROWS}

    assert {"without a row": set(MADE) - listed, "made nowhere": listed - set(MADE)} == {
        "without a row": set(),
        "made nowhere": set(),
    }


def test_tables_of_codes_name_codes_that_are_made():
    assert errors.named(ROOT / "gateway") - set(MADE) == set()


def test_every_row_says_what_it_means_and_what_to_do():
    assert [row[0] for row in ROWS if len(row) != 3 or not all(row)] == []


def test_every_family_is_known():
    assert {code[4:7] for code in MADE} - set(errors.FAMILIES) == set()


def test_a_code_in_a_set_or_a_key_is_named_and_not_made(tmp_path):
    (tmp_path / "a.py").write_text(
        "Issue('RLS-ABC-001', 1)\nIssue(code='RLS-ABC-002')\n"
        "SOME = frozenset({'RLS-ABC-001'})\nTABLE = {'RLS-ABC-003': 1}\n",
        encoding="utf-8",
    )

    assert errors.made(tmp_path) == {"RLS-ABC-001": 1, "RLS-ABC-002": 1}
    assert errors.named(tmp_path) == {"RLS-ABC-001", "RLS-ABC-002", "RLS-ABC-003"}
