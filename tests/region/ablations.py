"""The engine without one of the things it is made of: each must make it measurably worse."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.core.facts import ExpectationRow, LedgerLine, Received, Span
from gateway.pathway.cohort import Cohort, advance_cohort
from gateway.pathway.rules import Rule, Rules
from gateway.pathway.watermarks import Feeds
from tests.region.oracle import Life
from tests.region.play import DECLARED, TENANT, Played

#: What is taken away.
ABLATIONS = ("no watermark", "processing time", "no calendar", "no pause")


def walked(played: Played, without: str = "") -> tuple[dict[str, ExpectationRow], list[LedgerLine]]:
    """Look once at everybody, in the end, without one thing; return rows and lines.

    The ledger of one look in the end is that of a look after each message, so that nothing has to
    be played again.
    """
    rules = _ruled(played.rules, without)
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
    units = {"bd": "d", "jo": "d", "bh": "h"}
    plain = deadline.model_copy(update={"unit": units.get(deadline.unit, deadline.unit)})
    return replace(rule, written=rule.written.model_copy(update={"deadline": plain}))
