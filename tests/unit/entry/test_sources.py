"""What sources can tell follows from mappings and code; which rules may be on, from that."""

import ast
import inspect
from pathlib import Path

import pytest

from gateway.core.errors import RejectedError
from gateway.core.events import EVENTS
from gateway.core.facts import Op
from gateway.core.messages import Channel, RawMessage
from gateway.entry.sources import events_of_plan, told_by_sources
from gateway.mapping.converters import Converters
from gateway.mapping.loader import load_mappings
from gateway.mapping.plan import FactPlan
from gateway.pathway import enrich
from gateway.pathway.able import can_be_met, can_start, fit_to_be_on, lacking, listed
from gateway.pathway.rulefiles import load_rules
from gateway.pipeline import (
    business_acks,
    declared_events,
    feed_watch,
    outgoing,
    sends,
    submissions,
    told_calls,
    work,
)
from tests.conftest import ROOT
from tests.support.docs import facts
from tests.support.gateway import converter
from tests.support.pipeline import START
from tests.unit.pathway.conftest import rule

TOLD = told_by_sources(load_mappings())
#: What writes the attributes every fact of a mail has.
_SEND = (outgoing._assert, sends.store_word)
RULES = load_rules()
#: What the gateway adds to every fact.
ADDED = {"estab"}


def _inputs():
    """Return the inputs of the golden fixtures with how each is read."""
    for name in ("input.er7", "input.hl7", "input.xml"):
        yield from sorted((ROOT / "fixtures").glob(f"*/*/{name}"))


def _asserted(made, path: Path):
    channel = Channel.CDA if path.suffix == ".xml" else Channel.MLLP
    try:
        return made.prepare(made.open(RawMessage(path.read_bytes(), channel, START))).assertions
    except RejectedError:
        return ()


def test_no_fixture_tells_what_is_not_derived():
    surprises, seen, made = set(), set(), converter()
    for path in _inputs():
        for one in _asserted(made, path):
            if one.op is Op.RETRACT:
                continue
            seen.add(one.event)
            known = TOLD.get(one.event, frozenset()) | ADDED
            surprises |= {(one.event, name) for name in {*one.attributes, "estab"} - known}

    assert surprises == set()
    assert len(seen) > 25


def test_the_code_that_sends_asserts_what_its_tables_say():
    """Each event named in a string of the pipeline, and each attribute it writes."""
    named = set()
    for path in sorted((ROOT / "gateway" / "pipeline").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in EVENTS:
                named.add(node.value)
    assert named == {
        *outgoing.ASSERTS,
        *business_acks.ASSERTS,
        *submissions.ASSERTS,
        *work.ASSERTS,
        *feed_watch.ASSERTS,
        *told_calls.ASSERTS,
        *declared_events.ASSERTS,
    }

    for functions, table in (
        (_SEND, {name: outgoing.ASSERTS[name] for name in ("SND.MSS_READ", sends.HELD)}),
        ((*_SEND, outgoing._arrived), {"SND.MSS_OK": outgoing.ASSERTS["SND.MSS_OK"]}),
        ((*_SEND, outgoing._failed), {"SND.MSS_KO": outgoing.ASSERTS["SND.MSS_KO"]}),
        ((business_acks._fact,), business_acks.ASSERTS),
    ):
        written = {name for function in functions for name in _attributes(function)}
        assert {frozenset(written)} == set(table.values())


def _attributes(function):
    """Return the keys of the table a function returns, or writes as `attributes`."""
    tree = ast.parse(inspect.getsource(function))
    [written] = [
        {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
        for node in ast.walk(tree)
        if isinstance(getattr(node, "value", None), ast.Dict)
        and (
            isinstance(node, ast.Return)
            or (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "attributes")
        )
    ]
    return written


def test_what_is_computed_is_what_the_enrichment_writes():
    tree = ast.parse(Path(enrich.__file__).read_text(encoding="utf-8"))
    written = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "added":
            written.add(node.slice.value)
        if isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            written |= keys & {"sector", "gp", "stay_end"}

    assert written == frozenset().union(*enrich.COMPUTED.values())


def test_a_converter_of_names_says_which_names_it_gives():
    plan = FactPlan(event="REQ.*", name="some", key="k", te="t")
    table = Converters()
    table.converter("some")(lambda _n, _c: "smr.SENT")

    with pytest.raises(ValueError, match="converter 'some' names facts"):
        events_of_plan(plan, table)


# --- which rules may be on --------------------------------------------------------------------


def test_what_is_on_by_default_can_start_and_be_met():
    on = {name: RULES.versions[name][0] for name in RULES.in_force}

    assert [name for name, one in on.items() if not fit_to_be_on(one, TOLD)] == []
    assert len(on) == 24


def test_what_nobody_can_tell_or_must_not_happen_is_off():
    unfit = {name for name, (one, *_) in RULES.versions.items() if not fit_to_be_on(one, TOLD)}

    assert unfit & RULES.in_force.keys() == set()
    assert unfit >= {"VIL-03", "VIL-06", "VIL-02"}


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("ONC-11", ""),
        ("VIL-03", "no adapter tells ENC.DISCHARGE purpose"),
        ("TRX-05", ""),
        ("ORI-06", ""),
        ("ID-02", ""),
        ("TRX-01", ""),
    ],
)
def test_what_a_rule_lacks_is_named(name, missing):
    assert listed(lacking(RULES.versions[name][0], TOLD)) == missing


def test_a_second_closer_and_what_is_presupposed_must_be_told_too():
    text = """
trigger: {event: ENC.DISCHARGE}
deadline: {n: 1, unit: d}
closes: [DOC.LDL_SES]
"""
    [plain] = rule(text).versions["TST-01"]
    [also] = rule(text + "also: [FEED.HEARTBEAT]\n").versions["TST-01"]
    [given] = rule(text + "given: [FEED.HEARTBEAT]\n").versions["TST-01"]
    [forbidden] = rule(text + "kind: forbid\n").versions["TST-01"]

    assert fit_to_be_on(plain, TOLD)
    assert (can_start(also, TOLD), can_be_met(also, TOLD)) == (True, False)
    assert (can_start(given, TOLD), can_be_met(given, TOLD)) == (False, True)
    assert not fit_to_be_on(forbidden, TOLD)


# --- the page of facts ------------------------------------------------------------------------


def test_what_nothing_asserts_has_a_reason_on_the_page():
    assert facts.untold(load_mappings()) == facts.explained()


def test_every_event_stands_on_the_page():
    page = facts.page(load_mappings())

    rows = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert {event for event in EVENTS if not event.startswith("DOC")} < rows
    assert "nothing: |" not in page
