"""The patient of a document: what is said of them, and what is said to be absent."""

from typing import Any

import pytest

from gateway.cda.absence import ABSENT
from gateway.core.contributions import Target
from gateway.core.envelope import Envelope
from gateway.fhir.fold import merge
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import INS, IPP, NAME, PERSON, cda, only, resources

SEX = '<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>'
MASKED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "MASKED",
}


def patient(convert: Convert, **parts: str) -> dict[str, Any]:
    return resources(convert(cda(**parts)), "Patient")[0]


@pytest.mark.parametrize(
    ("flavor", "reason"),
    [
        ("UNK", "unknown"),
        ("NASK", "not-asked"),
        ("ASKU", "asked-unknown"),
        ("NAV", "temp-unknown"),
        ("MSK", "masked"),
        ("NA", "not-applicable"),
        ("NI", "unknown"),
        ("OTH", "unsupported"),
        ("ZZZ", "unknown"),
    ],
)
def test_each_null_flavor_has_its_reason(flavor: str, reason: str, convert: Convert) -> None:
    found = patient(convert, person=f'{NAME}{SEX}<birthTime nullFlavor="{flavor}"/>')

    assert "birthDate" not in found
    assert found["_birthDate"]["extension"] == [{"url": ABSENT, "valueCode": reason}]


def test_what_the_identity_feed_says_takes_the_place_of_a_reason(convert: Convert) -> None:
    mapped = convert(cda(person=f'{NAME}{SEX}<birthTime nullFlavor="UNK"/>'))
    letter = next(p for p in mapped.contributions if p.target.type == "Patient")
    feed = letter.__class__(
        letter.target,
        letter.version._replace(recorded_at=letter.version.sent_at),
        {"resourceType": "Patient", "id": letter.target.id, "birthDate": "1948-03-17"},
    )

    merged = merge(letter.target, [feed, letter])

    assert merged is not None
    assert merged["birthDate"] == "1948-03-17"
    assert "_birthDate" not in merged


def test_a_sex_that_is_not_told_has_its_reason(convert: Convert) -> None:
    found = patient(convert, person=f'{NAME}<administrativeGenderCode nullFlavor="NASK"/>')

    assert "gender" not in found
    assert found["_gender"]["extension"][0]["valueCode"] == "not-asked"


def test_masked_data_mark_the_patient_and_are_not_guessed(convert: Convert) -> None:
    found = patient(convert, role='<addr nullFlavor="MSK"/>')

    assert found["meta"]["security"] == [MASKED]
    assert "address" not in found
    assert "security" not in patient(convert, role='<addr nullFlavor="NAV"/>')["meta"]


def test_a_time_of_birth_stands_beside_its_date(convert: Convert) -> None:
    person = PERSON.replace('value="19480317"', 'value="194803170530+0100"')

    found = patient(convert, person=person)

    assert found["birthDate"] == "1948-03-17"
    (beside,) = found["_birthDate"]["extension"]
    assert beside["url"] == "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
    assert beside["valueDateTime"] == "1948-03-17T05:30:00+01:00"


@pytest.mark.parametrize(
    ("birth", "expected"),
    [("1948", "1948"), ("194803", "1948-03"), ("19480000", "1948")],
)
def test_a_birth_date_keeps_its_precision(birth: str, expected: str, convert: Convert) -> None:
    assert patient(convert, person=PERSON.replace("19480317", birth))["birthDate"] == expected


@pytest.mark.parametrize("birth", ["1948031", "19481332", "18/03/1948"])
def test_an_impossible_birth_date_is_left_out_and_told(birth: str, convert: Convert) -> None:
    mapped = convert(cda(person=PERSON.replace("19480317", birth)))

    assert "birthDate" not in resources(mapped, "Patient")[0]
    assert [(one.code, one.where) for one in mapped.issues] == [
        ("RLS-CDA-019", "/ClinicalDocument/recordTarget/patientRole/patient/birthTime")
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('<sdtc:deceasedInd value="true"/>', {"deceasedBoolean": True}),
        ('<sdtc:deceasedInd value="false"/>', {"deceasedBoolean": False}),
        (
            '<sdtc:deceasedInd value="true"/><sdtc:deceasedTime value="20260311"/>',
            {"deceasedDateTime": "2026-03-11"},
        ),
        ('<sdtc:multipleBirthInd value="true"/>', {"multipleBirthBoolean": True}),
        (
            '<sdtc:multipleBirthInd value="true"/><sdtc:multipleBirthOrderNumber value="2"/>',
            {"multipleBirthInteger": 2},
        ),
    ],
)
def test_death_and_birth_rank_are_read(
    said: str, expected: dict[str, Any], convert: Convert
) -> None:
    found = patient(convert, person=PERSON + said)

    kept = {k: v for k, v in found.items() if k.startswith(("deceased", "multipleBirth"))}
    assert kept == expected


def test_several_addresses_and_telecoms_are_all_kept(convert: Convert) -> None:
    role = (
        '<addr use="H"><streetAddressLine>1 rue A</streetAddressLine><city>LYON</city></addr>'
        '<addr use="TMP"><houseNumber>2</houseNumber><streetName>rue B</streetName></addr>'
        '<telecom use="H" value="tel:0400000001"/><telecom use="MC" value="tel:0600000001"/>'
        '<telecom value="mailto:anne@exemple.invalid"/><telecom nullFlavor="NAV"/>'
    )

    found = patient(convert, role=role)

    assert [(one["use"], one["line"]) for one in found["address"]] == [
        ("home", ["1 rue A"]),
        ("temp", ["2 rue B"]),
    ]
    assert [one["value"] for one in found["telecom"]] == [
        "0400000001",
        "0600000001",
        "anne@exemple.invalid",
    ]


