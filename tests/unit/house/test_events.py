"""Every trigger event of the standards has a mapping, or a written reason why it has none."""

import pytest

from gateway.hl7v2.events import EVENTS, find_event
from gateway.hl7v2.ledger import CANCELLED_BY
from gateway.mapping.loader import load_mappings
from tests.support.docs import conformance
from tests.support.docs.events import Listed, listed

ROWS = listed()
MAPPINGS = load_mappings()
NAMED = {f"{kind}^{trigger}": row for (kind, trigger), row in ROWS.items()}


def test_the_list_and_the_program_know_the_same_events() -> None:
    assert set(ROWS) == set(EVENTS)


@pytest.mark.parametrize("row", NAMED.values(), ids=NAMED)
def test_structure_and_actions_are_those_of_the_list(row: Listed) -> None:
    event = find_event(row.message, row.trigger)

    assert event is not None
    assert (event.structure, " or ".join(event.actions)) == (row.structure, row.action)
    assert row.clause
    assert row.meaning


@pytest.mark.parametrize("row", NAMED.values(), ids=NAMED)
def test_an_event_is_mapped_or_says_why_it_is_not(row: Listed) -> None:
    event = find_event(row.message, row.trigger)
    mapped = f"{row.message}_{row.trigger}" in MAPPINGS.events

    assert event is not None
    assert event.used is mapped
    assert mapped or len(row.unused.split()) > 4


def test_each_movement_is_cancelled_by_the_event_of_the_list() -> None:
    cancels = {row.trigger: row.cancelled_by for row in ROWS.values() if row.cancelled_by}

    # A11 cancels A01 and A04: without ZBE-6 it is taken for the first.
    assert {cancel: trigger for trigger, cancel in cancels.items() if trigger != "A04"} == {
        **CANCELLED_BY,
        "A11": "A01",
    }
    assert cancels["A04"] == "A11"


def test_the_page_shows_every_event_of_the_list_with_its_clause() -> None:
    page = conformance.messages(MAPPINGS)

    for name, row in NAMED.items():
        [line] = [line for line in page.splitlines() if line.startswith(f"| {name} ")]
        assert row.clause in line
        assert row.meaning in line
