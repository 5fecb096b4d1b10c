"""Converters of professionals, contacts, organisations and places."""

from typing import Any

import pytest

from gateway.fhir.identity import Ids
from gateway.hl7v2.convert import CONVERTERS
from gateway.hl7v2.convert.professionals import person
from gateway.hl7v2.keys import context_of
from gateway.hl7v2.message import Node
from gateway.hl7v2.reader import read
from gateway.mapping.converters import REMOVED
from gateway.mapping.sites import Site, Unit
from tests.unit.hl7v2.compose import PV1, ZBE, admission, with_field

SITE = Site(
    name="demo",
    finess="990000001",
    authorities={"CHU-DEMO": "990000001"},
    ufs={"3310": Unit(name="Chirurgie digestive", sector="mco", champ="MCO")},
)
AUTHORITY = "ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO"
IDS = Ids()


def convert(name: str, path: str, **segments: str) -> list[Any]:
    message = read(admission(**segments))
    context = context_of(message, SITE, IDS, test_ins=True)
    return [CONVERTERS[name](node, context) for node in message.select(path)]


def doctor(raw: str) -> str:
    return with_field(PV1, 7, raw)


@pytest.mark.parametrize(
    ("raw", "value", "national"),
    [
        pytest.param(f"801234567897^D^L^^^^^^{AUTHORITY}^D^^^IDNPS", "01234567897", True, id="8"),
        pytest.param(
            f"801234567897^D^L^^^^^^{AUTHORITY}^D^^^RPPS", "01234567897", True, id="8 RPPS"
        ),
        pytest.param(f"10000023084^D^L^^^^^^{AUTHORITY}^L^^^RPPS", "10000023084", False, id="RPPS"),
        pytest.param(f"10000023084^D^L^^^^^^{AUTHORITY}", "10000023084", False, id="no type"),
    ],
)
def test_rpps_is_read_from_every_form(raw: str, value: str, national: bool) -> None:
    node = read(admission(PV1=doctor(raw))).select("PV1-7")[0]
    assert isinstance(node, Node)

    found = person(node, SITE)

    assert found is not None
    assert (found.system, found.value) == ("https://rpps.esante.gouv.fr", value)
    assert found.national == ("801234567897" if national else "")


def test_former_national_number_stays_as_it_is() -> None:
    identifier = convert(
        "practitioner_identifier",
        "PV1-7",
        PV1=doctor(f"0691234567^D^L^^^^^^{AUTHORITY}^D^^^IDNPS"),
    )[0]

    assert [(one["system"], one["value"]) for one in identifier] == [
        ("urn:oid:1.2.250.1.71.4.2.1", "0691234567")
    ]


def test_adeli_is_one_person_with_and_without_its_first_digit() -> None:
    forms = (
        f"0691234567^D^L^^^^^^{AUTHORITY}^D^^^IDNPS",
        f"691234567^D^L^^^^^^{AUTHORITY}^D^^^ADELI",
    )

    [[first], [second]] = [convert("practitioner_id", "PV1-7", PV1=doctor(form)) for form in forms]

    assert first == second


def test_both_numbers_are_shown_when_the_national_one_was_sent() -> None:
    identifier = convert(
        "practitioner_identifier",
        "PV1-7",
        PV1=doctor(f"801234567897^D^L^^^^^^{AUTHORITY}^D^^^IDNPS"),
    )[0]

    assert [one["type"]["coding"][0]["code"] for one in identifier] == ["RPPS", "IDNPS"]


@pytest.mark.field("FL-134")
@pytest.mark.parametrize(
    "raw", [pytest.param("^DUBOIS^Luc", id="no number"), pytest.param("77^DUBOIS^Luc", id="bare")]
)
def test_professional_without_authority_is_a_name_only(raw: str) -> None:
    assert convert("practitioner_id", "PV1-7", PV1=doctor(raw)) == [None]
    assert convert("practitioner_reference", "PV1-7", PV1=doctor(raw)) == [
        {"display": "Luc DUBOIS"}
    ]


def test_local_number_is_of_its_authority() -> None:
    identifier = convert(
        "practitioner_identifier", "PV1-7", PV1=doctor("77^DUBOIS^Luc^^^^^^CHU-DEMO^^^^EI")
    )[0]

    assert identifier == [
        {"system": "https://relais.example/ns/practitioner/990000001", "value": "77"}
    ]


@pytest.mark.field("FL-219")
def test_empty_professional_gives_nothing() -> None:
    assert convert("attending", "PV1-7", PV1=doctor("^^^")) == []


