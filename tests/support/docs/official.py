"""The generated parts of docs/reference/official-validator.md."""

import json
from pathlib import Path

from tests.official.explained import EXPLAINED
from tests.support.docs.markdown import between, code, table


def page(text: str, definitions: Path) -> str:
    """Return the page with its generated parts written anew.

    Args:
        text: of the page as it is.
        definitions: folder of our own definitions.
    """
    text = between(text, "explained", explained())
    return between(text, "code systems", code_systems(definitions))


def explained() -> str:
    """Write each finding that is no fault, with its reason."""
    rows = [
        (code(one.place), code(one.words), one.version or "both", one.reason) for one in EXPLAINED
    ]
    return table(("place", "the finding holds", "FR Core", "why it is no fault"), rows)


def code_systems(definitions: Path) -> str:
    """Write our code systems and what each is for."""
    found = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(definitions.glob("CodeSystem-*.json"))
    ]
    rows = [(code(one["url"]), str(len(one["concept"])), one["description"]) for one in found]
    return table(("system", "codes", "what it is for"), rows)
