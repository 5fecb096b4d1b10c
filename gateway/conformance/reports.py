"""Reports of a validation: text for people, JSON, JUnit and SARIF for machines.

Does not judge. Nothing in a report is a value of the message but its type and control id.
SARIF: OASIS 2.1.0. JUnit: the XML that build servers read, one suite an input.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from lxml import etree

from gateway.conformance.finding import Check, Finding, Layer, Report
from gateway.core.issues import Severity

#: Severity to the level of SARIF.
_LEVELS: Mapping[Severity, str] = {
    Severity.FATAL: "error",
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "note",
}
_TOOL = "relais validate"


def as_text(reports: Sequence[Report]) -> Iterator[str]:
    """Yield the lines of a report for people."""
    for report in reports:
        told = f", answered {report.answer}" if report.answer else ""
        yield f"{report.name}: {report.message_type or 'unreadable'}{told}: {_counts(report)}"
        for finding in report.findings:
            issue = finding.issue
            yield f"  {issue.severity} {issue.code} {issue.where}: {issue.what}"
            yield f"    fix: {issue.fix}"
            note = "; repaired for a lenient source" if finding.repaired else ""
            yield f"    [{finding.clause}] {finding.layer}{note}"
        yield from (f"  {_check_line(check)}" for check in report.checks)


def _check_line(check: Check) -> str:
    """Return what was checked with what, or why it was not."""
    version = " ".join(part for part in (check.tool, check.version[:40]) if part)
    digest = f"sha256 {check.digest[:16]}" if check.digest else ""
    about = "; ".join(part for part in (version, digest, check.note) if part)
    word = "checked" if check.ran else "not checked"
    return f"{word}: {check.name} ({about})" if about else f"{word}: {check.name}"


def as_json(reports: Sequence[Report]) -> str:
    """Return the report as one JSON object."""
    return _dump({"tool": _TOOL, "inputs": [_input(report) for report in reports]})


def _input(report: Report) -> dict[str, Any]:
    return {
        "name": report.name,
        "messageType": report.message_type,
        "controlId": report.control_id,
        "answer": report.answer,
        "refused": report.is_refused,
        "complete": report.is_complete,
        "counts": {str(severity): report.count(severity) for severity in Severity},
        "findings": [_finding(finding) for finding in report.findings],
        "checks": [_check(check) for check in report.checks],
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "tool": check.tool,
        "version": check.version,
        "sha256": check.digest,
        "ran": check.ran,
        "note": check.note,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    issue = finding.issue
    return {
        "code": issue.code,
        "severity": str(issue.severity),
        "place": issue.where,
        "what": issue.what,
        "fix": issue.fix,
        "clause": finding.clause,
        "layer": str(finding.layer),
        "repaired": finding.repaired,
        "hl7Code": issue.hl7_code,
    }


def as_junit(reports: Sequence[Report]) -> str:
    """Return the report as JUnit XML: a finding that refuses is a failure, others pass.

    A check that could not be made is an error, one that was not asked for is skipped. An input
    without findings has one case that passes, so that it is seen to have run.
    """
    root = etree.Element("testsuites", name=_TOOL)
    for report in reports:
        kind = report.message_type or "unreadable"
        cases = [_case(finding, kind) for finding in report.findings]
        cases += [_check_case(check, kind) for check in report.checks]
        if not report.findings:
            cases.append(etree.Element("testcase", classname=kind, name="no finding"))
        counts = {
            f"{name}s" if name != "skipped" else name: str(
                sum(case.find(name) is not None for case in cases)
            )
            for name in ("failure", "error", "skipped")
        }
        suite = etree.SubElement(
            root, "testsuite", {"name": report.name, "tests": str(len(cases)), **counts}
        )
        suite.extend(cases)
    made: bytes = etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8")
    return made.decode("utf-8")


def _case(finding: Finding, kind: str) -> etree._Element:
    issue = finding.issue
    case = etree.Element("testcase", classname=kind, name=f"{issue.code} {issue.where}")
    if finding.layer is Layer.ENGINE:
        told = etree.SubElement(case, "error", message=issue.what, type=issue.code)
    elif issue.severity.refuses:
        told = etree.SubElement(case, "failure", message=issue.what, type=issue.code)
    else:
        told = etree.SubElement(case, "system-out")
    told.text = f"{issue.what} Fix: {issue.fix} [{finding.clause}]"
    return case


def _check_case(check: Check, kind: str) -> etree._Element:
    case = etree.Element("testcase", classname=kind, name=_check_line(check))
    if not check.ran:
        etree.SubElement(case, "skipped", message=check.note)
    return case


def as_sarif(reports: Sequence[Report], version: str) -> str:
    """Return the report as SARIF.

    Args:
        reports: of all inputs.
        version: of the program.
    """
    rules: dict[str, dict[str, Any]] = {}
    results = []
    notices: list[dict[str, Any]] = []
    for report in reports:
        notices += [_notice(report, check) for check in report.checks if not check.ran]
        for finding in report.findings:
            issue = finding.issue
            rules.setdefault(
                issue.code,
                {
                    "id": issue.code,
                    "shortDescription": {"text": issue.what},
                    "help": {"text": issue.fix},
                },
            )
            results.append(_result(report, finding, list(rules).index(issue.code)))
    driver = {"name": "relais", "version": version, "rules": list(rules.values())}
    return _dump(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": driver, "extensions": _extensions(reports)},
                    "results": results,
                    "invocations": [
                        {
                            "executionSuccessful": all(one.is_complete for one in reports),
                            "toolExecutionNotifications": notices,
                        }
                    ],
                }
            ],
        }
    )


def _result(report: Report, finding: Finding, rule: int) -> dict[str, Any]:
    issue = finding.issue
    place = {
        "physicalLocation": {"artifactLocation": {"uri": quote(report.name)}},
        "logicalLocations": [{"fullyQualifiedName": issue.where, "kind": "element"}],
    }
    return {
        "ruleId": issue.code,
        "ruleIndex": rule,
        "level": _LEVELS[issue.severity],
        "message": {"text": f"{issue.where}: {issue.what} Fix: {issue.fix}"},
        "locations": [place],
        "properties": {
            "clause": finding.clause,
            "layer": str(finding.layer),
            "repaired": finding.repaired,
        },
    }


def _notice(report: Report, check: Check) -> dict[str, Any]:
    """Return a check that did not run; not a result, for it says nothing of the input."""
    place = {"physicalLocation": {"artifactLocation": {"uri": quote(report.name)}}}
    return {
        "level": "warning",
        "message": {"text": _check_line(check)},
        "locations": [place],
    }


def _extensions(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """Return the tools beside ours, with version and hash."""
    tools = {
        (check.tool, check.version, check.digest): None
        for report in reports
        for check in report.checks
        if check.tool and check.digest
    }
    return [
        {
            "name": tool,
            **({"version": version} if version else {}),
            "properties": {"sha256": digest},
        }
        for tool, version, digest in tools
    ]


def _counts(report: Report) -> str:
    names = (
        (Severity.FATAL, "fatal"),
        (Severity.ERROR, "error"),
        (Severity.WARNING, "warning"),
        (Severity.INFORMATION, "note"),
    )
    told = [
        f"{count} {name}{'s' if count > 1 and name != 'fatal' else ''}"
        for severity, name in names
        if (count := report.count(severity))
    ]
    return ", ".join(told) or "no finding"


def _dump(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
