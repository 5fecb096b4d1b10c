"""Converters of the stay, the account, consents, documents and appointments."""

from typing import Any

import pytest

from gateway.fhir.identity import Ids
from gateway.hl7v2.classes import classify, kind_coding, sector_tag
from gateway.hl7v2.convert import CONVERTERS
from gateway.hl7v2.convert.documents import document_id
from gateway.hl7v2.keys import context_of
from gateway.hl7v2.message import Node
from gateway.hl7v2.reader import read
from gateway.mapping.converters import REMOVED, Removed
from gateway.mapping.sites import Site
from tests.unit.hl7v2.compose import EVN, PID, PV1, admission, er7, msh, with_field

SITE = Site(name="demo", finess="990000001", authorities={"CHU-DEMO": "990000001"})
IDS = Ids()


def convert(name: str, path: str, raw: bytes | None = None, **segments: str) -> list[Any]:
    message = read(raw or admission(**segments))
    context = context_of(message, SITE, IDS, test_ins=True)
    return [CONVERTERS[name](node, context) for node in message.select(path)]


def of(name: str, segment: str, field: int, value: str) -> Any:
    base = PV1 if segment == "PV1" else segment
    return convert(name, f"{segment}-{field}", **{segment: with_field(base, field, value)})[0]


@pytest.mark.parametrize(
    ("patient_class", "treatment", "unit", "code", "sector"),
    [
        pytest.param("E", "10", "mco", "EMER", "urgences", id="emergency"),
        pytest.param("I", "03", "mco", "ACUTE", "mco", id="acute stay"),
        pytest.param("I", "03", "", "IMP", "", id="unit unknown: no sector is guessed"),
        pytest.param("I", "03", "smr", "NONAC", "smr", id="rehabilitation"),
        pytest.param("I", "", "usld", "NONAC", "usld", id="long stay"),
        pytest.param("I", "03", "psy", "IMP", "psy", id="psychiatric unit"),
        pytest.param("I", "38", "", "IMP", "psy", id="psychiatric mode"),
        pytest.param("I", "06", "mco", "HH", "had", id="hospital at home by mode"),
        pytest.param("I", "03", "had", "HH", "had", id="hospital at home by unit"),
        pytest.param("I", "04", "mco", "SS", "mco-day", id="day hospital"),
        pytest.param("I", "23", "", "SS", "mco-day", id="ambulatory surgery"),
        pytest.param("I", "04", "smr", "SS", "smr", id="day hospital of rehabilitation"),
        pytest.param("R", "19", "mco", "AMB", "seance", id="session"),
        pytest.param("O", "07", "mco", "AMB", "externe", id="outpatient"),
        pytest.param("V", "", "", "VR", "telesurveillance", id="telemonitoring"),
        pytest.param("N", "", "mco", "", "", id="no encounter"),
    ],
)
def test_class_and_sector(
    patient_class: str, treatment: str, unit: str, code: str, sector: str
) -> None:
    found = classify(patient_class, treatment, unit)

    assert (found.code, found.sector) == (code, sector)


def test_kind_of_contact_and_sector_are_codings() -> None:
    session = classify("R", "19", "")
    home = classify("I", "06", "")
    unknown = classify("I", "03", "")

    assert kind_coding(session) == {
        "system": "urn:oid:1.2.250.1.213.1.1.4.2.291",
        "code": "SEANCE",
    }
    assert (kind_coding(home) or {})["code"] == "IMP"
    assert kind_coding(unknown) is None
    assert sector_tag(unknown) is None
    assert (sector_tag(home) or {})["code"] == "had"


@pytest.mark.parametrize(
    ("code", "system"),
    [
        ("R", "http://terminology.hl7.org/CodeSystem/v2-0007"),
        ("IE", "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-type-admission"),
    ],
)
def test_kind_of_admission(code: str, system: str) -> None:
    assert of("admission_type", "PV1", 4, code) == {"coding": [{"system": system, "code": code}]}


def test_pre_admission_number_is_a_second_identifier() -> None:
    found = of("preadmission_number", "PV1", 5, "PA1^^^CHU-DEMO")

    assert found["type"]["coding"][0]["code"] == "PREADM"
    assert (found["system"], found["value"]) == (
        "https://relais.example/ns/visit/990000001",
        "PA1",
    )


