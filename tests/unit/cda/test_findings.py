"""Observations: values of every type, panels, samples, results of a laboratory."""

from typing import Any

import pytest

from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import cda, entry, only, resources, section, sections

SIMPLE = "1.3.6.1.4.1.19376.1.5.3.1.4.13"
LAB = "1.2.250.1.213.1.1.3."
CR_BIO = '<templateId root="1.2.250.1.213.1.1.1.55"/>'
BIO_CODE = '<code code="11502-2" codeSystem="2.16.840.1.113883.6.1"/>'


def _observation(value: str, inner: str = "", code: str = "8310-5") -> str:
    return entry(
        "observation", "EVN", "48",
        f'<code code="{code}" codeSystem="2.16.840.1.113883.6.1"/>{value}{inner}',
    )  # fmt: skip


def _body(*entries: str) -> bytes:
    return cda(body=sections(section("163", *entries)))


@pytest.mark.parametrize(
    ("value", "element", "expected"),
    [
        ('<value xsi:type="IVL_PQ"><low value="8" unit="mg"/></value>', "valueQuantity",
         {"value": 8, "comparator": ">="}),
        ('<value xsi:type="IVL_PQ"><high value="2" unit="mg" inclusive="false"/></value>',
         "valueQuantity", {"value": 2, "comparator": "<"}),
        ('<value xsi:type="IVL_PQ"><low value="1" unit="mg"/><high value="2" unit="mg"/></value>',
         "valueRange", {}),
        ('<value xsi:type="REAL" value="1.5"/>', "valueQuantity", {"value": 1.5}),
        ('<value xsi:type="IVL_TS"><low value="20260301"/></value>', "valuePeriod",
         {"start": "2026-03-01"}),
        ('<value xsi:type="RTO_PQ_PQ"><numerator value="1"/><denominator value="8"/></value>',
         "valueRatio", {}),
    ],
    ids=["at least", "less than", "range", "real number", "period", "ratio"],
)  # fmt: skip
def test_values_of_less_frequent_types(
    value: str, element: str, expected: dict[str, Any], convert: Convert
) -> None:
    found = only(convert(_body(_observation(value))), "Observation")

    assert found[element].items() >= expected.items()
    assert [name for name in found if name.startswith("value")] == [element]


@pytest.mark.field("FL-340")
@pytest.mark.parametrize(
    ("value", "element"),
    [
        ('<value code="A" codeSystem="1.2.3"/>', "valueCodeableConcept"),
        ('<value value="true"/>', "valueBoolean"),
        ('<value value="37.2" unit="Cel"/>', "valueQuantity"),
        ('<value><low value="1" unit="mg"/><high value="2" unit="mg"/></value>', "valueRange"),
        ("<value>fièvre</value>", "valueString"),
    ],
)
def test_value_without_its_type_is_read_by_its_shape_and_told(
    value: str, element: str, convert: Convert
) -> None:
    mapped = convert(_body(_observation(value)))

    assert element in only(mapped, "Observation")
    (issue,) = mapped.issues
    assert issue.code == "RLS-CDA-036"
    assert issue.where.endswith("/observation/value")


def test_value_whose_type_cannot_be_told_is_not_guessed(convert: Convert) -> None:
    found = only(convert(_body(_observation('<value value="20260301"/>'))), "Observation")

    assert not any(name.startswith("value") for name in found)


def test_nothing_but_a_null_flavor_is_a_reason_for_absence(convert: Convert) -> None:
    found = only(
        convert(_body(_observation('<value xsi:type="PQ" nullFlavor="NASK"/>'))), "Observation"
    )

    assert found["dataAbsentReason"]["coding"][0]["code"] == "not-asked"


def test_words_of_a_null_value_are_no_absence(convert: Convert) -> None:
    value = '<value xsi:type="CD" nullFlavor="OTH"><originalText>Au repos</originalText></value>'

    found = only(convert(_body(_observation(value))), "Observation")

    assert found["valueCodeableConcept"] == {"text": "Au repos"}
    assert "dataAbsentReason" not in found


def _vitals(*codes: str) -> str:
    parts = "".join(
        f'<component><observation moodCode="EVN"><templateId root="{SIMPLE}"/>'
        f'<templateId root="{LAB}50"/><code code="{code}" codeSystem="2.16.840.1.113883.6.1"/>'
        f'<value xsi:type="PQ" value="1" unit="kg"/></observation></component>'
        for code in codes
    )
    return entry("organizer", "EVN", "49", f'<code code="85353-1"/>{parts}')