@pytest.mark.parametrize(
    ("name", "field", "code"),
    [("attending", 7, "ATND"), ("referrer", 8, "REF"), ("admitter", 17, "ADM")],
)
def test_doctors_of_the_stay_are_participants(name: str, field: int, code: str) -> None:
    raw = f"10000023084^D^L^^^^^^{AUTHORITY}^L^^^RPPS"
    found = convert(name, f"PV1-{field}", PV1=with_field(PV1, field, raw))[0]

    assert found["type"][0]["coding"][0]["code"] == code
    assert found["individual"]["reference"].startswith("Practitioner/")


def test_family_doctor_is_the_general_practitioner_and_can_be_taken_away() -> None:
    raw = f"10000023084^MARTIN^Anne^^^^^^{AUTHORITY}^L^^^RPPS"
    added = convert("general_practitioner", "ROL", ROL=f"ROL||UC|ODRP|{raw}")
    taken = convert("general_practitioner", "ROL", ROL=f"ROL||DE|ODRP|{raw}")
    other = convert("general_practitioner", "ROL", ROL=f"ROL||UC|RT|{raw}")

    number = IDS.practitioner("https://rpps.esante.gouv.fr", "10000023084")
    assert added == [{"reference": f"Practitioner/{number}"}]
    assert taken == [REMOVED]
    assert other == [None]


def test_other_roles_are_participants_with_the_role_as_sent() -> None:
    raw = f"10000023084^MARTIN^Anne^^^^^^{AUTHORITY}^L^^^RPPS"
    found = convert("role_participant", "ROL", ROL=f"ROL||UC|CP|{raw}|20260302|20260305")[0]

    assert [c["code"] for c in found["type"][0]["coding"]] == ["CON", "CP"]
    assert found["period"] == {"start": "2026-03-02", "end": "2026-03-05"}
    assert convert("role_participant", "ROL", ROL=f"ROL||UC|ODRP|{raw}") == [None]


NK1 = "NK1|1|LACOMBE^Yvan|SPO|4 rue A^^LYON^^^^H|^PRS^CP^^^^^^^^^0600000042||{role}|20260302|{end}"
KEYED = NK1 + "|" * 24 + "N42^^^CHU-DEMO^PN"


def test_contact_has_role_and_relation_in_their_slices() -> None:
    found = convert("contact", "NK1", NK1=NK1.format(role="K", end=""))[0]

    assert [one["extension"][0]["valueCode"] for one in found["relationship"]] == [
        "role",
        "relationType",
    ]
    assert [one["coding"][0]["code"] for one in found["relationship"]] == ["NOK", "SPS"]
    assert found["telecom"][0]["value"] == "0600000042"


def test_contact_without_anything_is_none() -> None:
    assert convert("contact", "NK1", NK1="NK1|1||SPO") == [None]


@pytest.mark.field("FL-134")
def test_person_nothing_identifies_is_no_resource() -> None:
    assert convert("related_person_id", "NK1", NK1=NK1.format(role="C", end="")) == [None]
    assert convert("related_person_id", "NK1", NK1="NK1|1||SPO||||K") == [None]


def test_trusted_person_is_kept_without_a_number_and_ends_with_its_date() -> None:
    trusted = convert("related_person_id", "NK1", NK1=NK1.format(role="K", end=""))[0]
    keyed = convert("related_person_id", "NK1", NK1=KEYED.format(role="C", end=""))[0]
    ended = convert("related_person_active", "NK1", NK1=NK1.format(role="K", end="20260401"))
    current = convert("related_person_active", "NK1", NK1=NK1.format(role="K", end="20991231"))

    assert trusted
    assert keyed
    assert trusted != keyed
    assert (ended, current) == ([False], [True])


def test_related_person_parts() -> None:
    source = KEYED.format(role="K", end="")
    identifier = convert("related_person_identifier", "NK1", NK1=source)[0]
    relationship = convert("related_person_relationship", "NK1", NK1=source)[0]
    telecom = convert("related_person_telecom", "NK1", NK1=source)[0]
    period = convert("related_person_period", "NK1", NK1=source)[0]

    assert identifier["value"].endswith("#N42")
    assert all("extension" not in one for one in relationship)
    assert telecom[0]["use"] == "mobile"
    assert period == {"start": "2026-03-02"}


def test_name_and_display_of_organisations() -> None:
    site_name = convert("unit_name", "ZBE-7", ZBE=ZBE.replace("4036", "3310"))
    label = convert("unit_name", "ZBE-7", ZBE=ZBE)
    champ = convert("activity_field", "ZBE-7", ZBE=ZBE.replace("4036", "3310"))[0]

    assert site_name == ["Chirurgie digestive"]
    assert label == ["Oncologie"]
    assert champ["valueCoding"]["code"] == "MCO"
    assert convert("activity_field", "ZBE-7", ZBE=ZBE) == [None]


