"""What a document should say and does not: told with its place, and converted as far as it goes."""

import re

import pytest

from gateway.core.contributions import Target
from gateway.core.envelope import Envelope
from gateway.core.errors import RejectedError
from gateway.core.issues import Severity
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import (
    ACT,
    AUTHOR,
    CUSTODIAN,
    FACILITY,
    INS,
    IPP,
    LEGAL,
    PERSON,
    STAY,
    cda,
    level_1,
    only,
    resources,
    section,
    sections,
)

WHOLE = cda().decode()
AROUND = Envelope(
    patient=Target("Patient", "p"), identifiers=(("1.2.250.1.999.1.1", "IPP0000123"),)
)


def told(convert: Convert, text: str) -> list[tuple[str, str]]:
    mapped = convert(text.encode())
    assert resources(mapped, "DocumentReference")
    return [(one.code, one.where.removeprefix("/ClinicalDocument")) for one in mapped.issues]


def test_a_whole_header_is_told_nothing_about(convert: Convert) -> None:
    assert told(convert, WHOLE) == []


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        ('<realmCode code="FR"/>', "", ["/realmCode"]),
        ('<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>', "", ["/typeId"]),
        ('<confidentialityCode code="N"', '<confidentialityCode x="N"', ["/confidentialityCode"]),
        ('<languageCode code="fr-FR"/>', "", ["/languageCode"]),
        ('<versionNumber value="1"/>', "", ["/versionNumber"]),
        (AUTHOR, "", ["/author"]),
        (CUSTODIAN, "", ["/custodian"]),
        (LEGAL, "", ["/legalAuthenticator"]),
        (ACT, "", ["/documentationOf/serviceEvent"]),
        (STAY, "", ["/componentOf/encompassingEncounter"]),
        (FACILITY, "", ["/componentOf/encompassingEncounter/location/healthCareFacility/code"]),
        (
            re.search(r"<name>.*?</name>", PERSON)[0],  # type: ignore[index]
            "",
            ["/recordTarget/patientRole/patient/name"],
        ),
        (
            '<birthTime value="19480317"/>',
            "",
            ["/recordTarget/patientRole/patient/birthTime"],
        ),
    ],
)
def test_each_missing_element_is_told_with_its_place_and_the_header_converts(
    old: str, new: str, places: list[str], convert: Convert
) -> None:
    assert old in WHOLE

    found = told(convert, WHOLE.replace(old, new, 1))

    assert found == [("RLS-CDA-030", place) for place in places]


def test_times_and_numbers_of_authors_are_asked_for_where_they_are_missing(
    convert: Convert,
) -> None:
    bare = AUTHOR.replace('<time value="20260312164500+0100"/>', "")
    bare = re.sub(r'<id root="1.2.250.1.71.4.2.1"[^>]*/>', "", bare)

    found = told(convert, WHOLE.replace(AUTHOR, AUTHOR + bare))

    assert found == [
        ("RLS-CDA-030", "/author[2]/time"),
        ("RLS-CDA-030", "/author[2]/assignedAuthor/id"),
    ]


def test_an_ins_without_its_traits_is_told(convert: Convert) -> None:
    text = WHOLE.replace(IPP, IPP + INS).replace("<county>42218</county>", "")

    assert told(convert, text) == [("RLS-CDA-031", "/recordTarget/patientRole/patient")]


@pytest.mark.field("FL-191")
@pytest.mark.parametrize(
    ("template", "place"),
    [
        ('<templateId root="1.2.250.1.213.1.1.1.999" extension="2031.01"/>', "/templateId[3]"),
        ("", "/templateId"),
    ],
)
def test_an_unknown_model_converts_by_its_code(template: str, place: str, convert: Convert) -> None:
    found = told(convert, cda(template=template).decode())

    # The model has no XDS format either.
    assert [one for one in found if one[0] != "RLS-MAP-002"] == [("RLS-CDA-033", place)]


