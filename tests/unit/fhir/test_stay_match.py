"""Which stay a document is about: numbers, dates, ties."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.fhir.stay_match import NO_MATCH, Stay, match, stay_of

HOSPITAL, OTHER = "990000001", "990000002"
VISITS = f"https://relais.example/ns/visit/{HOSPITAL}"


def at(text: str) -> tuple[datetime, datetime]:
    """Return the range of a day, or of a minute (`2026-03-02 08:15`)."""
    start = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return start, start + (timedelta(minutes=1) if " " in text else timedelta(days=1))


def stay(id_: str = "s", start: str = "", end: str = "", **more: Any) -> Stay:
    known = {"patient": "p", "establishment": HOSPITAL, "care": "IMP", "status": "finished"}
    return Stay(id_, start=at(start) if start else None, end=at(end) if end else None,
                **(known | more))  # fmt: skip


LETTER = stay("x", "2026-03-02 09:00", "2026-03-12 14:00")


@pytest.mark.parametrize(
    ("start", "end", "score", "reason", "conflicts"),
    [
        pytest.param("2026-03-02 08:15", "2026-03-12 15:00", 0.9, "dates", (), id="both ends"),
        pytest.param("2026-03-01 09:01", "2026-03-12 15:00", 0.9, "dates", (), id="a day before"),
        pytest.param("2026-03-02 08:15", "", 0.8, "admission", (), id="not over yet"),
        pytest.param("2026-03-02 08:15", "2026-03-20 15:00", 0.8, "admission", ("end",),
                     id="another end"),
        pytest.param("2026-03-01 08:00", "2026-03-12 15:00", 0.7, "overlap", ("start",),
                     id="nearly the same time"),
        pytest.param("2026-03-01 08:00", "", 0.7, "overlap", ("start",), id="open and near"),
        pytest.param("2026-02-20 08:00", "2026-03-12 15:00", 0.0, "", (), id="half of it"),
        pytest.param("2026-03-20", "2026-03-25", 0.0, "", (), id="another time"),
        pytest.param("", "", 0.0, "", (), id="a stay without dates"),
    ],
)  # fmt: skip
def test_dates_fit_in_three_ways(
    start: str, end: str, score: float, reason: str, conflicts: tuple[str, ...]
) -> None:
    found = match(LETTER, [stay("s", start, end)])

    assert (found.score, found.reason, found.conflicts) == (score, reason, conflicts)
    assert found.stay == ("s" if score else "")


def test_dates_without_times_fit_by_their_day() -> None:
    letter = stay("x", "2026-03-02", "2026-03-12")

    assert match(letter, [stay("s", "2026-03-03 07:00", "2026-03-11 06:00")]).reason == "dates"
    assert match(letter, [stay("s", "2026-03-04 07:00", "2026-03-12 06:00")]).reason != "dates"


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        ({"establishment": OTHER}, False),
        ({"establishment": ""}, True),
        ({"establishment": "", "patient": "of another domain"}, False),
        ({"patient": "of another domain"}, True),
        ({"status": "cancelled"}, False),
        ({"status": "entered-in-error"}, False),
        ({"status": "planned"}, True),
    ],
)
def test_establishment_record_and_status_decide_beside_the_dates(
    more: dict[str, str], fits: bool
) -> None:
    found = match(LETTER, [stay("s", "2026-03-02 08:15", "2026-03-12 15:00", **more)])

    assert bool(found.stay) is fits


def test_another_kind_of_stay_is_less_sure_and_loses_against_the_same_kind() -> None:
    consultation = stay("c", "2026-03-02 08:00", "2026-03-12 14:00", care="AMB")
    inpatient = stay("i", "2026-03-02 08:15", "", care="ACUTE")

    assert match(LETTER, [consultation]).score == 0.7
    assert match(LETTER, [consultation, inpatient]).stay == "i"


def test_an_expected_stay_fits_by_its_beginning_only() -> None:
    expected = stay("x", "2026-03-02 09:00", "2026-03-02 09:01", status="planned")

    found = match(expected, [stay("s", "2026-03-02 11:00", "2026-03-12 15:00")])

    assert (found.reason, found.conflicts) == ("admission", ())


@pytest.mark.field("FL-154")
def test_two_stays_that_fit_equally_are_candidates_in_order() -> None:
    two = [stay("b", "2026-03-02 08:15"), stay("a", "2026-03-02 17:00")]

    found = match(LETTER, two)

    assert found == match(LETTER, two[::-1])
    assert (found.stay, found.reason, found.candidates) == ("", "several", ("a", "b"))


def test_a_number_wins_over_all_dates() -> None:
    letter = stay("x", "2026-03-02", "2026-03-12", numbers=frozenset({(VISITS, "V1")}))
    numbered = stay("n", "2026-06-01", numbers=frozenset({(VISITS, "V1")}))
    dated = stay("d", "2026-03-02", "2026-03-12", numbers=frozenset({("urn:oid:1.2", "9")}))

    found = match(letter, [dated, numbered])

    assert (found.stay, found.score, found.reason) == ("n", 1.0, "number")
    assert found.conflicts == ("start",)


def test_another_number_of_the_same_authority_is_another_stay() -> None:
    letter = stay("x", "2026-03-02", "2026-03-12", numbers=frozenset({(VISITS, "V1")}))
    other = stay("o", "2026-03-02", "2026-03-12", numbers=frozenset({(VISITS, "V2")}))

    assert match(letter, [other]) == NO_MATCH


@pytest.mark.parametrize(("establishment", "fits"), [(HOSPITAL, True), (OTHER, False)])
def test_the_same_number_under_another_authority_counts_in_one_establishment(
    establishment: str, fits: bool
) -> None:
    letter = stay("x", numbers=frozenset({("urn:oid:1.2.3", "V1")}))
    known = stay("s", numbers=frozenset({(VISITS, "V1")}), establishment=establishment)

    assert bool(match(letter, [known]).stay) is fits


def test_an_encounter_is_compared_by_what_it_shows() -> None:
    found = stay_of(
        {
            "id": "e",
            "identifier": [
                {"system": VISITS, "value": "V1"},
                {"system": "https://relais.example/ns/cda-stay", "value": "S1"},
            ],
            "status": "finished",
            "class": {"code": "ACUTE"},
            "subject": {"reference": "Patient/p"},
            "period": {"start": "2026-03-02T08:15:00+01:00", "end": "2026-03-12"},
        },
        [{"identifier": [{"system": "urn:oid:1.2", "value": "D1"}]}],
    )

    assert (found.patient, found.establishment, found.care) == ("p", HOSPITAL, "ACUTE")
    assert found.numbers == {(VISITS, "V1"), ("urn:oid:1.2", "D1")}
    assert found.start is not None
    assert found.start[0] == datetime(2026, 3, 2, 7, 15, tzinfo=UTC)
    assert found.end is not None
    assert found.end[1] - found.end[0] == timedelta(days=1)
