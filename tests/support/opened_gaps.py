"""A gateway with the gaps of one discharge, looked at whenever something is due.

The discharge of the fixture leaves two gaps: TRX-08, critical, opens on 10 March 2026 at 00:00 in
Paris, and its ladder tells after 2 and 6 hours; TRX-01, major, opens at 05:59:59 and its ladder
tells on 11, 13 and 17 March at 23:59:59.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import orjson

from gateway.core.contributions import Json
from gateway.core.facts import ExpectationRow, Status
from gateway.core.ports import Store, Transaction
from gateway.entry.settings import load
from gateway.entry.wiring import build_watcher
from gateway.fhir.identity import Ids
from gateway.mapping.loader import load_mappings
from gateway.pipeline.watch import Watcher
from gateway.pipeline.work import work_on
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.support.assertions import paris, says
from tests.support.gateway import take
from tests.support.pipeline import START, HandClock

CASES = ROOT / "fixtures" / "hl7v2"
DISCHARGE = (CASES / "adt_a03_discharge_to_rehabilitation" / "input.er7").read_bytes()
BED, LETTER = "TRX-08", "TRX-01"
#: When the two gaps open.
BED_OPENS, LETTER_OPENS = paris("2026-03-10 00:00"), paris("2026-03-10 05:59:59")


@dataclass
class Ward:
    """A store with the discharge, a clock, and what looks at it."""

    store: Store
    clock: HandClock
    watcher: Watcher
    #: Facts that no message said are numbered below zero.
    _learned: int = 0

    @classmethod
    async def of(cls, store: Store | None = None) -> "Ward":
        """Take the discharge into an empty store; nothing is open yet."""
        store = store or MemoryStore()
        await store.open()
        clock = HandClock(START)
        await take(store, DISCHARGE)
        ward = cls(store, clock, build_watcher(load(), store, clock, load_mappings()))
        await ward.watcher.drain()
        return ward

    async def at(self, *instants: str) -> None:
        """Go to instants in Paris, one after the other, and look."""
        for text in instants:
            self.clock.instant = paris(text)
            await self.watcher.drain()

    async def learn(self, at: str, event: str, key: str, *, te: str = "", **said: object) -> None:
        """Learn of a fact at an instant in Paris, then look; `op` and the like go to `says`.

        `te` is when it happened; by default when it is learned.
        """
        self.clock.instant = paris(at)
        patient = (await self.rows())[0].patient
        one = says(event, key, te or at, at, patient=patient, source="990000027:ADT", **said)  # type: ignore[arg-type]
        self._learned -= 1

        def work(tx: Transaction) -> None:
            tx.facts.replace([(self._learned, one.at, [one.assertion])])
            tx.watch.touch(dict.fromkeys(tx.facts.persons([patient.id]).values(), one.at))

        await self.store.write(work)
        await self.watcher.drain()

    async def rows(self) -> list[ExpectationRow]:
        """Return every expectation."""
        return await self.store.read(lambda tx: tx.watch.gaps(tuple(Status), 99, opened_only=False))

    async def use(self, watcher: Watcher) -> None:
        """Let another watcher look from now on, at once."""
        self.watcher = watcher
        persons = {row.person_id: self.clock.instant for row in await self.rows()}
        await self.store.write(lambda tx: tx.watch.touch(persons))
        await watcher.drain()

    async def row(self, rule: str = LETTER) -> ExpectationRow:
        """Return the expectation of a rule."""
        return next(row for row in await self.rows() if row.rule == rule)

    async def versions(self, type_: str, id_: str) -> list[Json]:
        """Return every version of a resource, oldest first."""
        found = await self.store.read(lambda tx: tx.resources.history(type_, id_, 99, None))
        return [orjson.loads(one.body) for one in reversed(found)]

    async def tasks(self, rule: str = LETTER) -> list[Json]:
        """Return every version of the Task of the first episode."""
        row = await self.row(rule)
        return await self.versions("Task", Ids().gap_task(row.gap_id, 1))

    async def task(self, rule: str = LETTER) -> Json:
        """Return the Task as it stands."""
        return (await self.tasks(rule))[-1]

    async def issues(self, rule: str = LETTER) -> list[Json]:
        """Return every version of the DetectedIssue."""
        return await self.versions("DetectedIssue", Ids().gap((await self.row(rule)).gap_id))

    async def alerts(self, rule: str = "", kinds: Sequence[str] = ()) -> list[Json]:
        """Return the Communications that left, in order; of one rule when it is named."""
        about = f"DetectedIssue/{Ids().gap((await self.row(rule)).gap_id)}" if rule else ""

        def read(tx: Transaction) -> list[Json]:
            page = tx.resources.search("Communication", (), 100, None)
            return [orjson.loads(one.body) for one in page.resources]

        found = sorted(await self.store.read(read), key=lambda one: (one["sent"], one["id"]))
        return [
            one
            for one in found
            if (not rule or any(ref["reference"] == about for ref in one["about"]))
            and (not kinds or one["category"][0]["coding"][0]["code"] in kinds)
        ]

    async def write(self, at: str, rule: str = LETTER, **changes: object) -> Json:
        """Write the Task as somebody does over REST, then look."""
        self.clock.instant = paris(at)
        sent = {**(await self.task(rule)), **changes}
        now, ids = self.clock.instant, Ids()
        await self.store.write(
            lambda tx: work_on(tx, sent["id"], sent, "anne", lambda _: None, now, ids)
        )
        await self.watcher.drain()
        return await self.task(rule)

    async def ledger(self) -> list[object]:
        """Return the ledger."""
        return [line for _, line in await self.store.read(lambda tx: tx.watch.ledger(0, 999))]


def with_lead(watcher: Watcher, rule_id: str, lead: timedelta) -> Watcher:
    """Return the same watcher with a rule that warns before its deadline."""
    versions = dict(watcher.rules.versions)
    versions[rule_id] = tuple(
        replace(rule, written=rule.written.model_copy(update={"lead": lead}))
        for rule in versions[rule_id]
    )
    return replace(watcher, rules=replace(watcher.rules, versions=versions))


def business(task: Json) -> str:
    """Return the code of the business status of a Task."""
    return str(task["businessStatus"]["coding"][0]["code"])


def deferred(until: str) -> dict[str, object]:
    """Return what somebody writes to put a Task off."""
    return {
        "status": "on-hold",
        "statusReason": {"text": "L’unité rappelle."},
        "restriction": {"period": {"end": paris(until).isoformat()}},
    }
