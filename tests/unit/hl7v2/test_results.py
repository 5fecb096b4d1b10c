"""Results of an ORU become observations: values by their type, units, ranges, corrections."""

import pytest

from gateway.hl7v2.intake import Action, judge
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.orders import obr, orc
from tests.unit.hl7v2.results import SERVICE, folded, obx, oru, quantity, result, value
from tests.unit.hl7v2.test_adapter import IDS, SITE, contribute

PRECISE = {
    "url": "http://hl7.org/fhir/StructureDefinition/quantity-precision",
    "valueInteger": 2,
}


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        pytest.param(obx("NM", "11.5"), quantity(11.5), id="NM"),
        pytest.param(obx("NM", "-3"), quantity(-3), id="NM, whole"),
        pytest.param(
            obx("NM", "1.50"), quantity(1.5, _value={"extension": [PRECISE]}), id="NM, last zero"
        ),
        pytest.param(obx("NM", "0,5"), quantity(0.5), id="NM with a decimal comma"),
        pytest.param(obx("NM", "<5"), quantity(5, comparator="<"), id="NM with a comparator"),
        pytest.param(obx("NM", "1:128"), {"valueString": "1:128"}, id="NM that is a titre"),
        pytest.param(obx("NM", "+++"), {"valueString": "+++"}, id="NM that is signs"),
        pytest.param(obx("NM", "1" * 16), {"valueString": "1" * 16}, id="NM too long for JSON"),
        pytest.param(obx("SN", "<=^5"), quantity(5, comparator="<="), id="SN with a comparator"),
        pytest.param(obx("SN", "^12"), quantity(12), id="SN, a number"),
        pytest.param(obx("SN", "=^12"), quantity(12), id="SN, equal"),
        pytest.param(
            obx("SN", "^1^-^2"),
            {"valueRange": {"low": {"value": 1}, "high": {"value": 2}}},
            id="SN, a range",
        ),
        pytest.param(
            obx("SN", "^1^:^128"),
            {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}},
            id="SN, a titre",
        ),
        pytest.param(obx("SN", "^2^+"), {"valueString": "2 +"}, id="SN that is neither"),
        pytest.param(obx("SN", "<>^5"), {"valueString": "<> 5"}, id="SN, unequal"),
        pytest.param(obx("ST", "Positif"), {"valueString": "Positif"}, id="ST"),
        pytest.param(obx("TX", "a\\.br\\b"), {"valueString": "a\nb"}, id="TX of two lines"),
        pytest.param(obx("FT", "x^y & z"), {"valueString": "x^y & z"}, id="FT with separators"),
        pytest.param(
            obx("CE", "112283007^Escherichia coli^SCT"),
            {
                "valueCodeableConcept": {
                    "coding": [
                        {
                            "system": "http://snomed.info/sct",
                            "code": "112283007",
                            "display": "Escherichia coli",
                        }
                    ],
                    "text": "Escherichia coli",
                }
            },
            id="CE",
        ),
        pytest.param(
            obx("CWE", "^absence de germe"),
            {"valueCodeableConcept": {"text": "absence de germe"}},
            id="CWE without code",
        ),
        pytest.param(obx("DT", "20261119"), {"valueDateTime": "2026-11-19"}, id="DT"),
        pytest.param(obx("DT", "202611"), {"valueDateTime": "2026-11"}, id="DT, a month"),
        pytest.param(
            obx("TS", "202611190830"), {"valueDateTime": "2026-11-19T08:30:00+01:00"}, id="TS"
        ),
        pytest.param(obx("TS", "20261345"), {"valueString": "20261345"}, id="TS that is none"),
        pytest.param(obx("TM", "083015"), {"valueTime": "08:30:15"}, id="TM"),
        pytest.param(obx("TM", "0830"), {"valueString": "0830"}, id="TM without seconds"),
        pytest.param(obx("", "12"), {"valueString": "12"}, id="no type"),
        pytest.param(obx("XX", "12"), {"valueString": "12"}, id="unknown type"),
    ],
)
def test_a_value_by_the_type_it_is_announced_as(segment, expected):
    assert value(result(oru(segment))) == expected


def test_several_values_are_parts_of_one_result():
    found = result(oru(obx("NM", "1~2", f6="mmol/L")))

    assert [one["valueQuantity"]["value"] for one in found["component"]] == [1, 2]
    assert [one["code"] == found["code"] for one in found["component"]] == [True, True]
    assert "valueQuantity" not in found


