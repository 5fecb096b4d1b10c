"""The table of settings, from the typed settings themselves."""

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.entry.cli_config import variable
from gateway.entry.settings import Settings
from tests.support.docs.markdown import NOTICE, code, table

_INTRO = """# Settings

{notice}

A key `a.b` is `RELAIS_A_B` in the environment and `b` under `[a]` in `relais.toml` of the
working directory.
The environment wins over the file, the file over the default; an unknown key of the file stops the
start.
`relais config show` prints the values of this installation and where each comes from.
"""


def page() -> str:
    """Write the table."""
    rows = [
        (code(key), code(variable(key)), _kind(field), _default(key, field), _about(field))
        for key, field in fields(Settings)
    ]
    head = ("key", "environment", "value", "default", "meaning")
    return f"{_INTRO.format(notice=NOTICE)}\n{table(head, rows)}\n"


def fields(model: type[BaseModel], above: str = "") -> list[tuple[str, FieldInfo]]:
    """Return (key, field) of every setting, nested ones as `a.b`."""
    found: list[tuple[str, FieldInfo]] = []
    for name, field in model.model_fields.items():
        key = f"{above}.{name}" if above else name
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += fields(kind, key)
        else:
            found.append((key, field))
    return found


def _kind(field: FieldInfo) -> str:
    text = _type_name(field.annotation)
    limits = [f"{_SIGNS[type(limit).__name__]} {_bound(limit)}" for limit in field.metadata
              if type(limit).__name__ in _SIGNS]  # fmt: skip
    return f"{text} {', '.join(limits)}".strip()


_SIGNS = {"Gt": "above", "Ge": "from", "Lt": "below", "Le": "to", "MinLen": "of a length from"}


def _bound(limit: Any) -> str:
    return str(next(getattr(limit, name) for name in limit.__slots__))


def _type_name(kind: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if get_origin(kind) is Literal:
        return " or ".join(code(value) or "empty" for value in get_args(kind))
    if get_origin(kind) is tuple:
        return "list as JSON"
    alternatives = [part for part in get_args(kind) if part is not type(None)]
    if alternatives:
        return _type_name(alternatives[0])
    return names.get(kind) or getattr(kind, "__name__", str(kind)).lower()


def _default(key: str, field: FieldInfo) -> str:
    if key == "id_namespace":
        return "one for tests and demo"
    value = field.default
    if value in (None, "", ()):
        return ""
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def _about(field: FieldInfo) -> str:
    return field.description or ""
