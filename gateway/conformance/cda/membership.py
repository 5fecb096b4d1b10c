"""Judges whether coded places hold a code of the list that is bound to them.

Does not read lists (`value_sets`). The publisher's rule is followed: a nullFlavor is not compared,
a display neither. CI-SIS, value sets (JDV) of the header and of the models.
"""

from collections.abc import Iterator

from gateway.cda.contacts import stamp
from gateway.cda.reader import Document, Node
from gateway.conformance.cda import kinds
from gateway.conformance.cda.place_rules import holds
from gateway.conformance.cda.profiles import Binding, CdaProfiles
from gateway.conformance.cda.value_sets import ValueSet, ValueSets
from gateway.conformance.finding import Finding

#: Data types whose values are codes; a value of another type is not compared.
_CODED = frozenset({"", "CD", "CE", "CV", "CS", "CO"})


def membership_findings(
    document: Document, profiles: CdaProfiles, value_sets: ValueSets
) -> Iterator[Finding]:
    """Yield codes that are in no list bound to their place, and those that were withdrawn."""
    made = stamp(document.root.child("effectiveTime"))
    day = made.date_fhir if made is not None else ""
    for binding in profiles.bindings:
        nodes = [node for node in document.select(binding.at) if holds(binding.when, node)]
        if not nodes:
            continue
        lists = [found for oid in binding.value_set if (found := value_sets.get(oid))]
        if not lists:
            yield from _no_list(binding, nodes[0])
            continue
        for node in nodes:
            yield from _member(node, binding, lists, day)


def _no_list(binding: Binding, node: Node) -> Iterator[Finding]:
    yield kinds.NO_LIST.at(
        node.place,
        clause=binding.clause,
        name=binding.name,
        oid=", ".join(binding.value_set),
    )


def _member(node: Node, binding: Binding, lists: list[ValueSet], day: str) -> Iterator[Finding]:
    code, system = _coded(node)
    if not code:
        return
    first = lists[0]
    version = f" ({first.version})" if first.version else ""
    known = [one for one in lists if one.holds(code, system) or (not system and code in one.codes)]
    if not known:
        yield kinds.NOT_IN_LIST.at(
            node.place,
            clause=binding.clause,
            severity=binding.severity,
            name=binding.name,
            version=version,
        )
        return
    ends = [one.end_of(code, system) for one in known]
    if day and all(ends) and max(ends) <= day:
        yield kinds.RETIRED.at(
            node.place, clause=binding.clause, name=binding.name, version=version
        )


def _coded(node: Node) -> tuple[str, str]:
    """Return code and system; an attribute or a text is a code without system."""
    if node.is_attribute:
        return node.text(), ""
    if node.type not in _CODED or node.has_null_flavor:
        return "", ""
    if node.get("code"):
        return node.get("code"), node.get("codeSystem") or "?"
    return ("", "") if any(node.elements()) or node.attributes else (node.text(), "")
