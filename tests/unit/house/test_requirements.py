"""Every requirement of the French specifications has a test that exists."""

from collections import Counter

import pytest

from tests.conftest import ROOT
from tests.support.docs import requirements
from tests.support.docs.pages import REQUIREMENTS

ROWS = requirements.rows(REQUIREMENTS.read_text(encoding="utf-8"))


def test_ids_are_given_once():
    assert {id for id, count in Counter(row.id for row in ROWS).items() if count > 1} == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_requirement_is_shown_by_tests_that_exist(row):
    assert row.clause
    assert row.shall.endswith(".")
    assert row.tests or row.cases, "a requirement without a test"
    assert requirements.missing(row, ROOT) == []


def test_what_does_not_exist_is_found():
    text = (
        "groups: [{title: T, requirements: [{id: A-1, clause: C, shall: S., tests: ["
        "'unit/house/test_requirements.py::test_what_does_not_exist_is_found',"
        "'unit/house/test_requirements.py::test_nothing', unit/nowhere.py,"
        "'unit/house/test_layout.py::test_what_does_not_exist_is_found'], cases: [nowhere]}]}]"
    )

    [row] = requirements.rows(text)

    assert requirements.missing(row, ROOT) == [
        "nowhere",
        "unit/house/test_requirements.py::test_nothing",
        "unit/nowhere.py",
        "unit/house/test_layout.py::test_what_does_not_exist_is_found"
        " (now in unit/house/test_requirements.py)",
    ]


def test_the_golden_tests_run_every_case_that_is_named():
    runner = (ROOT / "tests/golden/test_hl7v2.py").read_text(encoding="utf-8")

    assert "fixtures" in runner
    assert all((ROOT / "fixtures/hl7v2" / case / "case.yaml").is_file()
               for row in ROWS for case in row.cases)  # fmt: skip
