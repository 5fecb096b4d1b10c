"""The messages follow PAM France 2.11, HL7 v2.5 SIU and the CI-SIS transmission of documents."""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hl7apy.validation import Validator

from gateway.hl7v2.message import Message
from gateway.hl7v2.reader import read
from gateway.simulation.faults import PERFECT
from gateway.simulation.play import Event, events
from gateway.simulation.region import Region

_EVENTS = ("A01", "A02", "A03", "A04", "A05", "A11", "A12", "A13", "A21", "A22", "A28", "A31")
_KINDS = (
    *(f"ADT^{event}" for event in _EVENTS),
    *("ADT^A52", "ADT^A53", "SIU^S12", "SIU^S15", "MDM^T02", "MDM^T10"),
)


@cache
def _played() -> tuple[Event, ...]:
    return tuple(event for event in events(Region(6, 110), PERFECT) if event.door != "cda")


def _all(*kinds: str) -> Iterator[Message]:
    for event in _played():
        if event.label.message in kinds:
            yield read(event.body)


def _names(message: Message) -> list[str]:
    return [segment.name for segment in message.segments]


def test_the_reader_takes_every_message_without_a_flag() -> None:
    flags = {flag for event in _played() for flag in read(event.body).flags}

    assert flags == set()


@pytest.mark.parametrize("kind", _KINDS)
def test_hl7apy_agrees_on_the_standard_segments(kind: str) -> None:
    event = next(event for event in _played() if event.label.message == kind)
    codec = "iso8859-15" if b"8859/15" in event.body else "utf-8"
    # hl7apy knows neither the French Z segments nor PRT, and limits the length of OBX-5.
    lines = [
        re.sub(r"(\^text\^XML\^Base64\^)[^|]*", r"\1QQ==", line)
        for line in event.body.decode(codec).split("\r")
        if not line.startswith(("Z", "PRT"))
    ]

    parsed = parse_message("\r".join(lines), validation_level=VALIDATION_LEVEL.STRICT)

    assert Validator.validate(parsed)
    assert parsed.msh.msh_9.to_er7().startswith(kind)


def test_segments_come_in_the_order_of_the_national_extension() -> None:
    order = ["MSH", "EVN", "PID", "PD1", "ROL", "NK1", "PV1", "PV2"]
    order += ["ZBE", "ZFA", "ZFV", "ZFM", "ZFD"]

    for message in _all(*_KINDS[:14]):
        names = _names(message)
        assert names == sorted(names, key=order.index)


def test_identity_messages_have_class_n_and_no_movement() -> None:
    for message in _all("ADT^A28", "ADT^A31"):
        assert message.value("PV1-2") == "N"
        assert "ZBE" not in _names(message)


def test_an_insert_names_no_original_event_and_a_cancellation_does() -> None:
    undone = {
        (message.value("MSH-9.2"), message.value("ZBE-4"), message.value("ZBE-6"))
        for message in _all(*_KINDS[:10], "ADT^A52", "ADT^A53")
    }

    assert {row for row in undone if row[1] == "CANCEL"} == {
        ("A11", "CANCEL", "A01"),
        ("A12", "CANCEL", "A02"),
        ("A13", "CANCEL", "A03"),
        ("A52", "CANCEL", "A21"),
        ("A53", "CANCEL", "A22"),
    }
    assert {row[2] for row in undone if row[1] == "INSERT"} == {""}


def test_a_cancelled_transfer_gives_the_place_before_it() -> None:
    places: dict[tuple[str, str], list[str]] = {}
    for message in _all("ADT^A01", "ADT^A02", "ADT^A12"):
        key = (message.value("MSH-4"), message.value("PV1-19"))
        place = "/".join(message.value(f"PV1-3.{part}") for part in (1, 2, 3))
        if message.value("MSH-9.2") == "A12":
            assert place == places[key][-2]
            places[key].pop()
        else:
            places.setdefault(key, []).append(place)


def test_the_forbidden_end_of_a_movement_is_never_written() -> None:
    assert {message.value("ZBE-3") for message in _all("ADT^A01", "ADT^A02", "ADT^A03")} == {""}


def test_a_discharge_tells_where_the_patient_goes() -> None:
    ways = {
        (message.value("ZFM-2"), message.value("ZFM-4"), message.value("PV1-37") != "")
        for message in _all("ADT^A03")
    }

    # Mode and destination of PMSI; an establishment of the region is named by its FINESS.
    assert ("8", "", False) in ways
    assert ("7", "2", True) in ways
    assert ("7", "6", True) in ways
    assert ("6", "1", False) in ways
    assert all(named == (mode == "7") for mode, _, named in ways)


def test_an_arrival_in_the_next_setting_mirrors_the_discharge() -> None:
    arrivals = [message for message in _all("ADT^A01") if message.value("ZFV-7")]
    left = {(message.value("PID-18"), message.value("PV1-37")) for message in _all("ADT^A03")}

    assert arrivals
    for message in arrivals:
        finess = message.value("PID-3.4.2")
        assert (message.value("ZFV-7"), finess) in left
        assert (message.value("ZFM-1"), message.value("ZFM-3")) == ("7", "1")
        assert message.value("PV1-14") == "4"


def test_a_validated_identity_carries_the_ins_and_its_five_traits() -> None:
    for message in _all("ADT^A31"):
        assert message.value("PID-32") == "VALI"
        assert message.value("PID-3[2].4.2") == "1.2.250.1.213.1.4.10"
        assert message.value("PID-3[2].5") == "INS"
        traits = ("PID-5.1", "PID-5.2", "PID-7", "PID-8", "PID-11[2].9")
        assert all(message.value(trait) for trait in traits)


def test_some_provisional_identities_carry_an_ins_that_must_not_be_used() -> None:
    with_ins = {message.value("PID-3[2].5") for message in _all("ADT^A28")}

    assert with_ins == {"", "INS"}


def test_hospital_at_home_writes_another_charset_and_the_place_of_care() -> None:
    stays = [message for message in _all("ADT^A01") if message.value("PV1-21") == "06"]

    assert stays
    assert {message.value("MSH-18") for message in stays} == {"8859/15"}
    assert {message.value("PID-11[3].7") for message in stays} == {"ASE"}


def test_a_leave_says_when_the_patient_is_due_back() -> None:
    assert all(message.value("PV2-47") for message in _all("ADT^A21"))


def test_order_document_and_event_of_a_letter_agree() -> None:
    rows = {
        (
            message.value("MSH-9.2"),
            message.value("ORC-1"),
            message.value("OBX-11"),
            bool(message.value("TXA-13")),
        )
        for message in _all("MDM^T02", "MDM^T10")
    }

    assert rows == {("T02", "NW", "F", False), ("T10", "RO", "C", True)}


def test_a_replacement_names_a_document_that_was_sent() -> None:
    sent = {message.value("TXA-12") for message in _all("MDM^T02", "MDM^T10")}

    assert all(message.value("TXA-13") in sent for message in _all("MDM^T10"))


def test_control_ids_are_unique_per_sender() -> None:
    keys = [(event.source, read(event.body).value("MSH-10")) for event in _played()]

    assert len(set(keys)) == len(keys)
