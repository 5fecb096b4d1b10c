"""The conduct after a mammogram: one plan of several readers, and how often to control."""

from typing import Any

import pytest

from gateway.core.contributions import Mapped
from gateway.pipeline.folds import fold_alone
from tests.unit.cda.cancer_documents import FIN, LN, SCT, coded, observation, words
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import TA, cda, entry, only, section, sections

DATED = '<effectiveTime value="20260305"/>'
TEXT = "".join(
    f'<content ID="{name}">{said}</content>'
    for name, said in (("w1", "Échographie"), ("w2", "IRM"), ("w3", "Échographie"))
)


def asked(code: str, value: str) -> str:
    inner = f'{coded("code", code)}<statusCode code="active"/>{DATED}{value}'
    return entry("observation", "INT", "27", inner)


def conduct(code: str) -> str:
    return asked("GEN-007", f'<value xsi:type="CD" code="{code}" codeSystem="{TA}"/>')


def often(value: str, unit: str) -> str:
    return asked("MED-120", f'<value xsi:type="PQ" value="{value}" unit="{unit}"/>')


def exam(reference: str) -> str:
    return asked("ORG-064", words(reference))


def plan(*items: str) -> str:
    return section("158", *items, code="18776-5", text=TEXT)


def reader(template: str, *items: str) -> str:
    inner = f"<component>{plan(*items)}</component></section>"
    return section(template).replace("</section>", inner)


def screening(*parts: str) -> bytes:
    return cda(template=FIN, code=coded("code", "18748-4", LN), body=sections(*parts))


def requests(mapped: Mapped) -> dict[str, dict[str, Any]]:
    """Return the requests as they are folded, by their words, else by their code."""
    made = fold_alone(mapped.contributions)
    return {
        one["code"].get("text") or one["code"]["coding"][0]["code"]: one
        for one in made
        if one["resourceType"] == "ServiceRequest"
    }


def test_a_conduct_with_its_frequency_is_one_request_with_a_timing(convert: Convert) -> None:
    mapped = convert(screening(plan(conduct("MED-116"), often("6", "mo"))))

    found = only(mapped, "ServiceRequest")
    assert [coding["code"] for coding in found["code"]["coding"]] == ["MED-116", "GEN-007"]
    assert found["occurrenceTiming"] == {
        "repeat": {
            "boundsPeriod": {"start": "2026-03-05"},
            "frequency": 1,
            "period": 6,
            "periodUnit": "mo",
        }
    }
    assert "occurrenceDateTime" not in found
    assert "RLS-CDA-021" not in {issue.code for issue in mapped.issues}


@pytest.mark.parametrize("quantity", [("6", "{visit}"), ("", "mo"), ("bientôt", "mo")])
def test_a_frequency_that_cannot_be_read_leaves_no_timing(
    convert: Convert, quantity: tuple[str, str]
) -> None:
    found = only(convert(screening(plan(conduct("MED-116"), often(*quantity)))), "ServiceRequest")

    assert "occurrenceTiming" not in found


def test_a_frequency_without_conduct_is_a_request_of_its_own(convert: Convert) -> None:
    found = only(convert(screening(plan(often("6", "mo")))), "ServiceRequest")

    assert found["code"]["coding"][0]["code"] == "MED-120"


def test_what_all_readers_ask_for_is_one_request(convert: Convert) -> None:
    items = (conduct("MED-116"), often("6", "mo"), exam("w1"))

    thrice = convert(screening(*(reader(part, *items) for part in ("58", "59", "174"))))
    once = convert(screening(reader("174", *items)))

    made = requests(thrice)
    assert {one["id"] for one in made.values()} == {one["id"] for one in requests(once).values()}
    activities = only_folded(thrice, "CarePlan")["activity"]
    assert len(activities) == len(made) == 2


def only_folded(mapped: Mapped, type_: str) -> dict[str, Any]:
    (found,) = (one for one in fold_alone(mapped.contributions) if one["resourceType"] == type_)
    return found


def test_the_last_reader_decides_on_the_conduct(convert: Convert) -> None:
    first = reader("58", conduct("MED-116"), often("6", "mo"))
    second = reader("174", conduct("MED-012"), often("4", "mo"))

    mapped = convert(screening(first, second))

    found = only(mapped, "ServiceRequest")
    assert found["code"]["coding"][0]["code"] == "MED-012"
    assert found["occurrenceTiming"]["repeat"]["period"] == 4
    assert len(only_folded(mapped, "CarePlan")["activity"]) == 1
    assert "RLS-CDA-021" not in {issue.code for issue in mapped.issues}


def test_a_reader_who_says_nothing_of_the_conduct_overrules_nobody(convert: Convert) -> None:
    mapped = convert(screening(reader("58", conduct("MED-116")), reader("174", exam("w1"))))

    assert len(only_folded(mapped, "CarePlan")["activity"]) == 2


def test_exams_said_in_other_words_are_other_requests(convert: Convert) -> None:
    first, second = reader("58", exam("w1")), reader("174", exam("w2"), exam("w3"))

    mapped = convert(screening(first, second))

    assert set(requests(mapped)) == {"Échographie", "IRM"}
    assert len(only_folded(mapped, "CarePlan")["activity"]) == 2


def test_one_reader_may_ask_twice_for_the_same(convert: Convert) -> None:
    mapped = convert(screening(plan(exam("w1"), exam("w1"))))

    assert len(only_folded(mapped, "CarePlan")["activity"]) == 2


def test_a_result_keeps_its_side(convert: Convert) -> None:
    side = f"<qualifier>{coded('name', '20228-3', LN)}{coded('value', '7771000', SCT)}</qualifier>"
    found = observation("MED-121", f'<value xsi:type="CD" code="MED-131" codeSystem="{TA}"/>')
    sided = found.replace("</code>", f"{side}</code>", 1)

    result = only(convert(screening(section("151", sided, code="30954-2"))), "Observation")

    assert result["bodySite"]["coding"][0]["code"] == "7771000"