# --- what is no number ------------------------------------------------------------------------


@pytest.mark.field("FL-198")
def test_a_number_that_is_none_is_kept_as_text_with_a_flag():
    body = oru(obx("NM", "Négatif"))

    verdict = judge(read(body), processing_ids=frozenset({"P"}))

    assert verdict.action is Action.PROCESS
    assert [(one.code, one.where, one.severity.value) for one in verdict.issues] == [
        ("RLS-HL7-029", "OBX[1]-5", "warning")
    ]
    assert value(result(body)) == {"valueString": "Négatif"}
    assert contribute(body).flags == ["value-as-text"]


@pytest.mark.field("FL-198")
@pytest.mark.parametrize(
    ("segment", "code", "place", "hl7_code"),
    [
        pytest.param(obx("NM", "Négatif"), "RLS-HL7-029", "OBX[1]-5", 102, id="NM"),
        pytest.param(obx("SN", "^beaucoup"), "RLS-HL7-066", "OBX[1]-5", 102, id="SN"),
        pytest.param(obx("DT", "demain"), "RLS-HL7-066", "OBX[1]-5", 102, id="DT"),
        pytest.param(obx("TM", "2561"), "RLS-HL7-066", "OBX[1]-5", 102, id="TM"),
        pytest.param(obx("", "12"), "RLS-HL7-020", "OBX[1]-2", 101, id="no type"),
        pytest.param(obx("NM", "12", f11=""), "RLS-HL7-020", "OBX[1]-11", 101, id="no status"),
        pytest.param(obx("NM", "12", code=""), "RLS-HL7-020", "OBX[1]-3", 101, id="no name"),
    ],
)
def test_a_strict_source_is_refused_what_a_lenient_one_is_warned_of(segment, code, place, hl7_code):
    lenient, strict = (
        judge(read(oru(segment)), processing_ids=frozenset({"P"}), lenient=is_lenient)
        for is_lenient in (True, False)
    )

    assert lenient.action is Action.PROCESS
    assert [(one.code, one.where) for one in lenient.issues] == [(code, place)]
    assert strict.action is Action.REJECT
    assert [(one.code, one.where, one.hl7_code) for one in strict.issues] == [
        (code, place, hl7_code)
    ]


def test_a_value_as_announced_has_no_flag():
    assert contribute(oru(obx("NM", "12"), obx("SN", "<^5"), obx("DT", "20261119"))).flags == []


# --- units and ranges -------------------------------------------------------------------------


@pytest.mark.field("FL-196")
@pytest.mark.parametrize(
    ("sent", "unit", "code"),
    [
        pytest.param("mmol/l", "mmol/l", "mmol/L", id="of the table"),
        pytest.param("µmol/L", "µmol/L", "umol/L", id="micro sign"),
        pytest.param("μmol/L", "μmol/L", "umol/L", id="Greek mu"),
        pytest.param("UI/L", "UI/L", "[iU]/L", id="international units"),
        pytest.param("10*9/L^^UCUM", "10*9/L", "10*9/L", id="said to be UCUM"),
        pytest.param("m[iU]/L^mUI/L^UCUM", "mUI/L", "m[iU]/L", id="said to be UCUM, with a label"),
        pytest.param("G/L", "G/L", "", id="giga per litre is not guessed"),
        pytest.param("G/L^^UCUM", "G/L", "", id="nor when it is said to be UCUM"),
        pytest.param("{tbl}", "{tbl}", "", id="not in the table"),
    ],
)
def test_ucum_is_claimed_by_the_table_or_by_the_sender(sent, unit, code):
    assert value(result(oru(obx("NM", "5", f6=sent)))) == quantity(5, unit, code)


def test_a_unit_that_is_said_to_be_ucum_and_is_none_is_told():
    mapped = contribute(oru(obx("NM", "5", f6="giga/L^^UCUM")))

    assert [(one.code, one.where) for one in mapped.issues] == [("RLS-HL7-068", "OBX-6")]


