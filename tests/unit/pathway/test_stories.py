"""Stories with golden ledgers: each line of them was worked out by hand."""

from datetime import timedelta
from itertools import permutations

import pytest

from gateway.core.facts import Received
from gateway.core.pathway_ports import FeedState
from gateway.mapping.yamltext import read_text_yaml
from gateway.pathway.lines import episodes, gap_line, ledger_line
from gateway.pathway.watermarks import Feeds
from tests.support.assertions import paris
from tests.unit.pathway.conftest import STORIES, Play, PlayOfTwo, moves_of, read_log

IDENTIFIERS = [{"system": "https://relais.example/ns/ipp/690000011", "value": "DEMO-1"}]
FOLDERS = sorted(path for path in STORIES.iterdir() if (path / "log.ndjson").exists())


def _case(folder):
    return read_text_yaml((folder / "case.yaml").read_text("utf-8"), "case.yaml").data


def _play(folder, only):
    """Return what plays a story: its rules, feeds, and the records that are one for a while."""
    case = _case(folder)
    if moves := moves_of(folder):
        return PlayOfTwo(only(*case["rules"]), moves)
    heard = {
        name: tuple((paris(at), paris(mark)) for at, mark in pairs)
        for name, pairs in case.get("feeds", {}).items()
    }
    states = [
        FeedState(name, marks[0][0], marks[-1][0], len(marks), (), marks)
        for name, marks in heard.items()
    ]
    return Play(only(*case["rules"]), Feeds.of(states, heard))


def _played(folder, only, looks=()):
    case = _case(folder)
    log = read_log(folder)
    play = _play(folder, only)
    for look in (*looks, paris(case["until"])):
        play.until(log, look)
    return play


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_ledger_and_gaps_of_a_story(folder, only):
    play = _played(folder, only)

    ledger = b"".join(ledger_line(line) for line in play.lines)
    gaps = b"".join(
        gap_line(episode, IDENTIFIERS)
        for row in play.rows
        for episode in episodes(row, [one for one in play.lines if one.gap_id == row.gap_id])
    )
    assert ledger == (folder / "ledger.ndjson").read_bytes()
    assert gaps == (folder / "gaps.ndjson").read_bytes()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_story_is_the_same_when_looked_at_each_hour(folder, only):
    log = read_log(folder)
    start = int(log[0].at.timestamp()) // 3600 * 3600
    end = int(paris(_case(folder)["until"]).timestamp())
    hours = [type(log[0].at).fromtimestamp(at, log[0].at.tzinfo) for at in range(start, end, 3600)]

    play = _played(folder, only, hours)

    ledger = b"".join(ledger_line(line) for line in play.lines)
    assert ledger == (folder / "ledger.ndjson").read_bytes()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_end_of_a_story_does_not_depend_on_the_order_of_arrival(folder, only):
    case, log = _case(folder), read_log(folder)
    # After the last event, so that nothing is received before it happened.
    receipts = [log[-1].at + timedelta(minutes=number) for number in range(len(log))]
    ends = []
    for order in permutations(log):
        late = [
            Received(one.assertion, at, number)
            for number, (one, at) in enumerate(zip(order, receipts, strict=True))
        ]
        end = max(paris(case["until"]), receipts[-1])
        play = _play(folder, only).until(late, end)
        ends.append({key: status for key, status in play.statuses.items() if status != "void"})

    expected = _played(folder, only).statuses
    live = {key: status for key, status in expected.items() if status != "void"}
    assert ends == [live] * len(ends)


@pytest.mark.field("FL-085")
def test_a_cancellation_before_its_discharge_opens_nothing(only):
    folder = STORIES / "cancel_of_a_discharge_comes_before_the_discharge"

    play = _played(folder, only)

    assert [row.opened_at for row in play.rows] == [None]
    assert list(play.statuses.values()) == ["met"]


def test_an_hour_that_nothing_settles_is_marked(only):
    folder = STORIES / "transfer_over_the_change_of_clocks_with_no_telling_which_hour"

    (row,) = _played(folder, only).rows

    assert row.details["flags"] == ["imprecise", "tz-ambiguous"]
