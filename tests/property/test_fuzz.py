"""Mutated messages: no bug surfaces, every refusal names a field, every reply is an ACK.

The short run of `python -m tests.fuzz`, which does the same a million times.
"""

import pytest

from tests.fuzz import frames
from tests.fuzz.judge import run


@pytest.mark.parametrize("seed", range(4))
def test_any_mutation_gets_a_clear_answer(seed):
    found = run(seed, 500)

    assert found.wrong == {}
    assert {"converted", "quarantined"} <= found.statuses.keys()


@pytest.mark.parametrize("seed", range(2))
async def test_any_frame_over_a_connection_is_answered_or_closed_and_kept(seed):
    told = await frames.run(seed, 150)

    assert told.wrong == {}
    assert {"AA", "AE", "AR", "oversize-frame", "frame-restarted"} <= told.ends.keys()
