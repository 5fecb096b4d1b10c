"""Judges a document by rules that name a place: how often, which values, which form, which order.

Does not compare places with each other. What is blank counts as absent (CDA R2 data types, ANY).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway.cda import faults
from gateway.cda.reader import Document, Node
from gateway.conformance.cda import kinds
from gateway.conformance.cda.profiles import VALUED, Choice, Header, Order, PlaceRule, Times, When
from gateway.conformance.finding import Finding, Layer
from gateway.conformance.forms import FORMS
from gateway.core.issues import Severity

#: Attributes that say what an element is, not what it holds.
_STRUCTURE = frozenset(
    {"classCode", "moodCode", "typeCode", "determinerCode", "contextControlCode", "type",
     "use", "qualifier", "operator", "unit", "inclusive", "nullFlavor"}
)  # fmt: skip
_PREFIX = re.compile(r"\b(?:cda|sdtc|ps3-20|pharm|lab):")


def header_findings(document: Document, header: Header) -> Iterator[Finding]:
    """Yield what breaks the rules of every document."""
    yield from rule_findings(document, header.rules)
    for choice in header.choices:
        yield from _choice(document, choice)
    for order in header.orders:
        yield from _order(document, order)
    yield from _null_flavors(document, header)


def rule_findings(document: Document, rules: Iterable[PlaceRule]) -> Iterator[Finding]:
    """Yield what breaks rules about places."""
    for rule in rules:
        above = [document.root] if rule.above == "." else document.select(rule.above)
        for holder in above:
            if holds(rule.when, holder):
                yield from _rule(holder, rule)


def holds(when: When, node: Node) -> bool:
    """Tell whether a condition is true of a node; true when nothing is asked."""
    for path, values in when.items():
        found = {one.text() for one in node.select(path)} - {""}
        if not found & set(values) and not (found and VALUED in values):
            return False
    return True


def is_filled(node: Node) -> bool:
    """Tell whether an element holds anything: text, a value, a child that does, a nullFlavor."""
    if node.has_null_flavor or node.text():
        return True
    if any(value.strip() for name, value in node.attributes.items() if name not in _STRUCTURE):
        return True
    return any(is_filled(child) for child in node.elements())


def shown(step: str) -> str:
    """Return a step of a path without namespace prefixes, as a finding names it."""
    return _PREFIX.sub("", step)


def _rule(holder: Node, rule: PlaceRule) -> Iterator[Finding]:
    is_attribute = rule.step.startswith("@")
    nodes = holder.select(rule.step)
    filled = [node for node in nodes if (node.text() if is_attribute else is_filled(node))]
    # What has a nullFlavor has no attributes to miss.
    if not (is_attribute and holder.has_null_flavor):
        yield from _count(holder, rule, len(filled))
    for node in filled:
        if not is_attribute and node.has_null_flavor:
            if not rule.nulls:
                yield kinds.NULL_FORBIDDEN.at(node.place, clause=rule.clause)
        else:
            yield from _value(node, rule)


def _count(holder: Node, rule: PlaceRule, count: int) -> Iterator[Finding]:
    for text, severity in ((rule.card, Severity.ERROR), (rule.strict, Severity.WARNING)):
        if text is None:
            continue
        times = Times.of(text)
        if count < times.least:
            yield _missing(holder, rule.step, rule.clause, severity)
            return
        if times.most is not None and count > times.most:
            place = f"{holder.place}/{shown(rule.step)}"
            yield kinds.TOO_MANY.at(
                place,
                clause=rule.clause,
                severity=severity,
                element=shown(rule.step),
                count=str(count),
                most=str(times.most),
            )
            return


def _missing(holder: Node, step: str, clause: str, severity: Severity) -> Finding:
    element = shown(step)
    place = f"{holder.place}/{element.partition('[')[0]}"
    issue = faults.header_element_missing(place, element)
    return Finding(replace(issue, severity=severity), clause, Layer.PROFILE)


def _value(node: Node, rule: PlaceRule) -> Iterator[Finding]:
    text = node.text()
    if rule.values and text not in rule.values:
        expected = ", ".join(rule.values)
        yield kinds.WRONG_VALUE.at(
            node.place, clause=rule.clause, severity=rule.severity, expected=expected
        )
    form = FORMS.get(rule.form)
    if form is not None and not form.fits(text):
        yield kinds.WRONG_FORM.at(
            node.place, clause=rule.clause, severity=rule.severity, form=form.title
        )


def _choice(document: Document, choice: Choice) -> Iterator[Finding]:
    times = Times.of(choice.card)
    for holder in document.select(choice.under):
        if holder.has_null_flavor:
            continue
        present = [name for name in choice.of if any(map(is_filled, holder.children(name)))]
        if times.least <= len(present) and (times.most is None or len(present) <= times.most):
            continue
        wanted = "exactly one" if times.least else "one at most"
        yield kinds.NOT_ONE_OF.at(
            holder.place,
            clause=choice.clause,
            count=str(len(present)),
            names=", ".join(choice.of),
            wanted=wanted,
        )


def _order(document: Document, order: Order) -> Iterator[Finding]:
    rank = {name: at for at, name in enumerate(order.of)}
    holders = [document.root] if order.under == "." else document.select(order.under)
    for holder in holders:
        furthest = -1
        for child in holder.elements():
            at = rank.get(child.name)
            if at is None:
                continue
            if at < furthest:
                yield kinds.NOT_IN_PLACE.at(
                    child.place,
                    clause=order.clause,
                    element=child.name,
                    order=", ".join(order.of),
                )
            furthest = max(furthest, at)


def _null_flavors(document: Document, header: Header) -> Iterator[Finding]:
    expected = ", ".join(header.null_flavors)
    for child in document.root.elements():
        if child.name == "component":
            continue
        for node in (child, *child.select("descendant::*")):
            said = node.get("nullFlavor")
            if said and said not in header.null_flavors:
                yield kinds.NULL_FOREIGN.at(
                    f"{node.place}/@nullFlavor", clause=header.null_clause, expected=expected
                )
