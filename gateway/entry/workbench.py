"""Builds the workbench from the settings, and ends its processes with the gateway."""

from fastapi import APIRouter

from gateway.entry.bench.drafts import MappingDrafts
from gateway.entry.bench.process import BenchProcess
from gateway.entry.bench.work import looking, testing
from gateway.entry.settings import Settings
from gateway.entry.web.bench.routes import Bench, bench_router
from gateway.entry.web.ops.desk import Desk
from gateway.mapping.loader import Mappings


class Workbench:
    """The workbench of one gateway; its processes start when they are first needed."""

    def __init__(self, settings: Settings, mappings: Mappings) -> None:
        """Start nothing yet."""
        self._settings, self._mappings = settings, mappings
        self.process = BenchProcess(settings, looking)
        self.trials = BenchProcess(settings, testing)

    def router(self, desk: Desk) -> APIRouter:
        """Return its pages."""
        sites = tuple(sorted(self._mappings.sites.by_name))
        drafts = MappingDrafts(self._settings, desk.ops.drafts)
        return bench_router(desk, Bench(self.process, self.trials, self._settings, drafts, sites))

    def close(self) -> None:
        """End its processes."""
        self.process.close()
        self.trials.close()
