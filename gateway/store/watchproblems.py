"""The issues of the pathway engine's state and of what leaves, each written once."""

from gateway.core.errors import FatalError, RetriableError
from gateway.store.problems import fatal, retriable


def opened_twice() -> FatalError:
    """Return the error of a gap that would open twice for one episode."""
    return fatal(
        "RLS-PTH-090",
        where="opening of a gap",
        what="this gap was opened for this episode before; nothing of this look is stored.",
        fix="Report it: the engine and its stored state disagree about the episodes of a gap.",
    )


def stale_look() -> RetriableError:
    """Return the error of a look whose state another worker has moved meanwhile."""
    return retriable(
        "RLS-PTH-091",
        where="look at a person",
        what="the state of an expectation moved since it was read; nothing of this look is stored.",
        fix="Nothing to do: the person is looked at again when the lease of this look ends.",
    )


def elsewhere() -> RetriableError:
    """Return the error of an expectation that still belongs to another person."""
    return retriable(
        "RLS-PTH-092",
        where="look at a person",
        what="the trigger of an expectation is still with another person.",
        fix="Nothing to do once the other person was looked at; if it lasts, two persons hold "
        "one visit: check the identity of the patients in the messages of that visit.",
    )


def not_in_ledger() -> FatalError:
    """Return the error of a state that its ledger does not tell."""
    return fatal(
        "RLS-PTH-093",
        where="look at a person",
        what="the state of an expectation and its ledger disagree; nothing of this look is stored.",
        fix="Report it: a transition was written without its line, or a line without its state.",
    )


def unknown_delivery(delivery_id: int) -> FatalError:
    """Return the error of an outbox row that is not there."""
    return fatal(
        "RLS-STO-040",
        where=f"outbox row {delivery_id}",
        what="there is no such row.",
        fix="Read the outbox again; the row may have been purged.",
    )


def not_an_end(delivery_id: int, wanted: str) -> FatalError:
    """Return the error of an attempt said to have ended in a state that is no end."""
    return fatal(
        "RLS-STO-041",
        where=f"outbox row {delivery_id}",
        what=f"an attempt does not end as {wanted}.",
        fix="Report it: only a claim makes a row leave.",
    )


def unknown_subscription() -> FatalError:
    """Return the error of an event of a subscription that is not there."""
    return fatal(
        "RLS-STO-042",
        where="event of a subscription",
        what="there is no such subscription; the event has no number.",
        fix="Read the subscriptions in the transaction that numbers their events.",
    )
