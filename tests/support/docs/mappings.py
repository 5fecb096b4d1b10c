"""The tables of every mapping rule, from the mapping files themselves."""

import json

from gateway.mapping.loader import Mappings
from gateway.mapping.plan import EventPlan, FactPlan, FactUse, ResourcePlan, Rule, Use
from tests.support.docs.markdown import NOTICE, cells, code, table

_INTRO = """# Mappings

{notice}

What is written where, from which place of the input, by which converter and for which clause.
A plan (one message event or one document model) lists the resources it makes; each fragment below
is one of them.
It may also assert facts about the pathway of the patient; attributes and events are those of
`gateway/core/events.py`, converters of facts are in `gateway/hl7v2/facts.py`, `factvalues.py` and
`gateway/cda/facts.py`.
`from` empty means the node the resource is made from (`each`), else the whole input.
Converters are functions of `gateway/hl7v2/convert` and `gateway/cda`; concept maps are files of
`mappings/conceptmaps`.
Status, class, period and places of a stay are worked out from all its movements, by
`gateway/hl7v2/movements.py`.
"""


def page(mappings: Mappings) -> str:
    """Write the tables."""
    parts = [_INTRO.format(notice=NOTICE), "## HL7 v2 events\n"]
    parts += [_plan(plan.message or name, plan) for name, plan in sorted(mappings.events.items())]
    parts.append("## CDA documents\n")
    parts += [_plan(name, mappings.whole(name)) for name in sorted(mappings.documents)]
    parts.append("## Fragments\n")
    parts += [_fragment(name, plan) for name, plan in sorted(mappings.fragments.items())]
    parts.append("## Facts\n")
    parts += [
        _facts(f"{family} {name}", plan) for (family, name), plan in sorted(mappings.facts.items())
    ]
    parts.append("## Concept maps\n")
    rows = [
        (code(name), made.source, made.version, str(len(made.codes)))
        for name, made in sorted(mappings.conceptmaps.items())
    ]
    parts.append(table(("name", "from and to", "version", "codes"), rows) + "\n")
    return "\n".join(parts)


def rules_of(plan: EventPlan, mappings: Mappings) -> int:
    """Count the rules a plan runs."""
    return sum(
        len(mappings.fragments[part.use].rules) + len(part.add)
        if isinstance(part, Use)
        else len(part.rules)
        for part in plan.resources
    )


def _plan(title: str, plan: EventPlan) -> str:
    added: list[Rule] = []
    own: list[tuple[str, ResourcePlan]] = []
    names = []
    for part in plan.resources:
        if isinstance(part, Use):
            names.append(f"[{part.use}](#{_anchor(part.use)})")
            added += part.add
        else:
            names.append(part.resource)
            own.append((part.resource, part))
    match = ", ".join(f"{key} `{value}`" for key, found in plan.match.items() for value in found)
    lines = [f"### {title}\n", f"Clause: {plan.spec}."]
    if match:
        lines.append(f"Chosen by {match}.")
    lines.append(f"Makes: {', '.join(names)}.\n")
    asserted = [
        f"[{one.use}](#{_anchor(f'{_family(plan)} {one.use}')})"
        for one in plan.emits
        if isinstance(one, FactUse)
    ]
    if asserted:
        lines.append(f"Asserts: {', '.join(asserted)}.\n")
    if added:
        lines.append("Added here:\n\n" + _rules(added) + "\n")
    lines += [_fragment(name, part) for name, part in own]
    return "\n".join(lines)


def _fragment(name: str, plan: ResourcePlan) -> str:
    each = f", one for each `{plan.each}`" if plan.each else ""
    profile = f"\nProfile: {plan.profile}" if plan.profile else ""
    return f"### {name}\n\n{plan.resource}{each}.{profile}\n\n{_rules(plan.rules)}\n"


def _family(plan: EventPlan) -> str:
    return "hl7v2" if plan.message else "cda"


def _facts(name: str, plan: FactPlan) -> str:
    each = f", one for each `{plan.each}`" if plan.each else ""
    only = ", ".join(f"{code(at)} is {_any(of)}" for at, of in plan.when.items())
    chosen = f" (chosen by `{plan.name}`)" if plan.name else ""
    lines = [
        f"### {name}\n",
        f"`{plan.event}`{chosen}{each}{f', only when {only}' if only else ''}.",
        f"Key `{plan.key}`, event time `{plan.te}`, operation `{plan.op}`. Clause: {plan.spec}.\n",
    ]
    rows = [
        (
            code(rule.to) + (" (required)" if rule.required else ""),
            code(rule.from_ or "") if rule.value is None else f"constant {_constant(rule)}",
            code(rule.via) if rule.value is None else "",
            code(rule.map or ""),
            rule.spec,
        )
        for rule in plan.rules
    ]
    if rows:
        head = ("attribute", "from", "converter", "concept map", "clause")
        lines.append(table(head, rows) + "\n")
    return "\n".join(lines)


def _rules(rules: list[Rule]) -> str:
    return table(
        ("target", "from", "converter", "concept map", "only when", "clause"),
        [
            (
                code(rule.to) + (" (required)" if rule.required else ""),
                code(rule.from_ or "") if rule.value is None else f"constant {_constant(rule)}",
                code(rule.via) if rule.value is None else "",
                code(rule.map or ""),
                ", ".join(f"{code(at)} is {_any(of)}" for at, of in rule.when.items()),
                rule.spec,
            )
            for rule in rules
        ],
    )


def _any(values: list[str]) -> str:
    shown = {"": "empty", "*": "valued"}
    return " or ".join(shown.get(value) or code(value) for value in values)


def _constant(rule: Rule) -> str:
    value = rule.value
    return code(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _anchor(name: str) -> str:
    """Return the anchor a Markdown heading of this text gets."""
    kept = "".join(sign for sign in name.lower() if sign.isalnum() or sign in "-_ ")
    return kept.replace(" ", "-")


def listed_rules(text: str) -> int:
    """Count the rule rows of a page, for the test that nothing was left out."""
    return sum(len(cells(line)) == 6 and cells(line)[0] != "target" for line in text.splitlines())
