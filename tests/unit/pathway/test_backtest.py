"""Other rules on the same log: what they open, keep and leave out, and what that costs whom."""

from datetime import date

from gateway.core.facts import Status
from gateway.pathway.asof import History
from gateway.pathway.backtest import Comparison, outcome
from gateway.pathway.cohort import Cohort
from gateway.pathway.rules import Rules
from gateway.pathway.watermarks import Feeds
from tests.support.assertions import MCO, PATIENT, paris, says
from tests.unit.pathway.conftest import rule

ALONE = Cohort({PATIENT.id: PATIENT.id}, {PATIENT.id: None})
RULE = """
trigger: {event: ENC.DISCHARGE, where: "patient_class == 'I'"}
deadline: {n: 0, unit: day0}
grace: %s
closes: [{event: DOC.LDL_SES, match: visit}]
"""
BY_MORNING, BY_NOON, BY_MONDAY = (rule(RULE % grace) for grace in ("PT6H", "PT12H", "PT96H"))
UNTIL = paris("2025-11-30 00:00")


def stay(name, left, letter=""):
    """Return the log of a stay that ended, and perhaps of its letter."""
    log = [
        says("ENC.DISCHARGE", f"ENC|{name}", left, left, estab=MCO, visit=name, patient_class="I")
    ]
    if letter:
        log.append(says("DOC.LDL_SES", f"DOC|{name}", letter, letter, estab=MCO, visit=name))
    return log


LOG = [
    *stay("never", "2025-11-14 16:00"),
    *stay("saturday", "2025-11-14 17:00", "2025-11-15 09:00"),
    *stay("same-day", "2025-11-14 10:00", "2025-11-14 11:00"),
    *stay("tuesday", "2025-11-14 15:00", "2025-11-18 09:00"),
]


def compared(before: Rules, after: Rules) -> Comparison:
    histories = [History(ALONE, LOG)]
    found = (outcome(histories, rules, Feeds(), "relais", UNTIL) for rules in (before, after))
    return Comparison(*found)


def visits(gaps, found):
    return sorted(found[gap].trigger.removeprefix("ENC|") for gap in gaps)


def test_a_rule_that_waits_longer_leaves_out_what_comes_meanwhile():
    result = compared(BY_MORNING, BY_NOON)

    assert visits(result.before.gaps, result.before.gaps) == ["never", "saturday", "tuesday"]
    assert visits(result.removed, result.before.gaps) == ["saturday"]
    assert visits(result.kept, result.after.gaps) == ["never", "tuesday"]
    assert result.added == []
    assert result.overloaded() == {}


def test_the_other_way_round_the_owner_gets_more_than_was_agreed():
    result = compared(BY_NOON, BY_MORNING)

    assert visits(result.added, result.after.gaps) == ["saturday"]
    assert result.overloaded() == {"UNIT": (2, 3)}


def test_an_owner_who_had_nothing_is_overloaded_by_anything():
    assert compared(Rules(), BY_MORNING).overloaded() == {"UNIT": (0, 3)}


def test_the_load_is_counted_on_the_day_people_are_told():
    found = compared(BY_MORNING, BY_MONDAY)

    assert found.before.load == {("UNIT", date(2025, 11, 15)): 3}
    assert found.after.load == {("UNIT", date(2025, 11, 18)): 1}
    assert found.before.owners()["UNIT"] == (3, 3, 1)


def test_expectations_are_counted_by_how_they_ended():
    found = outcome([History(ALONE, LOG)], BY_MORNING, Feeds(), "relais", UNTIL)

    assert found.statuses == {
        ("TST-01", Status.OVERDUE): 1, ("TST-01", Status.MET): 1, ("TST-01", Status.MET_LATE): 2,
    }  # fmt: skip


def test_a_version_takes_the_place_of_the_one_with_its_number():
    both = BY_MORNING.overlaid(BY_NOON)

    assert [one.version for one in both.versions["TST-01"]] == [1]
    assert both.versions["TST-01"] == BY_NOON.versions["TST-01"]
