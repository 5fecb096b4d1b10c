"""Other rules: whom they concern is looked at again, and the ledger says since when they count."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.facts import Status
from gateway.entry.settings import load
from gateway.entry.wiring import load_pathway_rules
from gateway.mapping.loader import load_mappings
from gateway.mapping.yamltext import read_text_yaml
from gateway.pathway.rules import load as rules_of
from gateway.pipeline.rule_changes import RuleChanges
from gateway.store.factory import open_store
from tests.support.assertions import paris
from tests.support.opened_gaps import LETTER, Ward

#: Wants within an hour what the discharge of the ward never gets.
NEW = """
id: TST-01
version: 1
name: {fr: "Essai", en: "Trial"}
applies_from: 2020-01-01
trigger: {event: ENC.DISCHARGE}
deadline: {n: 1, unit: h}
closes: [{event: DOC.CRH, match: stay}]
needs_feed: []
severity: minor
owner: {role: UNIT, org: trigger.establishment}
legal: {ref: "Relais", kind: default}
"""
OPENED, PUBLISHED, LATER = "2026-03-18 08:00", "2026-03-20 09:00", "2026-03-22 15:00"


@pytest.fixture(params=["memory", "sqlite"])
async def ward(request, tmp_path):
    """Give a ward whose gap is open, under rules that are noted."""
    store = open_store(f"sqlite:///{tmp_path}/r.db") if request.param == "sqlite" else None
    made = await Ward.of(store)
    await made.watcher.changes.walk(made.store, made.clock)
    await made.at(OPENED)
    yield made
    await made.store.close()


def shipped():
    return load_pathway_rules(load(), load_mappings())


def with_new(text=NEW):
    return shipped().overlaid(rules_of({"TST-01": read_text_yaml(text, "TST-01.yaml")}))


def restarted(ward, rules):
    """Return what looks after a start with other rules."""
    return replace(ward.watcher, rules=rules, changes=RuleChanges(rules))


async def publish(ward, rules, at=PUBLISHED):
    """Start with other rules, and walk past everybody."""
    ward.clock.instant = paris(at)
    ward.watcher = restarted(ward, rules)
    await ward.watcher.changes.walk(ward.store, ward.clock)


async def last_line(ward, rule):
    row = await ward.row(rule)
    history = await ward.store.read(lambda tx: tx.watch.history(row.gap_id))
    line = history[-1]
    return line.instant, line.to_status.value, line.cause


async def test_a_rule_that_is_turned_off_ends_its_gaps_though_nothing_is_heard(ward):
    assert (await ward.row()).status is Status.OVERDUE

    await publish(ward, shipped().without({*shipped().off, LETTER}))
    await ward.watcher.drain()

    assert await last_line(ward, LETTER) == (paris(PUBLISHED), "void", "rule-change")


async def test_a_new_rule_opens_what_is_due_by_it_when_it_begins_to_count(ward):
    await publish(ward, with_new())
    await ward.watcher.drain()

    assert await last_line(ward, "TST-01") == (paris(PUBLISHED), "overdue", "rule-change")
    assert (await ward.row("TST-01")).opened_at == paris(PUBLISHED)


async def test_it_counts_from_its_first_look_however_late_the_others_come(ward):
    await publish(ward, with_new())
    ward.clock.instant = paris(LATER)
    await ward.watcher.drain()

    assert await last_line(ward, "TST-01") == (paris(PUBLISHED), "overdue", "rule-change")


async def test_a_changed_deadline_does_not_open_in_the_past(ward):
    long = NEW.replace("n: 1, unit: h", "n: 30, unit: d")
    await publish(ward, with_new(long), OPENED)
    await ward.watcher.drain()
    assert (await ward.row("TST-01")).status is Status.PENDING

    await publish(ward, with_new())
    ward.clock.instant = paris(LATER)
    await ward.watcher.drain()

    assert await last_line(ward, "TST-01") == (paris(PUBLISHED), "overdue", "rule-change")


async def test_a_rule_that_says_the_same_asks_for_no_look(ward):
    await publish(ward, shipped())

    assert await ward.watcher.drain() == 0


async def test_nobody_is_looked_at_whom_the_change_does_not_concern(ward):
    elsewhere = NEW.replace("ENC.DISCHARGE", "HOME.VISIT")

    await publish(ward, with_new(elsewhere))

    assert await ward.watcher.drain() == 0


async def test_a_walk_that_was_cut_off_goes_on(ward, monkeypatch):
    ward.clock.instant = paris(PUBLISHED)
    first = restarted(ward, with_new())
    # Killed after the change was noted, before anybody was asked for.
    await ward.store.write(lambda tx: first.changes.since(tx, ward.clock.now()))

    await publish(ward, with_new(), LATER)
    await ward.watcher.drain()

    assert await last_line(ward, "TST-01") == (paris(PUBLISHED), "overdue", "rule-change")


async def test_a_look_with_other_rules_notes_them_before_any_walk(ward):
    """A message wakes somebody right after the start: the ledger knows the rules are others."""
    ward.clock.instant = paris(PUBLISHED)
    ward.watcher = restarted(ward, with_new())

    await ward.learn(PUBLISHED, "PAT.GP_KNOWN", "gp", gp="10001")

    assert await last_line(ward, "TST-01") == (paris(PUBLISHED), "overdue", "rule-change")
    marks = await ward.store.read(lambda tx: tx.watch.rule_marks())
    assert {one.rule for one in marks if one.since} == {"", "TST-01"}


async def test_two_changes_before_the_walk_has_ended_are_both_followed(ward):
    ward.clock.instant = paris(PUBLISHED)
    first = restarted(ward, with_new())
    await ward.store.write(lambda tx: first.changes.since(tx, ward.clock.now()))
    both = with_new().without({*shipped().off, LETTER})

    await publish(ward, both, LATER)
    await ward.watcher.drain()

    assert await last_line(ward, "TST-01") == (paris(PUBLISHED), "overdue", "rule-change")
    assert await last_line(ward, LETTER) == (paris(LATER), "void", "rule-change")


async def test_a_store_where_nobody_noted_any_rule_is_not_walked(tmp_path):
    ward = await Ward.of()
    ward.clock.instant += timedelta(hours=1)

    await restarted(ward, shipped()).changes.walk(ward.store, ward.clock)

    assert await ward.watcher.drain() == 0
