"""Orders and referrals become requests: numbers, groups, people, times, what is refused."""

import pytest

from gateway.hl7v2.intake import Action, judge
from gateway.hl7v2.reader import read
from tests.unit.hl7v2.compose import PID, admission, er7, msh, with_field
from tests.unit.hl7v2.orders import (
    FILLER,
    PLACER,
    PSYCHOLOGY,
    codes,
    folded,
    obr,
    only,
    orc,
    order,
    referral,
    said,
)
from tests.unit.hl7v2.test_adapter import IDS, SITE, contribute, of

ORDERS = "https://relais.example/ns/order/990000001"


def judged(raw: bytes, *, lenient: bool = True) -> tuple[Action, list[tuple[str, str]]]:
    verdict = judge(read(raw), processing_ids=frozenset({"P"}), lenient=lenient)
    return verdict.action, [(issue.code, issue.where) for issue in verdict.issues]


def test_an_order_is_named_by_its_placer_and_keeps_both_numbers() -> None:
    request = only("ServiceRequest", order(orc("NW", PLACER, FILLER), obr()))

    assert request["id"] == IDS.order(ORDERS, "P9")
    assert [one["value"] for one in request["identifier"]] == ["P9", "F3"]


def test_numbers_in_obr_stand_in_for_those_of_orc() -> None:
    request = only("ServiceRequest", order("ORC|NW", obr(f2=PLACER)))

    assert request["id"] == IDS.order(ORDERS, "P9")


def test_numbers_that_come_later_are_added_to_those_known() -> None:
    request = only(
        "ServiceRequest",
        said("NW", 0),
        order(orc("OK", PLACER, FILLER), sent="20261120090000"),
    )

    assert [one["value"] for one in request["identifier"]] == ["P9", "F3"]


def test_what_stands_behind_an_orc_belongs_to_its_order() -> None:
    first, second = folded(
        "ServiceRequest",
        order(
            *(orc("NW"), obr(f5="S"), "NTE|1||un"),
            *(orc("NW", "P10"), obr("DIET^D^L"), "NTE|1||deux"),
        ),
    )

    assert [codes(one["code"]) for one in (first, second)] == [["PSY"], ["DIET"]]
    assert [one["note"] for one in (first, second)] == [[{"text": "un"}], [{"text": "deux"}]]
    assert "priority" not in second


def test_a_note_behind_a_result_is_no_note_of_the_order() -> None:
    request = only("ServiceRequest", order(orc("NW"), obr(), "OBX|1|ST|X||1", "NTE|1||résultat"))

    assert "note" not in request


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        pytest.param(("TQ1|1||||||20261201090000",), "2026-12-01T09:00:00+01:00", id="TQ1"),
        pytest.param((obr(f6="202612"),), "2026-12", id="a month stays a month"),
        pytest.param((obr(f27="^^^20261201"),), "2026-12-01", id="OBR-27"),
    ],
)
def test_when_it_is_wanted(segments: tuple[str, ...], expected: str) -> None:
    request = only("ServiceRequest", order(orc("NW"), *segments))

    assert request["occurrenceDateTime"] == expected


def test_an_end_before_the_start_is_left_out() -> None:
    timing = "TQ1|1||||||20261201090000|20261101090000"
    request = only("ServiceRequest", order(orc("NW"), timing, obr()))

    assert request["occurrencePeriod"] == {"start": "2026-12-01T09:00:00+01:00"}


def test_a_new_time_takes_the_place_of_a_period() -> None:
    request = only(
        "ServiceRequest",
        order(orc("NW"), "TQ1|1||||||20261201090000|20261203090000", obr()),
        order(orc("XO"), "TQ1|1||||||20261205090000", obr(), sent="20261121080000"),
    )

    assert "occurrencePeriod" not in request
    assert request["occurrenceDateTime"] == "2026-12-05T09:00:00+01:00"


def test_only_what_places_an_order_tells_when_it_was_written() -> None:
    request = only(
        "ServiceRequest",
        order(orc("NW", f9="20261120081000"), obr()),
        order(orc("CA", f9="20261121081000"), sent="20261121082000"),
    )

    assert request["authoredOn"] == "2026-11-20T08:10:00+01:00"


def test_a_priority_of_no_table_is_reported() -> None:
    mapped = contribute(order(orc("NW"), obr(f5="X")), SITE)

    assert [(issue.code, issue.where) for issue in mapped.issues] == [("RLS-HL7-103", "OBR-5")]


def test_requester_orders_for_the_facility_the_order_names() -> None:
    who = "10000023084^MARTIN^Anne^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"
    where = "CLINIQUE^^^^^FINESS&1.2.250.1.71.4.2.2&ISO^FINEG^^^990000308"
    raw = order(orc("NW", f12=who, f21=where), obr())

    role = only("PractitionerRole", raw)["id"]
    named = {one["name"] for one in folded("Organization", raw)}

    assert only("ServiceRequest", raw)["requester"]["reference"] == f"PractitionerRole/{role}"
    assert "CLINIQUE" in named


