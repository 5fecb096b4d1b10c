"""What a test kit holds, the copy to work in, and what its engine says, without any process."""

import shutil
import sys

import pytest

from gateway.conformance.toolkit.judge import place_of
from gateway.conformance.toolkit.kit import find_kit
from gateway.conformance.toolkit.workcopy import make_work_copy
from gateway.conformance.toolkit.worker import (
    NO_SAXON,
    Answer,
    Job,
    Workbench,
    by_report,
    without_values,
)
from gateway.core.errors import FatalError
from tests.support.letters import SOUND, changed, letter
from tests.support.small_kit import small_kit

COMMIT = "7cd489b39368809df9bcf2cfef5e5d6354438a02"
SCH = 'xmlns="http://purl.oclc.org/dsdl/schematron"'
SVRL = 'xmlns:svrl="http://purl.oclc.org/dsdl/svrl"'


@pytest.fixture
def kit(tmp_path):
    return small_kit(tmp_path)


def files(folder):
    """Return every file below a folder with its bytes."""
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_kit_is_found_with_its_parts(kit):
    found = find_kit(kit)

    assert found.schema == "infrastructure/cda/CDA_extended.xsd"
    assert found.common == (
        "schematrons/profils/order.sch",
        "schematrons/profils/structurationMinimale/codes.sch",
    )
    assert found.models == {"LDL-SES": {"2022.01": "schematrons/CI-SIS_LDL-SES_2022.01.sch"}}
    assert found.version == ""
    assert found.title == f"small_toolkit {found.digest[:12]}"


@pytest.mark.field("FL-177")
@pytest.mark.parametrize("packed", [False, True])
def test_a_clone_is_known_by_its_commit_and_its_hash(kit, packed):
    git = kit / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/master\n", encoding="utf-8")
    path = git / "packed-refs" if packed else git / "refs" / "heads" / "master"
    path.write_text(f"{COMMIT} refs/heads/master\n", encoding="utf-8")
    before = find_kit(kit)

    (kit / "jeuxDeValeurs" / "JDV_Entree.xml").write_text("<a/>", encoding="utf-8")

    assert before.version == find_kit(kit).version == COMMIT
    assert before.digest != find_kit(kit).digest


def test_a_version_that_the_kit_lacks_is_checked_by_its_latest(kit):
    root = kit / "schematrons"
    shutil.copy(root / "CI-SIS_LDL-SES_2022.01.sch", root / "CI-SIS_LDL-SES_2019.01.sch")
    found = find_kit(kit)

    assert found.sheet_of("LDL-SES", "2019.01")[1] == "2019.01"
    assert found.sheet_of("LDL-SES", "2030.01")[1] == "2022.01"
    assert found.sheet_of("VSM", "2022.01") == ("", "")


@pytest.mark.parametrize("missing", ["schematrons", "schematrons/moteur"])
def test_what_is_no_kit_is_refused(kit, missing):
    shutil.rmtree(kit / missing)

    with pytest.raises(FatalError) as caught:
        find_kit(kit)

    assert [issue.code for issue in caught.value.issues] == ["RLS-CFG-122"]


def test_a_work_copy_is_mended_and_the_kit_stays_as_it_is(kit, tmp_path):
    before = files(kit)
    target = tmp_path / "copy"

    mended = make_work_copy(find_kit(kit), target)

    assert mended == [
        "include/sections/S_Stay.sch is included as include/sections/s_stay.sch",
        "voc-1.2.250.1.999.5.2-DYNAMIC.xml was made from the value set 1.2.250.1.999.5.2",
    ]
    assert files(kit) == before
    copied = {name: body for name, body in files(target).items() if name in before}
    assert copied == {name: body for name, body in before.items() if name.name != "case.yaml"}
    made = target / "schematrons/profils/structurationMinimale/include"
    assert b'code="11490-0"' in (made / "voc-1.2.250.1.999.5.2-DYNAMIC.xml").read_bytes()


def test_a_folder_in_other_letters_is_mended_too(kit, tmp_path):
    root = kit / "schematrons"
    (root / "include" / "sections").rename(root / "include" / "Sections")
    (root / "include" / "Sections" / "S_Other.sch").write_text("<a/>", encoding="utf-8")
    sheet = root / "CI-SIS_LDL-SES_2022.01.sch"
    text = sheet.read_text(encoding="utf-8")
    other = '<include href="include/sections/S_Other.sch"/><phase'
    sheet.write_text(text.replace("<phase", other, 1), encoding="utf-8")

    mended = make_work_copy(find_kit(kit), tmp_path / "copy")

    assert mended[:2] == [
        "include/Sections/S_Stay.sch is included as include/sections/s_stay.sch",
        "include/Sections/S_Other.sch is included as include/sections/S_Other.sch",
    ]
    assert (tmp_path / "copy/schematrons/include/sections/s_stay.sch").read_bytes()


