"""`relais pathway rules` and `check`: the rules, and what is wrong or odd about them."""

import json
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated

import typer

from gateway.core.errors import FatalError
from gateway.core.issues import Issue, Severity
from gateway.entry import settings as settings_module
from gateway.entry.sources import told_by_sources
from gateway.entry.wiring import load_pathway_rules
from gateway.mapping.loader import load_mappings
from gateway.mapping.yamltext import TextDocument
from gateway.pathway.able import Told, lacking, listed
from gateway.pathway.model import Deadline, RuleFile
from gateway.pathway.published import PUBLISHED, Lists, digest
from gateway.pathway.rule import Rule
from gateway.pathway.rulecheck import oddities
from gateway.pathway.rulefiles import read_documents, read_lists, rules_folder
from gateway.pathway.rules import Rules, load


def rules(
    rules_folder: Annotated[Path | None, typer.Option("--rules", help="Other rules.")] = None,
) -> None:
    """List every rule: version, on or off, trigger, deadline, owner, source of the deadline.

    Below a rule stands what no source can tell it.

    Example: relais pathway rules
    """
    settings = settings_module.load()
    mappings = load_mappings(settings.mappings)
    loaded = load_pathway_rules(settings, mappings, rules_folder)
    told = told_by_sources(mappings)
    for rule_id, versions in sorted(loaded.versions.items()):
        for rule in versions:
            print("\n".join(described(rule, told, is_on=rule_id not in loaded.off)))
    on = len(loaded.in_force)
    print(f"{on} rules are on, {len(loaded.versions) - on} are off.", file=sys.stderr)


def described(rule: Rule, told: Told, *, is_on: bool) -> Iterator[str]:
    """Return the lines of a rule in the list."""
    written = rule.written
    state = "on " if is_on else "off"
    yield f"{rule.id} v{rule.version}  {state}  {written.severity:<8}  {written.name['fr']}"
    condition = f" where {written.trigger.where}" if written.trigger.where else ""
    yield f"    trigger   {written.trigger.event}{condition}"
    yield f"    deadline  {time_allowed(written)}"
    yield f"    owner     {written.owner.role} of {written.owner.org or 'the installation'}"
    yield f"    source    {written.legal.ref} ({written.legal.kind})"
    missing = listed(lacking(rule, told))
    if missing:
        yield f"    missing   {missing}"


def time_allowed(written: RuleFile) -> str:
    """Return deadline, anchor and grace of a rule in short: `5 bd after session_time`."""
    anchor = written.anchor.removeprefix("trigger.")
    after = "" if anchor == "te" else f" after {anchor}"
    said = f"{counted(written.deadline)}{after}"
    for case in written.cases:
        severity = f", {case.severity}" if case.severity else ""
        said += f"; {counted(case.deadline)}{severity} where {case.where}"
    hours = written.grace.total_seconds() / 3600
    return f"{said}; grace {hours:g} h" if hours else said


def counted(deadline: Deadline) -> str:
    """Return a deadline as it is counted: `day0`, `2 bd`, `at high`."""
    if deadline.at:
        return f"at {deadline.at}"
    return "day0" if deadline.unit == "day0" else f"{deadline.n} {deadline.unit}"


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Rule files or folders; default: our own."),
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Add new versions to the published ones.")
    ] = False,
) -> None:
    """Check rule files: every fault with file, line, nearest name and fix; then what is odd.

    Exit 1 when a rule is wrong; what is odd is told and stops nothing.

    Example: relais pathway check my-rules/TRX-20.yaml
    """
    settings = settings_module.load()
    folders, files = _given(paths or [rules_folder(settings.pathways)])
    total = 0
    for folder in folders:
        found, lists = _sound(folder, None)
        total += _told(found, lists)
        if publish:
            _publish(folder)
    for folder in sorted({path.parent for path in files}):
        found, lists = _sound(folder, [path for path in files if path.parent == folder])
        total += _told(found, Lists())
    if not paths:
        # Which are on is checked as well: a wrong setting is no fault of a rule.
        load_pathway_rules(settings, load_mappings(settings.mappings))
    print(f"{total} rules are sound.", file=sys.stderr)


def _given(paths: Collection[Path]) -> tuple[list[Path], list[Path]]:
    """Return the folders and the files.

    Raises:
        BadParameter: one is not there.
    """
    absent = [str(path) for path in paths if not path.exists()]
    if absent:
        raise typer.BadParameter(f"not found: {', '.join(absent)}")
    return [one for one in paths if one.is_dir()], [one for one in paths if one.is_file()]


def _sound(folder: Path, files: Collection[Path] | None) -> tuple[Rules, Lists]:
    """Read rules; leave with 1 when one is wrong."""
    chosen = sorted(folder.glob("*.y*ml")) if files is None else sorted(files)
    documents, issues = read_documents(chosen, folder.name)
    lists = read_lists(folder)
    issues += lists.changed(documents.values())
    found = Rules()
    try:
        found = load(documents)
        if files is None:
            lists.in_force(found)
    except FatalError as error:
        issues += error.issues
    if issues:
        _say(issues)
        raise typer.Exit(1)
    return found, lists


def _told(found: Rules, lists: Lists) -> int:
    _say(list(oddities(found, lists)))
    return len(found.versions)


def _say(issues: Collection[Issue]) -> None:
    for issue in issues:
        word = "warning: " if issue.severity is Severity.WARNING else ""
        print(f"{word}{issue}", file=sys.stderr)


def _publish(folder: Path) -> None:
    """Write down the digest of each version that is not published yet."""
    documents, _issues = read_documents(sorted(folder.glob("*.y*ml")), folder.name)
    known = {name: dict(versions) for name, versions in read_lists(folder).published.items()}
    new = list(_added(known, documents.values()))
    text = json.dumps(known, indent=2, sort_keys=True)
    (folder / PUBLISHED).write_text(f"{text}\n", encoding="utf-8")
    for name in new:
        print(f"published {name}", file=sys.stderr)


def _added(known: dict[str, dict[str, str]], documents: Collection[TextDocument]) -> Iterator[str]:
    for document in documents:
        name, version = document.data["id"], document.data["version"]
        if version not in known.setdefault(name, {}):
            known[name][version] = digest(document.data)
            yield f"{name} version {version}"