def test_a_site_says_what_its_unit_stands_for():
    site = SITE.model_copy(update={"local_codes": {"ucum-units": {"G/L": "10*9/L"}}})

    found = result(oru(obx("NM", "5", f6="G/L")), site=site)

    assert value(found) == quantity(5, "G/L", "10*9/L")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param("12 - 16", {"low": 12, "high": 16}, id="two bounds"),
        pytest.param("3,5-5", {"low": 3.5, "high": 5}, id="decimal comma"),
        pytest.param("<5", {"high": 5}, id="upper bound"),
        pytest.param("> 60", {"low": 60}, id="lower bound"),
        pytest.param("<=5", {}, id="a bound FHIR has no place for"),
        pytest.param("Négatif", {}, id="in words"),
    ],
)
def test_a_reference_range_is_kept_as_sent_with_the_bounds_it_tells(sent, expected):
    [found] = result(oru(obx("NM", "5", f6="g/L", f7=sent)))["referenceRange"]

    assert found.pop("text") == sent
    assert {side: one["value"] for side, one in found.items()} == expected
    assert {one["code"] for one in found.values()} <= {"g/L"}


def test_abnormal_flags_are_read_and_one_of_no_table_is_told():
    mapped = contribute(oru(obx("NM", "5", f8="HH~*")))
    found = result(oru(obx("NM", "5", f8="HH~*")))

    assert [one["coding"][0]["code"] for one in found["interpretation"]] == ["HH"]
    assert [(one.code, one.where) for one in mapped.issues] == [("RLS-MAP-002", "OBX-8[2]")]


# --- who, when, for which order ---------------------------------------------------------------


def test_a_result_knows_its_order_its_report_its_time_and_who_made_it():
    observer = "10000000443^MORIN^Elsa^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS"
    detail = obr(SERVICE, f7="20261120070000", f22="20261120080000", f24="HM", f25="F")
    body = oru(
        obx("NM", "11", f14="20261120071500", f15="LAB1^Laboratoire central^L", f16=observer),
        "NTE|1||contrôlé",
        detail=detail,
    )

    found = result(body)
    [report] = folded("DiagnosticReport", body)

    assert found["basedOn"][0]["reference"] == f"ServiceRequest/{_order()}"
    assert report["basedOn"] == found["basedOn"]
    assert report["result"] == [{"reference": f"Observation/{found['id']}"}]
    assert (report["status"], report["issued"]) == ("final", "2026-11-20T08:00:00+01:00")
    assert report["effectiveDateTime"] == "2026-11-20T07:00:00+01:00"
    assert found["effectiveDateTime"] == "2026-11-20T07:15:00+01:00"
    assert found["category"][0]["coding"][0]["code"] == "laboratory"
    assert found["note"] == [{"text": "contrôlé"}]
    assert found["performer"][1] == {"type": "Organization", "display": "Laboratoire central"}
    assert [one["name"][0]["family"] for one in folded("Practitioner", body)][-1] == "MORIN"


def _order() -> str:
    return IDS.order("https://relais.example/ns/order/990000001", "P9")


def test_a_collection_over_a_time_is_a_period():
    detail = obr(SERVICE, f7="20261119080000", f8="20261120080000", f25="F")

    found = result(oru(obx("NM", "11"), detail=detail))

    assert found["effectivePeriod"] == {
        "start": "2026-11-19T08:00:00+01:00",
        "end": "2026-11-20T08:00:00+01:00",
    }


def test_each_group_has_its_own_order_report_and_results():
    other = (orc("RE", "P10^CHU-DEMO", "F4^PSY"), obr("24331-1^Lipides^LN", f25="P"))
    body = oru(obx("NM", "11"), *other, obx("NM", "1.2", "2093-3^Cholestérol^LN"))

    reports = folded("DiagnosticReport", body)
    requests = folded("ServiceRequest", body)

    assert [one["status"] for one in reports] == ["final", "preliminary"]
    assert [len(one["result"]) for one in reports] == [1, 1]
    assert [one["status"] for one in requests] == ["completed", "active"]


def test_results_without_any_number_are_kept_with_their_patient():
    body = oru(obx("NM", "11"), head="ORC|RE")

    assert folded("ServiceRequest", body) == []
    assert "basedOn" not in result(body)
    assert len(folded("DiagnosticReport", body)) == 1


def test_equal_names_are_told_apart_by_sub_id_and_then_by_their_place():
    segments = [obx("TX", text) for text in ("un", "deux")]
    body = oru(*segments, obx("TX", "trois", f4="2"))

    found = folded("Observation", body)

    assert [one["valueString"] for one in found] == ["un", "deux", "trois"]
    assert len({one["id"] for one in found}) == 3


def test_a_group_with_a_document_makes_no_order():
    document = "OBX|2|ED|34112-3^CR^LN||^TEXT^XML^Base64^PGE+||||||F"

    assert folded("ServiceRequest", oru(obx("NM", "11"), document)) == []
