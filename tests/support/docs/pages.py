"""Every generated page: where it is and how it is made."""

from collections.abc import Callable
from pathlib import Path

from gateway.mapping.loader import load_mappings
from gateway.pathway.rulefiles import load_rules, rules_folder
from tests.support.docs import (
    commands,
    conformance,
    errors,
    facts,
    field_cases,
    mappings,
    official,
    requirements,
    rules,
    settings,
)

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "reference"
CONFORMANCE = ROOT / "docs" / "conformance.md"
OFFICIAL = REFERENCE / "official-validator.md"
FIELD_CASES = REFERENCE / "field-cases.md"
REQUIREMENTS = REFERENCE / "requirements.yaml"

#: Pages that follow from the tree alone.
PAGES: dict[Path, Callable[[], str]] = {
    REFERENCE / "errors.md": lambda: errors.page(REFERENCE / "errors.d"),
    REFERENCE / "facts.md": lambda: facts.page(load_mappings()),
    REFERENCE / "mappings.md": lambda: mappings.page(load_mappings()),
    REFERENCE / "rules.md": lambda: rules.page(load_rules(), load_mappings(), rules_folder()),
    REFERENCE / "settings.md": settings.page,
    REFERENCE / "commands.md": commands.page,
    REFERENCE / "requirements.md": lambda: requirements.page(current(REQUIREMENTS)),
    OFFICIAL: lambda: official.page(current(OFFICIAL), ROOT / "profiles" / "fhir"),
    CONFORMANCE: lambda: conformance.page(current(CONFORMANCE), load_mappings()),
}


def current(path: Path) -> str:
    """Return a page as it is, empty when it is not there yet."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def field_states() -> tuple[Path, Callable[[], str]]:
    """Return the field cases with `test` where a test is marked; waivers are written by hand."""
    marked = field_cases.marked(ROOT / "tests")
    return FIELD_CASES, lambda: field_cases.with_tests(current(FIELD_CASES), set(marked))
