"""Each of the seven theorems is able to fall: an engine with a fault of its kind is found out.

The fault is put in by hand, one for each theorem, and only the check of that theorem is asked.
"""

import random
from datetime import timedelta

import pytest

from gateway.core.facts import Op, Status
from gateway.pathway import facts, replay
from gateway.pathway.evaluator import Case
from gateway.pathway.facts import Facts
from gateway.pathway.replay import _Looking
from tests.property import test_theorems as theorems
from tests.property.test_catalogue import marks, played
from tests.support.catalogue_histories import END, history
from tests.support.histories import feeds_of

_RULES = ("TRX-01", "TRX-08", "ORI-01", "VIL-01")
_HISTORIES = 12


def is_found_out(check):
    """Tell whether a check fails on one of some histories."""
    for rule_id in _RULES:
        for seed in range(_HISTORIES):
            rng = random.Random(seed)
            log, feeds = history(rule_id, rng, 12), feeds_of(marks(rng))
            try:
                check(rule_id, log, feeds, rng)
            except AssertionError:
                return True
    return False


def order(rule_id, log, feeds, rng):
    """P1 alone: two orders of one log."""
    mixed = rng.sample(log, len(log))
    one, other = (theorems.snapshot(rule_id, known, feeds, END) for known in (log, mixed))
    assert one == other


def again(rule_id, log, feeds, rng):
    written = theorems.told(played(rule_id, log, feeds, [END])[1])
    theorems.check_again(rule_id, log, feeds, rng, written)


def replayed(rule_id, log, feeds, rng):
    written = theorems.told(played(rule_id, log, feeds, [END])[1])
    theorems.check_replay(rule_id, log, feeds, rng, written)


def agreement(rule_id, log, feeds, rng):
    theorems.check_snapshot(rule_id, log, feeds, rng, played(rule_id, log, feeds, [END])[0])


def convergence(rule_id, log, _feeds, rng):
    theorems.check_convergence(rule_id, log, rng)


def resurrection(rule_id, log, _feeds, rng):
    theorems.check_no_resurrection(rule_id, log, rng)


CHECKS = {
    "P1": order,
    "P2": replayed,
    "P3": agreement,
    "P4": again,
    "P5": convergence,
    "P6": resurrection,
    "P7": theorems.check_time,
}


# --- one fault for each -------------------------------------------------------------------------


def last_heard_wins(patch):
    patch.setattr(facts, "_outranks", lambda _one, _other: True)


def timers_fire_when_somebody_looks(patch):
    patch.setattr(_Looking, "_timers", lambda _self, *_span, **_how: False)


def what_is_gone_stays_in_the_ledger(patch):
    patch.setattr(replay, "_voided", lambda row, _look: row)


def learned_at_the_last_delivery(patch):
    heard = Facts._hear

    def hear(self, received):
        changed = heard(self, received)
        if received.assertion.op is Op.ASSERT:
            self._learned[received.assertion.key] = received.at
            return True
        return changed

    patch.setattr(Facts, "_hear", hear)


def things_happen_when_they_are_received(patch):
    made = facts._fact

    def fact(best, attributes, learned, _when):
        return made(best, attributes, learned, facts.Span(best.at, best.at))

    patch.setattr(facts, "_fact", fact)


def a_retraction_is_forgotten(patch):
    patch.setattr(facts, "_outranks", lambda one, other: one.at >= other.at)


def a_gap_closes_when_nobody_cares(patch):
    said = Case.status

    def status(self, now, *, timers=True):
        found = said(self, now, timers=timers)
        is_old = self.theta is not None and now > self.theta + timedelta(days=2)
        return Status.MOOT if found is Status.OVERDUE and is_old else found

    patch.setattr(Case, "status", status)


FAULTS = {
    "P1": last_heard_wins,
    "P2": timers_fire_when_somebody_looks,
    "P3": what_is_gone_stays_in_the_ledger,
    "P4": learned_at_the_last_delivery,
    "P5": things_happen_when_they_are_received,
    "P6": a_retraction_is_forgotten,
    "P7": a_gap_closes_when_nobody_cares,
}


@pytest.mark.parametrize("theorem", CHECKS)
def test_the_engine_as_it_is_keeps_it(theorem):
    assert not is_found_out(CHECKS[theorem])


@pytest.mark.parametrize("theorem", CHECKS)
def test_an_engine_with_its_fault_is_found_out(theorem, monkeypatch):
    FAULTS[theorem](monkeypatch)

    assert is_found_out(CHECKS[theorem])


def test_the_histories_of_continuous_integration_are_ten_thousand():
    assert len(theorems.LOADED) * theorems._HISTORIES >= 10_000
