"""From a document to contributions: header, kinds, versions of the whole."""

from base64 import b64encode
from hashlib import sha1, sha256

import pytest

from gateway.cda import adapter
from gateway.cda.reader import read
from gateway.core.contributions import Contribution, Kind, Target
from gateway.core.envelope import Envelope
from gateway.core.errors import RejectedError
from gateway.fhir.fold import merge
from gateway.fhir.identity import Ids
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import RPLC, TA, cda, entry, only, plan, resources

TIME = '<time value="20260312164500+0100"/>'
MASKED = (
    '<componentOf><encompassingEncounter><effectiveTime nullFlavor="MSK"/>'
    "</encompassingEncounter></componentOf>"
)


@pytest.mark.parametrize(
    ("part", "code", "where"),
    [
        ({"own_id": ""}, "RLS-CDA-010", "/ClinicalDocument/id"),
        ({"own_id": '<id nullFlavor="UNK"/>'}, "RLS-CDA-010", "/ClinicalDocument/id"),
        ({"code": ""}, "RLS-CDA-010", "/ClinicalDocument/code"),
        ({"time": ""}, "RLS-CDA-010", "/ClinicalDocument/effectiveTime"),
        (
            {"time": '<effectiveTime value="20260230"/>'},
            "RLS-CDA-011",
            "/ClinicalDocument/effectiveTime",
        ),
    ],
)
def test_document_without_identity_of_its_own_is_refused(
    part: dict[str, str], code: str, where: str, convert: Convert
) -> None:
    with pytest.raises(RejectedError) as refused:
        convert(cda(**part))

    assert [(issue.code, issue.where) for issue in refused.value.issues] == [(code, where)]


def test_inbox_header_names_custodian_model_and_hash() -> None:
    body = cda()

    header = adapter.header(read(body), body)

    assert header.sender == ("cda", "990000010")
    assert header.message_type == "CDA 1.2.250.1.213.1.1.1.29"
    assert header.control_id == ""
    assert header.raw_sha256 == header.canonical_sha256 == sha256(body).hexdigest()
    assert header.sent_at is not None
    assert header.sent_at.isoformat() == "2026-03-12T15:45:00+00:00"


def test_inbox_header_of_unreadable_bytes_keeps_their_hash() -> None:
    header = adapter.header(None, b"rien")

    assert (header.sender, header.message_type) == (("cda", ""), "")
    assert header.raw_sha256 == sha256(b"rien").hexdigest()


def test_version_orders_by_time_then_number_then_bytes(convert: Convert) -> None:
    mapped = convert(cda(version='<versionNumber value="3"/>'))

    (part,) = [p for p in mapped.contributions if p.target.type == "DocumentReference"]
    assert part.version.recorded_at.isoformat() == "2026-03-12T15:45:00+00:00"
    assert (part.version.sent_at, part.version.rank) == (part.version.recorded_at, 3)
    assert part.version.digest == "0" * 64


def test_missing_version_and_set_are_tolerated(convert: Convert) -> None:
    mapped = convert(cda(version="", set_id="", body=plan()))

    assert mapped.flags == ["version-missing"]
    assert only(mapped, "CarePlan")["identifier"][0]["value"].startswith("1.2.250.1.999.7.1#D1#")


def test_document_reference_carries_the_attachment_of_the_bytes(convert: Convert) -> None:
    body = cda()

    mapped = convert(body)

    reference, binary = only(mapped, "DocumentReference"), only(mapped, "Binary")
    attachment = reference["content"][0]["attachment"]
    assert attachment["size"] == len(body)
    assert attachment["hash"] == b64encode(sha1(body, usedforsecurity=False).digest()).decode()
    assert attachment["url"] == f"Binary/{Ids().binary(sha256(body).hexdigest())}"
    assert binary["data"] == b64encode(body).decode()
    assert reference["masterIdentifier"] == {"system": "urn:oid:1.2.250.1.999.7.1", "value": "D1"}


