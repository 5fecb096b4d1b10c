"""What `convert --explain` shows: values at the places a trace names, sections of a document."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from gateway.core.contributions import Json
from gateway.core.coverage import SectionCoverage

_SHOWN = 60


def value_at(resource: Json, path: str) -> Any:
    """Return what stands at a dotted path with indices, None when the fold left it out."""
    value: Any = resource
    for step in path.split("."):
        name, _, index = step.partition("[")
        value = value.get(name) if isinstance(value, dict) else None
        if index and isinstance(value, list):
            number = int(index.rstrip("]"))
            value = value[number] if number < len(value) else None
    return value


def short(value: Any) -> str:
    """Return a value as JSON, cut to a line."""
    if value is None:
        return "(left out by the fold)"
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def coverage_lines(sections: Iterable[SectionCoverage]) -> Iterator[str]:
    """Yield what became of each section of a document, and where what was lost stands."""
    for number, section in enumerate(sections):
        if not number:
            yield "sections"
        many = "entry" if section.statements == 1 else "entries"
        counted = f", {section.statements} {many}" if section.statements else ""
        title = " ".join((section.code, section.title)).strip()
        yield f"  {section.state}: {title}{counted}  <- {section.place}"
        for one in section.unread:
            known_as = ", ".join(one.templates) or "no template"
            code = f" {one.code}" if one.code else ""
            yield f"    not understood:{code} [{known_as}]  <- {one.place}"
