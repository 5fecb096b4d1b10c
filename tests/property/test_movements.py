"""Any order and any duplication of the movements of a stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7v2.movements import fold_stay
from tests.unit.hl7v2.test_movements import STAY, moment, place, said, whole_stay

#: Trigger event, ZBE-4 where the event does not tell it, ZBE-6 where ZBE-4 is UPDATE.
SAYINGS = [
    *((name, "", "") for name in ("A01", "A02", "A03", "A05", "A11", "A12", "A13", "A21", "A22")),
    *((name, "", "") for name in ("A14", "A15", "A16", "A25", "A26", "A27", "A38", "A53", "A54")),
    ("A55", "", ""),
    *((name, action, "") for name in ("A06", "A07") for action in ("INSERT", "CANCEL")),
    *(("Z99", "", name) for name in ("A01", "A02", "A03", "A05", "A06", "A15", "A16", "A54")),
]


@pytest.mark.field("FL-095")
@given(
    order=st.permutations(range(8)),
    again=st.lists(st.integers(0, 7), max_size=5),
)
def test_any_order_and_any_duplication_give_the_same_stay(
    order: list[int], again: list[int]
) -> None:
    parts = whole_stay()

    found = fold_stay(STAY, [parts[index] for index in [*order, *again]])

    assert found == fold_stay(STAY, parts)


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(SAYINGS),
            st.sampled_from(["k1", "k2", "k3", "k4"]),
            st.integers(0, 12),
            st.integers(0, 12),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda item: (item[0], item[1], item[3]),
    ),
    data=st.data(),
)
def test_no_set_of_movements_breaks_a_period_or_depends_on_order(
    events: list[tuple[tuple[str, str, str], str, int, int]], data: st.DataObject
) -> None:
    parts = [
        said(
            trigger,
            key,
            at,
            recorded=rec,
            action=action or None,
            original=original,
            planned=moment(at + 20) if trigger in ("A05", "A14", "A15", "A16") else None,
            reserved=place("kept") if trigger == "A15" else {},
            pmsi={"modeSortie": str(at % 3)} if at % 2 else {},
            patient_class="IEO"[at % 3],
        )
        for (trigger, action, original), key, at, rec in events
    ]
    shuffled = data.draw(st.permutations(parts))

    found = fold_stay(STAY, parts)

    assert found == fold_stay(STAY, shuffled)
    periods = [one["period"] for one in found] + [
        past["period"] for past in found[0].get("statusHistory", ())
    ]
    assert all(p.get("end", "9") >= p.get("start", "") for p in periods)
    assert all("end" in one["period"] for one in found if one["status"] == "finished")