def test_coded_parts_of_the_stay() -> None:
    assert of("service_type", "PV1", 10, "126")["coding"][0]["code"] == "126"
    assert of("admit_source_v2", "PV1", 14, "7")["code"] == "7"
    assert of("discharge_circumstance", "PV1", 36, "PSA")["coding"][0]["code"] == "PSA"
    assert of("encounter_class", "PV1", 2, "E")["code"] == "EMER"
    assert of("encounter_class", "PV1", 2, "N") is None
    assert of("service_type", "PV1", 10, '""') is REMOVED


@pytest.mark.field("FL-152")
def test_confidential_visit_is_restricted() -> None:
    assert of("confidential", "PV2", 22, "Y")["code"] == "R"
    assert of("confidential", "PV2", 22, "N") is None


def test_expected_discharge_is_a_day_and_can_be_emptied() -> None:
    url = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-estimated-discharge-date"

    assert of("expected_discharge", "PV2", 9, "20260310080000") == {
        "url": url,
        "valueDate": "2026-03-10",
    }
    assert of("expected_discharge", "PV2", 9, '""') == Removed(url)
    assert of("expected_discharge", "PV2", 9, "20260230").issues[0].code == "RLS-HL7-101"
    assert of("arrival_mode", "PV2", 38, "8")["valueCoding"]["code"] == "8"


def test_keys_of_stay_and_account() -> None:
    assert convert("stay_id", "PV1") == [
        IDS.stay("https://relais.example/ns/visit/990000001", "V25001")
    ]
    assert convert("visit_number", "PV1")[0]["type"]["coding"][0]["code"] == "VN"
    assert convert("account_id", "PID-18") == [
        IDS.account("https://relais.example/ns/nda/990000001", "D25001")
    ]
    assert convert("account_reference", "PID")[0]["reference"].startswith("Account/")
    assert convert("account_identifier", "PID")[0]["value"] == "D25001"


@pytest.mark.field("FL-153")
@pytest.mark.parametrize(
    ("event", "scope", "last", "status"),
    [
        pytest.param("A01", "V", "", "active", id="admission"),
        pytest.param("A03", "V", "D", "inactive", id="last visit of the dossier"),
        pytest.param("A03", "V", "N", "active", id="not the last visit"),
        pytest.param("A11", "V", "", "active", id="only the visit is cancelled"),
        pytest.param("A11", "A", "", "entered-in-error", id="the account is cancelled"),
        pytest.param("A11", "", "", "entered-in-error", id="no scope means the account"),
    ],
)
def test_status_of_the_account(event: str, scope: str, last: str, status: str) -> None:
    pv1 = with_field(with_field(PV1, 41, last), 51, scope)
    found = convert("account_status", "PV1", MSH=msh(f"ADT^{event}"), PV1=pv1)

    assert found == [status]


def test_movement_number_is_of_who_numbers_movements() -> None:
    zbe = "ZBE|M1^CHU-DEMO^990000001~M2^AUTRE|20261120081500||INSERT|N"
    first, second = convert("movement_identifier", "ZBE-1", ZBE=zbe)

    assert (first["system"], first["value"]) == (
        "https://relais.example/ns/movement/990000001",
        "M1",
    )
    assert second["system"] == "https://relais.example/ns/movement/AUTRE"


def test_pmsi_codes_are_parts_of_one_extension() -> None:
    found = convert("pmsi_movement", "ZFM", ZFM="ZFM||7||2|5")[0]

    assert [(p["url"], p["valueCode"]) for p in found["extension"]] == [
        ("modeSortie", "7"),
        ("destination", "2"),
        ("passageUrgences", "5"),
    ]
    assert convert("pmsi_movement", "ZFM", ZFM="ZFM||||") == [None]


