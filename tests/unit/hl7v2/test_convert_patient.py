"""Converters of the patient: identifiers, status, names, dates, addresses."""

from typing import Any

import pytest

from gateway.core.identity import ins_key_is_right
from gateway.core.issues import Issue
from gateway.fhir.identity import Ids
from gateway.hl7v2.convert import CONVERTERS
from gateway.hl7v2.convert.patient import is_vouched
from gateway.hl7v2.keys import context_of
from gateway.hl7v2.message import Message, Node
from gateway.hl7v2.plans import compile_plans
from gateway.hl7v2.reader import read
from gateway.mapping.converters import REMOVED, Flawed, Removed
from gateway.mapping.loader import load_mappings
from gateway.mapping.sites import Site
from tests.unit.hl7v2.compose import PID, admission, with_field

SITE = Site(name="demo", finess="990000001", authorities={"CHU-DEMO": "990000001"})
INS = "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.{}&ISO^INS"
WORDS = compile_plans(load_mappings()).identity_words
IPP = "P0012^^^CHU-DEMO&990000001&M^PI"


def convert(
    name: str, segment: str, field: int, raw: str, *, test_ins: bool = True, **segments: str
) -> list[Any]:
    """Convert every repetition of a field of PID (or of a segment given)."""
    pid = with_field(PID, field, raw) if segment == "PID" else PID
    message = read(admission(PID=pid, **segments))
    return run(name, message, f"{segment}-{field}", test_ins=test_ins)


def run(name: str, message: Message, path: str, *, test_ins: bool = True) -> list[Any]:
    context = context_of(message, SITE, Ids(), test_ins=test_ins, identity_words=WORDS)
    nodes = [node for node in message.select(path) if isinstance(node, Node)]
    return [CONVERTERS[name](node, context) for node in nodes]


def only(values: list[Any]) -> Any:
    assert len(values) == 1
    return values[0]


def issue(value: Any) -> Issue:
    assert isinstance(value, Flawed)
    return value.issues[0]


def test_ipp_is_in_its_slice_with_the_display() -> None:
    assert only(convert("patient_identifier", "PID", 3, IPP)) == {
        "use": "usual",
        "type": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                    "code": "PI",
                    "display": "Patient internal identifier",
                }
            ]
        },
        "system": "https://relais.example/ns/ipp/990000001",
        "value": "P0012",
    }


@pytest.mark.field("FL-113")
@pytest.mark.parametrize(
    "authority",
    [
        pytest.param("CHU-DEMO&990000001&M", id="name and FINESS"),
        pytest.param("CHU-DEMO", id="name alone"),
        pytest.param("&990000001&N", id="FINESS alone"),
    ],
)
def test_forms_of_one_authority_are_one_domain(authority: str) -> None:
    found = only(convert("patient_identifier", "PID", 3, f"80^^^{authority}^PI"))

    assert found["system"] == "https://relais.example/ns/ipp/990000001"


@pytest.mark.parametrize(
    ("root", "code"),
    [("8", "INS-NIR"), ("9", "INS-NIA"), ("10", "INS-NIR-TEST"), ("11", "INS-NIR-DEMO")],
)
def test_ins_is_official_under_its_root(root: str, code: str) -> None:
    _, found = convert("patient_identifier", "PID", 3, f"{IPP}~{INS.format(root)}")

    assert found["use"] == "official"
    assert found["type"]["coding"][0]["code"] == code
    assert found["system"] == f"urn:oid:1.2.250.1.213.1.4.{root}"


@pytest.mark.field("FL-118")
def test_billing_number_under_the_root_of_the_ins_is_no_identifier() -> None:
    nir = "279035121518989^^^&1.2.250.1.213.1.4.8&ISO^NH"

    assert convert("patient_identifier", "PID", 3, f"{IPP}~{nir}")[1] is None


@pytest.mark.field("FL-119")
def test_test_ins_is_left_out_off_a_test_installation() -> None:
    _, found = convert("patient_identifier", "PID", 3, f"{IPP}~{INS.format(10)}", test_ins=False)

    assert found.value is None
    assert issue(found).code == "RLS-INS-004"


@pytest.mark.field("FL-120")
def test_ins_with_a_wrong_key_is_left_out() -> None:
    wrong = INS.format(10).replace("989^", "988^")
    _, found = convert("patient_identifier", "PID", 3, f"{IPP}~{wrong}")

    assert issue(found).code == "RLS-INS-005"
    assert issue(found).where == "PID-3[2]"


@pytest.mark.field("FL-120")
@pytest.mark.parametrize(
    ("value", "right"),
    [
        pytest.param("279035121518989", True, id="mainland"),
        pytest.param("2790351215189", False, id="without key"),
        pytest.param("2790351215189XX", False, id="letters in the key"),
        pytest.param("279032A21518980", True, id="Corse-du-Sud counts as 19"),
        pytest.param("279032B21518910", True, id="Haute-Corse counts as 18"),
    ],
)
def test_key_of_an_ins(value: str, right: bool) -> None:
    assert ins_key_is_right(value) is right


