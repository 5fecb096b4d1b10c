"""A test kit in worker processes: findings, failures of ours, several documents at once."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.cda.reader import read
from gateway.conformance.finding import Layer
from gateway.conformance.toolkit.judge import Toolkit
from gateway.conformance.toolkit.kit import find_kit
from gateway.conformance.toolkit.worker import Job
from tests.support.absent import absent
from tests.support.letters import SOUND, changed, letter, profiles
from tests.support.small_kit import dies, dies_once, never_answers, small_kit

#: Longer than any test may take: only a worker that never answers reaches a limit, its own.
PATIENT_S = 120.0
BODY = "/ClinicalDocument/component/structuredBody"
MODEL = "schematron CI-SIS_LDL-SES_2022.01"


def build(kit, *, workers=1, seconds=PATIENT_S, **more):
    return Toolkit(find_kit(kit), profiles().models, workers=workers, seconds=seconds, **more)


@pytest.fixture(scope="module")
def saxon():
    try:
        import saxonche
    except ImportError:
        absent("saxonche is not installed: pip install 'relais-gateway[toolkit]'")
    return saxonche


@pytest.fixture(scope="module")
def toolkit(saxon, tmp_path_factory):
    with build(small_kit(tmp_path_factory.mktemp("kit"))) as made:
        yield made


def told(verdict):
    return {(one.issue.code, one.issue.where): str(one.issue.severity) for one in verdict.findings}


IN_SCHEMA = ("RLS-CDA-380", "/ClinicalDocument/effectiveTime")
#: A warning of the small kit that the sound letter deserves.
BOOKING = ("RLS-CDA-381", f"{BODY}/component[5]/section/entry/encounter")


def test_a_sound_letter_is_checked_by_schema_and_every_schematron(toolkit):
    verdict = toolkit.judge(letter())

    assert told(verdict) == {BOOKING: "warning"}
    assert [(check.name.split()[0], check.ran) for check in verdict.checks] == [
        ("kit", True), ("schema", True), ("schematron", True), ("schematron", True),
        ("schematron", True),
    ]  # fmt: skip


@pytest.mark.field("FL-175")
@pytest.mark.parametrize(
    ("change", "finding", "says"),
    [
        (('<birthTime value="19480317"/>', ""),
         ("RLS-CDA-381", "/ClinicalDocument/recordTarget/patientRole/patient"),
         "the date of birth of {cda:name/cda:family[1]} is missing in patient"),
        (('code="8715000"', 'code="ZZZ"'),
         ("RLS-CDA-381", f"{BODY}/component[3]/section/entry[1]/observation/value"),
         "the code {@code} is not in ../jeuxDeValeurs/JDV_Entree.xml"),
        (('root="1.3.6.1.4.1.19376.1.5.3.1.3.22"', 'root="1.2.3"'), ("RLS-CDA-381", BODY),
         "the section of treatments at discharge is missing"),
        (('code code="11490-0"', 'code code="1"'), ("RLS-CDA-381", "/ClinicalDocument/code"),
         "the code of the document is of no list"),
    ],
    ids=["birth", "admission", "section", "document"],
)  # fmt: skip
def test_a_fault_is_told_with_rule_place_list_and_version(toolkit, change, finding, says):
    verdict = toolkit.judge(letter(change))

    assert told(verdict)[finding] == "error"
    [one] = [f for f in verdict.findings if (f.issue.code, f.issue.where) == finding]
    assert one.issue.what == says
    assert one.clause.startswith(f"small_toolkit {toolkit_digest(verdict)}, ")
    assert "ESSAI" not in str(one.issue)


def toolkit_digest(verdict):
    return verdict.checks[0].digest[:12]


@pytest.mark.field("FL-177")
def test_the_report_carries_name_version_and_hash_of_the_kit(toolkit):
    checks = toolkit.judge(letter()).checks

    assert {check.tool for check in checks} == {"small_toolkit"}
    assert {len(check.digest) for check in checks} == {64}


def test_a_schematron_of_another_version_proves_nothing_against_the_document(toolkit):
    version = ('extension="2022.01"', 'extension="2031.01"')

    verdict = toolkit.judge(letter(version, ('<birthTime value="19480317"/>', "")))

    place = "/ClinicalDocument/recordTarget/patientRole/patient"
    assert told(verdict)["RLS-CDA-381", place] == "warning"
    [check] = [check for check in verdict.checks if check.name == MODEL]
    assert check.note == "the document says version 2031.01"


@pytest.mark.field("FL-176")
def test_what_schema_and_schematron_ask_against_each_other_is_shown_of_both(toolkit):
    """The schema wants the code first, the schematron the time."""
    template = '<templateId root="1.2.250.1.213.1.1.1.1"/>'
    asks = (template, f'{template}<templateId root="1.2.250.1.999.4.1"/>')
    time = '<effectiveTime value="20260312164500+0100"/>'
    code = '<code code="11490-0"'
    first = changed((f"sortie</title>\n  {time}", "sortie</title>"), (code, f"{time}{code}"))

    by_schema = told(toolkit.judge(read(first)))
    by_schematron = told(toolkit.judge(letter(asks)))
    copied = ("<languageCode", "<copyTime/><languageCode")
    by_both = told(toolkit.judge(letter(asks, copied)))

    assert by_schema == {BOOKING: "warning", IN_SCHEMA: "error"}
    assert by_schematron == {BOOKING: "warning", ("RLS-CDA-381", "/ClinicalDocument"): "error"}
    assert by_both == by_schematron | {("RLS-CDA-380", "/ClinicalDocument/copyTime"): "error"}


@pytest.mark.field("FL-325")
def test_several_documents_at_once_after_a_cold_start_share_one_worker(saxon, tmp_path):
    documents = [letter(), letter(('code="8715000"', 'code="ZZZ"')), letter()]
    with build(small_kit(tmp_path)) as cold, ThreadPoolExecutor(3) as callers:
        verdicts = list(callers.map(cold.judge, documents))
        again = cold.judge(documents[0])

        assert [lane.started for lane in cold.lanes] == [1]
    assert [len(verdict.findings) for verdict in verdicts] == [1, 2, 1]
    assert again == verdicts[0]


def test_schematrons_are_dealt_out_to_the_workers(saxon, tmp_path):
    with build(small_kit(tmp_path), workers=2) as made:
        verdict = made.judge(letter())

        assert [lane.started for lane in made.lanes] == [1, 1]
    assert told(verdict) == {BOOKING: "warning"}


@pytest.mark.field("FL-175")
def test_a_worker_that_dies_is_no_fault_of_the_document(tmp_path):
    with build(small_kit(tmp_path), target=dies) as made:
        verdict = made.judge(letter(('<birthTime value="19480317"/>', "")))

    assert {finding.layer for finding in verdict.findings} == {Layer.ENGINE}
    assert told(verdict)["RLS-CDA-385", MODEL] == "warning"
    [one] = [finding for finding in verdict.findings if finding.issue.where == MODEL]
    assert one.issue.what == "the check ended by itself: its process ended with code 99."
    assert "no fault of the document" in one.issue.fix
    assert not any(check.ran for check in verdict.checks[1:])


def test_a_worker_that_died_is_replaced_and_asked_once_more(saxon, tmp_path):
    with build(small_kit(tmp_path), target=dies_once) as made:
        verdict = made.judge(letter())

        assert [lane.started for lane in made.lanes] == [2]
    assert told(verdict) == {BOOKING: "warning"}


def test_a_worker_that_is_killed_between_documents_is_replaced(saxon, tmp_path):
    with build(small_kit(tmp_path)) as made:
        first = made.judge(letter())
        os.kill(made.lanes[0].pid, signal.SIGKILL)
        second = made.judge(letter())

        assert made.lanes[0].started == 2
    assert first == second


@pytest.mark.field("FL-175")
def test_a_check_that_takes_too_long_is_stopped_and_told(tmp_path):
    with build(small_kit(tmp_path), seconds=0.2, target=never_answers) as made:
        verdict = made.judge(letter())

        assert made.lanes[0].pid is None
    assert {code for code, _ in told(verdict)} == {"RLS-CDA-386"}
    assert "longer than 0.2 s" in verdict.findings[0].issue.what
    assert "cda.toolkit_seconds" in verdict.findings[0].issue.fix


@pytest.mark.field("FL-175")
def test_a_failure_of_the_engine_stands_beside_faults_of_the_document(saxon, tmp_path, capfd):
    kit = small_kit(tmp_path)
    (kit / "jeuxDeValeurs" / "JDV_Entree.xml").unlink()
    (kit / "schematrons/profils/broken.sch").write_text("<schema", encoding="utf-8")

    with build(kit) as made:
        verdict = made.judge(letter(('code code="11490-0"', 'code code="1"')))

    found = told(verdict)
    assert found["RLS-CDA-387", "schematron broken"] == "warning"
    assert found["RLS-CDA-387", MODEL] == "warning"
    assert found["RLS-CDA-381", "/ClinicalDocument/code"] == "error"
    ran = {check.name: check.ran for check in verdict.checks}
    assert (ran["schematron broken"], ran[MODEL], ran["schematron codes"]) == (False, False, True)
    [one] = [finding for finding in verdict.findings if finding.issue.where == MODEL]
    assert "JDV_Entree.xml" in one.issue.what
    assert "file:" not in one.issue.what
    assert capfd.readouterr() == ("", "")


def test_an_endless_schematron_is_stopped(saxon, tmp_path):
    kit = small_kit(tmp_path)
    endless = (
        '<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt"><pattern>'
        '<rule context="/"><assert test="count(for $a in 1 to 1000000, $b in 1 to 1000000 return'
        ' $a * $b) = 0">x</assert></rule></pattern></schema>'
    )
    (kit / "schematrons/profils/endless.sch").write_text(endless, encoding="utf-8")
    with build(kit, seconds=4.0) as made:
        verdict = made.judge(letter())

    assert ("RLS-CDA-386", "schematron endless") in told(verdict)


def test_nothing_of_a_kit_is_used_where_messages_are_answered():
    """Saxon may take a minute: no door imports it."""
    code = "import sys, gateway.entry.cli, gateway.entry.wiring; print('saxonche' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )

    assert done.stdout.strip() == "False"


def test_the_work_copy_and_the_processes_end_with_the_toolkit(saxon, tmp_path):
    made = build(small_kit(tmp_path))
    made.judge(letter())
    [lane] = made.lanes
    pid = lane.pid

    made.close()

    assert lane.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_lane_answers_what_it_is_asked_without_a_document(saxon, tmp_path, toolkit):
    sheet = find_kit(small_kit(tmp_path)).folder / "infrastructure/cda/CDA_extended.xsd"

    assert toolkit.lanes[0].ask(Job("schema", str(sheet))).problem == ""
    assert toolkit.lanes[0].ask(Job("schema", str(sheet), SOUND)).found == ()
