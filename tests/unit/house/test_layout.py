"""What a reader may rely on in every file: size, names, encodings, clauses, quiet imports."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.support.docs.markdown import cells

FILES = sorted([*(ROOT / "gateway").rglob("*.py"), *(ROOT / "tests").rglob("*.py")])
OURS = sorted((ROOT / "gateway").rglob("*.py"))
LONGEST = 400
#: Names that say nothing about what is inside.
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "stuff"}
#: What takes the encoding of the locale unless told otherwise: name to the argument's position.
_LOCALE = {"open": 2, "read_text": 0, "write_text": 1, "TextIOWrapper": 1, "fdopen": 2}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_four_hundred_lines():
    long = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}

    assert {name: lines for name, lines in long.items() if lines > LONGEST} == {}


def test_every_file_is_called_by_what_it_holds():
    assert [_name(path) for path in FILES if path.stem.strip("_") in NAMELESS] == []


@pytest.mark.field("FL-027")
def test_no_text_is_read_or_written_in_the_encoding_of_the_locale():
    found = [
        f"{_name(path)}:{line}"
        for path in OURS
        for line in locale_calls(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_locale_calls_are_found():
    code = (
        "open('a')\nopen('a', 'rb')\nopen('a', encoding='utf-8')\npath.read_text()\n"
        "path.open('wb')\npath.open()\nb''.decode()\nio.TextIOWrapper(raw)\n"
    )

    # bytes.decode() is UTF-8 whatever the locale.
    assert locale_calls(code) == [1, 4, 6, 8]


def locale_calls(code: str) -> list[int]:
    """Return the lines that open, read or write text without saying its encoding."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and _takes_the_locale(node)
    ]


def _takes_the_locale(call: ast.Call) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name not in _LOCALE or any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    said = [*call.args, *(k.value for k in call.keywords if k.arg == "mode")]
    modes = [arg.value for arg in said if isinstance(arg, ast.Constant)]
    if name in ("open", "fdopen"):
        # `Store.open()` and its like are ours: only text files have a mode or a path.
        is_file = isinstance(call.func, ast.Name) or name == "fdopen" or _is_path(call.func)
        return is_file and not any("b" in str(mode) and len(str(mode)) < 4 for mode in modes)
    return len(call.args) <= _LOCALE[name]


def _is_path(function: ast.expr) -> bool:
    owner = ast.unparse(function).rpartition(".")[0]
    return owner in ("io", "codecs") or "path" in owner or "file" in owner


@pytest.mark.parametrize("family", ["hl7v2", "cda"])
def test_every_mapping_rule_cites_a_clause(family):
    silent = [
        f"{_name(path)} {rule['to']}"
        for path in sorted((ROOT / "mappings" / family).rglob("*.yaml"))
        for rule in rules_in(yaml.safe_load(path.read_text(encoding="utf-8")))
        if not str(rule.get("spec", "")).strip()
    ]

    assert silent == []


@pytest.mark.parametrize("family", ["hl7v2", "cda"])
def test_every_clause_begins_with_a_source_we_name(family):
    page = (ROOT / "docs/reference/sources.md").read_text(encoding="utf-8")
    tags = tuple(f"{row[0]}" for line in page.splitlines() if (row := cells(line))[1:])
    foreign = {
        str(rule["spec"])
        for path in sorted((ROOT / "mappings" / family).rglob("*.yaml"))
        for rule in rules_in(yaml.safe_load(path.read_text(encoding="utf-8")))
        if not str(rule["spec"]).startswith(tags)
    }

    assert foreign == set()


def rules_in(data: object) -> list[dict[str, object]]:
    """Return everything in a mapping file that is a rule: it says where it writes."""
    if isinstance(data, list):
        return [rule for item in data for rule in rules_in(item)]
    if not isinstance(data, dict):
        return []
    own = [data] if isinstance(data.get("to"), str) else []
    return own + [rule for value in data.values() for rule in rules_in(value)]


def test_rules_are_found_wherever_they_stand():
    data = {"resources": [{"use": "x", "add": [{"to": "a"}]}], "f": {"rules": [{"to": "b"}]}}

    assert [rule["to"] for rule in rules_in(data)] == ["a", "b"]


def test_importing_the_package_configures_no_logging():
    code = (
        "import logging, pkgutil, structlog\n"
        "before = (logging.root.handlers[:], logging.root.level, structlog.is_configured())\n"
        "import gateway\n"
        "for found in pkgutil.walk_packages(gateway.__path__, 'gateway.'):\n"
        "    if not found.name.startswith('gateway.store.migrations'):\n"
        "        __import__(found.name)\n"
        "after = (logging.root.handlers[:], logging.root.level, structlog.is_configured())\n"
        "assert before == after, (before, after)\n"
        "print(len([n for n in __import__('sys').modules if n.startswith('gateway.')]))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_every_link_of_the_documentation_leads_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{_name(page)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []
