"""From a document to contributions: header, versions, stays, bodies, entries."""

from base64 import b64encode
from hashlib import sha1, sha256
from typing import Any

import pytest

from gateway.cda import adapter
from gateway.cda.reader import read
from gateway.core.contributions import Contribution, Kind, Mapped, Target
from gateway.core.envelope import Envelope
from gateway.core.errors import RejectedError
from gateway.fhir.fold import merge
from gateway.fhir.identity import Ids
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import cda, entry, level_1, section, sections

TA = "1.2.250.1.213.1.1.4.322"
RPLC = (
    '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.250.1.999.7.1"'
    ' extension="D0"/><versionNumber value="1"/></parentDocument></relatedDocument>'
)


def _of(mapped: Mapped, type_: str) -> list[dict[str, Any]]:
    return [part.resource for part in mapped.contributions if part.target.type == type_]


def _only(mapped: Mapped, type_: str) -> dict[str, Any]:
    (found,) = _of(mapped, type_)
    return found


def _plan(*entries: str) -> str:
    return sections(section("158", *entries, code="18776-5", text='<content ID="t1">dit</content>'))


# --- header -----------------------------------------------------------------------------------


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
    mapped = convert(cda(version="", set_id="", body=_plan()))

    assert mapped.flags == ["version-missing"]
    assert _only(mapped, "CarePlan")["identifier"][0]["value"].startswith("1.2.250.1.999.7.1#D1#")


def test_document_reference_carries_the_attachment_of_the_bytes(convert: Convert) -> None:
    body = cda()

    mapped = convert(body)

    reference, binary = _only(mapped, "DocumentReference"), _only(mapped, "Binary")
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
        _only(convert(cda(own_id=f'<id root="{root}"/>')), "DocumentReference")
        for root in (uuid, uuid.lower())
    )

    assert upper["id"] == lower["id"]
    assert upper["masterIdentifier"]["value"] == f"urn:uuid:{uuid.lower()}"


def test_masks_of_the_message_follow_the_confidentiality(convert: Convert) -> None:
    envelope = Envelope(
        patient=Target("Patient", "p"),
        identifiers=(("1.2.250.1.999.1.1", "IPP0000123"),),
        labels=("MASQUE_PS",),
        document_id="9.9.9",
    )

    mapped = convert(cda(), envelope)

    labels = _only(mapped, "DocumentReference")["securityLabel"]
    assert [label["coding"][0]["code"] for label in labels] == ["N", "MASQUE_PS"]
    assert "document-id-differs" in mapped.flags
    assert _of(mapped, "Provenance") == []


def test_shared_and_single_use_resources_say_so(convert: Convert) -> None:
    kinds = {part.target.type: part.kind for part in convert(cda()).contributions}

    assert kinds["Organization"] is kinds["Practitioner"] is Kind.SHARED
    assert kinds["Binary"] is kinds["Provenance"] is Kind.ONCE
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

    mapped = convert(cda(header=other))

    assert _only(mapped, "Practitioner")["name"][0]["family"] == "PRATICIENNE"
    assert [issue.code for issue in mapped.issues] == ["RLS-CDA-022"]


def test_contact_and_trusted_person_are_one_contact_with_two_roles(convert: Convert) -> None:
    person = (
        '<informant><relatedEntity classCode="{}"><telecom value="tel:{}"/><relatedPerson><name>'
        "<family>ESSAI-FILLE</family></name></relatedPerson></relatedEntity></informant>"
    )
    header = person.format("ECON", "0600000003") + person.format("NOK", "06.00.00.00.03")

    mapped = convert(cda(header=header))

    (contact,) = _of(mapped, "Patient")[0]["contact"]
    assert [coding["code"] for coding in contact["relationship"][0]["coding"]] == ["ECON", "NOK"]
    related = _only(mapped, "RelatedPerson")
    patient = related["patient"]["reference"].removeprefix("Patient/")
    assert related["id"] == Ids().related_person(patient, "NOK", "ESSAI-FILLE", "0600000003")


@pytest.mark.field("FL-134")
def test_relatives_without_name_make_no_person(convert: Convert) -> None:
    nobody = (
        '<informant><relatedEntity classCode="NOK"><relatedPerson/></relatedEntity></informant>'
    )

    mapped = convert(cda(header=nobody * 2))

    assert _of(mapped, "RelatedPerson") == []
    assert "contact" not in _of(mapped, "Patient")[0]


