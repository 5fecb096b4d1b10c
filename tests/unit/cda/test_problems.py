"""Problems and allergies: what is active, how certain it is, what was a reaction."""

import pytest

from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import cda, entry, only, resources, section, sections

SCT = "2.16.840.1.113883.6.96"
ICD = '<value xsi:type="CD" code="E11" codeSystem="2.16.840.1.113883.6.3"/>'
ABSENT = "2.16.840.1.113883.5.1150.1"


def _beside(code: str, value: str, link: str = "SUBJ") -> str:
    return (
        f'<entryRelationship typeCode="{link}"><observation><code code="{code}"/>'
        f"{value}</observation></entryRelationship>"
    )


def _problem(
    *, status: str, loinc: str, inner: str = "", value: str = ICD, attributes: str = ""
) -> bytes:
    concern = entry(
        "act",
        "EVN",
        "39",
        f'<statusCode code="{status}"/><entryRelationship typeCode="SUBJ">'
        f"<observation {attributes}>{value}{inner}</observation></entryRelationship>",
    )
    return cda(body=sections(section("132", concern, code=loinc)))


@pytest.mark.parametrize(
    ("status", "loinc", "inner", "expected"),
    [
        pytest.param("completed", "11450-4", "", "active", id="the section of active problems"),
        pytest.param("aborted", "11450-4", "", "resolved", id="given up there"),
        pytest.param("completed", "11348-0", "", "resolved", id="history"),
        pytest.param("active", "11348-0", "", "active", id="history that goes on"),
        pytest.param("completed", "11535-2", "", None, id="a diagnosis of a stay is not over"),
        pytest.param(
            "completed",
            "11535-2",
            '<effectiveTime><high value="20260301"/></effectiveTime>',
            "resolved",
            id="an end that is said",
        ),
        pytest.param(
            "completed",
            "11348-0",
            _beside("33999-4", '<value xsi:type="CE" code="remission"/>', "REFR"),
            "remission",
            id="what is said of the problem itself",
        ),
    ],
)
def test_who_says_whether_a_problem_is_active(
    status: str, loinc: str, inner: str, expected: str | None, convert: Convert
) -> None:
    found = only(convert(_problem(status=status, loinc=loinc, inner=inner)), "Condition")

    said = found.get("clinicalStatus", {}).get("coding", [{}])[0].get("code")
    assert said == expected


def test_a_problem_that_is_said_active_has_no_end(convert: Convert) -> None:
    inner = '<effectiveTime><high value="20260301"/></effectiveTime>' + _beside(
        "33999-4", '<value xsi:type="CE" code="active"/>', "REFR"
    )

    found = only(convert(_problem(status="completed", loinc="11450-4", inner=inner)), "Condition")

    assert "abatementDateTime" not in found


@pytest.mark.parametrize(
    ("certainty", "attributes", "expected"),
    [
        ("unconfirmed", "", "unconfirmed"),
        ("confirmed", "", "confirmed"),
        ("confirmed", 'negationInd="true"', "refuted"),
        ("something", "", "confirmed"),
    ],
)
def test_certainty_of_a_problem(
    certainty: str, attributes: str, expected: str, convert: Convert
) -> None:
    inner = _beside("66455-7", f'<value xsi:type="CE" code="{certainty}"/>')

    found = only(
        convert(_problem(status="active", loinc="11450-4", inner=inner, attributes=attributes)),
        "Condition",
    )

    assert found["verificationStatus"]["coding"][0]["code"] == expected


def test_no_known_problem_is_not_refuted_by_its_negation(convert: Convert) -> None:
    value = f'<value xsi:type="CD" code="no-known-problems" codeSystem="{ABSENT}"/>'

    found = only(
        convert(
            _problem(
                status="completed", loinc="11348-0", value=value, attributes='negationInd="true"'
            )
        ),
        "Condition",
    )

    assert found["verificationStatus"]["coding"][0]["code"] == "confirmed"
    assert found["clinicalStatus"]["coding"][0]["code"] == "active"


def test_severity_comment_and_state_of_the_patient_are_kept(convert: Convert) -> None:
    inner = (
        _beside("SEV", f'<value xsi:type="CD" code="24484000" codeSystem="{SCT}"/>')
        + _beside("11323-3", f'<value xsi:type="CE" code="21134002" codeSystem="{SCT}"/>', "REFR")
        + '<entryRelationship typeCode="SUBJ"><act><templateId root="1.2.250.1.213.1.1.3.32"/>'
        "<text>Suivi en ville</text></act></entryRelationship>"
    )

    found = only(convert(_problem(status="active", loinc="11450-4", inner=inner)), "Condition")

    assert found["severity"]["coding"][0]["code"] == "24484000"
    assert found["note"] == [{"text": "Suivi en ville"}]
    (extension,) = found["extension"]
    assert extension["extension"][1]["valueCodeableConcept"]["coding"][0]["code"] == "21134002"


def _allergy(inner: str) -> bytes:
    concern = entry(
        "act",
        "EVN",
        "40",
        '<entryRelationship typeCode="SUBJ"><observation>'
        f'<code code="416098002" codeSystem="{SCT}"/><value xsi:type="CD"/>'
        '<participant typeCode="CSM"><participantRole><playingEntity>'
        '<code code="J01CA04" codeSystem="2.16.840.1.113883.6.73"/><name>Amoxicilline</name>'
        f"</playingEntity></participantRole></participant>{inner}</observation>"
        "</entryRelationship>",
    )
    return cda(body=sections(section("137", concern)))


def _reaction(code: str, inner: str = "", attributes: str = "") -> str:
    return (
        f'<entryRelationship typeCode="MFST"><observation {attributes}>'
        f'<value xsi:type="CD" code="{code}" codeSystem="{SCT}"/>{inner}'
        "</observation></entryRelationship>"
    )


def _severity(code: str) -> str:
    return _beside("SEV", f'<value xsi:type="CD" code="{code}" codeSystem="{SCT}"/>')


def test_each_reaction_has_its_own_severity_else_that_of_the_allergy(convert: Convert) -> None:
    body = _allergy(_reaction("1", _severity("255604002")) + _reaction("2") + _severity("24484000"))

    found = only(convert(body), "AllergyIntolerance")

    assert [item["severity"] for item in found["reaction"]] == ["mild", "severe"]
    assert found["code"]["text"] == "Amoxicilline"


def test_severity_fhir_has_no_code_for_is_kept_as_coded(convert: Convert) -> None:
    (reaction,) = only(
        convert(_allergy(_reaction("1", _severity("371923003")))), "AllergyIntolerance"
    )["reaction"]

    assert "severity" not in reaction
    said = reaction["extension"][0]["extension"][1]["valueCodeableConcept"]["coding"]
    assert said[0]["code"] == "371923003"


def test_negated_reaction_is_no_reaction_and_is_told(convert: Convert) -> None:
    mapped = convert(
        _allergy(_reaction("1", attributes='negationInd="true"') + _severity("24484000"))
    )

    found = only(mapped, "AllergyIntolerance")
    assert "reaction" not in found
    assert [issue.code for issue in mapped.issues] == ["RLS-CDA-042"]
    assert found["extension"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == (
        "SEV"
    )


def test_criticality_certainty_and_state_of_an_allergy(convert: Convert) -> None:
    body = _allergy(
        _beside("82606-5", '<value xsi:type="CE" code="high"/>')
        + _beside("66455-7", '<value xsi:type="CE" code="unconfirmed"/>')
        + _beside("33999-4", '<value xsi:type="CE" code="inactive"/>', "REFR")
    )

    found = only(convert(body), "AllergyIntolerance")

    assert found["criticality"] == "high"
    assert found["verificationStatus"]["coding"][0]["code"] == "unconfirmed"
    assert found["clinicalStatus"]["coding"][0]["code"] == "inactive"


def test_kinds_of_allergy_alone_make_none(convert: Convert) -> None:
    concern = entry(
        "act", "EVN", "40",
        '<entryRelationship typeCode="SUBJ"><observation><code code="416098002"/>'
        '<value xsi:type="CD"/></observation></entryRelationship>',
    )  # fmt: skip

    assert (
        resources(convert(cda(body=sections(section("137", concern)))), "AllergyIntolerance") == []
    )
