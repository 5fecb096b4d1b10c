"""Tumour, stage, course: observations inside others and what points to them."""

from typing import Any

import pytest

from gateway.core.contributions import Mapped
from tests.unit.cda.cancer_documents import (
    LN,
    SCT,
    board,
    boolean,
    coded,
    inside,
    line,
    observation,
    programme,
    words,
)
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import TA, only, resources, section

TNM = "2.16.840.1.113883.15.6"
TUMOUR = (
    '<value xsi:type="CD" code="8500/3" codeSystem="2.16.840.1.113883.6.43.1"/>'
    '<targetSiteCode code="C50.4" codeSystem="2.16.840.1.113883.6.3"/>'
)


def stage(*parts: str, value: str = "") -> str:
    return (
        '<observation classCode="OBS" moodCode="EVN">'
        '<templateId root="1.3.6.1.4.1.19376.1.7.3.1.4.14.2"/>'
        f"{coded('code', '75620-5', LN)}{value}{''.join(parts)}</observation>"
    )


def qualified(group: str = "IIB", edition: str = "8") -> str:
    return (
        '<value xsi:type="CD">'
        f"<qualifier>{coded('name', '21909-7', LN)}{coded('value', group, TNM)}</qualifier>"
        f"<qualifier>{coded('name', '21917-0', LN)}{coded('value', edition, TNM)}</qualifier>"
        "</value>"
    )


def diagnosis(*parts: str, problem: str = TUMOUR) -> str:
    act = (
        '<act moodCode="EVN"><templateId root="1.2.250.1.213.1.1.3.39"/>'
        '<statusCode code="active"/><entryRelationship typeCode="SUBJ">'
        f'<observation moodCode="EVN">{coded("code", "282291009", SCT)}{problem}{"".join(parts)}'
        "</observation></entryRelationship></act>"
    )
    return section("27", act, code="72135-7", text='<content ID="w1">Grade II</content>')


def by_code(mapped: Mapped) -> dict[str, dict[str, Any]]:
    return {item["code"]["coding"][0]["code"]: item for item in resources(mapped, "Observation")}


def reference(resource: dict[str, Any]) -> dict[str, str]:
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def test_the_stage_has_its_group_its_edition_and_its_parts(convert: Convert) -> None:
    t = observation(
        "21905-5", f'<value xsi:type="CD" code="T2" codeSystem="{TNM}" codeSystemVersion="8"/>',
        system=LN,
    )  # fmt: skip

    mapped = convert(board(diagnosis(inside("SUBJ", stage(inside("COMP", t), value=qualified())))))

    condition, found = only(mapped, "Condition"), by_code(mapped)
    group, part = found["75620-5"], found["21905-5"]
    assert group["valueCodeableConcept"]["coding"] == [{"system": f"urn:oid:{TNM}", "code": "IIB"}]
    assert group["component"][0]["code"]["coding"][0]["code"] == "21917-0"
    assert group["component"][0]["valueCodeableConcept"]["coding"][0]["code"] == "8"
    assert group["hasMember"] == [reference(part)]
    assert group["focus"] == [reference(condition)]
    assert part["valueCodeableConcept"]["coding"][0]["version"] == "8"
    (staged,) = condition["stage"]
    assert staged["summary"]["coding"][0]["code"] == "IIB"
    assert staged["assessment"] == [reference(group)]


def test_a_stage_without_group_still_has_its_assessment(convert: Convert) -> None:
    mapped = convert(board(diagnosis(inside("SUBJ", stage(value='<value xsi:type="CD"/>')))))

    (staged,) = only(mapped, "Condition")["stage"]
    assert "summary" not in staged
    assert staged["assessment"] == [reference(by_code(mapped)["75620-5"])]
    assert mapped.issues == []


def test_another_classification_is_said_in_words(convert: Convert) -> None:
    name = inside("COMP", observation("GEN-101", words("w1")))
    grade = observation("21918-8", words("w1"), name, system=LN)

    mapped = convert(board(diagnosis(inside("SUBJ", grade))))

    (staged,) = only(mapped, "Condition")["stage"]
    assert staged["summary"] == {"text": "Grade II"}
    assert by_code(mapped)["GEN-101"]["valueCodeableConcept"] == {"text": "Grade II"}


def test_a_problem_that_makes_no_condition_is_pointed_to_by_nothing(convert: Convert) -> None:
    mapped = convert(board(diagnosis(inside("SUBJ", stage(value=qualified())), problem="")))

    assert resources(mapped, "Condition") == []
    assert "focus" not in by_code(mapped)["75620-5"]


def test_the_site_keeps_its_side(convert: Convert) -> None:
    side = f"<qualifier>{coded('name', '20228-3', LN)}{coded('value', '7771000', SCT)}</qualifier>"
    problem = TUMOUR.replace(
        'codeSystem="2.16.840.1.113883.6.3"/>',
        f'codeSystem="2.16.840.1.113883.6.3">{side}</targetSiteCode>',
    )

    (site,) = only(convert(board(diagnosis(problem=problem))), "Condition")["bodySite"]

    assert [coding["code"] for coding in site["coding"]] == ["C50.4", "7771000"]


def test_the_parts_of_a_progression_are_observations_with_their_dates(convert: Convert) -> None:
    dated = '<effectiveTime value="20260203"/>'
    parts = [
        inside("COMP", observation(code, dated, boolean(said)))
        for code, said in (("MED-246", "true"), ("MED-248", "false"))
    ]
    note = section("25", observation("MED-245", boolean("true"), *parts), code="18733-6")

    found = by_code(convert(programme(beside=note)))

    assert found["MED-245"]["hasMember"] == [
        reference(found["MED-246"]), reference(found["MED-248"]),
    ]  # fmt: skip
    assert found["MED-248"]["valueBoolean"] is False
    assert found["MED-248"]["effectiveDateTime"] == "2026-02-03"


