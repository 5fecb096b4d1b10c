"""The list of compiled modules is true, and nothing compiled hides a source (ADR 13)."""

import tomllib

from gateway.entry.build import is_compiled
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOOK = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]


def test_every_compiled_module_exists_once():
    modules = [[*ROOT.glob(pattern)] for pattern in HOOK["modules"]]
    files = [file for found in modules for file in found]

    assert [] not in modules
    assert len(set(files)) == len(files) > 60
    assert not [file for file in files if file.name == "__init__.py"]


def test_a_wheel_is_compiled_only_when_asked_for():
    assert HOOK["enable-by-default"] is False


def test_no_extension_module_lies_beside_the_sources():
    assert [*(ROOT / "gateway").rglob("*.so"), *(ROOT / "gateway").rglob("*.pyd")] == []
    assert not is_compiled()
