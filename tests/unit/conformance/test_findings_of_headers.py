"""The header of a document: each rule finds its fault, and a sound letter has none."""

import pytest

from gateway.conformance.cda.profiles import load_cda_profiles
from gateway.core.datafiles import data_folder
from gateway.core.errors import FatalError
from tests.support.letters import SOUND, changed, found, judged

E, W, N = "error", "warning", "information"
CD = "/ClinicalDocument"
ROLE = f"{CD}/recordTarget/patientRole"
PATIENT = f"{ROLE}/patient"
STAY = f"{CD}/componentOf/encompassingEncounter"
BR = '<family qualifier="BR">ESSAI-MARRON</family>'
CUSTODIAN = "<representedCustodianOrganization>"
FACILITY = (
    '<code code="SA01" codeSystem="1.2.250.1.71.4.2.4"'
    ' displayName="Etablissement public de santé"/>'
)
INDUSTRY = (
    '<standardIndustryClassCode code="ETABLISSEMENT" codeSystem="1.2.250.1.213.1.1.4.9"'
    ' displayName="Etablissement de santé"/>'
)
SET_ID = '<setId root="1.2.250.1.999.7.1" extension="LDL-0900"/>'
TITLE = "<title>Lettre de liaison à la sortie</title>"
PERSON = "<assignedPerson>\n        <name>\n          <given>Lucie</given>"


def test_a_sound_letter_has_no_finding():
    report = judged(SOUND)

    assert [str(one.issue) for one in report.findings] == []
    assert report.message_type == "CDA LDL-SES 2022.01"
    assert report.control_id == "1.2.250.1.999.7.1^LDL-0900-V1"
    assert not report.is_refused


