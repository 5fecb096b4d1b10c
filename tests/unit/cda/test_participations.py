"""Who wrote, entered, signed and keeps a document."""

from typing import Any

import pytest

from gateway.cda.participations import FUNCTION, PARTICIPATION, TIME
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import AUTHOR, cda, only, resources

DEVICE = (
    '<author><time value="20260312164500+0100"/><assignedAuthor>{}<assignedAuthoringDevice>'
    "<manufacturerModelName>Modèle 3</manufacturerModelName><softwareName>Lettres</softwareName>"
    "</assignedAuthoringDevice><representedOrganization>"
    '<id root="1.2.250.1.71.4.2.2" extension="1990000010"/><name>Centre des Essais</name>'
    "</representedOrganization></assignedAuthor></author>"
)
NUMBERED = '<id root="1.2.250.1.999.5.1" extension="LOGICIEL-7"/>'
SECRETARY = (
    '<dataEnterer><time value="20260312164000+0100"/><assignedEntity>'
    '<id root="1.2.250.1.71.4.2.1" extension="810999000051"/><assignedPerson><name>'
    "<family>SECRETAIRE</family></name></assignedPerson></assignedEntity></dataEnterer>"
)
RECIPIENT = (
    "<informationRecipient{}><intendedRecipient>"
    '<id root="1.2.250.1.71.4.2.1" extension="810999000069"/><informationRecipient><name>'
    "<family>TRAITANT</family></name></informationRecipient></intendedRecipient>"
    "</informationRecipient>"
)


def by_url(reference: dict[str, Any]) -> dict[str, Any]:
    return {item["url"]: item for item in reference["extension"]}


def test_time_and_function_stand_beside_the_author(convert: Convert) -> None:
    function = '<functionCode code="ATTPHYS" codeSystem="2.16.840.1.113883.5.88"/>'

    mapped = convert(cda(author=AUTHOR.replace("<author>", f"<author>{function}")))

    for type_ in ("DocumentReference", "Composition"):
        (author,) = only(mapped, type_)["author"]
        beside = by_url(author)
        assert author["reference"].startswith("PractitionerRole/")
        assert beside[TIME]["valueDateTime"] == "2026-03-12T16:45:00+01:00"
        assert beside[FUNCTION]["valueCodeableConcept"]["coding"][0]["code"] == "ATTPHYS"


def test_the_time_of_the_signature_stands_beside_who_signed(convert: Convert) -> None:
    signer = only(convert(cda()), "DocumentReference")["authenticator"]

    assert by_url(signer)[TIME]["valueDateTime"] == "2026-03-12T16:45:00+01:00"


def test_an_impossible_time_of_an_author_is_told_once_and_left_out(convert: Convert) -> None:
    mapped = convert(cda(author=AUTHOR.replace("20260312164500+0100", "20260231")))

    assert "extension" not in only(mapped, "DocumentReference")["author"][0]
    assert [(one.code, one.where) for one in mapped.issues] == [
        ("RLS-CDA-019", "/ClinicalDocument/author/time")
    ]


def test_a_device_with_a_number_is_a_device_of_its_structure(convert: Convert) -> None:
    mapped = convert(cda(author=DEVICE.format(NUMBERED)))

    device = only(mapped, "Device")
    assert device["identifier"] == [{"system": "urn:oid:1.2.250.1.999.5.1", "value": "LOGICIEL-7"}]
    assert [(one["name"], one["type"]) for one in device["deviceName"]] == [
        ("Lettres", "user-friendly-name"),
        ("Modèle 3", "model-name"),
    ]
    assert device["owner"]["reference"].startswith("Organization/")
    author = only(mapped, "DocumentReference")["author"][0]
    assert author["reference"] == f"Device/{device['id']}"


def test_a_device_without_number_is_a_name(convert: Convert) -> None:
    mapped = convert(cda(author=DEVICE.format("")))

    assert resources(mapped, "Device") == []
    assert only(mapped, "DocumentReference")["author"][0]["display"] == "Lettres"


def test_who_entered_it_and_to_whom_it_goes_stand_on_the_composition(convert: Convert) -> None:
    header = SECRETARY + RECIPIENT.format("") + RECIPIENT.format(' typeCode="TRC"')

    mapped = convert(cda(header=header))

    said = [
        {part["url"]: part for part in item["extension"]}
        for item in only(mapped, "Composition")["extension"]
        if item["url"] == PARTICIPATION
    ]
    assert [one["type"]["valueCode"] for one in said] == ["ENT", "PRCP", "TRC"]
    assert said[0]["time"]["valueDateTime"] == "2026-03-12T16:40:00+01:00"
    assert all(
        one["party"]["valueReference"]["reference"].startswith("Practitioner/") for one in said
    )


