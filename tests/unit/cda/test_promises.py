"""What a version of a letter no longer promises, and what a replaced letter promised."""

from itertools import permutations

import pytest

from tests.unit.cda.documents import RPLC, entry
from tests.unit.cda.test_facts import VISIT, asserts, plan, reduced

SECOND = {
    "version": '<versionNumber value="2"/>',
    "own_id": '<id root="1.2.250.1.999.7.1" extension="D2"/>',
    "time": '<effectiveTime value="20260313090000+0100"/>',
    "header": RPLC,
}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "new before old"])
def test_what_a_new_version_no_longer_promises_is_taken_back(order: tuple[int, int]) -> None:
    visit, act = entry("encounter", "PRMS", "58", VISIT), '<code code="ECQH010"/>'
    first = asserts(body=plan(visit, entry("procedure", "INT", "62", act)))
    second = asserts(body=plan(entry("procedure", "INT", "62", act)), **SECOND)
    kept = next(item.key for item in second if item.event == "LDL.PROMISE")

    facts = reduced([item for number in order for item in (first, second)[number]])

    assert {key for key, event in facts.items() if event == "LDL.PROMISE"} == {kept}
    assert "APPT.BOOKED" not in facts.values()


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_a_third_version_may_promise_again(order: tuple[int, ...]) -> None:
    body = plan(entry("encounter", "PRMS", "58", VISIT))
    third = {
        **SECOND,
        "version": '<versionNumber value="3"/>',
        "time": '<effectiveTime value="20260314090000+0100"/>',
    }
    versions = (asserts(body=body), asserts(**SECOND), asserts(body=body, **third))

    facts = reduced([item for number in order for item in versions[number]])

    assert {"LDL.PROMISE", "APPT.BOOKED"} <= set(facts.values())


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
def test_a_document_that_replaces_another_set_takes_its_promises_back(
    order: tuple[int, ...],
) -> None:
    old = asserts(
        set_id="", own_id='<id root="1.2.250.1.999.7.1" extension="D0"/>',
        body=plan(entry("encounter", "PRMS", "58", VISIT)),
    )  # fmt: skip
    new = asserts(header=RPLC, time='<effectiveTime value="20260313090000+0100"/>')

    facts = reduced([item for number in order for item in (old, new)[number]])

    assert not {"LDL.PROMISE", "APPT.BOOKED"} & set(facts.values())
