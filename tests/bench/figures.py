"""Measured series, how they are printed, and the machine they were measured on."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gateway.entry.build import is_compiled

_console = Console(stderr=False, width=110)


@dataclass(slots=True)
class Series:
    """Values of one figure over several runs.

    Attributes:
        name: what was measured.
        unit: `us`, `ms`, `1/s`, `MB`.
    """

    name: str
    unit: str
    values: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the series for the JSON line."""
        return {
            "unit": self.unit,
            "runs": len(self.values),
            "min": round(min(self.values), 3),
            "median": round(statistics.median(self.values), 3),
            "max": round(max(self.values), 3),
        }


class Report:
    """Everything one session of measurement found."""

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}
        self.notes: list[str] = []

    def add(self, name: str, unit: str, value: float) -> None:
        """Add one value to a figure."""
        self.series.setdefault(name, Series(name, unit)).values.append(value)

    def note(self, text: str) -> None:
        """Say at once, and at the end, what could not be measured or what a figure means."""
        self.notes.append(text)
        _console.print(f"[dim]{text}[/dim]")

    def table(self, title: str, prefix: str) -> None:
        """Print the figures whose name begins with `prefix`."""
        table = Table("figure", "unit", "runs", "min", "median", "max", title=title)
        for name, series in self.series.items():
            if name.startswith(prefix):
                row = series.as_dict()
                cells = [f"{row[key]:,.1f}" for key in ("min", "median", "max")]
                table.add_row(name, series.unit, str(row["runs"]), *cells)
        if table.row_count:
            _console.print(table)

    def rows(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a free table."""
        table = Table(*head, title=title)
        for row in rows:
            table.add_row(*row)
        _console.print(table)

    def json_line(self) -> str:
        """Return everything as one line."""
        return json.dumps(
            {
                "machine": machine(),
                "figures": {name: series.as_dict() for name, series in self.series.items()},
                "notes": self.notes,
            }
        )

    def finish(self) -> None:
        """Print the JSON line, alone and last."""
        sys.stdout.write(self.json_line() + "\n")


def machine() -> dict[str, Any]:
    """Return what a figure depends on."""
    return {
        "build": "compiled" if is_compiled() else "sources",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def per_call(work: Callable[[], object], *, least_s: float = 0.3) -> float:
    """Return CPU seconds a call, over as many calls as fill `least_s` (one warm-up call first).

    CPU time and not wall time: the figure of one core, whatever else the machine does.
    """
    work()
    calls = 0
    start = time.process_time()
    while (elapsed := time.process_time() - start) < least_s:
        work()
        calls += 1
    return elapsed / calls


def resident_mb(pid: int) -> float | None:
    """Return the resident memory of a process; None where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    line = next((line for line in status.splitlines() if line.startswith("VmRSS")), None)
    return int(line.split()[1]) / 1024 if line else None


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU time a process has used; None where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    user, system = text.rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def family_cpu_seconds(pid: int) -> float | None:
    """Return the CPU time of a process and of those it started that still run."""
    found = [cpu_seconds(one) for one in (pid, *_children(pid))]
    known = [one for one in found if one is not None]
    return sum(known) if known else None


def _children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            # It ended meanwhile.
            continue
        if parent == pid:
            found.append(int(path.parent.name))
    return found
