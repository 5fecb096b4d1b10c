"""Every problem the mapping package can report, one function a code.

`RLS-MAP` is about an input that a rule cannot map; `RLS-CFG` about a mapping or site file.
"""

from collections.abc import Iterable

from gateway.core.issues import Issue, Severity
from gateway.core.nearest import nearest_hint

#: HL7 table 0357.
_REQUIRED_FIELD_MISSING = 101
_DATA_TYPE_ERROR = 102
_TABLE_VALUE_NOT_FOUND = 103


def no_value(where: str, target: str, spec: str) -> Issue:
    """Say that a required rule found nothing usable."""
    clause = f" ({spec})" if spec else ""
    return Issue(
        code="RLS-MAP-001",
        severity=Severity.ERROR,
        where=where,
        what=f"no usable value for {target}.",
        fix=f"Send {where}{clause}.",
        hl7_code=_REQUIRED_FIELD_MISSING,
    )


def unknown_code(where: str, conceptmap: str, required: bool) -> Issue:
    """Say that a code is not in its concept map; the code is not quoted."""
    return Issue(
        code="RLS-MAP-002",
        severity=Severity.ERROR if required else Severity.WARNING,
        where=where,
        what=f"this code is not in the concept map '{conceptmap}'.",
        fix="Send a code of the table, or add the local code to the site file.",
        hl7_code=_TABLE_VALUE_NOT_FOUND,
    )


def wrong_type(where: str, target: str, fhir_type: str, required: bool) -> Issue:
    """Say that a text cannot be written where FHIR wants a boolean or a number."""
    return Issue(
        code="RLS-MAP-003",
        severity=Severity.ERROR if required else Severity.WARNING,
        where=where,
        what=f"the value cannot be written to {target}, which is of type {fhir_type}.",
        fix=f"Send a value that reads as {fhir_type}.",
        hl7_code=_DATA_TYPE_ERROR,
    )


def not_yaml(where: str, reason: str) -> Issue:
    """Say that a file is not YAML as read here."""
    return Issue(
        code="RLS-CFG-002",
        severity=Severity.FATAL,
        where=where,
        what=f"the file cannot be read: {reason}.",
        fix="Correct the line: plain YAML, UTF-8, spaces, no tag, no key twice.",
    )


def wrong_key(where: str, key: str, reason: str, known: Iterable[str] = ()) -> Issue:
    """Say that a key is unknown, missing or holds a value of the wrong form."""
    return Issue(
        code="RLS-CFG-003",
        severity=Severity.FATAL,
        where=where,
        what=f"key '{key}': {reason}{nearest_hint(key.rpartition('.')[2], known)}.",
        fix="Correct the key; docs/reference holds the vocabulary of this file.",
    )


def unknown_converter(where: str, name: str, known: Iterable[str]) -> Issue:
    """Say that `via` names no converter."""
    return Issue(
        code="RLS-CFG-004",
        severity=Severity.FATAL,
        where=where,
        what=f"key 'via': converter '{name}' is unknown{nearest_hint(name, known)}.",
        fix="Correct the name, or add the converter to the adapter.",
    )


def unknown_conceptmap(where: str, name: str, known: Iterable[str]) -> Issue:
    """Say that `map` names no concept map."""
    return Issue(
        code="RLS-CFG-005",
        severity=Severity.FATAL,
        where=where,
        what=f"key 'map': concept map '{name}' is unknown{nearest_hint(name, known)}.",
        fix="Correct the name, or add the file to mappings/conceptmaps.",
    )


def unknown_target(where: str, path: str, known: Iterable[str]) -> Issue:
    """Say that `to` is no element of the resource."""
    nearest = nearest_hint(path.rpartition(".")[2], known)
    return Issue(
        code="RLS-CFG-006",
        severity=Severity.FATAL,
        where=where,
        what=f"key 'to': FHIR R4 has no place '{path}'{nearest}.",
        fix="Correct the path: dotted element names, an index in brackets when needed.",
    )


def bad_source(where: str, key: str, path: str, reason: str) -> Issue:
    """Say that a place in the input is not well formed."""
    return Issue(
        code="RLS-CFG-007",
        severity=Severity.FATAL,
        where=where,
        what=f"key '{key}': '{path}' is not a place in the input: {reason}.",
        fix="Write SEG-n[.m[.k]] for HL7 v2, or a relative XPath without '//' for CDA.",
    )


def unknown_fragment(where: str, name: str, known: Iterable[str]) -> Issue:
    """Say that `use` names no fragment."""
    return Issue(
        code="RLS-CFG-008",
        severity=Severity.FATAL,
        where=where,
        what=f"key 'use': fragment '{name}' is unknown{nearest_hint(name, known)}.",
        fix="Correct the name: <folder>/<file>.<key>.",
    )


def contradictory_rule(where: str, reason: str) -> Issue:
    """Say that the keys of a rule exclude each other."""
    return Issue(
        code="RLS-CFG-009",
        severity=Severity.FATAL,
        where=where,
        what=f"the rule contradicts itself: {reason}.",
        fix="Keep `from` with `via`, or `value` alone.",
    )


def no_spec(where: str, target: str) -> Issue:
    """Say that a rule cites no clause."""
    return Issue(
        code="RLS-CFG-010",
        severity=Severity.FATAL,
        where=where,
        what=f"the rule for '{target}' has no 'spec'.",
        fix="Cite the clause of the specification that asks for this value.",
    )


def unknown_event(where: str, name: str, known: Iterable[str]) -> Issue:
    """Say that a fact plan names no event."""
    return Issue(
        code="RLS-PTH-095",
        severity=Severity.FATAL,
        where=where,
        what=f"key 'event': '{name}' is no event of the alphabet{nearest_hint(name, known)}.",
        fix="Write a name of core/events.py; a family 'DOC.*' goes with 'name', and only so.",
    )


def unknown_attribute(where: str, name: str, known: Iterable[str]) -> Issue:
    """Say that a fact of this family has no such attribute."""
    return Issue(
        code="RLS-PTH-096",
        severity=Severity.FATAL,
        where=where,
        what=f"key 'to': facts of this event have no attribute '{name}'"
        f"{nearest_hint(name, known)}.",
        fix="Write a name of core/events.py, ATTRIBUTES.",
    )


def defined_twice(where: str, name: str, other: str) -> Issue:
    """Say that two files define the same name."""
    return Issue(
        code="RLS-CFG-011",
        severity=Severity.FATAL,
        where=where,
        what=f"'{name}' is already defined in {other}.",
        fix="Keep one of the two.",
    )


def unused(where: str, kind: str, name: str) -> Issue:
    """Say that nothing uses a converter, a concept map or a fragment."""
    return Issue(
        code="RLS-CFG-012",
        severity=Severity.ERROR,
        where=where,
        what=f"{kind} '{name}' is used by no mapping.",
        fix="Remove it, or use it.",
    )


def misplaced_file(where: str, reason: str) -> Issue:
    """Say that a file is not where its content or name belongs."""
    return Issue(
        code="RLS-CFG-013",
        severity=Severity.FATAL,
        where=where,
        what=f"{reason}.",
        fix="Rename or move the file.",
    )


def unknown_charset(site: str) -> Issue:
    """Say that a site names a character set that cannot be read."""
    return Issue(
        code="RLS-CFG-020",
        severity=Severity.FATAL,
        where=f"site {site}, charset",
        what="the character set is not one of HL7 table 0211 that is read here.",
        fix="Write UNICODE UTF-8, 8859/15, 8859/1, or leave the key out.",
    )
