"""What of an input is shown to operators before somebody says why they have to read it.

A list of what may be shown, not of what is hidden: a field nobody thought of is hidden. What
stays are places, codes, dates of the message and the structure; names, numbers, addresses, free
texts and results are `HIDDEN`, of one length whatever stands there (security, data minimisation:
GDPR art. 5.1 c, CNIL recommendation on logging 2021).
"""

from collections.abc import Mapping, Sequence

from gateway.entry.web.data import Trace

#: Stands for a value.
HIDDEN = "●●●●●"
#: Every field of the segment.
_ALL = frozenset(range(1, 100))
_SHOWN: Mapping[str, frozenset[int]] = {
    "MSH": _ALL - {8},
    "MSA": _ALL,
    "ERR": _ALL,
    "SFT": _ALL,
    "EVN": frozenset({1, 2, 3, 4, 6, 7}),
    "PID": frozenset({1, 32}),
    "PV1": frozenset({1, 2, 3, 4, 6, 10, 11, 14, 15, 18, 36, 37, 41, 42, 44, 45}),
    "PV2": frozenset({1, 8, 9, 38}),
    "ZBE": _ALL,
    "ZFM": _ALL,
    "ZFA": frozenset({1}),
    "TXA": frozenset({1, 2, 3, 4, 6, 7, 8, 17, 18, 19}),
    "ORC": frozenset({1, 5, 9, 15}),
    "OBR": frozenset({1, 4, 7, 22, 24, 25}),
    "OBX": frozenset({1, 2, 3, 4, 6, 11, 14}),
    "SCH": frozenset({11, 25}),
    "RGS": frozenset({1}),
    "AIS": frozenset({1, 4}),
    "AIL": frozenset({1, 3}),
    "DG1": frozenset({1, 2, 6}),
    "AL1": frozenset({1, 2}),
    "NTE": frozenset({1}),
    "NK1": frozenset({1}),
    "IN1": frozenset({1}),
    "ROL": frozenset({2, 3}),
    "PRT": frozenset({2, 4}),
}
#: Last names of elements whose values tell nobody apart.
_LEAVES = frozenset(
    {
        "active", "code", "end", "id", "intent", "lastUpdated", "occurredDateTime", "priority",
        "profile", "recorded", "reference", "role", "start", "status", "system", "type",
        "unit", "url", "use", "version",
    }
)  # fmt: skip
_PERSONAL = ("Patient", "RelatedPerson", "Practitioner", "Binary")


def is_shown(segment: str, number: int) -> bool:
    """Tell whether a field is shown before its message is revealed."""
    return number in _SHOWN.get(segment, frozenset())


def shows_trace(line: Trace, anchors: Sequence[str]) -> bool:
    """Tell whether a value of the trace is shown: when all it comes from is.

    Args:
        line: of the trace.
        anchors: ids of the fields it comes from, `f-PID-1-7`.
    """
    if not anchors or line.resource.partition("/")[0] in _PERSONAL:
        return False
    parts = [anchor.split("-") for anchor in anchors]
    return all(is_shown(segment, int(number)) for _, segment, _, number in parts)


def shows_leaf(type_: str, path: str) -> bool:
    """Tell whether a value of a resource is shown in a comparison.

    Args:
        type_: of the resource.
        path: of the leaf, `period.start`, `identifier[0].value`.
    """
    if type_ in _PERSONAL:
        return path in ("active", "id", "resourceType") or path.startswith("meta.")
    if path.startswith("meta.") or path == "resourceType":
        return True
    return path.rpartition(".")[2].partition("[")[0] in _LEAVES
