"""The table of requirements: rows of docs/reference/requirements.yaml, and what they name."""

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from tests.support.docs.markdown import NOTICE, table

_HEAD = ("id", "clause", "requirement", "shown by")
_INTRO = """# Requirements and their tests

{notice}

What IHE PAM France, the CI-SIS volet on CDA documents in HL7 v2 and HL7 v2.5 ask of a receiver,
in our own words, and what shows it.
The rows come from `docs/reference/requirements.yaml`; one without a test, or that names a test
that is not there, fails a test.
A name in parentheses is a folder of `fixtures/hl7v2` that the golden tests run.
"""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row.

    Attributes:
        group: heading it stands under.
        shall: one sentence in our own words.
        tests: node ids below tests/; a file alone stands for all its tests.
        cases: folders of fixtures/hl7v2.
    """

    id: str
    group: str
    clause: str
    shall: str
    tests: tuple[str, ...]
    cases: tuple[str, ...]


def rows(text: str) -> list[Requirement]:
    """Return every requirement, in order."""
    return [
        Requirement(
            id=row["id"],
            group=group["title"],
            clause=row["clause"],
            shall=row["shall"],
            tests=tuple(row.get("tests", ())),
            cases=tuple(row.get("cases", ())),
        )
        for group in yaml.safe_load(text)["groups"]
        for row in group["requirements"]
    ]


def page(text: str) -> str:
    """Write the page."""
    parts = [_INTRO.format(notice=NOTICE)]
    found = rows(text)
    for title in dict.fromkeys(row.group for row in found):
        own = [row for row in found if row.group == title]
        cells = [(row.id, row.clause, row.shall, _shown(row)) for row in own]
        parts.append(f"## {title}\n\n{table(_HEAD, cells)}\n")
    return "\n".join(parts)


def missing(row: Requirement, root: Path) -> list[str]:
    """Return what a row names and the tree does not have.

    Args:
        row: of the table.
        root: of the project.
    """
    absent = [case for case in row.cases if not (root / "fixtures/hl7v2" / case).is_dir()]
    for node in row.tests:
        name, _, test = node.partition("::")
        path = root / "tests" / name
        if not path.is_file() or (test and test not in _tests(path)):
            moved = _elsewhere(test, root) if test else ""
            absent.append(f"{node} (now in {moved})" if moved else node)
    return absent


def _elsewhere(test: str, root: Path) -> str:
    """Return the file a test of this name stands in, empty when there is none."""
    for path in sorted((root / "tests").rglob("test_*.py")):
        if test in _tests(path):
            return path.relative_to(root / "tests").as_posix()
    return ""


@lru_cache
def _tests(path: Path) -> frozenset[str]:
    """Return the tests of a file, read and not imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, kinds) and node.name.startswith("test_")
    )


def _shown(row: Requirement) -> str:
    tests = [f"`{node.rpartition('::')[2]}`" for node in row.tests]
    return ", ".join([*tests, *(f"({case})" for case in row.cases)])
