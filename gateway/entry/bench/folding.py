"""Which part of a study a page shows at once: a page stays small however long the input is.

Everything keeps its heading, and what points into a part that is not shown leads to its heading.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.entry.bench.study import Block, Made, Row, Study, Value

#: Elements of a page for findings, input and result; the rest of its 1,500 is the page itself.
_ROOM = 1240
#: Part of them for the input, once the findings have theirs.
_INPUT = 0.44
#: Elements of a finding.
_FINDING = 12
#: Elements of a heading.
_HEADING = 6
#: Headings of each side that are shown around what is asked for; findings that are.
_HEADINGS, _FINDINGS = 24, 30


@dataclass(frozen=True, slots=True)
class Window:
    """What a page shows of a study.

    Attributes:
        study: with the rows that are shown; its numbers stay those of the whole.
        folded: rows or values that are not shown, by the anchor of their heading.
        before: anchor of the heading to go back to on each side, `input` and `result`.
        behind: likewise, of the first heading that is left out behind.
        findings: how many of the findings are shown.
        resources: how many there are.
    """

    study: Study
    folded: Mapping[str, int]
    before: Mapping[str, str]
    behind: Mapping[str, str]
    findings: int
    resources: int


def window(study: Study, wanted: str = "", *, whole: bool = False) -> Window:
    """Return what a page shows.

    Args:
        study: all there is.
        wanted: anchor of a heading that is shown with all below it; `findings` for all of those.
        whole: nothing can be asked for, so everything is shown.
    """
    resources = len(study.made) + study.more
    if whole:
        return Window(study, {}, {}, {}, len(study.found), resources)
    before: dict[str, str] = {}
    behind: dict[str, str] = {}
    blocks = _around([one.anchor for one in study.blocks], wanted, "input", before, behind)
    made = _around([one.anchor for one in study.made], wanted, "result", before, behind)
    near = _near(study, wanted)
    findings = len(study.found) if wanted == "findings" else min(len(study.found), _FINDINGS)
    room = max(0, _ROOM - findings * _FINDING)
    inputs = {one.anchor: sum(map(_row_size, one.rows)) for one in study.blocks}
    results = {one.anchor: sum(map(_value_size, one.values)) for one in study.made}
    open_now = _fitting(blocks, inputs, wanted, near, room * _INPUT) | _fitting(
        made, results, wanted, near, room * (1 - _INPUT)
    )
    leads = _leads(study, open_now, {*blocks, *made})
    folded = {
        one.anchor: len(one.rows)
        for one in study.blocks
        if one.anchor in blocks and one.anchor not in open_now and one.rows
    } | {
        one.anchor: len(one.values)
        for one in study.made
        if one.anchor in made and one.anchor not in open_now
    }
    shown = replace(
        study,
        blocks=tuple(
            _block(one, one.anchor in open_now, leads)
            for one in study.blocks
            if one.anchor in blocks
        ),
        made=tuple(
            _made(one, one.anchor in open_now, leads) for one in study.made if one.anchor in made
        ),
        found=tuple(replace(one, anchor=leads.get(one.anchor, "")) for one in study.found),
    )
    return Window(shown, folded, before, behind, findings, resources)


def _around(
    anchors: list[str], wanted: str, side: str, before: dict[str, str], behind: dict[str, str]
) -> frozenset[str]:
    """Return the headings that are shown; note what lies before and behind them."""
    place = anchors.index(wanted) if wanted in anchors else 0
    start = place // _HEADINGS * _HEADINGS
    end = start + _HEADINGS
    if start:
        before[side] = anchors[start - _HEADINGS]
    if end < len(anchors):
        behind[side] = anchors[end]
    return frozenset(anchors[start:end])


def _near(study: Study, wanted: str) -> frozenset[str]:
    """Return the headings on the other side that what is wanted is tied to."""
    heading_of = _headings(study)
    told: set[str] = set()
    for block in study.blocks:
        if block.anchor == wanted:
            told.update(block.values, *(row.values for row in block.rows))
    for one in study.made:
        if one.anchor == wanted:
            told.update(*(value.anchors for value in one.values))
    return frozenset(heading_of[anchor] for anchor in told if anchor in heading_of)


def _headings(study: Study) -> dict[str, str]:
    """Return the heading of each row and value."""
    found = {row.anchor: block.anchor for block in study.blocks for row in block.rows}
    found |= {block.anchor: block.anchor for block in study.blocks}
    found |= {value.id: one.anchor for one in study.made for value in one.values}
    return found | {one.anchor: one.anchor for one in study.made}


def _fitting(
    shown: Iterable[str], sizes: Mapping[str, int], wanted: str, near: frozenset[str], room: float
) -> set[str]:
    """Return which headings are open: what is wanted, what it is tied to, then in order."""
    there = frozenset(shown)
    order = [anchor for anchor in sizes if anchor in there]
    order.sort(key=lambda anchor: (anchor != wanted, anchor not in near))
    left, found = room - _HEADING * len(order), set[str]()
    for anchor in order:
        if anchor == wanted or sizes[anchor] <= left:
            found.add(anchor)
            left -= sizes[anchor]
    return found


def _row_size(row: Row) -> int:
    parts = sum(bool(part.value) for part in row.parts)
    return 6 + parts + len(row.notes) + (not row.is_read)


def _value_size(value: Value) -> int:
    return 5 + len(value.sources) + bool(value.via or value.spec) + bool(value.anchors)


def _leads(study: Study, open_now: set[str], headings: set[str]) -> dict[str, str]:
    """Return where a link to each row or value leads: to it, or to what holds it."""
    return {
        anchor: anchor if heading in open_now else heading
        for anchor, heading in _headings(study).items()
        if heading in headings
    }


def _block(block: Block, is_open: bool, leads: Mapping[str, str]) -> Block:
    rows = tuple(replace(row, values=_led(row.values, leads)) for row in block.rows)
    return replace(block, values=_led(block.values, leads), rows=rows if is_open else ())


def _made(made: Made, is_open: bool, leads: Mapping[str, str]) -> Made:
    values = tuple(
        replace(value, sources=tuple((words, leads.get(at, "")) for words, at in value.sources))
        for value in made.values
    )
    return replace(made, values=values if is_open else ())


def _led(values: Iterable[str], leads: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(leads[one] for one in values if one in leads))