@pytest.mark.parametrize(
    ("feeding", "consultation", "types"),
    [
        pytest.param("INO", "IC", ["permit", "permit"], id="both allowed"),
        pytest.param("INO", "INC", ["permit", "deny"], id="consultation refused"),
        pytest.param("IO", "INC", ["deny", "deny"], id="both refused"),
        pytest.param("INO", "NA", ["permit", None], id="consultation not asked"),
        pytest.param("NA", "NA", [None, None], id="nothing asked"),
    ],
)
def test_combinations_of_consent(feeding: str, consultation: str, types: list[str | None]) -> None:
    zfa = f"ZFA|ACTIF|20260302|||||||{feeding}|20260302|{consultation}|20260302"
    provisions = [convert("consent_provision", path, ZFA=zfa)[0] for path in ("ZFA-9", "ZFA-11")]
    ids = [convert("consent_id", path, ZFA=zfa)[0] for path in ("ZFA-9", "ZFA-11")]

    assert provisions == types
    assert [bool(number) for number in ids] == [bool(one) for one in types]


def test_two_consents_of_one_visit_are_two() -> None:
    zfa = "ZFA|ACTIF|20260302|||||||INO|20260302|IC|20260302"
    feeding = convert("consent_id", "ZFA-9", ZFA=zfa)
    consultation = convert("consent_id", "ZFA-11", ZFA=zfa)

    assert feeding != consultation
    assert convert("consent_category", "ZFA-9", ZFA=zfa)[0]["coding"][0]["code"] == "dmp-feeding"


def document(txa12: str, obr4: str = "11490-0^Lettre^LN") -> bytes:
    return er7(
        msh("MDM^T02^MDM_T02"),
        EVN,
        PID,
        PV1,
        f"OBR|1|||{obr4}",
        f"TXA|1|CN|TEXT||||||||{'|'}{txa12}",
    )


@pytest.mark.field("FL-167")
@pytest.mark.parametrize(
    ("sent", "found"),
    [
        pytest.param("1.2.3^^^", ("1.2.3", ""), id="a root"),
        pytest.param("77^^1.2.3^ISO", ("1.2.3", "77"), id="an extension of a root"),
        pytest.param("1.2.3^Organisation", ("1.2.3", ""), id="a namespace says nothing"),
        pytest.param("bonjour", None, id="no identifier"),
    ],
)
def test_document_number(sent: str, found: tuple[str, str] | None) -> None:
    node = read(document(sent)).select("TXA-12")[0]
    assert isinstance(node, Node)

    assert document_id(node) == found


