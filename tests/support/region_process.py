"""A gateway and the outside systems it delivers to, each a process that may be killed."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path

from gateway.core.deliveries import Delivery, DeliveryStatus
from gateway.core.facts import LedgerLine, Status
from gateway.core.messages import Channel, InboxRow, RawMessage
from gateway.core.ports import Store
from gateway.entry.settings import load
from gateway.entry.wiring import build_watcher
from gateway.mapping.loader import load_mappings
from gateway.pathway.rulefiles import load_rules
from gateway.pipeline.commit import CommitRules, commit
from gateway.pipeline.folds import FOLDS
from gateway.simulation.mail_pki import make_pki
from gateway.simulation.play import Event
from gateway.store.memory import MemoryStore
from tests.support.doubles import ADDRESS, DoubleProcess, free_ports
from tests.support.gateway import converter
from tests.support.moved_serve import VARIABLE, MovedClock
from tests.support.pipeline import HandClock
from tests.support.process import GatewayProcess, send_until_cut

#: The five minutes of a lease last less than a second.
SCALE = 400.0
_LANES = 16
_PATIENCE_S = 60.0
_STEP_S = 1.0
_ON_THE_WAY = (
    DeliveryStatus.QUEUED,
    DeliveryStatus.SENDING,
    DeliveryStatus.RETRY_WAIT,
    DeliveryStatus.SENT,
)


class _Undone(Exception):  # noqa: N818 - ends a transaction, is no error
    """Takes a transaction back."""


@dataclass
class RegionProcess:
    """Everything that runs.

    Attributes:
        gateway: `relais serve` under a moved clock.
        receiver: of notifications.
        mail: operator and mailbox.
        clock: of the gateway.
        kills: how often each was killed.
    """

    gateway: GatewayProcess
    receiver: DoubleProcess
    mail: DoubleProcess
    clock: MovedClock
    kills: dict[str, int] = field(default_factory=dict)

    @classmethod
    def under(cls, folder: Path, store_url: str) -> "RegionProcess":
        """Prepare everything under a folder; nothing runs."""
        pki = make_pki(folder)
        http, mllp, hook, smtp, imap = free_ports(5)
        clock = MovedClock(folder / "clock.json")
        environment = {
            VARIABLE: str(clock.path),
            "RELAIS_HTTP_PORT": str(http),
            "RELAIS_MLLP_PORT": str(mllp),
            "RELAIS_HOOKS_TIMEOUT_S": "3",
            # The clock is moved by months: what is on its way then is not given up for that.
            "RELAIS_HOOKS_HORIZON_DAYS": "400",
            "RELAIS_HOOKS_POLL_S": "0.05",
            "RELAIS_MSSANTE_SMTP_HOST": "localhost",
            "RELAIS_MSSANTE_SMTP_PORT": str(smtp),
            "RELAIS_MSSANTE_IMAP_HOST": "localhost",
            "RELAIS_MSSANTE_IMAP_PORT": str(imap),
            "RELAIS_MSSANTE_CERTIFICATE": str(pki.client),
            "RELAIS_MSSANTE_AUTHORITY": str(pki.authority),
            "RELAIS_MSSANTE_ADDRESS": ADDRESS,
            "RELAIS_MSSANTE_DOMAINS": '["mssante.example"]',
            "RELAIS_MSSANTE_TIMEOUT_S": "3",
            "RELAIS_MSSANTE_POLL_S": "0.3",
        }
        return cls(
            GatewayProcess(store_url, folder, environment, module="tests.support.moved_serve"),
            DoubleProcess("receiver", folder, (hook,)),
            DoubleProcess("mail", folder, (smtp, imap)),
            clock,
        )

    @property
    def endpoint(self) -> str:
        """Return where notifications go."""
        return f"http://localhost:{self.receiver.ports[0]}/notify"

    def start(self) -> "RegionProcess":
        """Start all three."""
        for one in (self.mail, self.receiver, self.gateway):
            one.start()
        return self

    def kill(self) -> None:
        """Leave nothing behind."""
        for one in (self.gateway, self.receiver, self.mail):
            one.kill()

    def ask(self, path: str, body: object = None) -> dict:
        """Read from the FHIR door, or create where there is a body."""
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
        kind = {"Content-Type": "application/fhir+json"}
        connection = HTTPConnection("127.0.0.1", self.gateway.ports["http"], timeout=30)
        try:
            connection.request(method, f"/fhir/{path}", data, kind)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    async def step(self, chance: random.Random, acks: dict[bytes, bytes]) -> None:
        """Wait for a step drawn by chance: some answers, notifications or mails more than now.

        Notifications and mails count when they are kept, which is a little before the answer to
        them leaves. Where nothing moves any more the wait ends by itself.
        """
        counts: list[Callable[[], int]] = [
            lambda: len(acks),
            self.receiver.count_arrived,
            self.mail.count_taken,
        ]
        count = chance.choice(counts)
        aim = count() + chance.randint(1, 4)
        with suppress(TimeoutError):
            async with asyncio.timeout(_STEP_S):
                # Other processes tell nobody of their steps: they are looked at.
                while count() < aim:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)

    async def fall(self, name: str, down_s: float) -> None:
        """Kill one of the three and start it again."""
        one = getattr(self, name)
        one.kill()
        self.kills[name] = self.kills.get(name, 0) + 1
        await asyncio.sleep(down_s)
        await asyncio.to_thread(one.start)

    async def send(self, events: Sequence[Event], acks: dict[bytes, bytes]) -> None:
        """Send until every message has its answer, each patient's in order."""
        lanes = [[e.body for e in events if e.label.patient % _LANES == n] for n in range(_LANES)]

        async def lane(bodies: list[bytes]) -> None:
            while waiting := [body for body in bodies if body not in acks]:
                await send_until_cut(self.gateway.ports["mllp"], waiting, acks)
                await asyncio.sleep(0.05)

        async with asyncio.timeout(_PATIENCE_S):
            await asyncio.gather(*map(lane, lanes))

    async def rest(self, store: Store) -> None:
        """Wait until no look is due and nothing is on its way any more."""
        quiet = 0
        try:
            async with asyncio.timeout(_PATIENCE_S):
                # A look that is not committed yet shows nowhere, its persons are passed over as
                # locked: it has time to end, also one at many persons on a busy machine.
                while quiet < 40:
                    quiet = quiet + 1 if await is_at_rest(store, self.clock.now()) else 0
                    await asyncio.sleep(0.1)
        except TimeoutError:
            told = [f"{d.item.connector} {d.status} {d.note}" for d in await outbox(store)]
            raise AssertionError(f"never at rest: {sorted(set(told))}") from None