def test_unit_is_named_in_its_establishment() -> None:
    assert convert("unit_id", "ZBE-7", ZBE=ZBE) == [IDS.unit("990000001", "4036")]
    assert convert("unit_id", "PV1-3") == [IDS.unit("990000001", "4036")]
    assert convert("unit_reference", "PV1-3")[0]["reference"].startswith("Organization/")
    assert convert("unit_identifier", "ZBE-7", ZBE=ZBE) == [
        {
            "type": {
                "coding": [
                    {
                        "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203",
                        "code": "INTRN",
                    }
                ]
            },
            "system": "https://relais.example/ns/uf/990000001",
            "value": "4036",
        }
    ]


@pytest.mark.parametrize(
    ("place", "physical", "kind", "name"),
    [
        pytest.param("4036^22^3", "bd", "LIT", "UF 4036, chambre 22, lit 3", id="a bed"),
        pytest.param("4036^22^", "ro", "CHAMB", "UF 4036, chambre 22", id="a room"),
    ],
)
def test_place_is_the_finest_one(place: str, physical: str, kind: str, name: str) -> None:
    pv1 = with_field(PV1, 3, place)

    assert convert("location_physical_type", "PV1-3", PV1=pv1)[0]["coding"][0]["code"] == physical
    assert convert("location_type", "PV1-3", PV1=pv1)[0]["coding"][0]["code"] == kind
    assert convert("location_name", "PV1-3", PV1=pv1) == [name]


def test_place_known_by_its_unit_has_no_type() -> None:
    pv1 = with_field(PV1, 3, "4036")

    assert convert("location_type", "PV1-3", PV1=pv1) == [None]
    assert convert("location_physical_type", "PV1-3", PV1=pv1) == [None]
    assert convert("location_id", "PV1-3", PV1=pv1) == [IDS.location("990000001", "4036")]


def test_bed_is_in_its_room() -> None:
    room = IDS.location("990000001", "4036", "22")

    assert convert("room_id", "PV1-3") == [room]
    assert convert("room_reference", "PV1-3") == [{"reference": f"Location/{room}"}]
    assert convert("room_identifier", "PV1-3")[0]["value"] == "4036#22#"
    assert convert("room_name", "PV1-3") == ["UF 4036, chambre 22"]
    assert convert("location_identifier", "PV1-3") == [
        {
            "type": {
                "coding": [
                    {
                        "system": "https://hl7.fr/ig/fhir/core/CodeSystem/"
                        "fr-core-cs-location-identifier-type",
                        "code": "INTRN",
                    }
                ]
            },
            "system": "https://relais.example/ns/location/990000001",
            "value": "4036#22#3",
        }
    ]
    assert convert("location_reference", "PV1-3")[0]["reference"].startswith("Location/")


def test_place_without_any_part_is_none() -> None:
    pv1 = with_field(PV1, 3, "^^^CHU-DEMO&990000001&M")

    assert convert("location_id", "PV1-3", PV1=pv1) == [None]


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        pytest.param("990000027", "990000027", id="FINESS"),
        pytest.param("1990000027", "990000027", id="national structure id"),
        pytest.param("2A0000123", "2A0000123", id="Corsica"),
    ],
)
def test_destination_is_the_establishment_of_a_finess(sent: str, number: str) -> None:
    pv1 = with_field(PV1, 37, sent)

    expected = IDS.organization("https://finess.esante.gouv.fr", number)
    assert convert("finess_id", "PV1-37", PV1=pv1) == [expected]
    assert convert("finess_identifier", "PV1-37", PV1=pv1)[0]["value"] == number
    assert convert("finess_reference", "PV1-37", PV1=pv1) == [
        {"reference": f"Organization/{expected}"}
    ]


def test_destination_that_is_no_finess_is_shown_only() -> None:
    pv1 = with_field(PV1, 37, "Clinique du Parc")

    assert convert("finess_reference", "PV1-37", PV1=pv1) == [{"display": "Clinique du Parc"}]


def test_number_of_the_sender_is_no_name() -> None:
    assert convert("facility_name", "MSH-4") == ["CHU-DEMO"]
    named = r"MSH|^~\&|GAM|990000001|R|R|20261120083000||ADT^A01^ADT_A01|1|P|2.5"
    assert convert("facility_name", "MSH-4", MSH=named) == [None]
