"""Judges FHIR resources: shape, models, profiles, value sets; the report of `relais validate`.

FHIR is judged strictly: what a lenient client would take is told all the same.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.conformance.finding import WORST_FIRST, Check, Finding, Layer, Report
from gateway.conformance.packages import Package, definitions_of
from gateway.core.issues import Issue, Severity
from gateway.fhir import shape
from gateway.fhir.profiles.judge import Judge
from gateway.fhir.profiles.kinds import ProfileFinding
from gateway.fhir.profiles.terminology import Coded, Members

Json = dict[str, Any]

_R4 = "FHIR R4 4.0.1"


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found in one resource.

    Attributes:
        type: of the resource, empty when it could not be read.
        findings: worst first.
    """

    type: str
    id: str
    findings: tuple[Finding, ...]


class ResourceJudge:
    """Judges resources by the profiles they claim and those that are asked for."""

    def __init__(self, packages: Iterable[Package]) -> None:
        """Compile nothing yet: profiles are compiled when a resource claims them."""
        loaded = list(packages)
        self._checks = tuple(
            Check("profiles", one.name, version=one.version, digest=one.digest) for one in loaded
        ) or (Check("profiles", "", ran=False, note="no package is loaded: relais packages add"),)
        definitions = definitions_of(loaded)
        self._judge = Judge(definitions)
        self._members = Members(definitions)

    def codes_of(self, value_set: str) -> frozenset[Coded] | None:
        """Return (system, code) of a value set; None when it cannot be listed."""
        return self._members.of(value_set)

    def report(self, raw: bytes, name: str) -> Report:
        """Judge the bytes of one input, JSON or XML."""
        judged = self.judge(raw)
        return Report(
            name=name,
            message_type=judged.type,
            control_id=judged.id,
            answer="",
            findings=judged.findings,
            checks=self._checks,
        )

    def judge(self, raw: bytes, profiles: Iterable[str] = ()) -> Judged:
        """Judge the bytes of one resource; never fails, whatever they are.

        Args:
            raw: JSON or XML.
            profiles: canonicals to judge by, beside those it claims.
        """
        try:
            resource = read(raw)
        except ValueError as error:
            return Judged("", "", (_of_bytes(str(error)),))
        return self.judge_resource(resource, profiles)

    def judge_resource(self, resource: Json, profiles: Iterable[str] = ()) -> Judged:
        """Judge a resource that is read already."""
        found = [Finding(issue, _R4, Layer.SHAPE) for issue in shape.check(resource)]
        if not found:
            found += [Finding(one, _R4, Layer.SECOND_OPINION) for one in shape.full(resource)]
            told = self._judge.findings(resource, profiles=profiles)
            found += [_finding(one) for one in told]
        found.sort(key=lambda one: WORST_FIRST.index(one.issue.severity))
        type_, id_ = resource.get("resourceType"), resource.get("id")
        return Judged(
            type_ if isinstance(type_, str) else "",
            id_ if isinstance(id_, str) else "",
            tuple(found),
        )


def read(raw: bytes) -> Json:
    """Read a resource.

    Raises:
        ValueError: the bytes are neither JSON nor FHIR XML; says where, never what.
    """
    text = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return shape.from_xml(text)
    try:
        content = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", 0)
        raise ValueError(f"the JSON cannot be read (line {line})") from None
    except RecursionError:
        msg = "the JSON is nested too deeply"
        raise ValueError(msg) from None
    if not isinstance(content, dict):
        msg = "the JSON is not one object"
        raise ValueError(msg)
    return content


def _once(pairs: list[tuple[str, Any]]) -> Json:
    """Refuse an object that says one name twice: readers differ in which they believe."""
    made = dict(pairs)
    if len(made) != len(pairs):
        msg = "an object of the JSON names one element twice"
        raise ValueError(msg)
    return made


def _no_constant(_name: str) -> Any:
    msg = "the JSON holds NaN or an infinity"
    raise ValueError(msg)


def _of_bytes(what: str) -> Finding:
    issue = Issue(
        code="RLS-FHR-231",
        severity=Severity.FATAL,
        where="",
        what=f"{what}.",
        fix="Send one FHIR resource as JSON or XML, in UTF-8.",
    )
    return Finding(issue, _R4, Layer.READER)


def _finding(one: ProfileFinding) -> Finding:
    name = one.profile.rpartition("/")[2]
    clause = f"{name} {one.element}".strip() if one.profile else "Relais"
    layer = Layer.VALUE_SET if one.issue.code in _OF_VALUE_SETS else Layer.PROFILE
    return Finding(one.issue, clause, layer)


_OF_VALUE_SETS = frozenset({"RLS-FHR-207", "RLS-FHR-208", "RLS-FHR-209"})
