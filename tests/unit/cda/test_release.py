"""A document that is let go leaves nothing for the garbage collector."""

import gc
from datetime import UTC, datetime

import pytest

from gateway.core.messages import Channel, RawMessage
from gateway.pipeline.prepared import let_go
from tests.bench import inputs
from tests.support.gateway import converter

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LEFT = ("Node", "Attribute", "Document", "Tree", "EntryIndex")


def left_by(raw: RawMessage, *, is_let_go: bool) -> int:
    """Return how many objects of documents only the collector would find."""
    gc.collect()
    gc.disable()
    try:
        item = converter().prepare(converter().open(raw))
        if is_let_go:
            let_go(item)
        del item
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        return sum(type(one).__name__ in LEFT for one in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(RawMessage(inputs.letter(3), Channel.CDA, NOW), id="letter"),
        pytest.param(RawMessage(inputs.documents(1)[0], Channel.MLLP, NOW), id="MDM"),
    ],
)
def test_nothing_is_left_to_collect(raw):
    left_by(raw, is_let_go=True)  # whatever is made once is made

    assert left_by(raw, is_let_go=False) > 100
    assert left_by(raw, is_let_go=True) == 0
