"""The worklist: filters, orders, pages by key, counts that stop, saved views; all by index."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from gateway.core.access import Audience, Permit, Sight
from gateway.core.facts import dossier_part, feed_subject
from gateway.core.ports import Store
from gateway.core.worklist import Order, SavedView, Shelf, Wanted, WorkRow
from gateway.pipeline.seen import seen_by
from gateway.store.factory import open_store
from gateway.store.sqltext import Compiler
from gateway.store.worklist import WorklistSql
from gateway.store.worklistcodec import conditions, limits
from tests.contract.store.builders import at

SEVERITIES = ("minor", "critical", "major")


def row(number: int, **more: object) -> WorkRow:
    base = WorkRow(
        f"g{number:02}", Shelf.OPEN, SEVERITIES[number % 3], at(-3600 * (number % 4)), "TRX-08",
        "990000001", "", "a-traiter", f"p{number}", at(number), 1,
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


async def filled(store: Store, *rows: WorkRow) -> None:
    await store.write(lambda tx: tx.worklist.put(rows))


async def found(store: Store, wanted: Wanted, limit: int = 99) -> list[str]:
    listed = await store.read(lambda tx: tx.worklist.listed(wanted, limit))
    return [one.gap_id for one, _ in listed]


async def test_a_row_comes_back_as_it_was_put(store: Store) -> None:
    rows = [row(1, deadline=None, owner="899700218896"), row(2, severity="info")]
    await filled(store, *rows)

    assert await store.read(lambda tx: tx.worklist.rows(["g01", "g02", "none"])) == {
        "g01": rows[0], "g02": rows[1]
    }  # fmt: skip


async def test_the_most_severe_comes_first_then_the_oldest_deadline(store: Store) -> None:
    await filled(store, *(row(n) for n in range(12)))

    listed = await store.read(lambda tx: tx.worklist.listed(Wanted(Shelf.OPEN), 99))

    weights = [SEVERITIES[int(one.gap_id[1:]) % 3] for one, _ in listed]
    assert weights == ["critical"] * 4 + ["major"] * 4 + ["minor"] * 4
    assert [one.deadline for one, _ in listed[:4]] == sorted(
        one.deadline for one, _ in listed[:4] if one.deadline
    )


@pytest.mark.parametrize("order", list(Order))
async def test_pages_by_key_give_every_row_once_in_order(store: Store, order: Order) -> None:
    await filled(store, *(row(n) for n in range(23)))
    whole = await found(store, Wanted(Shelf.OPEN, order=order))
    pages, after = list[str](), tuple[str, ...]()
    while True:
        wanted = Wanted(Shelf.OPEN, order=order, after=after)
        page = await store.read(lambda tx, wanted=wanted: tx.worklist.listed(wanted, 5))
        if not page:
            break
        pages += [one.gap_id for one, _ in page]
        after = page[-1][1]

    assert pages == whole
    assert len(set(whole)) == 23


async def test_a_row_that_leaves_between_two_pages_moves_no_other(store: Store) -> None:
    await filled(store, *(row(n) for n in range(9)))
    whole = await found(store, Wanted(Shelf.OPEN))
    first = await store.read(lambda tx: tx.worklist.listed(Wanted(Shelf.OPEN), 4))
    await filled(store, replace(first[0][0], shelf=Shelf.CLOSED))

    behind = await found(store, Wanted(Shelf.OPEN, after=first[-1][1]))

    assert behind == whole[4:]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"owner": "899700218896"}, Wanted(Shelf.OPEN, owner="899700218896")),
        ({"shelf": Shelf.DEFERRED}, Wanted(Shelf.DEFERRED)),
        ({"rule": "ORI-08"}, Wanted(Shelf.OPEN, rule="ORI-08")),
        ({"estab": "990000009"}, Wanted(Shelf.OPEN, estab="990000009")),
        ({"patient_id": "px"}, Wanted(Shelf.OPEN, patient_id="px")),
        ({"state": "attente-patient"}, Wanted(Shelf.OPEN, state="attente-patient")),
        ({"severity": "info"}, Wanted(Shelf.OPEN, severity="info")),
        ({"deadline": at(9999)}, Wanted(Shelf.OPEN, since=at(9000))),
        ({"deadline": at(-99999)}, Wanted(Shelf.OPEN, before=at(-90000))),
        ({"deadline": None}, Wanted(Shelf.OPEN, since=at(9999))),
    ],
)  # fmt: skip
async def test_each_filter_finds_its_rows(
    store: Store, more: dict[str, object], wanted: Wanted
) -> None:
    await filled(store, *(row(n) for n in range(6)), row(7, **more))

    assert await found(store, wanted) == ["g07"]
    assert await store.read(lambda tx: tx.worklist.counted(wanted, 10)) == 1


async def test_what_nobody_has_is_a_filter_of_its_own(store: Store) -> None:
    await filled(store, row(1), row(2, owner="899700218896"))

    assert await found(store, Wanted(Shelf.OPEN, owner="")) == ["g01"]
    assert len(await found(store, Wanted(Shelf.OPEN))) == 2


async def test_a_count_stops(store: Store) -> None:
    await filled(store, *(row(n) for n in range(30)))

    counts = [
        await store.read(lambda tx, most=most: tx.worklist.counted(Wanted(Shelf.OPEN), most))
        for most in (10, 30, 99)
    ]

    assert counts == [10, 30, 30]


@pytest.mark.parametrize("after", [("x",), ("x", "y", "z"), ("-1", "y", "z"), ("9" * 40, "", "")])
async def test_a_place_that_somebody_made_up_breaks_nothing(
    store: Store, after: tuple[str, ...]
) -> None:
    await filled(store, row(1))

    assert await found(store, Wanted(Shelf.OPEN, after=after)) == ["g01"]


async def test_establishments_are_named_once(store: Store) -> None:
    await filled(store, *(row(n, estab=f"99000000{n % 3}") for n in range(9)), row(10, estab=""))

    assert await store.read(lambda tx: tx.worklist.estabs()) == [
        "990000000", "990000001", "990000002"
    ]  # fmt: skip


async def test_views_are_of_one_person_and_one_name(store: Store) -> None:
    async def save(person: str, name: str, query: str) -> None:
        await store.write(lambda tx: tx.worklist.save_view(person, SavedView(name, query)))

    await save("anne", "Onco", "rule=ONC-01")
    await save("anne", "Onco", "rule=ONC-02")
    await save("anne", "À l’hôpital", "sev=critical")
    await save("paul", "Onco", "")
    await store.write(lambda tx: tx.worklist.drop_view("anne", "À l’hôpital"))
    await store.write(lambda tx: tx.worklist.drop_view("anne", "none"))

    views = await store.read(lambda tx: tx.worklist.views("anne"))
    assert views == [SavedView("Onco", "rule=ONC-02")]


def dac(seconds: float = 0, person: str = "") -> Sight:
    return Sight("dac", True, Audience.PROFESSIONAL, at(seconds), person)


async def seen(store: Store) -> None:
    """Fill a worklist of which somebody is shown a part: by permit, by link, and of a feed."""
    part = dossier_part("anna", "stay")
    whose = {"own": "anna", "linked": "9-anna", "moved": part, "other": "bruno"}
    whose["feed"] = feed_subject("990000001:ADT")
    rows = [row(n, gap_id=gap, patient_id=id_) for n, (gap, id_) in enumerate(whose.items())]
    await filled(store, *rows, row(9, gap_id="shut", patient_id="anna", shelf=Shelf.CLOSED))

    def prepare(tx) -> None:
        tx.facts.link({"9-anna": "anna", part: "bruno"}, at(0))
        permits = [
            Permit("dac", "anna", "handoff", "consent", until=at(60)),
            Permit("dac", "bruno", "document", "consent"),
            Permit("other", "bruno", "handoff", "consent"),
            Permit("person:8", "bruno", "handoff", "bris-de-glace", until=at(30)),
        ]
        tx.access.settle((), (), permits)

    await store.write(prepare)


async def test_somebody_is_shown_the_work_on_whom_they_may_see(store: Store) -> None:
    await seen(store)

    def shown(sight: Sight | None, **more: object):
        wanted = Wanted(Shelf.OPEN, **more)  # type: ignore[arg-type]
        return store.read(
            lambda tx: (
                {one.gap_id for one, _ in tx.worklist.listed(wanted, 99, sight)},
                tx.worklist.counted(wanted, 99, sight),
            )
        )

    assert await shown(dac()) == ({"own", "linked", "feed"}, 3)
    assert await shown(dac(), patient_id="9-anna") == ({"linked"}, 1)
    # The glass opens for one person, and ends; so does a consent.
    everybody = {"own", "linked", "moved", "other", "feed"}
    assert await shown(dac(0, "person:8")) == (everybody, 5)
    assert await shown(dac(40, "person:8")) == ({"own", "linked", "feed"}, 3)
    assert await shown(dac(70)) == ({"feed"}, 1)
    no_perimeter = Sight("tool", False, Audience.PROFESSIONAL, at(0))
    assert await shown(no_perimeter) == (everybody, 5)
    assert await shown(None) == (everybody, 5)


async def test_pages_of_what_somebody_is_shown_give_every_row_once(store: Store) -> None:
    await seen(store)
    pages, after = list[str](), tuple[str, ...]()
    while True:
        wanted = Wanted(Shelf.OPEN, after=after)
        page = await store.read(lambda tx, wanted=wanted: tx.worklist.listed(wanted, 1, dac()))
        if not page:
            break
        pages += [one.gap_id for one, _ in page]
        after = page[-1][1]

    assert sorted(pages) == ["feed", "linked", "own"]


async def test_whoever_looks_at_pages_reads_the_worklist_as_far_as_they_may(store: Store) -> None:
    await seen(store)

    def look(tx):
        mine = seen_by(tx, dac(0, "person:8")).worklist
        theirs = seen_by(tx, dac(0, "person:9")).worklist
        gaps = ["own", "other", "shut", "none"]
        return (
            set(mine.rows(gaps)), set(theirs.rows(gaps)),
            theirs.counted(Wanted(Shelf.OPEN), 99), theirs.counted(Wanted(Shelf.OPEN), 2),
            [one.gap_id for one, _ in theirs.listed(Wanted(Shelf.CLOSED), 9)],
        )  # fmt: skip

    mine, theirs, count, stopped, closed = await store.read(look)

    assert (mine, theirs) == ({"own", "other", "shut"}, {"own", "shut"})
    assert (count, stopped, closed) == (3, 2, ["shut"])


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(Shelf.OPEN),
        Wanted(Shelf.OPEN, order=Order.DEADLINE),
        Wanted(Shelf.CLOSED, order=Order.RECENT),
        Wanted(Shelf.OPEN, owner=""),
        Wanted(Shelf.OPEN, owner="899700218896", severity="critical"),
        Wanted(Shelf.OPEN, estab="990000001"),
        Wanted(Shelf.OPEN, rule="TRX-08", since=at(0)),
        Wanted(Shelf.OPEN, patient_id="p1"),
    ],
)
async def test_no_page_walks_through_the_table(sqlite_url: str, wanted: Wanted) -> None:
    opened = open_store(sqlite_url, timeout_s=20)
    await opened.open()
    await filled(opened, *(row(n, at=at(0) - timedelta(n)) for n in range(20)))
    await opened.close()
    equal, between = conditions(wanted), limits(wanted)
    statements = WorklistSql(Compiler("sqlite"))
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        for goes_on, counts, held in product((False, True), (False, True), (False, True)):
            sql = statements.of(((*equal, *between), wanted.order, goes_on, counts, held))
            plan = [
                line[3]
                for line in connection.execute(
                    f"EXPLAIN QUERY PLAN {sql.text}", tuple(1 for _ in sql.names)
                )
            ]
            assert any("SEARCH worklist" in line for line in plan), plan
            assert not any("SCAN worklist" in line or "TEMP B-TREE" in line for line in plan), plan
