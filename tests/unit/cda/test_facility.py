"""The facility of the header, and who was there."""

from typing import Any

import pytest

from gateway.cda.facility import FACILITY
from gateway.core.contributions import Target
from gateway.core.envelope import Envelope
from gateway.fhir.fold import merge
from gateway.fhir.identity import FINESS_SYSTEM, Ids
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import cda, only, resources

CODE = '<code code="SA01" codeSystem="1.2.250.1.71.4.2.4" displayName="Etablissement public"/>'
FINESS = '<id root="1.2.250.1.71.4.2.2" extension="1990000010"/>'
NAMED = (
    "<location><name>CH des Essais</name><addr><streetName>rue du Test</streetName>"
    "<city>LYON</city></addr></location>"
)
TIMES = '<effectiveTime><low value="20260302081500+0100"/></effectiveTime>'
DOCTOR = (
    '<{tag}><assignedEntity><id root="1.2.250.1.71.4.2.1" extension="8109990000{n}"/>'
    "<assignedPerson><name><family>{name}</family></name></assignedPerson></assignedEntity></{end}>"
)


def stay(inner: str, before: str = "") -> str:
    return (
        f"<componentOf><encompassingEncounter>{TIMES}{before}<location><healthCareFacility>{inner}"
        "</healthCareFacility></location></encompassingEncounter></componentOf>"
    )


def encounter(convert: Convert, xml: str) -> dict[str, Any]:
    mapped = convert(cda(stay=xml))
    parts = [part for part in mapped.contributions if part.target.type == "Encounter"]
    merged = merge(parts[0].target, parts)
    assert merged is not None
    return merged


def test_a_facility_with_its_number_is_a_place_of_its_structure(convert: Convert) -> None:
    mapped = convert(cda(stay=stay(FINESS + CODE + NAMED)))

    place = only(mapped, "Location")
    structure = Ids().organization(FINESS_SYSTEM, "990000010")
    assert place["id"] == Ids().location("990000010", "")
    assert place["name"] == "CH des Essais"
    assert place["address"] == {"line": ["rue du Test"], "city": "LYON"}
    assert place["managingOrganization"]["reference"] == f"Organization/{structure}"
    found = next(one for one in resources(mapped, "Organization") if one["id"] == structure)
    assert found["type"][0]["coding"][0]["code"] == "SA01"
    context = only(mapped, "DocumentReference")["context"]
    assert context["facilityType"]["coding"][0]["code"] == "SA01"
    assert context["extension"] == [
        {"url": FACILITY, "valueReference": {"reference": f"Location/{place['id']}"}}
    ]


def test_a_facility_without_number_is_a_place_of_this_document(convert: Convert) -> None:
    one, other = (
        only(convert(cda(stay=stay(NAMED), set_id=f'<setId root="1.2.3" extension="{key}"/>')),
             "Location")
        for key in ("A", "B")
    )  # fmt: skip

    assert one["name"] == other["name"] == "CH des Essais"
    assert one["id"] != other["id"]
    assert "managingOrganization" not in one


@pytest.mark.field("FL-134")
def test_a_facility_without_number_and_name_is_no_place(convert: Convert) -> None:
    mapped = convert(cda(stay=stay(CODE)))

    assert resources(mapped, "Location") == []
    assert "extension" not in only(mapped, "DocumentReference")["context"]


def test_responsible_and_participants_of_the_stay_keep_part_and_time(convert: Convert) -> None:
    responsible = DOCTOR.format(tag="responsibleParty", end="responsibleParty", n="85", name="CHEF")
    present = DOCTOR.format(
        tag='encounterParticipant typeCode="ATND"', end="encounterParticipant", n="93", name="LIT"
    ).replace("<assignedEntity>", '<time><low value="20260303"/></time><assignedEntity>')

    found = encounter(convert, stay(FINESS, responsible + present))

    assert [
        (one["type"][0]["coding"][0]["code"], one.get("period")) for one in found["participant"]
    ] == [("RESP", None), ("ATND", {"start": "2026-03-03"})]
    assert found["location"][0]["location"]["reference"].startswith("Location/")


def test_the_way_out_of_the_header_is_kept_with_its_system(convert: Convert) -> None:
    left = '<dischargeDispositionCode code="8" codeSystem="1.2.250.1.213.2.14"/>'

    found = encounter(convert, stay(FINESS, left))

    assert found["hospitalization"]["dischargeDisposition"]["coding"] == [
        {"system": "urn:oid:1.2.250.1.213.2.14", "code": "8"}
    ]


def test_the_stay_of_a_message_gets_what_the_header_knows_in_the_background(
    convert: Convert,
) -> None:
    envelope = Envelope(
        patient=Target("Patient", "p"),
        identifiers=(("1.2.250.1.999.1.1", "IPP0000123"),),
        stay=Target("Encounter", "stay-of-pv1"),
    )
    responsible = DOCTOR.format(tag="responsibleParty", end="responsibleParty", n="85", name="CHEF")

    mapped = convert(cda(stay=stay(FINESS, responsible)), envelope)

    part = next(p for p in mapped.contributions if p.target.id == "stay-of-pv1")
    assert set(part.resource) == {"resourceType", "id", "participant", "location"}
    assert part.version.is_background


def test_the_visit_number_is_in_the_domain_of_the_site_table(convert: Convert) -> None:
    number = '<id root="1.2.250.1.999.3.1" extension="V1"/>'
    xml = stay(FINESS).replace("<encompassingEncounter>", f"<encompassingEncounter>{number}")

    (found,) = encounter(convert, xml)["identifier"]

    assert (found["system"], found["value"]) == ("urn:oid:1.2.250.1.999.3.1", "V1")
