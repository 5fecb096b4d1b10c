"""Transfers, preferences, directives, flags, encounters, files, references, dates that disagree."""

from base64 import b64encode

import pytest

from gateway.core.systems import FHIR_BASE
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import (
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

PDF = b64encode(b"%PDF-1.4\n%%EOF\n").decode()
SIMPLE = "1.3.6.1.4.1.19376.1.5.3.1.4.13"


def _transfer(participant: str) -> bytes:
    inner = (
        '<code code="80413-8" codeSystem="2.16.840.1.113883.6.1"/><effectiveTime>'
        f'<low value="202603111535+0100"/></effectiveTime>{participant}'
    )
    return cda(body=sections(section("163", entry("act", "EVN", "28", inner))))


@pytest.mark.parametrize(
    "participant",
    [
        '<participant typeCode="DST"><participantRole classCode="SDLOC">'
        '<id root="1.2.250.1.71.4.2.2" extension="1690012345"/></participantRole></participant>',
        '<participant typeCode="DST"><templateId root="1.2.250.1.71.4.2.2" extension="1690012345"/>'
        '<participantRole classCode="SDLOC"><id root="0A0A0A0A-0000-4000-8000-000000000001"/>'
        "</participantRole></participant>",
    ],
    ids=["in its id", "in a templateId, as published sheets have it"],
)
def test_transfer_asks_the_destination_by_its_number(participant: str, convert: Convert) -> None:
    mapped = convert(_transfer(participant))

    request = only(mapped, "ServiceRequest")
    stay = resources(mapped, "Encounter")[1]
    assert request["performer"] == [stay["hospitalization"]["destination"]]
    numbers = [
        item["value"]
        for organization in resources(mapped, "Organization")
        for item in organization["identifier"]
    ]
    assert "690012345" in numbers


def test_destination_without_number_is_named_only(convert: Convert) -> None:
    participant = (
        '<participant typeCode="DST"><participantRole classCode="SDLOC"><playingEntity>'
        "<name>Clinique des Essais</name></playingEntity></participantRole></participant>"
    )

    request = only(convert(_transfer(participant)), "ServiceRequest")

    assert request["performer"] == [{"display": "Clinique des Essais"}]


@pytest.mark.parametrize(
    ("value", "flagged"),
    [
        ("E. coli BLSE", True),
        ("Aucun", False),
        ("aucune.", False),
        ("Néant", False),
        ("-", False),
    ],
)
def test_organism_is_a_flag_unless_there_is_none(
    value: str, flagged: bool, convert: Convert
) -> None:
    body = mode("MED-144", f'<value xsi:type="ST">{value}</value>')

    mapped = convert(cda(body=body))

    assert bool(resources(mapped, "Flag")) is flagged
    assert only(mapped, "Observation")["valueString"] == value


@pytest.mark.parametrize(
    ("code", "value", "types", "provision"),
    [
        ("42348-3", "true", ["Consent"], None),
        ("42348-3", "false", ["Observation"], None),
        ("75779-9", "false", ["Consent"], "deny"),
        ("75779-9", "true", ["Consent"], "permit"),
    ],
    ids=["there are some", "there are none", "a treatment refused", "a treatment wanted"],
)
def test_directive_says_what_is_wanted_and_never_the_opposite(
    code: str, value: str, types: list[str], provision: str | None, convert: Convert
) -> None:
    inner = (
        f'<templateId root="{SIMPLE}"/><code code="{code}" codeSystem="2.16.840.1.113883.6.1"/>'
        f'<value xsi:type="BL" value="{value}"/>'
    )

    mapped = convert(cda(body=sections(section("157", entry("observation", "EVN", "54", inner)))))

    found = [t for t in ("Consent", "Observation") for _ in resources(mapped, t)]
    assert found == types
    said = [item.get("provision", {}).get("type") for item in resources(mapped, "Consent")]
    assert said == ([provision] if types == ["Consent"] else [])


def test_encounter_that_took_place_is_no_appointment(convert: Convert) -> None:
    inner = '<code code="AMB" codeSystem="2.16.840.1.113883.5.4"/><effectiveTime value="20250101"/>'

    mapped = convert(cda(body=plan(entry("encounter", "EVN", "58", inner)), stay=""))

    assert resources(mapped, "Appointment") == []
    told = {"system": f"{FHIR_BASE}/CodeSystem/data-quality", "code": "stated-in-document"}
    (found,) = [one for one in resources(mapped, "Encounter") if one["meta"].get("tag") == [told]]
    assert (found["status"], found["class"]["code"]) == ("finished", "AMB")


@pytest.mark.parametrize(("negated", "plans"), [("true", 0), ("false", 1)])
def test_section_that_only_says_what_is_not_done_is_no_plan(
    negated: str, plans: int, convert: Convert
) -> None:
    inner = '<code code="103735009" codeSystem="1.2.3"/><statusCode code="completed"/>'
    act = entry("procedure", "EVN", "62", inner, f'negationInd="{negated}"')

    mapped = convert(cda(body=plan(act)))

    assert len(resources(mapped, "CarePlan")) == plans
    assert only(mapped, "Procedure")["status"] == ("completed" if plans == 1 else "not-done")


def test_vaccination_of_a_plan_is_an_activity_of_it(convert: Convert) -> None:
    inner = (
        '<code code="IMMUNIZ" codeSystem="2.16.840.1.113883.5.4"/><consumable>'
        "<manufacturedProduct><manufacturedMaterial><name>VACCIN</name></manufacturedMaterial>"
        "</manufacturedProduct></consumable>"
    )

    mapped = convert(cda(body=plan(entry("substanceAdministration", "INT", "47", inner))))

    request = only(mapped, "MedicationRequest")
    assert only(mapped, "CarePlan")["activity"] == [
        {"reference": {"reference": f"MedicationRequest/{request['id']}"}}
    ]


def test_negated_treatment_of_a_plan_leaves_no_dangling_activity(convert: Convert) -> None:
    drug = entry(
        "substanceAdministration", "INT", "42",
        "<consumable><manufacturedProduct><manufacturedMaterial><name>X</name>"
        "</manufacturedMaterial></manufacturedProduct></consumable>",
        'negationInd="true"',
    )  # fmt: skip

    mapped = convert(cda(body=plan(drug)))

    assert "activity" not in only(mapped, "CarePlan")


def _media(data: str, kind: str = "DLU_020") -> bytes:
    organizer = (
        f'<organizer moodCode="EVN"><templateId root="1.2.250.1.213.1.1.3.18"/>'
        f'<component><observation moodCode="EVN"><templateId root="{SIMPLE}"/>'
        f'<code code="69764-9"/><value xsi:type="CD" code="{kind}" codeSystem="{TA}"'
        ' displayName="Annexe"/></observation></component><component>'
        '<observationMedia moodCode="EVN"><value mediaType="application/pdf"'
        f' representation="B64">{data}</value></observationMedia></component></organizer>'
    )
    return cda(body=sections(section("37", organizer)))


@pytest.mark.parametrize(("kind", "relation"), [("DLU_020", "appends"), ("55108-5", "transforms")])
def test_file_inside_a_document_is_one_of_its_own(
    kind: str, relation: str, convert: Convert
) -> None:
    mapped = convert(_media(PDF, kind))

    main, annex = resources(mapped, "DocumentReference")
    assert annex["relatesTo"] == [
        {"code": relation, "target": {"reference": f"DocumentReference/{main['id']}"}}
    ]
    attachment = annex["content"][0]["attachment"]
    assert attachment["url"] in {f"Binary/{item['id']}" for item in resources(mapped, "Binary")}
    assert (attachment["contentType"], attachment["title"]) == ("application/pdf", "Annexe")


@pytest.mark.parametrize(
    "data",
    ["PGh0bWw+PC9odG1sPg==", "%%%", ""],
    ids=["active content", "no base64", "empty"],
)
def test_file_that_cannot_be_used_is_left_out_and_told(data: str, convert: Convert) -> None:
    mapped = convert(_media(data))

    assert len(resources(mapped, "DocumentReference")) == 1
    assert "RLS-CDA-034" in [issue.code for issue in mapped.issues]


def test_same_file_twice_is_one_binary(convert: Convert) -> None:
    twice = _media(PDF).replace(b"</organizer>", b"</organizer></entry><entry>", 1)
    twice = twice.replace(
        b"<entry></entry>",
        b'<entry><observationMedia moodCode="EVN"><value mediaType="application/pdf"'
        b' representation="B64">' + PDF.encode() + b"</value></observationMedia></entry>",
    )

    mapped = convert(twice)

    assert len(resources(mapped, "DocumentReference")) == 3
    assert len(resources(mapped, "Binary")) == 2


def test_other_document_is_named_by_its_identifier(convert: Convert) -> None:
    act = entry(
        "act", "EVN", "35",
        "<code nullFlavor='NA'/><reference typeCode='REFR'><externalDocument>"
        '<id root="1.2.250.1.999.7.1" extension="CRH-1"/></externalDocument></reference>',
    )  # fmt: skip

    mapped = convert(cda(body=sections(section("55", act, code="55107-7"))))

    related = only(mapped, "DocumentReference")["context"]["related"]
    assert related == [
        {
            "type": "DocumentReference",
            "identifier": {"system": "urn:oid:1.2.250.1.999.7.1", "value": "CRH-1"},
        }
    ]
    assert mapped.issues == []


@pytest.mark.field("FL-192")
@pytest.mark.parametrize(
    ("date", "told"),
    [("20260312", False), ("202603", False), ("20180312", True), ("202603112359+0100", True)],
)
def test_discharge_date_that_contradicts_the_header_is_told_and_kept(
    date: str, told: bool, convert: Convert
) -> None:
    value = '<value xsi:type="CE" code="160849004" codeSystem="2.16.840.1.113883.6.96"/>'
    body = mode("ORG-074", value).replace('value="20260312"', f'value="{date}"')

    mapped = convert(cda(body=body))

    assert ("RLS-CDA-041" in [issue.code for issue in mapped.issues]) is told
    assert only(mapped, "Observation")["effectiveDateTime"].replace("-", "").startswith(date[:6])


def test_death_is_told_by_the_header_alone(convert: Convert) -> None:
    value = '<value xsi:type="CE" code="419620001" codeSystem="2.16.840.1.113883.6.96"/>'

    mapped = convert(cda(body=mode("ORG-074", value)))

    assert not any(name.startswith("deceased") for name in resources(mapped, "Patient")[0])
