"""Runs the command `relais` in this process, with its real exit codes and streams."""

import contextlib
import sys
from dataclasses import dataclass

import pytest

from gateway.core import log
from gateway.entry import cli


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def relais(capfdbinary, monkeypatch, tmp_path):
    """Return a function that runs a command in an empty folder with a store of its own."""
    monkeypatch.chdir(tmp_path)
    # The process is the test's: other tests watch log lines that a command would silence.
    monkeypatch.setattr(log, "configure", lambda *_: None)
    monkeypatch.setenv("RELAIS_STORE_URL", f"sqlite:///{tmp_path}/cli.db")

    def run(*words: object) -> Ended:
        capfdbinary.readouterr()
        monkeypatch.setattr(sys, "argv", ["relais", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
        with contextlib.suppress(ValueError):
            sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Ended(code, out.decode(), err.decode())

    return run
