"""`relais pathway as-of`, `explain` and `backtest` on scenarios, on messages and on a store."""

import asyncio
import base64
import json

import pytest

from gateway.core.facts import Status
from gateway.entry.settings import load
from gateway.entry.wiring import build_store, build_watcher
from gateway.mapping.loader import load_mappings
from tests.conftest import ROOT
from tests.support.gateway import START, take
from tests.support.pipeline import HandClock

STORIES = ROOT / "fixtures" / "pathways"
MONDAY = STORIES / "friday_discharge_letter_on_monday" / "log.ndjson"
LATE = STORIES / "letter_written_in_time_received_late" / "log.ndjson"
DISCHARGE = ROOT / "fixtures/hl7v2/adt_a03_discharge_to_rehabilitation/input.er7"
SATURDAY, TUESDAY = "2025-11-15T09:00:00+01:00", "2025-11-18T00:00:00Z"


def gaps(ended):
    assert ended.code == 0, ended.err
    # Log lines of the replay go to standard error outside of tests.
    return [json.loads(line) for line in ended.out.splitlines() if line.startswith("{")]


def test_as_of_shows_what_the_screen_showed_and_what_it_should_have(relais):
    shown = gaps(relais("pathway", "as-of", "--log", LATE, "--valid", SATURDAY))
    should = relais("pathway", "as-of", "--log", LATE, "--valid", SATURDAY, "--known", TUESDAY)

    assert [(one["rule"], one["status"]) for one in shown] == [("TRX-01", "overdue")]
    assert shown[0]["opened_at"] == "2025-11-15T04:59:59Z"
    assert gaps(should) == []


def test_explain_tells_facts_rule_deadline_and_ledger(relais):
    [shown] = gaps(relais("pathway", "as-of", "--log", MONDAY, "--valid", SATURDAY))

    ended = relais(
        "pathway", "explain", shown["gap_id"][:10], "--log", MONDAY, "--until", TUESDAY,
        "--language", "en",
    )  # fmt: skip

    assert ended.code == 0
    assert "Basis: CSP R1112-1-2 (law)." in ended.out
    assert "overdue -> met_late  closer" in ended.out
    assert "2025-11-17T08:05:00Z  received 2025-11-17T08:07:00Z  690000011:DOC" in ended.out


@pytest.mark.parametrize("gap_id", ["0123456789abcdef", "short"])
def test_a_gap_that_is_not_there_is_said(relais, gap_id):
    ended = relais("pathway", "explain", gap_id, "--log", MONDAY)

    assert ended.code == 1
    assert f"RLS-PTH-122 at {gap_id}: there is no such gap." in ended.err


def candidate(tmp_path, grace):
    text = (ROOT / "profiles/pathways/TRX-01.yaml").read_text(encoding="utf-8")
    folder = tmp_path / "rules"
    folder.mkdir()
    changed = text.replace("version: 1", "version: 2").replace("grace: PT6H", f"grace: {grace}")
    assert changed != text
    (folder / "TRX-01.yaml").write_text(changed, encoding="utf-8")
    return folder


def test_backtest_says_what_a_change_would_leave_out(relais, tmp_path):
    folder = candidate(tmp_path, "PT80H")

    ended = relais("pathway", "backtest", folder, "--log", MONDAY, "--until", TUESDAY)

    assert ended.code == 0
    assert "opened  1 -> 0   kept 0, added 0, removed 1" in ended.out
    assert "removed  TRX-01  2025-11-15T04:59:59Z" in ended.out
    assert "load  SECRETARIAT_UNIT: 1 -> 0, worst day 1 -> 0" in ended.out


