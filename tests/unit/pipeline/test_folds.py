"""The folds are functions of what was said and change none of it."""

from copy import deepcopy
from itertools import islice

from gateway.core.contributions import Contribution, Target
from gateway.fhir.fold import ElementFold
from gateway.pipeline.folds import FOLDS
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import events
from gateway.simulation.region import Region
from tests.support.gateway import converter, message


def test_a_fold_leaves_what_it_was_given_as_it_was():
    """The store hands over contributions as converted, whose parts the mappings may share."""
    converted = converter()
    said: dict[Target, list[Contribution]] = {}
    for event in islice(events(Region("folds", 3), PERFECT), 60):
        for part in converted.prepare(converted.open(message(event.body))).contributions:
            said.setdefault(part.target, []).append(part)
    before = deepcopy(said)

    first = {
        t: FOLDS.get(t.type, ElementFold()).resources(t, parts, ()) for t, parts in said.items()
    }
    again = {
        t: FOLDS.get(t.type, ElementFold()).resources(t, parts, ()) for t, parts in said.items()
    }

    assert len(said) > 50
    assert said == before
    assert first == again
