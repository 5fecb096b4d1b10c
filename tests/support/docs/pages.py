"""Every generated page: where it is and how it is made."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from gateway.fhir import topic_resources
from gateway.fhir.topics import TOPICS
from gateway.mapping.loader import load_mappings
from gateway.pathway.rulefiles import load_rules, rules_folder
from tests.support.docs import (
    commands,
    conformance,
    definitions,
    errors,
    facts,
    field_cases,
    inferno,
    mappings,
    metrics,
    official,
    requirements,
    rules,
    settings,
    topics,
)

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "reference"
CONFORMANCE = ROOT / "docs" / "conformance.md"
OFFICIAL = REFERENCE / "official-validator.md"
FIELD_CASES = REFERENCE / "field-cases.md"
REQUIREMENTS = REFERENCE / "requirements.yaml"


def _json(made: dict[str, Any]) -> str:
    return orjson.dumps(made, option=orjson.OPT_INDENT_2).decode() + "\n"


_PROFILES = ROOT / "profiles" / "fhir"

#: Pages that follow from the tree alone.
PAGES: dict[Path, Callable[[], str]] = {
    **{
        _PROFILES / name: partial(_json, made)
        for topic in TOPICS.values()
        for name, made in topic_resources.files(topic).items()
    },
    REFERENCE / "inferno-subscriptions.md": lambda: inferno.page(ROOT / "tests"),
    REFERENCE / "topics.md": lambda: topics.page(TOPICS.values()),
    REFERENCE / "errors.md": lambda: errors.page(REFERENCE / "errors.d"),
    REFERENCE / "facts.md": lambda: facts.page(load_mappings()),
    REFERENCE / "mappings.md": lambda: mappings.page(load_mappings()),
    REFERENCE / "rules.md": lambda: rules.page(load_rules(), load_mappings(), rules_folder()),
    REFERENCE / "metrics.md": metrics.page,
    REFERENCE / "settings.md": settings.page,
    REFERENCE / "commands.md": commands.page,
    REFERENCE / "requirements.md": lambda: requirements.page(current(REQUIREMENTS)),
    OFFICIAL: lambda: official.page(current(OFFICIAL), ROOT / "profiles" / "fhir"),
    CONFORMANCE: lambda: conformance.page(current(CONFORMANCE), load_mappings()),
    **definitions.definitions(ROOT / "profiles" / "fhir"),
}


def current(path: Path) -> str:
    """Return a page as it is, empty when it is not there yet."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def field_states() -> tuple[Path, Callable[[], str]]:
    """Return the field cases with `test` where a test is marked; waivers are written by hand."""
    marked = field_cases.marked(ROOT / "tests")
    return FIELD_CASES, lambda: field_cases.with_tests(current(FIELD_CASES), set(marked))
