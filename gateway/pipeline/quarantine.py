"""What a person does with one refused or failed input: try it again, or set it aside."""

from gateway.core.errors import RejectedError
from gateway.core.inbox_ports import InboxResult
from gateway.core.issues import Issue, Severity
from gateway.core.messages import InboxRow, InboxStatus
from gateway.core.ports import Store, Transaction
from gateway.pipeline.replay import Replayer

HELD = (InboxStatus.QUARANTINED, InboxStatus.FAILED)


async def stored(store: Store, row_id: int) -> InboxRow:
    """Return one inbox row.

    Raises:
        RejectedError: there is no such row (RLS-STO-030).
    """
    row = await store.read(lambda tx: tx.inbox.get(row_id))
    if row is None:
        raise RejectedError([_no_row(row_id)])
    return row


async def retried(store: Store, replayer: Replayer, row_id: int) -> InboxStatus:
    """Convert a row again and return how it ended.

    Raises:
        RejectedError: there is no such row (RLS-STO-030).
    """
    await stored(store, row_id)
    await replayer.rows([row_id])
    return (await stored(store, row_id)).status


async def discarded(store: Store, row_id: int) -> None:
    """Set a row aside for good; its bytes stay.

    Raises:
        RejectedError: there is no such row, or it is not in quarantine (RLS-STO-031).
    """

    def work(tx: Transaction) -> None:
        row = tx.inbox.get(row_id)
        if row is None:
            raise RejectedError([_no_row(row_id)])
        if row.status not in HELD:
            raise RejectedError([not_held(row_id)])
        tx.inbox.set_results(
            [InboxResult(row_id, InboxStatus.DISCARDED, row.answer, row.issues, row.flags)]
        )

    await store.write(work)


def _no_row(row_id: int) -> Issue:
    return Issue(
        code="RLS-STO-030",
        severity=Severity.ERROR,
        where=f"inbox row {row_id}",
        what="there is no such row.",
        fix="`relais quarantine list` shows the rows in quarantine.",
    )


def not_held(row_id: int) -> Issue:
    """Say that a row is not in quarantine."""
    return Issue(
        code="RLS-STO-031",
        severity=Severity.ERROR,
        where=f"inbox row {row_id}",
        what="the row is not in quarantine.",
        fix="Only refused or failed rows can be discarded; replay converts the others again.",
    )
