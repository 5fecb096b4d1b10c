"""Values of a document that contradict each other: dates, identities, versions, references."""

import pytest

from tests.support.letters import changed, found, judged

E, W, N = "error", "warning", "information"
CD = "/ClinicalDocument"
PATIENT = f"{CD}/recordTarget/patientRole/patient"
BODY = f"{CD}/component/structuredBody"
STAY = f"{CD}/componentOf/encompassingEncounter/effectiveTime"
ACT = f"{CD}/documentationOf/serviceEvent/effectiveTime"
ENTRY = f"{BODY}/component[3]/section/entry"
ADMISSION = "20260302081500+0100"
INS = '<id root="1.2.250.1.213.1.4.10" extension="248039999912341"/>'
SEX = '<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>'
BIRTH = '<birthTime value="19480317"/>'
DEATH = '{0}<sdtc:deceasedInd value="true"/><sdtc:deceasedTime value="{1}"/>'
VERSION = '<versionNumber value="1"/>'
PARENT = (
    '<relatedDocument typeCode="RPLC"><parentDocument>'
    '<id root="1.2.250.1.999.7.1" extension="{id}"/>{set_id}{version}'
    "</parentDocument></relatedDocument><componentOf>"
)


def replaces(version, *, parent="LDL-0900-V0", set_id="", before=""):
    """Return a letter of some version that replaces another."""
    number = f'<versionNumber value="{before}"/>' if before else ""
    group = f'<setId root="1.2.250.1.999.7.1" extension="{set_id}"/>' if set_id else ""
    related = PARENT.format(id=parent, set_id=group, version=number)
    return changed((VERSION, f'<versionNumber value="{version}"/>'), ("<componentOf>", related))


DATES = [
    ([('<high value="20260312150000+0100"/>', '<high value="20260212150000+0100"/>')],
     "RLS-CDA-330", f"{ACT}/high/@value", E),
    ([('<birthTime value="19480317"/>', '<birthTime value="20270317"/>')], "RLS-CDA-330",
     f"{PATIENT}/birthTime/@value", E),
    ([(BIRTH, DEATH.format(BIRTH, "20260301"))], "RLS-CDA-330",
     f"{PATIENT}/deceasedTime/@value", E),
    ([(BIRTH, DEATH.format(BIRTH, "20260310"))], "RLS-CDA-330", f"{STAY}/high/@value", W),
    ([(ADMISSION, "20260301081500+0100")], "RLS-CDA-331", f"{ACT}/low/@value", W),
    ([('<effectiveTime value="20260302"/>', '<effectiveTime value="20250302"/>')], "RLS-CDA-331",
     f"{ENTRY}[1]/observation/effectiveTime/@value", W),
    ([('<effectiveTime value="20260402"/>', '<effectiveTime value="20260212"/>')], "RLS-CDA-330",
     f"{BODY}/component[5]/section/entry/encounter/effectiveTime/@value", W),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "place", "severity"), DATES, ids=[f"{d[1]} {d[2][18:]}" for d in DATES]
)
def test_dates_that_contradict_each_other_are_found(changes, code, place, severity):
    assert found(changed(*changes)).get((code, place)) == severity


@pytest.mark.parametrize(
    "changes",
    [
        [(ADMISSION, "202603020815+0100")],
        [(ADMISSION, "20260302")],
        [(ADMISSION, "20260302071500+0000")],
        [(BIRTH, DEATH.format(BIRTH, "20260312"))],
        [('<birthTime value="19480317"/>', '<birthTime value="1948"/>')],
        [('<effectiveTime value="20260402"/>', '<effectiveTime value="20260312"/>')],
        [('<low value="20260302081500+0100"/>', '<low nullFlavor="UNK"/>')],
    ],
    ids=["minutes", "day", "other zone", "died on leaving", "year", "same day", "unknown"],
)
def test_dates_that_agree_at_the_precision_they_have_are_fine(changes):
    assert {code for code, _ in found(changed(*changes))} <= {"RLS-CDA-010"}


def test_a_meeting_is_no_stay():
    stay = '<encompassingEncounter>\n      <code code="IMP"'
    elsewhere = ('<low value="20260302081500+0100"/>', '<low value="20260301"/>')
    other_day = changed(elsewhere)

    assert ("RLS-CDA-331", f"{ACT}/low/@value") in found(other_day)
    assert found(changed((stay, stay.replace("IMP", "VR")), body=other_day)) == {
        ("RLS-CDA-331", f"{ENTRY}[1]/observation/effectiveTime/@value"): W
    }


