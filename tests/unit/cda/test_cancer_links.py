"""What a cancer document refers to: documents, plans, the session, the enrolment, the team."""

from tests.unit.cda.cancer_documents import (
    LN,
    NCI,
    board,
    coded,
    foreseen,
    line,
    programme,
)
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import only, section

LINE = line("MED-568", "C15632", foreseen("20260301", "20260401"), system=NCI)
SYSTEM = "https://relais.example/ns/care-plan"


def external(own: str, code: str = "", group: str = "", text: str = "") -> str:
    typed = coded("code", code, LN, display="Fiche") if code else ""
    words = f'<text><reference value="#{text}"/></text>' if text else ""
    return (
        f'<reference typeCode="REFR"><externalDocument>{own}{typed}{words}{group}'
        "</externalDocument></reference>"
    )


def referring(*references: str) -> str:
    act = (
        '<act classCode="ACT" moodCode="EVN"><templateId root="1.2.250.1.213.1.1.3.35"/>'
        f'<code nullFlavor="NA"/>{"".join(references)}</act>'
    )
    text = '<content ID="d1">Fiche n° 7</content>'
    return section("55", act, code="55107-7", text=text)


OWN = '<id root="1.2.250.1.999.7.1" extension="FRCP-7"/>'
GROUP = '<setId root="1.2.250.1.999.7.1" extension="FRCP"/>'


def test_documents_are_referred_to_by_their_number_and_replaced_by_nothing(
    convert: Convert,
) -> None:
    mapped = convert(programme(LINE, beside=referring(external(OWN, text="d1"), external(OWN))))

    expected = {
        "type": "DocumentReference",
        "identifier": {"system": "urn:oid:1.2.250.1.999.7.1", "value": "FRCP-7"},
    }
    document = only(mapped, "DocumentReference")
    assert document["context"]["related"] == [{**expected, "display": "Fiche n° 7"}, expected]
    assert "relatesTo" not in document
    plan = only(mapped, "CarePlan")
    assert plan["supportingInfo"][1:] == [{**expected, "display": "Fiche n° 7"}, expected]
    assert "basedOn" not in plan
    assert mapped.issues == []


def test_a_reference_without_number_is_left_out(convert: Convert) -> None:
    nothing = external('<id nullFlavor="UNK"/>')

    mapped = convert(programme(LINE, beside=referring(nothing)))

    assert "related" not in only(mapped, "DocumentReference")["context"]


def test_a_programme_is_based_on_the_proposal_of_the_board_it_names(convert: Convert) -> None:
    former = '<setId root="1.2.250.1.999.7.1" extension="OLD"/>'
    names = (
        external(OWN, "34794-8", GROUP),
        external(OWN, "18776-5", former),
        external(OWN, "51969-4", GROUP),
        external(OWN, "34794-8"),
    )

    plan = only(convert(programme(LINE, beside=referring(*names))), "CarePlan")

    section_key = "1.2.250.1.213.1.1.2.158"
    assert plan["basedOn"] == [
        {"type": "CarePlan",
         "identifier": {"system": SYSTEM, "value": f"1.2.250.1.999.7.1#FRCP#{section_key}"}},
        {"type": "CarePlan",
         "identifier": {"system": SYSTEM, "value": f"1.2.250.1.999.7.1#OLD#{section_key}#MED-566"}},
    ]  # fmt: skip


def test_a_programme_is_not_based_on_itself(convert: Convert) -> None:
    own = '<setId root="1.2.250.1.999.7.1" extension="S1"/>'

    mapped = convert(programme(LINE, beside=referring(external(OWN, "18776-5", own))))

    assert "basedOn" not in only(mapped, "CarePlan")


NURSE = (
    '<participant typeCode="PRF"><associatedEntity classCode="PROV">'
    '<id root="1.2.250.1.71.4.2.1" extension="899700000015"/>'
    "<associatedPerson><name><given>Inès</given><family>ESSAI</family></name></associatedPerson>"
    "</associatedEntity></participant>"
)


def test_the_plan_names_the_team_that_the_header_tells(convert: Convert) -> None:
    mapped = convert(programme(LINE, header=NURSE))

    team = only(mapped, "CareTeam")["id"]
    assert only(mapped, "CarePlan")["careTeam"] == [{"reference": f"CareTeam/{team}"}]


def test_a_plan_of_nobody_names_no_team(convert: Convert) -> None:
    assert "careTeam" not in only(convert(programme(LINE)), "CarePlan")


MEETING = (
    '<componentOf><encompassingEncounter><id root="1.2.250.1.161.1.20.3.1" extension="2701"/>'
    '<id root="1.2.250.1.213.1.1.9"/><id extension="2702"/>'
    '<code code="{}" codeSystem="2.16.840.1.113883.5.4"/><effectiveTime>'
    '<low value="20260210140000+0100"/></effectiveTime></encompassingEncounter></componentOf>'
)


def test_a_meeting_is_no_stay_and_its_session_is_named(convert: Convert) -> None:
    mapped = convert(board(section("158"), stay=MEETING.format("VR")))

    assert "Encounter" not in {part.target.type for part in mapped.contributions}
    session = {"system": "urn:oid:1.2.250.1.161.1.20.3.1", "value": "2701"}
    network = {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.250.1.213.1.1.9"}
    assert only(mapped, "DocumentReference")["context"]["related"] == [
        {"type": "Encounter", "identifier": session},
        {"type": "Encounter", "identifier": network},
    ]


def test_the_enrolment_groups_what_a_board_proposes(convert: Convert) -> None:
    enrolment = (
        '<inFulfillmentOf><order><id root="9D1A0C44-0000-4000-8000-00000000AB01"/></order>'
        "</inFulfillmentOf>"
    )

    mapped = convert(board(section("158", LINE), header=enrolment))

    assert only(mapped, "ServiceRequest")["requisition"] == {
        "system": "urn:ietf:rfc:3986",
        "value": "urn:uuid:9d1a0c44-0000-4000-8000-00000000ab01",
    }
