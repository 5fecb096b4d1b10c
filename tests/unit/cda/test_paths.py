"""The direct walk of a path gives what XPath gives."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.cda import paths
from gateway.cda.convert import CONVERTERS
from gateway.cda.entry_index import EntryIndex
from gateway.cda.reader import read
from gateway.mapping.loader import Mappings, load_mappings
from gateway.mapping.plan import Rule, Use
from tests.golden.test_cda import ACCEPTED

MAPPINGS: Mappings = load_mappings()


def _rules_by_scope() -> Iterator[tuple[str, list[Rule]]]:
    """Give the rules of the fragments, and those a document plan adds to them."""
    for name, fragment in MAPPINGS.fragments.items():
        if "/cda/" in MAPPINGS.files[f"fragment {name}"].name:
            yield fragment.each or ".", fragment.rules
    for plan in MAPPINGS.documents.values():
        for entry in plan.resources:
            if isinstance(entry, Use):
                yield MAPPINGS.fragments[entry.use].each or ".", entry.add


def _paths_by_scope() -> set[tuple[str, str]]:
    found = set()
    for scope, rules in _rules_by_scope():
        found.add((".", scope))
        for rule in rules:
            found |= {(scope, path) for path in ([rule.from_] if rule.from_ else []) + [*rule.when]}
    return found


PATHS = sorted(_paths_by_scope())


def test_every_path_of_the_mapping_files_is_well_formed() -> None:
    assert [path for _, path in PATHS if paths.path_fault(path)] == []


def test_walk_and_xpath_agree_on_every_path_of_the_mapping_files() -> None:
    roots: list[Any] = [read((case / "input.xml").read_bytes()).root.key for case in ACCEPTED]

    different = [
        path
        for scope, path in PATHS
        for root in roots
        for node in paths._xpath(scope)([root])
        if paths.walker(path)([node]) != paths._xpath(path)([node])
    ]

    assert len(PATHS) > 100
    assert different == []


def test_what_is_looked_up_once_is_what_xpath_gives() -> None:
    roots: list[Any] = [read((case / "input.xml").read_bytes()).root.key for case in ACCEPTED]
    from_root = {path for scope, path in PATHS if scope == "."}

    different = [
        path
        for root in roots
        for index in [EntryIndex(root)]
        for path in from_root
        if index.select(path) != paths._xpath(path)([root])
    ]

    assert len([path for path in from_root if "cda:entry/" in path]) > 25
    assert different == []


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("cda:a/cda:b[cda:c/@code='x:y']/@d", ""),
        ("cda:a//cda:b", "no // in a mapping path: it is slow and ambiguous"),
        ("cda:a[", "not an XPath"),
        ("hl7:a", "unknown prefix hl7"),
    ],
)
def test_faults_of_a_path_are_named(path: str, fault: str) -> None:
    assert paths.path_fault(path) == fault


def test_every_converter_is_used_by_a_mapping_file() -> None:
    used = {rule.via for _, rules in _rules_by_scope() for rule in rules}

    assert set(CONVERTERS) - used == set()
