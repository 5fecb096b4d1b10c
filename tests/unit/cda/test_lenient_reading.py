"""What other letters or a missing type would make unreadable is read all the same."""

import pytest

from tests.unit.cda.documents import node


@pytest.mark.field("FL-340")
@pytest.mark.parametrize("name", ["nullFlavor", "nullflavor", "NullFlavor"])
def test_a_null_flavor_counts_in_any_letters(name):
    assert node(f'<code {name}="UNK"/>').has_null_flavor


def test_a_null_flavor_without_value_is_none():
    assert not node('<code nullflavor=""/>').has_null_flavor


@pytest.mark.field("FL-340")
@pytest.mark.parametrize(
    ("value", "type_"),
    [
        ('<value code="8715000" codeSystem="2.16.840.1.113883.6.96"/>', "CD"),
        ('<value value="58" unit="kg"/>', "PQ"),
        ('<value xsi:type="CE" code="8715000"/>', "CE"),
        ("<value>text</value>", "ST"),
        ("<value/>", ""),
        ('<value value="20260301"/>', ""),
        ('<code code="8715000"/>', ""),
    ],
    ids=["code", "quantity", "told", "text", "empty", "date or number", "no value"],
)
def test_a_value_without_type_is_what_it_can_only_be(value, type_):
    assert node(value).type == type_
