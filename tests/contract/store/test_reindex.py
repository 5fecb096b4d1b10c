"""Resources written before a search parameter was there are found by it afterwards."""

import orjson
import pytest
from typer.testing import CliRunner

from gateway.core.contributions import Json, Target
from gateway.core.index_ports import Reindexed
from gateway.core.ports import Condition, IndexEntry, NewVersion, Store, StoredResource
from gateway.entry.cli import app
from gateway.fhir.search import MARK
from gateway.pipeline import reindexing
from gateway.pipeline.reindexing import is_needed, reindex
from gateway.store.factory import open_store
from tests.integration.rest.conftest import FIRST_COMMIT, Shelf, encounter, patient

OLD = (IndexEntry("gone", "", "by an older release"), IndexEntry("active", "", "true"))
STAYS = Condition("status", "token", ((None, "finished"),))


async def written_before(store: Store, *resources: Json, version: int = 1) -> None:
    """Put resources as a release with other parameters did."""
    rows = [
        StoredResource(
            one["resourceType"],
            one["id"],
            version,
            FIRST_COMMIT,
            orjson.dumps(one),
            False,
            "hash",
            Target(one["resourceType"], one["id"]),
        )
        for one in resources
    ]
    await store.write(lambda tx: tx.resources.put([NewVersion(row, OLD) for row in rows]))


async def found(store: Store, type_: str, condition: Condition) -> set[str]:
    page = await store.read(lambda tx: tx.resources.search(type_, [condition], 50, None))
    return {row.id for row in page.resources}


async def test_every_resource_is_found_by_the_parameters_of_now(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(reindexing, "_BATCH", 2)
    stays = [encounter(f"e{number}") for number in range(5)]
    await written_before(store, *stays, patient("p1", active=True))
    await Shelf(store).put(encounter("new"))
    assert await is_needed(store)

    told = [one async for one in reindex(store)]

    assert told == [("Encounter", 6, 5), ("Patient", 1, 1)]
    assert await found(store, "Encounter", STAYS) == {"e0", "e1", "e2", "e3", "e4", "new"}
    assert await found(store, "Encounter", Condition("gone", "token", missing=False)) == set()
    assert await found(store, "Patient", Condition("active", "token", ((None, "true"),))) == {"p1"}
    assert await store.read(lambda tx: tx.index.mark()) == MARK
    assert not await is_needed(store)


async def test_a_second_time_changes_nothing(store: Store) -> None:
    await written_before(store, encounter("e1"))
    assert [one async for one in reindex(store)] == [("Encounter", 1, 1)]

    assert [one async for one in reindex(store)] == [("Encounter", 1, 0)]


async def test_what_is_deleted_stays_without_values(store: Store) -> None:
    await Shelf(store).put(encounter("e1"))
    await Shelf(store).delete("Encounter", "e1")

    assert [one async for one in reindex(store)] == []


async def test_a_version_written_in_between_is_left_to_its_writer(store: Store) -> None:
    await Shelf(store).put(encounter("e1", status="planned"))
    await Shelf(store).put(encounter("e1"))

    row = Reindexed("Encounter", "e1", 1, (IndexEntry("status", "", "planned"),))

    assert await store.write(lambda tx: tx.index.rewrite([row])) == 0
    assert await found(store, "Encounter", STAYS) == {"e1"}


async def test_a_later_version_of_a_reindexed_resource_loses_its_old_values(store: Store) -> None:
    await written_before(store, encounter("e1"))
    _ = [one async for one in reindex(store)]

    await Shelf(store).put(encounter("e1", status="planned"))

    assert await found(store, "Encounter", STAYS) == set()


async def test_a_store_without_resources_needs_nothing(store: Store) -> None:
    assert not await is_needed(store)
    await Shelf(store).put(encounter("e1"))

    assert not await is_needed(store)


async def test_a_mark_of_other_parameters_tells_that_it_is_needed(store: Store) -> None:
    await Shelf(store).put(encounter("e1"))
    await store.write(lambda tx: tx.index.set_mark("other parameters"))

    assert await is_needed(store)


@pytest.fixture
async def old_url(sqlite_url: str) -> str:
    """Give the address of a file that an older release wrote."""
    store = open_store(sqlite_url)
    await store.open()
    await written_before(store, encounter("e1"), encounter("e2"))
    await store.close()
    return sqlite_url


def test_the_command_says_what_it_did(old_url: str, monkeypatch) -> None:
    monkeypatch.setenv("RELAIS_STORE_URL", old_url)

    ended = CliRunner().invoke(app, ["store", "reindex"])

    assert ended.exit_code == 0, ended.output
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        "Encounter: 2 resources, 2 indexed anew",
        "2 resources looked at, 2 indexed anew.",
    ]
