"""Facts that are folded away are read as before, and come back when one of them changes."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import create_engine, text

from gateway.core.ports import Store
from gateway.store.factory import open_store
from tests.contract.store.builders import at
from tests.contract.store.watch_builders import ANNA, BRUNO, asserts


@pytest.fixture
async def folding(durable_url: str) -> AsyncIterator[Store]:
    """Give a store on disk with two facts of one person and one of another."""
    store = open_store(durable_url, timeout_s=20)
    await store.open()
    told = [
        (1, at(10), [asserts("a1"), asserts("b1", BRUNO)]),
        (2, at(20), [asserts("a2", attributes={"unit": "né"})]),
    ]
    await store.write(lambda tx: tx.facts.replace(told))
    yield store
    await store.close()


async def facts(store: Store, person: str = ANNA):
    return await store.read(lambda tx: tx.facts.of_person(person))


def rows(url: str) -> tuple[int, int, int]:
    """Return how many rows stand open, folded, and of inputs that are in the archive."""
    made = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with made.connect() as connection:
        found = [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
            for table in ("assertion", "archived_facts", "archived_input")
        ]
    made.dispose()
    return found[0], found[1], found[2]


async def fold(store: Store, person: str = ANNA) -> int:
    return await store.write(lambda tx: tx.facts.fold_away(person))


async def test_what_is_folded_is_read_as_before(folding: Store, durable_url: str) -> None:
    before = await facts(folding)

    assert await fold(folding) == 2
    assert await fold(folding) == 0
    assert rows(durable_url) == (1, 1, 2)
    assert await facts(folding) == before
    assert len(await facts(folding, BRUNO)) == 1


async def test_a_late_word_brings_everything_back(folding: Store, durable_url: str) -> None:
    before = await facts(folding)
    await fold(folding)

    await folding.write(lambda tx: tx.facts.replace([(3, at(900), [asserts("a3")])]))

    assert rows(durable_url) == (4, 0, 0)
    assert (await facts(folding))[:2] == before


async def test_what_a_replay_takes_back_is_gone(folding: Store, durable_url: str) -> None:
    await fold(folding)

    changed = await folding.write(
        lambda tx: tx.facts.replace([(1, at(10), [asserts("b1", BRUNO)])])
    )

    assert changed == {ANNA}
    assert rows(durable_url) == (2, 0, 0)
    assert [one.assertion.aid for one in await facts(folding)] == ["a2"]


async def test_a_replay_that_says_the_same_changes_nothing(folding: Store) -> None:
    before = await facts(folding)
    await fold(folding)
    same = [(2, at(5000), [asserts("a2", attributes={"unit": "né"})])]

    changed = await folding.write(lambda tx: tx.facts.replace(same))

    assert changed == set()
    assert await facts(folding) == before


async def test_a_merge_brings_both_together(folding: Store, durable_url: str) -> None:
    await fold(folding)
    await fold(folding, BRUNO)

    await folding.write(lambda tx: tx.facts.link({ANNA: BRUNO}, at(99)))

    assert rows(durable_url) == (2, 1, 1)
    assert [one.assertion.aid for one in await facts(folding, BRUNO)] == ["a1", "b1", "a2"]


async def test_what_is_held_apart_is_found_in_the_archive(folding: Store) -> None:
    await fold(folding)
    part = f"{ANNA}~dossier"

    await folding.write(lambda tx: tx.facts.set_apart(part, ANNA, ["a2"]))

    found = await facts(folding)
    assert {one.assertion.aid: one.assertion.patient.id for one in found} == {
        "a1": ANNA, "a2": part,
    }  # fmt: skip


async def test_everybody_is_walked_past_and_who_waits_is_left_out(store: Store) -> None:
    for person, until, due in (
        ("p1", 10, None), ("p2", 10, 99.0), ("p3", 50, None), ("p4", 10, None),
    ):  # fmt: skip
        await store.write(
            lambda tx, p=person, u=until, d=due: tx.watch.save(
                p, (), (), at(u), at(d) if d else None
            )
        )

    async def page(after: str) -> tuple[list[str], str]:
        return await store.read(lambda tx: tx.watch.quiet(after, at(20), 3))

    assert await page("") == (["p1"], "p3")
    assert await page("p3") == (["p4"], "")
