"""What holds of any ledger, on more than ten thousand random histories of all the rules.

P1 order independence, P2 replay, P3 agreement, P4 idempotence, P5 convergence, P6 no resurrection,
P7 monotone time: each example checks all seven on one history, and its ledger against that of the
naive engine. A history is drawn as a seed, which costs nothing; what it was made of is told when
one fails.
"""

import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.core.facts import Op, Received
from gateway.pathway.evaluator import evaluate
from gateway.pathway.lines import in_order, ledger_line
from gateway.pathway.rules import Rules
from gateway.pathway.watermarks import Feeds
from tests.property.test_catalogue import LOADED, NAIVE, marks, played
from tests.support.assertions import MCO, says
from tests.support.catalogue_histories import END, START, history
from tests.support.histories import feeds_of
from tests.support.oracle import ledger

#: Of each rule; 57 of them make 10,260.
_HISTORIES = 180
_AFTER = END + timedelta(days=30)
_ALLOWED = {("pending", "overdue"), ("pending", "unconfirmed"), ("unconfirmed", "overdue")}


@pytest.mark.long
@pytest.mark.parametrize("rule_id", sorted(LOADED))
def test_seven_theorems_hold_on_histories_of_each_rule(rule_id):
    @settings(
        max_examples=_HISTORIES, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    @given(st.integers(0, 10**9), st.integers(1, 14))
    @example(1, 14)
    def holds(seed, size):
        check(rule_id, seed, size)

    holds()


@pytest.mark.parametrize("rule_id", sorted(LOADED)[::6])
def test_seven_theorems_hold_on_some_histories(rule_id):
    for seed in range(4):
        check(rule_id, seed, 10)


def check(rule_id, seed, size):
    """Check everything on one history."""
    rng = random.Random(seed)
    log, pairs = history(rule_id, rng, size), marks(rng)
    feeds = feeds_of(pairs)
    rows, lines = played(rule_id, log, feeds, [END])
    written = told(lines)
    theirs = ledger([NAIVE[rule_id]], [log], END, feeds={f"{MCO}:DOC": list(pairs)})
    assert as_naive(rows, lines) == sorted(theirs, key=lambda one: one[1])
    check_replay(rule_id, log, feeds, rng, written)
    check_snapshot(rule_id, log, feeds, rng, rows)
    check_again(rule_id, log, feeds, rng, written)
    check_convergence(rule_id, log, rng)
    check_no_resurrection(rule_id, log, rng)
    check_time(rule_id, log, feeds, rng)


def check_replay(rule_id, log, feeds, rng, written):
    """P2: looks at other instants, of another worker, write the same bytes."""
    looks = [one.at for one in log if rng.random() < 0.5]
    looks += [START + timedelta(minutes=rng.randrange(60 * 24 * 60)) for _ in range(3)]
    assert told(played(rule_id, log, feeds, [*looks, END])[1]) == written


def check_snapshot(rule_id, log, feeds, rng, rows):
    """P1 and P3: the last line is the snapshot, which any order of the log gives.

    At the end, and at an instant on the way.
    """
    now = START + timedelta(minutes=rng.randrange(60 * 24 * 60))
    so_far, _lines = played(rule_id, log, feeds, [now])
    standing = {row.gap_id: row.status for row in so_far if row.status != "void"}
    assert snapshot(rule_id, [one for one in log if one.at <= now], feeds, now) == standing
    mixed = rng.sample(log, len(log))
    live = {row.gap_id: row.status for row in rows if row.status != "void"}
    assert snapshot(rule_id, log, feeds, END) == live
    assert snapshot(rule_id, mixed, feeds, END) == live


def check_again(rule_id, log, feeds, rng, written):
    """P4: what is delivered once more changes nothing."""
    again = [
        Received(one.assertion, one.at + timedelta(minutes=rng.randrange(9000)), one.order + 1000)
        for one in log
        if rng.random() < 0.5
    ]
    assert told(played(rule_id, [*log, *again], feeds, [END])[1]) == written


def check_convergence(rule_id, log, rng):
    """P5: whoever learns the same at other instants stands in the same place in the end."""
    later = [
        Received(one.assertion, one.at + timedelta(minutes=rng.randrange(9000)), one.order)
        for one in log
    ]
    end = _AFTER
    assert snapshot(rule_id, later, Feeds(), end) == snapshot(rule_id, log, Feeds(), end)


def check_no_resurrection(rule_id, log, rng):
    """P6: what is taken back does not come back with its original."""
    gone = rng.choice(log).assertion
    last = max(one.at for one in log)
    retraction = says(
        gone.event, gone.key, START.isoformat(), (last + timedelta(hours=1)).isoformat(),
        revision="9", op=Op.RETRACT, order=5000,
    )  # fmt: skip
    late = Received(gone, last + timedelta(hours=2), 5001)
    before = snapshot(rule_id, [*log, retraction], Feeds(), _AFTER)
    assert snapshot(rule_id, [*log, retraction, late], Feeds(), _AFTER) == before


def check_time(rule_id, log, feeds, rng):
    """P7: time alone opens and never closes."""
    now = START + timedelta(minutes=rng.randrange(60 * 24 * 40))
    later = now + timedelta(minutes=rng.randrange(60 * 24 * 30))
    known = [one for one in log if one.at <= now]
    before = snapshot(rule_id, known, feeds, now)
    after = snapshot(rule_id, known, feeds, later)
    changes = {(before[gap].value, new.value) for gap, new in after.items() if before[gap] != new}
    forbids = LOADED[rule_id][0].written.kind == "forbid"
    # A time in which something was forbidden ends well.
    assert changes <= _ALLOWED | (
        {("pending", "met"), ("unconfirmed", "met")} if forbids else set()
    )


def snapshot(rule_id, log, feeds, now):
    """Return where everything stands, by gap."""
    rules = Rules({rule_id: LOADED[rule_id]})
    return {case.gap_id: status for case, status in evaluate(log, rules, feeds, "relais", now)}


def told(lines):
    """Return a ledger as its bytes."""
    return b"".join(map(ledger_line, in_order(lines)))


def as_naive(rows, lines):
    """Return lines as the naive engine writes them."""
    x_of = {row.gap_id: row.x for row in rows}
    found = [
        (line.instant, x_of[line.gap_id], line.episode,
         line.from_status and line.from_status.value, line.to_status.value)
        for line in lines
    ]  # fmt: skip
    return sorted(found, key=lambda one: one[1])
