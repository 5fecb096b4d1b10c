"""`relais config`: what is set, where it comes from, and whether the mapping files hold."""

import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.core.nearest import nearest
from gateway.entry import settings as settings_module
from gateway.entry.wiring import build_converter, mapping_faults
from gateway.mapping.loader import load_mappings

config = typer.Typer(help="Settings and mapping files.")

#: Read by tests only.
_FOREIGN = ("RELAIS_TEST_",)


@config.command("show")
def show() -> None:
    """Print every setting with its value and where it comes from.

    Example: RELAIS_HTTP_PORT=8081 relais config show
    """
    settings = settings_module.load()
    written = _file_keys()
    for key, value in flat(settings):
        name = variable(key)
        origin = "environment" if name in os.environ else "file" if key in written else "default"
        print(f"{key} = {_masked(key, value)}  ({origin}; {name})")
    for issue in unknown_variables(settings):
        print(issue, file=sys.stderr)


@config.command("check")
def check() -> None:
    """Check settings and every mapping file; exit 2 when something is wrong.

    Example: relais config check
    """
    settings = settings_module.load()
    mappings = load_mappings(settings.mappings)
    issues = mapping_faults(mappings)
    if issues:
        raise FatalError(issues)
    build_converter(settings, mappings=mappings)
    count = len(mappings.events) + len(mappings.documents)
    print(
        f"{count} plans, {len(mappings.fragments)} fragments, {len(mappings.conceptmaps)} concept "
        f"maps and {len(mappings.sites.by_name)} sites are sound.",
        file=sys.stderr,
    )


def flat(part: BaseModel, above: str = "") -> list[tuple[str, Any]]:
    """Return (key, value) of every setting, nested keys as `a.b`."""
    found: list[tuple[str, Any]] = []
    for name in type(part).model_fields:
        value = getattr(part, name)
        key = f"{above}.{name}" if above else name
        found += flat(value, key) if isinstance(value, BaseModel) else [(key, value)]
    return found


def variable(key: str) -> str:
    """Return the environment variable of a key."""
    return "RELAIS_" + key.replace(".", "_").upper()


def unknown_variables(settings: settings_module.Settings) -> list[Issue]:
    """Report RELAIS_ variables that set nothing: most are misspelled."""
    known = {variable(key) for key, _ in flat(settings)}
    found = []
    for name in sorted(os.environ):
        if name.startswith("RELAIS_") and name not in known and not name.startswith(_FOREIGN):
            near = nearest(name, known)
            hint = f" Nearest: {near}." if near else ""
            found.append(_unknown(name, hint))
    return found


def _file_keys() -> set[str]:
    path = Path("relais.toml")
    if not path.is_file():
        return set()
    keys: set[str] = set()
    for key, value in tomllib.loads(path.read_text(encoding="utf-8")).items():
        keys |= {f"{key}.{below}" for below in value} if isinstance(value, dict) else {key}
    return keys


def _masked(key: str, value: Any) -> str:
    text = str(value)
    if key == "id_namespace":
        is_default = value == settings_module.DEFAULT_NAMESPACE
        return "(default of tests and demo)" if is_default else "(set)"
    if key == "store.url" and "@" in text:
        scheme, _, rest = text.partition("://")
        return f"{scheme}://***@{rest.rpartition('@')[2]}"
    return text or '""'


def _unknown(name: str, hint: str) -> Issue:
    return Issue(
        code="RLS-CFG-101",
        severity=Severity.WARNING,
        where=f"environment variable {name}",
        what="no setting has this name.",
        fix=f"Correct or remove it.{hint}",
    )
