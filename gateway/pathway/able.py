"""What a rule needs that nobody tells: events and attributes without a source.

Does not know the sources: what they tell is handed in (`entry.sources`).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from gateway.core.events import ATTRIBUTES, family
from gateway.pathway.enrich import COMPUTED
from gateway.pathway.rule import Pattern, Rule

#: Attributes of each event that some source asserts.
Told = Mapping[str, frozenset[str]]
#: Given by the gateway itself to every fact.
_ALWAYS = frozenset({"estab", "source", "te", "tr"})


def lacking(rule: Rule, told: Told) -> list[str]:
    """Return what the rule reads that nobody tells: `RX.DISPENSED`, or `PAT.INS_KO status`.

    An attribute is named once, with the event of the rule that nobody tells it of.
    """
    found: dict[str, None] = {}
    for pattern in _all(rule):
        if len(pattern.events) > 1 and _is_family(pattern):
            continue
        for event in sorted(pattern.events - told.keys()):
            found[event] = None
    for pattern in _all(rule):
        for name in sorted(_unread(pattern, told)):
            found[f"{_name(pattern, told)} {name}"] = None
    for name in sorted(_of_trigger(rule) - _known(rule.trigger, told)):
        found[f"{_name(rule.trigger, told)} {name}"] = None
    return list(found)


def can_start(rule: Rule, told: Told) -> bool:
    """Tell whether something can start it, and what its condition reads is told."""
    needed = (rule.trigger, *rule.given)
    return all(_can_be(pattern, told) for pattern in needed)


def can_be_met(rule: Rule, told: Told) -> bool:
    """Tell whether somebody can tell what is awaited."""
    groups = [rule.closes, rule.also] if rule.also else [rule.closes]
    return all(any(_can_be(pattern, told) for pattern in group) for group in groups)


def fit_to_be_on(rule: Rule, told: Told) -> bool:
    """Tell whether it may be on without being asked for.

    One that waits for what must not happen, or for what nobody can tell, may not.
    """
    return rule.written.kind == "expect" and can_start(rule, told) and can_be_met(rule, told)


def _all(rule: Rule) -> Iterator[Pattern]:
    return chain(rule.patterns, (when for when, _rule in rule.cases))


def _can_be(pattern: Pattern, told: Told) -> bool:
    return bool(pattern.events & told.keys()) and not _unread(pattern, told)


def _unread(pattern: Pattern, told: Told) -> frozenset[str]:
    """Return what it reads of its fact that no source of it tells."""
    return pattern.reads - _known(pattern, told) if pattern.events & told.keys() else frozenset()


def _known(pattern: Pattern, told: Told) -> frozenset[str]:
    here = pattern.events & told.keys()
    if not here:
        return frozenset(chain.from_iterable(ATTRIBUTES[family(one)] for one in pattern.events))
    return _ALWAYS.union(*(told[event] | computed(event) for event in here))


def _of_trigger(rule: Rule) -> frozenset[str]:
    names = {rule.anchor, rule.window.base, rule.written.deadline.at}
    instants = {name for name in names if name and name not in ("anchor", "trigger")}
    return frozenset(instants).union(*(pattern.reads_trigger for pattern in _all(rule)))


def computed(event: str) -> frozenset[str]:
    """Return the attributes the gateway computes for an event."""
    return COMPUTED.get(event, frozenset()) | COMPUTED.get(family(event), frozenset())


def _is_family(pattern: Pattern) -> bool:
    """Tell whether it takes whatever comes of a family, `DOC.*`."""
    most = 20
    return len(pattern.events) > most


def _name(pattern: Pattern, told: Told) -> str:
    if _is_family(pattern):
        return f"{family(next(iter(pattern.events)))}.*"
    return "|".join(sorted(pattern.events & told.keys()) or sorted(pattern.events))


def listed(names: Iterable[str]) -> str:
    """Return the words of a list of what is lacking."""
    events = [name for name in names if " " not in name]
    others = [name for name in names if " " in name]
    parts = [f"no adapter asserts {', '.join(events)}"] if events else []
    parts += [f"no adapter tells {', '.join(others)}"] if others else []
    return "; ".join(parts)
