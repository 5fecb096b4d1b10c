"""One stay for property tests, the lines of a log, the manifest of a run."""

import json
from base64 import b64decode
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.hl7v2.reader import read
from gateway.simulation.faults import PERFECT, Transport
from gateway.simulation.play import events, log_line, manifest, one_stay
from gateway.simulation.region import Region


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_a_stay_is_told_in_true_order_and_cancels_only_what_was_said(seed: int) -> None:
    said: dict[str, str] = {}
    for body in one_stay(seed):
        message = read(body)
        number, action = message.value("ZBE-1"), message.value("ZBE-4")
        if action == "CANCEL":
            assert said.pop(number) == message.value("ZBE-6")
        elif action == "UPDATE":
            assert said[number] == message.value("ZBE-6")
        elif number:
            said[number] = message.value("MSH-9.2")


def test_stays_differ_and_repeat_with_their_seed() -> None:
    assert one_stay(5) == one_stay(5)
    assert len({b"".join(one_stay(seed)) for seed in range(40)}) == 40


def test_every_correction_occurs_among_some_stays() -> None:
    messages = [read(body) for seed in range(60) for body in one_stay(seed)]
    told = {message.value("MSH-9.2") for message in messages}
    actions = {(one.value("MSH-9.2"), one.value("ZBE-4")) for one in messages}

    assert {"A05", "A01", "A02", "A03", "A21", "A22", "A11", "A12", "A13", "A52", "A53"} <= told
    assert {"A04", "A14", "A15", "A16", "A25", "A26", "A27", "A38", "A54", "A55", "Z99"} <= told
    assert {("A06", "INSERT"), ("A06", "CANCEL"), ("A07", "INSERT"), ("A07", "CANCEL")} <= actions


def test_a_log_line_holds_the_bytes_whatever_their_charset() -> None:
    played = list(events(Region(1, 60), PERFECT))

    for event in played:
        line = json.loads(json.dumps(log_line(event)))
        body = b64decode(line["body_base64"]) if "body_base64" in line else line["body"].encode()
        assert body == event.body
        assert line["received_at"].endswith("Z")
        assert line["channel"] in ("mllp", "http", "cda")
    assert any("body_base64" in log_line(event) for event in played if event.source == "had")


def test_the_manifest_counts_what_was_played() -> None:
    region = Region(2, 10)
    played = list(events(region))

    told = manifest(region, Transport(), iter(played))

    assert sum(told["messages"].values()) == len(played)
    assert told == manifest(region, Transport(), events(region))
    shorter = manifest(region, Transport(), islice(events(region), len(played) - 1))
    assert shorter["sha256"] != told["sha256"]
