"""Shared by all tests: where the published samples are, and failures told as they happen."""

import gc
import os
from pathlib import Path

import pytest

from tests.support.absent import absent

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that rewrites expected outputs, to be read line by line before a commit."""
    parser.addoption("--update-golden", action="store_true", default=False)


class Telling:
    """Names a failure when it happens: a run that is stopped has said what failed before."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self.terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the test, how long it took and the first line of its error."""
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            said = crash.message.partition("\n")[0] if crash else report.longreprtext[-200:]
            self.terminal.write_line(f"\n{report.nodeid} {report.duration:.1f} s: {said}")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Tell failures in the process that writes the report."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and os.environ.get("CI"):
        config.pluginmanager.register(Telling(terminal), "telling")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the run, as `relais serve` does.

    Sixteen thousand tests and all they import were looked through each time: a quarter of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _folder(variable: str) -> Path | None:
    """Return the folder a variable names; None when unset or not there."""
    path = Path(os.environ.get(variable) or "/nonexistent")
    return path if path.is_dir() else None


def corpus() -> Path | None:
    """Return the folder of published French samples, None when this machine has none."""
    return _folder("RELAIS_TEST_CORPUS")


def packages() -> Path | None:
    """Return the folder of published FHIR packages, None when this machine has none."""
    return _folder("RELAIS_TEST_PACKAGES")


@pytest.fixture(scope="session")
def corpus_folder() -> Path:
    """Give the published samples; their absence fails in CI and skips elsewhere."""
    found = corpus()
    if found is None:
        absent("published samples not found: set RELAIS_TEST_CORPUS")
    return found
