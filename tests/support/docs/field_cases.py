"""The field cases: the rows of docs/reference/field-cases.md and the tests that are marked."""

import ast
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tests.support.docs.markdown import cells

ID = re.compile(r"FL-\d{3}")
TEST, WAIVED = "test", "waived: "


@dataclass(frozen=True, slots=True)
class Case:
    """One row.

    Attributes:
        state: `test`, or `waived: ` with the reason.
    """

    id: str
    title: str
    state: str


def rows(text: str) -> list[Case]:
    """Return the rows of the page, in order."""
    found = [parts for line in text.splitlines() if (parts := cells(line))]
    return [Case(*parts) for parts in found if ID.fullmatch(parts[0])]


def marked(folder: Path, mark: str = "field") -> dict[str, list[str]]:
    """Return the files whose tests carry each mark, read and not imported."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"pytest.mark.{mark}":
                for argument in node.args:
                    if isinstance(argument, ast.Constant):
                        found[str(argument.value)].append(path.relative_to(folder).as_posix())
    return dict(found)


def with_tests(text: str, tested: set[str]) -> str:
    """Return the page with the state `test` in the rows of cases that have one."""
    lines = []
    for line in text.splitlines(keepends=True):
        parts = cells(line)
        if parts and parts[0] in tested:
            line = f"| {parts[0]} | {parts[1]} | {TEST} |\n"
        lines.append(line)
    return "".join(lines)


def listed_elsewhere(text: str) -> set[str]:
    """Return the ids another list of cases defines: those in bold."""
    return set(re.findall(r"\*\*(FL-\d{3})\*\*", text))
