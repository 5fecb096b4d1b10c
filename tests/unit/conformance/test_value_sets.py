"""Lists of codes from a folder, as SVS or FHIR, and the places that are bound to them."""

import json

import pytest

from gateway.conformance.cda.value_sets import load_value_sets
from gateway.core.errors import FatalError
from tests.support.letters import SOUND, changed, found, judged

E, W, N = "error", "warning", "information"
CD = "/ClinicalDocument"
VALUE = f"{CD}/component/structuredBody/component[3]/section/entry[1]/observation/value"
SNOMED, JDV = "2.16.840.1.113883.6.96", "1.2.250.1.213.1.1.5.73"
SPECIALTIES, FHIR_JDV = "1.2.250.1.213.1.1.5.461", f"urn:oid:{JDV}"
SVS = (
    '<RetrieveValueSetResponse xmlns="urn:ihe:iti:svs:2008"><ValueSet id="{id}"'
    ' displayName="JDV_Essai" version="2" revisionDate="2026-01-05T00:00:00+01:00"><ConceptList>'
    "{concepts}</ConceptList></ValueSet></RetrieveValueSetResponse>"
)


def concept(code, system=SNOMED, end=""):
    return f'<Concept code="{code}" codeSystem="{system}" dateFin="{end}" displayName="x"/>'


def svs(folder, *concepts, oid=JDV, name="list.xml"):
    """Write one SVS file and return the lists of its folder."""
    (folder / name).write_text(SVS.format(id=oid, concepts="".join(concepts)), encoding="utf-8")
    return load_value_sets(folder)


def fhir(folder, *resources):
    """Write FHIR files and return the lists of their folder."""
    for at, resource in enumerate(resources):
        (folder / f"{at}.json").write_text(json.dumps(resource), encoding="utf-8")
    return load_value_sets(folder)


def of_admission(told):
    return {key: value for key, value in told.items() if key[1] == VALUE}


def test_a_code_of_the_list_is_fine(tmp_path):
    told = found(SOUND, svs(tmp_path, concept("8715000")))

    assert of_admission(told) == {}


@pytest.mark.parametrize(
    "concepts",
    [[concept("1")], [concept("8715000", "2.16.840.1.113883.6.1")]],
    ids=["another code", "another system"],
)
def test_a_code_outside_of_the_list_is_found(tmp_path, concepts):
    told = found(SOUND, svs(tmp_path, *concepts))

    assert told["RLS-CDA-370", VALUE] == E


@pytest.mark.field("FL-200")
def test_a_code_that_the_list_does_not_know_yet_is_told_with_version_and_date(tmp_path):
    report = judged(SOUND, svs(tmp_path, concept("183452005")))

    [finding] = [one for one in report.findings if one.issue.where == VALUE]
    assert "JDV_ModaliteEntree (version 2 of 2026-01-05)" in finding.issue.what
    assert finding.clause == "LDL-SES, FR-Résultats-événements"


@pytest.mark.field("FL-200")
@pytest.mark.parametrize(
    ("end", "told"),
    [("20260101120000", {("RLS-CDA-371", VALUE): W}), ("20270101120000", {}), ("", {})],
    ids=["before the document", "after the document", "never"],
)
def test_a_code_that_was_withdrawn_before_the_document_is_a_warning(tmp_path, end, told):
    assert of_admission(found(SOUND, svs(tmp_path, concept("8715000", end=end)))) == told


def test_a_list_that_the_folder_lacks_is_told_once_a_place(tmp_path):
    told = judged(SOUND, svs(tmp_path, concept("8715000"))).findings

    missing = [one for one in told if one.issue.code == "RLS-CDA-372"]
    assert {one.issue.severity for one in missing} == {N}
    assert any("JDV_J07-XdsTypeCode (1.2.250.1.213.1.1.5.471)" in m.issue.what for m in missing)
    assert not any("JDV_ModaliteEntree" in one.issue.what for one in missing)


def test_a_text_is_compared_without_a_system(tmp_path):
    lists = svs(tmp_path, concept("MME", "1.2.3"), oid="1.2.250.1.213.1.1.5.718")
    place = f"{CD}/author/assignedAuthor/assignedPerson/name/prefix"

    assert (("RLS-CDA-370", place) in found(SOUND, lists)) is False
    assert ("RLS-CDA-370", place) in found(changed((">MME<", ">MISS<")), lists)


