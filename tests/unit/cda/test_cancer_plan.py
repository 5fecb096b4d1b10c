"""Lines of a programme of care and of a proposal: content, dates, rhythm, performers, the plan."""

from typing import Any

import pytest

from tests.unit.cda.cancer_documents import (
    NCI,
    SCT,
    SUPPORTIVE,
    board,
    boolean,
    coded,
    foreseen,
    inside,
    line,
    observation,
    programme,
    times,
    words,
)
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import TA, only, resources, section

CHEMO = ("MED-568", "C15632")
NARRATIVE = '<content ID="w1">Une fois par semaine</content><content ID="w2">Autre soin</content>'


def request(convert: Convert, *args: Any, text: str = "", **parts: Any) -> dict[str, Any]:
    return only(convert(programme(line(*args, **parts), text=text)), "ServiceRequest")


def test_the_content_stands_before_the_kind_and_one_concept_beside_both(convert: Convert) -> None:
    found = request(convert, *CHEMO, system=NCI)

    assert [coding["code"] for coding in found["code"]["coding"]] == [
        "C15632", "MED-568", "chemotherapy",
    ]  # fmt: skip
    assert found["category"][0]["coding"][0]["code"] == "MED-566"


def test_one_treatment_is_one_concept_in_a_programme_and_in_a_proposal(convert: Convert) -> None:
    direct = (
        f'<procedure moodCode="INT"><templateId root="1.2.250.1.213.1.1.3.62"/>'
        f"{coded('code', 'C547', NCI)}</procedure>"
    )

    planned = request(convert, "MED-568", "C15445", system=NCI)
    proposed = only(convert(board(section("158", direct))), "ServiceRequest")

    assert planned["code"]["coding"][-1] == proposed["code"]["coding"][-1]
    assert planned["code"]["coding"][-1]["code"] == "hormone-therapy"
    assert (planned["intent"], proposed["intent"]) == ("plan", "proposal")


def test_another_content_is_said_in_the_words_of_the_line(convert: Convert) -> None:
    text = '<text><reference value="#w2"/></text>'

    found = request(convert, "MED-570", "GEN-092.04.11", text, text=NARRATIVE)

    assert found["code"]["text"] == "Autre soin"


def test_a_code_outside_the_value_set_is_kept_and_noticed(convert: Convert) -> None:
    mapped = convert(programme(line("MED-568", "C00000", system=NCI)))

    found = only(mapped, "ServiceRequest")["code"]["coding"]
    assert [coding["code"] for coding in found] == ["C00000", "MED-568"]
    assert [issue.code for issue in mapped.issues] == ["RLS-MAP-002"]


@pytest.mark.parametrize(
    ("own", "inner", "occurrence", "planned"),
    [
        ("", foreseen("20260301", "20260401"), {"start": "2026-03-01", "end": "2026-04-01"}, None),
        (
            times("20260310", "20260402"),
            foreseen("20260301", "20260401"),
            {"start": "2026-03-10", "end": "2026-04-02"},
            {"start": "2026-03-01", "end": "2026-04-01"},
        ),
        (
            times("20260301", "20260401"),
            foreseen("20260301", "20260401"),
            {"start": "2026-03-01", "end": "2026-04-01"},
            None,
        ),
        ("", "", None, None),
    ],
    ids=["foreseen only", "confirmed and foreseen", "both the same", "no date"],
)
def test_confirmed_dates_count_and_foreseen_ones_are_kept_beside_them(
    convert: Convert, own: str, inner: str, occurrence: Any, planned: Any
) -> None:
    found = request(convert, *CHEMO, inner, system=NCI, **({"own": own} if own else {}))

    assert found.get("occurrencePeriod") == occurrence
    extensions = [
        item["valuePeriod"]
        for item in found.get("extension", ())
        if item["url"].endswith("/planned-period")
    ]
    assert extensions == ([planned] if planned else [])


@pytest.mark.field("FL-199")
def test_a_rhythm_sent_under_another_code_keeps_that_code_and_its_words(convert: Convert) -> None:
    text = '<text><reference value="#w1"/></text>'
    rhythm = observation("ORG-116", text, boolean("true")).replace(
        'code="ORG-116"', 'code="ORG-116" displayName="Rythme d\'administration"', 1
    )

    found = request(convert, "MED-572", "ORG-036", inside("COMP", rhythm), text=NARRATIVE)

    assert found["orderDetail"] == [
        {
            "coding": [
                {
                    "system": f"urn:oid:{TA}",
                    "code": "ORG-116",
                    "display": "Rythme d'administration",
                }
            ],
            "text": "Une fois par semaine",
        }
    ]


def test_mode_and_side_effects_are_details_and_a_denied_rhythm_is_none(convert: Convert) -> None:
    mode = observation("ORG-006", f'<value xsi:type="CD" code="IDINJ" codeSystem="{SCT}"/>')
    parts = (mode, observation("MED-565", words("w1")), observation("ORG-004", boolean("false")))
    inner = "".join(inside("COMP", part) for part in parts)

    found = request(convert, *CHEMO, inner, system=NCI, text=NARRATIVE)

    assert [detail["coding"][0]["code"] for detail in found["orderDetail"]] == ["IDINJ", "MED-565"]
    assert found["orderDetail"][1]["text"] == "Une fois par semaine"


