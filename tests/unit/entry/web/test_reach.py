"""Who can act on a gap is named once."""

from gateway.entry.web.store_reach import named_once
from gateway.entry.web.values import Contact

PHONE, OTHER = ("phone", "0465710024"), ("phone", "0465710025")
MAIL = ("mss", "odile@essai.mssante.fr")
WARD = Contact("target", "SMR-COTEAUX", (), "990005002")
DOCTOR = Contact("doctor", "OBSIDIENNE Odile", (PHONE,))


def circle(name: str, *reach: tuple[str, str]) -> Contact:
    return Contact("circle", name, reach)


def test_a_doctor_who_stands_in_the_circle_too_is_named_once_with_every_number() -> None:
    people = [DOCTOR, circle("OBSIDIENNE Odile", PHONE, MAIL), circle("Obsidienne Odile")]

    assert named_once([], people) == (Contact("doctor", "OBSIDIENNE Odile", (PHONE, MAIL)),)


def test_the_place_where_somebody_is_awaited_keeps_its_part() -> None:
    assert named_once([WARD], [circle("SMR-COTEAUX", PHONE)]) == (
        Contact("target", "SMR-COTEAUX", (PHONE,), "990005002"),
    )


def test_two_of_one_name_with_other_numbers_are_two() -> None:
    other = circle("OBSIDIENNE Odile", OTHER)

    assert named_once([], [DOCTOR, other]) == (DOCTOR, other)


def test_an_establishment_that_hands_over_to_itself_has_both_ends() -> None:
    ends = [Contact("source", "CHU", (), "1"), Contact("target", "CHU", (), "1")]

    assert named_once(ends, []) == tuple(ends)
