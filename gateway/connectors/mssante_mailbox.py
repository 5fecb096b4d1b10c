"""The mailbox of the gateway: fetches notices over IMAP and puts aside what it has read.

Does not decide what a mail says (`connectors.mssante_notices`) nor what follows. Nothing is
deleted and nothing is answered. Standards: RFC 3501, RFC 6851 (MOVE), RFC 4422 (EXTERNAL).
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from imapclient import IMAPClient  # type: ignore[import-untyped]  # no types
from imapclient.exceptions import IMAPClientError  # type: ignore[import-untyped]  # no types

from gateway.connectors import mail_faults as faults
from gateway.connectors.mssante_letters import read_letter
from gateway.connectors.mssante_notices import Kind, Reading, read_notice
from gateway.core.clock import Clock
from gateway.core.deliveries import DeliveryStatus, Notice
from gateway.core.errors import RejectedError, RetriableError
from gateway.core.issues import Issue
from gateway.core.letters import Letter

READ_FOLDER = "Relais-Read"
KEPT_FOLDER = "Relais-Kept"
#: A notice may bring the whole mail back, archive included.
_LARGEST = 32 * 2**20
_BATCH = 100
_STATUSES = {
    Kind.DELIVERED: DeliveryStatus.CONFIRMED,
    Kind.RELAYED: DeliveryStatus.CONFIRMED,
    Kind.READ: DeliveryStatus.CONFIRMED,
    Kind.INTEGRATED: DeliveryStatus.CONFIRMED,
    Kind.FAILED: DeliveryStatus.REFUSED,
    Kind.NOT_INTEGRATED: DeliveryStatus.REFUSED,
    Kind.DELAYED: DeliveryStatus.SENT,
}


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where the mailbox is.

    Attributes:
        tls: makes the context; None only for a double on loopback.
        user: address of the mailbox.
        password: empty where the client certificate alone opens the mailbox.
    """

    host: str
    port: int
    tls: Callable[[], ssl.SSLContext] | None
    user: str
    password: str = ""
    timeout_s: float = 30.0

    @property
    def domain(self) -> str:
        """Return the domain of the Message-IDs we write."""
        return self.user.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the last look found; `validity` tells whether the numbers still mean the same."""

    validity: int
    read: tuple[int, ...]
    kept: tuple[int, ...]


class NoticeReader:
    """Fetches notices: `poll`, apply them durably, then `done`."""

    def __init__(
        self, mailbox: Mailbox, clock: Clock, takes: Callable[[str], bool] = lambda _address: False
    ) -> None:
        """Prepare; nothing is opened.

        Args:
            mailbox: where it is.
            clock: dates notices that tell no time.
            takes: tells whether letters to an address are wanted; others are put aside.
        """
        self._mailbox = mailbox
        self._clock = clock
        self._takes = takes
        self._batch: _Batch | None = None
        #: What could not be read at the last look.
        self.issues: tuple[Issue, ...] = ()
        #: Letters of somebody that the last look found; take them durably before `done`.
        self.letters: tuple[Letter, ...] = ()

    async def poll(self) -> list[Notice]:
        """Return the notices that wait, oldest first; they come again until `done`.

        Raises:
            RetriableError: the mailbox cannot be read (RLS-MSS-027).
        """
        return await asyncio.to_thread(self._poll)

    async def done(self) -> None:
        """Put aside what the last `poll` gave: call it once the notices are durable.

        Raises:
            RetriableError: the mailbox cannot be read (RLS-MSS-027).
        """
        if self._batch is not None:
            await asyncio.to_thread(self._put_aside, self._batch)
            self._batch = None

    async def find(self, key: str) -> Notice | None:
        """Return the last word on one outbox row, waiting or put aside; None when none came.

        Raises:
            RetriableError: the mailbox cannot be read (RLS-MSS-027).
        """
        return await asyncio.to_thread(self._find, key)

    def _poll(self) -> list[Notice]:
        with self._open() as client:
            validity = int(client.select_folder("INBOX")[b"UIDVALIDITY"])
            found = list(self._readings(client, sorted(client.search("ALL"))[:_BATCH]))
        issues: list[Issue] = []
        notices: dict[tuple[str, Kind, str], Notice] = {}
        read: list[int] = []
        kept: list[int] = []
        letters: list[Letter] = []
        for uid, reading in found:
            status = _STATUSES.get(reading.kind)
            (kept if status is None and reading.letter is None else read).append(uid)
            if reading.letter is not None:
                letters.append(reading.letter)
            elif status is None:
                issues.append(_why_kept(uid, reading))
            else:
                notices[reading.key, reading.kind, reading.note] = self._notice(reading, status)
        self._batch = _Batch(validity, tuple(read), tuple(kept))
        self.issues = tuple(issues)
        self.letters = tuple(letters)
        return list(notices.values())

    def _find(self, key: str) -> Notice | None:
        found: list[Notice] = []
        with self._open() as client:
            for folder in ("INBOX", READ_FOLDER):
                if not client.folder_exists(folder):
                    continue
                client.select_folder(folder, readonly=True)
                uids = sorted(client.search(["TEXT", key]))
                for _, reading in self._readings(client, uids):
                    status = _STATUSES.get(reading.kind)
                    if reading.key == key and status is not None:
                        found.append(self._notice(reading, status))
        settled = [one for one in found if one.status is not DeliveryStatus.SENT]
        return max(settled or found, key=lambda one: one.at, default=None)

    def _readings(self, client: IMAPClient, uids: Sequence[int]) -> Iterator[tuple[int, Reading]]:
        """Fetch one by one: a mailbox of large returned mails stays small in memory."""
        sizes = client.fetch(uids, ["RFC822.SIZE"]) if uids else {}
        for uid in uids:
            if uid not in sizes:
                # Another reader moved it in between.
                continue
            if sizes[uid][b"RFC822.SIZE"] > _LARGEST:
                yield uid, Reading(Kind.UNREADABLE, note="large")
                continue
            fetched = client.fetch([uid], ["BODY.PEEK[]"])
            if uid in fetched:
                data = fetched[uid][b"BODY[]"]
                reading = read_notice(data, self._mailbox.domain)
                yield uid, self._letter(data) if reading.kind is Kind.OTHER else reading

    def _letter(self, data: bytes) -> Reading:
        """Read a mail of somebody: one that carries documents somebody wants is a letter."""
        try:
            letter = read_letter(data)
        except RejectedError as error:
            return Reading(Kind.OTHER, note=error.issues[0].code)
        if letter is None or not letter.documents or not self._takes(letter.recipient):
            return Reading(Kind.OTHER)
        return Reading(Kind.OTHER, letter=letter)

    def _notice(self, reading: Reading, status: DeliveryStatus) -> Notice:
        return Notice(
            connector="mssante",
            key=reading.key,
            status=status,
            at=reading.at or self._clock.now(),
            note=reading.note,
            receipt={"evidence": reading.kind.value},
        )

    def _put_aside(self, batch: _Batch) -> None:
        with self._open() as client:
            validity = int(client.select_folder("INBOX")[b"UIDVALIDITY"])
            if validity != batch.validity:
                # The numbers name other mails now; these are read once more.
                return
            for folder, uids in ((READ_FOLDER, batch.read), (KEPT_FOLDER, batch.kept)):
                if uids:
                    _move(client, uids, folder)

    @contextmanager
    def _open(self) -> Iterator[IMAPClient]:
        mailbox = self._mailbox
        try:
            context = mailbox.tls() if mailbox.tls is not None else None
            client = IMAPClient(
                mailbox.host,
                mailbox.port,
                ssl=context is not None,
                ssl_context=context,
                timeout=mailbox.timeout_s,
            )
            with client:
                _log_in(client, mailbox)
                yield client
        except (IMAPClientError, OSError) as error:
            raise RetriableError([faults.mailbox_away(type(error).__name__)], 60.0) from None


def _log_in(client: IMAPClient, mailbox: Mailbox) -> None:
    if client.has_capability("AUTH=EXTERNAL"):
        client.sasl_login("EXTERNAL", lambda _challenge: mailbox.user.encode())
    else:
        client.login(mailbox.user, mailbox.password)


def _move(client: IMAPClient, uids: Sequence[int], folder: str) -> None:
    if not client.folder_exists(folder):
        client.create_folder(folder)
    if client.has_capability("MOVE"):
        client.move(uids, folder)
        return
    client.copy(uids, folder)
    client.delete_messages(uids)
    client.expunge()


def _why_kept(uid: int, reading: Reading) -> Issue:
    if reading.note == "large":
        return faults.large_mail(uid)
    if reading.kind is Kind.UNREADABLE:
        return faults.unreadable_notice(uid)
    if reading.note == "RLS-MSS-034":
        return faults.unreadable_attachment(uid)
    if reading.note:
        return faults.unsound_letter(uid, reading.note)
    return faults.other_mail(uid)
