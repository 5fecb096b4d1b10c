"""`relais` under another clock: that of the machine, moved and run faster as a file says.

Everything else is the program itself: `python -m tests.support.moved_serve serve`. The file is
read at each look, so a test may move the clock of a process that runs, and a restart keeps it.
Nobody watches over the feeds: a silence that a clock jumps over is found by whoever steps first,
and what is found of feeds is part of the log, which such a test wants to be the same.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.entry import serve
from gateway.pipeline.feed_watch import FeedWatch

VARIABLE = "MOVED_CLOCK"


@dataclass(frozen=True)
class Pace:
    """How time passes: at `real` (seconds of the machine) it is `virtual`, then `scale` times."""

    real: float
    virtual: float
    scale: float


class MovedClock:
    """A clock that goes by the pace in a file."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or Path(os.environ[VARIABLE])

    def now(self) -> datetime:
        """Return the instant it is by the file."""
        pace = Pace(**json.loads(self.path.read_text()))
        passed = datetime.now(UTC).timestamp() - pace.real
        return datetime.fromtimestamp(pace.virtual, UTC) + timedelta(seconds=passed * pace.scale)

    def move(self, instant: datetime, scale: float) -> None:
        """Let it be an instant now, and time pass so many times faster from here."""
        pace = Pace(datetime.now(UTC).timestamp(), instant.timestamp(), scale)
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(pace)))
        draft.replace(self.path)


async def _nothing(_watch: FeedWatch) -> int:
    return 0


def main() -> None:
    """Run the command line of the program under this clock."""
    serve.SystemClock = MovedClock
    FeedWatch.step = _nothing
    from gateway.entry.cli import main as command

    sys.exit(command())


if __name__ == "__main__":
    main()
