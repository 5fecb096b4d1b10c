"""Values of a resource at the places a trace names."""

from typing import Any

import orjson

from gateway.core.contributions import Json

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
