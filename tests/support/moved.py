"""A stay with a letter of the synthetic region, whose dossier is moved to another patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.timestamps import PARIS
from gateway.fhir.identity import Ids
from gateway.pipeline.watch import Watcher
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings
from tests.support.linked import Arrived, expectation_rows, feed, watcher_of
from tests.support.pipeline import HandClock

_DOMAIN = "https://relais.example/ns/ipp/990002008"
#: Local numbers of the patient the dossier was opened for, and of the one it is of.
_WRONG, _RIGHT = "0020000001", "0020000777"
_DOSSIER = b"D00001007"
WRONG, RIGHT = (Ids().patient(_DOMAIN, number) for number in (_WRONG, _RIGHT))
LATER = timedelta(days=30)


def letter_and_stay() -> list[Arrived]:
    """Return the inputs about one dossier: its movements and its letter."""
    played = events(Region("letters-4", 1), PERFECT)
    found = [one for one in played if _DOSSIER in one.body and one.label.message != "MDM^T10"]
    return [Arrived(one.at, one.door, one.body) for one in found]


def move(told: Arrived, at: datetime, *, back: bool = False) -> Arrived:
    """Compose the A44 of the dossier of a message, by its sender."""
    lines = {line[:3]: line.split(b"|") for line in told.body.split(b"\r") if line}
    when = at.astimezone(PARIS).strftime("%Y%m%d%H%M%S").encode()
    header, patient = lines[b"MSH"], lines[b"PID"]
    header[2], header[6], header[8], header[9] = b"GAM", when, b"ADT^A44^ADT_A43", b"MOVE" + when
    header[11] = b"2.5^FRA^2.11"
    wrong = patient[3].split(b"~")[0]
    right = wrong.replace(_WRONG.encode(), _RIGHT.encode())
    to, left = (wrong, right) if back else (right, wrong)
    patient[3], patient[5:9] = to, [b"DROIT^ALIX^ALIX^^^^L", b"", b"19600202", b"F"]
    patient[11] = b""
    segments = [b"|".join(header), b"EVN||" + when, b"|".join(patient)]
    merged = b"|".join([b"MRG", left, b"", patient[18]])
    return Arrived(at, "mllp", b"\r".join([*segments, merged, b""]))


@dataclass
class Watched:
    """A store that is looked at after each input."""

    store: MemoryStore
    clock: HandClock
    watcher: Watcher

    @classmethod
    async def of(cls, log: Sequence[Arrived]) -> "Watched":
        """Commit a log, look after each of its inputs and long after the last."""
        store = MemoryStore()
        await store.open()
        clock = HandClock(log[0].at)
        found = cls(store, clock, watcher_of(store, clock))
        for one in log:
            await found.take(one)
        await found.look(log[-1].at + LATER)
        return found

    async def take(self, *told: Arrived) -> None:
        """Commit inputs and look."""
        for one in told:
            await self.look(max(self.clock.instant, one.at))
            await feed(self.store, [one])
            await self.look(self.clock.instant)

    async def look(self, at: datetime) -> None:
        """Look at whoever is due at an instant."""
        self.clock.instant = at
        await self.watcher.drain()

    async def statuses(self) -> dict[str, str]:
        """Return the status of each expectation, by rule; each rule has one.

        Without VIL-05: a letter promises several things.
        """
        rows = [row for row in await expectation_rows(self.store) if row.rule != "VIL-05"]
        assert len({row.rule for row in rows}) == len(rows)
        return {row.rule: row.status.value for row in rows}

    async def subjects(self, *types: str) -> set[str]:
        """Return whom resources of some types are about."""
        found = await holdings(self.store, *types)
        return {
            (one.get("patient") or one.get("for") or one["subject"])["reference"]
            for one in found.values()
        }
