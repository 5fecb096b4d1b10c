"""When digests leave: 08:30 and 13:30 in Paris on business days."""

from datetime import datetime, time, timedelta

from gateway.pathway.calendar import is_working_day, local, wall

SLOTS = (time(8, 30), time(13, 30))
_DAY = timedelta(days=1)


def last_slot(now: datetime, region: str = "") -> datetime:
    """Return the last slot up to an instant, UTC.

    Args:
        now: UTC.
        region: of public holidays, `calendar.region_of`.
    """
    day = local(now).date()
    while True:
        if is_working_day(day, "bd", region):
            for clock in reversed(SLOTS):
                slot = wall(day, clock)
                if slot <= now:
                    return slot
        day -= _DAY