IDENTITIES = [
    ([('<family qualifier="BR">ESSAI-MARRON</family>', "")], "RLS-CDA-340",
     f"{PATIENT}/name/family[@qualifier='BR']", E),
    ([('<given qualifier="BR">ANNE</given>', "")], "RLS-CDA-340",
     f"{PATIENT}/name/given[@qualifier='BR']", E),
    ([("<county>42218</county>", "<city>ROANNE</city>")], "RLS-CDA-340",
     f"{PATIENT}/birthplace/place/addr/county", E),
    ([(SEX, SEX.replace('"F"', '"M"'))], "RLS-CDA-341",
     f"{PATIENT}/administrativeGenderCode/@code", W),
    ([('<birthTime value="19480317"/>', '<birthTime value="19490317"/>')], "RLS-CDA-341",
     f"{PATIENT}/birthTime/@value", W),
    ([(INS, INS + INS.replace("912341", "912342"))], "RLS-CDA-342",
     f"{CD}/recordTarget/patientRole/id[2]", E),
    ([("912341", "912340")], "RLS-INS-005", f"{CD}/recordTarget/patientRole/id[1]", E),
    ([('extension="810999000036"', 'extension="810999000010"')], "RLS-CDA-022",
     f"{CD}/legalAuthenticator/assignedEntity/id", W),
    ([("<name>Centre hospitalier des Essais</name>", "<name>Clinique</name>")], "RLS-CDA-343",
     f"{CD}/custodian/assignedCustodian/representedCustodianOrganization/id", W),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "place", "severity"),
    IDENTITIES,
    ids=[f"{one[1]} {one[2][18:]}" for one in IDENTITIES],
)
def test_identities_that_contradict_each_other_are_found(changes, code, place, severity):
    assert found(changed(*changes)).get((code, place)) == severity


def test_without_ins_no_trait_is_asked_for():
    told = found(changed((INS, ""), ("<county>42218</county>", "<city>ROANNE</city>")))

    assert told == {}


def test_accents_and_case_make_no_other_person():
    assert found(changed(("<family>PRATICIENNE</family>", "<family>Praticienne</family>"))) == {}


VERSIONS = [
    (changed((VERSION, '<versionNumber value="2"/>')), "RLS-CDA-350",
     f"{CD}/versionNumber/@value", W),
    (replaces(1), "RLS-CDA-351", f"{CD}/versionNumber/@value", W),
    (replaces(2, parent="LDL-0900-V1"), "RLS-CDA-352",
     f"{CD}/relatedDocument/parentDocument/id", E),
    (replaces(2, set_id="LDL-0901"), "RLS-CDA-353",
     f"{CD}/relatedDocument/parentDocument/setId", E),
    (replaces(2, set_id="LDL-0900", before="2"), "RLS-CDA-353",
     f"{CD}/relatedDocument/parentDocument/versionNumber/@value", E),
    (replaces(2).replace(b"RPLC", b"APND"), "RLS-CDA-302",
     f"{CD}/relatedDocument/@typeCode", E),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code", "place", "severity"), VERSIONS, ids=[f"{v[1]} {v[2][18:]}" for v in VERSIONS]
)
def test_a_chain_of_versions_that_breaks_is_found(body, code, place, severity):
    assert found(body).get((code, place)) == severity


def test_a_sound_second_version_has_no_finding():
    assert found(replaces(2, set_id="LDL-0900", before="1")) == {}


REFERENCE = f"{ENTRY}[1]/observation/text/reference/@value"


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        ("entree", {"RLS-CDA-360"}),
        ("#nowhere", {"RLS-CDA-361"}),
        ("nowhere", {"RLS-CDA-360", "RLS-CDA-361"}),
        ("#", {"RLS-CDA-361"}),
        ("#ENTREE", {"RLS-CDA-361"}),
        ("https://essai.example/entree", set()),
    ],
)
def test_a_reference_that_leads_nowhere_is_found(value, codes):
    told = found(changed(('<reference value="#entree"/>', f'<reference value="{value}"/>')))

    assert told == {(code, REFERENCE): W for code in codes}


def test_a_reference_that_differs_by_its_case_is_told_so():
    body = changed(('<reference value="#entree"/>', '<reference value="#ENTREE"/>'))

    [finding] = judged(body).findings
    assert "differs only by its case" in finding.issue.what


def test_an_id_that_is_there_twice_is_found():
    told = found(changed(('ID="statut"', 'ID="entree"'), ('"#statut"', '"#entree"')))

    place = f"{BODY}/component[3]/section/text/table/tbody/tr[1]/td[2]/content/@ID"
    assert told == {("RLS-CDA-362", place): W}


def test_a_picture_that_is_named_and_not_there_is_found():
    body = changed(("Validé</content>", 'Validé</content><renderMultiMedia referencedObject="p"/>'))

    place = f"{BODY}/component[1]/section/text/renderMultiMedia/@referencedObject"
    assert found(body) == {("RLS-CDA-361", place): W}


def test_no_finding_quotes_a_value_of_the_patient():
    secrets = ("ESSAI", "ANNE", "248039999912341", "19480317", "42218", "IPP0000900", "0478000001")
    bodies = [changed(*one[0]) for one in [*DATES, *IDENTITIES]]

    told = " ".join(str(f.issue) for body in bodies for f in judged(body).findings)

    assert [secret for secret in secrets if secret in told] == []