@pytest.mark.parametrize("instead", ['xsi:type="CE" nullFlavor="UNK"', 'xsi:type="ST"'])
def test_a_null_flavor_and_another_type_are_not_compared(tmp_path, instead):
    lists = svs(tmp_path, concept("1"))
    coded = 'xsi:type="CE" code="8715000" codeSystem="2.16.840.1.113883.6.96"'

    layers = {
        finding.layer
        for finding in judged(changed((coded, instead)), lists).findings
        if finding.issue.where == VALUE and "JDV" in finding.issue.what
    }

    assert layers == set()


VALUE_SET = {
    "resourceType": "ValueSet",
    "name": "JdvModaliteEntree",
    "version": "20260105",
    "date": "2026-01-05",
    "identifier": [{"value": FHIR_JDV}],
}


@pytest.mark.parametrize(
    ("part", "sound"),
    [
        ({"compose": {"include": [{"system": f"urn:oid:{SNOMED}",
                                   "concept": [{"code": "8715000"}]}]}}, True),
        ({"compose": {"include": [{"system": "http://snomed.info/sct",
                                   "concept": [{"code": "8715000"}]}]}}, True),
        ({"compose": {"include": [{"system": "https://unknown.example",
                                   "concept": [{"code": "8715000"}]}]}}, True),
        ({"expansion": {"contains": [{"contains": [{"system": f"urn:oid:{SNOMED}",
                                                    "code": "8715000"}]}]}}, True),
        ({"compose": {"include": [{"system": f"urn:oid:{SNOMED}",
                                   "concept": [{"code": "1"}]}]}}, False),
        ({"compose": {"include": [{"system": "urn:oid:1.2.3",
                                   "concept": [{"code": "8715000"}]}]}}, False),
    ],
    ids=["by OID", "by address", "unknown system", "expanded", "another code", "another system"],
)  # fmt: skip
def test_a_fhir_value_set_is_read_as_well(tmp_path, part, sound):
    system = {
        "resourceType": "CodeSystem",
        "url": "http://snomed.info/sct",
        "identifier": [{"value": f"urn:oid:{SNOMED}"}],
    }
    lists = fhir(tmp_path, VALUE_SET | part, system)

    told = found(SOUND, lists)

    assert (("RLS-CDA-370", VALUE) in told) is not sound


def test_a_bundle_of_value_sets_is_read(tmp_path):
    part = {"compose": {"include": [{"system": f"urn:oid:{SNOMED}", "concept": [{"code": "1"}]}]}}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": VALUE_SET | part}]}

    assert ("RLS-CDA-370", VALUE) in found(SOUND, fhir(tmp_path, bundle))


@pytest.mark.parametrize("content", ["", "<a/>", "{", "[]", "null"])
def test_a_folder_without_lists_is_refused(tmp_path, content):
    for name in ("list.xml", "list.json", "list.txt"):
        (tmp_path / name).write_text(content, encoding="utf-8")

    with pytest.raises(FatalError) as caught:
        load_value_sets(tmp_path)

    assert [issue.code for issue in caught.value.issues] == ["RLS-CFG-115"]


def test_a_list_that_is_cut_counts_as_absent(tmp_path):
    lists = svs(tmp_path, concept("8715000"))
    path = tmp_path / "list.xml"
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")

    assert load_value_sets(tmp_path).get(JDV) is None
    assert lists.digest != load_value_sets(tmp_path).digest


def test_without_a_folder_the_report_says_that_codes_were_not_checked(tmp_path):
    [_, lists] = judged(SOUND).checks

    assert (lists.name, lists.ran) == ("value sets", False)
    assert lists.note == "RELAIS_CDA_VALUE_SETS names no folder"


def test_with_a_folder_the_report_names_it_with_its_hash(tmp_path):
    folder = svs(tmp_path, concept("8715000"))

    [_, lists] = judged(SOUND, folder).checks

    assert lists.ran
    assert lists.digest == folder.digest
    assert lists.tool.endswith("(1 lists)")
