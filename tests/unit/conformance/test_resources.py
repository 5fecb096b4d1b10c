"""What is told about the bytes of a resource."""

import json

import pytest

from gateway.conformance.packages import read_package
from gateway.conformance.resources import ResourceJudge
from tests.support.fhir_packages import HOME, archive, profile

JUDGE = ResourceJudge([read_package(archive(profile()), "small")])
CLAIMED = {"resourceType": "Patient", "meta": {"profile": [HOME + "named-patient"]}}


def _found(raw: bytes) -> list[tuple[str, str, str]]:
    return [(one.issue.code, one.issue.where, str(one.layer)) for one in JUDGE.judge(raw).findings]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"\xff{}",
        b'{"resourceType": "Patient", "active": true, "active": false}',
        b'{"resourceType": "Patient", "multipleBirthInteger": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"<Patient/>",
        b'<Patient xmlns="urn:other"><active value="true"/></Patient>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><Patient xmlns="http://hl7.org/fhir"/>',
        b'<Patient xmlns="http://hl7.org/fhir"><active value="perhaps"/></Patient>',
        b'<Patient xmlns="http://hl7.org/fhir"><name>',
    ],
)
def test_bytes_that_are_no_resource_are_one_finding(raw: bytes) -> None:
    assert _found(raw) == [("RLS-FHR-231", "", "reader")]


def test_shape_comes_before_profiles() -> None:
    assert _found(json.dumps({**CLAIMED, "nmae": []}).encode()) == [
        ("RLS-FHR-002", "Patient.nmae", "shape")
    ]


def test_json_and_xml_are_judged_alike() -> None:
    xml = (
        '<Patient xmlns="http://hl7.org/fhir"><meta>'
        f'<profile value="{HOME}named-patient"/></meta></Patient>'
    )

    assert _found(xml.encode()) == _found(json.dumps(CLAIMED).encode())
    assert _found(xml.encode()) == [("RLS-FHR-201", "Patient.name", "profile")]


def test_the_report_says_what_judged() -> None:
    report = JUDGE.report(json.dumps({**CLAIMED, "name": [{"text": "A"}]}).encode(), "a.json")

    assert (report.message_type, report.is_refused, report.findings) == ("Patient", False, ())
    assert [(one.tool, one.version, one.ran) for one in report.checks] == [
        ("test.fhir.small", "1.0.0", True)
    ]


def test_without_packages_the_report_says_so() -> None:
    report = ResourceJudge([]).report(json.dumps(CLAIMED).encode(), "a.json")

    assert [one.ran for one in report.checks] == [False]
    assert [one.issue.code for one in report.findings] == ["RLS-FHR-213"]
