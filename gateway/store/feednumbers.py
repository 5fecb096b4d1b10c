"""Which numbers of a sender did not come (MSH-13), and how that looks in a store.

Knows no database. HL7 v2.5 2.15.9.13; the sequence number protocol itself (2.10.1) is not spoken:
a number that is missing is shown and holds nothing up.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from gateway.core.feed_ports import MissingNumbers, Numbered
from gateway.store.codec import instant_text, key_text, read_instant

#: Whoever leaves out more at once has begun to count anew, or counts something else.
MOST_SKIPPED = 10_000
#: Runs that are kept of a sender, and for how long.
RUNS = 100
KEPT = timedelta(days=7)


class NumberColumns(NamedTuple):
    """A row of `feed_number`, in the order of the table.

    Attributes:
        missing: runs as JSON: first, last, since, and whether a late message may still fill them.
    """

    sender: str
    last: int
    missing: str


class _Run(NamedTuple):
    first: int
    last: int
    since: str
    is_open: bool


def numbered(before: NumberColumns | None, messages: Iterable[Numbered]) -> NumberColumns:
    """Return the row of a sender after messages, at least one, in the order of their receipt.

    A number that comes late fills its run; one that came before changes nothing; 0, 1 and a leap
    begin a new count, and what was missing of the old one stays missing.
    """
    given = list(messages)
    last = before.last if before else None
    runs = _runs(before)
    for _sender, number, at in given:
        if last is None or number <= 1 or number > last + MOST_SKIPPED:
            runs = [run._replace(is_open=False) for run in runs]
            last = number
        elif number > last:
            if number > last + 1:
                runs.append(_Run(last + 1, number - 1, instant_text(at), is_open=True))
            last = number
        else:
            runs = [left for run in runs for left in _without(run, number)]
    oldest = instant_text(given[-1].at - KEPT)
    kept = [run for run in runs if run.since >= oldest][-RUNS:]
    return NumberColumns(
        key_text(given[-1].sender), last or 0, orjson.dumps([list(run) for run in kept]).decode()
    )


def by_sender(messages: Sequence[Numbered]) -> dict[str, list[Numbered]]:
    """Return messages by sender, senders in one order: no two writers wait in a circle."""
    found: dict[str, list[Numbered]] = {}
    for one in sorted(messages, key=lambda one: key_text(one.sender)):
        found.setdefault(key_text(one.sender), []).append(one)
    return found


def read_columns(columns: Sequence[Any]) -> NumberColumns:
    """Make a row of its columns."""
    return NumberColumns(str(columns[0]), int(columns[1]), str(columns[2]))


def missing(row: NumberColumns, before: datetime) -> list[MissingNumbers]:
    """Return what is missing of a sender since before an instant, by number."""
    end = instant_text(before)
    runs = sorted(run for run in _runs(row) if run.since < end)
    return [
        MissingNumbers(row.sender, run.first, run.last, read_instant(run.since)) for run in runs
    ]


def _runs(row: NumberColumns | None) -> list[_Run]:
    return [_Run(*run) for run in orjson.loads(row.missing)] if row else []


def _without(run: _Run, number: int) -> list[_Run]:
    if not run.is_open or not run.first <= number <= run.last:
        return [run]
    sides = (run._replace(last=number - 1), run._replace(first=number + 1))
    return [side for side in sides if side.first <= side.last]
