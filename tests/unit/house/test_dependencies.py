"""Each dependency has a reason and a home, and the contracts keep it there."""

import ast
import re
import tomllib

import pytest

from tests.conftest import ROOT
from tests.support.docs.markdown import cells

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROWS = [
    parts
    for line in (ROOT / "docs/reference/dependencies.md").read_text(encoding="utf-8").splitlines()
    if len(parts := cells(line)) == 4 and parts[0] != "package"
]
PACKAGES = {path.parent.name for path in (ROOT / "gateway").glob("*/__init__.py")}
HOMES = {row[1]: {home.strip() for home in row[2].split(",")} for row in ROWS if row[2]}
CONTRACTS = [
    contract for contract in PROJECT["tool"]["importlinter"]["contracts"]
    if contract["type"] == "forbidden" and contract["name"] != "Pure packages do no I/O"
]  # fmt: skip


def _names(requirements):
    return {
        re.split(r"[\s\[<>=!~;]", item, maxsplit=1)[0].lower()
        for item in requirements
        if isinstance(item, str)
    }


def test_every_dependency_is_explained_and_nothing_else():
    said = PROJECT["project"]
    declared = _names(said["dependencies"])
    for extra in said["optional-dependencies"].values():
        declared |= _names(extra)
    for group in PROJECT["dependency-groups"].values():
        declared |= _names(group)

    assert {row[0].lower() for row in ROWS} == declared
    assert [row[0] for row in ROWS if not row[3]] == []


def test_every_home_is_a_contract_and_every_contract_a_home():
    kept = {
        module: PACKAGES
        - {source.removeprefix("gateway.") for source in contract["source_modules"]}
        for contract in CONTRACTS
        for module in contract["forbidden_modules"]
    }

    assert kept == HOMES


def test_contracts_let_others_reach_a_library_through_its_home():
    assert [c["name"] for c in CONTRACTS if not c["allow_indirect_imports"]] == []


@pytest.mark.field("FL-318")
def test_no_generic_parser_stands_between_a_message_and_its_answer():
    importers = {
        path.relative_to(ROOT / "gateway").parts[0]
        for path in (ROOT / "gateway").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", "") or "", *(alias.name for alias in node.names)]
        if name.split(".")[0] == "hl7apy"
    }

    assert importers <= {"conformance"}
    assert HOMES["hl7apy"] == {"conformance"}


def test_the_hooks_before_a_commit_download_nothing():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")

    assert re.findall(r"repo: (\S+)", text) == ["local"]
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}
