"""The stay a document tells of."""

import pytest

from gateway.core.contributions import Target
from gateway.core.envelope import Envelope
from gateway.fhir.fold import merge
from gateway.fhir.identity import Ids
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import TA, cda, mode, only, resources


@pytest.mark.parametrize(
    ("system", "code", "target"),
    [
        ("2.16.840.1.113883.6.96", "160849004", "home"),
        ("1.2.250.1.213.1.6.1.8", "109", "rehab"),
        ("1.2.250.1.213.1.6.1.8", "127", None),
        ("1.2.250.1.213.1.6.1.8", "500", "long"),
        (TA, "GEN-092.06.01", "other-hcf"),
        (TA, "GEN-092.06.03", "oth"),
    ],
)
def test_each_discharge_mode_keeps_the_french_coding_first(
    system: str, code: str, target: str | None, convert: Convert
) -> None:
    value = f'<value xsi:type="CE" code="{code}" codeSystem="{system}"/>'

    mapped = convert(cda(body=mode("ORG-074", value)))

    stay = merge(
        Target("Encounter", resources(mapped, "Encounter")[0]["id"]),
        [part for part in mapped.contributions if part.target.type == "Encounter"],
    )
    assert stay is not None
    codings = stay["hospitalization"]["dischargeDisposition"]["coding"]
    assert [coding["code"] for coding in codings] == [code, *([target] if target else [])]
    assert mapped.issues == []


@pytest.mark.field("FL-194")
def test_unknown_discharge_mode_is_kept_as_sent_and_reported(convert: Convert) -> None:
    value = f'<value xsi:type="CE" code="ZZZ" codeSystem="{TA}"/>'

    mapped = convert(cda(body=mode("ORG-074", value)))

    disposition = resources(mapped, "Encounter")[1]["hospitalization"]["dischargeDisposition"]
    assert [coding["code"] for coding in disposition["coding"]] == ["ZZZ"]
    assert [issue.code for issue in mapped.issues] == ["RLS-MAP-002"]


def test_known_stay_gets_only_what_the_letter_says_of_its_course(convert: Convert) -> None:
    envelope = Envelope(
        patient=Target("Patient", "p"),
        identifiers=(("1.2.250.1.999.1.1", "IPP0000123"),),
        stay=Target("Encounter", "stay-of-pv1"),
    )
    value = '<value xsi:type="CE" code="160849004" codeSystem="2.16.840.1.113883.6.96"/>'

    mapped = convert(cda(body=mode("ORG-074", value)), envelope)

    part, word = [part for part in mapped.contributions if part.target.type == "Encounter"]
    assert part.target.id == "stay-of-pv1"
    assert set(part.resource) == {"resourceType", "id", "hospitalization"}
    assert part.movement is None
    assert part.version.recorded_at.year == 1900
    context = only(mapped, "DocumentReference")["context"]
    assert context["encounter"] == [{"reference": "Encounter/stay-of-pv1"}]
    # The same letter may come by itself: then its own stay is that one.
    assert word.annotates
    assert word.target.id == Ids().document_stay("1.2.250.1.999.7.1#S1")
    assert word.resource["extension"][0]["valueReference"]["reference"] == "Encounter/stay-of-pv1"


@pytest.mark.parametrize(
    "stay",
    [
        pytest.param(
            '<componentOf><encompassingEncounter><effectiveTime nullFlavor="MSK"/>'
            "</encompassingEncounter></componentOf>",
            id="masked dates",
        ),
        pytest.param(
            '<componentOf><encompassingEncounter><code code="VR"'
            ' codeSystem="2.16.840.1.113883.5.4"/><effectiveTime><low value="20260302"/>'
            "</effectiveTime></encompassingEncounter></componentOf>",
            id="a meeting without the patient",
        ),
    ],
)
def test_no_stay_is_made_of_masked_dates_or_meetings(stay: str, convert: Convert) -> None:
    mapped = convert(cda(stay=stay))

    assert resources(mapped, "Encounter") == []
    assert "encounter" not in only(mapped, "DocumentReference")["context"]


@pytest.mark.parametrize("kind", ["EXTERNE", "SEANCE"])
def test_a_contact_of_a_french_kind_is_ambulatory_and_keeps_its_kind(
    kind: str, convert: Convert
) -> None:
    stay = (
        f'<componentOf><encompassingEncounter><code code="{kind}"'
        ' codeSystem="1.2.250.1.213.1.1.4.2.291"/><effectiveTime><low value="20260302"/>'
        "</effectiveTime></encompassingEncounter></componentOf>"
    )

    found = resources(convert(cda(stay=stay)), "Encounter")[0]

    assert found["class"] == {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "code": "AMB",
    }
    assert found["type"] == [
        {"coding": [{"system": "urn:oid:1.2.250.1.213.1.1.4.2.291", "code": kind}]}
    ]
