"""`relais feeds skew list`, `approve` and `withdraw` on a store of their own."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.feed_ports import WHOLE, Ailment, Trouble
from gateway.entry.settings import load
from gateway.entry.wiring import build_store

FEED = "990000001:ADT"
NOW = datetime.now(UTC).replace(microsecond=0)
WHY = ("--reason", "Heure d'été non appliquée, vu avec la DSI", "--author", "anne")


@pytest.fixture
def skewed(relais):
    """A feed whose clock is told to be an hour behind since yesterday."""
    began = NOW - timedelta(days=1)
    trouble = Trouble(FEED, WHOLE, Ailment.SKEWED, began, began, value=3600)

    async def fill():
        store = build_store(load())
        await store.open()
        await store.write(lambda tx: tx.watch.feed_seen([(FEED, NOW, NOW - timedelta(hours=1))]))
        await store.write(lambda tx: tx.feeds.begin(trouble))
        await store.close()

    asyncio.run(fill())
    return relais


def lines(ended):
    return [json.loads(line) for line in ended.out.splitlines()]


def test_a_skew_that_is_told_is_allowed_to_be_corrected_and_taken_back(skewed):
    told = skewed("feeds", "skew", "list")
    made = skewed("feeds", "skew", "approve", FEED, *WHY)
    held = skewed("feeds", "skew", "list", "--format", "ndjson")
    over = skewed("feeds", "skew", "withdraw", "1", *WHY)
    left = skewed("feeds", "skew", "list", "--format", "ndjson")
    everything = skewed("feeds", "skew", "list", "--all", "--format", "ndjson")

    assert [one.code for one in (told, made, held, over, left, everything)] == [0] * 6
    assert told.out.startswith(f"told  {FEED}  skew_s=3600  from=")
    assert made.out.startswith(f"approved  number=1  {FEED}  offset_s=3600")
    assert made.err == "Persons looked at again: 0.\n"
    [_, approved] = lines(held)
    assert (approved["state"], approved["offset_s"], approved["author"]) == (
        "approved", 3600, "anne",
    )  # fmt: skip
    assert over.out.startswith("withdrawn  number=1")
    assert [one["state"] for one in lines(left)] == ["told"]
    assert [one["state"] for one in lines(everything)] == ["told", "withdrawn"]


def test_times_and_offset_may_be_given(skewed):
    since, until = NOW - timedelta(hours=5), NOW - timedelta(hours=2)
    span = ("--from", since.isoformat(), "--until", until.isoformat())

    made = skewed("feeds", "skew", "approve", FEED, "--offset", "-7200", *span, *WHY)

    assert made.code == 0
    assert "offset_s=-7200" in made.out
    assert f"until={until:%Y-%m-%dT%H:%M:%SZ}" in made.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(("approve", FEED, "--reason", "non"), "RLS-PTH-130", id="no reason"),
        pytest.param(("approve", "x:ADT", *WHY), "RLS-PTH-130", id="an unknown feed"),
        pytest.param(("approve", FEED, "--from", "hier", *WHY), "RLS-PTH-120", id="no instant"),
        pytest.param(("withdraw", "9", *WHY), "RLS-PTH-132", id="no correction"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_code(skewed, words, code):
    refused = skewed("feeds", "skew", *words)

    assert (refused.code, code in refused.err) == (1, True)