def test_what_cannot_be_mended_is_left_to_the_engine(kit, tmp_path):
    for path in (kit / "jeuxDeValeurs").iterdir():
        path.unlink()
    (kit / "schematrons/include/sections/S_Stay.sch").unlink()

    assert make_work_copy(find_kit(kit), tmp_path / "copy") == []


def test_sentences_name_what_they_would_quote():
    schematron = f"""<schema {SCH}><let name="list" value="'JDV.xml'"/><let name="c" value="@code"/>
      <pattern><rule context="a"><assert test="b">le <name/> <value-of select="@code"/> de
      <value-of select="$c"/> manque dans <value-of select="$list"/>,
      <value-of select="'entrée'"/> <value-of select="name()"/></assert></rule></pattern>
      </schema>"""

    made = without_values(schematron.encode()).decode()

    assert "{@code}" in made
    assert "{$c}" in made
    assert "dans JDV.xml" in made
    assert "entrée" in made
    assert made.count("value-of") == 1


@pytest.mark.field("FL-175")
def test_a_report_gives_rule_place_severity_and_sentence():
    report = f"""<svrl:schematron-output {SVRL}>
      <svrl:active-pattern id="stay"/><svrl:fired-rule context="a"/>
      <svrl:failed-assert location="/a[1]" id="r1"><svrl:text>  il
        manque b </svrl:text></svrl:failed-assert>
      <svrl:active-pattern name="other"/>
      <svrl:failed-assert location="/a" role="warning"><svrl:text>w</svrl:text></svrl:failed-assert>
      <svrl:successful-report location="/a" flag="info"><svrl:text>i</svrl:text>
      </svrl:successful-report></svrl:schematron-output>"""

    found = by_report(report.encode())

    assert [(f.location, f.rule, f.severity, f.text) for f in found] == [
        ("/a[1]", "stay r1", "error", "il manque b"),
        ("/a", "other", "warning", "w"),
        ("/a", "other", "information", "i"),
    ]


CDA = "[namespace-uri()='urn:hl7-org:v3']"


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("/ClinicalDocument", "/ClinicalDocument"),
        ("/ClinicalDocument/recordTarget/patientRole/id[2]",
         "/ClinicalDocument/recordTarget/patientRole/id[2]"),
        (f"/*:ClinicalDocument{CDA}[1]/*:templateId{CDA}[3]", "/ClinicalDocument/templateId[3]"),
        ("/*[local-name()='ClinicalDocument']/*[local-name()='code' and namespace-uri()='u'][1]",
         "/ClinicalDocument/code"),
        ("/cda:ClinicalDocument[1]/cda:id[1]/@root", "/ClinicalDocument/id/@root"),
        ("/ClinicalDocument/nothing[4]/below", "/ClinicalDocument/nothing/below"),
        ("", "/ClinicalDocument"),
    ],
    ids=["root", "published engine", "saxon skeleton", "lxml skeleton", "attribute", "not there",
         "none"],
)  # fmt: skip
def test_locations_of_every_engine_become_our_places(location, place):
    assert place_of(letter(), location) == place


def schema_words(kit, body):
    job = Job("schema", str(kit / "infrastructure/cda/CDA_extended.xsd"), body)
    return Workbench(()).answer(job).found


def test_a_schema_says_place_and_rule_without_the_value(kit):
    body = changed(('<versionNumber value="1"/>', '<versionNumber value="ESSAI"/><copyTime/>'))

    version, copy = schema_words(kit, body)

    assert version.location == "/ClinicalDocument/versionNumber[1]"
    assert version.rule == "SCHEMAV_CVC_DATATYPE_VALID_1_2_1"
    assert "is not a valid value of the atomic type" in version.text
    assert "ESSAI" not in version.text
    assert "Expected is ( recordTarget )" in copy.text
    assert schema_words(kit, SOUND) == ()


@pytest.mark.field("FL-175")
@pytest.mark.parametrize("kind", ["schema", "schematron"])
def test_a_sheet_that_does_not_compile_is_a_problem_and_no_finding(tmp_path, kind):
    sheet = tmp_path / "broken"
    sheet.write_text("<broken", encoding="utf-8")

    answer = Workbench(()).answer(Job(kind, str(sheet), SOUND))

    assert answer.found == ()
    assert answer.problem.startswith(("it does not compile: ", NO_SAXON))


def test_without_saxon_a_schematron_is_a_problem_of_ours(monkeypatch):
    monkeypatch.setitem(sys.modules, "saxonche", None)

    assert Workbench(()).answer(Job("schematron", "a.sch", SOUND)) == Answer(problem=NO_SAXON)
