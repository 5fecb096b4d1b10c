"""Shared by all tests: where the published samples are."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _folder(variable: str, beside: str) -> Path | None:
    """Return the folder named by a variable, else the one beside the project, else None."""
    for path in (
        Path(os.environ[variable]) if os.environ.get(variable) else None,
        ROOT.parent / beside,
    ):
        if path is not None and path.is_dir():
            return path
    return None


def corpus() -> Path | None:
    """Return the folder of published French samples, None when this machine has none."""
    return _folder("RELAIS_TEST_CORPUS", "shared/corpus")


def packages() -> Path | None:
    """Return the folder of published FHIR packages, None when this machine has none."""
    return _folder("RELAIS_TEST_PACKAGES", "shared/packages")


@pytest.fixture(scope="session")
def corpus_folder() -> Path:
    """Give the published samples; in CI their absence is a failure, elsewhere a skip that says so."""
    found = corpus()
    if found is None:
        reason = "published samples not found: set RELAIS_TEST_CORPUS"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
