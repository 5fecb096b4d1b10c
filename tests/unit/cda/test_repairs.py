"""What is spelled wrong and can only mean one thing."""

import pytest

from gateway.cda.reader import read
from gateway.core.errors import RejectedError
from gateway.core.issues import Severity
from gateway.mapping.sites import Site
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import cda, entry, only, resources, section, sections

STRICT = Site(name="strict", leniency="strict")
RESULT = '<code code="718-7" codeSystem="2.16.840.1.113883.6.1"/>{}'


def observation(value: str) -> bytes:
    return cda(body=sections(section("163", entry("observation", "EVN", "48",
                                                  RESULT.format(value)), text="x")))  # fmt: skip


@pytest.mark.field("FL-340")
@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ('moodCode="EVN"', 'moodcode="EVN"', "@moodCode"),
        ('codeSystem="2.16.840.1.113883.6.1"/>', 'codesystem="2.16.840.1.113883.6.1"/>',
         "@codeSystem"),
        ('<code code="718-7"', '<code Code="718-7"', "@code"),
    ],
)  # fmt: skip
def test_an_attribute_in_the_wrong_case_is_read_and_told(
    right: str, wrong: str, place: str, convert: Convert
) -> None:
    body = observation('<value xsi:type="PQ" value="12" unit="g/dL"/>').decode()
    at = body.index("<observation")
    changed = body[:at] + body[at:].replace(right, wrong, 1)

    mapped = convert(changed.encode())

    assert only(mapped, "Observation") == only(convert(body.encode()), "Observation")
    (issue,) = mapped.issues
    assert issue.code == "RLS-CDA-035"
    assert issue.severity is Severity.WARNING
    assert "/section/entry/observation" in issue.where
    assert issue.where.endswith(place)


@pytest.mark.field("FL-340")
def test_a_null_flavor_in_the_wrong_case_is_one(convert: Convert) -> None:
    mapped = convert(observation('<value xsi:type="PQ" nullflavor="UNK"/>'))

    assert "valueQuantity" not in only(mapped, "Observation")
    assert [one.where.rpartition("/")[2] for one in mapped.issues] == ["@nullFlavor"]


@pytest.mark.field("FL-340")
@pytest.mark.parametrize(
    ("value", "type_", "element"),
    [
        ('<value code="10828004" codeSystem="2.16.840.1.113883.6.96"/>', "CD",
         "valueCodeableConcept"),
        ('<value value="12.5" unit="g/dL"/>', "PQ", "valueQuantity"),
        ('<value value="true"/>', "BL", "valueBoolean"),
    ],
)  # fmt: skip
def test_a_value_without_type_that_is_clear_is_read_and_told(
    value: str, type_: str, element: str, convert: Convert
) -> None:
    mapped = convert(observation(value))
    typed = convert(observation(value.replace("<value", f'<value xsi:type="{type_}"')))

    assert only(mapped, "Observation")[element] == only(typed, "Observation")[element]
    assert typed.issues == []
    assert [(one.code, type_ in one.fix) for one in mapped.issues] == [("RLS-CDA-036", True)]
    assert mapped.issues[0].where.endswith("/section/entry/observation/value")


@pytest.mark.field("FL-340")
@pytest.mark.parametrize("value", ['<value value="12"/>', '<value value="douze" unit="g"/>'])
def test_a_value_without_type_that_is_not_clear_is_not_guessed(
    value: str, convert: Convert
) -> None:
    mapped = convert(observation(value))

    assert [name for name in only(mapped, "Observation") if name.startswith("value")] == []


@pytest.mark.field("FL-340")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (observation('<value code="1" codeSystem="2.16.840.1.113883.6.96"/>'), "RLS-CDA-036"),
        (observation('<value xsi:type="PQ" nullflavor="UNK"/>'), "RLS-CDA-035"),
    ],
)
def test_a_strict_source_is_refused_for_both(body: bytes, code: str, convert: Convert) -> None:
    with pytest.raises(RejectedError) as refused:
        convert(body, site=STRICT)

    assert [one.code for one in refused.value.issues if one.severity.refuses] == [code]


def test_an_attribute_that_stands_in_both_cases_is_left_alone() -> None:
    found = read(observation('<value xsi:type="PQ" value="1" unit="g" nullflavor="a"'
                             ' nullFlavor="UNK"/>'))  # fmt: skip

    assert found.mended == {}


def test_thousands_of_faults_are_told_in_a_few_words(convert: Convert) -> None:
    many = [entry("observation", "EVN", "48", RESULT.format('<value code="1"/>'))] * 80

    mapped = convert(cda(body=sections(section("163", *many, text="x"))))

    assert len(resources(mapped, "Observation")) == 80
    assert len([one for one in mapped.issues if one.code == "RLS-CDA-036"]) == 50