def test_a_requester_nobody_can_identify_is_shown_by_name() -> None:
    request = only("ServiceRequest", order(orc("NW", f12="^MARTIN^Anne"), obr()))

    assert request["requester"] == {"display": "Anne MARTIN"}


def test_a_part_of_an_order_names_the_whole() -> None:
    request = only("ServiceRequest", order(orc("CH", "P10", f8="P9&CHU-DEMO&990000001"), obr()))

    assert request["basedOn"] == [
        {"type": "ServiceRequest", "identifier": {"system": ORDERS, "value": "P9"}}
    ]


@pytest.mark.field("FL-137")
def test_an_order_without_visit_is_taken() -> None:
    raw = order()

    assert judged(raw) == (Action.PROCESS, [])
    assert "encounter" not in only("ServiceRequest", raw)


@pytest.mark.field("FL-087")
def test_an_order_never_rewrites_demographics() -> None:
    older = admission()
    moved = er7(
        msh("ORM^O01^ORM_O01").replace("20261120083000", "20261125083000"),
        with_field(PID, 11, "9 rue Ancienne^^PARIS^^75001^FRA^H"),
        orc("NW"),
        obr(),
    )

    patient = only("Patient", older, moved)

    assert [one["city"] for one in patient["address"]] == ["LYON"]


def test_an_order_without_any_number_is_refused() -> None:
    assert judged(order("ORC|NW", obr())) == (Action.REJECT, [("RLS-HL7-060", "ORC-2")])


def test_a_second_group_without_number_is_refused_at_its_place() -> None:
    raw = order(orc("NW"), obr(), "ORC|NW", obr())

    assert judged(raw) == (Action.REJECT, [("RLS-HL7-060", "ORC[2]-2")])


def test_medicines_are_told_and_make_no_request() -> None:
    raw = order(orc("NW"), "RXO|PARA^Paracétamol^L")

    assert judged(raw) == (Action.PROCESS, [("RLS-HL7-061", "ORC")])
    assert folded("ServiceRequest", raw) == []


def test_a_control_code_of_no_table_says_nothing_of_the_status() -> None:
    raw = order(orc("ZZ"), obr())

    assert judged(raw) == (Action.PROCESS, [("RLS-HL7-062", "ORC-1")])
    assert only("ServiceRequest", raw)["status"] == "unknown"
    assert only("ServiceRequest", said("HD", 0), said("ZZ", 1))["status"] == "on-hold"


def test_an_order_message_needs_its_patient_and_an_order() -> None:
    assert judged(er7(msh("ORM^O01^ORM_O01"), PID))[1] == [("RLS-HL7-025", "ORC")]
    assert judged(er7(msh("ORM^O01^ORM_O01"), orc("NW")))[1] == [("RLS-HL7-025", "PID")]


def test_a_referral_needs_a_number() -> None:
    assert judged(er7(msh("REF^I12^REF_I12"), "RF1|P", PID))[1] == [("RLS-HL7-020", "RF1-6")]


def test_a_referral_says_who_refers_and_to_whom() -> None:
    raw = referral("P")
    request = only("ServiceRequest", raw)

    performer = request["performer"][0]["reference"].partition("/")[2]
    structure = next(one for one in folded("Organization", raw) if one["id"] == performer)

    assert structure["identifier"][0]["value"] == "990000209"
    assert request["requester"]["reference"].startswith("Practitioner/")
    assert [part.target.id for part in of(contribute(raw, SITE), "Practitioner")] == [
        request["requester"]["reference"].partition("/")[2]
    ]


def test_what_a_referral_asks_for_is_its_service_else_its_type() -> None:
    assert codes(only("ServiceRequest", referral("P"))["code"]) == ["SMR"]
    assert codes(only("ServiceRequest", referral("P", code=""))["code"]) == ["MED"]


def test_codes_say_their_system_and_the_other_words_of_the_sender() -> None:
    raw = order(orc("NW"), obr("718-7^Hb^LN^NFS^Numération^L", f31="C50.9^^CIM-10"))
    request = only("ServiceRequest", raw)

    assert [one["system"].rpartition("/")[2] for one in request["code"]["coding"]] == [
        "loinc.org",
        "OBR-4",
    ]
    assert request["reasonCode"][0]["coding"][0]["system"] == "http://hl7.org/fhir/sid/icd-10"
    assert PSYCHOLOGY.partition("^")[0] not in codes(request["code"])


def test_one_order_may_be_replaced_by_several_told_one_behind_the_other() -> None:
    raw = order(orc("RP"), orc("RO", "P10"), orc("RO", "P11"), orc("NW", "P12"), orc("RO", "P13"))

    replaced = {
        one["identifier"][0]["value"]: one["replaces"][0]["identifier"]["value"]
        for one in folded("ServiceRequest", raw)
        if "replaces" in one
    }

    assert replaced == {"P10": "P9", "P11": "P9"}
