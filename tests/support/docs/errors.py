"""The catalogue of errors: one row a code from docs/reference/errors.d, and the codes in code."""

import ast
import re
from collections import Counter
from pathlib import Path

from tests.support.docs.markdown import NOTICE, cells, table

CODE = re.compile(r"RLS-[A-Z][A-Z0-9]{2}-\d{3}")

#: Family to what it is about, in the order of the page.
FAMILIES = {
    "CDA": "CDA documents",
    "CFG": "configuration, settings and mapping files",
    "DIR": "the directory",
    "DMP": "the shared record (DMP)",
    "FHR": "FHIR resources and the FHIR door",
    "GAP": "the work of people on gaps",
    "HL7": "HL7 v2 syntax, structure and mapping",
    "INS": "patient identity",
    "MAP": "mapping",
    "MSS": "secure mail",
    "NET": "transport",
    "PTH": "pathway rules and engine",
    "RTE": "where documents go",
    "SEC": "certificates and rights",
    "STO": "store",
    "SUB": "subscriptions",
    "WEB": "pages of people",
}
_HEAD = ("code", "meaning", "what to do")
_INTRO = """# Errors

{notice}

Every problem that Relais reports has a code that is never reused, a place, a sentence and a fix.
The code is in ERR-7 of an acknowledgement, in `details` of an OperationOutcome, in the log, and in
the quarantine.
The rows come from `docs/reference/errors.d`, one file an area.
"""


def rows(folder: Path) -> list[tuple[str, str, str]]:
    """Return every row of the area files, sorted by family and number."""
    found = [
        tuple(parts)
        for path in sorted(folder.glob("*.md"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if (parts := cells(line)) and CODE.fullmatch(parts[0])
    ]
    return sorted(found, key=lambda row: row[0])


def page(folder: Path) -> str:
    """Write the catalogue."""
    parts = [_INTRO.format(notice=NOTICE)]
    listed = rows(folder)
    for family, about in FAMILIES.items():
        own = [row for row in listed if row[0][4:7] == family]
        parts.append(f"## {family}: {about}\n\n{table(_HEAD, own)}\n")
    return "\n".join(parts)


def made(folder: Path) -> Counter[str]:
    """Count the places in code that make an issue of each code: an argument of a call."""
    return Counter(
        value.value
        for tree in _trees(folder)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for value in (*call.args, *(keyword.value for keyword in call.keywords))
        if _is_code(value)
    )


def named(folder: Path) -> set[str]:
    """Return every code that stands in code as a text of its own, tables included."""
    return {node.value for tree in _trees(folder) for node in ast.walk(tree) if _is_code(node)}


def _is_code(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CODE.fullmatch(node.value) is not None
    )


def _trees(folder: Path) -> list[ast.Module]:
    return [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))]