@pytest.mark.field("FL-124")
def test_emptied_ins_is_removed_whatever_its_value() -> None:
    emptied = '""^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.8&ISO^INS'

    assert convert("patient_identifier", "PID", 3, f"{IPP}~{emptied}")[1] == Removed(
        "urn:oid:1.2.250.1.213.1.4.8|*"
    )


@pytest.mark.field("FL-123")
def test_second_local_number_is_no_second_ipp() -> None:
    _, found = convert("patient_identifier", "PID", 3, f"{IPP}~991^^^LABO-Z&990000027&N^PI")

    assert found == {
        "use": "secondary",
        "system": "https://relais.example/ns/ipp/990000027",
        "value": "991",
    }


def test_other_numbers_keep_their_slice() -> None:
    ndp = "ABC^^^NDP&1.2.250.1.176.1.2&ISO^NDP"
    rri = "R77^^^REGION&1.2.250.1.999.5&ISO^RRI"
    _, first, second = convert("patient_identifier", "PID", 3, f"{IPP}~{ndp}~{rri}")

    assert (first["use"], first["system"]) == ("secondary", "urn:oid:1.2.250.1.176.1.2")
    assert first["type"]["coding"][0]["display"] == (
        "Identifiant du patient au Dossier Pharmaceutique"
    )
    assert second["type"]["coding"][0]["display"] == "Regional registry ID"


@pytest.mark.field("FL-117")
@pytest.mark.parametrize(
    ("statuses", "vouched"),
    [
        pytest.param({"VALI"}, True, id="validated"),
        pytest.param({"PROV"}, False, id="provisional"),
        pytest.param({"VALI", "DOUT"}, False, id="doubtful"),
        pytest.param({"VALI", "FICT"}, False, id="fictitious"),
        pytest.param({"VALI", "HOMA"}, True, id="homonym"),
        pytest.param(set(), False, id="no status"),
    ],
)
def test_identity_status_that_allows_the_ins(statuses: set[str], vouched: bool) -> None:
    assert is_vouched(statuses) is vouched


def test_each_status_is_one_extension_and_the_proof_goes_with_the_main_one() -> None:
    first, second = convert(
        "identity_reliability", "PID", 32, "VALI~HOMA", ZFD="ZFD|||Y|N|INSI|20260301|CN"
    )

    assert [part["url"] for part in first["extension"]] == [
        "identityStatus",
        "methodCollection",
        "dateCollection",
        "validationMode",
    ]
    assert first["extension"][2]["valueDate"] == "2026-03-01"
    assert [part["url"] for part in second["extension"]] == ["identityStatus"]


def test_status_outside_of_the_table_is_an_issue() -> None:
    found = only(convert("identity_reliability", "PID", 32, "QUAL"))

    assert (issue(found).code, issue(found).where) == ("RLS-HL7-103", "PID-32")


def test_birth_name_keeps_one_given_name_and_the_list() -> None:
    found = only(convert("patient_name", "PID", 5, "ESSAI^ANNE^ANNE LOUISE^^Mme^^L"))

    assert found["use"] == "official"
    assert (found["family"], found["given"], found["prefix"]) == ("ESSAI", ["ANNE"], ["Mme"])
    assert found["extension"][0]["valueString"] == "ANNE LOUISE"


def test_used_name_and_pseudonym_have_their_use() -> None:
    used, pseudonym = convert("patient_name", "PID", 5, "DUPONT^Anne^^^^^D~X^Y^^^^^S")

    assert (used["use"], pseudonym["use"]) == ("usual", "anonymous")


def test_emptied_used_name_is_removed_alone() -> None:
    values = convert("patient_name", "PID", 5, 'ESSAI^ANNE^^^^^L~""^Orianne^^^^^D')

    assert values[1] == Removed("usual")


@pytest.mark.field("FL-129")
def test_second_birth_name_is_an_issue_and_a_used_name_is_none() -> None:
    _, second = convert("patient_name", "PID", 5, "ESSAI^ANNE^^^^^L~AUTRE^ANNE^^^^^L")
    used = only(convert("patient_name", "PID", 5, "DUPONT^Anne^^^^^D"))

    assert issue(second).code == "RLS-HL7-104"
    assert used["use"] == "usual"


@pytest.mark.field("FL-202")
@pytest.mark.parametrize(("code", "gender"), [("F", "female"), ("M", "male"), ("U", "unknown")])
def test_sex_of_the_table(code: str, gender: str) -> None:
    assert only(convert("gender", "PID", 8, code)) == gender


@pytest.mark.field("FL-202")
@pytest.mark.parametrize("code", ["I", "A", "O", "X"])
def test_sex_outside_of_the_table_is_unknown_with_an_issue(code: str) -> None:
    found = only(convert("gender", "PID", 8, code))

    assert found.value == "unknown"
    assert issue(found).code == "RLS-HL7-102"