async def is_at_rest(store: Store, now: datetime) -> bool:
    """Tell whether nothing is due."""
    due: list[str] = []

    def look(tx) -> None:
        due.extend(tx.watch.claim_due(now, 1))
        raise _Undone

    with suppress(_Undone):
        await store.write(look)
    counts = await store.read(lambda tx: tx.outbox.counts())
    return not due and not any(n for (_, status), n in counts.items() if status in _ON_THE_WAY)


async def outbox(store: Store, connector: str = "") -> list[Delivery]:
    """Return every row of the outbox."""
    every = tuple(DeliveryStatus)
    return await paged(
        store, lambda tx, after: tx.outbox.page(every, after, 500, connector), lambda d: d.id
    )


async def inbox(store: Store) -> list[InboxRow]:
    """Return every row of the inbox with its body."""
    return await paged(
        store,
        lambda tx, after: tx.inbox.page(None, after, 500, with_body=True),
        lambda row: row.id,
    )


async def ledger(store: Store) -> list:
    """Return every line of the ledger, in the order it was written."""
    found = await paged(
        store, lambda tx, after: tx.watch.ledger(after, 500), lambda numbered: numbered[0]
    )
    return [line for _, line in found]


async def paged(store: Store, read: Callable, number: Callable) -> list:
    """Read page by page until an empty one."""
    rows: list = []
    after = 0
    while page := await store.read(lambda tx, after=after: read(tx, after)):
        rows += page
        after = number(page[-1])
    return rows


async def undisturbed(rows: Sequence[InboxRow], until: datetime) -> Store:
    """Return a store with the ledger that the same receipts give where nobody is killed.

    Args:
        rows: of the inbox, with their bodies, in the order of their ids.
        until: the clock runs on to this instant.
    """
    settings, clock, store = load(), HandClock(rows[0].received_at), MemoryStore()
    await store.open()
    watcher = build_watcher(settings, store, clock, load_mappings(None))
    rules = CommitRules(FOLDS, mails=True)
    for row in rows:
        clock.instant = max(clock.instant, row.received_at)
        made = converter()
        item = made.prepare(made.open(RawMessage(row.body, Channel.MLLP, row.received_at)))
        await store.write(lambda tx, item=item: commit(tx, [item], clock.now(), rules))
    clock.instant = until
    await watcher.drain()
    return store


def openings(lines: Sequence[LedgerLine]) -> Counter:
    """Count how often each gap was opened in each episode: (rule, gap, episode)."""
    opened = (line for line in lines if line.to_status is Status.OVERDUE)
    return Counter((line.rule, line.gap_id, line.episode) for line in opened)


async def openings_of_one_place(store: Store) -> Counter:
    """Count openings that depend on receipts alone.

    Left out: gaps that a mail opens or closes, and those of persons known in two places.
    When these two turn out to be one person counts from the look that learns it.
    """
    found = openings(await ledger(store))
    mailed = _rules_about_mails()

    def keep(tx) -> Counter:
        alone = [
            gap_id
            for _, gap_id, _ in found
            if len(tx.facts.patients(tx.watch.gap(gap_id).person_id)) == 1
        ]
        kept = {one: n for one, n in found.items() if one[1] in alone and one[0] not in mailed}
        return Counter(kept)

    return await store.read(keep)


def _rules_about_mails() -> frozenset[str]:
    """Return the rules that look at what becomes of a mail, which no input of the inbox tells."""
    return frozenset(
        name
        for name, versions in load_rules().versions.items()
        if any(event.startswith("SND.") for rule in versions for event in rule.events)
    )
