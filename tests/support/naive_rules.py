"""A rule file as the naive engine reads it: its own reading of conditions, durations and matches.

Shares no code with `gateway.pathway`: conditions are read by the parser of Python, since they look
like its expressions, and walked here.
"""

import ast
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from tests.support.naive_calendar import PARIS
from tests.support.oracle import ALWAYS, Expected

_CONSTANTS = {"true": True, "false": False, "null": None}
_COMPARE = {ast.Lt: lt, ast.LtE: le, ast.Gt: gt, ast.GtE: ge}
_DURATION = re.compile(r"([+-]?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_FEEDS = {"ENC": "ADT", "PAT": "ADT", "DOC": "DOC", "DOCV": "DOC", "LDL": "DOC", "PPS": "DOC",
          "APPT": "SIU", "REQ": "ORD"}  # fmt: skip
_SAME_DOCUMENT = ("doc", "setid", "uid")
_TWELVE_HOURS = timedelta(hours=12)


def newest(files: Iterable[dict[str, Any]]) -> Expected:
    """Return the highest version of a rule, the older ones behind it.

    Args:
        files: of its versions, as plain texts.
    """
    older: Expected | None = None
    for said in sorted(files, key=lambda one: int(one["version"])):
        older = replace(expected(said), older=older)
    assert older is not None
    return older


def expected(said: dict[str, Any]) -> Expected:
    """Return a rule as the naive engine takes it.

    Args:
        said: the rule file as plain texts.
    """
    trigger, counted = said["trigger"], said["deadline"]
    starts = condition(trigger.get("where", ""))
    closes = _wanted(said["closes"])
    also = _wanted(said.get("also", []))
    severity = said["severity"]
    window = said.get("window_open", "PT0S")
    base = "trigger" if window == "trigger" else re.match("[a-z_]*", window)[0]
    anchor = said.get("anchor", "trigger.te").removeprefix("trigger.")
    feeds = said.get("needs_feed")
    if feeds is None:
        patterns = "|".join(pattern for pattern, _ in (*closes, *also))
        families = {name.partition(".")[0] for name in patterns.split("|")}
        feeds = sorted({_FEEDS[name] for name in families if name in _FEEDS})
    return Expected(
        id=said["id"],
        event=trigger["event"],
        applies=lambda t: starts(t, t),
        n=int(counted.get("n", 0)),
        unit=counted["unit"],
        closes=closes,
        window=timedelta(0) if window == base else duration(window.removeprefix(base)),
        grace=duration(said.get("grace", "PT0S")),
        settle=duration(said.get("settle", "PT15M")),
        consumed=said.get("closer_mode") == "consumed",
        forbid=said.get("kind") == "forbid",
        cancels=_wanted(said.get("cancels", [])),
        pauses=tuple(_wanted(pair) for pair in said.get("pauses", [])),
        anchor="" if anchor == "te" else anchor,
        base=base,
        given=_wanted(said.get("given", [])),
        also=also,
        cases=tuple(
            (condition(one["where"]), int(one["deadline"]["n"]), one["deadline"]["unit"],
             _patience(one.get("severity", severity)))
            for one in said.get("cases", [])
        ),
        on_death=said.get("on_death", "cancel"),
        oncology=said.get("scope", {}).get("patient") == "oncology",
        feeds=tuple(feeds),
        max_unconfirmed=_patience(severity),
        of_stay=any(one.get("match") == "stay" for one in said["closes"] if "match" in one),
        applies_from=_since(said.get("applies_from")),
    )  # fmt: skip


def _since(day: str | None) -> datetime:
    """Return the first instant of a day in Paris."""
    if day is None:
        return ALWAYS
    return datetime.fromisoformat(day).replace(tzinfo=PARIS).astimezone(UTC)


def duration(text: str) -> timedelta:
    """Read `-P7D`, `PT48H`."""
    sign, days, hours, minutes = _DURATION.match(text).groups()
    found = timedelta(days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0))
    return -found if sign == "-" else found


def condition(text: str):
    """Return a predicate on (fact, trigger)."""
    if not text:
        return lambda _fact, _trigger: True
    tree = ast.parse(text.strip(), mode="eval").body
    return lambda fact, trigger: _value(tree, fact, trigger) is True


def _value(node: ast.expr, fact: dict[str, Any], trigger: dict[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, fact, trigger)
        case ast.UnaryOp(op=ast.Not()):
            return _value(node.operand, fact, trigger) is not True
        case ast.Name():
            return _CONSTANTS[node.id] if node.id in _CONSTANTS else fact.get(node.id)
        case ast.Attribute():
            return trigger.get(node.attr)
        case ast.List():
            return [_value(one, fact, trigger) for one in node.elts]
        case ast.BoolOp():
            several = (_value(one, fact, trigger) is True for one in node.values)
            return all(several) if isinstance(node.op, ast.And) else any(several)
        case ast.Compare():
            left = _value(node.left, fact, trigger)
            return _compared(node.ops[0], left, _value(node.comparators[0], fact, trigger))
    raise AssertionError(ast.dump(node))


def _compared(op: ast.cmpop, left: Any, right: Any) -> bool:
    if isinstance(op, ast.Eq):
        return eq(left, right)
    if isinstance(op, ast.NotEq):
        return ne(left, right)
    if left is None or right is None:
        return False
    return left in right if isinstance(op, ast.In) else _COMPARE[type(op)](left, right)


def _wanted(found: list[Any]):
    return tuple(_pattern({"event": one} if isinstance(one, str) else one) for one in found)


def _pattern(said: dict[str, str]):
    holds = condition(said.get("where", ""))
    names = [name for name in said.get("match", "").split("+") if name]
    return said["event"], lambda f, t: holds(f, t) and all(_agree(name, f, t) for name in names)


def _agree(name: str, fact: dict[str, Any], trigger: dict[str, Any]) -> bool:
    if name == "doc":
        known = {trigger.get(one) for one in _SAME_DOCUMENT} - {None, ""}
        return any(fact.get(one) in known for one in _SAME_DOCUMENT)
    # Which stay a document is about has been written beside both.
    name = "about" if name == "stay" else name
    if fact.get(name) is None or fact[name] != trigger.get(name):
        return False
    here, there = fact.get("estab"), trigger.get("estab")
    return name != "visit" or not here or not there or here == there


def _patience(severity: str) -> timedelta | None:
    return _TWELVE_HOURS if severity == "critical" else None
