"""A gap speaks of the record that stands for its patient, and tells of it once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from gateway.core.contributions import Json
from gateway.core.deliveries import DeliveryStatus
from gateway.store.memory import MemoryStore
from tests.support.gaps import subscribed_row, subscription
from tests.support.gateway import holdings
from tests.support.linked import Arrived, feed, watcher_of, without_ladders
from tests.support.merging import patient_id
from tests.support.pipeline import HandClock
from tests.unit.pipeline.test_links_watched import HERE
from tests.unit.pipeline.test_merges_watched import of_record
from tests.unit.pipeline.test_moved_dossiers_watched import (
    ADMITTED,
    DISCHARGED,
    merged,
    moved,
    says,
    taken_apart,
)

#: The record the stay was told under, and the one it is merged into.
GONE, STAYS = (f"Patient/{patient_id(number)}" for number in ("P0100", "P0500"))
MERGED = merged("P0500", "P0100", "20261123090000", status="PROV")
APART = taken_apart("P0500", "P0100", "20261124090000")
KNOWN = of_record("P0500", says("ADT^A28^ADT_A05", HERE, "20261121090000", status="PROV"))


class Told:
    """A store with one subscriber, looked at after each input."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.clock = HandClock(ADMITTED.at)
        # Without ladders: every word that is counted here is about whose the gap is.
        self.watcher = without_ladders(watcher_of(store, self.clock))
        self._heard = 0

    @classmethod
    async def of(cls, *filters: str) -> "Told":
        """Open a store whose subscriber follows what the filters say."""
        store = MemoryStore()
        await store.open()
        resource = subscription("http://localhost:9/notify", *filters)
        await store.write(lambda tx: tx.subscriptions.put(subscribed_row("s1", resource)))
        return cls(store)

    async def take(self, *inputs: Arrived) -> None:
        """Commit inputs, each followed by a look and by one a day later."""
        for one in inputs:
            self.clock.instant = max(self.clock.instant, one.at)
            await feed(self.store, [one])
            await self.watcher.drain()
            self.clock.instant += timedelta(hours=20)
            await self.watcher.drain()

    async def heard(self) -> int:
        """Return how many notifications were queued since the last time this was asked."""
        everything = list(DeliveryStatus)
        found = await self.store.read(lambda tx: tx.outbox.page(everything, 0, 100))
        before, self._heard = self._heard, len(found)
        return self._heard - before

    async def subjects(self) -> set[str]:
        """Return whom DetectedIssues and Tasks are about."""
        found = await holdings(self.store, "DetectedIssue", "Task")
        return {(one.get("patient") or one["for"])["reference"] for one in found.values()}

    async def issues(self) -> Sequence[Json]:
        """Return the DetectedIssues."""
        return list((await holdings(self.store, "DetectedIssue")).values())


async def test_gap_and_task_speak_of_the_survivor_and_come_back_when_taken_apart():
    told = await Told.of()
    await told.take(ADMITTED, DISCHARGED, KNOWN)
    gaps = len(await told.issues())
    before, opened = await told.subjects(), await told.heard()

    await told.take(MERGED)
    merged_into, after_merge = await told.subjects(), await told.heard()
    await told.take(APART)

    assert (before, merged_into, await told.subjects()) == ({GONE}, {STAYS}, {GONE})
    assert (opened, after_merge, await told.heard()) == (gaps, gaps, gaps)
    assert {one["status"] for one in await told.issues()} == {"final"}


async def test_a_merge_between_records_of_one_person_is_told_as_well():
    """They were linked before: nobody changes person, and no fact is new."""
    told = await Told.of()
    link = of_record(
        "P0500", says("ADT^A24^ADT_A24", HERE, "20261122090000",
                      f"PID|2||P0100^^^H{HERE}&{HERE}&M^PI", status="PROV"),
    )  # fmt: skip
    await told.take(ADMITTED, DISCHARGED, KNOWN, link)
    assert await told.subjects() == {GONE}

    await told.take(MERGED)

    assert await told.subjects() == {STAYS}


async def test_a_moved_dossier_is_told_once_for_each_gap():
    told = await Told.of()
    await told.take(ADMITTED, DISCHARGED)
    gaps = await told.heard()

    await told.take(moved("P0500", "P0100", "20261123090000", status="PROV"))

    assert await told.subjects() == {STAYS}
    assert await told.heard() == gaps == len(await told.issues())


@pytest.mark.parametrize("followed", [GONE, STAYS], ids=["the one that goes", "the survivor"])
async def test_who_follows_either_record_hears_of_the_merge(followed):
    told = await Told.of(f"DetectedIssue?patient={followed}")
    await told.take(ADMITTED, DISCHARGED, KNOWN)
    await told.heard()

    await told.take(MERGED)

    assert await told.heard() == len(await told.issues())


async def test_a_merge_that_comes_before_the_gap_opens_shows_the_survivor_from_the_start():
    told = await Told.of()
    early = replace(MERGED, at=ADMITTED.at)

    await told.take(early, ADMITTED, DISCHARGED)

    versions = [
        orjson.loads(row.body)["patient"]["reference"]
        for one in await told.issues()
        for row in await told.store.read(
            lambda tx, id_=one["id"]: tx.resources.history("DetectedIssue", id_, 9, None)
        )
    ]
    assert versions
    assert set(versions) == {STAYS}
