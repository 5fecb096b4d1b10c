"""How a measurement is shown: tables for people, one object for machines."""

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.region.measure import Outcome
from tests.region.score import Interval, Scores


def as_json(outcome: Outcome, shown: int = 20) -> dict[str, Any]:
    """Return everything, with so many differences at most."""
    return {
        "messages": outcome.messages,
        "persons": outcome.persons,
        "assertions": outcome.assertions,
        "transitions": outcome.transitions,
        "differences": len(outcome.differences),
        "first_differences": outcome.differences[:shown],
        "differences_when_looked_at_once": outcome.once,
        "differences_on_sqlite": outcome.on_sqlite,
        "duplicates": outcome.duplicates,
        "reopened": outcome.reopened,
        "rules": _rules(outcome.scores),
        "wrong": outcome.wrong(),
        "ablations": {
            name: {"wrong": outcome.wrong(scores), "rules": _rules(scores)}
            for name, scores in outcome.without.items()
        },
        "openings_by_owner": dict(sorted(outcome.burden.items())),
        "openings_by_owner_and_working_day": _a_day(outcome),
        "cpu_seconds": {name: round(spent, 1) for name, spent in outcome.cpu_s.items()},
    }


def _rules(scores: Scores) -> dict[str, Any]:
    return {
        rule: {
            "openings": one.openings,
            "truths": one.truths,
            "precision": one.precision,
            "recall": one.recall,
            "precision_interval": one.intervals(rule)[0],
            "recall_interval": one.intervals(rule)[1],
            "premature": one.premature,
            "false": dict(sorted(one.false.items())),
            "missed": dict(sorted(one.missed.items())),
        }
        for rule, one in sorted(scores.items())
    }


def _a_day(outcome: Outcome) -> dict[str, float]:
    days = max(1, outcome.working_days)
    return {owner: round(n / days, 2) for owner, n in sorted(outcome.burden.items())}


def show(outcome: Outcome) -> None:
    """Print the tables."""
    console = Console(width=120)
    console.print(
        f"{outcome.messages} messages, {outcome.persons} persons, {outcome.assertions} assertions, "
        f"{outcome.transitions} transitions",
        highlight=False,
    )
    rules = Table("rule", "opened", "truths", "precision", "recall", "premature", title="Rules")
    for rule, one in sorted(outcome.scores.items()):
        precise, recalled = one.intervals(rule)
        rules.add_row(
            rule, str(one.openings), str(one.truths), _share(one.precision, precise),
            _share(one.recall, recalled), str(one.premature),
        )  # fmt: skip
    console.print(rules)
    why = Table("rule", "what", "why", "times", title="Told without truth, and never told")
    for rule, one in sorted(outcome.scores.items()):
        for what, reasons in (("told", one.false), ("never told", one.missed)):
            for reason, times in _most(reasons):
                why.add_row(rule, what, reason, str(times))
    console.print(why)
    burden = Table("owner", "openings", "a working day", "most on one day", title="Burden")
    for owner, a_day in _a_day(outcome).items():
        most = max(n for (who, _day), n in outcome.most.items() if who == owner)
        burden.add_row(owner, str(outcome.burden[owner]), f"{a_day:.2f}", str(most))
    console.print(burden)
    worse = Table("engine", "wrong", "told", "right", "found", "premature", title="Ablations")
    for name, scores in (("whole", outcome.scores), *outcome.without.items()):
        sums = [
            sum(getattr(one, what) for one in scores.values())
            for what in ("openings", "right", "found", "premature")
        ]
        worse.add_row(name, str(outcome.wrong(scores)), *map(str, sums))
    console.print(worse)
    sqlite = "" if outcome.on_sqlite is None else f"; on SQLite: {outcome.on_sqlite}"
    console.print(
        f"differences from the naive engine: {len(outcome.differences)}; looked at once: "
        f"{outcome.once}{sqlite}; told twice: {outcome.duplicates}; opened again: "
        f"{outcome.reopened}",
        highlight=False,
    )
    spent = ", ".join(f"{name} {seconds:.0f}" for name, seconds in outcome.cpu_s.items())
    console.print(f"CPU seconds: {spent}", highlight=False)


def as_markdown(outcome: Outcome) -> str:
    """Return the tables of a page."""
    lines = [
        f"{outcome.messages} messages, {outcome.persons} persons, {outcome.assertions} assertions, "
        f"{outcome.transitions} transitions; {len(outcome.differences)} differences from the naive "
        f"engine, {outcome.duplicates} openings told twice, {outcome.reopened} opened again.",
        "",
        "| Rule | Opened | Ruptures | Precision (95 %) | Recall (95 %) | Premature |",
        "|---|---|---|---|---|---|",
    ]
    for rule, one in sorted(outcome.scores.items()):
        precise, recalled = one.intervals(rule)
        lines.append(
            f"| {rule} | {one.openings} | {one.truths} | {_share(one.precision, precise)} "
            f"| {_share(one.recall, recalled)} | {one.premature} |"
        )
    lines += ["", "| Rule | What | Why | Times |", "|---|---|---|---|"]
    for rule, one in sorted(outcome.scores.items()):
        for what, reasons in (("told without truth", one.false), ("never told", one.missed)):
            lines += [f"| {rule} | {what} | {why} | {n} |" for why, n in _most(reasons)]
    lines += ["", "| Engine | Wrong | Told | Right | Found |", "|---|---|---|---|---|"]
    for name, scores in (("whole", outcome.scores), *outcome.without.items()):
        sums = [
            sum(getattr(one, what) for one in scores.values())
            for what in ("openings", "right", "found")
        ]
        lines.append(f"| {name} | {outcome.wrong(scores)} | " + " | ".join(map(str, sums)) + " |")
    spent = ", ".join(f"{name} {seconds:.0f}" for name, seconds in outcome.cpu_s.items())
    lines += ["", f"CPU seconds of all processes together: {spent}."]
    return "\n".join(lines) + "\n"


def _share(share: float | None, interval: Interval) -> str:
    if share is not None and interval is None:
        # Of feeds: there are no patients to draw from.
        return f"{share:.3f}"
    if share is None or interval is None:
        return "-"
    return f"{share:.3f} ({interval[0]:.2f} to {interval[1]:.2f})"


def _most(reasons: Counter[str]) -> list[tuple[str, int]]:
    return sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
