"""`relais pathway try`: rules held to scenarios whose instants somebody counted by hand."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway.core.errors import FatalError
from gateway.entry import settings as settings_module
from gateway.entry.wiring import load_pathway_rules
from gateway.mapping.loader import load_mappings, read_yaml_file
from gateway.pathway import faults
from gateway.pathway.rules import Rules
from gateway.pathway.trial import Check, tried
from gateway.pathway.trial_file import Scenario, read


def try_(
    scenarios: Annotated[Path, typer.Argument(help="YAML file of scenarios, by rule id.")],
    rules_folder: Annotated[Path | None, typer.Option("--rules", help="Other rules.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Print the checks that hold too.")
    ] = False,
) -> None:
    """Try rules on scenarios: what opens, meets, cancels and pauses them, and when.

    Exit 1 when a rule does otherwise than its scenario says.

    Example: relais pathway try my-scenarios.yaml --rules my-rules
    """
    settings = settings_module.load()
    rules = load_pathway_rules(settings, load_mappings(settings.mappings), rules_folder)
    said = _known(read(read_yaml_file(scenarios)), rules)
    failed = 0
    for scenario in said:
        checks = tried(rules, scenario)
        failed += any(not one.holds for one in checks)
        print("\n".join(_lines(scenario.rule, checks, everything=everything)))
    if rules_folder is not None:
        without = sorted(rules.versions.keys() - {one.rule for one in said})
        for rule_id in without:
            print(f"warning: {rule_id} has no scenario", file=sys.stderr)
    print(f"{len(said)} rules were tried, {failed} failed.", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def _known(said: list[Scenario], rules: Rules) -> list[Scenario]:
    """Return the scenarios.

    Raises:
        FatalError: one is of a rule that is not there (RLS-PTH-011).
    """
    known = rules.versions.keys()
    unknown = [faults.unknown_rule(s.place, s.rule, known) for s in said if s.rule not in known]
    if unknown:
        raise FatalError(unknown)
    return said


def _lines(rule: str, checks: Sequence[Check], *, everything: bool) -> list[str]:
    wrong = [one for one in checks if not one.holds]
    word = f"{len(wrong)} of {len(checks)} checks fail" if wrong else f"{len(checks)} checks hold"
    lines = [f"{rule}  {word}"]
    for one in checks:
        if not one.holds:
            told = f"expected {one.expected}, found {one.found}"
            lines.append(f"    {one.place}  {one.name}: {told}")
        elif everything:
            lines.append(f"    {one.place}  {one.name}: {one.found}")
    return lines
