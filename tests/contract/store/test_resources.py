"""Resources: versions, history, owners, and search by every kind of condition."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.core.contributions import Target
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.ports import Condition, IndexEntry, NewVersion, Store
from gateway.store.factory import migrate
from gateway.store.search import Asked, page_statement
from gateway.store.search_forms import lower
from gateway.store.sqltext import Compiler
from tests.contract.store.builders import (
    STAY,
    at,
    day,
    has,
    made,
    period,
    token,
    when,
)

KEY = ("Encounter", "e1")


async def put(store: Store, *versions: NewVersion) -> None:
    await store.write(lambda tx: tx.resources.put(versions))


async def search(store: Store, *conditions: Condition, limit: int = 50, type_: str = "Encounter"):
    return await store.read(lambda tx: tx.resources.search(type_, conditions, limit, None))


async def ids(store: Store, *conditions: Condition) -> list[str]:
    return sorted(r.id for r in (await search(store, *conditions)).resources)


async def test_a_version_comes_back_as_it_was_given(store: Store) -> None:
    given = made("e1", owner=STAY, body=b'{"text":"\\u0000 \xc3\xa9"}')

    await put(store, given)
    found = await store.read(lambda tx: tx.resources.current([KEY, ("Encounter", "none")]))

    assert found == {KEY: given.resource}


async def test_a_new_version_becomes_current_and_the_old_one_stays_readable(store: Store) -> None:
    versions = [made("e1", n, n) for n in (1, 2, 3)]
    for one in versions:
        await put(store, one)

    def work(tx):
        return tx.resources.current([KEY]), [tx.resources.version(*KEY, n) for n in (1, 2, 3, 4)]

    current, single = await store.read(work)

    assert current == {KEY: versions[2].resource}
    assert single == [*(v.resource for v in versions), None]


async def test_history_is_newest_first_and_pages_by_version(store: Store) -> None:
    # Two versions of one resource may be written in one call.
    await put(store, *(made("e1", n, n) for n in range(1, 6)), made("e2"))

    def work(tx):
        page = tx.resources.history(*KEY, 2, None)
        return page, tx.resources.history(*KEY, 9, page[-1].version)

    first, rest = await store.read(work)

    assert [r.version for r in first] == [5, 4]
    assert [r.version for r in rest] == [3, 2, 1]
    assert await store.read(lambda tx: tx.resources.history("Encounter", "x", 5, None)) == []


async def test_a_deleted_resource_leaves_search_but_not_history(store: Store) -> None:
    await put(store, made("e1", index=(token("status", "planned"),), owner=STAY))
    gone = made("e1", 2, 5, deleted=True, body=b"", content_hash="", owner=STAY)
    await put(store, gone)

    def work(tx):
        return tx.resources.current([KEY])[KEY], tx.resources.owned([STAY]), tx.resources.counts()

    assert await store.read(work) == (gone.resource, {}, {})
    assert (await search(store)).total == 0
    assert (await search(store, has("status", (None, "planned")))).total == 0


async def test_a_resource_that_comes_back_is_found_again(store: Store) -> None:
    entry = (token("status", "planned"),)
    await put(store, made("e1", index=entry))
    await put(store, made("e1", 2, deleted=True, body=b""))
    await put(store, made("e1", 3, index=entry))

    assert await ids(store, has("status", (None, "planned"))) == ["e1"]


@pytest.mark.parametrize("number", [1, 3], ids=["again", "gap"])
async def test_a_version_that_does_not_follow_is_refused_whole(store: Store, number: int) -> None:
    await put(store, made("e1"))

    with pytest.raises(RetriableError, match="RLS-STO-009"):
        await put(store, made("e0"), made("e1", number))

    assert (await search(store)).total == 1


async def test_a_first_version_other_than_one_is_refused(store: Store) -> None:
    with pytest.raises(RetriableError, match="RLS-STO-009"):
        await put(store, made("e1", 2))


async def test_resources_are_found_by_their_owner(store: Store) -> None:
    movement = made("m1", owner=Target("Encounter", "e1"))
    await put(store, made("e1"), movement, made("e2"))

    owner, none = Target("Encounter", "e1"), Target("Patient", "none")
    found = await store.read(lambda tx: tx.resources.owned([owner, none]))

    assert {key: [r.id for r in rows] for key, rows in found.items()} == {owner: ["e1", "m1"]}


async def test_nothing_asked_nothing_done(store: Store) -> None:
    await put(store)

    def work(tx):
        return tx.resources.current([]), tx.resources.owned([]), tx.resources.counts()

    assert await store.read(work) == ({}, {}, {})


async def test_current_resources_are_counted_by_type(store: Store) -> None:
    await put(store, made("e1"), made("e2"), made("p", type_="Patient"), made("e1", 2))

    assert await store.read(lambda tx: tx.resources.counts()) == {"Encounter": 2, "Patient": 1}


IPP = "urn:oid:1.2.250.1.213.1.4.10"
INDEXED = {
    "e1": (token("identifier", "80", IPP), token("class", "IMP"), token("class", "ACUTE")),
    "e2": (token("identifier", "80", "urn:other"), token("class", "AMB")),
    "e3": (token("identifier", "81", IPP), IndexEntry("part-of", "Encounter", "e1")),
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (has("identifier", (None, "80")), ["e1", "e2"]),
        (has("identifier", (IPP, "80")), ["e1"]),
        (has("identifier", (IPP, None)), ["e1", "e3"]),
        (has("identifier", ("", "80")), []),
        (has("class", ("", "IMP")), ["e1"]),
        (has("class", (None, "IMP"), (None, "AMB")), ["e1", "e2"]),
        (has("class", (None, "IMP"), negated=True), ["e2", "e3"]),
        (has("class", missing=True), ["e3"]),
        (has("class", missing=False), ["e1", "e2"]),
        (has("class"), []),
        (Condition("part-of", "reference", (("Encounter", "e1"),)), ["e3"]),
        (Condition("part-of", "reference", ((None, "e1"),)), ["e3"]),
        (Condition("part-of", "reference", (("Patient", "e1"),)), []),
        (has("_id", (None, "e2"), (None, "e3")), ["e2", "e3"]),
        (has("_id", (None, "e2"), negated=True), ["e1", "e3"]),
        (has("_id", ("urn:x", "e2")), []),
        (has("_id", missing=True), []),
        (has("_id", missing=False), ["e1", "e2", "e3"]),
        (has("_id", (None, "e\x00\ud800")), []),
        (has("identifier", (None, "8\x000")), []),
    ],
    ids=str,
)
async def test_tokens_and_references_narrow_a_search(
    store: Store, condition: Condition, expected: list[str]
) -> None:
    await put(store, *(made(id_, index=index) for id_, index in INDEXED.items()))
    await put(store, made("p", type_="Patient", index=INDEXED["e1"]))

    assert await ids(store, condition) == expected


async def test_conditions_are_anded(store: Store) -> None:
    await put(store, *(made(id_, index=index) for id_, index in INDEXED.items()))

    both = (has("identifier", (None, "80")), has("class", (None, "AMB")))

    assert await ids(store, *both) == ["e2"]


#: The stay lasts from the 10th to the end of the 19th.
@pytest.mark.parametrize(
    ("prefix", "low", "high", "found"),
    [
        ("eq", "2026-11-01", "2026-12-01", True),
        ("eq", "2026-11-10", "2026-11-20", True),
        ("eq", "2026-11-15", "2026-11-16", False),
        ("ne", "2026-11-01", "2026-12-01", False),
        ("ne", "2026-11-15", "2026-11-16", True),
        ("gt", "2026-11-15", "2026-11-16", True),
        ("gt", "2026-11-19", "2026-11-20", False),
        ("lt", "2026-11-15", "2026-11-16", True),
        ("lt", "2026-11-10", "2026-11-11", False),
        ("ge", "2026-11-10", "2026-11-20", True),
        ("ge", "2026-11-20", "2026-11-21", False),
        ("le", "2026-11-10", "2026-11-20", True),
        ("le", "2026-11-09", "2026-11-10", False),
        ("sa", "2026-11-09", "2026-11-10", True),
        ("sa", "2026-11-10", "2026-11-11", False),
        ("eb", "2026-11-20", "2026-11-21", True),
        ("eb", "2026-11-19", "2026-11-20", False),
    ],
)
async def test_dates_compare_as_ranges(
    store: Store, prefix: str, low: str, high: str, found: bool
) -> None:
    stay = made("e1", index=(period("2026-11-10", "2026-11-20"), token("status", "finished")))
    await put(store, stay, made("e2", index=(token("date", "not a date"),)))

    assert await ids(store, when(prefix, low, high)) == (["e1"] if found else [])


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("eq", ["on"]),
        ("ne", ["after", "before"]),
        ("gt", ["after"]),
        ("ge", ["after", "on"]),
        ("lt", ["before"]),
        ("le", ["before", "on"]),
        ("sa", ["after"]),
        ("eb", ["before"]),
    ],
)
async def test_the_instant_of_the_row_is_searched(
    store: Store, prefix: str, expected: list[str]
) -> None:
    await put(store, made("before", seconds=-1), made("on"), made("after", seconds=1))
    second = (prefix, "2026-11-21T13:00:00+01:00", "2026-11-21T12:00:01Z")

    found = await ids(store, Condition("_lastUpdated", "date", (second,)))

    assert found == expected


async def test_an_updated_resource_is_found_by_its_new_values_only(store: Store) -> None:
    await put(store, made("e1", index=(token("status", "planned"), token("class", "IMP"))))
    await put(store, made("e1", 2, index=(token("status", "finished"), token("class", "IMP"))))

    assert await ids(store, has("status", (None, "planned"))) == []
    assert await ids(store, has("status", (None, "finished"))) == ["e1"]
    assert await ids(store, has("class", (None, "IMP"))) == ["e1"]


async def test_a_value_of_any_length_is_found(store: Store) -> None:
    long_value = "9" * 5000
    await put(store, made("e1", index=(token("identifier", long_value + "1"),)))

    assert await ids(store, has("identifier", (None, long_value + "1"))) == ["e1"]
    assert await ids(store, has("identifier", (None, long_value + "2"))) == []


async def test_a_value_said_twice_is_indexed_once(store: Store) -> None:
    await put(store, made("e1", index=(token("class", "IMP"), token("class", "IMP"))))

    assert (await search(store, has("class", (None, "IMP")))).total == 1


async def test_pages_are_newest_first_then_by_id_with_the_total(store: Store) -> None:
    await put(store, made("b", seconds=1), made("a", seconds=1), made("c", seconds=9))

    page = await search(store, limit=2)
    count = await search(store, limit=0)

    assert ([r.id for r in page.resources], page.total) == (["c", "a"], 3)
    assert (count.resources, count.total, count.next_cursor) == ([], 3, None)


async def test_paging_neither_repeats_nor_loses_while_others_write(store: Store) -> None:
    await put(store, *(made(f"e{n:03}", seconds=n // 4) for n in range(50)))
    seen: list[str] = []
    cursor = None

    for step in range(20):
        page = await store.read(
            lambda tx, here=cursor: tx.resources.search("Encounter", (), 7, here)
        )
        seen += [r.id for r in page.resources]
        await put(store, made(f"new{step}", seconds=1000 + step))
        cursor = page.next_cursor
        if cursor is None:
            break

    assert sorted(seen) == [f"e{n:03}" for n in range(50)]


@pytest.mark.parametrize("cursor", ["", "x", "MjAyNg", "éé", "fHx8", "A" * 9], ids=repr)
async def test_a_cursor_of_another_origin_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(RejectedError, match="RLS-STO-005"):
        await store.read(lambda tx: tx.resources.search("Encounter", (), 7, cursor))


async def test_the_day_of_a_test_is_written_as_the_index_writes_it() -> None:
    assert day("2026-11-21") < at(0).strftime("%Y-%m-%dT%H:%M:%S.%fZ") < day("2026-11-22")


async def test_a_deleted_owner_change_is_followed(store: Store) -> None:
    await put(store, made("e1", owner=STAY))
    moved = made("e1", 2, owner=Target("Encounter", "survivor"))
    await put(store, moved)

    found = await store.read(lambda tx: tx.resources.owned([STAY, moved.resource.owner]))

    assert found == {moved.resource.owner: [replace(moved.resource)]}


async def test_searches_page_alike_whether_few_or_many_are_found(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = (token("class", "IMP"),)
    await put(store, *(made(f"e{n}", seconds=n // 3, index=index) for n in range(12)))
    conditions = (has("class", (None, "IMP")),)

    async def pages() -> list[str]:
        seen: list[str] = []
        cursor = None
        while True:
            page = await store.read(
                lambda tx, here=cursor: tx.resources.search("Encounter", conditions, 5, here)
            )
            seen += [r.id for r in page.resources]
            cursor = page.next_cursor
            if cursor is None:
                return seen

    few = await pages()
    monkeypatch.setattr("gateway.store.searching._FEW", 0)
    many = await pages()

    assert few == many
    assert few[:4] == ["e10", "e11", "e9", "e6"]


def test_a_narrow_search_does_not_walk_the_whole_listing(sqlite_url: str) -> None:
    migrate(sqlite_url)
    condition = Condition("patient", "reference", (("Patient", "p"),))
    forms, _ = lower("Encounter", [condition])
    compiler = Compiler("sqlite")
    sql = compiler.free(page_statement(compiler, Asked(forms, few=True)))

    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        given = tuple(1 for _ in sql.names)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql.text}", given)]

    assert plan[0] == "SEARCH resource USING INDEX sqlite_autoindex_resource_1 (type=? AND id=?)"
    assert not any("SCAN" in step for step in plan)