def test_a_performer_without_number_is_named_with_structure_and_profession(
    convert: Convert,
) -> None:
    performer = (
        '<performer><assignedEntity><id nullFlavor="NA"/><code code="434b" codeSystem="1.2"/>'
        "<assignedPerson><name><given>Nadia</given><family>SOCIALE</family></name></assignedPerson>"
        "<representedOrganization><name>Service social</name></representedOrganization>"
        "</assignedEntity></performer>"
    )

    planned = request(convert, "MED-573", "PAT-024", performer)
    done = only(convert(programme(line("MED-573", "PAT-024", performer, mood="EVN"))), "Procedure")

    assert planned["performer"] == [{"display": "Nadia SOCIALE"}, {"display": "Service social"}]
    assert planned["performerType"]["coding"][0]["code"] == "434b"
    (acted,) = done["performer"]
    assert acted["function"]["coding"][0]["code"] == "434b"
    assert (acted["actor"], acted["onBehalfOf"]) == (
        {"display": "Nadia SOCIALE"}, {"display": "Service social"},
    )  # fmt: skip


def test_a_performer_may_be_a_profession_alone(convert: Convert) -> None:
    performer = (
        '<performer><assignedEntity><id nullFlavor="NA"/><code code="G15_95" codeSystem="1.2"/>'
        "</assignedEntity></performer>"
    )

    found = request(convert, "MED-572", "ORG-036", performer)

    assert "performer" not in found
    assert found["performerType"]["coding"][0]["code"] == "G15_95"


def test_a_reason_is_an_observation_of_its_own(convert: Convert) -> None:
    weight = observation(
        "29463-7", '<effectiveTime value="20260301"/><value xsi:type="PQ" value="54.5" unit="kg"/>'
    )

    mapped = convert(programme(line("MED-572", "ORG-036", inside("RSON", weight))))

    reason = only(mapped, "Observation")
    assert reason["valueQuantity"]["value"] == 54.5
    assert only(mapped, "ServiceRequest")["reasonReference"] == [
        {"reference": f"Observation/{reason['id']}"}
    ]


def test_acts_that_are_done_stay_in_the_plan(convert: Convert) -> None:
    done = line("MED-568", "387713003", system=SCT, mood="EVN", own=times("20260101", "20260101"))

    mapped = convert(programme(done, line(*CHEMO, system=NCI)))

    plan = only(mapped, "CarePlan")
    planned = next(r for r in resources(mapped, "ServiceRequest") if "intent" in r)
    assert plan["activity"] == [
        {"reference": {"reference": f"ServiceRequest/{planned['id']}"}},
        {"outcomeReference": [{"reference": f"Procedure/{only(mapped, 'Procedure')['id']}"}]},
    ]


def test_the_span_of_a_plan_is_that_of_its_foreseen_dates(convert: Convert) -> None:
    confirmed = line(
        *CHEMO, foreseen("20260301", "20260401"), system=NCI, own=times("20260501", "20260601")
    )
    late = line("MED-571", "MED-091", foreseen("20260315", "202609"))

    plan = only(convert(programme(confirmed, late, line("MED-570", "MED-555"))), "CarePlan")

    assert plan["period"] == {"start": "2026-03-01", "end": "2026-09"}


def test_a_support_line_without_dates_is_a_request_all_the_same(convert: Convert) -> None:
    mapped = convert(programme(line("MED-572", "ORG-037"), part=SUPPORTIVE))

    assert "period" not in only(mapped, "CarePlan")
    assert only(mapped, "ServiceRequest")["status"] == "active"


def status_section(code: str) -> str:
    value = f'<value xsi:type="CD" code="{code}" codeSystem="{SCT}"/>'
    return section("35", observation("GEN-065", value))


@pytest.mark.parametrize(
    ("code", "status"),
    [("9571008", "active"), ("29179001", "completed")],
    ids=["approved", "closed"],
)
def test_a_closed_programme_is_completed(convert: Convert, code: str, status: str) -> None:
    body = programme(line(*CHEMO, system=NCI), beside=status_section(code))

    assert only(convert(body), "CarePlan")["status"] == status


def test_a_proposal_is_a_draft_whatever_its_document(convert: Convert) -> None:
    comment = (
        '<act classCode="ACT" moodCode="EVN"><templateId root="1.2.250.1.213.1.1.3.32"/>'
        '<code code="48767-8" codeSystem="2.16.840.1.113883.6.1"/>'
        '<text><reference value="#w1"/></text><effectiveTime value="20260210"/></act>'
    )

    mapped = convert(board(section("158", comment, text=NARRATIVE), status_section("29179001")))

    plan = only(mapped, "CarePlan")
    assert (plan["status"], plan["intent"]) == ("draft", "proposal")
    assert plan["note"] == [{"time": "2026-02-10", "text": "Une fois par semaine"}]
    assert mapped.issues == []


def test_the_rank_of_a_proposed_treatment_is_kept(convert: Convert) -> None:
    proposed = (
        f'<procedure moodCode="INT"><templateId root="1.2.250.1.213.1.1.3.62"/>'
        f"{coded('code', 'C15313', NCI)}"
        "<priorityCode><originalText>2</originalText></priorityCode></procedure>"
    )

    found = only(convert(board(section("158", proposed))), "ServiceRequest")

    (extension,) = found["extension"]
    assert extension["url"].endswith("/treatment-order")
    assert extension["valueString"] == "2"


def test_the_end_of_all_treatments_is_shown_on_the_plan(convert: Convert) -> None:
    stopped, going_on = (observation("MED-052", boolean(said)) for said in ("true", "false"))

    ended = convert(programme(stopped))

    observed = only(ended, "Observation")
    assert {"reference": f"Observation/{observed['id']}"} in only(ended, "CarePlan")[
        "supportingInfo"
    ]
    assert len(only(convert(programme(going_on)), "CarePlan")["supportingInfo"]) == 1
