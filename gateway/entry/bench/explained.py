"""Values of resources grouped by what explains them, and where they come from in the input."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from gateway.core.contributions import Json, TraceLine
from gateway.entry.bench.study import Made, Value

#: A place as traces and findings write it: `PID`, `PID-3[1]`, `OBX[2]-5.1`.
_PLACE = re.compile(
    r"\b([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\[\d+\])?(?:\.\d+)*)?(?![A-Za-z0-9_])"
)
_XPATH = "/ClinicalDocument"
_LONGEST = 300
_LEAVES, _MADE = 40, 40

Resolve = Callable[[str], tuple[tuple[str, str], ...]]


def resolver(anchors: Mapping[str, str]) -> Resolve:
    """Return what cuts a source into words, each with the anchor of its row.

    Args:
        anchors: id of the row by place: `PID-1-3` and `PID-1` of a message, an XPath of a document.
    """

    def resolve(source: str) -> tuple[tuple[str, str], ...]:
        if source.startswith(_XPATH):
            return ((_short_path(source), _nearest(source, anchors)),)
        found: list[tuple[str, str]] = []
        end = 0
        for match in _PLACE.finditer(source):
            anchor = _anchor(match, anchors)
            if anchor:
                found += _words(source[end : match.start()])
                found.append((match[0], anchor))
                end = match.end()
        return (*found, *_words(source[end:]))

    return resolve


def _anchor(match: re.Match[str], anchors: Mapping[str, str]) -> str:
    segment = f"{match[1]}-{match[2] or 1}"
    whole = f"{segment}-{match[3]}" if match[3] else segment
    return anchors.get(whole) or anchors.get(segment, "")


def _words(text: str) -> list[tuple[str, str]]:
    return [(word, "")] if (word := text.strip(" ,")) else []


def _nearest(place: str, anchors: Mapping[str, str]) -> str:
    """Return the anchor of an element, else of the nearest one around it that is shown."""
    while place:
        if place in anchors:
            return anchors[place]
        place = place.rpartition("/")[0]
    return ""


def _short_path(place: str) -> str:
    steps = place.split("/")
    return "/".join(steps[-2:]) if len(steps) > 3 else place


def made_of(
    resources: Sequence[Json], trace: Iterable[TraceLine], resolve: Resolve
) -> tuple[tuple[Made, ...], int]:
    """Return resources with their values explained, and how many are left out."""
    lines: dict[str, list[TraceLine]] = {}
    for line in trace:
        lines.setdefault(line.resource, []).append(line)
    numbers = count(1)
    made = []
    for number, resource in enumerate(resources[:_MADE], 1):
        name = f"{resource['resourceType']}/{resource['id']}"
        values = tuple(_values(resource, lines.get(name, ()), resolve, numbers))
        made.append(Made(f"r-{number}", resource["resourceType"], resource["id"], values))
    return tuple(made), max(0, len(resources) - _MADE)


def _values(
    resource: Json, lines: Sequence[TraceLine], resolve: Resolve, numbers: Iterator[int]
) -> Iterator[Value]:
    told: dict[str, list[TraceLine]] = {}
    for line in lines:
        told.setdefault(line.target, []).append(line)
    grouped: dict[str, list[tuple[str, str]]] = {}
    said = {name: value for name, value in resource.items() if name != "resourceType"}
    for path, value in leaves("", said):
        target = _explaining(path, told)
        grouped.setdefault(target, []).append((path[len(target) :].lstrip("."), value))
    for target, found in grouped.items():
        known = told.get(target, ())
        sources = [part for line in known for part in resolve(line.source)]
        shown = found[:_LEAVES]
        if len(found) > _LEAVES:
            shown.append(("", f"… +{len(found) - _LEAVES}"))
        yield Value(
            f"v{next(numbers)}",
            target,
            tuple(shown),
            tuple(dict.fromkeys(sources)),
            _joined(line.via for line in known if line.via != "text"),
            _joined(line.spec for line in known),
        )


def _explaining(path: str, told: Mapping[str, object]) -> str:
    """Return the most precise target that explains a path; without one, its first step."""
    target = path
    while target:
        if target in told:
            return target
        cut = max(target.rfind("."), target.rfind("["))
        target = target[:cut] if cut > 0 else ""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield path and text of each leaf, in order."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from leaves(f"{path}.{name}" if path else name, below)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from leaves(f"{path}[{index}]", below)
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield path, text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _joined(words: Iterable[str]) -> str:
    return " ; ".join(dict.fromkeys(word for word in words if word))
