"""Records that are of one person and all stay in use: by a word of a hospital, or by the INS."""

from tests.support.merged import kept, links, record, same_in_any_order
from tests.support.merging import INS, cx, identity, merge, pair, patient_id, told


async def test_linked_records_both_stay_and_know_each_other_until_they_are_taken_apart():
    bodies = [
        identity("501", "202603010800"),
        identity("502", "202603010900"),
        pair("A24", "501", "502", "202603011000"),
    ]

    linked = await same_in_any_order(*bodies)
    apart = await same_in_any_order(*bodies, pair("A37", "502", "501", "202603011100"))

    assert links(record(linked, "501")) == [("seealso", f"Patient/{patient_id('502')}")]
    assert links(record(linked, "502")) == [("seealso", f"Patient/{patient_id('501')}")]
    assert all("active" not in record(linked, number) for number in ("501", "502"))
    assert links(record(apart, "501")) == links(record(apart, "502")) == []


THERE = identity("P9", "202603010830", INS).replace(b"990000001", b"990000002")


def there(found: dict[str, dict]) -> dict:
    """Return the record of the other hospital."""
    return next(one for n, one in found.items() if n.startswith("Patient/") and "'P9'" in str(one))


async def test_records_of_two_hospitals_know_each_other_by_a_qualified_ins():
    here = identity("501", "202603010800", INS)

    found = await same_in_any_order(here, THERE)
    doubted = await same_in_any_order(here, THERE, identity("501", "202603011000", f32="PROV"))

    ends = record(found, "501")["id"], there(found)["id"]
    assert links(record(found, "501")) == [("seealso", f"Patient/{ends[1]}")]
    assert links(there(found)) == [("seealso", f"Patient/{ends[0]}")]
    assert links(record(doubted, "501")) == links(there(doubted)) == []


async def test_a_separation_takes_back_a_link_through_the_ins_as_well():
    apart = told(
        "A37", "202603011100", f"PID|1||{cx('501')}",
        f"PID|2||{cx('P9', authority='CHU-DEMO&990000002&M')}",
    )  # fmt: skip

    found = await same_in_any_order(identity("501", "202603010800", INS), THERE, apart)

    assert links(record(found, "501")) == links(there(found)) == []


async def test_the_survivor_of_a_merge_is_linked_in_place_of_the_record_that_went():
    found = await same_in_any_order(
        identity("501", "202603010800", INS), THERE, merge("502", "501", "202603011000", INS)
    )

    survivor = record(found, "502")
    assert links(there(found)) == [("seealso", f"Patient/{survivor['id']}")]
    assert ("seealso", f"Patient/{there(found)['id']}") in links(survivor)


async def test_a_link_of_the_record_that_went_ends_when_the_survivor_is_taken_apart():
    found = await same_in_any_order(
        merge("501", "999", "202603011000"),
        pair("A24", "999", "777", "202603011100"),
        pair("A37", "501", "777", "202603011200"),
    )

    assert links(record(found, "501")) == [("replaces", f"Patient/{patient_id('999')}")]
    assert links(record(found, "777")) == []


async def test_links_of_three_records_are_told_on_each_and_taken_back_one_by_one():
    linked = (
        pair("A24", "501", "502", "202603011000"),
        pair("A24", "502", "503", "202603011010"),
        pair("A24", "501", "503", "202603011020"),
    )

    found = await kept(*linked, pair("A37", "503", "501", "202603011100"))

    first, second, third = (f"Patient/{patient_id(n)}" for n in ("501", "502", "503"))
    assert {end for _, end in links(record(found, "502"))} == {first, third}
    assert links(record(found, "501")) == links(record(found, "503")) == [("seealso", second)]
