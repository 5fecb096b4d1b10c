"""All rules of an installation: read, checked together, some of them in force.

Does not read files (`pathway.rulefiles`) nor evaluate anything.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from pydantic import ValidationError

from gateway.core.errors import FatalError
from gateway.core.issues import Issue
from gateway.mapping.yamltext import Keys, TextDocument
from gateway.pathway import faults
from gateway.pathway.enrich import INPUTS, Reads, Tables
from gateway.pathway.model import Case, EventMatch, RuleFile
from gateway.pathway.resolve import Resolver
from gateway.pathway.rule import Pattern, Rule

__all__ = ["ONCOLOGY", "Pattern", "Rule", "Rules", "load"]

#: What tells that a person is followed for a cancer.
ONCOLOGY = frozenset({"DOC.FRCP", "DOC.PPS", "PPS.STEP", "REQ.rcp.SENT"})
_FILE_NAME = re.compile(r"(?P<id>[A-Z]{2,4}-\d{2})(?:\.v\d+)?")


@dataclass(frozen=True)
class Rules:
    """All rules, each with its versions, the highest first.

    Attributes:
        versions: by rule id.
        tables: what is known of units and facilities.
        off: ids of rules that are known here and not in force: they start nothing.
    """

    versions: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)
    off: frozenset[str] = frozenset()

    @cached_property
    def by_trigger(self) -> Mapping[str, tuple[str, ...]]:
        """Return, for each event, the rules in force that it may trigger."""
        found: dict[str, list[str]] = {}
        for rule_id, versions in sorted(self.in_force.items()):
            for event in frozenset(chain.from_iterable(r.trigger.events for r in versions)):
                found.setdefault(event, []).append(rule_id)
        return {event: tuple(ids) for event, ids in found.items()}

    @cached_property
    def in_force(self) -> Mapping[str, tuple[Rule, ...]]:
        """Return the rules that are not off, by id."""
        return {name: rules for name, rules in self.versions.items() if name not in self.off}

    @cached_property
    def reads(self) -> Reads:
        """Return what the rules in force look at."""
        rules = list(chain.from_iterable(self.in_force.values()))
        return Reads(
            frozenset(chain.from_iterable(rule.events for rule in rules)),
            frozenset(chain.from_iterable(rule.reads for rule in rules)),
        )

    @cached_property
    def relevant(self) -> frozenset[str]:
        """Return the events whose facts may change where anything stands."""
        return self.reads.events | INPUTS | ONCOLOGY

    def version(self, rule_id: str, number: int) -> Rule | None:
        """Return one version of a rule."""
        for rule in self.versions.get(rule_id, ()):
            if rule.version == number:
                return rule
        return None

    def overlaid(self, other: "Rules") -> "Rules":
        """Return these rules with the versions of others in their place, or beside them.

        What is on there is on here.
        """
        versions = dict(self.versions)
        for rule_id, changed in other.versions.items():
            by_number = {rule.version: rule for rule in (*versions.get(rule_id, ()), *changed)}
            versions[rule_id] = tuple(by_number[n] for n in sorted(by_number, reverse=True))
        return Rules(versions, self.tables, self.off - other.in_force.keys())

    def with_tables(self, tables: Tables) -> "Rules":
        """Return the same rules with other tables."""
        return replace(self, tables=tables)

    def without(self, off: Collection[str]) -> "Rules":
        """Return the same rules with these off."""
        return replace(self, off=frozenset(off))


def load(documents: Mapping[str, TextDocument], tables: Tables | None = None) -> Rules:
    """Make rules of their files.

    Args:
        documents: by file stem, `<RULE-ID>` or `<RULE-ID>.v<n>`.
        tables: what is known of units and facilities.

    Raises:
        FatalError: every fault of every file (RLS-PTH-001 to 008, 010).
    """
    issues: list[Issue] = []
    found: dict[str, dict[int, tuple[Rule, TextDocument]]] = {}
    for stem, document in sorted(documents.items()):
        written = _read(document, issues)
        if written is None:
            continue
        name = _FILE_NAME.fullmatch(stem)
        if name is None or name["id"] != written.id:
            reason = f"'{written.id}' and the file name '{stem}' do not agree"
            issues.append(faults.contradictory_rule(document.place(("id",)), "id", reason))
        rule = Resolver(written, document, issues).rule()
        versions = found.setdefault(written.id, {})
        if written.version in versions:
            where = document.place(("version",))
            other = versions[written.version][1].name
            issues.append(
                faults.defined_twice(where, f"{written.id} version {written.version}", other)
            )
        versions[written.version] = (rule, document)
    if issues:
        raise FatalError(issues)
    ordered = {
        rule_id: tuple(rule for _n, (rule, _d) in sorted(versions.items(), reverse=True))
        for rule_id, versions in found.items()
    }
    return Rules(ordered, tables or Tables())


def _read(document: TextDocument, issues: list[Issue]) -> RuleFile | None:
    try:
        return RuleFile.model_validate(document.data)
    except ValidationError as error:
        for one in error.errors():
            keys: Keys = one["loc"]
            key = ".".join(str(part) for part in keys)
            unknown = one["type"] == "extra_forbidden"
            reason = "unknown" if unknown else str(one["msg"]).rstrip(".")
            known = _KEYS if unknown else ()
            issues.append(faults.wrong_key(document.place(keys), key, reason, known))
        return None


def _model_keys() -> Iterator[str]:
    models = (RuleFile, *(f.annotation for f in RuleFile.model_fields.values()), EventMatch, Case)
    for model in models:
        yield from getattr(model, "model_fields", {})


_KEYS = frozenset(_model_keys())