def test_backtest_refuses_a_load_nobody_agreed_to_and_counts_labels(relais, tmp_path):
    [shown] = gaps(relais("pathway", "as-of", "--log", MONDAY, "--valid", SATURDAY))
    labels = tmp_path / "labels.ndjson"
    labels.write_text(json.dumps({"gap_id": shown["gap_id"], "real": True}))
    other = tmp_path / "other"
    other.mkdir()
    text = (ROOT / "profiles/pathways/TRX-01.yaml").read_text(encoding="utf-8")
    doubled = text.replace("id: TRX-01", "id: TRX-91")
    (other / "TRX-91.yaml").write_text(doubled, encoding="utf-8")
    asked = ("pathway", "backtest", other, "--log", MONDAY, "--until", TUESDAY, "--labels", labels)

    refused, agreed = relais(*asked), relais(*asked, "--accept-load", "--format", "json")

    assert refused.code == 1
    assert "SECRETARIAT_UNIT grows by more than 30 %: 1 -> 2" in refused.out
    assert agreed.code == 0
    told = json.loads(agreed.out[agreed.out.index("{\n") :])
    assert told["overloaded"] == {"SECRETARIAT_UNIT": [1, 2]}
    assert told["labels"]["before"] == {"precision": "1/1", "recall": "1/1"}


def test_labels_that_cannot_be_read_are_said(relais, tmp_path):
    labels = tmp_path / "labels.ndjson"
    labels.write_text('{"gap_id": "x"}\n')

    ended = relais(
        "pathway", "backtest", candidate(tmp_path, "PT7H"), "--log", MONDAY, "--labels", labels
    )

    assert ended.code == 1
    assert "RLS-PTH-121 at labels.ndjson line 1" in ended.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"event": "ENC.DISCHARG"}, "event 'ENC.DISCHARG' is unknown; nearest: 'ENC.DISCHARGE'"),
        ({"attributes": {"visite": "V1"}}, "has no field 'visite'; nearest: 'visit'"),
        ({"oppp": "assert"}, "key 'oppp': it is not known; nearest: 'op'"),
        ({"te": "2025-11-14T16:40:00"}, "the time 2025-11-14T16:40:00 has no offset"),
        ({"te": "yesterday"}, "RLS-PTH-123 at log line 1"),
        ({"op": "forget"}, "RLS-PTH-123 at log line 1"),
    ],
)
def test_a_scenario_that_cannot_be_read_is_said(relais, tmp_path, line, said):
    log = tmp_path / "log.ndjson"
    good = {"received_at": "2025-11-14T16:52:00Z", "event": "ENC.DISCHARGE", "key": "E1",
            "te": "2025-11-14"}  # fmt: skip
    log.write_text(json.dumps(good | line))

    ended = relais("pathway", "as-of", "--log", log)

    assert ended.code == 1
    assert said in ended.err


def test_messages_are_asked_about_as_facts_are(relais, tmp_path):
    log = tmp_path / "log.ndjson"
    body = base64.b64encode(DISCHARGE.read_bytes()).decode()
    received = {"received_at": START.isoformat(), "channel": "mllp", "body_base64": body}
    log.write_text(json.dumps(received))

    ended = relais("pathway", "as-of", "--log", log, "--valid", "2027-01-01T00:00:00Z", "--all")

    assert "TRX-08" in {one["rule"] for one in gaps(ended)}


def test_a_store_is_asked_as_its_look_left_it(relais):
    async def fill():
        settings, clock = load(), HandClock()
        store = build_store(settings)
        await store.open()
        await take(store, DISCHARGE.read_bytes())
        clock.instant = START.replace(year=START.year + 1)
        await build_watcher(settings, store, clock, load_mappings(settings.mappings)).drain()
        rows = await store.read(lambda tx: tx.watch.gaps((Status.OVERDUE,), 99, opened_only=True))
        await store.close()
        return clock.instant, {row.gap_id: row.rule for row in rows}

    looked, rows = asyncio.run(fill())
    assert rows

    shown = gaps(relais("pathway", "as-of", "--valid", looked.isoformat()))
    told = relais("pathway", "explain", next(iter(rows)))

    assert {one["gap_id"]: one["rule"] for one in shown} == rows
    assert told.code == 0
    assert "pending -> overdue" in told.out
