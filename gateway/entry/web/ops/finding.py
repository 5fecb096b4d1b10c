"""Where is my message: inputs by their control id (MSH-10), or of one patient.

Both are read through indexes and up to a limit. What was looked for is in no address and in no
entry of the journal: a control id may hold the number of a patient (docs/howto/find-a-message.md).
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.core.contributions import Target
from gateway.core.messages import InboxRow
from gateway.core.ports import Condition, Store, Transaction
from gateway.entry.web.data import MessageLine
from gateway.entry.web.store_messages import answer_code, message_line

#: Inputs that are shown, the newest; keys that are looked at for them.
SHOWN, _LOOKED = 50, 500
#: Patients that carry one number: a record of each hospital, and those it was merged with.
_PATIENTS = 20
#: Digits of an INS with and without its key; the key is no part of the identifier (INS, ANS).
_WITH_KEY, _INS = 15, 13


@dataclass(frozen=True, slots=True)
class FoundLine:
    """An input that was found.

    Attributes:
        line: as lists show it.
        sent_at: MSH-7 or the time of a document; None: unreadable.
        answer: MSA-1; empty: there is none.
        made: what it made or added to.
    """

    line: MessageLine
    sent_at: datetime | None
    answer: str
    made: int


@dataclass(frozen=True, slots=True)
class Found:
    """Inputs that were found, the newest first.

    Attributes:
        is_cut: there are more.
        patients: Patients the inputs are of, when they were looked for by one.
    """

    rows: tuple[FoundLine, ...]
    is_cut: bool = False
    patients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageFinder:
    """Finds inputs."""

    store: Store

    async def by_control(self, control_id: str) -> Found:
        """Return the inputs of any sender with a control id."""

        def work(tx: Transaction) -> Found:
            return _shown(tx, tx.inbox.with_control(control_id, _LOOKED))

        return await self.store.read(work) if control_id else Found(())

    async def patients(self, number: str) -> tuple[str, ...]:
        """Return the Patients that carry a number: an IPP, an INS, or another identifier."""
        said = "".join(number.split())
        if not said:
            return ()
        plain = said[:_INS] if said.isascii() and len(said) == _WITH_KEY else said
        wanted = Condition("identifier", "token", tuple((None, v) for v in {said, plain}))
        page = await self.store.read(
            lambda tx: tx.resources.search("Patient", [wanted], _PATIENTS, None)
        )
        return tuple(one.id for one in page.resources)

    async def of_patients(self, patients: tuple[str, ...]) -> Found:
        """Return the inputs that tell of some Patients."""

        def work(tx: Transaction) -> Found:
            told = (tx.contributions.inbox_ids(Target("Patient", one)) for one in patients)
            return _shown(tx, [number for numbers in told for number in numbers], patients)

        return await self.store.read(work) if patients else Found(())


def _shown(tx: Transaction, numbers: list[int], patients: tuple[str, ...] = ()) -> Found:
    newest = sorted(set(numbers), reverse=True)
    wanted = newest[:SHOWN]
    made = tx.contributions.made_by(wanted)
    rows = tuple(_line(row, len(made.get(row.id, ()))) for row in tx.inbox.some(wanted))
    return Found(rows, len(newest) > SHOWN or len(numbers) >= _LOOKED, patients)


def _line(row: InboxRow, made: int) -> FoundLine:
    return FoundLine(message_line(row), row.header.sent_at, answer_code(row.answer), made)
