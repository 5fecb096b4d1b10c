"""Tables of the pilot's page as files for spreadsheets.

UTF-8 with a byte order mark, semicolons and decimal commas in French, as spreadsheets of that
language read them; CRLF and quotes of RFC 4180. A cell that a spreadsheet would take for a formula
begins with an apostrophe (OWASP, CSV injection). What is not shown on the page is not in the file.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence

from gateway.entry.web.pilot.figures import Alerts, Figures, Flow, Line
from gateway.entry.web.words import Words

#: What may begin a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Row = Sequence[str | int | float | None]


def written(head: Sequence[str], rows: Iterable[Row], words: Words) -> bytes:
    """Return a table as the bytes of a file."""
    text = io.StringIO(newline="")
    semicolon = words.lang == "fr"
    out = csv.writer(text, delimiter=";" if semicolon else ",", lineterminator="\r\n")
    out.writerow([_cell(one, comma=semicolon) for one in head])
    for row in rows:
        out.writerow([_cell(one, comma=semicolon) for one in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def _cell(value: str | float | None, *, comma: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        text = f"{value:.1f}"
        return text.replace(".", ",") if comma else text
    if isinstance(value, int):
        return str(value)
    return f"'{value}" if value.startswith(_FORMULA) else value


def rules(found: Figures, words: Words) -> bytes:
    """Return the table of rules."""
    named = {key: words.said(text) for key, text in found.rules.items()}
    head = [words("pilot.col_rule"), words("pilot.col_name"), *_line_head(words)]
    rows = [[line.key, named.get(line.key, ""), *_line(line, words)] for line in found.by_rule]
    return written(head, rows, words)


def sites(found: Figures, words: Words) -> bytes:
    """Return the table of establishments."""
    head = ["FINESS", words("pilot.col_site"), *_line_head(words)]
    rows = [
        [line.key, found.names.get(line.key, ""), *_line(line, words)] for line in found.by_estab
    ]
    return written(head, rows, words)


def flows(found: Figures, words: Words) -> bytes:
    """Return the table of flows."""
    head = [words("pilot.col_from"), words("pilot.col_to"), *_line_head(words)]

    def row(flow: Flow) -> Row:
        ends = [words(f"lane.{flow.source}"), words(f"lane.{flow.target}")]
        return [*ends, *_line(flow.line, words)]

    return written(head, map(row, found.flows.flows), words)


def weeks(found: Figures, words: Words) -> bytes:
    """Return the table of weeks."""
    head = [words("pilot.col_week"), *_line_head(words)[:6]]
    rows = [[line.key, *_line(line, words)[:6]] for line in found.by_week]
    return written(head, rows, words)


def hours(found: Figures, words: Words) -> bytes:
    """Return the hours of the week, one a row."""
    head = [words("pilot.col_day"), words("pilot.col_hour"), words("pilot.col_broken")]
    rows = [
        [
            words(f"pilot.day_{one.slot // 24}"),
            one.slot % 24,
            words("pilot.shut") if one.count is None else one.count,
        ]
        for one in found.hours
    ]
    return written(head, rows, words)


def alerts(found: Figures, words: Words) -> bytes:
    """Return the table of gaps that are over."""
    head = [
        words("pilot.col_rule"),
        words("pilot.col_name"),
        words("pilot.col_ended"),
        words("pilot.col_told"),
        words("pilot.col_judged"),
        words("pilot.col_precise"),
    ]
    named = {key: words.said(text) for key, text in found.rules.items()}

    def row(one: Alerts) -> Row:
        if one.small:
            return [one.rule, named.get(one.rule, ""), words("pilot.shut")]
        told = [one.ended, one.told_late, one.judged, 100 * one.precise]
        return [one.rule, named.get(one.rule, ""), *told]

    return written(head, map(row, found.by_alerts), words)


def _line_head(words: Words) -> list[str]:
    names = ("total", "broken", "open", "rate", "low", "high", "median", "most")
    return [words(f"pilot.col_{name}") for name in names]


def _line(line: Line, words: Words) -> list[str | int | float | None]:
    if line.small:
        return [words("pilot.shut")]
    if not line.total:
        return [0]
    rate = (100 * line.rate.value, 100 * line.rate.low, 100 * line.rate.high)
    return [line.total, line.broken, line.open, *rate, line.median_h, line.most_h]


#: Tables by the name of their file.
TABLES: Mapping[str, Callable[[Figures, Words], bytes]] = {
    "rules": rules,
    "sites": sites,
    "flows": flows,
    "weeks": weeks,
    "hours": hours,
    "alerts": alerts,
}
