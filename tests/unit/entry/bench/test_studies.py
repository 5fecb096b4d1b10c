"""An input and what became of it: rows, values, and the links between them, both ways."""

import json
from datetime import UTC, datetime

import pytest

from gateway.entry.bench.inputs import bytes_of, kind_of, opened
from gateway.entry.bench.jobs import Look, Tree
from gateway.entry.bench.studies import Studies
from gateway.entry.bench.study import Row, Study, Value
from gateway.entry.settings import Settings
from tests.conftest import ROOT

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
A03 = ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7"
LETTER = ROOT / "fixtures/cda/ldl_ses_transfer_to_rehabilitation/input.xml"
EVERY = sorted(
    file for family in ("hl7v2", "cda") for file in (ROOT / "fixtures" / family).glob("*/input.*")
)


@pytest.fixture(scope="module")
def studies() -> Studies:
    """Give what looks at inputs, with the mappings of the house."""
    return Studies(Settings())


def look(studies: Studies, body: bytes, **more: object) -> Study:
    """Look at one input."""
    return studies.study(Look(body, kind_of(body), NOW, **more))


def rows(study: Study) -> dict[str, Row]:
    """Return the rows by anchor."""
    return {row.anchor: row for block in study.blocks for row in block.rows}


def values(study: Study) -> dict[str, Value]:
    """Return the values by id."""
    return {value.id: value for one in study.made for value in one.values}


def test_a_value_leads_to_its_field_and_the_field_to_the_value(studies) -> None:
    study = look(studies, A03.read_bytes())

    born = next(v for v in values(study).values() if v.path == "birthDate")
    field = rows(study)[born.anchors[0]]

    assert (study.status, study.answer, study.type) == ("converted", "AA", "ADT^A03")
    assert (field.place, field.value[:8]) == ("PID-7", "19800412")
    assert born.lines == (("", "1980-04-12"),)
    assert born.id in field.values
    assert "PID-7" in born.spec


@pytest.mark.parametrize("file", [A03, LETTER], ids=["message", "document"])
def test_every_link_leads_somewhere_and_back(studies, file) -> None:
    study = look(studies, file.read_bytes())
    blocks = {block.anchor: block for block in study.blocks}
    places = {**rows(study), **blocks}
    made = values(study)

    there = [(v.id, a) for v in made.values() for a in v.anchors]
    back = [(v, anchor) for anchor, place in places.items() for v in place.values]

    assert len(there) > 40
    assert sorted(there) == sorted(back)


def test_every_leaf_of_the_result_is_shown_once(studies) -> None:
    study = look(studies, A03.read_bytes(), with_bundle=True)
    bundle = json.loads(study.bundle)

    told = [text for v in values(study).values() for _, text in v.lines]

    # Provenance and the rest count as well: what is in the Bundle is on the page.
    assert len(study.made) == len(bundle["entry"])
    assert "SAULNIER" in told
    assert len(told) > 150


def test_what_nothing_read_is_told(studies) -> None:
    body = A03.read_bytes().replace(b"\rPV1|", b"\rZZZ|1|house rule\rPV1|", 1)

    study = look(studies, body)

    unread = {row.place for row in rows(study).values() if not row.is_read}
    assert {"ZZZ-1", "ZZZ-2"} <= unread
    assert "PID-7" not in unread
    assert study.unread == len(unread)


def test_a_finding_is_at_its_field(studies) -> None:
    study = look(studies, A03.read_bytes().replace(b"|T|2.5", b"|T|2.9"))

    number, found = next(
        (n, one) for n, one in enumerate(study.found, 1) if one.code == "RLS-HL7-024"
    )

    assert (study.status, study.answer) == ("quarantined", "AR")
    assert study.made == ()
    assert number in rows(study)["f-MSH-1-12"].notes
    assert found.anchor == "f-MSH-1-12"


def test_a_document_is_shown_by_section_with_what_became_of_each(studies) -> None:
    study = look(studies, LETTER.read_bytes())

    states = {block.name: block.state for block in study.blocks if block.state}
    name = next(v for v in values(study).values() if v.path == "name[0]")

    assert study.status == "converted"
    assert "coded" in states.values()
    assert rows(study)[name.anchors[0]].whole.endswith("patientRole/patient/name")


def test_a_document_in_a_message_is_shown_behind_the_message(studies) -> None:
    body = (ROOT / "fixtures/hl7v2/mdm_t02_new_letter/input.er7").read_bytes()

    study = look(studies, body)

    kinds = {anchor.partition("-")[0] for anchor in rows(study)}
    from_document = [v for v in values(study).values() if any(a[0] == "x" for a in v.anchors)]
    assert kinds == {"f", "x"}
    assert from_document


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"hello", "hello"),
        (b"<ClinicalDocument", "<ClinicalDocument"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "<!DOCTYPE"),
        (b"\x00\x01\x02", ""),
    ],
    ids=["words", "cut", "entity", "controls"],
)
def test_a_broken_input_gives_findings_and_what_can_be_read(studies, body, shown) -> None:
    study = look(studies, body)

    assert study.status in ("quarantined", "ignored")
    assert study.found
    assert shown in study.text


def test_a_fhir_resource_is_judged_and_not_converted(studies) -> None:
    study = look(studies, b'{"resourceType": "Patient", "gender": "unknwon"}')

    assert (study.kind, study.status, study.made) == ("fhir", "judged", ())
    assert study.found


def test_a_draft_of_the_mapping_changes_the_result_and_not_the_mapping(studies) -> None:
    path = "hl7v2/segments/PID.yaml"
    text = (ROOT / "mappings" / path).read_text(encoding="utf-8")
    draft = Tree(drafts=((path, text.replace("from: PID-7, via", "from: EVN-2, via")),))

    changed = look(studies, A03.read_bytes(), tree=draft)
    same = look(studies, A03.read_bytes())

    born = [
        next((v.lines for v in values(s).values() if v.path == "birthDate"), ())
        for s in (changed, same)
    ]
    assert born[0] != born[1] == (("", "1980-04-12"),)


@pytest.mark.parametrize("file", EVERY, ids=lambda file: file.parent.name)
def test_every_case_of_the_house_can_be_looked_at(studies, file) -> None:
    for body in opened(file.read_bytes()).messages:
        study = look(studies, body)

        assert study.status
        assert study.blocks or study.text


def test_a_pasted_message_gives_what_its_bytes_give(studies) -> None:
    raw = A03.read_bytes()
    pasted = bytes_of(raw.decode("utf-8").replace("\r", "\r\n"))

    assert look(studies, pasted) == look(studies, raw)
