"""What a test needs and this machine lacks."""

import os
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """End the test for what is not here: skipped elsewhere, failed in CI, where all must be.

    Args:
        reason: what is missing and how to bring it.
    """
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
