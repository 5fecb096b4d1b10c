"""The flows between sectors and the trend by week, drawn on the server as SVG.

Both say nothing that the table beside them does not say; what is not told there is not drawn to
scale here. The width of a band is handoffs, its dark strip those that broke: read without colour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from gateway.entry.web.pilot.figures import Flow, Flows, Line
from gateway.entry.web.words import Words
from gateway.pathway.small_numbers import FLOOR

#: Units of the drawing: its width, a node, the gap between nodes, the rooms for words.
_WIDTH, _NODE, _GAP, _TOP, _SIDE = 1120.0, 14.0, 30.0, 16.0, 236.0
_NARROW, _NARROW_SIDE = 372.0, 92.0
_LEAST, _FULL = 5.0, 260.0
_CHART_W, _CHART_W_NARROW, _CHART_H, _LEFT, _BOTTOM = 640.0, 330.0, 190.0, 44.0, 28.0


@dataclass(slots=True)
class _Node:
    """A lane at one side: where it lies, and how much of it is drawn already."""

    x: float
    y: float
    height: float
    lane: str
    number: int | None
    used: float = 0.0


def sankey(flows: Flows, words: Words, *, narrow: bool = False) -> Markup:
    """Draw the flows from the lanes people leave to those where what is awaited shows."""
    width, side = (_NARROW, _NARROW_SIDE) if narrow else (_WIDTH, _SIDE)
    largest = sum(_drawn(flow.line) for flow in flows.flows)
    unit = _FULL / max(largest, 1.0)
    left = _column(flows.sources, flows.flows, side, unit, at_source=True)
    right = _column(flows.targets, flows.flows, width - side - _NODE, unit, at_source=False)
    height = _TOP + max(_bottom(left), _bottom(right))
    parts = [_band(flow, left[flow.source], right[flow.target], unit) for flow in flows.flows]
    for nodes, anchor in ((left, "end"), (right, "start")):
        parts += [_node(node, anchor, words, narrow=narrow) for node in nodes.values()]
    return Markup(
        '<svg class="sankey {}" viewBox="0 0 {:g} {:.0f}" role="img" aria-label="{}">{}</svg>'
    ).format(
        "narrow" if narrow else "wide", width, height, words("pilot.flows_alt"),
        Markup("").join(parts),
    )  # fmt: skip


def _drawn(line: Line) -> float:
    """Return how wide a flow is drawn, in handoffs: what is small is as wide as the floor."""
    return float(FLOOR if line.small else line.total)


def _column(
    numbers: Mapping[str, int | None],
    flows: Iterable[Flow],
    x: float,
    unit: float,
    *,
    at_source: bool,
) -> dict[str, _Node]:
    told = list(flows)
    nodes, y = {}, _TOP
    for lane, number in numbers.items():
        mine = [one for one in told if (one.source if at_source else one.target) == lane]
        height = sum(max(_drawn(one.line) * unit, _LEAST) for one in mine)
        nodes[lane] = _Node(x, y, height, lane, number)
        y += max(height, 16.0) + _GAP
    return nodes


def _bottom(nodes: Mapping[str, _Node]) -> float:
    return max((node.y + max(node.height, 16.0) for node in nodes.values()), default=0.0)


def _band(flow: Flow, left: _Node, right: _Node, unit: float) -> Markup:
    height = max(_drawn(flow.line) * unit, _LEAST)
    x0, x1 = left.x + _NODE, right.x
    y0, y1 = left.y + left.used, right.y + right.used
    left.used, right.used = left.used + height, right.used + height
    if flow.line.small:
        middle = height / 2
        curve = _curve(x0, y0 + middle, x1, y1 + middle)
        return Markup('<path class="few" d="M{}"/>').format(curve)
    shape = Markup('<path class="flow-{}" d="{}"/>').format(
        flow.source, _ribbon(x0, y0, x1, y1, height)
    )
    if flow.line.broken:
        strip = max(height * flow.line.rate.value, 1.5)
        low = height - strip
        shape += Markup('<path class="miss" d="{}"/>').format(
            _ribbon(x0, y0 + low, x1, y1 + low, strip)
        )
    return shape


def _curve(x0: float, y0: float, x1: float, y1: float) -> str:
    half = (x0 + x1) / 2
    return f"{x0:.1f} {y0:.1f}C{half:.1f} {y0:.1f} {half:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"


def _ribbon(x0: float, y0: float, x1: float, y1: float, height: float) -> str:
    half = (x0 + x1) / 2
    back = f"C{half:.1f} {y1 + height:.1f} {half:.1f} {y0 + height:.1f} {x0:.1f} {y0 + height:.1f}Z"
    return f"M{_curve(x0, y0, x1, y1)}V{y1 + height:.1f}{back}"


def _node(node: _Node, anchor: str, words: Words, *, narrow: bool) -> Markup:
    x = node.x - 10 if anchor == "end" else node.x + _NODE + 10
    number = words("pilot.shut") if node.number is None else words.number(node.number)
    name = words(f"{'short' if narrow else 'lane'}.{node.lane}")
    return Markup(
        '<rect class="bar-{}" x="{:.1f}" y="{:.1f}" width="{:g}" height="{:.1f}" rx="2"/>'
        '<text x="{:.1f}" y="{:.1f}" text-anchor="{}"><tspan class="b">{}</tspan>'
        ' <tspan class="n">{}</tspan></text>'
    ).format(
        node.lane, node.x, node.y, _NODE, max(node.height, 2.0), x,
        node.y + max(node.height, 16.0) / 2 + 4, anchor, name, number,
    )  # fmt: skip


def trend(weeks: tuple[Line, ...], words: Words, *, narrow: bool = False) -> Markup:
    """Draw which part broke in each week, with its interval; a week that is not told is a gap."""
    top = max([line.rate.high for line in weeks if not line.small and line.total] or [1.0])
    top = min(1.0, max(0.1, round(top * 10 + 0.499) / 10))
    width = _CHART_W_NARROW if narrow else _CHART_W
    plot_w, plot_h = width - _LEFT - 10, _CHART_H - _BOTTOM - 10

    def x(place: int) -> float:
        return _LEFT + (place + 0.5) * plot_w / max(len(weeks), 1)

    def y(rate: float) -> float:
        return 10 + plot_h * (1 - min(rate, top) / top)

    parts = [_gridline(rate, y(rate), width, words) for rate in (0.0, top / 2, top)]
    path, pen = "", "M"
    step = max(1, len(weeks) // (4 if narrow else 6))
    for place, line in enumerate(weeks):
        if place % step == 0:
            day = line.key[8:10] + "/" + line.key[5:7]
            parts.append(
                Markup('<text class="tick" x="{:.1f}" y="{:g}" text-anchor="middle">{}</text>')
                .format(x(place), _CHART_H - 8, day)
            )  # fmt: skip
        if line.small or not line.total:
            pen = "M"
            continue
        parts.append(
            Markup('<path class="span" d="M{:.1f} {:.1f}V{:.1f}"/>').format(
                x(place), y(line.rate.low), y(line.rate.high)
            )
        )
        parts.append(
            Markup('<circle class="dotw" cx="{:.1f}" cy="{:.1f}" r="3.4"/>').format(
                x(place), y(line.rate.value)
            )
        )
        path += f"{pen}{x(place):.1f} {y(line.rate.value):.1f}"
        pen = "L"
    return Markup(
        '<svg class="trend {}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}'
        '<path class="run" d="{}"/></svg>'
    ).format(
        "narrow" if narrow else "wide", width, _CHART_H, words("pilot.trend_alt"),
        Markup("").join(parts), path,
    )  # fmt: skip


def _gridline(rate: float, y: float, width: float, words: Words) -> Markup:
    return Markup(
        '<path class="grid" d="M{:g} {:.1f}H{:g}"/>'
        '<text class="tick" x="{:g}" y="{:.1f}" text-anchor="end">{}</text>'
    ).format(_LEFT, y, width - 10, _LEFT - 6, y + 4, words.percent(rate))
