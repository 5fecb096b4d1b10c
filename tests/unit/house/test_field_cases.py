"""Every field case has a test or a written reason why not."""

import os
from pathlib import Path

from tests.conftest import ROOT
from tests.support.absent import absent
from tests.support.docs import field_cases
from tests.support.docs.pages import FIELD_CASES

CASES = field_cases.rows(FIELD_CASES.read_text(encoding="utf-8"))
MARKED = field_cases.marked(ROOT / "tests")


def test_cases_stand_in_one_row_each_and_none_is_missing():
    assert [case.id for case in CASES] == [f"FL-{n:03}" for n in range(1, len(CASES) + 1)]


def test_every_case_has_a_title_and_a_state():
    wrong = [
        case.id
        for case in CASES
        if not case.title
        or not (
            case.state == field_cases.TEST
            or (case.state.startswith(field_cases.WAIVED) and len(case.state) > 20)
        )
    ]

    assert wrong == []


def test_state_test_is_said_of_exactly_the_cases_that_tests_are_marked_with():
    said = {case.id for case in CASES if case.state == field_cases.TEST}

    # `make docs` writes the state of a case that got a test; a waiver is written by hand.
    assert {"without a test": said - set(MARKED), "not said": set(MARKED) - said} == {
        "without a test": set(),
        "not said": set(),
    }


def test_our_list_is_complete():
    """Compare with the list of cases that the project was given, where it is there."""
    given = os.environ.get("RELAIS_TEST_FIELD_LESSONS")
    if not given:
        absent("the given list of cases is not here: set RELAIS_TEST_FIELD_LESSONS")
    theirs = field_cases.listed_elsewhere(Path(given).read_text(encoding="utf-8"))

    assert theirs
    assert {case.id for case in CASES} == theirs


def test_marks_are_read_from_decorators_and_parameters(tmp_path):
    (tmp_path / "test_a.py").write_text(
        "@pytest.mark.field('FL-900')\ndef test_a(): ...\n"
        "X = [pytest.param(1, marks=pytest.mark.field('FL-901'))]\n"
        "# pytest.mark.field('FL-902')\n",
        encoding="utf-8",
    )

    assert field_cases.marked(tmp_path) == {"FL-900": ["test_a.py"], "FL-901": ["test_a.py"]}
