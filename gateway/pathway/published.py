"""What a folder of rules promises: versions that never change, and the rules that are on.

`published.json` holds the digest of each published version, `first-release.json` the rules that
are in force unless an installation says otherwise. Both may be absent.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.core.errors import FatalError
from gateway.core.issues import Issue
from gateway.mapping.yamltext import TextDocument
from gateway.pathway import faults
from gateway.pathway.rules import Rules

PUBLISHED, FIRST_RELEASE = "published.json", "first-release.json"
#: All rules, in a setting.
ALL = "*"


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists beside the rules of a folder.

    Attributes:
        published: digest by rule id and version, as texts.
        first_release: ids of the rules that are on; None: all are.
    """

    published: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    first_release: TextDocument | None = None

    def changed(self, documents: Collection[TextDocument]) -> Iterator[Issue]:
        """Find published versions that are not what was published."""
        for document in documents:
            said = document.data if isinstance(document.data, dict) else {}
            name, version = str(said.get("id", "")), str(said.get("version", ""))
            known = self.published.get(name, {}).get(version)
            if known is not None and known != digest(document.data):
                place = document.place(("version",))
                yield faults.changed_in_place(place, f"{name} version {version}")

    def gone(self, rules: Rules) -> Iterator[str]:
        """Name the published versions that have no file any more."""
        for name, versions in sorted(self.published.items()):
            kept = {str(rule.version) for rule in rules.versions.get(name, ())}
            yield from (f"{name} version {one}" for one in sorted(versions) if one not in kept)

    def in_force(self, rules: Rules) -> Rules:
        """Return the rules with those off that are not of the first release.

        Raises:
            FatalError: the list names a rule that is not there (RLS-PTH-011).
        """
        if self.first_release is None:
            return rules
        listed = self.first_release.data["rules"]
        places = [self.first_release.place(("rules", number)) for number in range(len(listed))]
        named = zip(places, listed, strict=True)
        _stop_at_unknown(named, rules)
        return rules.without(rules.versions.keys() - set(listed))


def chosen(rules: Rules, on: Collection[str], off: Collection[str]) -> Rules:
    """Return the rules as an installation wants them; `off` wins.

    Args:
        rules: with those off that are off by default.
        on: ids to turn on beside those that are; `*` all.
        off: ids to turn off; `*` all.

    Raises:
        FatalError: a setting names a rule that is not there (RLS-PTH-011).
    """
    named = [("setting pathway.on", name) for name in on if name != ALL]
    named += [("setting pathway.off", name) for name in off if name != ALL]
    _stop_at_unknown(named, rules)
    known = rules.versions.keys()
    wanted = known if ALL in on else set(on)
    refused = known if ALL in off else set(off)
    return rules.without((rules.off - wanted) | refused)


def digest(data: Any) -> str:
    """Return the SHA-256 of what a rule file says; comments and layout are no part of it."""
    canonical = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _stop_at_unknown(named: Collection[tuple[str, str]] | Iterator[Any], rules: Rules) -> None:
    known = rules.versions
    issues = [faults.unknown_rule(at, name, known) for at, name in named if name not in known]
    if issues:
        raise FatalError(issues)
