"""The shared record (DMP): one document fed, replaced or taken back, by either dialect.

Sends once and says what happened; retries, states and what leaves are decided elsewhere
(`pipeline.deliver`, `sharing.routing_dmp`). A document is delivered when the registry says so, and
by nothing less. Standards: IHE ITI TF-3 4.2.4 (error codes), CI-SIS volet Partage de documents.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from gateway.connectors import dmp_faults as faults
from gateway.connectors.dmp_answers import Record, Told
from gateway.connectors.dmp_submission import House, Submission, prepare
from gateway.connectors.dmp_value_sets import CodeLists
from gateway.core.deliveries import Delivery, DeliveryStatus, Handover
from gateway.core.errors import RejectedError, RelaisError, RetriableError
from gateway.mapping.conceptmaps import ConceptMap

_BUSY = frozenset(
    {
        "XDSRepositoryBusy",
        "XDSRegistryBusy",
        "XDSRegistryNotAvailable",
        "XDSRepositoryOutOfResources",
        "XDSRegistryOutOfResources",
    }
)
#: Codes that say nothing: tried a few times.
_VAGUE = frozenset({"XDSRegistryError", "XDSRepositoryError", "unnamed"})
_VAGUE_ATTEMPTS = 5
_DUPLICATE = "XDSDuplicateUniqueIdInRegistry"
_DEPRECATED = "XDSRegistryDeprecatedDocumentError"
_NO_RECORD = {"XDSUnknownPatientId": Record.ABSENT, "DMPClosed": Record.CLOSED}
_BUSY_S = 60.0
_WORDS = {
    Record.ABSENT: "DMPAbsent: the patient has no shared record.",
    Record.CLOSED: "DMPClosed: the shared record of the patient is closed.",
}


class Dialect(Protocol):
    """One way to speak to a repository; each call raises RetriableError or RejectedError."""

    async def record(self, submission: Submission) -> Record:
        """Ask whether the patient has an open record."""
        ...

    async def find(self, submission: Submission, unique_id: str) -> str:
        """Return the id of the current entry of a document, empty when there is none."""
        ...

    async def feed(self, submission: Submission, replaced: str) -> Told:
        """Feed; `replaced` is the id of the entry that is replaced, empty when none."""
        ...

    async def delete(self, submission: Submission, entry: str) -> Told:
        """Take an entry back."""
        ...

    async def close(self) -> None:
        """Close the connections that are kept between two requests."""
        ...


class DmpConnector:
    """Feeds the shared record."""

    name = "dmp"

    def __init__(
        self,
        dialect: Dialect,
        house: House,
        conceptmaps: Mapping[str, ConceptMap],
        lists: CodeLists | None = None,
    ) -> None:
        """Prepare.

        Args:
            dialect: how the repository is spoken to.
            house: the organisation.
            conceptmaps: by name.
            lists: value sets that codes are judged by; None: none.
        """
        self._dialect = dialect
        self._house = house
        self._conceptmaps = conceptmaps
        self._lists = lists or CodeLists()

    async def send(self, delivery: Delivery) -> Handover:
        """Feed, replace or take back once.

        Returns:
            `CONFIRMED` on the word of the registry; `SKIPPED` when the patient has no open record.

        Raises:
            RetriableError: away, busy, not let in, or the end was not seen (RLS-DMP-020 to 023,
                026, 027).
            RejectedError: it must not leave, or is refused for good (RLS-DMP-001 to 006, 024,
                025, 028, 060).
        """
        submission = await self._prepared(delivery)
        record = await self._dialect.record(submission)
        if record is not Record.OPEN:
            return _without_record(record)
        if submission.is_delete:
            return await self._delete(submission, delivery)
        return await self._feed(submission, delivery)

    async def close(self) -> None:
        """Close the connections that are kept between two rows."""
        await self._dialect.close()

    async def before_resend(self, delivery: Delivery) -> Handover | None:
        """Look whether an earlier attempt arrived; None when it is to be made again.

        Raises:
            RetriableError, RejectedError: as `send`; nothing is sent blindly.
        """
        submission = await self._prepared(delivery)
        if submission.is_delete:
            return None
        found = await self._dialect.find(submission, submission.entry.unique_id)
        return _confirmed(submission, "registered-earlier") if found else None

    async def _prepared(self, delivery: Delivery) -> Submission:
        # Reading the document is CPU work of milliseconds: not on the loop.
        return await asyncio.to_thread(
            prepare, delivery, self._house, self._conceptmaps, self._lists
        )

    async def _feed(self, submission: Submission, delivery: Delivery) -> Handover:
        replaced = await self._replaced(submission)
        told = await self._dialect.feed(submission, replaced)
        if replaced and _DEPRECATED in told.codes:
            # Its metadata were updated between our look and our word: read once more.
            again = await self._replaced(submission)
            if again not in ("", replaced):
                told = await self._dialect.feed(submission, again)
        if told.is_success:
            return _confirmed(submission, f"{_noted(told)}{self._unjudged()}")
        if _DUPLICATE in told.codes:
            found = await self._dialect.find(submission, submission.entry.unique_id)
            if found:
                return _confirmed(submission, "registered-before")
        return _ended(told, delivery, "ITI-41")

    def _unjudged(self) -> str:
        """Say which codes left that no value set has judged."""
        missing = self._lists.missing
        return f"; RLS-DMP-061 {', '.join(missing)}" if missing else ""

    async def _replaced(self, submission: Submission) -> str:
        """Return the entry to be replaced, read just before; none when it never arrived there."""
        old = submission.entry.replaces
        return await self._dialect.find(submission, old) if old else ""

    async def _delete(self, submission: Submission, delivery: Delivery) -> Handover:
        entry = await self._dialect.find(submission, submission.entry.unique_id)
        if not entry:
            return _confirmed(submission, "gone-already")
        told = await self._dialect.delete(submission, entry)
        if told.is_success:
            return _confirmed(submission, _noted(told))
        return _ended(told, delivery, "ITI-57")


def _confirmed(submission: Submission, note: str) -> Handover:
    receipt = {"document": submission.entry.unique_id, "evidence": "delivered"}
    return Handover(DeliveryStatus.CONFIRMED, note, receipt)


def _without_record(record: Record) -> Handover:
    words = _WORDS[record]
    return Handover(DeliveryStatus.SKIPPED, words, {"code": words.partition(":")[0]})


def _noted(told: Told) -> str:
    return "Success" + (f"; warned {', '.join(told.warnings)}" if told.warnings else "")


def _ended(told: Told, delivery: Delivery, where: str) -> Handover:
    """Sort what is no success.

    Raises:
        RetriableError: it may go later.
        RejectedError: it never will.
    """
    record = next((_NO_RECORD[code] for code in told.codes if code in _NO_RECORD), None)
    if record is not None:
        return _without_record(record)
    raise _failure(told, delivery, where)


def _failure(told: Told, delivery: Delivery, where: str) -> RelaisError:
    codes = told.codes or ("unnamed",)
    shown = ", ".join(codes)
    if _BUSY.issuperset(codes):
        return RetriableError([faults.busy(shown)], _BUSY_S)
    if _VAGUE.issuperset(codes) and delivery.attempts < _VAGUE_ATTEMPTS:
        return RetriableError([faults.busy(shown)], _BUSY_S)
    place = f"{where} {', '.join(told.places)}".strip()
    return RejectedError([faults.refused(place, shown)])
