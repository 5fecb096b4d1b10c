"""The engine without one of the things it is made of: each must make it measurably worse."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from gateway.core.facts import ExpectationRow, LedgerLine, Received, Span
from gateway.pathway.cohort import Cohort, advance_cohort
from gateway.pathway.rules import Rule, Rules
from gateway.pathway.watermarks import Feeds
from tests.region.oracle import Life
from tests.region.play import DECLARED, TENANT, Played

#: What is taken away.
ABLATIONS = ("no watermark", "processing time", "no calendar", "no pause")
#: Rows by gap id, and the lines of their ledger.
Walked = tuple[dict[str, ExpectationRow], list[LedgerLine]]
_WORKING = {"bd": "d", "jo": "d", "bh": "h"}


def walked_without(played: Played, name: str, judged: Collection[str]) -> Walked:
    """Look once at everybody without one thing; return rows and lines of the judged rules.

    What one rule expects depends on no other rule: those that never had the thing that is taken
    away stand as they were played, and only the others are walked again.
    """
    hurt = {id_ for id_ in judged if any(map(_LOSES[name], played.rules.versions.get(id_, ())))}
    rows, lines = walked(played, name, hurt)
    kept = {g: row for g, row in played.rows.items() if row.rule in judged and row.rule not in hurt}
    return kept | rows, [*(line for line in played.lines if line.gap_id in kept), *lines]


def walked(played: Played, without: str = "", only: Collection[str] | None = None) -> Walked:
    """Look once at everybody, in the end, without one thing; return rows and lines.

    The ledger of one look in the end is that of a look after each message, so that nothing has to
    be played again.

    Args:
        played: what was played.
        without: one of `ABLATIONS`; empty: nothing is taken away.
        only: rules to look at; all of them by default.
    """
    rules = _ruled(played.rules, without)
    if only is not None:
        rules = rules.without(rules.versions.keys() - set(only))
    feeds = (
        Feeds()
        if without == "no watermark"
        else Feeds.of(played.feeds, DECLARED, troubles=played.troubles)
    )
    rows: dict[str, ExpectationRow] = {}
    lines: list[LedgerLine] = []
    for life in played.lives:
        received = [one for log in life.log.values() for one in log]
        if without == "processing time":
            received = [_by_receipt(one) for one in received]
        for one in advance_cohort(received, rules, feeds, TENANT, (), _cohort(life), played.until):
            rows |= {row.gap_id: row for row in one.advance.rows}
            lines += one.advance.lines
    return rows, lines


def _cohort(life: Life) -> Cohort:
    return Cohort(life.persons, dict.fromkeys(life.persons), life.moves)


def _by_receipt(one: Received) -> Received:
    """Return an assertion that is dated by its receipt."""
    return replace(one, assertion=replace(one.assertion, when=Span(one.at, one.at)))


def _ruled(rules: Rules, without: str) -> Rules:
    changes: dict[str, Callable[[Rule], Rule]] = {
        "no calendar": _every_day,
        "no pause": lambda rule: replace(rule, pauses=()),
    }
    change = changes.get(without)
    if change is None:
        return rules

    def changed(versions: Sequence[Rule]) -> tuple[Rule, ...]:
        return tuple(map(change, versions))

    return Rules({id_: changed(found) for id_, found in rules.versions.items()}, rules.tables)


def _every_day(rule: Rule) -> Rule:
    """Return a rule for which every day is a working day."""
    deadline = rule.written.deadline
    plain = deadline.model_copy(update={"unit": _WORKING.get(deadline.unit, deadline.unit)})
    return replace(rule, written=rule.written.model_copy(update={"deadline": plain}))


#: Whether a version of a rule is another one without a thing.
_LOSES: dict[str, Callable[[Rule], bool]] = {
    "no watermark": lambda _rule: True,
    "processing time": lambda _rule: True,
    "no calendar": lambda rule: rule.written.deadline.unit in _WORKING,
    "no pause": lambda rule: bool(rule.pauses),
}
