"""Values between converter and resource: JSON types, empties, codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.values import copied, pruned, source_code, typed


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("true", "boolean", True),
        ("-3", "integer", -3),
        ("0", "unsignedInt", 0),
        ("1", "positiveInt", 1),
        ("72", "decimal", 72),
        ("72.50", "decimal", 72.5),
        ("1e-3", "decimal", 0.001),
        ("010", "string", "010"),
    ],
)
def test_text_takes_its_json_type(text, kind, expected):
    found = typed(text, kind)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Y", "boolean"),
        ("1_000", "integer"),
        (" 5", "integer"),
        ("٣", "integer"),
        ("2147483648", "integer"),
        ("0", "positiveInt"),
        ("-1", "unsignedInt"),
        ("nan", "decimal"),
        ("1e999", "decimal"),
        ("1,5", "decimal"),
    ],
)
def test_text_of_another_type_is_refused(text, kind):
    with pytest.raises(ValueError, match=kind):
        typed(text, kind)


TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=2)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)


def empties(value):
    """List the empty objects, lists, texts and nulls at or below a value."""
    if isinstance(value, dict | list):
        below = value.values() if isinstance(value, dict) else value
        return [one for item in below for one in empties(item)] + ([] if value else [value])
    return [value] if value is None or value == "" else []


@given(TREES)
def test_nothing_empty_is_left_below_a_value(value):
    found = pruned(value)

    assert [one for one in empties(found) if one is not found] == []
    assert pruned(found) is found


@given(TREES)
def test_value_without_empties_is_the_same_object_and_false_and_zero_stay(value):
    clean = {"keep": [False, 0, "x"], "more": pruned(value)}
    if empties(clean):
        clean.pop("more")

    assert pruned(clean) is clean


def test_copy_shares_no_object():
    value = {"coding": [{"code": "c"}]}

    made = copied(value)
    made["coding"][0]["code"] = "d"

    assert value == {"coding": [{"code": "c"}]}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("F", "F"),
        ({"system": "s", "code": "F"}, "F"),
        ({"coding": [{"code": "F"}, {"code": "G"}]}, "F"),
        ({"text": "femme"}, None),
        (True, None),
    ],
)
def test_code_of_what_a_converter_returned(value, code):
    assert source_code(value) == code


def test_coding_of_a_target_says_its_own_system_first():
    made = ConceptMap.model_validate(
        {
            "name": "m",
            "source": "s",
            "version": "1",
            "system": "urn:a",
            "codes": {"1": "x", "2": {"code": "y", "system": "urn:b", "display": "Y"}},
        }
    )

    assert made.coding(made.codes["1"]) == {"system": "urn:a", "code": "x"}
    assert made.coding(made.codes["2"]) == {"system": "urn:b", "code": "y", "display": "Y"}
    assert made.find("3") is None
