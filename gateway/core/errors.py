"""The three exceptions that cross package borders; the class says what the caller does."""

from collections.abc import Sequence

from gateway.core.issues import Issue


class RelaisError(Exception):
    """Base of the errors Relais raises on purpose."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        self.issues = tuple(issues)
        super().__init__("; ".join(str(issue) for issue in self.issues))


class RejectedError(RelaisError):
    """The input or content is wrong: refuse it, keep its bytes, do not retry."""


class RetriableError(RelaisError):
    """The other side or the database is away: the same call may succeed later.

    Attributes:
        retry_after_s: no earlier than this.
        whole_door: whatever else is sent there now fails the same way: nothing of the item was
            looked at.
    """

    def __init__(
        self, issues: Sequence[Issue], retry_after_s: float = 5.0, *, whole_door: bool = False
    ) -> None:
        super().__init__(issues)
        self.retry_after_s = retry_after_s
        self.whole_door = whole_door


class FatalError(RelaisError):
    """Wrong configuration or broken invariant: stop and call a human."""
