"""Conditions: what they accept, what they mean with nothing known, how they fail."""

import pytest

from gateway.core.events import ATTRIBUTES
from gateway.pathway.where import WhereError, compile_where

FIELDS = ATTRIBUTES["DOC"]
TRIGGER = ATTRIBUTES["ENC"]


def holds(text, fact=None, trigger=None):
    return compile_where(text, FIELDS, TRIGGER)(fact or {}, trigger or {})


@pytest.mark.parametrize(
    ("text", "fact", "trigger", "expected"),
    [
        ("", {}, {}, True),
        ("completion == 'done'", {"completion": "done"}, {}, True),
        ("completion != 'done'", {"completion": "done"}, {}, False),
        ("gp == t.gp", {"gp": "1"}, {"gp": "1"}, True),
        ("version > 1", {"version": 2}, {}, True),
        ("version <= 1.5", {"version": 2}, {}, False),
        ("pending_results", {"pending_results": True}, {}, True),
        ("not pending_results", {}, {}, True),
        ("completion in ['done', 'closed']", {"completion": "closed"}, {}, True),
        ("t.gp in recipients", {"recipients": ["1", "2"]}, {"gp": "2"}, True),
        ("te >= t.te", {"te": "2026-01-02T00:00:00Z"}, {"te": "2026-01-01T00:00:00Z"}, True),
        ("gp == null or version == 1 and completion == 'x'", {}, {}, True),
        ("(gp == null or version == 1) and completion == 'x'", {}, {}, False),
        ("not gp == null", {"gp": "1"}, {}, True),
        ("first_line == true", {"first_line": True}, {}, True),
    ],
)
def test_meaning_of_a_condition(text, fact, trigger, expected):
    assert holds(text, fact, trigger) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gp == null", True),
        ("gp != null", False),
        ("gp != '9'", True),
        ("gp == t.gp", True),
        ("version > 0", False),
        ("version <= 0", False),
        ("completion in ['done']", False),
        ("t.gp in recipients", False),
        ("pending_results", False),
        ("pending_results == false", False),
    ],
)
def test_null_equals_null_only_and_every_other_comparison_with_it_is_false(text, expected):
    assert holds(text) is expected


@pytest.mark.parametrize(
    ("text", "column", "kind"),
    [
        ("completion = 'done'", 12, "syntax"),
        ("completion == ", 15, "syntax"),
        ("completion == 'done' gp", 22, "syntax"),
        ("(completion == 'done'", 22, "syntax"),
        ("completion in ['done'", 22, "syntax"),
        ("completion in [gp]", 16, "syntax"),
        ("len(completion) == 1", 1, "field"),
        ("now > te", 1, "field"),
        ("t.nothing == 1", 1, "field"),
        ("complétion == 'done'", 6, "syntax"),
        ("completion == 1", 15, "types"),
        ("version in ['1']", 13, "types"),
        ("completion", 1, "types"),
        ("completion < 'done'", 12, "types"),
        ("version and gp == null", 1, "types"),
        ("gp in completion", 4, "types"),
        ("and", 1, "syntax"),
        ("__class__ == 'x'", 1, "field"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_column(text, column, kind):
    with pytest.raises(WhereError) as caught:
        holds(text)

    assert (caught.value.column, caught.value.kind) == (column, kind)
