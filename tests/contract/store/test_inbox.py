"""The inbox: nothing twice, nothing lost, states only along their table."""

import re
import sqlite3
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest

from gateway.core.errors import FatalError
from gateway.core.inbox_ports import InboxResult
from gateway.core.issues import Issue, Severity
from gateway.core.messages import Channel, Header, InboxStatus, Incident
from gateway.core.ports import Store
from gateway.store.factory import open_store
from gateway.store.inbox import InboxSql
from gateway.store.sqltext import Compiler
from tests.contract.store.builders import NOON, at, header, row, sha

R, C, Q = InboxStatus.RECEIVED, InboxStatus.CONVERTED, InboxStatus.QUARANTINED
ISSUE = Issue("RLS-HL7-001", Severity.ERROR, "PID-3", "no identifier.", "Send one.", 101, 901)


async def insert(store: Store, *rows) -> list[int | None]:
    return await store.write(lambda tx: tx.inbox.insert(rows))


async def test_a_row_comes_back_as_it_was_given(store: Store) -> None:
    given = row(
        "1",
        channel=Channel.HTTP,
        body=bytes(range(256)),
        status=Q,
        answer=b"MSH|ack",
        issues=(ISSUE,),
        flags=("frame-end", "été"),
    )

    (row_id,) = await insert(store, given)
    found = await store.read(lambda tx: tx.inbox.get(row_id))

    assert (found.id, found.attempts) == (row_id, 0)
    names = ("received_at", "channel", "peer", "header", "body", "status", "answer", "issues")
    assert {n: getattr(found, n) for n in names} == {n: getattr(given, n) for n in names}
    assert found.flags == ("frame-end", "été")


async def test_instants_of_any_zone_and_no_sending_time_come_back_equal(store: Store) -> None:
    paris = NOON.astimezone(__import__("zoneinfo").ZoneInfo("Europe/Paris"))
    bare = Header(("cda", ""), "", "", sha("x"), sha("x"), None)

    (row_id,) = await insert(store, row("1", received_at=paris, header=bare))
    found = await store.read(lambda tx: tx.inbox.get(row_id))

    assert (found.received_at, found.header) == (NOON, bare)


async def test_ids_grow_in_the_order_given(store: Store) -> None:
    first = await insert(store, row("1"), row("2"), row("3"))
    second = await insert(store, row("4"))

    assert first + second == sorted(set(first + second))


async def test_the_same_input_again_is_not_stored(store: Store) -> None:
    (first,) = await insert(store, row("1"))
    again = await insert(store, row("2"), row("1", received_at=at(60)), row("3"))

    assert first is not None
    assert [row_id is None for row_id in again] == [False, True, False]


async def test_two_equal_rows_in_one_call_count_as_one(store: Store) -> None:
    ids = await insert(store, row("1"), row("1"), row("2"), row("1"))

    assert [row_id is None for row_id in ids] == [False, True, False, True]


async def test_same_control_id_with_other_content_or_sender_is_another_input(store: Store) -> None:
    rows = (row("1"), row("1", "other"), row("1", sender=("DPI", "CLINIQUE")))

    assert None not in await insert(store, *rows)


async def test_an_empty_call_stores_nothing(store: Store) -> None:
    assert await insert(store) == []
    assert await store.read(lambda tx: tx.inbox.page(None, 0, 10)) == []


@pytest.mark.field("FL-073")
async def test_a_resend_after_a_restart_is_known(durable_url: str) -> None:
    before = open_store(durable_url)
    await before.open()
    await insert(before, row("1"))
    await before.close()

    after = open_store(durable_url)
    await after.open()
    ids = await insert(after, row("1"))
    await after.close()

    assert ids == [None]


async def test_rows_with_a_control_id_are_found_newest_first_without_body(store: Store) -> None:
    await insert(
        store,
        row("15", "january", received_at=at(-100)),
        row("15", "today", received_at=at(-1)),
        row("15", "too old", received_at=at(-1000)),
        row("16"),
        row("15", sender=("DPI", "OTHER")),
    )

    found = await store.read(lambda tx: tx.inbox.find_same_control([header("15", "new")], at(-500)))

    assert [r.header for r in found] == [header("15", "today"), header("15", "january")]
    assert [r.body for r in found] == [b"", b""]


async def test_the_same_input_is_found_however_old(store: Store) -> None:
    await insert(store, row("15", "a", received_at=at(-9999)))

    found = await store.read(lambda tx: tx.inbox.find_same_control([header("15", "a")], NOON))

    assert [r.header for r in found] == [header("15", "a")]


async def test_an_empty_control_id_matches_the_same_input_only(store: Store) -> None:
    cda = ("cda", "750000001")
    await insert(store, row("", "letter", sender=cda), row("", "report", sender=cda))

    wanted = [header("", "letter", cda), header("", "unseen", cda)]
    found = await store.read(lambda tx: tx.inbox.find_same_control(wanted, at(-60)))

    assert [r.header for r in found] == [header("", "letter", cda)]


