"""Token buckets: how often somebody may ask, in this process."""

import time
from collections import OrderedDict
from collections.abc import Callable

_MOST = 50_000


class Buckets:
    """A bucket for each key; the one untouched longest is forgotten first."""

    def __init__(
        self, rate: float, burst: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare.

        Args:
            rate: requests a second.
            burst: requests at once.
            now: seconds of a clock that does not jump.
        """
        self._rate, self._burst, self._now = rate, burst, now
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Take one; return 0.0, or how many seconds to wait when there is none."""
        now = self._now()
        level, last = self._levels.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - last) * self._rate)
        is_there = level >= 1.0
        self._levels[key] = (level - 1.0 if is_there else level, now)
        if len(self._levels) > _MOST:
            self._levels.popitem(last=False)
        return 0.0 if is_there else (1.0 - level) / self._rate
