"""The letters are right LDL-SES documents: header, sections, entries, replacement, level 1."""

from base64 import b64decode
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from gateway.simulation.establishments import CLCC
from gateway.simulation.letter_body import WAYS_OUT
from gateway.simulation.letters import compose, ids
from gateway.simulation.region import Region
from gateway.simulation.rendering import render
from gateway.simulation.steps import LetterSent, Step

_NS = {"c": "urn:hl7-org:v3"}


@cache
def _letters() -> tuple[tuple[Step, LetterSent], ...]:
    return tuple(
        (step, step.content)
        for patient in Region(1, 120).patients()
        for step in patient.steps
        if isinstance(step.content, LetterSent)
        and step.content.kind == "ldl"
        and not step.content.withdrawn
    )


@cache
def _documents(level: int) -> tuple[tuple[Step, LetterSent, etree._Element], ...]:
    return tuple(
        (step, letter, etree.fromstring(compose(step, letter)))
        for step, letter in _letters()
        if letter.level == level
    )


def _all(document: etree._Element, path: str) -> list[str]:
    return [str(found) for found in document.xpath(path, namespaces=_NS)]  # type: ignore[union-attr]


def test_there_are_letters_of_both_levels_and_replacements() -> None:
    kinds = {(letter.level, letter.version) for _, letter in _letters()}

    assert kinds == {(3, 1), (3, 2), (1, 1), (1, 2)}


def test_the_header_comes_in_the_order_of_the_schema() -> None:
    order = [
        "realmCode",
        "typeId",
        "templateId",
        "id",
        "code",
        "title",
        "effectiveTime",
        "confidentialityCode",
        "languageCode",
        "setId",
        "versionNumber",
        "recordTarget",
        "author",
        "informant",
        "custodian",
        "informationRecipient",
        "legalAuthenticator",
        "participant",
        "documentationOf",
        "relatedDocument",
        "componentOf",
        "component",
    ]
    # Without a family doctor on file there is nobody to name in those two.
    optional = {"relatedDocument", "informationRecipient", "participant"}

    for _, _, document in _documents(3) + _documents(1):
        names = [etree.QName(child).localname for child in document]
        assert names == sorted(names, key=order.index)
        assert set(order) - set(names) <= optional


def test_a_validated_identity_has_the_ins_and_the_five_traits() -> None:
    validated = [row for row in _documents(3) if row[0].identity.status == "VALI"]

    assert validated
    for _, letter, document in validated:
        role = "/c:ClinicalDocument/c:recordTarget/c:patientRole"
        person = letter.visit.person
        assert _all(document, f"{role}/c:id/@extension") == [person.matricule, letter.visit.ipp]
        assert _all(document, f"{role}/c:patient/c:name/c:family[@qualifier='BR']/text()") == [
            person.birth_family
        ]
        assert _all(document, f"{role}//c:given[@qualifier='BR']/text()") == [person.given]
        assert _all(document, f"{role}//c:birthTime/@value") == [f"{person.birth:%Y%m%d}"]
        assert _all(document, f"{role}//c:county/text()") == [person.place]


def test_an_identity_that_is_not_validated_has_no_ins() -> None:
    others = [row for row in _documents(3) if row[0].identity.status != "VALI"]

    assert others
    for _, letter, document in others:
        assert _all(document, "//c:patientRole/c:id/@extension") == [letter.visit.ipp]


def test_mandatory_sections_are_there() -> None:
    # CI-SIS volet LDL-SES: status, reason, events of the stay, treatments at discharge.
    mandatory = {
        "1.2.250.1.213.1.1.2.35.1",
        "1.3.6.1.4.1.19376.1.5.3.1.3.1",
        "1.3.6.1.4.1.19376.1.7.3.1.1.13.7",
        "1.3.6.1.4.1.19376.1.5.3.1.3.22",
    }

    for _, _, document in _documents(3):
        assert mandatory <= set(_all(document, "//c:section/c:templateId/@root"))


def test_the_discharge_mode_agrees_with_the_movement() -> None:
    said = {
        (letter.exit.sector, code)
        for _, letter, document in _documents(3)
        for code in _all(document, "//c:observation[c:code/@code='ORG-074']/c:value/@code")
    }

    assert said == {(sector, WAYS_OUT[sector][0]) for sector, _ in said}
    assert {"home", "smr", "had"} <= {sector for sector, _ in said}


