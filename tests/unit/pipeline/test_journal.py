"""Entries of the journal are kept once, whoever gives up waiting and whenever."""

import asyncio
import contextlib

from gateway.core.audit import Trace, Wanted
from gateway.core.errors import RetriableError
from gateway.pipeline.journal import Journal, verify
from gateway.store.factory import open_store
from gateway.store.problems import outcome_unknown
from tests.support.pipeline import START


def trace(number: int) -> Trace:
    return Trace(f"00000000-0000-4000-8000-{number:012d}", START, "read", "0", "a", "p", {})


class Hesitant:
    """A store that can be slow, or commit and not say so."""

    def __init__(self, store):
        self._store = store
        self.began = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.is_mute = False

    async def write(self, work):
        self.began.set()
        done = await self._store.write(work)
        await self.goes_on.wait()
        if self.is_mute:
            self.is_mute = False
            raise outcome_unknown("write transaction", "cut")
        return done

    async def read(self, work):
        return await self._store.read(work)


async def kept(store, *numbers):
    """Tell whether exactly these entries are in the journal, in one chain."""
    entries = await store.read(lambda tx: tx.audit.find(Wanted(), 100))
    assert [one.trace.id for one in reversed(entries)] == [trace(number).id for number in numbers]
    assert (await verify(store)).fault == ""


async def test_an_entry_whose_writer_gave_up_is_kept_once(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/journal.db")
    await store.open()
    hesitant = Hesitant(store)
    journal = Journal(hesitant)
    hesitant.goes_on.clear()
    asked = asyncio.create_task(journal.keep([trace(1)]))
    await hesitant.began.wait()
    asked.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asked
    hesitant.goes_on.set()

    await journal.keep([trace(2)])
    await journal.close()

    await kept(store, 1, 2)
    await store.close()


async def test_an_entry_that_was_kept_without_a_word_is_kept_once(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/journal.db")
    await store.open()
    hesitant = Hesitant(store)
    journal = Journal(hesitant)
    hesitant.is_mute = True
    with contextlib.suppress(RetriableError):
        await journal.keep([trace(1)])

    await journal.keep([trace(2)])

    await kept(store, 1, 2)
    await store.close()
