"""By how much the clock of a sender is wrong, from when its messages were sent and received.

The middle of the last delays from emission (MSH-7) to receipt, less what the transport of that
feed usually takes, when the delays agree: after an outage they do not, and tell nothing.
"""

from collections.abc import Sequence
from statistics import median, quantiles

#: Delays that are looked at, and how many tell something.
SAMPLES, ENOUGH = 200, 50
#: Beyond this many seconds people are told.
NOTABLE_S = 120
#: Half of all delays lie so close together, in seconds, when it is the clock and not the road.
_AGREEING_S = 60.0
#: However slow the road to us is: more is a clock that was wrong from the start.
_SLOWEST_S = 900


def usual_delay(delays: Sequence[float]) -> int | None:
    """Return what the transport of a feed takes, in seconds, from its first delays.

    Args:
        delays: receipt less emission in seconds, signed; oldest first.

    Returns:
        None while there are not enough of them, or they do not agree.
    """
    middle = _middle(delays)
    return None if middle is None else round(min(max(middle, 0.0), _SLOWEST_S))


def skew(delays: Sequence[float], usual: int) -> int | None:
    """Return by how many seconds a clock is behind, negative ahead; None when it cannot be told.

    Args:
        delays: receipt less emission in seconds, signed; oldest first.
        usual: what the transport takes.
    """
    middle = _middle(delays)
    return None if middle is None else round(middle - usual)


def is_notable(seconds: int) -> bool:
    """Tell whether a clock is so wrong that people are told."""
    return abs(seconds) > NOTABLE_S


def _middle(delays: Sequence[float]) -> float | None:
    last = delays[-SAMPLES:]
    if len(last) < ENOUGH:
        return None
    low, _, high = quantiles(last, n=4)
    return median(last) if high - low <= _AGREEING_S else None
