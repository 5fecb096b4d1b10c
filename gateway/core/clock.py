"""Time comes in as an argument: the protocol of a clock. Clocks are made in `entry.wiring`."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...