def test_every_part_is_an_agent_of_the_provenance(convert: Convert) -> None:
    informant = SECRETARY.replace("dataEnterer", "informant")
    second = SECRETARY.replace("dataEnterer", "authenticator")

    agents = only(convert(cda(header=SECRETARY + informant + second)), "Provenance")["agent"]

    assert [agent["type"]["coding"][0]["code"] for agent in agents] == [
        "assembler",
        "author",
        "enterer",
        "informant",
        "legal",
        "verifier",
        "custodian",
    ]


@pytest.mark.parametrize(
    ("author", "reason"),
    [
        pytest.param("", "unknown", id="none at all"),
        pytest.param('<author nullFlavor="MSK"/>', "masked", id="masked"),
        pytest.param("<author><assignedAuthor/></author>", "unknown", id="nobody"),
    ],
)
def test_a_composition_without_author_says_why(author: str, reason: str, convert: Convert) -> None:
    mapped = convert(cda(author=author))

    (said,) = only(mapped, "Composition")["author"]
    assert said["extension"][0]["valueCode"] == reason
    assert "author" not in only(mapped, "DocumentReference")


def test_a_professional_in_no_structure_keeps_telephone_and_address(convert: Convert) -> None:
    alone = (
        '<participant typeCode="INF"><associatedEntity classCode="PROV">'
        '<id root="1.2.250.1.71.4.2.1" extension="810999000077"/>'
        "<addr><houseNumber>5</houseNumber><streetName>rue du Test</streetName><city>LYON</city>"
        '</addr><telecom use="WP" value="tel:0400000005"/>'
        '<telecom value="mailto:paul.essai@medecin.exemple.mssante.fr"/>'
        "<associatedPerson><name><family>LIBERAL</family></name></associatedPerson>"
        "</associatedEntity></participant>"
    )

    mapped = convert(cda(header=alone))

    doctor = next(
        one for one in resources(mapped, "Practitioner") if one["name"][0]["family"] == "LIBERAL"
    )
    assert doctor["address"] == [{"line": ["5 rue du Test"], "city": "LYON"}]
    phone, mail = doctor["telecom"]
    assert (phone["value"], phone["use"]) == ("0400000005", "work")
    assert mail["extension"][0]["valueCoding"]["code"] == "MSSANTE"


def test_a_professional_in_a_structure_is_reached_there(convert: Convert) -> None:
    reach = '<telecom use="WP" value="tel:0400000005"/>'
    author = AUTHOR.replace("<assignedPerson>", f"{reach}<assignedPerson>")

    mapped = convert(cda(author=author))

    assert only(mapped, "PractitionerRole")["telecom"][0]["value"] == "0400000005"
    assert "telecom" not in only(mapped, "Practitioner")


def test_other_names_of_a_structure_are_aliases(convert: Convert) -> None:
    other = RECIPIENT.format("").replace(
        "</intendedRecipient>",
        '<receivedOrganization><id root="1.2.250.1.71.4.2.2" extension="1990000010"/>'
        "<name>Cabinet infirmier</name></receivedOrganization></intendedRecipient>",
    )

    structure = only(convert(cda(header=other)), "Organization")

    assert structure["name"] == "Centre hospitalier des Essais"
    assert structure["alias"] == ["Cabinet infirmier"]


@pytest.mark.field("FL-186")
def test_each_block_that_gives_a_number_to_another_person_is_placed(convert: Convert) -> None:
    block = (
        '<participant typeCode="CON"><associatedEntity classCode="PROV">'
        '<id root="1.2.250.1.71.4.2.1" extension="810999000010"/><associatedPerson><name>'
        "<family>{}</family></name></associatedPerson></associatedEntity></participant>"
    )

    mapped = convert(cda(header=block.format("AUGUIN") + block.format("DUMAS")))

    assert only(mapped, "Practitioner")["name"][0]["family"] == "PRATICIENNE"
    assert [(one.code, one.where) for one in mapped.issues] == [
        ("RLS-CDA-022", f"/ClinicalDocument/participant[{number}]/associatedEntity")
        for number in (1, 2)
    ]
