"""Turns the results of a plan into contributions: joined, versioned, with what replaces what.

Does not map values (`mappings/cda`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from gateway.cda import faults
from gateway.cda.context import Context
from gateway.cda.coverage import coverage, unread
from gateway.cda.replaced import words_on_others
from gateway.cda.stay import same_stay
from gateway.core.contributions import (
    Contribution,
    Kind,
    Mapped,
    Target,
    TraceLine,
    Version,
)
from gateway.core.errors import RejectedError
from gateway.fhir.versions import VERSIONED
from gateway.mapping.engine import Result

_SHARED = frozenset({"Organization", "Practitioner", "PractitionerRole", "Location"})
_ONCE = frozenset({"Binary", "Provenance"})
#: What says more the more blocks name somebody: numbers, professions, ways to reach them.
_UNITED = ("identifier", "code", "specialty", "telecom", "address")
#: The message calls the document something else than the document itself does.
FLAG_TYPE_DIFFERS = "document-type-differs"


def contributions_of(results: Sequence[Result], context: Context, version: Version) -> Mapped:
    """Make the contributions of one document.

    Raises:
        RejectedError: a required value is missing.
    """
    issues = [issue for result in results for issue in result.issues]
    if any(issue.severity.refuses for issue in issues):
        raise RejectedError(issues)
    # Two resources may read one field: what is wrong with it is said once.
    mapped = Mapped(flags=_flags(context), issues=list(dict.fromkeys((*issues, *context.issues))))
    for result in _joined(results):
        # A resource of which only the id is known says nothing.
        if len(result.resource) > 2:
            mapped.contributions.append(_contribution(result, context, version, mapped))
            mapped.trace += result.trace
    _number(mapped.contributions)
    mapped.contributions += words_on_others(context, version, mapped.trace)
    mapped.contributions += _same_stay(context, version, mapped.trace)
    _aim_provenance(mapped)
    lost = [statement.place for statement in unread(context)]
    if lost:
        mapped.issues.append(faults.unused_entries(context.document.place, lost))
    if mapped.trace:
        mapped.coverage = coverage(context)
    return mapped


def _contribution(
    result: Result, context: Context, version: Version, mapped: Mapped
) -> Contribution:
    resource = result.resource
    type_ = resource["resourceType"]
    target = Target(type_, resource["id"])
    kind = Kind.SHARED if type_ in _SHARED else Kind.ONCE if type_ in _ONCE else Kind.OWN
    if type_ == "Provenance" and context.makes_stay:
        # It points to an Encounter that may give way to the stay of a message.
        kind = Kind.OWN
    if _is_background(result, context):
        # What fills is ordered by the documents, however late one of them is sent.
        version = version._replace(sent_at=version.recorded_at).background()
    document = context.document_key if type_ in VERSIONED else ""
    return Contribution(
        target,
        version,
        resource,
        removals=result.removals,
        kind=kind,
        document=document,
        told_in=context.reference.id if kind is Kind.OWN else "",
    )


def _is_background(result: Result, context: Context) -> bool:
    """Tell whether the document is not the master of what it says here.

    Identity comes from the identity feed and the stay from its movements; a document fills what
    they leave empty. The médecin traitant is news of its own date.
    """
    if result.plan == "sections/header.patient":
        return True
    known = context.envelope is not None and context.envelope.stay is not None
    return known and result.resource["resourceType"] == "Encounter"


def _number(contributions: list[Contribution]) -> None:
    """Give contributions to one target their order in the input."""
    seen: dict[Target, int] = {}
    for at, part in enumerate(contributions):
        ordinal = seen.get(part.target, 0)
        seen[part.target] = ordinal + 1
        if ordinal:
            contributions[at] = replace(part, ordinal=ordinal)


def _joined(results: Sequence[Result]) -> Iterable[Result]:
    """Join what several blocks say of one professional or structure; the first name is kept.

    Spec: an identifier shared by two people proves nothing, so no name overwrites another; a
    structure of several names has aliases.
    """
    known: dict[tuple[str, str], Result] = {}
    for result in results:
        resource = result.resource
        key = (resource["resourceType"], resource["id"])
        if key[0] not in _SHARED:
            yield result
            continue
        first = known.get(key)
        if first is None:
            known[key] = result
            continue
        if key[0] == "Organization":
            _alias(first, result)
        _complete(first, result)
    yield from known.values()


def _alias(first: Result, later: Result) -> None:
    """Keep another name of a structure beside its first one."""
    name, other = first.resource.get("name"), later.resource.get("name")
    if not name or not other or other.casefold() == name.casefold():
        return
    aliases: list[str] = first.resource.setdefault("alias", [])
    if other in aliases:
        return
    line = next((line for line in later.trace if line.target == "name"), None)
    if line is not None:
        place = f"alias[{len(aliases)}]"
        first.trace.append(TraceLine(line.resource, place, line.source, line.via, line.spec))
    aliases.append(other)


def _complete(first: Result, later: Result) -> None:
    """Add to the first block what it lacks, and further professions."""
    trace = {line.target: line for line in later.trace}
    for element, value in later.resource.items():
        if element not in first.resource:
            first.resource[element] = value
            first.trace += [line for path, line in trace.items() if _is_below(path, element)]
        elif element in _UNITED:
            _unite(first, later, element, trace)


def _unite(first: Result, later: Result, element: str, trace: dict[str, TraceLine]) -> None:
    present: list[Any] = first.resource[element]
    for at, item in enumerate(later.resource[element]):
        if item in present:
            continue
        line = trace.get(f"{element}[{at}]")
        if line is not None:
            moved = f"{element}[{len(present)}]"
            first.trace.append(TraceLine(line.resource, moved, line.source, line.via, line.spec))
        present.append(item)


def _is_below(path: str, element: str) -> bool:
    return path == element or path.startswith((f"{element}[", f"{element}."))


def _same_stay(context: Context, version: Version, trace: list[TraceLine]) -> list[Contribution]:
    said = same_stay(context, version)
    if said is None:
        return []
    if trace:
        name = f"{said.target.type}/{said.target.id}"
        trace += [
            TraceLine(name, element, "PV1-19", "same_stay", "CI-SIS CDA in HL7 v2, PV1-19")
            for element in ("id", "extension")
        ]
    return [said]


def _aim_provenance(mapped: Mapped) -> None:
    """Let the Provenance target every resource the document makes or adds to.

    Not what it only annotates: that may never have come here.

    Spec: FHIR R4 Provenance.target 1..*.
    """
    names = dict.fromkeys(
        f"{part.target.type}/{part.target.id}"
        for part in mapped.contributions
        if part.target.type != "Provenance" and not part.annotates
    )
    for part in mapped.contributions:
        if part.target.type == "Provenance":
            part.resource["target"] = [{"reference": name} for name in names]
            if mapped.trace:
                name = f"Provenance/{part.target.id}"
                line = TraceLine(
                    name, "target", "constant", "contributed", "FHIR R4 Provenance.target"
                )
                mapped.trace.append(line)


def _flags(context: Context) -> list[str]:
    noticed = list(context.noticed)
    envelope = context.envelope
    code = context.document.root.child("code")
    if envelope is not None and envelope.type_code and code is not None:
        # The document says what it is; the message repeats it.
        noticed += [FLAG_TYPE_DIFFERS] if code.get("code") != envelope.type_code else []
    return noticed
