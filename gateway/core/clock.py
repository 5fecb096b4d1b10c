"""Time comes in as an argument: the protocol of a clock. Clocks are made in `entry.wiring`."""

from datetime import datetime, timedelta
from typing import Protocol

#: Clocks of senders and ours may differ by so much without anybody being told, and what an event
#: is ahead of its receipt by that is no future.
CLOCKS_DIFFER = timedelta(minutes=5)


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...