async def test_nothing_is_found_for_no_header(store: Store) -> None:
    assert await store.read(lambda tx: tx.inbox.find_same_control([], at(-60))) == []


async def test_a_result_is_written(store: Store) -> None:
    ids = await insert(store, row("1"), row("2"))
    results = [
        InboxResult(ids[0], C, b"AA", flags=("late",)),
        InboxResult(ids[1], Q, b"AE", (ISSUE,)),
    ]

    await store.write(lambda tx: tx.inbox.set_results(results))
    first, second = await store.read(lambda tx: tx.inbox.page(None, 0, 10, with_body=True))

    assert (first.status, first.answer, first.flags, first.issues) == (C, b"AA", ("late",), ())
    assert (second.status, second.answer, second.issues) == (Q, b"AE", (ISSUE,))
    assert first.body == row("1").body


@pytest.mark.parametrize(
    ("before", "after"),
    [(C, Q), (Q, C), (C, C), (C, R), (InboxStatus.DISCARDED, C)],
    ids=lambda status: status.value,
)
async def test_a_transition_that_is_not_listed_is_refused(
    store: Store, before: InboxStatus, after: InboxStatus
) -> None:
    fine, wrong = await insert(store, row("1"), row("2", status=before))
    results = [InboxResult(fine, C, b"AA"), InboxResult(wrong, after, b"AA")]

    with pytest.raises(FatalError) as caught:
        await store.write(lambda tx: tx.inbox.set_results(results))

    assert [i.code for i in caught.value.issues] == ["RLS-STO-004"]
    assert (await store.read(lambda tx: tx.inbox.get(fine))).status is R


async def test_a_result_for_no_row_is_refused(store: Store) -> None:
    with pytest.raises(FatalError, match="RLS-STO-004"):
        await store.write(lambda tx: tx.inbox.set_results([InboxResult(99, C, b"")]))


async def test_a_replay_counts_the_attempt(store: Store) -> None:
    (row_id,) = await insert(store, row("1", status=C, answer=b"AA"))

    await store.write(lambda tx: tx.inbox.reopen(row_id))
    found = await store.read(lambda tx: tx.inbox.get(row_id))

    assert (found.status, found.attempts, found.answer) == (R, 1, b"AA")


@pytest.mark.parametrize("status", [R, InboxStatus.DISCARDED], ids=lambda s: s.value)
async def test_a_row_that_cannot_be_replayed_is_not_reopened(
    store: Store, status: InboxStatus
) -> None:
    (row_id,) = await insert(store, row("1", status=status))

    with pytest.raises(FatalError, match="RLS-STO-004"):
        await store.write(lambda tx: tx.inbox.reopen(row_id))


async def test_waiting_rows_are_claimed_oldest_first(store: Store) -> None:
    await insert(
        store,
        row("new", received_at=at(9)),
        row("second", received_at=at(2)),
        row("first", received_at=at(1)),
        row("third", received_at=at(3)),
        row("done", status=C, received_at=at(0)),
    )

    claimed = await store.write(lambda tx: tx.inbox.claim_received(2, at(5)))

    assert [r.header.control_id for r in claimed] == ["first", "second"]
    assert claimed[0].body == row("first").body


async def test_pages_follow_the_ids(store: Store) -> None:
    ids = await insert(store, *(row(str(n), status=(C, Q)[n % 2]) for n in range(6)))

    every = await store.read(lambda tx: tx.inbox.page(None, ids[1], 3))
    refused = await store.read(lambda tx: tx.inbox.page(Q, ids[1], 5, with_body=True))

    assert [r.id for r in every] == ids[2:5]
    assert [r.body for r in every] == [b"", b"", b""]
    assert [r.id for r in refused] == [ids[3], ids[5]]
    assert refused[0].body == row("3").body


async def test_the_newest_rows_come_first_without_their_bodies(store: Store) -> None:
    ids = await insert(store, *(row(str(n), status=(C, Q)[n % 2]) for n in range(6)))

    every = await store.read(lambda tx: tx.inbox.newest(None, ids[5], ids[1], 2))
    refused = await store.read(lambda tx: tx.inbox.newest(Q, ids[5] + 1, 0, 9, "ADT^A"))
    letters = await store.read(lambda tx: tx.inbox.newest(None, ids[5] + 1, 0, 9, "ADT^%"))

    assert [r.id for r in every] == [ids[4], ids[3]]
    assert {r.body for r in every} == {b""}
    assert [r.id for r in refused] == [ids[5], ids[3], ids[1]]
    assert letters == []
    assert await store.read(lambda tx: tx.inbox.last_id()) == ids[5]


async def test_a_store_without_rows_has_no_last_one(store: Store) -> None:
    assert await store.read(lambda tx: tx.inbox.last_id()) == 0
    assert await store.read(lambda tx: tx.watch.last_line()) == 0


