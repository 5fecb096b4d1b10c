"""Transport faults change when and how often a message arrives, never what it says."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, timedelta

from gateway.hl7v2.reader import read
from gateway.simulation.faults import PERFECT, Outage, Transport, all_faults
from gateway.simulation.play import Event, events
from gateway.simulation.region import FIRST_DAY, Region

_REGION = Region(4, 14)


def _played(**rates: float) -> list[Event]:
    return list(events(_REGION, replace(PERFECT, **rates)))  # type: ignore[arg-type]


def _key(event: Event) -> tuple[int, int]:
    return (event.label.patient, event.label.step)


def test_without_faults_each_step_arrives_once_in_the_order_it_was_sent() -> None:
    played = _played()

    assert Counter(map(_key, played)).most_common(1)[0][1] == 1
    assert {event.label.fault for event in played} == {""}
    stamps = [
        read(event.body).value("MSH-7")
        for event in played
        if event.source in ("chu", "clcc") and event.door == "mllp"
    ]
    assert stamps == sorted(stamps)


def test_the_virtual_clock_never_goes_back() -> None:
    instants = [event.at for event in events(_REGION)]

    assert instants == sorted(instants)
    assert {instant.tzinfo for instant in instants} == {UTC}


def test_one_more_fault_moves_no_other_message() -> None:
    calm = {_key(event): event for event in _played()}
    copies = [event for event in _played(duplicated=0.2) if event.label.fault == ""]

    assert [calm[_key(event)] for event in copies] == copies


def test_a_duplicate_is_the_same_bytes_again() -> None:
    played = _played(duplicated=1.0)

    pairs: dict[tuple[int, int], list[bytes]] = {}
    for event in played:
        pairs.setdefault(_key(event), []).append(event.body)
    assert {(len(bodies), len(set(bodies))) for bodies in pairs.values()} == {(2, 1)}


def test_an_honest_resend_changes_only_the_time_of_sending() -> None:
    played = [event for event in _played(resent=1.0) if event.door != "cda"]

    first = {_key(event): event for event in played if event.label.fault == ""}
    again = [event for event in played if event.label.fault == "resent"]
    assert len(again) == len(first)
    for event in again:
        before, after = read(first[_key(event)].body), read(event.body)
        assert before.value("MSH-7") < after.value("MSH-7")
        assert _without_sending_time(before.raw) == _without_sending_time(after.raw)


def _without_sending_time(body: bytes) -> bytes:
    fields = body.split(b"|")
    return b"|".join([*fields[:6], *fields[7:]])


def test_a_dropped_message_arrives_later_and_only_then() -> None:
    played = _played(dropped=1.0)
    on_time = {_key(event): event.at for event in _played()}

    assert Counter(map(_key, played)).most_common(1)[0][1] == 1
    assert {event.label.fault for event in played} == {"dropped"}
    assert all(event.at - on_time[_key(event)] > timedelta(hours=1) for event in played)


def test_a_delayed_message_lets_younger_ones_pass() -> None:
    played = _played(delayed=0.2)

    order = [_key(event) for event in played]
    assert {event.label.fault for event in played} == {"", "delayed"}
    assert sorted(order) == sorted(map(_key, _played()))
    assert order != [_key(event) for event in _played()]


def test_a_renumbered_copy_has_another_control_id_and_the_same_content() -> None:
    played = [event for event in _played(renumbered=1.0) if event.door != "cda"]

    numbers = [(event.source, read(event.body).value("MSH-10")) for event in played]
    assert len(set(numbers)) == len(numbers)
    contents = Counter(read(event.body).raw.split(b"\r", 1)[1] for event in played)
    assert min(contents.values()) >= 2


def test_a_malformed_message_is_labelled_and_comes_beside_the_right_one() -> None:
    played = _played(malformed=1.0)

    broken = [event for event in played if event.label.answer != "AA"]
    right = {_key(event) for event in played if event.label.answer == "AA"}
    assert {event.label.fault: event.label.answer for event in broken} == {
        "no-identifier": "AE",
        "impossible-date": "AE",
        "unknown-event": "AR",
    }
    assert {_key(event) for event in broken} <= right


def test_a_feed_that_was_silent_catches_up_in_order() -> None:
    outage = Outage("chu", 24 * 10 + 6, 72)
    played = list(events(Region(4, 50), replace(PERFECT, outages=(outage,))))

    begin = FIRST_DAY.astimezone(UTC) + timedelta(hours=outage.after_hours)
    end = begin + timedelta(hours=outage.length_hours)
    held = [event for event in played if event.label.fault == "outage"]
    assert held
    assert not [event for event in played if event.source == "chu" and begin <= event.at < end]
    stamps = [read(event.body).value("MSH-7") for event in held]
    assert stamps == sorted(stamps)


def test_all_faults_are_every_kind_of_fault() -> None:
    assert all(
        rate > 0
        for name, rate in ((name, getattr(all_faults(90), name)) for name in Transport.__slots__)
        if name != "outages"
    )


def test_a_lost_message_never_arrives_and_moves_no_other() -> None:
    calm = {_key(event): event for event in _played()}

    kept = _played(lost=0.1)

    assert 0 < len(kept) < len(calm)
    assert [calm[_key(event)] for event in kept] == kept


def test_a_wrong_clock_changes_the_time_of_sending_only() -> None:
    calm = {_key(event): event for event in _played() if event.door != "cda"}

    for event in _played(skewed=1.0):
        if event.door == "cda":
            continue
        told, right = read(event.body), read(calm[_key(event)].body)
        assert told.value("MSH-7") != right.value("MSH-7")
        assert told.value("EVN-2") == right.value("EVN-2")
        assert event.at == calm[_key(event)].at


def test_a_poisoned_message_says_that_it_was_recorded_in_a_year_to_come() -> None:
    poisoned = [event for event in _played(poisoned=1.0) if event.label.message[:3] == "ADT"]

    years = {read(event.body).value("EVN-2")[:4] for event in poisoned}

    assert years == {"2030"}
