"""The ledger and the gaps as bytes."""

import hashlib
from datetime import UTC, datetime, timedelta

from gateway.core.facts import LedgerLine, Status
from gateway.pathway.lines import episodes, gap_line, in_order, ledger_line
from tests.support.assertions import MCO, says
from tests.unit.pathway.conftest import Play

NOON = datetime(2025, 11, 14, 12, tzinfo=UTC)


def line(gap="g", cause="closer", second=0, to=Status.MET, episode=1, old=Status.PENDING):
    return LedgerLine(NOON + timedelta(seconds=second), gap, episode, "TRX-01", 1, old, to, cause)


def test_a_ledger_line_to_the_byte():
    first = line(cause="trigger", to=Status.PENDING, old=None)

    assert ledger_line(first) == (
        b'{"instant":"2025-11-14T12:00:00Z","gap_id":"g","episode":1,"rule":"TRX-01",'
        b'"rule_version":1,"from":null,"to":"pending","cause":"trigger"}\n'
    )


def test_a_gap_line_to_the_byte(only):
    log = [
        says("ENC.DISCHARGE", "d", "2025-11-14 16:40", "2025-11-14 16:52",
             estab=MCO, visit="V1", patient_class="I"),
    ]  # fmt: skip
    (row,) = Play(only("TRX-01")).until(log, "2025-11-16 00:00").rows
    x = hashlib.sha256(b"TRX-01|d").hexdigest()
    gap_id = hashlib.sha256(f"relais|{x}".encode()).hexdigest()

    assert (
        gap_line(row, [{"system": "s", "value": "é", "use": "official"}])
        == (
            f'{{"gap_id":"{gap_id}","episode":1,"rule":"TRX-01","rule_version":1,'
            '"severity":"major","patient":{"id":"00000000-0000-5000-8000-000000000001",'
            '"identifiers":[{"system":"s","value":"é"}]},"trigger":"d",'
            '"anchor":"2025-11-14T15:40:00Z","deadline":"2025-11-14T22:59:59Z","status":"overdue",'
            '"opened_at":"2025-11-15T04:59:59Z","closed_at":null,"evidence":["d"]}\n'
        ).encode()
    )


def test_lines_of_one_instant_messages_first_then_by_gap():
    lines = [line("a", "timer"), line("c"), line("b"), line("a", "closer", second=-1)]

    assert [(one.gap_id, one.cause) for one in in_order(lines)] == [
        ("a", "closer"), ("b", "closer"), ("c", "closer"), ("a", "timer"),
    ]  # fmt: skip


def test_lines_of_one_gap_within_a_second_keep_their_order():
    lines = [
        line("a", "timer", to=Status.OVERDUE),
        line("a", "closer", old=Status.OVERDUE),
        line("b"),
    ]

    assert in_order(lines) == [lines[2], lines[0], lines[1]]


def test_each_opening_is_an_episode_with_its_own_end(only):
    log = [
        says("ENC.DISCHARGE", "d", "2025-11-14 16:40", "2025-11-14 16:52",
             estab=MCO, visit="V1", patient_class="I"),
    ]  # fmt: skip
    (row,) = Play(only("TRX-01")).until(log, "2025-11-16 00:00").rows
    lines = [
        line(cause="trigger", to=Status.PENDING, old=None),
        line(cause="timer", second=1, to=Status.OVERDUE),
        line(second=2, to=Status.MET, old=Status.OVERDUE),
        line(cause="closer-retracted", second=3, to=Status.OVERDUE, old=Status.MET, episode=2),
    ]

    first, second = episodes(row, lines)

    assert (first.episode, first.status, first.opened_at, first.closed_at) == (
        1, "met", NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)
    )  # fmt: skip
    assert (second.episode, second.status, second.opened_at, second.closed_at) == (
        2, "overdue", NOON + timedelta(seconds=3), None
    )  # fmt: skip


def test_what_was_never_opened_has_no_episode(only):
    log = [
        says("ENC.DISCHARGE", "d", "2025-11-14 16:40", "2025-11-14 16:52",
             estab=MCO, visit="V1", patient_class="I"),
    ]  # fmt: skip
    play = Play(only("TRX-01")).until(log, "2025-11-14 18:00")

    assert episodes(play.rows[0], play.lines) == []
