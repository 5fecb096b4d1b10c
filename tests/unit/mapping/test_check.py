"""The static check of mapping files, on invented files and on those that ship."""

from pathlib import Path

import pytest

from gateway.fhir import elements
from gateway.mapping.check import Adapter, check_mappings
from gateway.mapping.converters import Converters
from gateway.mapping.loader import load_mappings

FRAGMENT = """patient:
  resource: Patient
  rules:
    - {to: id, from: PID-3, spec: s}
    - {to: gender, from: PID-8, via: code, map: sex, spec: s}
"""


def table() -> Converters:
    made = Converters()
    made.converter("code")(lambda node, _context: node.text())
    return made


def path_fault(path: str) -> str:
    return "" if path.startswith(("PID", "NK1")) else "no such segment"


def check(tmp_path: Path, **changed: str) -> list[str]:
    """Write a folder with some files changed and return what the check says about it."""
    files = {
        "plan": "message: ADT^A01\nspec: s\nresources:\n  - use: segments/PID.patient\n",
        "fragment": FRAGMENT,
        "conceptmap": 'name: sex\nsource: s\nversion: "1"\ncodes: {F: female}\n',
        "site": "name: chu\nlocal_codes: {sex: {FEMME: female}}\n",
        **changed,
    }
    root = tmp_path / "mappings"
    for name, path in {
        "plan": "hl7v2/ADT_A01.yaml",
        "fragment": "hl7v2/segments/PID.yaml",
        "conceptmap": "conceptmaps/sex.yaml",
        "site": "sites/chu.yaml",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[name], encoding="utf-8")
    adapter = Adapter("hl7v2", table(), path_fault)
    issues = check_mappings(load_mappings(root), [adapter], elements.table())
    return [f"{issue.code} {issue.where}" for issue in issues]


def test_correct_folder_has_no_finding(tmp_path):
    assert check(tmp_path) == []


PID = "mappings/hl7v2/segments/PID.yaml"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("to: gender", "to: gendr", [f"RLS-CFG-006 {PID} line 5"], id="target"),
        pytest.param("from: PID-8", "from: ZZZ-8", [f"RLS-CFG-007 {PID} line 5"], id="source"),
        pytest.param("map: sex", "map: sex, when: {Q-1: [Y]}", [f"RLS-CFG-007 {PID} line 5"],
                     id="when"),
        pytest.param("from: PID-3, spec: s", "from: PID-3", [f"RLS-CFG-010 {PID} line 4"],
                     id="no clause"),
        pytest.param("from: PID-3, ", "", [f"RLS-CFG-009 {PID} line 4"], id="reads nothing"),
        pytest.param("rules:", "each: XX\n  rules:", [f"RLS-CFG-007 {PID} line 3"], id="each"),
        pytest.param(
            "via: code",
            "via: cod",
            [f"RLS-CFG-004 {PID} line 5", "RLS-CFG-012 gateway/hl7v2"],
            id="converter unknown, and another unused",
        ),
        pytest.param(
            "map: sex",
            "map: sexe",
            [f"RLS-CFG-005 {PID} line 5", "RLS-CFG-012 mappings/conceptmaps/sex.yaml"],
            id="concept map unknown, and another unused",
        ),
    ],
)  # fmt: skip
def test_fault_of_a_rule_names_file_and_line(tmp_path, old, new, expected):
    assert check(tmp_path, fragment=FRAGMENT.replace(old, new)) == expected


def test_unknown_fragment_and_the_one_nobody_uses(tmp_path):
    plan = "message: ADT^A01\nspec: s\nresources:\n  - use: segments/PID.patent\n"

    assert check(tmp_path, plan=plan) == [
        "RLS-CFG-008 mappings/hl7v2/ADT_A01.yaml line 4",
        f"RLS-CFG-012 {PID} line 1",
    ]


def test_resource_written_in_the_event_itself_is_judged_too(tmp_path):
    plan = (
        "message: ADT^A01\nspec: s\nresources:\n  - use: segments/PID.patient\n"
        "  - resource: RelatedPerson\n    each: ZZ\n    rules: [{to: nam, spec: s}]\n"
    )

    assert check(tmp_path, plan=plan) == [
        "RLS-CFG-006 mappings/hl7v2/ADT_A01.yaml line 7",
        "RLS-CFG-007 mappings/hl7v2/ADT_A01.yaml line 6",
    ]


@pytest.mark.parametrize(
    ("codes", "code"),
    [("{sexe: {FEMME: female}}", "RLS-CFG-005"), ("{sex: {FEMME: femme}}", "RLS-CFG-003")],
    ids=["no such map", "no target of the map"],
)
def test_local_codes_of_a_site_point_to_known_targets(tmp_path, codes, code):
    site = f"name: chu\nlocal_codes: {codes}\n"

    assert check(tmp_path, site=site) == [f"{code} mappings/sites/chu.yaml line 2"]


def test_converter_is_registered_once_and_text_may_be_replaced():
    made = table()

    made.converter("text", reads=("PID-1",))(lambda _node, _context: "mine")

    assert made.reads("text") == ("PID-1",)
    with pytest.raises(ValueError, match="'code' is registered twice"):
        made.converter("code")(lambda _node, _context: None)
