"""The workbench over HTTP: what is pasted is shown, and kept nowhere."""

import html
import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from gateway.entry.settings_parts import WorkbenchSettings
from gateway.entry.web.assets import assets
from gateway.hl7v2.reader import read
from tests.conftest import ROOT
from tests.support.bench_site import pasted, sent, token_of
from tests.support.ops_site import A03, OpsSite, ops_site
from tests.support.pipeline import START, HandClock
from tests.support.sentinel import WORDS, found_in, life

TEXT = A03.read_text(encoding="utf-8").replace("\r", "\r\n")
SENTINEL = life()[0][0].body


# One gateway for the whole file: its process starts in seconds.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench():
    """Give a gateway whose workbench is warm."""
    async with ops_site(HandClock(START)) as made:
        yield made


async def test_a_pasted_message_is_shown_with_its_result(bench: OpsSite):
    page = (await pasted(bench, TEXT)).text

    assert "Converti" in page
    assert 'id="f-PID-1-7"' in page
    assert re.search(r'<tr id="(v\d+)" data-lights="f-PID-1-7"', page)
    assert re.search(r'<tr id="f-PID-1-7" data-lights="v\d+', page)
    assert "1980-04-12" in page
    assert "PAM-FR 2.11 6.6.1, PID-7" in page
    for name in ("workbench.css", "workbench.js"):
        assert assets()[name].address in page


async def test_a_file_is_taken_byte_for_byte_and_before_the_text(bench: OpsSite):
    body = A03.read_bytes().replace(b"|T|2.5", b"|T|2.5||||||8859/1").replace(b"LACOMBE", b"L\xe9")

    page = (await pasted(bench, "something else", file=body)).text

    assert "Lé" in page
    assert "something else" in page  # What was typed stays in its box.
    assert "RLS-WEB" not in page


async def test_nothing_of_what_is_pasted_is_kept(bench: OpsSite, tmp_path, capfd):
    before = await bench.gateway.store.read(lambda tx: (tx.inbox.last_id(), tx.resources.counts()))
    entries = len(await bench.entries())
    here = set(_temporary())

    with capture_logs() as logs:
        answers = [
            await pasted(bench, SENTINEL.decode(read(SENTINEL).charset)),
            await pasted(bench, "", file=SENTINEL),
            await pasted(bench, "", file=SENTINEL[:300]),
            await pasted(bench, "", file=b"BHS|^~\\&\r" + SENTINEL + SENTINEL + b"BTS|2\r"),
        ]

    after = await bench.gateway.store.read(lambda tx: (tx.inbox.last_id(), tx.resources.counts()))
    told = capfd.readouterr()
    new = [path for path in _temporary() if path not in here]
    assert all(found_in(answer.text) for answer in answers)
    assert after == before
    assert len(await bench.entries()) == entries
    assert found_in(repr(logs) + told.out + told.err) == []
    assert [path.name for path in new if found_in(path.read_bytes())] == []
    assert not any(word in repr(answer.url) for answer in answers for word in WORDS)
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert all("location" not in answer.headers for answer in answers)
    # The empty page after it remembers nothing.
    assert found_in((await bench.client.get("/workbench")).text) == []


def _temporary() -> list[Path]:
    return [path for path in Path(tempfile.gettempdir()).iterdir() if path.is_file()]


async def test_the_log_says_that_it_was_used_and_not_with_what(bench: OpsSite):
    with capture_logs() as logs:
        await pasted(bench, TEXT)

    [line] = [one for one in logs if one["event"] == "workbench_used"]
    assert set(line) == {"event", "log_level", "kind", "size", "outcome"}


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"text": ""}, 400, "RLS-WEB-120"),
        ({"text": "x" * (2 * 2**20 + 1)}, 413, "RLS-WEB-121"),
        ({"file": b"x" * (32 * 2**20 + 1)}, 413, "RLS-WEB-121"),
        ({"text": TEXT, "token": "guessed"}, 403, "RLS-SEC-011"),
    ],
    ids=["nothing", "long text", "large file", "foreign"],
)
async def test_what_cannot_be_taken_gets_a_clear_page(bench, fields, status, code):
    answer = await sent(bench, {"token": await token_of(bench), **fields})

    assert (answer.status_code, code in answer.text) == (status, True)
    assert "Coller" in answer.text or "Collez" in answer.text


