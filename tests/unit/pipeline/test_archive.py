"""The ledger is the same whether or not what is settled was folded away meanwhile."""

import random
from datetime import timedelta

import pytest

from gateway.core.facts import Status
from gateway.entry.told_gap import told_gap
from gateway.pathway import asof
from gateway.pipeline.archive import Archivist
from gateway.pipeline.histories import histories
from gateway.simulation.faults import all_faults
from gateway.store.factory import open_store
from tests.support.linked import (
    expectation_rows,
    feed,
    ledger_bytes,
    linked_region,
    watcher_of,
)
from tests.support.pipeline import HandClock

_YEARS = timedelta(days=900)


@pytest.fixture(scope="module")
def log():
    """Give a log with corrections, links and late words."""
    return linked_region("killing", 14, all_faults(90))


class Played:
    """A store on disk that a log went through."""

    def __init__(self, path, log):
        self.store, self.clock = open_store(f"sqlite:///{path}"), HandClock(log[0].at)
        self.archivist = Archivist(self.store, self.clock, timedelta(hours=2))
        self.watcher = watcher_of(self.store, self.clock)
        self.log = log
        #: Patients that were folded away at some time.
        self.folded = set()

    async def play(self, chance=None):
        """Look after each input; fold who is quiet for two hours, often when there is a chance."""
        await self.store.open()
        for one in self.log:
            self.clock.instant = one.at
            if chance is not None and chance.random() < 0.5:
                await self.fold()
            await feed(self.store, [one])
            await self.watcher.drain()
        self.clock.instant += _YEARS
        await self.watcher.drain()
        if chance is not None:
            self.clock.instant += _YEARS
            await self.fold()
            self.clock.instant -= _YEARS
        return self

    async def fold(self):
        """Walk past everybody, and remember who is folded now."""
        await self.archivist.walk()
        self.folded |= await self.store.read(folded_patients)

    def told(self, tx):
        """Say where everything stood at three instants, and why each gap is one."""
        first, end = self.log[0].at, self.clock.instant
        stood = []
        for at in (first + (self.log[-1].at - first) / 2, self.log[-1].at, end):
            moment = asof.Moment(at, at)
            feeds = asof.feeds_known(tx.watch.feeds(), (), moment)
            for history in histories(tx):
                rules, tenant = self.watcher.rules, self.watcher.settings.tenant
                stood += asof.standing(history, rules, feeds, tenant, moment)
        gaps = sorted(row.gap_id for row in tx.watch.gaps(tuple(Status), 10**6))
        return stood, [told_gap(tx, gap, self.watcher.rules, 1) for gap in gaps]

    async def all(self):
        """Return ledger, rows, and what is told."""
        told = await self.store.read(self.told)
        return await ledger_bytes(self.store), await expectation_rows(self.store), *told


def folded_patients(tx) -> set[str]:
    page = tx.resources.search("Patient", (), 500, None)
    return {row.patient_id for row in tx.facts._archive.rows(row.id for row in page.resources)}


async def test_what_was_folded_away_changes_no_byte(tmp_path, log):
    plain = await Played(tmp_path / "plain.db", log).play()
    folded = await Played(tmp_path / "folded.db", log).play(random.Random(3))

    before, after = await plain.all(), await folded.all()
    left = await folded.store.read(folded_patients)
    for one in (plain, folded):
        await one.store.close()

    assert len(folded.folded) >= 5
    assert left
    assert folded.folded - left
    assert after[0] == before[0]
    assert after[1] == before[1]
    assert after[2] == before[2]
    assert after[3] == before[3]


async def test_who_waits_or_has_an_open_gap_is_not_folded(tmp_path, log):
    played = await Played(tmp_path / "open.db", log).play()
    played.clock.instant += _YEARS
    await played.archivist.walk()

    def unsettled(tx):
        rows = tx.watch.gaps((Status.OVERDUE, Status.PENDING, Status.UNCONFIRMED), 10**6)
        return {patient for row in rows for patient in tx.facts.patients(row.person_id)}

    def of_unsettled(tx):
        return tx.facts._archive.rows(sorted(unsettled(tx)))

    waiting = await played.store.read(unsettled)
    rows = await played.store.read(of_unsettled)
    await played.store.close()

    assert waiting
    assert rows == []
