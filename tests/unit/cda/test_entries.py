"""Entries of a structured body: what was done, what is planned."""

import pytest

from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import (
    RPLC,
    TA,
    cda,
    entry,
    mode,
    only,
    plan,
    resources,
    section,
    sections,
)


@pytest.mark.field("FL-184")
def test_mood_and_not_status_tells_planned_from_done(convert: Convert) -> None:
    inner = '<code code="ECQH010" codeSystem="1.2.250.1.215.300.1"/><statusCode code="completed"/>'

    planned = convert(cda(body=plan(entry("procedure", "INT", "62", inner))))
    done = convert(cda(body=plan(entry("procedure", "EVN", "62", inner))))

    assert (resources(planned, "Procedure"), len(resources(planned, "ServiceRequest"))) == ([], 1)
    assert only(planned, "CarePlan")["activity"] == [
        {"reference": {"reference": f"ServiceRequest/{only(planned, 'ServiceRequest')['id']}"}}
    ]
    made = [part.target.type for part in done.contributions if not part.annotates]
    assert (made.count("Procedure"), made.count("ServiceRequest")) == (1, 0)
    # If a version before planned it, that request is done now.
    assert [part.resource["status"] for part in done.contributions if part.annotates] == [
        "completed"
    ]
    assert "activity" not in only(done, "CarePlan")


@pytest.mark.field("FL-185")
def test_entries_with_one_id_are_two_resources(convert: Convert) -> None:
    inner = f'<id root="0A"/><code code="ORG-064" codeSystem="{TA}"/>'
    same = entry("observation", "INT", "27", inner)

    found = resources(convert(cda(body=plan(same, same))), "ServiceRequest")

    assert len({item["id"] for item in found}) == 2


@pytest.mark.parametrize(
    ("priority", "expected", "kept"),
    [
        ("UR", "urgent", False),
        ("EM", "stat", False),
        ("S", "stat", False),
        ("A", "asap", False),
        ("R", "routine", False),
        ("EL", "routine", True),
        ("CS", "routine", True),
    ],
)
def test_priorities_without_equal_keep_their_code(
    priority: str, expected: str, kept: bool, convert: Convert
) -> None:
    inner = (
        f'<code code="ORG-064" codeSystem="{TA}"/>'
        f'<priorityCode code="{priority}" codeSystem="2.16.840.1.113883.5.7"/>'
    )

    found = only(
        convert(cda(body=plan(entry("observation", "INT", "27", inner)))), "ServiceRequest"
    )

    assert found["priority"] == expected
    assert ("extension" in found) is kept


def test_planned_dates_come_from_the_component_when_the_act_has_none(convert: Convert) -> None:
    inner = (
        '<code code="ECQH010" codeSystem="1.2.250.1.215.300.1"/><effectiveTime nullFlavor="UNK"/>'
        '<entryRelationship typeCode="COMP"><observation><code code="GEN-177"/><effectiveTime>'
        '<low value="20260401"/><high value="20260430"/></effectiveTime></observation>'
        "</entryRelationship>"
    )

    mapped = convert(cda(body=plan(entry("procedure", "INT", "62", inner))))

    span = {"start": "2026-04-01", "end": "2026-04-30"}
    assert only(mapped, "ServiceRequest")["occurrencePeriod"] == span
    assert only(mapped, "CarePlan")["period"] == span


@pytest.mark.parametrize(
    ("mood", "time", "status", "slot"),
    [
        ("PRMS", '<effectiveTime value="202604020930+0200"/>', "booked", True),
        ("PRMS", '<effectiveTime value="20260402"/>', "proposed", False),
        ("ARQ", '<effectiveTime value="202604020930+0200"/>', "proposed", False),
        ("ARQ", '<effectiveTime nullFlavor="UNK"/>', "proposed", False),
    ],
)
def test_only_a_promise_with_its_hour_is_booked(
    mood: str, time: str, status: str, slot: bool, convert: Convert
) -> None:
    mapped = convert(cda(body=plan(entry("encounter", mood, "58", f'<code code="AMB"/>{time}'))))

    found = only(mapped, "Appointment")
    assert found["status"] == status
    assert ("start" in found, "end" in found) == (slot, slot)


def test_goal_is_a_goal_and_no_activity(convert: Convert) -> None:
    inner = f'<code code="27113001" codeSystem="{TA}"/><effectiveTime value="20260612"/>'

    mapped = convert(cda(body=plan(entry("observation", "GOL", "27", inner))))

    goal = only(mapped, "Goal")
    assert goal["target"][0]["dueDate"] == "2026-06-12"
    assert only(mapped, "CarePlan")["goal"] == [{"reference": f"Goal/{goal['id']}"}]
    assert resources(mapped, "ServiceRequest") == []


