"""When and how much of a treatment: every form of time and every form of treatment."""

from typing import Any

import pytest

from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import cda, entry, only, resources, section, sections

PRODUCT = (
    "<consumable><manufacturedProduct><manufacturedMaterial><code nullFlavor='NA'/>"
    "<name>{}</name></manufacturedMaterial></manufacturedProduct></consumable>"
)
FROM_TO = '<effectiveTime xsi:type="IVL_TS"><low value="20260312"/><high value="20260317"/></effectiveTime>'  # noqa: E501
PCC = "1.3.6.1.4.1.19376.1.5.3.1.4"


def _treatment(inner: str, mood: str = "INT", template: str = "42", product: str = "ESSAI") -> str:
    return entry("substanceAdministration", mood, template, inner + PRODUCT.format(product))


def _dosages(convert: Convert, inner: str) -> list[dict[str, Any]]:
    body = sections(section("143", _treatment(inner), code="10160-0"))
    found: list[dict[str, Any]] = only(convert(cda(body=body)), "MedicationRequest").get(
        "dosageInstruction", []
    )
    return found


def _step(number: int, inner: str) -> str:
    return (
        f'<entryRelationship typeCode="COMP"><sequenceNumber value="{number}"/>'
        f'<substanceAdministration moodCode="INT"><templateId root="1.2.250.1.213.1.1.3.42.1"/>'
        f"{inner}</substanceAdministration></entryRelationship>"
    )


@pytest.mark.parametrize(
    ("time", "repeat"),
    [
        pytest.param(
            '<effectiveTime xsi:type="PIVL_TS" operator="A"><period value="8" unit="h"/>'
            "</effectiveTime>",
            {"frequency": 1, "period": 8, "periodUnit": "h"},
            id="every eight hours",
        ),
        pytest.param(
            '<effectiveTime xsi:type="EIVL_TS" operator="A"><event code="HS"/></effectiveTime>',
            {"when": ["HS"]},
            id="at bedtime",
        ),
        pytest.param(
            '<effectiveTime xsi:type="EIVL_TS" operator="A"><event code="ACM"/><offset>'
            '<low value="30" unit="min"/></offset></effectiveTime>',
            {"when": ["ACM"], "offset": 30},
            id="half an hour before breakfast",
        ),
        pytest.param(
            '<effectiveTime xsi:type="EIVL_TS" operator="A"><event code="CM"/><offset>'
            '<low value="1" unit="h"/></offset></effectiveTime>',
            {"when": ["CM"]},
            id="a meal itself has no offset",
        ),
        pytest.param(
            '<effectiveTime xsi:type="PIVL_TS" operator="A" alignment="DW"><phase>'
            '<low value="20260316"/></phase><period value="1" unit="wk"/></effectiveTime>',
            {"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon"]},
            id="on Mondays",
        ),
        pytest.param(
            '<effectiveTime xsi:type="PIVL_TS" operator="A"><phase><low value="202603120800"/>'
            '</phase><period value="1" unit="d"/></effectiveTime>',
            {"frequency": 1, "period": 1, "periodUnit": "d", "timeOfDay": ["08:00:00"]},
            id="every day at eight",
        ),
        pytest.param(
            '<effectiveTime><period value="2" unit="d"/></effectiveTime>',
            {"frequency": 1, "period": 2, "periodUnit": "d"},
            id="a period without xsi:type",
        ),
    ],
)
def test_a_time_becomes_a_timing(time: str, repeat: dict[str, Any], convert: Convert) -> None:
    (dosage,) = _dosages(convert, time)

    assert dosage["timing"] == {"repeat": repeat}


def test_offset_of_one_of_two_meals_is_said_in_words(convert: Convert) -> None:
    time = (
        '<effectiveTime xsi:type="SXPR_TS" operator="A"><comp xsi:type="EIVL_TS">'
        '<event code="ACM"/><offset><low value="30" unit="min"/></offset></comp>'
        '<comp xsi:type="EIVL_TS"><event code="HS"/></comp></effectiveTime>'
    )

    (dosage,) = _dosages(convert, time)

    assert dosage["timing"] == {
        "repeat": {"when": ["ACM", "HS"]},
        "code": {"text": "ACM 30 min"},
    }


def test_unit_of_a_period_that_is_none_is_not_guessed(convert: Convert) -> None:
    time = (
        '<effectiveTime xsi:type="PIVL_TS" operator="A"><period value="1" unit="J"/>'
        "</effectiveTime>"
    )

    (dosage,) = _dosages(convert, time)

    assert dosage["timing"] == {"code": {"text": "1 J"}}


