"""Results that are corrected, completed and taken back, and how much their number costs."""

from itertools import permutations
from typing import Any

import pytest

from gateway.hl7v2 import adapter
from gateway.hl7v2.canonical import header
from gateway.hl7v2.reader import read
from gateway.hl7v2.tracked import TrackedCell, tracked
from tests.unit.hl7v2.results import folded, obx, oru, quantity, result, value
from tests.unit.hl7v2.test_adapter import IDS, SITE, contribute, plans


def statuses(*bodies: bytes) -> tuple[str, dict[str, Any]]:
    found = result(*bodies)
    return found["status"], value(found)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("F", "final"), ("P", "preliminary"), ("C", "corrected"), ("D", "entered-in-error"),
        ("W", "entered-in-error"), ("X", "cancelled"), ("I", "registered"), ("R", "preliminary"),
        ("S", "preliminary"), ("U", "final"), ("N", "cancelled"), ("O", "registered"),
        ("", "unknown"), ("?", "unknown"),
    ],
)  # fmt: skip
def test_the_status_of_a_result(code, expected):
    assert result(oru(obx("NM", "5", f11=code)))["status"] == expected


def test_a_correction_replaces_value_flag_and_range_whatever_comes_first():
    first = oru(obx("NM", "5", f6="g/L", f7="1-4", f8="H"), minute=30)
    corrected = oru(obx("ST", "hémolysé", f11="C"), minute=40)

    found = [result(*order) for order in permutations((first, corrected))]

    assert found[0] == found[1]
    assert (found[0]["status"], value(found[0])) == ("corrected", {"valueString": "hémolysé"})
    assert not {"interpretation", "referenceRange"} & found[0].keys()


def test_a_result_that_is_taken_back_keeps_what_it_was():
    first = oru(obx("NM", "5", f6="g/L"), minute=30)
    deleted = oru(obx("NM", "", f11="D"), minute=40)

    assert statuses(first, deleted) == ("entered-in-error", quantity(5, "g/L", "g/L"))
    assert statuses(deleted, first) == statuses(first, deleted)


def test_a_value_that_comes_after_its_announcement_takes_its_place():
    awaited = oru(obx("NM", "", f11="I"), minute=30)
    told = oru(obx("NM", "5"), minute=40)

    assert result(awaited)["dataAbsentReason"]["coding"][0]["code"] == "temp-unknown"
    assert "dataAbsentReason" not in result(awaited, told)
    assert statuses(told, awaited) == ("final", quantity(5))


def test_a_final_result_without_value_says_that_it_is_unknown_and_is_told():
    mapped = contribute(oru(obx("NM", "")))

    assert result(oru(obx("NM", "")))["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert [(one.code, one.where) for one in mapped.issues] == [("RLS-HL7-067", "OBX-5")]


def test_a_report_keeps_the_results_of_all_its_messages():
    first = oru(obx("NM", "11"), minute=30)
    second = oru(obx("NM", "250", "777-3^Plaquettes^LN"), minute=40)

    reports = [folded("DiagnosticReport", *order)[0] for order in permutations((first, second))]

    assert reports[0] == reports[1]
    assert len(reports[0]["result"]) == 2


def test_many_results_cost_time_by_their_number_only():
    """Each result finds its group and its rank without looking at the others."""
    calls = {}
    for number in (200, 400):
        body = oru(*(obx("NM", "1", f"C{i % 7}^x^L") for i in range(number)))
        message = read(body)
        calls[number] = _segments_looked_at(message)

    assert calls[400] < 2.5 * calls[200]


def _segments_looked_at(message) -> int:
    watched, _ = tracked(message)
    count = 0

    def counting(look):
        def counted(self, *place):
            nonlocal count
            count += 1
            return look(self, *place)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        for name in ("cut", "first_text", "text", "holds"):
            patch.setattr(TrackedCell, name, counting(getattr(TrackedCell, name)))
        contribute_message(watched)
    return count


def contribute_message(message) -> None:
    adapter.contribute(
        message, plans(), SITE, IDS, header=header(message.raw, message), test_ins=True
    )
