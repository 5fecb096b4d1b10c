"""What two mapping trees, or two site tables, make of one input: the difference, value by value."""

from typing import Any

from gateway.core.contributions import Json
from gateway.entry.bench.explained import leaves
from gateway.entry.bench.jobs import Compare, Differences, Look
from gateway.entry.bench.studies import Made, Studies
from gateway.entry.web.ops.values import LeafChange, ResourceChange

_MOST, _LEAVES = 40, 80


def differences(studies: Studies, job: Compare) -> Differences:
    """Convert an input in two ways.

    Raises:
        FatalError: a mapping file is wrong, or there is no such site.
    """
    before, after = (
        studies.made(Look(job.body, job.kind, job.now, side.site, side.tree))
        for side in (job.before, job.after)
    )
    old, new = _by_name(before), _by_name(after)
    names = list(dict.fromkeys((*old, *new)))
    changed = [one for name in names if (one := _change(name, old.get(name), new.get(name)))]
    refusing = [i for i in after.prepared.issues if i.severity.refuses]
    return Differences(
        before.prepared.status.value,
        after.prepared.status.value,
        tuple((issue.code, issue.where) for issue in refusing),
        tuple(changed[:_MOST]),
        max(0, len(changed) - _MOST),
        len(names) - len(changed),
    )


def _by_name(made: Made) -> dict[str, Json]:
    return {f"{one['resourceType']}/{one['id']}": one for one in made.resources}


def _change(name: str, old: Json | None, new: Json | None) -> ResourceChange | None:
    before, after = _leaves(old), _leaves(new)
    found = [
        LeafChange(path, before.get(path), after.get(path))
        for path in dict.fromkeys((*before, *after))
        if before.get(path) != after.get(path)
    ]
    if not found:
        return None
    type_, _, id_ = name.partition("/")
    return ResourceChange(type_, id_, old is None, new is None, tuple(found[:_LEAVES]))


def _leaves(resource: dict[str, Any] | None) -> dict[str, str]:
    return dict(leaves("", resource)) if resource else {}