def test_a_negated_part_is_not_said(convert: Convert) -> None:
    part = observation("MED-246", boolean("true")).replace(
        'moodCode="EVN"', 'moodCode="EVN" negationInd="true"', 1
    )
    note = section("25", observation("MED-245", boolean("true"), inside("COMP", part)))

    found = by_code(convert(programme(beside=note)))

    assert "MED-246" not in found
    assert "hasMember" not in found["MED-245"]


def test_parts_keep_their_id_when_other_lines_come_and_go(convert: Convert) -> None:
    weight = inside("RSON", observation("29463-7", boolean("true"), system=LN))
    diet, pain = line("MED-572", "ORG-036", weight), line("MED-572", "ORG-035", weight)

    both = resources(convert(programme(pain, diet)), "Observation")
    one = only(convert(programme(diet)), "Observation")

    assert len({item["id"] for item in both}) == 2
    assert one["id"] == both[1]["id"]


def test_the_kind_of_a_tumour_board_holds_its_motives(convert: Convert) -> None:
    motive = observation(
        "ORG-186", '<value xsi:type="CD" nullFlavor="NA"/>',
        inside("REFR", observation("ORG-114", boolean("true"))),
    )  # fmt: skip
    value = f'<value xsi:type="CD" code="ORG-117" codeSystem="{TA}"/>'
    kind = observation("GEN-098", value, inside("SUBJ", motive))

    found = by_code(convert(board(section("128", kind))))

    assert found["GEN-098"]["hasMember"] == [reference(found["ORG-186"])]
    assert found["ORG-186"]["hasMember"] == [reference(found["ORG-114"])]
    assert found["ORG-186"]["dataAbsentReason"]["coding"][0]["code"] == "not-applicable"


def test_the_state_of_the_file_is_an_observation_with_its_parts(convert: Convert) -> None:
    part = f"<component>{observation('GEN-100', boolean('false'))}</component>"
    comment = (
        '<component><act><code code="48767-8"/><text><reference value="#w1"/></text></act>'
        "</component>"
    )
    organizer = (
        '<organizer classCode="CLUSTER" moodCode="EVN">'
        f"{coded('code', 'GEN-099')}{part}{comment}</organizer>"
    )
    file = section("33", organizer, code="21874-3", text='<content ID="w1">A compléter</content>')

    mapped = convert(board(file))

    found = by_code(mapped)
    assert found["GEN-099"]["hasMember"] == [reference(found["GEN-100"])]
    assert found["GEN-099"]["note"] == [{"text": "A compléter"}]
    assert mapped.issues == []


@pytest.mark.parametrize(
    ("template", "value", "element", "expected"),
    [
        ("25", f'<value xsi:type="CD" code="MED-241" codeSystem="{TA}"/>', "valueCodeableConcept",
         {"coding": [{"system": f"urn:oid:{TA}", "code": "MED-241"}]}),
        ("89", f'<value xsi:type="CO" code="LA6113-0" codeSystem="{LN}"/>', "valueCodeableConcept",
         {"coding": [{"system": "http://loinc.org", "code": "LA6113-0"}]}),
        ("110", '<value xsi:type="INT" value="4"/>', "valueInteger", 4),
        ("89", '<value xsi:type="CO" nullFlavor="UNK"/>', "dataAbsentReason",
         {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
                      "code": "unknown"}]}),
    ],
    ids=["performance", "pain", "frailty", "unknown pain"],
)  # fmt: skip
def test_functional_status_has_templates_of_its_own(
    convert: Convert, template: str, value: str, element: str, expected: Any
) -> None:
    below = section("112", observation("MED-239", value, template=template))

    found = only(convert(board(below)), "Observation")

    assert found[element] == expected


def test_a_value_in_words_needs_no_reason_for_its_absence(convert: Convert) -> None:
    said = words("w1").replace("<value", '<value nullFlavor="OTH"')
    part = inside("COMP", observation("GEN-101", said))
    grade = observation("21918-8", words("w1"), part, system=LN)

    found = by_code(convert(board(diagnosis(inside("SUBJ", grade)))))["GEN-101"]

    assert found["valueCodeableConcept"] == {"text": "Grade II"}
    assert "dataAbsentReason" not in found


def test_who_took_part_in_a_conclusion_is_named_with_their_time(convert: Convert) -> None:
    def person(number: str, name: str) -> str:
        return (
            f'<id root="1.2.250.1.71.4.2.1" extension="{number}"/>'
            f"<assignedPerson><name><family>{name}</family></name></assignedPerson>"
        )

    signed = person("810999000085", "PATHOLOGISTE")
    people = (
        f"<performer><assignedEntity>{signed}</assignedEntity></performer>"
        '<author><time value="20260129083000+0100"/>'
        f"<assignedAuthor>{signed}</assignedAuthor></author>"
        '<participant typeCode="PRF"><time value="202601271000+0100"/><participantRole>'
        "<playingEntity><name><prefix>M</prefix><given>Luc</given><family>PRELEVEUR</family></name>"
        "</playingEntity></participantRole></participant>"
    )
    report = section("34", observation("22637-3", words("w1"), people, system=LN),
                     text='<content ID="w1">Carcinome</content>')  # fmt: skip

    found = only(convert(board(report)), "Observation")

    author, sampler = found["performer"]
    assert author["reference"].startswith("Practitioner/")
    assert (sampler["display"], sampler["extension"][0]["valueDateTime"]) == (
        "M Luc PRELEVEUR", "2026-01-27T10:00:00+01:00",
    )  # fmt: skip
    assert found["issued"] == "2026-01-29T08:30:00+01:00"