# --- stay -------------------------------------------------------------------------------------


def _mode(code: str, value: str) -> str:
    return sections(
        section(
            "163.1",
            entry(
                "observation",
                "EVN",
                "48",
                f'<code code="{code}" codeSystem="{TA}"/><effectiveTime value="20260312"/>{value}',
            ),
        )
    )


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

    mapped = convert(cda(body=_mode("ORG-074", value)))

    stay = merge(
        Target("Encounter", _of(mapped, "Encounter")[0]["id"]),
        [part for part in mapped.contributions if part.target.type == "Encounter"],
    )
    assert stay is not None
    codings = stay["hospitalization"]["dischargeDisposition"]["coding"]
    assert [coding["code"] for coding in codings] == [code, *([target] if target else [])]
    assert mapped.issues == []


@pytest.mark.field("FL-194")
def test_unknown_discharge_mode_is_kept_as_sent_and_reported(convert: Convert) -> None:
    value = f'<value xsi:type="CE" code="ZZZ" codeSystem="{TA}"/>'

    mapped = convert(cda(body=_mode("ORG-074", value)))

    disposition = _of(mapped, "Encounter")[1]["hospitalization"]["dischargeDisposition"]
    assert [coding["code"] for coding in disposition["coding"]] == ["ZZZ"]
    assert [issue.code for issue in mapped.issues] == ["RLS-MAP-002"]


def test_known_stay_gets_only_what_the_letter_says_of_its_course(convert: Convert) -> None:
    envelope = Envelope(
        patient=Target("Patient", "p"),
        identifiers=(("1.2.250.1.999.1.1", "IPP0000123"),),
        stay=Target("Encounter", "stay-of-pv1"),
    )
    value = '<value xsi:type="CE" code="160849004" codeSystem="2.16.840.1.113883.6.96"/>'

    mapped = convert(cda(body=_mode("ORG-074", value)), envelope)

    (part,) = [part for part in mapped.contributions if part.target.type == "Encounter"]
    assert part.target.id == "stay-of-pv1"
    assert set(part.resource) == {"resourceType", "id", "hospitalization"}
    assert part.movement is None
    assert part.version.recorded_at.year == 1900
    context = _only(mapped, "DocumentReference")["context"]
    assert context["encounter"] == [{"reference": "Encounter/stay-of-pv1"}]


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

    assert _of(mapped, "Encounter") == []
    assert "encounter" not in _only(mapped, "DocumentReference")["context"]


# --- versions ---------------------------------------------------------------------------------