@pytest.mark.field("FL-167")
def test_uuid_roots_are_one_in_any_case(convert: Convert) -> None:
    uuid = "0A0A0A0A-0000-4000-8000-00000000000A"
    upper, lower = (
        only(convert(cda(own_id=f'<id root="{root}"/>')), "DocumentReference")
        for root in (uuid, uuid.lower())
    )

    assert upper["id"] == lower["id"]
    assert upper["masterIdentifier"]["value"] == f"urn:uuid:{uuid.lower()}"


def test_masks_of_the_message_follow_the_confidentiality(convert: Convert) -> None:
    envelope = Envelope(
        patient=Target("Patient", "p"),
        identifiers=(("1.2.250.1.999.1.1", "IPP0000123"),),
        labels=("MASQUE_PS",),
        document_id="1.2.250.1.999.7.1^D1",
    )

    mapped = convert(cda(), envelope)

    labels = only(mapped, "DocumentReference")["securityLabel"]
    assert [label["coding"][0]["code"] for label in labels] == ["N", "MASQUE_PS"]
    assert resources(mapped, "Provenance") == []


@pytest.mark.parametrize("named", ["9.9.9", "1.2.250.1.999.7.1", "1.2.250.1.999.7.1^D2"])
def test_a_document_that_its_message_does_not_name_is_refused(convert: Convert, named: str) -> None:
    envelope = Envelope(patient=Target("Patient", "p"), document_id=named)

    with pytest.raises(RejectedError) as caught:
        convert(cda(), envelope)

    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == ("RLS-CDA-045", "/ClinicalDocument/id")
    assert (issue.hl7_code, issue.hl7_user_code) == (207, 906)


def test_shared_and_single_use_resources_say_so(convert: Convert) -> None:
    kinds = {part.target.type: part.kind for part in convert(cda()).contributions}
    without = {part.target.type: part.kind for part in convert(cda(stay=MASKED)).contributions}

    assert kinds["Organization"] is kinds["Practitioner"] is Kind.SHARED
    assert kinds["Binary"] is without["Provenance"] is Kind.ONCE
    # It follows the Encounter of the document when that gives way to the stay of a message.
    assert kinds["Provenance"] is Kind.OWN
    assert kinds["DocumentReference"] is kinds["Patient"] is kinds["Encounter"] is Kind.OWN


def test_demographics_of_a_document_never_win_over_the_identity_feed(convert: Convert) -> None:
    doctor = (
        '<participant typeCode="INF"><functionCode code="PCP"/><associatedEntity>'
        '<id root="1.2.250.1.71.4.2.1" extension="810999000028"/><associatedPerson><name>'
        "<family>TRAITANT</family></name></associatedPerson></associatedEntity></participant>"
    )

    parts = [p for p in convert(cda(header=doctor)).contributions if p.target.type == "Patient"]

    assert [part.version.recorded_at.year for part in parts] == [1900, 2026]
    assert [part.ordinal for part in parts] == [0, 1]
    assert set(parts[1].resource) == {"resourceType", "id", "generalPractitioner"}


@pytest.mark.field("FL-186")
def test_first_name_of_a_shared_identifier_is_kept_and_the_conflict_reported(
    convert: Convert,
) -> None:
    other = (
        '<legalAuthenticator><assignedEntity><id root="1.2.250.1.71.4.2.1"'
        ' extension="810999000010"/><assignedPerson><name><family>AUTRE</family></name>'
        "</assignedPerson></assignedEntity></legalAuthenticator>"
    )

    mapped = convert(cda(legal=other.replace("<assignedEntity>", f"{TIME}<assignedEntity>", 1)))

    assert only(mapped, "Practitioner")["name"][0]["family"] == "PRATICIENNE"
    assert [issue.code for issue in mapped.issues] == ["RLS-CDA-022"]