def test_the_mailbox_of_the_patient_travels_with_the_ins_only(convert: Convert) -> None:
    box = '<telecom value="mailto:248039999912341@patient.mssante.fr"/>'
    vouching = Envelope(
        patient=Target("Patient", "p"),
        identifiers=(("1.2.250.1.213.1.4.10", "248039999912341"),),
        ins_vouched=True,
    )

    without = patient(convert, role=box)
    found = resources(convert(cda(ids=INS + IPP, role=box), vouching), "Patient")[0]

    assert "telecom" not in without
    (mail,) = found["telecom"]
    assert mail["extension"][0]["valueCoding"]["code"] == "MSSANTE"


def test_guardians_are_contacts_a_person_or_a_structure(convert: Convert) -> None:
    guardians = (
        '<guardian><telecom value="tel:0400000009"/><guardianPerson><name><family>TUTRICE'
        "</family></name></guardianPerson></guardian>"
        '<guardian><guardianOrganization><id root="1.2.250.1.71.4.2.2" extension="1990000036"/>'
        "<name>Association des Essais</name></guardianOrganization></guardian>"
    )

    mapped = convert(cda(person=PERSON + guardians))

    person, structure = resources(mapped, "Patient")[0]["contact"]
    assert person["name"]["family"] == "TUTRICE"
    assert person["telecom"][0]["value"] == "0400000009"
    assert [one["relationship"][0]["coding"][0]["code"] for one in (person, structure)] == [
        "GUARD"
    ] * 2
    names = {one["id"]: one["name"] for one in resources(mapped, "Organization")}
    assert names[structure["organization"]["reference"].removeprefix("Organization/")] == (
        "Association des Essais"
    )


@pytest.mark.field("FL-339")
def test_empty_elements_of_the_header_say_nothing(convert: Convert) -> None:
    person = (
        "<name><family></family><given> </given></name>"
        '<administrativeGenderCode code=""/><birthTime value=" "/>'
        "<birthplace><place><addr><county></county><city/></addr></place></birthplace>"
    )
    role = '<addr><city></city><streetName/></addr><telecom value=""/><telecom value="tel:"/>'

    found = patient(convert, person=person, role=role)

    assert set(found) == {"resourceType", "id", "meta", "identifier"}


@pytest.mark.field("FL-339")
def test_a_name_with_one_empty_part_keeps_the_other(convert: Convert) -> None:
    person = f'<name><family qualifier="BR">ESSAI</family><given qualifier="BR"/></name>{SEX}'

    assert patient(convert, person=person)["name"] == [{"use": "official", "family": "ESSAI"}]


def test_consents_of_the_header_keep_their_state(convert: Convert) -> None:
    consent = (
        '<authorization><consent><code code="64292-6" codeSystem="2.16.840.1.113883.6.1"/>'
        '<statusCode code="{}"/></consent></authorization>'
    )
    states = ("completed", "active", "aborted")

    found = resources(
        convert(cda(header="".join(consent.format(state) for state in states))), "Consent"
    )

    assert [one["status"] for one in found] == ["active", "proposed", "rejected"]
    assert len({one["id"] for one in found}) == 3


def test_orders_acts_and_accession_numbers_are_related_by_number(convert: Convert) -> None:
    header = (
        '<inFulfillmentOf><order><id root="1.2.250.1.999.6.1" extension="ORD-1"/>'
        '<ps3-20:accessionNumber xmlns:ps3-20="urn:dicom-org:ps3-20" root="1.2.250.1.999.6.2"'
        ' extension="ACC-1"/></order></inFulfillmentOf>'
        '<documentationOf><serviceEvent><id root="1.2.250.1.999.6.3" extension="ACTE-1"/>'
        '<code code="ZBQK002" codeSystem="1.2.250.1.215.300.1"/></serviceEvent></documentationOf>'
    )

    context = only(convert(cda(header=header)), "DocumentReference")["context"]

    assert [
        (one.get("type"), one["identifier"]["value"], "type" in one["identifier"])
        for one in context["related"]
    ] == [("ServiceRequest", "ORD-1", False), ("ServiceRequest", "ACC-1", True),
          (None, "ACTE-1", False)]  # fmt: skip
    assert [one["coding"][0]["code"] for one in context["event"]] == ["ZBQK002"]
    assert context["practiceSetting"]["coding"][0]["code"] == "ETABLISSEMENT"


@pytest.mark.parametrize(
    ("kind", "code"), [("RPLC", "replaces"), ("APND", "appends"), ("XFRM", "transforms")]
)
def test_relations_to_other_documents_are_named(kind: str, code: str, convert: Convert) -> None:
    header = (
        f'<relatedDocument typeCode="{kind}"><parentDocument>'
        '<id root="1.2.250.1.999.7.1" extension="D0"/></parentDocument></relatedDocument>'
    )

    mapped = convert(cda(header=header))

    assert [one["code"] for one in resources(mapped, "DocumentReference")[0]["relatesTo"]] == [code]
    assert any(part.annotates for part in mapped.contributions) is (kind == "RPLC")
