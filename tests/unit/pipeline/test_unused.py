"""What came and nothing uses, from counts of what messages told."""

from gateway.core.feed_ports import NO_FACT, UNMAPPED, Said
from gateway.pipeline.unused import Use, added_up, of_feeds

RELEVANT = frozenset({"ENC.DISCHARGE"})
TOLD = [
    Said("H:ADT", "A03", "ENC.DISCHARGE", 40),
    Said("H:ADT", "A03", "ENC.DISCHARGE PAT.DEATH", 2),
    Said("H:ADT", "A31", NO_FACT, 5),
    Said("H:ADT", "A20", UNMAPPED, 7),
    Said("H:ADT", "A05", "ENC.PLAN", 3),
    Said("K:ADT", "A05", "ENC.PLAN", 1),
]


def test_each_message_is_counted_by_why_nothing_uses_it() -> None:
    found = added_up(TOLD, RELEVANT)

    assert found == {
        ("H:ADT", "A03"): Use(42),
        ("H:ADT", "A31"): Use(5, no_fact=5),
        ("H:ADT", "A20"): Use(7, unmapped=7),
        ("H:ADT", "A05"): Use(3, no_rule=3),
        ("K:ADT", "A05"): Use(1, no_rule=1),
    }
    assert [use.unused for use in found.values()] == [0, 5, 7, 3, 1]


def test_a_rule_that_is_put_in_force_uses_what_came_before() -> None:
    assert added_up(TOLD, RELEVANT | {"ENC.PLAN"})["H:ADT", "A05"] == Use(3)


def test_a_feed_is_the_sum_of_its_events() -> None:
    assert of_feeds(added_up(TOLD, RELEVANT)) == {
        "H:ADT": Use(57, unmapped=7, no_fact=5, no_rule=3),
        "K:ADT": Use(1, no_rule=1),
    }
