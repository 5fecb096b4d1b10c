"""A ledger that is made anew, long after, has the bytes of the first one."""

from datetime import timedelta

from gateway.core.facts import Status
from gateway.pathway import asof
from gateway.pathway.lines import in_order, ledger_line
from gateway.pipeline.histories import histories
from gateway.pipeline.watch import Watcher, WatchSettings
from gateway.simulation.faults import Outage, Transport
from gateway.store.factory import open_store
from gateway.store.memory import MemoryStore
from tests.support.linked import feed, ledger_bytes, linked_region, watcher_of
from tests.support.pipeline import HandClock

#: Long enough for deadlines to pass meanwhile.
_SILENCES = Transport(outages=(Outage("chu", 24 * 20, 60), Outage("clcc", 24 * 25, 60)))
_HOURS = [timedelta(hours=6 * n) for n in range(4)]


async def feeds_of(log) -> frozenset[str]:
    """Return every feed that speaks in a log."""
    store = MemoryStore()
    await store.open()
    await feed(store, log)
    return frozenset(await store.read(lambda tx: [state.feed for state in tx.watch.feeds_now()]))


async def test_after_four_hundred_days_the_same_bytes(tmp_path):
    log = linked_region("anew", 8, _SILENCES)
    declared = await feeds_of(log)
    store, clock = open_store(f"sqlite:///{tmp_path}/anew.db"), HandClock(log[0].at)
    await store.open()
    made = watcher_of(store, clock)
    settings = WatchSettings(made.settings.tenant, declared=declared)
    watcher = Watcher(store, made.rules, made.ids, clock, settings)
    for one in log:
        clock.instant = one.at
        await feed(store, [one])
        await watcher.drain()
    # Other patients keep the feeds alive.
    at = log[-1].at
    for _ in range(400):
        alive = [(name, at + hours, at + hours) for name in declared for hours in _HOURS]
        await store.write(lambda tx, alive=alive: tx.watch.feed_seen(alive))
        at += timedelta(days=1)
    clock.instant = at
    await watcher.drain()

    def anew(tx):
        moment = asof.Moment(at, at)
        feeds = asof.feeds_known(tx.watch.feeds(), declared, moment)
        found = [
            one
            for history in histories(tx)
            for one in asof.standing(history, watcher.rules, feeds, settings.tenant, moment)
        ]
        return b"".join(map(ledger_line, in_order([n for w in found for n in w.advance.lines])))

    first, again = await ledger_bytes(store), await store.read(anew)
    counts = await store.read(lambda tx: tx.watch.counts())
    await store.close()

    assert first.count(b'"to":"unconfirmed"') >= 3
    assert sum(n for (_, status), n in counts.items() if status is Status.OVERDUE) >= 3
    assert again == first
