"""Every input of the region goes through the converter of the house."""

from collections import Counter
from functools import cache

from gateway.core.messages import Channel, InboxStatus, RawMessage
from gateway.entry.settings import Settings
from gateway.entry.wiring import build_converter
from gateway.pipeline.prepared import Prepared
from gateway.simulation.faults import Transport
from gateway.simulation.play import Event, events
from gateway.simulation.region import Region


@cache
def _converted() -> tuple[tuple[Event, Prepared], ...]:
    converter = build_converter(Settings())
    return tuple(
        (event, converter.prepare(converter.open(_raw(event))))
        for event in events(Region(1, 40), Transport(malformed=0.02))
    )


def _raw(event: Event) -> RawMessage:
    return RawMessage(event.body, Channel(event.door), event.at)


def test_right_inputs_are_converted_and_broken_ones_set_aside() -> None:
    outcomes = {(event.label.answer == "AA", made.status) for event, made in _converted()}

    assert outcomes == {(True, InboxStatus.CONVERTED), (False, InboxStatus.QUARANTINED)}


def test_nothing_is_remarked_but_an_ins_that_may_not_be_used_and_two_lines_of_a_board() -> None:
    remarks = Counter(
        issue.code
        for event, made in _converted()
        for issue in made.issues
        if event.label.answer == "AA"
    )

    # What a board says of a case is a fact for a pathway and makes no resource.
    assert set(remarks) == {"RLS-INS-006", "RLS-CDA-021"}


def test_each_sender_finds_its_site_table() -> None:
    sites = {(event.source, made.opened.site.name) for event, made in _converted()}

    assert sites == {(key, f"demo-{key}") for key in ("chu", "clcc", "smr", "had")}