def test_an_unknown_document_code_is_kept_and_told(convert: Convert) -> None:
    mapped = convert(cda(code='<code code="99999-9" codeSystem="2.16.840.1.113883.6.1"/>'))

    reference = only(mapped, "DocumentReference")
    assert reference["type"]["coding"][0]["code"] == "99999-9"
    assert "category" not in reference
    assert ("RLS-MAP-002", "/ClinicalDocument/code/@code") in [
        (one.code, one.where) for one in mapped.issues
    ]


@pytest.mark.field("FL-169")
@pytest.mark.parametrize(
    ("body", "place"),
    [
        pytest.param("", "/component", id="no body"),
        pytest.param("<structuredBody/>", "/component", id="no section"),
        pytest.param(sections(section("158")), "/component", id="an empty section"),
        pytest.param("<nonXMLBody/>", "/component/nonXMLBody", id="no text"),
        pytest.param(level_1(""), "/component/nonXMLBody/text", id="an empty text"),
        pytest.param(level_1(" \n "), "/component/nonXMLBody/text", id="blanks"),
    ],
)
def test_a_document_without_content_converts_its_header(
    body: str, place: str, convert: Convert
) -> None:
    assert told(convert, cda(body=body).decode()) == [("RLS-CDA-032", place)]


def test_a_document_without_component_converts_its_header(convert: Convert) -> None:
    text = re.sub("<component>.*</component>", "", WHOLE)

    assert told(convert, text) == [("RLS-CDA-032", "/component")]


@pytest.mark.parametrize(
    ("time", "code"),
    [
        ("", "RLS-CDA-010"),
        ('<effectiveTime nullFlavor="UNK"/>', "RLS-CDA-010"),
        ('<effectiveTime value="2026031"/>', "RLS-CDA-011"),
        ('<effectiveTime value="20260230"/>', "RLS-CDA-011"),
    ],
)
def test_a_document_alone_needs_a_time_and_one_in_a_message_takes_that_of_the_message(
    time: str, code: str, convert: Convert
) -> None:
    around = Envelope(
        patient=AROUND.patient, identifiers=AROUND.identifiers, sent_at="20260313090000+0100"
    )
    with pytest.raises(RejectedError) as refused:
        convert(cda(time=time))

    mapped = convert(cda(time=time), around)

    assert [one.code for one in refused.value.issues] == [code]
    attachment = only(mapped, "DocumentReference")["content"][0]["attachment"]
    assert attachment["creation"] == "2026-03-13T09:00:00+01:00"
    assert "date" not in only(mapped, "DocumentReference")
    assert [(one.code, one.severity, one.where) for one in mapped.issues] == [
        ("RLS-CDA-037", Severity.WARNING, "/ClinicalDocument/effectiveTime")
    ]


@pytest.mark.parametrize(
    ("low", "high", "places"),
    [
        ("20260230", "20260312", ["low"]),
        ("2026031", "202603", ["low"]),
        ("20260302", "20260301", [""]),
        ("20260302", "2026-03-12", ["high"]),
    ],
)
def test_impossible_dates_of_the_stay_are_told_and_left_out(
    low: str, high: str, places: list[str], convert: Convert
) -> None:
    stay = (
        "<componentOf><encompassingEncounter><effectiveTime>"
        f'<low value="{low}"/><high value="{high}"/></effectiveTime>{FACILITY}'
        "</encompassingEncounter></componentOf>"
    )

    mapped = convert(cda(stay=stay))

    root = "/ClinicalDocument/componentOf/encompassingEncounter/effectiveTime"
    wanted = [f"{root}/{place}".rstrip("/") for place in places]
    got = [one.where for one in mapped.issues if one.code == "RLS-CDA-019"]
    assert got == wanted
    # Without a beginning there is no stay.
    assert bool(resources(mapped, "Encounter")) is (places != ["low"])
