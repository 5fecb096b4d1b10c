"""A rule checked, and tried on a scenario or invented patients in a process that can be ended."""

import asyncio
import html
import re

import httpx2
import pytest
import pytest_asyncio

from gateway.entry.settings_parts import WorkbenchSettings
from tests.conftest import ROOT
from tests.support.bench_site import sent, token_of
from tests.support.ops_site import OpsSite, ops_site
from tests.support.pipeline import START, HandClock

pytestmark = pytest.mark.asyncio(loop_scope="module")
RULE = (ROOT / "profiles/pathways/TRX-01.yaml").read_text(encoding="utf-8")
MONDAY = (ROOT / "fixtures/pathways/friday_discharge_letter_on_monday/log.ndjson").read_bytes()
PATH = "/workbench/rules/TRX-01"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench():
    """Give a workbench."""
    async with ops_site(HandClock(START)) as made:
        yield made


async def _form(site: OpsSite, text: str, act: str, **more: str | bytes) -> httpx2.Response:
    fields = {"token": await token_of(site, PATH), "text": text, "act": act, **more}
    return await sent(site, fields, PATH)


async def _ended(site: OpsSite, begun: httpx2.Response) -> httpx2.Response:
    """Ask for a trial until it has ended, as its page does by itself; each answer waits for it."""
    async with asyncio.timeout(120):
        page = await site.client.get(begun.headers["location"])
        while "refresh" in page.headers:
            page = await site.client.get(begun.headers["location"])
    return page


def _numbers(page: str, row: str) -> list[str]:
    found = re.search(rf'<th scope="row">{row}</th><td>(\d+)</td><td>(\d+)</td>', page)
    return [found[1], found[2]]


@pytest.mark.parametrize(
    ("language", "name"),
    [("fr", "Transfert sans arrivée"), ("en", "Transfer without arrival")],
)
async def test_rules_are_listed_with_their_names(bench: OpsSite, language: str, name: str):
    page = await bench.client.get("/workbench/rules", headers={"accept-language": language})

    assert f"TRX-08</a> {name}" in page.text


async def test_a_sound_rule_is_told_sound(bench: OpsSite):
    answer = await _form(bench, RULE, "check")

    assert answer.status_code == 200
    assert "La règle est lisible et cohérente." in answer.text


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "nearest"),
    [
        ("DOC.LDL_SES,", "DOC.LDL_SSE,", "RLS-PTH-002", "TRX-01.yaml line 16", "DOC.LDL_SES"),
        ("mode != '9'", "mood != '9'", "RLS-PTH-003", "TRX-01.yaml line 10", "mode"),
        ("severity:", "severityy:", "RLS-PTH-001", "TRX-01.yaml line 17", "severity"),
    ],
    ids=["event", "attribute", "key"],
)
async def test_a_fault_is_told_with_its_line_and_the_nearest_name(
    bench, old: str, new: str, code: str, line: str, nearest: str
):
    answer = await _form(bench, RULE.replace(old, new), "check")
    page = html.unescape(answer.text)

    assert answer.status_code == 409
    assert code in page
    assert line in page
    assert f"nearest: '{nearest}'" in page
    assert new in page


async def test_a_rule_is_tried_on_a_scenario_and_the_difference_is_counted(bench: OpsSite):
    patient = RULE.replace("deadline: {n: 0, unit: day0}", "deadline: {n: 5, unit: bd}")

    same = (await _ended(bench, await _form(bench, RULE, "try", log=MONDAY))).text
    later = (await _ended(bench, await _form(bench, patient, "try", log=MONDAY))).text

    assert "2 entrées rejouées" in same
    # The letter of Monday, and two feeds that fall silent in the week after.
    assert _numbers(same, "Ouvertes") == ["3", "3"]
    assert _numbers(same, "dont closes") == ["1", "1"]
    assert "3 communes, 0 nouvelle, 0 disparue." in same
    assert _numbers(later, "Ouvertes") == ["3", "2"]
    assert _numbers(later, "dont closes") == ["1", "0"]
    assert "2 communes, 0 nouvelle, 1 disparue." in later
    assert re.search(r"SECRETARIAT_UNIT</th><td>1</td><td>0</td><td>1 → 0</td>", later)
    assert "2025-11-15" in later
    # Nothing of it is in the store, or in force.
    assert await bench.gateway.store.read(lambda tx: tx.inbox.last_id()) == 0


async def test_a_trial_on_invented_patients_can_be_ended(bench: OpsSite):
    begun = await _form(bench, RULE, "try", patients="200")
    under_way = await bench.client.get(begun.headers["location"])
    other = await _form(bench, RULE, "try", log=MONDAY)
    token = await token_of(bench, begun.headers["location"])
    async with asyncio.timeout(30):
        stopped = await sent(bench, {"token": token}, begun.headers["location"])
    page = await bench.client.get(stopped.headers["location"])
    again = await _ended(bench, await _form(bench, RULE, "try", log=MONDAY))

    assert "Essai en cours." in under_way.text
    assert under_way.headers["refresh"] == "2"
    assert (other.status_code, "RLS-WEB-129" in other.text) == (409, True)
    assert "Essai arrêté. Rien n’a été changé." in page.text
    assert "refresh" not in page.headers
    assert "2 entrées rejouées" in again.text


@pytest.mark.parametrize(
    ("text", "log", "code"),
    [
        (RULE, b"no json\n", "RLS-PTH-120"),
        (RULE, b'{"a": 1}\n' * 20_001, "RLS-PTH-120"),
        (RULE.replace("DOC.LDL_SES,", "DOC.X,"), MONDAY, "RLS-PTH-002"),
    ],
    ids=["no log", "no lines", "wrong rule"],
)
async def test_a_trial_that_cannot_be_made_says_why(bench, text: str, log: bytes, code: str):
    page = (await _ended(bench, await _form(bench, text, "try", log=log))).text

    assert code in page


async def test_a_trial_is_stopped_at_its_limit_of_time():
    quick = WorkbenchSettings(backtest_seconds=0.2)
    async with ops_site(HandClock(START), workbench=quick) as site:
        page = (await _ended(site, await _form(site, RULE, "try", patients="200"))).text

    assert "RLS-WEB-123" in page


async def test_a_rule_can_be_taken_along_and_only_rules_are_there(bench: OpsSite):
    taken = await _form(bench, "id: TRX-01\r\n", "download")
    absent = [
        (await bench.client.get(f"/workbench/{path}")).status_code
        for path in ("rules/none", "rules/..%2F..%2Fpyproject", "trials/none")
    ]

    assert taken.headers["content-disposition"] == 'attachment; filename="TRX-01.yaml"'
    assert taken.text == "id: TRX-01\n"
    assert absent == [404, 404, 404]
