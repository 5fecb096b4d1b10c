"""The engine against a naive one that computes everything again at every instant."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.contributions import Target
from gateway.core.facts import Op, Received
from gateway.core.pathway_ports import Move
from gateway.pathway.cohort import Cohort, advance_cohort
from gateway.pathway.evaluator import evaluate
from gateway.pathway.lines import in_order, ledger_line
from gateway.pathway.replay import advance
from gateway.pathway.watermarks import Feeds
from tests.support.assertions import MCO, OTHER, PATIENT, check_saved, says
from tests.support.histories import END, NAIVE, RULES, START, feeds_of, marks, random_moves, said
from tests.support.oracle import Expected, ledger

#: (kind, establishment, key, hour of the event, minutes until received, revision, retract,
#: destination, day only)
MOVES = st.tuples(
    st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3, 4, 5]),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 24 * 8),
    st.sampled_from([0, 1, 20, 90, 700, 3000, 6000]),
    st.integers(1, 3),
    st.sampled_from([False, False, False, True]),
    st.integers(0, 3),
    st.sampled_from([False, False, True]),
)


def played(log, feeds, looks, **identity):
    """Return (rows, lines) after looking at these instants, each knowing what was received."""
    rows, lines, before = (), [], None
    for now in sorted(looks):
        known = [one for one in log if one.at <= now]
        found = advance(
            known, RULES, feeds, "relais", rows, before, now, person_id=PATIENT.id, **identity
        )
        check_saved(found)
        rows, before = found.rows, now
        lines += found.lines
    return rows, lines


def shown(rows, lines):
    """Return lines as the oracle writes them."""
    x_of = {row.gap_id: row.x for row in rows}
    return [
        (
            line.instant,
            x_of[line.gap_id],
            line.episode,
            line.from_status and line.from_status.value,
            line.to_status.value,
        )
        for line in lines
    ]


def ordered(lines):
    return b"".join(map(ledger_line, in_order(lines)))


def by_gap(transitions):
    return sorted(transitions, key=lambda one: (one[1],))


def check_against_oracle(moves, hours):
    pairs = marks(hours)
    log = said(moves)

    rows, lines = played(log, feeds_of(pairs), [END])

    expected = ledger(NAIVE, [log], END, feeds={f"{MCO}:DOC": list(pairs)})
    assert by_gap(shown(rows, lines)) == by_gap(expected)


HISTORIES = st.lists(MOVES, min_size=1, max_size=14)
HOURS = st.lists(st.integers(0, 24 * 20), max_size=12)


@settings(max_examples=150, deadline=None)
@given(HISTORIES, HOURS)
def test_ledger_equals_the_one_of_the_naive_engine(moves, hours):
    check_against_oracle(moves, hours)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_two_thousand_histories_equal_the_naive_engine(seed):
    rng = random.Random(seed)
    for _ in range(200):
        hours = [rng.randrange(24 * 20) for _ in range(rng.randrange(12))]
        check_against_oracle(random_moves(rng, rng.randint(1, 16)), hours)


@settings(max_examples=80, deadline=None)
@given(HISTORIES, HOURS, st.lists(st.integers(0, 60 * 24 * 39), max_size=8))
def test_looking_often_or_once_writes_the_same_bytes(moves, hours, minutes):
    log, feeds = said(moves), feeds_of(marks(hours))

    once = played(log, feeds, [END])
    often = played(log, feeds, [*(START + timedelta(minutes=one) for one in minutes), END])

    assert ordered(often[1]) == ordered(once[1])
    assert often[0] == once[0]


@settings(max_examples=30, deadline=None)
@given(HISTORIES, HOURS)
def test_looking_when_asked_to_writes_the_same_bytes(moves, hours):
    log, feeds, end = said(moves), feeds_of(marks(hours)), START + timedelta(days=13)
    looks, rows, lines, before = {one.at for one in log} | {end}, (), [], None
    while looks:
        now = min(looks)
        looks.discard(now)
        known = [one for one in log if one.at <= now]
        found = advance(known, RULES, feeds, "relais", rows, before, now, person_id=PATIENT.id)
        rows, before = found.rows, now
        lines += found.lines
        if found.next_due is not None and found.next_due <= end:
            looks.add(found.next_due)

    assert ordered(lines) == ordered(played(log, feeds, [end])[1])


@settings(max_examples=80, deadline=None)
@given(HISTORIES, HOURS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_what_is_known_change_nothing(moves, hours, rng):
    log, feeds = said(moves), feeds_of(marks(hours))
    again = [
        Received(one.assertion, one.at + timedelta(days=rng.randint(0, 9)), one.order + 1000)
        for one in log
        if rng.random() < 0.5
    ]
    mixed = [*log, *again]
    rng.shuffle(mixed)

    once = played(log, feeds, [END])
    other = played(mixed, feeds, [START + timedelta(days=rng.randint(0, 20)), END])

    assert ordered(other[1]) == ordered(once[1])
    assert other[0] == once[0]


@settings(max_examples=80, deadline=None)
@given(HISTORIES, HOURS, st.integers(0, 60 * 24 * 30))
def test_last_line_of_the_ledger_is_the_snapshot(moves, hours, minute):
    log, feeds, now = said(moves), feeds_of(marks(hours)), START + timedelta(minutes=minute)

    rows, _lines = played(log, feeds, [now])

    live = {row.gap_id: row.status for row in rows if row.status != "void"}
    seen = {case.gap_id: status for case, status in evaluate(log, RULES, feeds, "relais", now)}
    assert live == seen


@settings(max_examples=80, deadline=None)
@given(HISTORIES, HOURS, st.integers(0, 60 * 24 * 30), st.integers(0, 60 * 24 * 9))
def test_time_alone_never_closes_a_gap(moves, hours, minute, later):
    log, feeds, now = said(moves), feeds_of(marks(hours)), START + timedelta(minutes=minute)
    known = [one for one in log if one.at <= now]
    before = {c.gap_id: s for c, s in evaluate(known, RULES, feeds, "relais", now)}
    after = {
        case.gap_id: status
        for case, status in evaluate(known, RULES, feeds, "relais", now + timedelta(minutes=later))
        if case.rule.written.kind == "expect"
    }

    allowed = {
        ("pending", "overdue"),
        ("pending", "unconfirmed"),
        ("unconfirmed", "overdue"),
    }
    changes = {(before[gap].value, now.value) for gap, now in after.items() if before[gap] != now}
    assert changes <= allowed


@settings(max_examples=80, deadline=None)
@given(HISTORIES, HISTORIES, st.integers(0, 24 * 12))
def test_merged_persons_go_on_as_one(mine, others, hour):
    merged = START + timedelta(hours=hour, seconds=30)
    log, other = said(mine), said(others, OTHER, first=100)

    lines, rows, until = [], {}, merged - timedelta(seconds=1)
    for patient, known in ((PATIENT, log), (OTHER, other)):
        before = [one for one in known if one.at <= until]
        found = advance(
            before, RULES, Feeds(), "relais", (), None, until,
            person_id=patient.id, patients={patient.id},
        )  # fmt: skip
        rows |= {row.gap_id: row for row in found.rows}
        lines += found.lines
    found = advance(
        [*log, *other], RULES, Feeds(), "relais", list(rows.values()), until, END,
        person_id=PATIENT.id, patients={PATIENT.id, OTHER.id}, joined={OTHER.id: merged},
    )  # fmt: skip

    plain = [Expected(**{**vars(rule), "feeds": ()}) for rule in NAIVE]
    expected = ledger(plain, [log, other], END, merged_at=merged)
    assert by_gap(shown(found.rows, [*lines, *found.lines])) == by_gap(expected)


def looked_at(logs, moves, feeds, looks):
    """Return (rows, lines) after looks at the Patients of these logs.

    Like a store: what a look knows, which persons there are, and how far each Patient is written.
    """
    rows, lines, until = {}, [], dict.fromkeys(logs)
    for now in sorted(looks):
        done = [move for move in moves if move.at <= now]
        persons = {name: name for name in logs} | {m.patient_id: m.after for m in done}
        known = [one for log in logs.values() for one in log if one.at <= now]
        cohort = Cohort(persons, until, done)
        walked = advance_cohort(known, RULES, feeds, "relais", list(rows.values()), cohort, now)
        for one in walked:
            check_saved(one.advance)
            rows |= {row.gap_id: row for row in one.advance.rows}
            lines += one.advance.lines
        until = dict.fromkeys(logs, now)
    return sorted(rows.values(), key=lambda row: row.gap_id), lines


@settings(max_examples=120, deadline=None)
@given(
    HISTORIES, HISTORIES, HOURS, st.integers(0, 24 * 12), st.integers(1, 24 * 12),
    st.lists(st.integers(0, 60 * 24 * 39), max_size=6),
)  # fmt: skip
def test_persons_that_are_one_for_a_while_whenever_one_looks(
    mine, others, hours, hour, lasts, minutes
):
    merged = START + timedelta(hours=hour, seconds=30)
    parted = merged + timedelta(hours=lasts, seconds=7)
    logs = {PATIENT.id: said(mine), OTHER.id: said(others, OTHER, first=100)}
    moves = [
        Move(merged, OTHER.id, OTHER.id, PATIENT.id),
        Move(parted, OTHER.id, PATIENT.id, OTHER.id),
    ]
    pairs = marks(hours)
    feeds = feeds_of(pairs)

    once = looked_at(logs, moves, feeds, [END])
    often = looked_at(
        logs, moves, feeds, [*(START + timedelta(minutes=one) for one in minutes), END]
    )

    assert ordered(often[1]) == ordered(once[1])
    assert often[0] == once[0]
    expected = ledger(
        NAIVE, list(logs.values()), END,
        merged_at=merged, parted_at=parted, feeds={f"{MCO}:DOC": list(pairs)},
    )  # fmt: skip
    assert by_gap(shown(*once)) == by_gap(expected)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(HISTORIES, min_size=3, max_size=3),
    st.lists(
        st.tuples(st.integers(0, 24 * 14), st.sampled_from(["012", "002", "010", "000", "011"])),
        min_size=1, max_size=5,
    ),
    st.lists(st.integers(0, 60 * 24 * 39), max_size=6),
)  # fmt: skip
def test_three_patients_that_change_persons_whenever_one_looks(histories, partings, minutes):
    names = [PATIENT.id, OTHER.id, f"{OTHER.id[:-1]}3"]
    logs = {
        name: said(moves, Target("Patient", name), first=100 * number)
        for number, (name, moves) in enumerate(zip(names, histories, strict=True))
    }
    moves, persons = [], dict(zip(names, names, strict=True))
    for hour, parting in sorted(dict(partings).items()):
        for name, place in zip(names, parting, strict=True):
            if persons[name] != names[int(place)]:
                at = START + timedelta(hours=hour, seconds=5)
                moves.append(Move(at, name, persons[name], names[int(place)]))
                persons[name] = names[int(place)]

    once = looked_at(logs, moves, Feeds(), [END])
    often = looked_at(
        logs, moves, Feeds(), [*(START + timedelta(minutes=one) for one in minutes), END]
    )

    assert ordered(often[1]) == ordered(once[1])
    assert often[0] == once[0]


@settings(max_examples=60, deadline=None)
@given(HISTORIES, st.integers(0, 12))
def test_what_is_taken_back_does_not_come_back(moves, position):
    log = said(moves)
    last = max(one.at for one in log)
    gone = log[position % len(log)].assertion
    retraction = says(
        gone.event, gone.key, START.isoformat(), (last + timedelta(hours=1)).isoformat(),
        revision="9", op=Op.RETRACT, order=5000,
    )  # fmt: skip
    late = Received(gone, last + timedelta(hours=2), 5001)

    before, _lines = played([*log, retraction], Feeds(), [END])
    after, _lines = played([*log, retraction, late], Feeds(), [END])

    assert after == before