@pytest.mark.field("FL-205")
@pytest.mark.field("FL-209")
@pytest.mark.parametrize(
    ("sent", "written"),
    [
        pytest.param("19880512", "1988-05-12", id="a day"),
        pytest.param("19700101000000+0200", "1970-01-01", id="the day as written"),
        pytest.param("1948", "1948", id="a year"),
        pytest.param("194800", "1948", id="month zero"),
        pytest.param("19480000", "1948", id="month and day zero"),
        pytest.param("194811", "1948-11", id="a month"),
    ],
)
def test_birth_date_keeps_its_precision_and_its_day(sent: str, written: str) -> None:
    assert only(convert("birth_date", "PID", 7, sent)) == written


@pytest.mark.field("FL-208")
@pytest.mark.field("FL-209")
@pytest.mark.parametrize(
    "sent", ["00000000", "19000101", "99991231", "20240230", "19881301", "hier"]
)
def test_birth_date_that_is_none_is_left_out(sent: str) -> None:
    found = only(convert("birth_date", "PID", 7, sent))

    assert found.value is None
    assert (issue(found).code, issue(found).where) == ("RLS-HL7-101", "PID-7")


@pytest.mark.field("FL-203")
@pytest.mark.field("FL-204")
@pytest.mark.parametrize(
    ("sent", "written"),
    [
        pytest.param("20260912100000", "2026-09-12T10:00:00+02:00", id="summer in Paris"),
        pytest.param("20261120092805-0400", "2026-11-20T09:28:05-04:00", id="offset as sent"),
        pytest.param("202611201430", "2026-11-20T14:30:00+01:00", id="minutes"),
        pytest.param("20261120", "2026-11-20", id="a day stays a day"),
    ],
)
def test_date_time_has_the_offset_sent_or_that_of_paris(sent: str, written: str) -> None:
    assert only(convert("date_time", "PID", 29, sent)) == written


def test_emptied_date_is_removed() -> None:
    assert only(convert("date_time", "PID", 29, '""')) is REMOVED
    assert only(convert("birth_date", "PID", 7, '""')) is REMOVED


def test_addresses_have_their_use_and_the_place_of_birth_is_none() -> None:
    raw = (
        "1 rue A^Bât. B^LYON^^69003^FRA^H~2 rue C^^LYON^^69004^^C~^^^^^^BDL^^69383"
        "~3 rue D^^LYON^^^^ASE~4 rue E^^LYON^^^^M"
    )
    home, temporary, birth, care, post = convert("address", "PID", 11, raw)

    assert home == {
        "use": "home",
        "line": ["1 rue A", "Bât. B"],
        "city": "LYON",
        "postalCode": "69003",
        "country": "FRA",
    }
    assert temporary["use"] == "temp"
    assert birth is None
    assert (care["use"], care["text"]) == ("temp", "ASE")
    assert post["type"] == "postal"


def test_place_of_birth_is_an_extension_with_its_code() -> None:
    home, birth = convert("birth_place", "PID", 11, "1 rue A^^LYON^^^^H~^^NICE^^^^BDL^^06088")

    assert home is None
    assert birth["valueAddress"]["city"] == "NICE"
    assert birth["valueAddress"]["extension"][0]["valueCoding"]["code"] == "06088"


def test_number_is_in_the_twelfth_component_and_mail_in_the_fourth() -> None:
    raw = (
        "^PRN^PH^^^^^^^^^0400000042~^PRS^CP^^^^^^^^^0600000042"
        "~^NET^Internet^a.b@exemple.invalid~^NET^X.400^c@mss.exemple.invalid"
    )
    home, mobile, mail, secure = convert("telecom", "PID", 13, raw)

    assert home == {"system": "phone", "value": "0400000042", "use": "home"}
    assert mobile["use"] == "mobile"
    assert mail == {"system": "email", "value": "a.b@exemple.invalid", "use": "home"}
    assert secure["extension"][0]["valueCoding"]["code"] == "MSSANTE"


def test_work_number_is_of_work_and_emptied_numbers_go() -> None:
    work = only(convert("telecom", "PID", 14, "0400000001"))

    assert work["use"] == "work"
    assert only(convert("telecom", "PID", 13, '""')) == Removed("home")


@pytest.mark.parametrize(
    ("single", "rank", "said"),
    [
        pytest.param("", "1", None, id="rank 1 alone is a single birth"),
        pytest.param("Y", "1", 1, id="first of a multiple birth"),
        pytest.param("", "2", 2, id="rank 2"),
        pytest.param("N", "2", None, id="said to be single"),
    ],
)
def test_rank_of_birth(single: str, rank: str, said: int | None) -> None:
    pid = with_field(with_field(PID, 24, single), 25, rank)

    assert run("multiple_birth", read(admission(PID=pid)), "PID-25") == [said]


def test_language_nationality_and_yes_no() -> None:
    language = only(convert("language", "PID", 15, "FR"))
    nationality = only(convert("nationality", "PID", 26, "FRA"))

    assert language["language"]["coding"][0]["code"] == "fr"
    assert nationality["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "FRA"
    assert only(convert("yes_no", "PID", 30, "Y")) is True
    assert only(convert("yes_no", "PID", 30, "?")) is None


def test_corrected_birth_date_is_marked() -> None:
    message = read(admission(ZFD="ZFD||||Y"))

    assert only(run("birth_date_updated", message, "ZFD-4"))["valueBoolean"] is True