#: What is changed, and the finding it gives; the executable rules are errors, the guide warnings.
FAULTS = [
    ([('<realmCode code="FR"/>', "")], "RLS-CDA-010", f"{CD}/realmCode", E),
    ([('<realmCode code="FR"/>', '<realmCode code="BE"/>')], "RLS-CDA-302",
     f"{CD}/realmCode/@code", E),
    ([('extension="POCD_HD000040"', "")], "RLS-CDA-010", f"{CD}/typeId/@extension", E),
    ([('<templateId root="1.2.250.1.213.1.1.1.1"/>', "")], "RLS-CDA-010", f"{CD}/templateId", E),
    ([("<effectiveTime value=\"20260312164500+0100\"/>", "<effectiveTime nullFlavor=\"UNK\"/>")],
     "RLS-CDA-304", f"{CD}/effectiveTime", E),
    ([("20260312164500+0100", "20260231164500+0100")], "RLS-CDA-303",
     f"{CD}/effectiveTime/@value", E),
    ([('<languageCode code="fr-FR"/>', '<languageCode code="FR"/>')], "RLS-CDA-303",
     f"{CD}/languageCode/@code", E),
    ([('confidentialityCode code="N"', 'confidentialityCode code="X"')],
     "RLS-CDA-302", f"{CD}/confidentialityCode/@code", E),
    ([(TITLE, "")], "RLS-CDA-010", f"{CD}/title", W),
    ([(SET_ID, "")], "RLS-CDA-010", f"{CD}/setId", W),
    ([(SET_ID, SET_ID * 2)], "RLS-CDA-301", f"{CD}/setId", E),
    ([('<versionNumber value="1"/>', '<versionNumber value="0"/>')], "RLS-CDA-303",
     f"{CD}/versionNumber/@value", E),
    ([('<versionNumber value="1"/>', "")], "RLS-CDA-010", f"{CD}/versionNumber", E),
    ([(' displayName="Lettre de liaison à la sortie"', "")], "RLS-CDA-010",
     f"{CD}/code/@displayName", E),
    ([('root="1.2.250.1.999.1.1" extension="IPP0000900"', 'root="1.2.250.1.999.1.1"')],
     "RLS-CDA-010", f"{ROLE}/id[2]/@extension", E),
    ([('root="1.2.250.1.999.1.1"', 'root="here"')], "RLS-CDA-303", f"{ROLE}/id[2]/@root", E),
    ([('value="tel:0478000001"', 'value="0478000001"')], "RLS-CDA-303",
     f"{ROLE}/telecom/@value", E),
    ([(BR, BR.replace("BR", "SP"))], "RLS-CDA-302", f"{PATIENT}/name/family[1]/@qualifier", E),
    ([('<birthTime value="19480317"/>', "")], "RLS-CDA-010", f"{PATIENT}/birthTime", E),
    ([("<county>42218</county>", "<county>Loire</county>")], "RLS-CDA-303",
     f"{PATIENT}/birthplace/place/addr/county", W),
    ([("<streetName>", "<streetAddressLine>4</streetAddressLine><streetName>")], "RLS-CDA-311",
     f"{ROLE}/addr", E),
    ([('<time value="20260312164500+0100"/>', "")], "RLS-CDA-010", f"{CD}/author/time", E),
    ([(PERSON, PERSON.replace("<assignedPerson>", "<assignedAuthoringDevice><softwareName>x"
      "</softwareName></assignedAuthoringDevice><assignedPerson>"))], "RLS-CDA-311",
     f"{CD}/author/assignedAuthor", E),
    ([('<signatureCode code="S"/>', '<signatureCode code="I"/>')], "RLS-CDA-302",
     f"{CD}/legalAuthenticator/signatureCode/@code", E),
    ([(CUSTODIAN, f'{CUSTODIAN}<id root="1.2.3" extension="4"/>')], "RLS-CDA-301",
     f"{CD}/custodian/assignedCustodian/representedCustodianOrganization/id", E),
    ([('classCode="NOK"', 'classCode="NEXT"')], "RLS-CDA-302",
     f"{CD}/informant/relatedEntity/@classCode", E),
    ([('participant typeCode="INF"', 'participant typeCode="XXX"')], "RLS-CDA-302",
     f"{CD}/participant/@typeCode", E),
    ([('<low value="2011"/>', '<low nullFlavor="NA"/>')], "RLS-CDA-305",
     f"{CD}/participant/time/low/@nullFlavor", W),
    ([(INDUSTRY, "")], "RLS-CDA-010", f"{CD}/documentationOf/serviceEvent/performer/assignedEntity"
     "/representedOrganization/standardIndustryClassCode", E),
    ([(FACILITY, '<code nullFlavor="UNK"/>')], "RLS-CDA-304",
     f"{STAY}/location/healthCareFacility/code", E),
    ([(FACILITY, "")], "RLS-CDA-010", f"{STAY}/location/healthCareFacility/code", E),
    ([('extension="810999000036"', 'extension="10999000036"')], "RLS-CDA-303",
     f"{CD}/legalAuthenticator/assignedEntity/id/@extension", W),
    ([('<languageCode code="fr-FR"/>', ""), (SET_ID, f'{SET_ID}<languageCode code="fr-FR"/>')],
     "RLS-CDA-310", f"{CD}/languageCode", E),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "place", "severity"), FAULTS, ids=[f"{f[1]} {f[2][18:]}" for f in FAULTS]
)
def test_a_fault_of_the_header_is_found_at_its_place(changes, code, place, severity):
    assert found(changed(*changes)).get((code, place)) == severity


def test_one_fault_gives_one_finding():
    body = changed(('<languageCode code="fr-FR"/>', '<languageCode code="FR"/>'))

    assert list(found(body)) == [("RLS-CDA-303", "/ClinicalDocument/languageCode/@code")]


