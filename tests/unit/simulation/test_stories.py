"""The stories as real messages: their ledger is the one that was counted by hand."""

import json

import pytest

from gateway.core.messages import Channel, RawMessage
from gateway.entry.settings import load
from gateway.entry.wiring import build_converter, load_pathway_rules
from gateway.fhir.identity import Ids
from gateway.mapping.loader import load_mappings
from gateway.mapping.yamltext import read_text_yaml
from gateway.pathway.rules import Rules
from gateway.pipeline import outgoing
from gateway.pipeline.commit import CommitRules, commit
from gateway.pipeline.deliver import Deliverer, DeliveryPolicy
from gateway.pipeline.folds import FOLDS
from gateway.pipeline.watch import Watcher, WatchSettings
from gateway.simulation.establishments import CHU
from gateway.simulation.play import event_of
from gateway.simulation.stories import STORIES, story
from gateway.store.memory import MemoryStore
from tests.conftest import ROOT
from tests.region.play import MailDouble
from tests.support.assertions import paris
from tests.support.pipeline import HandClock

CASES = ROOT / "fixtures" / "pathways"
_RULES = CommitRules(FOLDS, mails=True)


@pytest.fixture(scope="module")
def converting():
    """A clock and the converter that reads it."""
    mappings = load_mappings()
    clock = HandClock(paris("2025-01-01 00:00"))
    return clock, build_converter(load(), clock=clock, mappings=mappings), mappings


def counted(name):
    """Return the ledger that was counted by hand, without ids."""
    lines = (CASES / name / "ledger.ndjson").read_text("utf-8").splitlines()
    return sorted(_line(json.loads(line)) for line in lines)


def _line(told):
    names = ("instant", "rule", "episode", "from", "to", "cause")
    return tuple(str(told[name]) for name in names)


async def played(name, converting):
    """Play a story through the pipeline; return its ledger and the states of its inputs."""
    clock, converter, mappings = converting
    case = read_text_yaml((CASES / name / "case.yaml").read_text("utf-8"), name).data
    shipped = load_pathway_rules(load(), mappings)
    rules = Rules({one: shipped.versions[one] for one in case["rules"]}, shipped.tables)
    store = MemoryStore()
    await store.open()
    clock.instant = paris("2025-01-01 00:00")
    told = story(name)
    feeds = {kind: f"{CHU.finess}:{kind}" for kind, _ in told.heard}
    settings = WatchSettings("stories", declared=frozenset(feeds.values()))
    watcher = Watcher(store, rules, Ids(load().id_namespace), clock, settings)
    for kind, at in told.heard:
        await store.write(lambda tx, f=feeds[kind], at=at: tx.watch.feed_seen([(f, at, at)]))
    mailing = Deliverer(
        store, [MailDouble()], clock, DeliveryPolicy("http://localhost/fhir"),
        draw=lambda: 1.0, on_settled=outgoing.settled,
    )  # fmt: skip
    mails = list(told.mails)
    states = []

    async def mail(until):
        while mails and mails[0] <= until:
            clock.instant = mails.pop(0)
            while await mailing.step():
                pass
            await watcher.drain()

    for one in told.planned:
        event = event_of(one)
        await mail(event.at)
        clock.instant = event.at
        item = converter.prepare(
            converter.open(RawMessage(event.body, Channel(event.door), event.at))
        )
        states.append((item.status.value, [issue.code for issue in item.issues]))
        await store.write(lambda tx, item=item: commit(tx, [item], clock.now(), _RULES))
        await watcher.drain()
    until = paris(str(case["until"]))
    await mail(until)
    clock.instant = until
    await watcher.drain()
    lines = await store.read(lambda tx: tx.watch.ledger(0, 1000))
    written = [
        {
            "instant": f"{line.instant:%Y-%m-%dT%H:%M:%SZ}",
            "rule": line.rule,
            "episode": line.episode,
            "from": line.from_status.value if line.from_status else None,
            "to": line.to_status.value,
            "cause": line.cause,
        }
        for _, line in lines
    ]
    return sorted(map(_line, written)), states


@pytest.mark.parametrize("name", STORIES)
async def test_a_story_by_messages_has_the_ledger_that_was_counted(name, converting):
    ledger, states = await played(name, converting)

    assert {state for state, _ in states} == {"converted"}, states
    assert ledger == counted(name)


def test_every_scenario_with_a_ledger_is_told_by_messages_too():
    assert set(STORIES) == {path.parent.name for path in CASES.glob("*/ledger.ndjson")}


def test_stories_are_about_different_people_and_tell_the_same_each_time():
    told = [story(name) for name in STORIES]

    assert len({one.person.matricule for one in told}) == len(told)
    assert [event_of(p).body for one in told for p in one.planned] == [
        event_of(p).body for name in STORIES for p in story(name).planned
    ]
