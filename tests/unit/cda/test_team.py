"""The team a header names: one CareTeam for all versions of a document."""

from typing import Any

import pytest

from gateway.cda.team import NOTE
from gateway.fhir.fold import merge
from gateway.fhir.identity import Ids
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import TA, cda, only, resources

PS = '<id root="1.2.250.1.71.4.2.1" extension="8109990000{}"/>'
ORGANIZATION = (
    '<scopingOrganization><id root="1.2.250.1.71.4.2.2" extension="1990000028"/>'
    "<name>Clinique des Essais</name></scopingOrganization>"
)
PERSON = "<associatedPerson><name><given>Paul</given><family>{}</family></name></associatedPerson>"


def participant(
    entity: str, kind: str = "PRF", function: str = "", time: str = "", role: str = "PROV"
) -> str:
    return (
        f'<participant typeCode="{kind}">{function}{time}'
        f'<associatedEntity classCode="{role}">{entity}</associatedEntity></participant>'
    )


def function(code: str, system: str, inner: str = "", name: str = "") -> str:
    shown = f' displayName="{name}"' if name else ""
    return f'<functionCode code="{code}" codeSystem="{system}"{shown}>{inner}</functionCode>'


def members(convert: Convert, header: str, **parts: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = only(convert(cda(header=header, **parts)), "CareTeam")[
        "participant"
    ]
    return found


def codes(member: dict[str, Any]) -> list[str]:
    return [coding["code"] for role in member["role"] for coding in role["coding"]]


def test_a_document_that_names_nobody_has_no_team(convert: Convert) -> None:
    assert resources(convert(cda()), "CareTeam") == []


@pytest.mark.parametrize(
    ("kind", "code", "system", "translation"),
    [
        ("RESP", "", "", "ORG-177"),
        ("PRF", "353", "1.2.250.1.213.1.6.1.107", "ORG-177"),
        ("PRF", "CORRE", "1.2.250.1.213.1.1.4.2.280", "ORG-190"),
        ("PRF", "CORRE", "1.2.250.1.213.1.1.4.2.280", "ORG-178"),
        ("INF", "CORRE", "1.2.250.1.213.1.1.4.2.280", "ORG-188"),
        ("INF", "PCP", "2.16.840.1.113883.5.88", ""),
        ("CON", "CORRE", "1.2.250.1.213.1.1.4.2.280", "ORG-179"),
        ("CON", "CORRE", "1.2.250.1.213.1.1.4.2.280", "ORG-191"),
        ("INF", "CORRE", "1.2.250.1.213.1.1.4.2.280", "ORG-180"),
        ("INF", "CORRE", "1.2.250.1.213.1.1.4.2.280", "ORG-181"),
    ],
)
def test_roles_of_a_cancer_programme_keep_part_function_and_translation(
    kind: str, code: str, system: str, translation: str, convert: Convert
) -> None:
    inner = f'<translation code="{translation}" codeSystem="{TA}"/>' if translation else ""
    coded = (
        function(code, system, inner)
        if code
        else f'<functionCode nullFlavor="NA">{inner}</functionCode>'
    )

    (member,) = members(convert, participant(PERSON.format("TRAITANT"), kind, coded))

    assert codes(member) == [part for part in (kind, code, translation) if part]


def test_the_words_beside_a_function_are_a_note_and_not_its_name(convert: Convert) -> None:
    said = "<originalText>https://exemple.invalid/parcours</originalText>"
    coded = function("353", "1.2.250.1.213.1.6.1.107", said, "Membre de l'équipe de soins")

    (member,) = members(convert, participant(PS.format("28") + PERSON.format("A"), "PRF", coded))

    assert member["extension"] == [{"url": NOTE, "valueString": "https://exemple.invalid/parcours"}]
    assert member["role"][1]["text"] == "Membre de l'équipe de soins"


@pytest.mark.parametrize(
    ("entity", "member", "on_behalf"),
    [
        pytest.param(
            PS.format("28") + PERSON.format("A") + ORGANIZATION,
            "PractitionerRole/",
            None,
            id="a professional in a structure",
        ),
        pytest.param(
            PERSON.format("A") + ORGANIZATION, "Paul A", "Organization/", id="a name in a structure"
        ),
        pytest.param(ORGANIZATION, "Organization/", None, id="a structure alone"),
        pytest.param(
            PS.format("28") + PERSON.format("A"), "Practitioner/", None, id="a professional alone"
        ),
    ],
)
def test_a_member_is_who_the_numbers_say(
    entity: str, member: str, on_behalf: str | None, convert: Convert
) -> None:
    (found,) = members(convert, participant(entity))

    who = found["member"].get("reference") or found["member"]["display"]
    assert who.startswith(member)
    structure = found.get("onBehalfOf", {}).get("reference", "")
    assert structure.startswith(on_behalf or "")
    assert ("onBehalfOf" in found) is (on_behalf is not None)


def test_who_has_no_number_but_a_telephone_is_contained_in_the_team(convert: Convert) -> None:
    reach = '<telecom value="tel:0400000001"/><addr><city>LYON</city></addr>'
    person, network = PERSON.format("MEDIATRICE"), "<name>Réseau des Essais</name>"
    header = participant(reach + person) + participant(
        f"{reach}<scopingOrganization>{network}</scopingOrganization>"
    )

    team = only(convert(cda(header=header)), "CareTeam")

    assert [(one["resourceType"], one["id"]) for one in team["contained"]] == [
        ("Practitioner", "m1"),
        ("Organization", "m2"),
    ]
    assert [one["telecom"][0]["value"] for one in team["contained"]] == ["0400000001"] * 2
    assert [one["member"] for one in team["participant"]] == [
        {"reference": "#m1", "display": "Paul MEDIATRICE"},
        {"reference": "#m2", "display": "Réseau des Essais"},
    ]


def test_a_profession_that_no_role_carries_stands_with_the_member(convert: Convert) -> None:
    helper = '<code code="434b" codeSystem="1.2.250.1.213.2.13"/>' + PERSON.format("SOCIALE")

    (member,) = members(convert, participant(helper))

    assert codes(member) == ["PRF", "434b"]


def test_recipients_performers_and_informants_are_members(convert: Convert) -> None:
    recipient = (
        f"<informationRecipient><intendedRecipient>{PS.format('36')}<informationRecipient><name>"
        "<family>TRAITANT</family></name></informationRecipient></intendedRecipient>"
        "</informationRecipient>"
    )
    informant = (
        f"<informant><assignedEntity>{PS.format('44')}<assignedPerson><name><family>INFIRMIERE"
        "</family></name></assignedPerson></assignedEntity></informant>"
    )
    act = (
        '<documentationOf><serviceEvent><performer typeCode="PRF"><assignedEntity>'
        f"{PS.format('51')}<assignedPerson><name><family>CHIRURGIEN</family></name>"
        "</assignedPerson></assignedEntity></performer></serviceEvent></documentationOf>"
    )

    found = members(convert, recipient + informant, act=act)

    assert [codes(one) for one in found] == [["PRF"], ["PRCP"], ["INF"]]
    assert [one["member"]["reference"].partition("/")[0] for one in found] == ["Practitioner"] * 3


def test_a_relative_of_two_roles_is_one_member(convert: Convert) -> None:
    person = (
        '<informant><relatedEntity classCode="{}"><code code="DAU"'
        ' codeSystem="2.16.840.1.113883.5.111"/><telecom value="tel:{}"/><relatedPerson><name>'
        "<family>ESSAI-FILLE</family></name></relatedPerson></relatedEntity></informant>"
    )
    header = person.format("ECON", "0600000003") + person.format("NOK", "06.00.00.00.03")

    mapped = convert(cda(header=header))

    (member,) = only(mapped, "CareTeam")["participant"]
    assert codes(member) == ["ECON", "NOK", "DAU"]
    related = only(mapped, "RelatedPerson")["id"]
    assert member["member"] == {"reference": f"RelatedPerson/{related}"}


def test_times_are_periods_and_bad_ones_are_told(convert: Convert) -> None:
    def time(inner: str) -> str:
        return f'<time xsi:type="IVL_TS">{inner}</time>'

    entity = PS.format("28") + PERSON.format("A")
    header = participant(entity, time=time('<low value="20260302"/><high value="20260312"/>'))
    header += participant(entity, "CON", time='<time nullFlavor="NA"/>')
    header += participant(entity, "RESP", time=time('<low value="20260230"/>'))

    mapped = convert(cda(header=header))

    team = only(mapped, "CareTeam")
    assert [one.get("period") for one in team["participant"]] == [
        {"start": "2026-03-02", "end": "2026-03-12"},
        None,
    ]
    # The same member of the same period has both parts.
    assert codes(team["participant"][1]) == ["CON", "RESP"]
    assert [(one.code, one.where) for one in mapped.issues] == [
        ("RLS-CDA-019", "/ClinicalDocument/participant[3]/time/low")
    ]


def test_one_team_for_all_versions_and_the_latest_word_on_who_is_in_it(convert: Convert) -> None:
    first = convert(cda(header=participant(PERSON.format("UN")) + participant(ORGANIZATION)))
    second = convert(
        cda(
            header=participant(PERSON.format("DEUX")),
            version='<versionNumber value="2"/>',
            time='<effectiveTime value="20260313164500+0100"/>',
        )
    )

    parts = [
        part
        for part in (*second.contributions, *first.contributions)
        if part.target.type == "CareTeam"
    ]
    team = merge(parts[0].target, parts)

    assert team is not None
    assert team["id"] == Ids().care_team("1.2.250.1.999.7.1#S1")
    assert [one["member"]["display"] for one in team["participant"]] == ["Paul DEUX"]
    assert team["managingOrganization"][0]["reference"].startswith("Organization/")


def test_document_and_plan_point_to_the_team(convert: Convert) -> None:
    mapped = convert(cda(header=participant(ORGANIZATION)))

    team = {"reference": f"CareTeam/{only(mapped, 'CareTeam')['id']}"}
    assert team in only(mapped, "DocumentReference")["context"]["related"]
