"""What this process needs to go on: its loops, its doors, room on the disk, its journal.

Each check is asked at the moment of the question and fails when its thing fails. Whether the
store answers and inputs are stored is asked by the route itself (`entry.api.health`).
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.entry.settings import Settings
from gateway.pipeline import journal

#: A loop that ends no step for so long is stuck; a delivery may take its lease of five minutes.
STUCK_S = 900.0
#: One step of a bulk export writes all its files.
EXPORT_STUCK_S = 6 * 3600.0


class Listening(Protocol):
    """A door for messages."""

    @property
    def is_listening(self) -> bool:
        """Tell whether new connections are taken."""
        ...


@dataclass(frozen=True, slots=True)
class LoopState:
    """A loop beside the doors.

    Attributes:
        ended: it stopped, which no loop does by itself.
        idle_s: seconds since the end of its last step.
    """

    ended: bool
    idle_s: float

    def is_well(self, name: str) -> bool:
        """Tell whether it goes on."""
        limit = EXPORT_STUCK_S if name == "exports" else STUCK_S
        return not self.ended and self.idle_s < limit


@dataclass(frozen=True, slots=True)
class Vitals:
    """The checks of one process.

    Attributes:
        loops: state of each loop by name; empty where none runs.
        doors: those for messages.
        waiting: entries of the journal that wait for the store.
        folder: where the store keeps its file; None where another machine does.
        room: bytes that have to be free there.
    """

    loops: Callable[[], Mapping[str, LoopState]]
    doors: Sequence[Listening] = ()
    waiting: Callable[[], int] = lambda: 0
    folder: Path | None = None
    room: int = 0

    def alive(self) -> dict[str, bool]:
        """Return what only a restart mends: loops that ended."""
        return {"loops": not any(one.ended for one in self.loops().values())}

    def checks(self) -> dict[str, bool]:
        """Return what has to hold for inputs to be taken and carried on."""
        return {
            "loops": all(state.is_well(name) for name, state in self.loops().items()),
            "doors": all(door.is_listening for door in self.doors),
            "disk": self.free_bytes() >= self.room,
            "journal": self.waiting() < journal.MOST,
        }

    def free_bytes(self) -> int:
        """Return the room on the disk of the store; the room it needs where it has none here."""
        if self.folder is None:
            return self.room
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return 0


def store_folder(settings: Settings) -> Path | None:
    """Return the folder of the file of the store; None for PostgreSQL and a throwaway store."""
    kind, _, file = settings.store.url.partition(":///")
    return Path(file).absolute().parent if kind == "sqlite" and file else None