def test_negated_problem_is_refuted(convert: Convert) -> None:
    problem = entry(
        "act",
        "EVN",
        "39",
        '<statusCode code="active"/><entryRelationship typeCode="SUBJ"><observation {}>'
        '<value xsi:type="CD" code="E11" codeSystem="2.16.840.1.113883.6.3"/>'
        "</observation></entryRelationship>",
    )
    body = sections(section("163", problem.format('negationInd="true"')))
    plain = sections(section("163", problem.format('negationInd="false"')))

    refuted, present = (
        only(convert(cda(body=body)), "Condition"),
        only(convert(cda(body=plain)), "Condition"),
    )

    assert refuted["verificationStatus"]["coding"][0]["code"] == "refuted"
    assert "clinicalStatus" not in refuted
    assert present["verificationStatus"]["coding"][0]["code"] == "confirmed"


def test_allergy_entry_that_names_nothing_makes_no_allergy(convert: Convert) -> None:
    empty = entry(
        "act",
        "EVN",
        "40",
        '<entryRelationship typeCode="SUBJ"><observation><code code="416098002"'
        ' codeSystem="2.16.840.1.113883.6.96"/><value xsi:type="CD"><originalText>'
        '<reference value="#"/></originalText></value></observation></entryRelationship>',
    )

    mapped = convert(cda(body=sections(section("137", empty))))

    assert resources(mapped, "AllergyIntolerance") == []
    # Letters write "no known allergy" so: nothing of it is lost, and nothing is told as lost.
    assert mapped.issues == []


def test_coded_absence_of_allergies_is_said(convert: Convert) -> None:
    none = entry(
        "act",
        "EVN",
        "40",
        '<entryRelationship typeCode="SUBJ"><observation><code code="609328004"'
        ' codeSystem="2.16.840.1.113883.6.96"/><value xsi:type="CD" code="no-known-allergies"'
        ' codeSystem="2.16.840.1.113883.5.1150.1"/></observation></entryRelationship>',
    )

    found = only(convert(cda(body=sections(section("137", none)))), "AllergyIntolerance")

    assert found["code"]["coding"][0] == {
        "system": "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips",
        "code": "no-known-allergies",
    }


@pytest.mark.parametrize(
    ("section_code", "status"),
    [
        ("18610-6", "stopped"),
        ("10183-2", "active"),
        pytest.param("99999-9", "unknown", marks=pytest.mark.field("FL-149")),
    ],
)
def test_section_of_a_treatment_decides_its_status(
    section_code: str, status: str, convert: Convert
) -> None:
    drug = entry(
        "substanceAdministration",
        "EVN",
        "42",
        '<statusCode code="completed"/><consumable><manufacturedProduct><manufacturedMaterial>'
        "<name>FICTIFAMOL</name></manufacturedMaterial></manufacturedProduct></consumable>",
    )

    mapped = convert(cda(body=sections(section("145", drug, code=section_code))))

    assert only(mapped, "MedicationStatement")["status"] == status


@pytest.mark.field("FL-191")
def test_unknown_model_converts_its_header_and_the_sections_that_are_known(
    convert: Convert,
) -> None:
    mapped = convert(
        cda(
            template='<templateId root="1.2.250.1.213.1.1.1.999"/>',
            code='<code code="99999-9" codeSystem="2.16.840.1.113883.6.1"/>',
            body=plan(entry("procedure", "INT", "62", '<code code="A"/>')),
        )
    )

    assert only(mapped, "DocumentReference")["content"][0]["format"]["code"] == (
        "urn:asipSante:modelesHorsProfils:2011"
    )
    assert only(mapped, "ServiceRequest")["code"] == {"coding": [{"code": "A"}]}


@pytest.mark.field("FL-192")
def test_dates_that_disagree_stay_where_they_were_said(convert: Convert) -> None:
    value = '<value xsi:type="CE" code="160849004" codeSystem="2.16.840.1.113883.6.96"/>'
    body = mode("ORG-074", value).replace('value="20260312"', 'value="20180312"')

    mapped = convert(cda(body=body))

    assert resources(mapped, "Encounter")[0]["period"]["end"] == "2026-03-12T15:00:00+01:00"


@pytest.mark.field("FL-147")
def test_nothing_is_left_from_the_document_before(convert: Convert) -> None:
    alone = convert(cda())

    convert(cda(body=plan(entry("procedure", "INT", "62", '<code code="A"/>')), header=RPLC))

    assert convert(cda()).contributions == alone.contributions


def test_nothing_of_the_person_is_in_issues_and_errors(convert: Convert) -> None:
    body = cda(body=mode("ORG-074", '<value xsi:type="CE" code="ZZZ"/>'))

    said = " ".join(str(issue) for issue in convert(body).issues)

    assert not any(word in said for word in ("ESSAI", "IPP0000123", "1948", "ZZZ"))