def test_each_observation_of_the_stay_is_said_once() -> None:
    wanted = [
        "GEN-065",
        "MED-142",
        "MED-143",
        "MED-145",
        "MED-147",
        "MED-309",
        "ORG-070",
        "ORG-074",
    ]

    for _, _, document in _documents(3):
        coded = "//c:section[not(c:code/@code='18776-5')]/c:entry/c:observation/c:code/@code"
        assert sorted(_all(document, coded)) == wanted


def test_every_reference_points_into_the_narrative() -> None:
    for _, _, document in _documents(3):
        marks = _all(document, "//@ID")
        assert len(marks) == len(set(marks))
        assert {value[1:] for value in _all(document, "//c:reference/@value")} <= set(marks)


def test_moods_tell_booked_from_to_be_booked() -> None:
    moods = {
        mood
        for _, _, document in _documents(3)
        for mood in _all(document, "//c:section[c:code/@code='18776-5']/c:entry/*/@moodCode")
    }

    assert moods == {"INT", "PRMS", "ARQ"}


def test_a_replacement_keeps_the_set_and_names_its_parent() -> None:
    second = [row for row in _documents(3) if row[1].version == 2]

    assert second
    for _, letter, document in second:
        names = ids(letter)
        assert names.parent == f"{names.set_id}.1"
        assert _all(document, "/c:ClinicalDocument/c:setId/@root") == [names.set_id]
        assert _all(document, "//c:relatedDocument[@typeCode='RPLC']//c:id/@root") == [names.parent]


def test_level_one_declares_three_templates_and_holds_a_pdf() -> None:
    documents = _documents(1)

    assert documents
    for _, _, document in documents:
        roots = _all(document, "/c:ClinicalDocument/c:templateId/@root")
        assert len(roots) == 3
        assert roots[2] == "1.3.6.1.4.1.19376.1.2.20"
        (data,) = _all(document, "//c:nonXMLBody/c:text[@representation='B64']/text()")
        assert b64decode(data, validate=True).startswith(b"%PDF-1.4")


def test_values_are_escaped_and_never_markup() -> None:
    streets = [
        text
        for _, _, document in _documents(3)
        for text in _all(document, "//c:streetAddressLine/text()")
    ]

    assert any(" & " in street for street in streets)


@pytest.mark.parametrize("size", [330_000])
def test_a_document_of_a_given_size_can_be_asked_for(size: int) -> None:
    step, letter = next(row for row in _letters() if row[1].level == 1)

    document = compose(step, letter, pdf_size=size)

    assert size * 4 // 3 < len(document) < size * 4 // 3 + 20_000


def test_the_cancer_centre_posts_the_letters_it_cannot_ask_a_mail_for() -> None:
    sent = [(step, letter) for step, letter in _letters() if letter.visit.establishment is CLCC]
    posted = [render(step) for step, letter in sent if not letter.visit.person.has_gp]
    mailed = [render(step) for step, letter in sent if letter.visit.person.has_gp]

    assert posted
    assert mailed
    assert {one.door for one in posted} == {"cda"}
    assert {one.door for one in mailed} == {"mllp"}
    assert all(one.body.startswith(b"<?xml version='1.0' encoding='UTF-8'?>") for one in posted)


def _sections(document: etree._Element) -> dict[str, set[str]]:
    """Return the templates of each section by its LOINC code."""
    found = {}
    for section in document.iter("{urn:hl7-org:v3}section"):
        (code,) = _all(section, "c:code/@code")
        found[code] = set(_all(section, "c:templateId/@root"))
    return found


def _entries(document: etree._Element) -> dict[tuple[str, str, str], set[str]]:
    """Return the templates of each entry by element, mood and code."""
    found = {}
    for entry in document.xpath("//c:section/c:entry/*", namespaces=_NS):  # type: ignore[union-attr]
        assert isinstance(entry, etree._Element)
        code = "".join(_all(entry, "c:code/@code"))
        key = (etree.QName(entry).localname, str(entry.get("moodCode")), code)
        found[key] = set(_all(entry, "c:templateId/@root"))
    return found


def test_sections_and_entries_declare_the_templates_of_the_published_letter(
    corpus_folder: Path,
) -> None:
    published = etree.parse(corpus_folder / "cda" / "LDL-SES_2022.01.xml").getroot()
    sections, entries = _sections(published), _entries(published)

    for _, _, document in _documents(3):
        ours = _sections(document)
        assert {code: roots for code, roots in ours.items() if code in sections} == {
            code: roots for code, roots in sections.items() if code in ours
        }
        # Problems are a section of their own; a booked encounter is not in the published letter.
        assert set(ours) - set(sections) == {"11450-4"}
        for key, roots in _entries(document).items():
            assert roots
            assert key not in entries or roots <= entries[key]