def test_replacement_supersedes_its_parent_and_revokes_its_plan(convert: Convert) -> None:
    old = convert(cda(own_id='<id root="1.2.250.1.999.7.1" extension="D0"/>', body=_plan()))
    new = convert(
        cda(
            version='<versionNumber value="2"/>',
            time='<effectiveTime value="20260313"/>',
            header=RPLC,
            body=_plan(),
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
        document, plan = _only(old, "DocumentReference")["id"], _only(old, "CarePlan")["id"]
        assert status("DocumentReference", document, parts) == "superseded"
        assert status("CarePlan", plan, parts) == "revoked"
    assert _of(new, "DocumentReference")[0]["relatesTo"][0]["target"] == {
        "reference": f"DocumentReference/{_only(old, 'DocumentReference')['id']}"
    }
    replaced = [part for part in new.contributions if part.annotates]
    assert [part.target.type for part in replaced] == ["DocumentReference", "CarePlan"]
    assert _of(new, "CarePlan")[0]["replaces"] == [
        {"reference": f"CarePlan/{_only(old, 'CarePlan')['id']}"}
    ]


def test_document_that_names_itself_replaces_nothing(convert: Convert) -> None:
    mapped = convert(cda(header=RPLC.replace('"D0"', '"D1"')))

    assert "relatesTo" not in _only(mapped, "DocumentReference")
    assert [part for part in mapped.contributions if part.annotates] == []


def test_annotation_of_an_unknown_parent_makes_no_resource(convert: Convert) -> None:
    mapped = convert(cda(header=RPLC))

    (part,) = [part for part in mapped.contributions if part.annotates]
    assert merge(part.target, [part]) is None


def test_unchanged_entries_keep_their_id_over_versions(convert: Convert) -> None:
    request = entry("observation", "INT", "27", f'<code code="ORG-064" codeSystem="{TA}"/>')
    act = entry("procedure", "INT", "62", '<code code="ECQH010" codeSystem="1.2.250.1.215.300.1"/>')

    one = _of(convert(cda(body=_plan(act, request))), "ServiceRequest")
    two = _of(
        convert(cda(version='<versionNumber value="2"/>', body=_plan(request))), "ServiceRequest"
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


# --- bodies -----------------------------------------------------------------------------------

PDF = b"%PDF-1.4 essai"


def test_level_1_body_is_kept_beside_the_document(convert: Convert) -> None:
    mapped = convert(cda(body=level_1(b64encode(PDF).decode())))

    contents = _only(mapped, "DocumentReference")["content"]
    assert [item["attachment"]["contentType"] for item in contents] == [
        "text/xml",
        "application/pdf",
    ]
    assert contents[0]["format"]["code"] == "urn:ihe:iti:xds-sd:pdf:2008"
    bodies = {item["contentType"]: item["data"] for item in _of(mapped, "Binary")}
    assert bodies["application/pdf"] == b64encode(PDF).decode()


@pytest.mark.field("FL-156")
def test_base64_with_line_breaks_and_blanks_decodes(convert: Convert) -> None:
    text = b64encode(PDF).decode()

    mapped = convert(cda(body=level_1(f"\n\t{text[:7]}\n  {text[7:]} \n")))

    assert _of(mapped, "Binary")[1]["data"] == text


@pytest.mark.field("FL-157")
@pytest.mark.parametrize("text", ["JVBERi0xL", "JVBERi0x=AAA", "JVBERi0xé", "JVBE!Ri0x"])
def test_broken_base64_is_refused_with_its_place(text: str, convert: Convert) -> None:
    with pytest.raises(RejectedError) as refused:
        convert(cda(body=level_1(text)))

    (issue,) = refused.value.issues
    assert issue.code == "RLS-CDA-017"
    assert issue.where == "/ClinicalDocument/component/nonXMLBody/text"
    assert issue.hl7_code == 102


@pytest.mark.field("FL-157")
def test_url_safe_base64_is_read_and_flagged(convert: Convert) -> None:
    data = PDF + b"\xfb\xff"
    text = b64encode(data).decode().replace("+", "-").replace("/", "_")

    mapped = convert(cda(body=level_1(text)))

    assert _of(mapped, "Binary")[1]["data"] == b64encode(data).decode()
    assert "base64-url-safe" in mapped.flags


@pytest.mark.field("FL-160")
@pytest.mark.field("FL-189")
@pytest.mark.parametrize(
    "data", [b"<html><script>x</script></html>", b"  <!DOCTYPE html>", b"MZ\x90", b"PK\x03\x04"]
)
def test_active_content_is_refused_whatever_its_announced_type(
    data: bytes, convert: Convert
) -> None:
    with pytest.raises(RejectedError) as refused:
        convert(cda(body=level_1(b64encode(data).decode())))

    assert [issue.code for issue in refused.value.issues] == ["RLS-CDA-018"]


@pytest.mark.field("FL-160")
def test_content_decides_the_type_and_the_difference_is_flagged(convert: Convert) -> None:
    mapped = convert(cda(body=level_1(b64encode(PDF).decode(), "image/jpeg")))

    assert _of(mapped, "Binary")[1]["contentType"] == "application/pdf"
    assert mapped.flags == ["body-type-differs"]


@pytest.mark.field("FL-169")
def test_empty_body_converts_the_header_and_is_flagged(convert: Convert) -> None:
    mapped = convert(cda(body=level_1("")))

    assert len(_of(mapped, "Binary")) == 1
    assert mapped.flags == ["empty-body"]


def test_plain_text_body_is_kept(convert: Convert) -> None:
    mapped = convert(cda(body=level_1("Sortie sans incident", "text/plain", "TXT")))

    assert _of(mapped, "Binary")[1]["data"] == b64encode(b"Sortie sans incident").decode()


# --- entries ----------------------------------------------------------------------------------


@pytest.mark.field("FL-184")
def test_mood_and_not_status_tells_planned_from_done(convert: Convert) -> None:
    inner = '<code code="ECQH010" codeSystem="1.2.250.1.215.300.1"/><statusCode code="completed"/>'

    planned = convert(cda(body=_plan(entry("procedure", "INT", "62", inner))))
    done = convert(cda(body=_plan(entry("procedure", "EVN", "62", inner))))

    assert (_of(planned, "Procedure"), len(_of(planned, "ServiceRequest"))) == ([], 1)
    assert _only(planned, "CarePlan")["activity"] == [
        {"reference": {"reference": f"ServiceRequest/{_only(planned, 'ServiceRequest')['id']}"}}
    ]
    assert (len(_of(done, "Procedure")), _of(done, "ServiceRequest")) == (1, [])
    assert "activity" not in _only(done, "CarePlan")


@pytest.mark.field("FL-185")
def test_entries_with_one_id_are_two_resources(convert: Convert) -> None:
    inner = f'<id root="0A"/><code code="ORG-064" codeSystem="{TA}"/>'
    same = entry("observation", "INT", "27", inner)

    found = _of(convert(cda(body=_plan(same, same))), "ServiceRequest")

    assert len({item["id"] for item in found}) == 2


@pytest.mark.parametrize(
    ("priority", "expected", "kept"),
    [
        ("UR", "urgent", False),
        ("EM", "stat", False),
        ("S", "stat", False),
        ("A", "asap", False),
        ("R", "routine", False),
        ("EL", "routine", True),
        ("CS", "routine", True),
    ],
)
def test_priorities_without_equal_keep_their_code(
    priority: str, expected: str, kept: bool, convert: Convert
) -> None:
    inner = (
        f'<code code="ORG-064" codeSystem="{TA}"/>'
        f'<priorityCode code="{priority}" codeSystem="2.16.840.1.113883.5.7"/>'
    )

    found = _only(
        convert(cda(body=_plan(entry("observation", "INT", "27", inner)))), "ServiceRequest"
    )

    assert found["priority"] == expected
    assert ("extension" in found) is kept


def test_planned_dates_come_from_the_component_when_the_act_has_none(convert: Convert) -> None:
    inner = (
        '<code code="ECQH010" codeSystem="1.2.250.1.215.300.1"/><effectiveTime nullFlavor="UNK"/>'
        '<entryRelationship typeCode="COMP"><observation><code code="GEN-177"/><effectiveTime>'
        '<low value="20260401"/><high value="20260430"/></effectiveTime></observation>'
        "</entryRelationship>"
    )

    mapped = convert(cda(body=_plan(entry("procedure", "INT", "62", inner))))

    span = {"start": "2026-04-01", "end": "2026-04-30"}
    assert _only(mapped, "ServiceRequest")["occurrencePeriod"] == span
    assert _only(mapped, "CarePlan")["period"] == span


@pytest.mark.parametrize(
    ("mood", "time", "status", "slot"),
    [
        ("PRMS", '<effectiveTime value="202604020930+0200"/>', "booked", True),
        ("PRMS", '<effectiveTime value="20260402"/>', "proposed", False),
        ("ARQ", '<effectiveTime value="202604020930+0200"/>', "proposed", False),
        ("ARQ", '<effectiveTime nullFlavor="UNK"/>', "proposed", False),
    ],
)
def test_only_a_promise_with_its_hour_is_booked(
    mood: str, time: str, status: str, slot: bool, convert: Convert
) -> None:
    mapped = convert(cda(body=_plan(entry("encounter", mood, "58", f'<code code="AMB"/>{time}'))))

    found = _only(mapped, "Appointment")
    assert found["status"] == status
    assert ("start" in found, "end" in found) == (slot, slot)


def test_goal_is_a_goal_and_no_activity(convert: Convert) -> None:
    inner = f'<code code="27113001" codeSystem="{TA}"/><effectiveTime value="20260612"/>'

    mapped = convert(cda(body=_plan(entry("observation", "GOL", "27", inner))))

    goal = _only(mapped, "Goal")
    assert goal["target"][0]["dueDate"] == "2026-06-12"
    assert _only(mapped, "CarePlan")["goal"] == [{"reference": f"Goal/{goal['id']}"}]
    assert _of(mapped, "ServiceRequest") == []


def test_negated_problem_is_refuted(convert: Convert) -> None:
    problem = entry(
        "act",
        "EVN",
        "39",
        '<statusCode code="active"/><entryRelationship typeCode="SUBJ"><observation {}>'
        '<value xsi:type="CD" code="E11" codeSystem="2.16.840.1.113883.6.3"/>'
        "</observation></entryRelationship>",
    )
    body = sections(section("163", problem.format('negationInd="true"')))
    plain = sections(section("163", problem.format('negationInd="false"')))

    refuted, present = (
        _only(convert(cda(body=body)), "Condition"),
        _only(convert(cda(body=plain)), "Condition"),
    )

    assert refuted["verificationStatus"]["coding"][0]["code"] == "refuted"
    assert "clinicalStatus" not in refuted
    assert present["verificationStatus"]["coding"][0]["code"] == "confirmed"


def test_allergy_entry_that_names_nothing_makes_no_allergy(convert: Convert) -> None:
    empty = entry(
        "act",
        "EVN",
        "40",
        '<entryRelationship typeCode="SUBJ"><observation><code code="416098002"'
        ' codeSystem="2.16.840.1.113883.6.96"/><value xsi:type="CD"><originalText>'
        '<reference value="#"/></originalText></value></observation></entryRelationship>',
    )

    mapped = convert(cda(body=sections(section("137", empty))))

    assert _of(mapped, "AllergyIntolerance") == []
    assert [issue.code for issue in mapped.issues] == ["RLS-CDA-021"]


def test_coded_absence_of_allergies_is_said(convert: Convert) -> None:
    none = entry(
        "act",
        "EVN",
        "40",
        '<entryRelationship typeCode="SUBJ"><observation><code code="609328004"'
        ' codeSystem="2.16.840.1.113883.6.96"/><value xsi:type="CD" code="no-known-allergies"'
        ' codeSystem="2.16.840.1.113883.5.1150.1"/></observation></entryRelationship>',
    )

    found = _only(convert(cda(body=sections(section("137", none)))), "AllergyIntolerance")

    assert found["code"]["coding"][0] == {
        "system": "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips",
        "code": "no-known-allergies",
    }


@pytest.mark.parametrize(
    ("section_code", "status"),
    [
        ("18610-6", "stopped"),
        ("10183-2", "active"),
        pytest.param("99999-9", "unknown", marks=pytest.mark.field("FL-149")),
    ],
)
def test_section_of_a_treatment_decides_its_status(
    section_code: str, status: str, convert: Convert
) -> None:
    drug = entry(
        "substanceAdministration",
        "EVN",
        "42",
        '<statusCode code="completed"/><consumable><manufacturedProduct><manufacturedMaterial>'
        "<name>FICTIFAMOL</name></manufacturedMaterial></manufacturedProduct></consumable>",
    )

    mapped = convert(cda(body=sections(section("145", drug, code=section_code))))

    assert _only(mapped, "MedicationStatement")["status"] == status


@pytest.mark.field("FL-191")
def test_unknown_model_converts_its_header(convert: Convert) -> None:
    mapped = convert(
        cda(
            template='<templateId root="1.2.250.1.213.1.1.1.999"/>',
            code='<code code="99999-9" codeSystem="2.16.840.1.113883.6.1"/>',
            body=_plan(entry("procedure", "INT", "62", '<code code="A"/>')),
        )
    )

    assert _only(mapped, "DocumentReference")["content"][0]["format"]["code"] == (
        "urn:asipSante:modelesHorsProfils:2011"
    )
    assert _of(mapped, "ServiceRequest") == []
    assert "RLS-CDA-021" in [issue.code for issue in mapped.issues]


@pytest.mark.field("FL-192")
def test_dates_that_disagree_stay_where_they_were_said(convert: Convert) -> None:
    value = '<value xsi:type="CE" code="160849004" codeSystem="2.16.840.1.113883.6.96"/>'
    body = _mode("ORG-074", value).replace('value="20260312"', 'value="20180312"')

    mapped = convert(cda(body=body))

    assert _of(mapped, "Encounter")[0]["period"]["end"] == "2026-03-12T15:00:00+01:00"


@pytest.mark.field("FL-147")
def test_nothing_is_left_from_the_document_before(convert: Convert) -> None:
    alone = convert(cda())

    convert(cda(body=_plan(entry("procedure", "INT", "62", '<code code="A"/>')), header=RPLC))

    assert convert(cda()).contributions == alone.contributions


def test_nothing_of_the_person_is_in_issues_and_errors(convert: Convert) -> None:
    body = cda(body=_mode("ORG-074", '<value xsi:type="CE" code="ZZZ"/>'))

    said = " ".join(str(issue) for issue in convert(body).issues)

    assert not any(word in said for word in ("ESSAI", "IPP0000123", "1948", "ZZZ"))
