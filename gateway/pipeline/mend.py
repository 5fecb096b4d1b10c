"""What becomes of an input whose resources break their FHIR shape: mended, or set aside.

A single value that its FHIR type does not allow (a code with two spaces, a name of invisible
characters) is left out and told at the field it came from; the rest of the input is kept. What
is required and missing sets the input aside.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import structlog

from gateway.core.contributions import Contribution, Json, Kind, TraceLine
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.messages import InboxStatus
from gateway.fhir import findings, shape
from gateway.pipeline.folds import fold_alone
from gateway.pipeline.prepared import Converting, Prepared

_log = structlog.get_logger()
#: Faults of one value; the others are faults of what is around it.
_OF_A_VALUE = frozenset(
    kind.code
    for kind in (findings.TYPE, findings.FORMAT, findings.CODE, findings.REFERENCE, findings.EMPTY)
)
_GONE = object()
#: What says nothing once the value beside it is gone.
_EMPTY_FRAMES = ({"url"}, {"system"}, {"use"}, {"system", "use"}, {"system", "type"})


def after_refusal(converter: Converting, item: Prepared, error: RejectedError) -> Prepared:
    """Return what to store of an input that the store refused.

    Args:
        converter: made `item`.
        item: converted; its folded resources break their shape.
        error: why.

    Returns:
        The input without the values that are at fault, or in quarantine when it is not they.
    """
    if mended := _mended(converter, item):
        return mended
    _log.warning("message_quarantined", code=error.issues[0].code)
    return replace(
        item,
        status=InboxStatus.QUARANTINED,
        contributions=(),
        issues=(*item.issues, *error.issues),
        location="",
    )


def fit_alone(converter: Converting, item: Prepared) -> Prepared:
    """Return an input as the store would keep it if there were no other."""
    while item.status is InboxStatus.CONVERTED and (wrong := _misshapen(item)):
        item = after_refusal(converter, item, RejectedError(wrong))
    return item


def _misshapen(item: Prepared) -> list[Issue]:
    return [
        issue
        for resource in fold_alone(item.contributions)
        for issue in shape.check(resource)
        if issue.severity.refuses
    ]


def _mended(converter: Converting, item: Prepared) -> Prepared | None:
    trace: Sequence[TraceLine] | None = None
    parts: list[Contribution] = []
    issues: list[Issue] = []
    for part in item.contributions:
        faults = list(_faults(part.resource))
        said = _said(part)
        moved = list(_faults(said)) if said else []
        if not (faults or moved) or part.kind is Kind.ONCE:
            parts.append(part)
            continue
        trace = converter.explain(item.opened) if trace is None else trace
        name = f"{part.target.type}/{part.target.id}"
        told = [line for line in trace if line.resource == name]
        issues += [_left_out(one, _source(one, told)) for one in (*faults, *moved)]
        kept = _without(part.resource, [_steps(one.where) for one in faults])
        parts.append(replace(part, resource=kept, movement=_row_without(part, said, moved)))
    if not issues:
        return None
    return replace(item, contributions=tuple(parts), issues=(*item.issues, *issues))


def _said(part: Contribution) -> Json | None:
    """Return what a movement says of its stay, as the partial resource it becomes a part of."""
    said = (part.movement or {}).get("said")
    return {"resourceType": part.target.type, "id": part.target.id, **said} if said else None


def _row_without(part: Contribution, said: Json | None, faults: Sequence[Issue]) -> Json | None:
    """Return the row of the movement without the faulty values of what it says."""
    if part.movement is None or said is None or not faults:
        return part.movement
    kept = _without(said, [_steps(one.where) for one in faults])
    mended = {name: value for name, value in kept.items() if name not in ("resourceType", "id")}
    return {**part.movement, "said": mended}


def _faults(resource: Json) -> Iterator[Issue]:
    """Yield what is wrong with single values of a resource."""
    return (one for one in shape.check(resource) if one.code in _OF_A_VALUE)


def _steps(where: str) -> list[str | int]:
    """Split `Patient.name[0].family` into its steps below the type."""
    steps: list[str | int] = []
    for piece in where.split(".")[1:]:
        name, _, index = piece.partition("[")
        steps.append(name)
        steps += [int(number) for number in index.rstrip("]").split("][")] if index else []
    return steps


def _without(resource: Json, places: Sequence[Sequence[str | int]]) -> Json:
    """Return a copy without the values at these places, nor what says nothing without them."""
    copy: Any = _copied(resource)
    for steps in places:
        node = copy
        for step in steps[:-1]:
            node = node[step] if node is not _GONE else _GONE
        if node is not _GONE and steps:
            node[steps[-1]] = _GONE
            if steps[-1] == "code" and "display" not in node:
                node.pop("system", None)
    kept: Json = _swept(copy)
    return kept


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _swept(value: Any) -> Any:
    """Drop what was taken out, and what is empty or a mere frame because of it."""
    if isinstance(value, dict):
        kept = {name: _swept(item) for name, item in value.items()}
        kept = {name: item for name, item in kept.items() if item is not _GONE}
        bare = not kept or (len(kept) < len(value) and set(kept) in _EMPTY_FRAMES)
        return _GONE if bare else kept
    if isinstance(value, list):
        return [item for item in map(_swept, value) if item is not _GONE] or _GONE
    return value


def _source(fault: Issue, told: Sequence[TraceLine]) -> str:
    """Return the field a faulty value came from, its FHIR place when the trace has none."""
    place = fault.where.partition(".")[2]
    above = [
        line
        for line in told
        if place == line.target or place.startswith((f"{line.target}.", f"{line.target}["))
    ]
    read = [line for line in above if line.source not in ("", "constant")]
    return max(read, key=lambda line: len(line.target)).source if read else fault.where


def _left_out(fault: Issue, source: str) -> Issue:
    return Issue(
        code="RLS-MAP-092",
        severity=Severity.WARNING,
        where=source,
        what=f"the value for {fault.where} is left out: {fault.what}",
        fix=f"Correct the field and send the message again. {fault.fix}",
        hl7_code=102,
    )