async def test_a_form_of_another_site_is_refused(bench: OpsSite):
    token = await token_of(bench)

    answer = await sent(bench, {"token": token, "text": TEXT}, Sec_Fetch_Site="cross-site")
    plain = await bench.client.post("/workbench", data={"token": token, "text": TEXT})

    assert (answer.status_code, "RLS-SEC-011" in answer.text) == (403, True)
    assert (plain.status_code, "RLS-WEB-122" in plain.text) == (400, True)
    assert "1980-04-12" not in answer.text + plain.text


@pytest.mark.field("FL-331")
async def test_an_attack_in_a_message_is_text(bench: OpsSite):
    page = (await pasted(bench, TEXT.replace("LACOMBE", "<img src=x onerror=alert(1)>"))).text

    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


async def test_what_takes_too_long_is_stopped_and_the_next_one_is_served():
    quick = WorkbenchSettings(seconds=0.001)
    async with ops_site(HandClock(START), workbench=quick) as site:
        answers = [await pasted(site, TEXT) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [422, 422]
        assert all("RLS-WEB-123" in answer.text for answer in answers)
        # What was typed stays on the page.
        assert all("SAULNIER" in answer.text for answer in answers)


async def test_a_batch_is_looked_at_message_by_message(bench: OpsSite):
    second = TEXT.replace("SAULNIER", "DEUXIEME")
    batch = f"BHS|^~\\&\r\n{TEXT}{second}BTS|2\r\n"

    first = (await pasted(bench, batch)).text
    held = re.search(r'name="held" value="([^"]+)"', first)[1]
    token = await token_of(bench)
    other = (await sent(bench, {"token": token, "held": held, "part": "2"})).text

    assert "Lot de 2 messages" in first
    assert ("SAULNIER" in _panes(first), "DEUXIEME" in _panes(first)) == (True, False)
    assert ("SAULNIER" in _panes(other), "DEUXIEME" in _panes(other)) == (False, True)


def _panes(page: str) -> str:
    return page.partition('class="panes"')[2]


async def test_the_bundle_can_be_taken_along(bench: OpsSite):
    page = (await pasted(bench, TEXT)).text
    held = re.search(r'name="held" value="([^"]+)"', page)[1]

    answer = await sent(bench, {"token": await token_of(bench), "held": held, "act": "bundle"})

    assert answer.headers["content-disposition"] == 'attachment; filename="relais-bundle.json"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["type"] == "transaction"


async def test_each_sample_can_be_taken_and_converts(bench: OpsSite):
    listed = re.findall(
        r"<option[^>]*>([^<]+)</option>", (await bench.client.get("/workbench")).text
    )
    names = [name for name in listed if "^" in name or name.startswith("CDA")]

    pages = []
    for name in names:
        shown = (await bench.client.get("/workbench", params={"sample": name})).text
        text = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", shown, re.S)[1]
        pages.append((await pasted(bench, html.unescape(text))).text)

    assert len(names) > 4
    assert all("Converti" in page for page in pages)


class _Elements(HTMLParser):
    """Counts the elements of a page and keeps its ids and its links to them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.count, self.ids, self.links = 0, set[str](), set[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.count += 1
        self.ids.add(told.get("id") or "")
        if (told.get("href") or "").startswith("#"):
            self.links.add(str(told["href"])[1:])


@pytest.mark.parametrize(
    "name",
    [
        "hl7v2/repair_document_in_pieces/input.er7",
        "cda/pps_programme_with_done_and_planned_lines/input.xml",
        "cda/frcp_organ_case_discussed_in_first_line/input.xml",
    ],
)
async def test_a_long_input_makes_a_small_page_and_everything_can_be_asked_for(
    bench: OpsSite, name: str
):
    body = (ROOT / "fixtures" / name).read_bytes()

    first = (await pasted(bench, "", file=body)).text
    found = _Elements(first)
    folded = re.findall(r'name="show" value="([^"]+)"', first)
    wanted = folded[-1]
    held = re.search(r'name="held" value="([^"]+)"', first)[1]
    second = (
        await sent(bench, {"token": await token_of(bench), "held": held, "show": wanted})
    ).text

    assert found.count <= 1500
    assert found.links <= found.ids
    assert folded
    assert f'name="show" value="{wanted}"' not in second
    assert _Elements(second).links <= _Elements(second).ids
