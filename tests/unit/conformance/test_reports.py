"""The four forms of a report say the same."""

import json

from lxml import etree

from gateway.conformance import reports
from gateway.conformance.cda import kinds
from gateway.conformance.cda.validate import CdaValidator
from gateway.conformance.finding import Check
from tests.support.letters import changed, profiles
from tests.unit.conformance.judging import judged
from tests.unit.hl7v2.compose import PID, SHIFTED_ZBE, ZBE, admission, msh, with_field

BROKEN = judged(
    admission(ZBE=SHIFTED_ZBE.replace("HMS", "M"), PID=PID.replace("ISO^INS", "ISO^INS^^2010"))
)
SOUND = judged(admission(ZBE=with_field(ZBE, 9, "M")))
UNREADABLE = judged(b"hello")
ANSWER = judged(b"MSH|^~\\&|A|B|C|D|20261120||ACK^A01^ACK|1|P|2.5\rMSA|AA|G1\r")


def test_text_names_code_place_fix_and_clause():
    lines = list(reports.as_text([BROKEN, SOUND, UNREADABLE, ANSWER]))

    assert lines[0] == "input: ADT^A01, answered AA: 1 error, 1 note"
    assert lines[1].startswith("  error RLS-HL7-033 ZBE-4: ")
    assert lines[2].startswith("    fix: Leave ZBE-3 empty")
    assert lines[3] == ("    [PAM-FR 2.11 6.13.3 and 6.13.4] intake; repaired for a lenient source")
    assert "input: ADT^A01, answered AA: no finding" in lines
    assert "input: unreadable, answered AR: 1 fatal" in lines
    assert lines[-1] == "input: ACK^A01: no finding"


def test_json_holds_every_finding_with_its_parts():
    told = json.loads(reports.as_json([BROKEN, SOUND]))

    first, second = told["inputs"]
    assert (first["messageType"], first["controlId"], first["refused"]) == (
        "ADT^A01",
        "G0001",
        True,
    )
    assert first["counts"] == {"fatal": 0, "error": 1, "warning": 0, "information": 1}
    assert first["findings"][0] == {
        "code": "RLS-HL7-033",
        "severity": "error",
        "place": "ZBE-4",
        "what": BROKEN.findings[0].issue.what,
        "fix": BROKEN.findings[0].issue.fix,
        "clause": "PAM-FR 2.11 6.13.3 and 6.13.4",
        "layer": "intake",
        "repaired": True,
        "hl7Code": 101,
    }
    assert second["findings"] == []


def test_junit_counts_what_refuses_as_a_failure():
    root = etree.fromstring(reports.as_junit([BROKEN, SOUND]).encode())

    broken, sound = root
    assert (broken.get("tests"), broken.get("failures")) == ("2", "1")
    [failure] = broken.iter("failure")
    assert failure.get("type") == "RLS-HL7-033"
    assert failure.getparent().get("name") == "RLS-HL7-033 ZBE-4"
    assert (sound.get("tests"), sound.get("failures")) == ("1", "0")
    assert len(sound.findall("testcase")) == 1


def test_sarif_points_every_result_at_its_rule():
    log = json.loads(reports.as_sarif([BROKEN, UNREADABLE], "9.9"))

    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("relais", "9.9")
    assert [one["level"] for one in run["results"]] == ["error", "note", "error"]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        [place] = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"] == "input"
        assert result["message"]["text"]


def test_a_name_with_a_blank_is_a_sound_address():
    report = judged(admission(MSH=msh()))
    named = type(report)("a b.er7", *(getattr(report, f) for f in report.__slots__[1:]))

    [run] = json.loads(reports.as_sarif([named], "1"))["runs"]

    uris = {
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]
    }
    assert uris == {"a%20b.er7"}


def test_control_signs_hidden_in_a_header_reach_no_report():
    report = judged(admission(MSH=msh("AD\\X011B\\T^A01")))

    assert report.message_type == "ADT^A01"
    etree.fromstring(reports.as_junit([report]).encode())
    assert "\x1b" not in "".join(reports.as_text([report]))


KIT = Check("schema CDA", "kit", "7cd489b", "ab" * 32)
DIED = kinds.CHECK_DIED.at("schematron x", clause="kit 7cd489b", what="code 99")
DOCUMENT = CdaValidator(profiles(), "9.9", None).validate(
    changed(('<birthTime value="19480317"/>', "")),
    name="letter.xml",
    more=[DIED],
    checks=[KIT, Check("schematron x", "kit", "7cd489b", "ab" * 32, ran=False, note="it died")],
)


def test_a_report_on_a_document_says_what_it_was_checked_with():
    lines = list(reports.as_text([DOCUMENT]))

    assert lines[0] == "letter.xml: CDA LDL-SES 2022.01: 2 errors, 1 warning"
    assert lines[-4:] == [
        "  checked: header, model and coherence (relais, profiles/cda 9.9)",
        "  not checked: value sets (RELAIS_CDA_VALUE_SETS names no folder)",
        "  checked: schema CDA (kit 7cd489b; sha256 abababababababab)",
        "  not checked: schematron x (kit 7cd489b; sha256 abababababababab; it died)",
    ]


def test_json_tells_every_check_with_its_hash():
    [told] = json.loads(reports.as_json([DOCUMENT]))["inputs"]

    assert (told["refused"], told["complete"]) == (True, False)
    assert told["checks"][2] == {
        "name": "schema CDA",
        "tool": "kit",
        "version": "7cd489b",
        "sha256": "ab" * 32,
        "ran": True,
        "note": "",
    }


def test_junit_tells_failures_of_ours_as_errors_and_what_was_not_asked_for_as_skipped():
    [suite] = etree.fromstring(reports.as_junit([DOCUMENT]).encode())

    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "7", "failures": "2", "errors": "1", "skipped": "2"}
    [error] = suite.iter("error")
    assert error.get("type") == "RLS-CDA-385"


def test_sarif_names_the_kit_and_tells_what_did_not_run():
    [run] = json.loads(reports.as_sarif([DOCUMENT], "9.9"))["runs"]

    assert run["tool"]["extensions"] == [
        {"name": "kit", "version": "7cd489b", "properties": {"sha256": "ab" * 32}}
    ]
    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert len(invocation["toolExecutionNotifications"]) == 2


def test_a_document_without_findings_is_seen_to_have_been_checked():
    sound = CdaValidator(profiles(), "9.9", None).validate(changed(), name="letter.xml")

    [suite] = etree.fromstring(reports.as_junit([sound]).encode())

    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "0", "1")
