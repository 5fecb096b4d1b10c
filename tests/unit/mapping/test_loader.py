"""Reading mapping folders: text stays text, and every fault has a file, a line and a fix."""

from pathlib import Path

import pytest

from gateway.core.errors import FatalError
from gateway.mapping.loader import load_mappings, read_text_yaml

PLAN = 'message: ADT^A01\nspec: "s"\nresources:\n  - use: segments/PID.patient\n'
FRAGMENT = """patient:
  resource: Patient
  rules:
    - {to: id, from: PID-3, spec: s}
    - {to: active, value: true, spec: s}
"""
CONCEPTMAP = 'name: sex\nsource: s\nversion: "1"\ncodes: {F: female, "010": male}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a small, correct mapping folder."""
    root = tmp_path / "mappings"
    for path, text in {
        "hl7v2/ADT_A01.yaml": PLAN,
        "hl7v2/segments/PID.yaml": FRAGMENT,
        "conceptmaps/sex.yaml": CONCEPTMAP,
        "sites/chu.yaml": "name: chu\nsources: [{facility: CHU}]\n",
    }.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def faults(folder: Path) -> list[str]:
    with pytest.raises(FatalError) as caught:
        load_mappings(folder)
    return [f"{issue.code} {issue.where}: {issue.what}" for issue in caught.value.issues]


def test_folder_becomes_plans_fragments_maps_and_sites(folder):
    mappings = load_mappings(folder)

    assert list(mappings.events) == ["ADT_A01"]
    assert [rule.to for rule in mappings.fragments["segments/PID.patient"].rules] == [
        "id",
        "active",
    ]
    assert mappings.conceptmaps["sex"].codes["F"].code == "female"
    assert mappings.sites.for_sender("any", "CHU").name == "chu"


def test_shipped_mappings_load():
    mappings = load_mappings()

    assert "default" in mappings.sites.by_name
    assert "ADT_A01" in mappings.events


@pytest.mark.parametrize("text", ["NO", "on", "010", "12:30", "2026-01-02", "1e3", "~", "true"])
def test_scalar_stays_the_text_that_was_written(text):
    assert read_text_yaml(f"key: {text}", "f").data == {"key": text}


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        pytest.param("a: 1\nb: 2\na: 3", "written twice", 3, id="key twice"),
        pytest.param("a: 1\n\tb: 2", "", 2, id="tab"),
        pytest.param("a: &x 1\nb: *x", "anchors", 1, id="anchor"),
        pytest.param("b:\n  *x", "anchors", 2, id="alias"),
        pytest.param("a: {", "", 2, id="open brace"),
        pytest.param("a: 1\n? [b]\n: 2", "not a text", 2, id="key that is a list"),
    ],
)
def test_file_that_is_not_plain_yaml_is_refused_with_its_line(text, reason, line):
    with pytest.raises(FatalError) as caught:
        read_text_yaml(text + "\n", "mappings/f.yaml")

    (issue,) = caught.value.issues
    assert issue.code == "RLS-CFG-002"
    assert reason in issue.what
    assert issue.where == f"mappings/f.yaml line {line}"


@pytest.mark.field("FL-337")
@pytest.mark.parametrize(
    "text",
    ["a: !!python/object/apply:os.system ['true']", "a: !!python/name:os.system", "!x {a: 1}"],
)
def test_object_tags_are_refused(text):
    with pytest.raises(FatalError, match=r"RLS-CFG-002.*tags"):
        read_text_yaml(text, "f.yaml")


def test_half_a_character_in_a_file_is_refused(folder):
    (folder / "conceptmaps" / "sex.yaml").write_bytes(b"name: \xe9\n")

    assert faults(folder) == [
        "RLS-CFG-002 mappings/conceptmaps/sex.yaml: the file cannot be read: it is not UTF-8."
    ]


def test_unknown_key_of_a_rule_names_line_and_nearest_key(folder):
    text = FRAGMENT.replace("value: true", "valu: true")
    (folder / "hl7v2" / "segments" / "PID.yaml").write_text(text, encoding="utf-8")

    assert faults(folder) == [
        "RLS-CFG-003 mappings/hl7v2/segments/PID.yaml line 5: "
        "key 'patient.rules.1.valu': unknown; nearest: 'value'."
    ]


def test_unknown_key_beside_use_names_its_line(folder):
    text = PLAN + "    ad: []\n"
    (folder / "hl7v2" / "ADT_A01.yaml").write_text(text, encoding="utf-8")

    assert any(
        fault.startswith(
            "RLS-CFG-003 mappings/hl7v2/ADT_A01.yaml line 5: key 'resources.0.ad': unknown; "
            "nearest: 'add'"
        )
        for fault in faults(folder)
    )


def test_missing_key_is_named(folder):
    (folder / "hl7v2" / "ADT_A01.yaml").write_text("message: ADT^A01\n", encoding="utf-8")

    found = faults(folder)

    assert [fault.split(": ")[1] for fault in found] == ["key 'spec'", "key 'resources'"]


def test_file_name_that_is_another_event_is_refused(folder):
    (folder / "hl7v2" / "ADT_A01.yaml").rename(folder / "hl7v2" / "ADT_A02.yaml")

    assert faults(folder) == [
        "RLS-CFG-013 mappings/hl7v2/ADT_A02.yaml line 1: "
        "key 'message' and the file name 'ADT_A02' do not agree."
    ]


def test_sender_in_two_sites_is_refused(folder):
    text = "name: chx\nsources:\n  - {facility: X}\n  - {facility: CHU}\n"
    (folder / "sites" / "chx.yaml").write_text(text, encoding="utf-8")

    assert faults(folder) == [
        "RLS-CFG-011 mappings/sites/chx.yaml line 4: "
        "'this sender' is already defined in mappings/sites/chu.yaml."
    ]


@pytest.mark.field("FL-296")
def test_every_broken_file_is_reported_at_once_and_nothing_is_skipped(folder):
    (folder / "hl7v2" / "segments" / "PID.yaml").write_text("patient: {rulez: []}\n")
    (folder / "conceptmaps" / "sex.yaml").write_text("name: sexe\n" + CONCEPTMAP[10:])
    (folder / "sites" / "chu.yaml").write_text("name: chu\n\tack: process\n")

    with pytest.raises(FatalError) as caught:
        load_mappings(folder)

    issues = caught.value.issues
    assert {issue.where.partition(" line")[0] for issue in issues} == {
        "mappings/hl7v2/segments/PID.yaml",
        "mappings/conceptmaps/sex.yaml",
        "mappings/sites/chu.yaml",
    }
    assert all(" line " in issue.where and issue.fix for issue in issues)


def test_site_with_a_finess_of_the_wrong_form_is_refused(folder):
    (folder / "sites" / "chu.yaml").write_text("name: chu\nauthorities: {A: '12'}\n")

    (fault,) = faults(folder)
    assert fault.startswith("RLS-CFG-003 mappings/sites/chu.yaml line 2: key 'authorities.A'")