def test_contact_and_trusted_person_are_one_contact_with_two_roles(convert: Convert) -> None:
    person = (
        '<informant><relatedEntity classCode="{}"><telecom value="tel:{}"/><relatedPerson><name>'
        "<family>ESSAI-FILLE</family></name></relatedPerson></relatedEntity></informant>"
    )
    header = person.format("ECON", "0600000003") + person.format("NOK", "06.00.00.00.03")

    mapped = convert(cda(header=header))

    (contact,) = resources(mapped, "Patient")[0]["contact"]
    assert [coding["code"] for coding in contact["relationship"][0]["coding"]] == ["ECON", "NOK"]
    related = only(mapped, "RelatedPerson")
    patient = related["patient"]["reference"].removeprefix("Patient/")
    assert related["id"] == Ids().related_person(patient, "NOK", "ESSAI-FILLE", "0600000003")


@pytest.mark.field("FL-134")
def test_relatives_without_name_make_no_person(convert: Convert) -> None:
    nobody = (
        '<informant><relatedEntity classCode="NOK"><relatedPerson/></relatedEntity></informant>'
    )

    mapped = convert(cda(header=nobody * 2))

    assert resources(mapped, "RelatedPerson") == []
    assert "contact" not in resources(mapped, "Patient")[0]


def test_replacement_supersedes_its_parent(convert: Convert) -> None:
    old = convert(cda(own_id='<id root="1.2.250.1.999.7.1" extension="D0"/>', body=plan()))
    new = convert(
        cda(
            version='<versionNumber value="2"/>',
            time='<effectiveTime value="20260313"/>',
            header=RPLC,
            body=plan(),
        )
    )

    def status(type_: str, id_: str, parts: list[Contribution]) -> str:
        merged = merge(
            Target(type_, id_), [part for part in parts if part.target == Target(type_, id_)]
        )
        assert merged is not None
        return str(merged["status"])

    for parts in (
        [*old.contributions, *new.contributions],
        [*new.contributions, *old.contributions],
    ):
        document_id = only(old, "DocumentReference")["id"]
        assert status("DocumentReference", document_id, parts) == "superseded"
    assert resources(new, "DocumentReference")[0]["relatesTo"][0]["target"] == {
        "type": "DocumentReference",
        "identifier": only(old, "DocumentReference")["masterIdentifier"],
    }
    replaced = [part for part in new.contributions if part.annotates]
    assert [part.target.type for part in replaced] == ["DocumentReference"]
    assert resources(new, "CarePlan")[0]["replaces"] == [
        {"type": "CarePlan", "identifier": only(old, "CarePlan")["identifier"][1]}
    ]


def test_document_that_names_itself_replaces_nothing(convert: Convert) -> None:
    mapped = convert(cda(header=RPLC.replace('"D0"', '"D1"')))

    assert "relatesTo" not in only(mapped, "DocumentReference")
    assert [part for part in mapped.contributions if part.annotates] == []


def test_annotation_of_an_unknown_parent_makes_no_resource(convert: Convert) -> None:
    mapped = convert(cda(header=RPLC))

    (part,) = [part for part in mapped.contributions if part.annotates]
    assert merge(part.target, [part]) is None


def test_unchanged_entries_keep_their_id_over_versions(convert: Convert) -> None:
    request = entry("observation", "INT", "27", f'<code code="ORG-064" codeSystem="{TA}"/>')
    act = entry("procedure", "INT", "62", '<code code="ECQH010" codeSystem="1.2.250.1.215.300.1"/>')

    one = resources(convert(cda(body=plan(act, request))), "ServiceRequest")
    two = resources(
        convert(cda(version='<versionNumber value="2"/>', body=plan(request))), "ServiceRequest"
    )

    assert one[1]["id"] == two[0]["id"]
    assert one[1]["id"] == Ids().document_entry(
        "ServiceRequest",
        "1.2.250.1.999.7.1#S1",
        "1.2.250.1.213.1.1.2.158",
        "ORG-064",
        "",
        1,
    )
