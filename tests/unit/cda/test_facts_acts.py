"""What reports assert beside their own existence."""

import pytest

from gateway.core.facts import Assertion, Op, Received
from gateway.core.timestamps import parse_timestamp
from gateway.pathway.facts import reduce
from tests.unit.cda.conftest import Convert
from tests.unit.cda.documents import ACT, AUTHOR, cda, section, sections

LN = "2.16.840.1.113883.6.1"
VISIT, DELIVERY, PATHOLOGY = (
    f'<code code="{code}" codeSystem="{LN}"/>' for code in ("11506-3", "60593-1", "60568-3")
)
NURSE = AUTHOR.replace(
    "<assignedPerson>", '<code code="G15_60" codeSystem="1.2.250.1.213.1.1.4.5"/><assignedPerson>'
)
ICDO3, ICD10 = "2.16.840.1.113883.6.43.1", "2.16.840.1.113883.6.3"


def said(convert: Convert, event: str, body: bytes) -> list[Assertion]:
    return [one for one in convert(body).assertions if one.event == event]


def coded(code: str, system: str, more: str = "") -> str:
    value = f'<value xsi:type="CD" code="{code}" codeSystem="{system}"/>'
    return (
        f'<observation classCode="OBS" moodCode="EVN"{more}>'
        f'<code code="59847-4" codeSystem="{LN}"/>{value}</observation>'
    )


def supplied(low: str, high: str) -> str:
    return (
        '<supply classCode="SPLY" moodCode="EVN"><expectedUseTime>'
        f'<low value="{low}"/><high value="{high}"/></expectedUseTime></supply>'
    )


def report(code: str, *entries: str, **more: str) -> bytes:
    body = sections(section("127", *entries)) if entries else ""
    return cda(code=code, **({"body": body} if body else {}), **more)


def test_a_report_of_a_nurse_is_a_visit_at_home_at_the_time_of_the_act(convert: Convert) -> None:
    act = ACT.replace("20260302081500", "20260311090000")

    (visit,) = said(convert, "HOME.VISIT", report(VISIT, author=NURSE, act=act))

    assert visit.attributes["role"] == "nurse"
    assert visit.when.low == parse_timestamp("20260311090000+0100").instant_utc


def test_a_visit_of_a_profession_without_a_part_has_no_role(convert: Convert) -> None:
    (visit,) = said(convert, "HOME.VISIT", report(VISIT))

    assert "role" not in visit.attributes


def test_another_report_is_no_visit_and_no_delivery(convert: Convert) -> None:
    events = {one.event for one in convert(cda()).assertions}

    assert not events & {"HOME.VISIT", "RX.DISPENSED"}


def test_a_visit_goes_with_its_report(convert: Convert) -> None:
    (visit,) = said(convert, "HOME.VISIT", report(VISIT))
    (document,) = said(convert, "DOC.AUXMED", report(VISIT))
    gone = Assertion(
        aid="gone", event=document.event, key=document.key, op=Op.RETRACT,
        revision=document.revision, when=document.when, sent_at=document.sent_at,
        patient=document.patient, source=document.source,
    )  # fmt: skip
    log = [Received(one, document.sent_at, n) for n, one in enumerate((visit, document, gone))]

    assert visit.key in reduce(log[:2])
    assert reduce(log) == {}


def test_a_delivery_lasts_until_the_first_medicine_is_used_up(convert: Convert) -> None:
    body = report(DELIVERY, supplied("20260312", "20260409"), supplied("20260313", "20260402"))

    (delivery,) = said(convert, "RX.DISPENSED", body)

    assert delivery.attributes["low"] == "2026-03-11T23:00:00Z"
    assert delivery.attributes["high"] == "2026-04-02T21:59:59Z"


def test_a_delivery_without_periods_is_one_all_the_same(convert: Convert) -> None:
    (delivery,) = said(convert, "RX.DISPENSED", report(DELIVERY))

    assert not {"low", "high"} & delivery.attributes.keys()


@pytest.mark.parametrize(
    ("entries", "malignant"),
    [
        ((coded("8500/3", ICDO3),), True),
        ((coded("C50.4", ICD10),), True),
        ((coded("8500/0", ICDO3), coded("C50.4", ICD10)), True),
        ((coded("8211/0", ICDO3),), False),
        ((coded("D12.6", ICD10),), False),
        ((coded("D05.1", ICD10),), None),
        ((coded("8500/2", ICDO3),), None),
        ((coded("8500/3", ICDO3, ' negationInd="true"'),), None),
        ((), None),
    ],
    ids=["morphology", "diagnosis", "one of two", "benign morphology", "benign diagnosis",
         "in situ", "in situ by morphology", "excluded", "in words only"],
)  # fmt: skip
def test_a_report_of_pathology_says_whether_it_codes_a_malignant_tumour(
    convert: Convert, entries: tuple[str, ...], malignant: bool | None
) -> None:
    (document,) = said(convert, "DOC.ACP", report(PATHOLOGY, *entries))

    assert document.attributes.get("malignant") is malignant