def test_vital_signs_are_members_of_their_panel(convert: Convert) -> None:
    found = resources(convert(_body(_vitals("29463-7", "8302-2"))), "Observation")

    weight, height, panel = found
    assert panel["hasMember"] == [
        {"reference": f"Observation/{weight['id']}"},
        {"reference": f"Observation/{height['id']}"},
    ]
    assert weight["category"][0]["coding"][0]["code"] == "vital-signs"


def test_panel_without_members_is_nothing(convert: Convert) -> None:
    assert resources(convert(_body(_vitals())), "Observation") == []


def test_member_keeps_its_id_when_another_panel_comes_before_it(convert: Convert) -> None:
    alone = resources(convert(_body(_vitals("29463-7"))), "Observation")
    other = entry(
        "organizer", "EVN", "78",
        f'<code code="58410-2"/><component><observation moodCode="EVN">'
        f'<templateId root="{LAB}80"/><code code="29463-7"/></observation></component>',
    )  # fmt: skip

    both = resources(convert(_body(other, _vitals("29463-7"))), "Observation")

    assert {item["id"] for item in alone} <= {item["id"] for item in both}


def _lab(code: str, inner: str = "") -> str:
    return (
        f'<observation moodCode="EVN"><templateId root="{LAB}80"/>'
        f'<code code="{code}" codeSystem="2.16.840.1.113883.6.1"/>'
        f'<value xsi:type="PQ" value="1" unit="g"/>{inner}</observation>'
    )


def _laboratory(*statements: str) -> bytes:
    links = "".join(
        f'<entryRelationship typeCode="COMP">{statement}</entryRelationship>'
        for statement in statements
    )
    inner = (
        f'<section><templateId root="1.2.250.1.213.1.1.2.70"/><text>Bio</text><entry>'
        f'<templateId root="{LAB}21"/><act moodCode="EVN">'
        f'<code code="18725-2" codeSystem="2.16.840.1.113883.6.1"/>{links}</act>'
        "</entry></section>"
    )
    return cda(template=CR_BIO, code=BIO_CODE, body=sections(inner))


SAMPLING = (
    f'<procedure moodCode="EVN"><templateId root="{LAB}77"/><effectiveTime>'
    '<high value="202603110735+0100"/></effectiveTime><participant typeCode="PRD">'
    '<participantRole><playingEntity><code code="UR"/></playingEntity></participantRole>'
    "</participant></procedure>"
)
ISOLATE = (
    f'<organizer moodCode="EVN"><templateId root="{LAB}79"/><specimen><specimenRole>'
    '<specimenPlayingEntity><code code="112283007"/></specimenPlayingEntity></specimenRole>'
    f"</specimen><component>{_lab('51480-2')}</component></organizer>"
)


def test_result_is_of_the_sample_of_its_entry_or_of_its_isolate(convert: Convert) -> None:
    mapped = convert(_laboratory(SAMPLING, _lab("5767-9"), ISOLATE))

    urine, isolate = resources(mapped, "Specimen")
    by_code = {item["code"]["coding"][0]["code"]: item for item in resources(mapped, "Observation")}
    assert by_code["5767-9"]["specimen"] == {"reference": f"Specimen/{urine['id']}"}
    assert by_code["51480-2"]["specimen"] == {"reference": f"Specimen/{isolate['id']}"}
    assert isolate["parent"] == [{"reference": f"Specimen/{urine['id']}"}]


def test_report_holds_what_no_panel_of_it_holds(convert: Convert) -> None:
    mapped = convert(_laboratory(SAMPLING, _lab("5767-9"), ISOLATE))

    report = only(mapped, "DiagnosticReport")
    (top,) = report["result"]
    found = {f"Observation/{item['id']}": item for item in resources(mapped, "Observation")}
    held = {link["reference"] for item in found.values() for link in item.get("hasMember", ())}
    assert set(found) - held == {top["reference"]}


def test_earlier_result_repeated_for_comparison_is_not_made_again(convert: Convert) -> None:
    history = (
        '<entryRelationship typeCode="REFR"><observation moodCode="EVN">'
        '<code code="3016-3"/><value xsi:type="PQ" value="9" unit="g"/></observation>'
        "</entryRelationship>"
    )

    mapped = convert(_laboratory(_lab("3016-3", history)))

    found = resources(mapped, "Observation")
    values = [item.get("valueQuantity", {}).get("value") for item in found]
    assert values == [1, None]
    assert mapped.issues == []