async def test_rows_are_counted_by_state(store: Store) -> None:
    await insert(store, row("1"), row("2", status=C), row("3", status=C))

    assert await store.read(lambda tx: tx.inbox.counts()) == {R: 1, C: 2}


async def test_incidents_are_kept(store: Store) -> None:
    odd = Incident(NOON, "truncated-frame", "h:1", 12, b"\x0b\x00MSH", {"at": "\ud800", "n": 3})

    await store.write(lambda tx: tx.inbox.add_incidents([odd, odd]))
    await store.write(lambda tx: tx.inbox.add_incidents([]))


@pytest.mark.field("FL-049")
async def test_nul_and_half_surrogates_do_the_same_in_every_store(store: Store) -> None:
    odd = row("A\x00B\ud800é", peer="h\x00:1", sender=("DP\udfffI", "CHU"), flags=("x\ud800",))

    (row_id,) = await insert(store, odd)
    again = await insert(store, odd)
    found = await store.read(lambda tx: tx.inbox.get(row_id))
    same = await store.read(lambda tx: tx.inbox.find_same_control([odd.header], at(-60)))

    assert again == [None]
    assert found.header.control_id == "A\ufffdB\ufffdé"
    assert (found.header.sender, found.peer) == (("DP\ufffdI", "CHU"), "h\ufffd:1")
    assert (found.body, found.flags) == (odd.body, ("x\ufffd",))
    assert [r.id for r in same] == [row_id]


async def test_a_header_of_any_length_is_kept_and_recognised(store: Store) -> None:
    long_a, long_b = row("9" * 9000 + "a"), row("9" * 9000 + "b")

    first = await insert(store, long_a, long_b)
    again = await insert(store, long_a, long_b)
    found = await store.read(lambda tx: tx.inbox.get(first[1]))

    assert None not in first
    assert again == [None, None]
    assert found.header.control_id == long_b.header.control_id


async def test_a_large_batch_passes_whole(store: Store) -> None:
    rows = [row(str(n), received_at=NOON + timedelta(milliseconds=n)) for n in range(3000)]

    ids = await insert(store, *rows)
    wanted = [r.header for r in rows]
    found = await store.read(lambda tx: tx.inbox.find_same_control(wanted, at(-60)))

    assert len(set(ids)) == 3000
    assert [r.header.control_id for r in found[:2]] == ["2999", "2998"]
    assert len(found) == 3000


async def test_inputs_are_found_by_a_control_id_whoever_sent_them(store: Store) -> None:
    other = header("7", sender=("OTHER", "990000002"))
    ids = await insert(store, row("7"), row("8"), row("7", header=other), row("9"))

    found = await store.read(lambda tx: tx.inbox.with_control("7", 10))
    few = await store.read(lambda tx: tx.inbox.with_control("7", 1))
    none = await store.read(lambda tx: tx.inbox.with_control("", 10))

    assert sorted(found) == [ids[0], ids[2]]
    assert len(few) == 1
    assert none == []


async def test_some_inputs_come_without_their_bytes_the_newest_first(store: Store) -> None:
    ids = await insert(store, row("1"), row("2"), row("3"))

    found = await store.read(lambda tx: tx.inbox.some([ids[0], 999, ids[2], ids[0]]))

    assert [(one.id, one.body) for one in found] == [(ids[2], b""), (ids[0], b"")]


async def test_a_control_id_is_looked_for_by_the_key_of_inputs(durable_url: str) -> None:
    opened = open_store(durable_url, timeout_s=20)
    await opened.open()
    given_rows = [
        row(f"{n}", header=header(f"{n}", sender=(f"APP{n % 7}", "990000001"))) for n in range(900)
    ]
    for start in range(0, 900, 300):
        await insert(opened, *given_rows[start : start + 300])
    await opened.close()

    plans = inbox_plans(durable_url)

    assert [plan for plan in plans if "inbox_key" not in plan] == []
    assert [
        plan for plan in plans if re.search(r"SCAN inbox_key|Seq Scan on inbox_key", plan)
    ] == []


def inbox_plans(url: str) -> list[str]:
    """Return how the database answers the two queries of a look for a control id."""
    name = "sqlite" if url.startswith("sqlite") else "postgresql"
    made = InboxSql(Compiler(name))
    asked = [
        (made.next_sender, ("APP1", "990000001", 1)),
        (made.with_control, ("APP1", "990000001", "8", 10)),
    ]
    if name == "sqlite":
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return [
                "\n".join(
                    line[3] for line in connection.execute(f"EXPLAIN QUERY PLAN {sql.text}", values)
                )
                for sql, values in asked
            ]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE inbox_key")
        return [
            "\n".join(
                line[0] for line in connection.execute(f"EXPLAIN {sql.text}", values).fetchall()
            )
            for sql, values in asked
        ]
