"""The catalogue of pathway rules, from the rule files."""

from collections.abc import Iterable
from pathlib import Path

from gateway.entry.cli_rules import time_allowed
from gateway.entry.sources import told_by_sources
from gateway.mapping.loader import Mappings
from gateway.pathway.able import lacking, listed
from gateway.pathway.model import EventMatch
from gateway.pathway.rule import Rule
from gateway.pathway.rules import Rules
from tests.support.docs.markdown import NOTICE, code, table

_INTRO = """# Pathway rules

{notice}

Each file of `profiles/pathways` is one version of one rule: what happened, what is expected after
it, until when, and who acts.
[Write a rule](../howto/write-a-rule.md) tells how.
`relais pathway rules` lists those of an installation.

Deadlines are counted in `h` hours, `bh` business hours (Monday to Friday, 8 to 18), `d` days, `bd`
working days (jours ouvrés), `jo` days but Sundays and holidays (jours ouvrables); `day0` is the end
of the day.
A deadline whose source is `default` is set by no text.

A rule is on when it is of the first release (`first-release.json`), unless `pathway.on` or
`pathway.off` says otherwise.
Rules that wait for what nobody tells, and rules on what must not happen, are never on by default.
Nor is TRX-06, which waits for acknowledgements of the national record that few installations pass
on to Relais.

{on} of {all} rules are on.
"""
_FAMILIES = {
    "TRX": "Transmission between establishments and to town",
    "ORI": "Orientation: rehabilitation, hospital at home, nursing homes",
    "ONC": "The oncology chain",
    "VIL": "From hospital to town",
    "ID": "Identity",
    "FEED": "Feeds",
}


def page(rules: Rules, mappings: Mappings, folder: Path) -> str:
    """Write one section a rule, family by family."""
    told = told_by_sources(mappings)
    parts = [_INTRO.format(notice=NOTICE, on=len(rules.in_force), all=len(rules.versions))]
    for family, title in _FAMILIES.items():
        parts.append(f"## {family}: {title}\n")
        for name in sorted(rules.versions):
            if name.partition("-")[0] == family:
                for rule in rules.versions[name]:
                    is_on = name not in rules.off
                    missing = listed(lacking(rule, told))
                    limits = limits_of(folder, rule)
                    parts.append(_section(rule, missing, limits, is_on=is_on))
    return "\n".join(parts)


def limits_of(folder: Path, rule: Rule) -> str:
    """Return what the file of a rule says it cannot tell apart."""
    mark = "# Limit: "
    for path in (folder / f"{rule.id}.v{rule.version}.yaml", folder / f"{rule.id}.yaml"):
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            return " ".join(line.removeprefix(mark) for line in lines if line.startswith(mark))
    return ""


def _section(rule: Rule, missing: str, limits: str, *, is_on: bool) -> str:
    written = rule.written
    condition = f" where {code(written.trigger.where)}" if written.trigger.where else ""
    state = "on" if is_on else "off"
    rows = [
        ("trigger", f"{code(written.trigger.event)}{condition}"),
        ("also on file", _patterns(written.given)),
        ("awaited", _patterns(written.closes)),
        ("and beside it", _patterns(written.also)),
        ("deadline", code(time_allowed(written))),
        ("cancelled by", _patterns(written.cancels)),
        ("paused", "; ".join(f"{_patterns((a,))} to {_patterns((b,))}" for a, b in written.pauses)),
        ("owner", " → ".join((written.owner.role, *_steps(rule)))),
        ("evidence", ", ".join(code(name) for name in written.evidence)),
        ("source", f"{written.legal.ref} ({written.legal.kind})"),
        ("missing", missing),
        ("known limit", limits),
    ]  # fmt: skip
    title = f"### {rule.id} version {rule.version}: {written.name['en']}"
    about = f"{written.name['fr']}.\nSeverity {written.severity}; {state} by default."
    if written.kind == "forbid":
        about += " It opens when what is named happens in time."
    return f"{title}\n\n{about}\n\n{table(('', ''), [row for row in rows if row[1]])}\n"


def _steps(rule: Rule) -> list[str]:
    return [f"{step.to} after {step.after}" for step in rule.written.escalate]


def _patterns(found: Iterable[EventMatch]) -> str:
    parts = []
    for one in found:
        where = f" where {code(one.where)}" if one.where else ""
        match = f" of the same {code(one.match)}" if one.match else ""
        parts.append(f"{code(one.event)}{match}{where}")
    return " or ".join(parts)
