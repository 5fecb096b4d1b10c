"""Every shipped rule against the naive engine, on histories made of what the rule reads."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pathway.lines import in_order, ledger_line
from gateway.pathway.replay import advance
from gateway.pathway.rulefiles import load_rules
from gateway.pathway.rules import Rules
from tests.support.assertions import MCO, PATIENT, check_saved
from tests.support.catalogue_histories import END, START, VERSIONS, history
from tests.support.histories import feeds_of
from tests.support.naive_rules import newest
from tests.support.oracle import ledger

LOADED = load_rules().versions
NAIVE = {name: newest(versions) for name, versions in VERSIONS.items()}


def played(rule_id, log, feeds, looks):
    """Return (rows, lines) after looking at these instants."""
    rules = Rules({rule_id: LOADED[rule_id]})
    rows, lines, before = (), [], None
    for now in sorted(looks):
        known = [one for one in log if one.at <= now]
        found = advance(known, rules, feeds, "relais", rows, before, now, person_id=PATIENT.id)
        check_saved(found)
        rows, before = found.rows, now
        lines += found.lines
    return rows, lines


def marks(rng):
    hours = {rng.randrange(24 * 40) for _ in range(rng.randrange(8))}
    # A feed that is heard of again at last confirms what was not confirmed.
    hours |= {24 * 60} if rng.random() < 0.7 else set()
    at = sorted(START + timedelta(hours=hour) for hour in hours)
    return tuple((one, one - timedelta(minutes=10)) for one in at)


def _by_gap(line):
    return line[1]


def agrees(rule_id, seed, size):
    """Compare both engines on one history; return the statuses that were reached."""
    rng = random.Random(seed)
    log, pairs = history(rule_id, rng, size), marks(rng)

    rows, lines = played(rule_id, log, feeds_of(pairs), [END])
    often = played(rule_id, log, feeds_of(pairs), [*(one.at for one in log), END])

    x_of = {row.gap_id: row.x for row in rows}
    mine = [
        (line.instant, x_of[line.gap_id], line.episode,
         line.from_status and line.from_status.value, line.to_status.value)
        for line in lines
    ]  # fmt: skip
    theirs = ledger([NAIVE[rule_id]], [log], END, feeds={f"{MCO}:DOC": list(pairs)})
    assert sorted(mine, key=_by_gap) == sorted(theirs, key=_by_gap)
    assert b"".join(map(ledger_line, in_order(often[1]))) == b"".join(
        map(ledger_line, in_order(lines))
    )
    return {line.to_status.value for line in lines}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(LOADED)), st.integers(0, 10**9), st.integers(1, 14))
def test_any_rule_writes_the_ledger_of_the_naive_engine(rule_id, seed, size):
    agrees(rule_id, seed, size)


@pytest.mark.parametrize("rule_id", sorted(LOADED))
def test_the_histories_of_a_rule_reach_its_ends(rule_id):
    """Both ends of it, and no history on the way where the two engines differ."""
    reached = set()
    for seed in range(200):
        reached |= agrees(rule_id, seed, 4 + seed % 10)
        if seed > 8 and "overdue" in reached and reached & {"met", "met_late"}:
            break

    assert "overdue" in reached
    assert reached & {"met", "met_late"}
