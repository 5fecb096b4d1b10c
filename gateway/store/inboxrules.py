"""Which changes of state an inbox row allows; pure, used by the three stores."""

from gateway.core.inbox_ports import InboxResult
from gateway.core.messages import INBOX_TRANSITIONS, InboxEvent, InboxStatus
from gateway.store.problems import forbidden_transition

#: A replay goes through `reopen`, which counts the attempt.
_RESULTS = {
    (before, after)
    for (before, event), after in INBOX_TRANSITIONS.items()
    if event is not InboxEvent.REPLAYED
}


def check_result(result: InboxResult, status: InboxStatus | None) -> None:
    """Refuse a result the state of the row does not allow.

    Raises:
        FatalError: the transition is not listed, or there is no such row (RLS-STO-004).
    """
    if status is None or (status, result.status) not in _RESULTS:
        raise forbidden_transition(result.id, status or "absent", result.status)


def check_reopen(row_id: int, status: InboxStatus | None) -> None:
    """Refuse to reopen a row whose state does not allow it.

    Raises:
        FatalError: the transition is not listed, or there is no such row (RLS-STO-004).
    """
    if status is None or (status, InboxEvent.REPLAYED) not in INBOX_TRANSITIONS:
        raise forbidden_transition(row_id, status or "absent", InboxStatus.RECEIVED)
