"""Mutated messages: no bug surfaces, every refusal names a field, every reply is an ACK.

The short run of `python -m tests.fuzz`, which does the same a million times.
"""

import pytest

from tests.fuzz.judge import run


@pytest.mark.parametrize("seed", range(4))
def test_any_mutation_gets_a_clear_answer(seed):
    found = run(seed, 500)

    assert found.wrong == {}
    assert {"converted", "quarantined"} <= found.statuses.keys()
