"""Every code, date, quantity and name of the coded entries of a letter is found in the output."""

import re
from pathlib import Path

import pytest
from lxml import etree

from gateway.core.contributions import Mapped
from tests.golden.test_cda import ACCEPTED, FOLDER, convert
from tests.support.cda_leaves import Leaf, carried, leaves, said_by_section

#: What is not carried as it was written: path of the leaf (its end), value, and why.
REASONS: tuple[tuple[str, str, str], ...] = (
    (
        "statusCode/@code",
        "completed|active",
        "says that the entry is complete; the mood and the"
        " section say what is planned or goes on (cda-fr 0.5)",
    ),
    ("substanceAdministration/code/@code", "DRUG", "every treatment has it"),
    ("substanceAdministration/code/@displayName", "Médicament", "every treatment has it"),
    (
        "entryRelationship/observation/code/@code",
        "4[0-9]{8}|609328004|59037007",
        "kind of an"
        " allergy: AllergyIntolerance.type and category by concept map, or kind of a reaction",
    ),
    (
        "entryRelationship/observation/code/@displayName",
        "allergie.*|hypersensibilité.*|symptôme.*",
        "label of such a kind",
    ),
    (
        "entryRelationship/observation/code/@code",
        "SEV|33999-4|66455-7|82606-5",
        "names the element it becomes: severity, clinicalStatus, verificationStatus, criticality",
    ),
    (
        "entryRelationship/observation/code/@displayName",
        "Sévérité|Status|Certitude|Criticité",
        "label of such a code",
    ),
    ("entryRelationship/act/code/@code", "48767-8", "names a note"),
    ("entryRelationship/act/code/@displayName", "Commentaire", "names a note"),
    (
        "act/effectiveTime/low/@value",
        ".*",
        "since when a concern is followed; the problem or the allergy has its own date",
    ),
    ("effectiveTime/low/@value", "20260231", "no such day; left out with RLS-CDA-019"),
    (
        "entryRelationship/observation/value/@displayName",
        "actif",
        "label of a status that is a code of FHIR itself",
    ),
    (
        "entryRelationship/observation/value/@code",
        "6736007|255604002|24484000",
        "severity by concept map",
    ),
    (
        "entryRelationship/observation/value/@displayName",
        "modéré|léger|grave",
        "label of such a severity",
    ),
    ("priorityCode/@code", "UR|EM|S|A|R", "priority by concept map, of equal meaning"),
    ("priorityCode/@displayName", ".*", "label of such a priority"),
    ("qualifier/name/@code", "20228-3", "laterality: its value is a coding of the site"),
    ("qualifier/name/@displayName", "Latéralité", "label of it"),
)
#: A negated reaction is left out with RLS-CDA-042.
NEGATED = (
    ("entryRelationship/observation/value/@code", "39579001", "a negated reaction"),
    ("entryRelationship/observation/value/@displayName", "anaphylaxie", "a negated reaction"),
    ("entryRelationship/observation/value/@code", "126485001", "a negated reaction"),
    ("entryRelationship/observation/value/@displayName", "urticaire", "a negated reaction"),
    ("entryRelationship/observation/code/@code", "418799008", "a negated reaction"),
    ("entryRelationship/observation/value/@code", "6736007", "severity kept beside the allergy"),
)
LETTERS = [path for path in ACCEPTED if path.name.startswith(("ldl_", "letter_"))]


def _unexplained(
    body: bytes, mapped: Mapped, reasons: tuple[tuple[str, str, str], ...]
) -> list[Leaf]:
    said = said_by_section(mapped)
    return [
        leaf
        for leaf in leaves(etree.fromstring(body))
        if not carried(leaf, said[leaf.section])
        and not any(
            leaf.path.endswith(path) and re.fullmatch(value, leaf.value)
            for path, value, _ in reasons
        )
    ]


@pytest.mark.field("FL-180")
@pytest.mark.parametrize("case", LETTERS, ids=lambda path: path.name)
def test_every_leaf_of_a_composed_letter_is_carried_or_has_its_reason(case: Path) -> None:
    body = (case / "input.xml").read_bytes()

    mapped = convert(body, trace=True)

    assert _unexplained(body, mapped, REASONS + NEGATED) == []


@pytest.mark.parametrize("name", ["LDL-SES_2022.01.xml", "LDL-EES_2022.01.xml"])
def test_every_leaf_of_a_published_letter_is_carried_or_has_its_reason(
    name: str, corpus_folder: Path
) -> None:
    body = (corpus_folder / "cda" / name).read_bytes()

    mapped = convert(body, trace=True)

    assert len(leaves(etree.fromstring(body))) > 60
    assert _unexplained(body, mapped, REASONS + NEGATED) == []


def test_a_value_that_is_not_carried_is_found() -> None:
    body = (FOLDER / "ldl_ses_home_with_follow_ups" / "input.xml").read_bytes()
    mapped = convert(body, trace=True)

    other = body.replace(b'code="ZBQK002"', b'code="ZZQK999"')

    assert [leaf.value for leaf in _unexplained(other, mapped, REASONS)] == ["ZZQK999"]