@pytest.mark.field("FL-339")
@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ([("<given>ANNE MARGUERITE</given>", "<given></given>")], "RLS-CDA-306",
         f"{PATIENT}/name/given[1]"),
        ([("<given>ANNE MARGUERITE</given>", "<given> </given>")], "RLS-CDA-340",
         f"{PATIENT}/name/given[not(@qualifier)]"),
        ([("<city>LYON</city>", "<city/>")], "RLS-CDA-306", f"{ROLE}/addr/city"),
        ([('administrativeGenderCode code="F"', 'administrativeGenderCode code="NB"')],
         "RLS-CDA-302", f"{PATIENT}/administrativeGenderCode/@code"),
        ([('extension="LDL-0900-V1"', 'extension=""')], "RLS-CDA-306", f"{CD}/id/@extension"),
        ([(TITLE, "<title>\n</title>")], "RLS-CDA-010", f"{CD}/title"),
    ],
    ids=["no letters", "a blank", "no city", "another sex", "blank attribute", "blank title"],
)  # fmt: skip
def test_what_is_there_and_empty_counts_as_absent(changes, code, place):
    assert (code, place) in found(changed(*changes))


@pytest.mark.field("FL-340")
@pytest.mark.parametrize(
    ("changes", "code", "place", "says"),
    [
        ([('<code code="SA01"', '<code Code="SA01"')], "RLS-CDA-307",
         f"{STAY}/location/healthCareFacility/code/@Code", "Write code"),
        ([('<time>\n      <low value="2011"/>\n    </time>', '<time nullflavor="UNK"/>')],
         "RLS-CDA-307", f"{CD}/participant/time/@nullflavor", "Write nullFlavor"),
        ([('<value xsi:type="CD" code="9571008"', '<value code="9571008"')], "RLS-CDA-308",
         f"{CD}/component/structuredBody/component[1]/section/entry/observation/value",
         'Send xsi:type="CD"'),
    ],
    ids=["Code", "nullflavor", "no xsi:type"],
)  # fmt: skip
def test_attributes_in_the_wrong_case_and_types_left_out_are_told_with_a_fix(
    changes, code, place, says
):
    [finding] = [
        one for one in judged(changed(*changes)).findings
        if (one.issue.code, one.issue.where) == (code, place)
    ]  # fmt: skip

    assert says in finding.issue.fix
    assert finding.issue.severity == E


def test_times_without_zone_are_one_note_with_their_number():
    body = changed(("20260302081500+0100", "20260302081500"))

    report = judged(changed(("20260312150000+0100", "20260312150000"), body=body))

    [note] = [one for one in report.findings if one.issue.code == "RLS-CDA-309"]
    assert note.issue.what.startswith("2 time(s)")
    assert note.issue.severity == N


def test_a_time_that_does_not_exist_is_found_in_entries_too():
    body = changed(('<effectiveTime value="20260402"/>', '<effectiveTime value="20260431"/>'))

    encounter = f"{CD}/component/structuredBody/component[5]/section/entry/encounter"
    assert found(body)["RLS-CDA-303", f"{encounter}/effectiveTime/@value"] == E


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("header.yaml", "form: LANGUAGE", "form: nothing", "there is no form nothing"),
        ("header.yaml", "card: 3..*", "card: many", "card"),
        ("header.yaml", "cda:realmCode/@code", "cdb:realmCode/@code", "unknown prefix cdb"),
        ("header.yaml", "nulls: no", "null: no", "Extra inputs"),
        ("documents.yaml", "is_stay: yes", "is_stay: maybe", "is_stay"),
        ("documents.yaml", "1.2.250.1.213.1.1.1.29:", "LDL-SES:", "LDL-SES"),
        ("bindings.yaml", "cda:participant/@typeCode", "//cda:participant/@typeCode", "no //"),
        ("templates.yaml", "arcs:", "arc:", "arc"),
    ],
)
def test_a_fault_of_a_profile_file_is_told_with_its_place(tmp_path, name, old, new, told):
    for path in (data_folder("profiles") / "cda").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        text = text.replace(old, new, 1) if path.name == name else text
        (tmp_path / path.name).write_text(text, encoding="utf-8")

    with pytest.raises(FatalError) as caught:
        load_cda_profiles(tmp_path)

    assert {issue.code for issue in caught.value.issues} == {"RLS-CFG-121"}
    assert any(told in f"{one.where} {one.what}" for one in caught.value.issues)
    assert all(one.where.startswith(name) for one in caught.value.issues)
