"""Each rule of the catalogue on what should start it, meet it, cancel it and pause it.

The scenarios of `fixtures/pathways/catalogue_*` give instants that were counted by hand.
"""

from datetime import timedelta

import pytest
import yaml

from tests.conftest import ROOT
from tests.support.assertions import MCO, paris, says
from tests.unit.pathway.conftest import Play

SCENARIOS = {
    rule: said
    for path in sorted((ROOT / "fixtures" / "pathways").glob("catalogue_*/scenarios.yaml"))
    for rule, said in yaml.safe_load(path.read_text("utf-8")).items()
}
AT = "2026-04-30 16:00"
SECOND = timedelta(seconds=1)


def each(part):
    """Return (rule, member) of a part that is a list."""
    return [
        pytest.param(rule, one, id=f"{rule} {number}")
        for rule, said in SCENARIOS.items()
        for number, one in enumerate(said.get(part, ()), 1)
    ]


def fact(said, number, at=None):
    """Return one fact, received as it happens."""
    told = {"estab": MCO} | said
    at = told.pop("at", None) or at or AT
    event = told.pop("event")
    attributes = {name: value for name, value in told.items() if value is not None}
    return says(event, f"{event}|{number}", at, at, order=number, **attributes)


def started(rule, **changed):
    """Return the log of a scenario: what is on file, then the trigger."""
    said = SCENARIOS[rule]
    context = [fact(one, 100 + number) for number, one in enumerate(said.get("with", ()))]
    return [*context, fact(said["starts"] | changed, 0)]


def later(minutes):
    return (paris(AT) + timedelta(minutes=minutes)).isoformat()


def several(found):
    return found if isinstance(found, list) else [found]


def answered(found, at):
    """Return the closers, the last of them at an instant."""
    facts = several(found)
    return [
        *(fact(one, 10 + number, later(10)) for number, one in enumerate(facts[:-1])),
        fact(facts[-1] | {"at": at}, 20),
    ]


def look(only, rule, log, until):
    """Look after each receipt, then at the end; return the expectation of the trigger."""
    end = paris(until) if isinstance(until, str) else until
    play = Play(only(rule))
    for one in sorted({one.at for one in log if one.at <= end}):
        play.until(log, one)
    play.until(log, end)
    key = log[len(SCENARIOS[rule].get("with", ()))].assertion.key
    return next((row for row in play.rows if row.trigger == key), None)


@pytest.mark.parametrize("rule", SCENARIOS)
def test_it_opens_at_the_instant_and_not_before(only, rule):
    said = SCENARIOS[rule]
    log = started(rule)

    before = look(only, rule, log, paris(said["opens"]) - SECOND)
    after = look(only, rule, log, said["opens"])

    assert (before.status, before.deadline) == ("pending", paris(said["due"]))
    if said.get("forbid"):
        assert (after.status, after.opened_at) == ("met", None)
    else:
        assert (after.status, after.opened_at) == ("overdue", paris(said["opens"]))


@pytest.mark.parametrize(("rule", "closer"), each("met"))
def test_what_meets_it_in_time_and_late(only, rule, closer):
    said = SCENARIOS[rule]
    log = started(rule)
    soon = [fact(one, 10 + number, later(10)) for number, one in enumerate(several(closer))]
    end = paris(said["opens"]) + timedelta(days=1)

    early = look(only, rule, [*log, *soon], end)
    last = look(only, rule, [*log, *answered(closer, paris(said["due"]).isoformat())], end)
    late_at = (paris(said["due"]) + SECOND).isoformat()
    late = look(only, rule, [*log, *answered(closer, late_at)], end)

    if said.get("forbid"):
        assert [early.status, last.status, late.status] == ["overdue", "overdue", "met"]
    else:
        assert [early.status, last.status, late.status] == ["met", "met", "met_late"]
        assert early.opened_at is None


@pytest.mark.parametrize(("rule", "other"), each("not_met"))
def test_what_does_not_meet_it(only, rule, other):
    said = SCENARIOS[rule]
    log = started(rule)

    row = look(only, rule, [*log, fact(other, 10, later(10))], said["opens"])

    assert row.status == ("met" if said.get("forbid") else "overdue")


@pytest.mark.parametrize(("rule", "canceller"), each("cancels"))
def test_what_cancels_it_before_the_deadline_and_makes_it_moot_after(only, rule, canceller):
    said = SCENARIOS[rule]
    log = started(rule)
    end = paris(said["opens"]) + timedelta(days=2)
    after = (paris(said["opens"]) + timedelta(days=1)).isoformat()

    before = look(only, rule, [*log, fact(canceller, 10, later(10))], end)
    late = look(only, rule, [*log, fact(canceller | {"at": after}, 10)], end)

    assert (before.status, before.opened_at) == ("cancelled", None)
    assert late.status == ("met" if said.get("forbid") else "moot")


@pytest.mark.parametrize(("rule", "state"), each("lasting"))
def test_a_state_that_began_long_before_cancels_too(only, rule, state):
    log = started(rule)

    row = look(only, rule, [*log, fact(state, 10)], SCENARIOS[rule]["opens"])

    assert row.status == "cancelled"


@pytest.mark.parametrize("rule", SCENARIOS)
def test_a_death_ends_what_is_about_care_only(only, rule):
    said = SCENARIOS[rule]
    log = started(rule)
    dead = fact({"event": "PAT.DEATH"}, 10, AT)

    row = look(only, rule, [*log, dead], said["opens"])

    assert row.status == ("overdue" if said.get("death") == "kept" else "cancelled")


@pytest.mark.parametrize(("rule", "pause"), each("pauses"))
def test_a_pause_stops_the_clock_and_its_end_moves_the_deadline(only, rule, pause):
    log = started(rule)
    begins, ends = fact(pause["from"], 10), fact(pause["to"], 11)

    paused = look(only, rule, [*log, begins], begins.at + timedelta(hours=1))
    again = look(only, rule, [*log, begins, ends], ends.at + timedelta(hours=1))

    assert (paused.status, paused.deadline) == ("paused", None)
    assert (again.status, again.deadline) == ("pending", paris(pause["due"]))


@pytest.mark.parametrize(("rule", "changed"), each("nothing"))
def test_what_starts_nothing(only, rule, changed):
    log = started(rule, **changed)

    assert look(only, rule, log, SCENARIOS[rule]["opens"]) is None


@pytest.mark.parametrize(("rule", "case"), each("cases"))
def test_another_deadline_for_some_triggers(only, rule, case):
    log = started(rule, **case["starts"])

    before = look(only, rule, log, paris(case["opens"]) - SECOND)
    row = look(only, rule, log, case["opens"])

    assert (before.status, row.status) == ("pending", "overdue")
    assert (row.deadline, row.severity) == (paris(case["due"]), case["severity"])


def test_every_rule_has_its_scenario(shipped):
    assert set(SCENARIOS) == set(shipped.versions)


def test_what_a_rule_cancels_and_pauses_has_its_scenario(shipped):
    """A rule whose row names a canceller or a pause is tried with it."""
    silent = [
        (name, part)
        for name, (rule, *_) in shipped.versions.items()
        for part in ("cancels", "pauses", "cases")
        if getattr(rule.written, part) and part not in SCENARIOS[name] and name != "ONC-03"
    ]

    assert silent == []