def test_document_has_the_id_of_its_number() -> None:
    assert convert("document_reference_id", "TXA-12", document("77^^1.2.3^ISO")) == [
        IDS.document("urn:oid:1.2.3", "77")
    ]
    assert convert("document_identifier", "TXA-12", document("1.2.3")) == [
        {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"}
    ]
    assert convert("document_identifier", "TXA-12", document("bonjour")) == [None]


def test_replaced_document_is_named_by_its_identifier_not_by_a_reference_that_may_dangle() -> None:
    assert convert("replaced_document", "TXA-13", document("77^^1.2.3^ISO|76^^1.2.3^ISO")) == [
        {
            "code": "replaces",
            "target": {
                "type": "DocumentReference",
                "identifier": {"system": "urn:oid:1.2.3", "value": "76"},
            },
        }
    ]
    assert convert("replaced_document", "TXA-13", document("1.2.3|bonjour")) == [None]


def test_type_of_a_document_is_a_code_of_a_known_system() -> None:
    known = convert("document_type", "OBR-4", document("1.2.3"))
    unknown = convert("document_type", "OBR-4", document("1.2.3", "X^Note interne^99LOC"))

    assert known[0]["coding"][0]["system"] == "http://loinc.org"
    assert unknown == [{"text": "Note interne"}]


def appointment(sch: str, *others: str, event: str = "S12") -> bytes:
    return er7(msh(f"SIU^{event}^SIU_S12"), sch, PID, *others)


def sch(**fields: str) -> str:
    segment = "SCH|A1^CHU-DEMO|F1^AGENDA"
    for name, value in fields.items():
        segment = with_field(segment, int(name.removeprefix("f")), value)
    return segment


@pytest.mark.parametrize(
    ("event", "said", "status"),
    [
        pytest.param("S12", "", "booked", id="new"),
        pytest.param("S12", "Pending", "pending", id="pending"),
        pytest.param("S12", "COMPLETE", "fulfilled", id="complete"),
        pytest.param("S12", "???", "booked", id="a word outside of the table"),
        pytest.param("S15", "Booked", "cancelled", id="the cancelling event wins"),
        pytest.param("S26", "", "noshow", id="no-show"),
    ],
)
def test_status_of_an_appointment(event: str, said: str, status: str) -> None:
    raw = appointment(sch(f25=said), event=event)

    assert convert("appointment_status", "SCH", raw) == [status]


@pytest.mark.parametrize(
    ("fields", "others", "start", "end"),
    [
        pytest.param(
            {"f11": "^^^20260323140000^20260323143000"},
            (),
            "2026-03-23T14:00:00+01:00",
            "2026-03-23T14:30:00+01:00",
            id="start and end",
        ),
        pytest.param(
            {"f11": "^^^20260323140000", "f9": "30", "f10": "MIN"},
            (),
            "2026-03-23T14:00:00+01:00",
            "2026-03-23T13:30:00Z",
            id="start and length",
        ),
        pytest.param(
            {},
            ("AIS|1||X|20260323140000",),
            "2026-03-23T14:00:00+01:00",
            "2026-03-23T14:00:00+01:00",
            id="a start alone ends when it starts",
        ),
        pytest.param({"f11": "^^^20260323"}, (), "", "", id="a day is no instant"),
    ],
)
def test_times_of_an_appointment(
    fields: dict[str, str], others: tuple[str, ...], start: str, end: str
) -> None:
    raw = appointment(sch(**fields), *others)

    assert convert("appointment_start", "SCH", raw) == [start]
    assert convert("appointment_end", "SCH", raw) == [end]


def test_number_of_an_appointment_is_of_the_filler_else_of_the_placer() -> None:
    filler = convert("appointment_id", "SCH", appointment(sch()))
    placer = convert("appointment_id", "SCH", appointment("SCH|A1^CHU-DEMO"))
    numbers = convert("appointment_number", "SCH-1", appointment(sch()))

    assert filler == [IDS.appointment("https://relais.example/ns/appointment/AGENDA", "F1")]
    assert placer == [IDS.appointment("https://relais.example/ns/appointment/990000001", "A1")]
    assert numbers[0]["type"]["coding"][0]["code"] == "PLAC"


def test_people_places_and_order_of_an_appointment() -> None:
    who = "10000023084^D^L^^^^^^ASIP&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"
    raw = appointment(
        sch(f20=who, f26="R1^CHU-DEMO", f9="30", f10="MIN"),
        "AIL|1||4036^22",
        f"AIP|1||{who}",
    )

    place = convert("appointment_place", "AIL-3", raw)[0]
    person = convert("appointment_professional", "AIP-3", raw)[0]
    enterer = convert("appointment_enterer", "SCH-20", raw)[0]
    patient = convert("appointment_patient", "PID", raw)[0]
    order = convert("order_link", "SCH-26", raw)[0]

    assert place["actor"]["reference"].startswith("Location/")
    assert person["actor"] == enterer["actor"]
    assert enterer["type"][0]["coding"][0]["code"] == "ENT"
    assert patient["actor"]["reference"].startswith("Patient/")
    assert order == {
        "type": "ServiceRequest",
        "identifier": {"system": "https://relais.example/ns/order/990000001", "value": "R1"},
    }
    assert convert("appointment_minutes", "SCH", raw) == [30]


@pytest.mark.field("FL-195")
def test_code_without_system_belongs_to_the_sender() -> None:
    raw = appointment(sch(f7="SUIVI^Consultation^L"), "AIS|1||11488-4^CR^LN")

    reason = convert("coded", "SCH-7", raw)[0]
    service = convert("coded", "AIS-3", raw)[0]

    assert reason["coding"][0]["system"] == (
        "https://relais.example/fhir/CodeSystem/local/demo/SCH-7"
    )
    assert reason["text"] == "Consultation"
    assert service["coding"][0]["system"] == "http://loinc.org"