@pytest.mark.parametrize(
    ("width", "bounds"),
    [
        ('<low value="20260312"/><width value="2" unit="d"/>',
         {"boundsPeriod": {"start": "2026-03-12", "end": "2026-03-13"}}),
        ('<low value="20260312"/><width value="3" unit="h"/>',
         {"boundsPeriod": {"start": "2026-03-12"}}),
        ('<width value="10" unit="d"/>',
         {"boundsDuration": {"value": 10, "unit": "d", "system": "http://unitsofmeasure.org",
                             "code": "d"}}),
    ],
    ids=["whole days end on the last of them", "hours from a day have no end", "no start"],
)  # fmt: skip
def test_a_width_bounds_a_treatment(width: str, bounds: dict[str, Any], convert: Convert) -> None:
    (dosage,) = _dosages(convert, f'<effectiveTime xsi:type="IVL_TS">{width}</effectiveTime>')

    assert dosage["timing"]["repeat"] == bounds


def test_steps_of_a_tapered_treatment_share_route_and_maximum(convert: Convert) -> None:
    def days(start: str, length: int, hours: int) -> str:
        return (
            '<effectiveTime xsi:type="SXPR_TS"><comp xsi:type="IVL_TS" operator="A">'
            f'<low value="{start}"/><width value="{length}" unit="d"/></comp>'
            f'<comp xsi:type="PIVL_TS" operator="A"><period value="{hours}" unit="h"/></comp>'
            "</effectiveTime>"
        )

    inner = (
        f'<templateId root="{PCC}.8"/>{FROM_TO}'
        '<routeCode code="20053000" codeSystem="0.4.0.127.0.16.1.1.2.1"/>'
        + _step(1, days("20260312", 2, 8) + '<doseQuantity value="2" unit="mg"/>')
        + _step(2, days("20260314", 4, 12) + '<doseQuantity value="1" unit="mg"/>')
    )

    first, second = _dosages(convert, inner)

    assert (first["sequence"], second["sequence"]) == (1, 2)
    assert first["route"] == second["route"]
    assert first["timing"]["repeat"]["boundsPeriod"]["end"] == "2026-03-13"
    assert second["timing"]["repeat"]["boundsPeriod"]["start"] == "2026-03-14"
    assert second["doseAndRate"][0]["doseQuantity"]["value"] == 1


def test_conditional_treatment_says_its_condition_at_each_step(convert: Convert) -> None:
    criterion = "<precondition><criterion><text>{}</text></criterion></precondition>"
    inner = (
        f'<templateId root="{PCC}.10"/>'
        + _step(1, '<doseQuantity value="1" unit="mg"/>' + criterion.format("douleur"))
        + _step(2, '<doseQuantity value="2" unit="mg"/>' + criterion.format("douleur intense"))
    )

    found = _dosages(convert, inner)

    assert [dosage["asNeededCodeableConcept"]["text"] for dosage in found] == [
        "douleur",
        "douleur intense",
    ]


def test_first_dose_beside_its_steps_comes_first(convert: Convert) -> None:
    inner = f'<templateId root="{PCC}.9"/><doseQuantity value="4" unit="mg"/>' + _step(
        1, '<doseQuantity value="2" unit="mg"/>'
    )

    found = _dosages(convert, inner)

    assert [dosage["doseAndRate"][0]["doseQuantity"]["value"] for dosage in found] == [4, 2]
    assert found[1]["sequence"] == 2


def test_products_given_together_are_requests_of_one_group(convert: Convert) -> None:
    parts = "".join(
        f'<entryRelationship typeCode="COMP">{_treatment("", product=name)}</entryRelationship>'
        for name in ("UN", "DEUX")
    )
    whole = _treatment(f'<templateId root="{PCC}.11"/>{parts}', product="LES DEUX")

    found = resources(
        convert(cda(body=sections(section("143", whole, code="10160-0")))), "MedicationRequest"
    )

    assert [item["medicationCodeableConcept"]["text"] for item in found] == [
        "LES DEUX",
        "UN",
        "DEUX",
    ]
    assert len({item["groupIdentifier"]["value"] for item in found}) == 1


def test_a_dash_in_a_table_is_no_instruction(convert: Convert) -> None:
    def told(words: str) -> str:
        return (
            '<entryRelationship typeCode="SUBJ"><act moodCode="INT">'
            '<templateId root="1.2.250.1.213.1.1.3.33"/><code code="PINSTRUCT"/>'
            f"<text>{words}</text></act></entryRelationship>"
        )

    said, silent = (_dosages(convert, FROM_TO + told(words))[0] for words in ("Au repas", "-"))

    assert said["patientInstruction"] == "Au repas"
    assert "patientInstruction" not in silent
