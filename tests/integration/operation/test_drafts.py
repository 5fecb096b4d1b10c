"""A cause mended by the table of its site: proposed, tried, kept as a draft, never in force."""

import html
import re

import pytest

from gateway.mapping.yamltext import read_text_yaml
from tests.support.ops_site import OpsSite, ops_site, refused
from tests.support.pipeline import START, HandClock

REASON = "L’éditeur confirme la version 2.9"


@pytest.fixture
async def desk(tmp_path):
    """Give a gateway with a folder for drafts and three messages of a version not accepted."""
    drafts = tmp_path / "drafts"
    async with ops_site(HandClock(START), operation={"drafts": drafts}) as site:
        for number in range(3):
            await site.send(refused(f"R{number}"))
        yield site, drafts


async def _cause(site: OpsSite) -> tuple[str, str]:
    """Return the address of the first cause and the rows its page proposes."""
    listed = (await site.client.get("/quarantine")).text
    path = re.search(r'href="(/quarantine/\w+)"', listed)[1]
    page = (await site.client.get(path)).text
    return path, html.unescape(re.search(r"<textarea[^>]*>([^<]*)</textarea>", page)[1])


async def test_the_finding_proposes_the_row_that_would_settle_it(desk):
    site, _drafts = desk
    path, rows = await _cause(site)

    page = (await site.client.get(path)).text

    assert rows == 'versions: ["2.5", "2.5.1", "2.9"]'
    assert "mappings/sites/demo.yaml" in page


async def test_trying_the_row_shows_what_would_pass_and_changes_nothing(desk):
    site, drafts = desk
    path, rows = await _cause(site)

    answer = await site.form(path, f"{path}/draft", rows=rows, act="try")
    again = await site.form(path, f"{path}/try")
    counts = await site.gateway.store.read(lambda tx: tx.resources.counts())

    assert "3 passeraient, 0 resterait." in answer.text
    assert "rien ne peut être rejoué" in answer.text
    assert 'name="digest"' not in answer.text
    # The table in force is what it was.
    assert "0 passerait, 3 resteraient." in again.text
    assert counts == {}
    assert not drafts.exists()


async def test_a_draft_is_a_file_with_who_why_and_about_what(desk):
    site, drafts = desk
    path, rows = await _cause(site)

    answer = await site.form(path, f"{path}/draft", rows=rows, act="keep", reason=REASON)
    page = (await site.client.get(answer.headers["location"])).text
    [file] = drafts.iterdir()
    text = file.read_text(encoding="utf-8")

    assert answer.status_code == 303
    assert "La table en service n’a pas changé." in page
    assert file.name in page
    assert text.startswith("# Draft of 2026-03-02T")
    assert f"# Reason: {REASON}\n" in text
    assert "# Cause: RLS-HL7-024 at MSH-12, 3 inputs.\n" in text
    assert read_text_yaml(text, "draft").data == {
        "name": "demo",
        "versions": ["2.5", "2.5.1", "2.9"],
    }
    [entry] = await site.entries("handled")
    assert (entry.details["what"], entry.details["why"]) == ("draft for site demo", REASON)


async def test_without_a_reason_no_draft_is_kept_and_what_was_written_stays(desk):
    site, drafts = desk
    path, _rows = await _cause(site)

    answer = await site.form(path, f"{path}/draft", rows="ack: accept", act="keep", reason="ok")

    assert answer.status_code == 400
    assert ">ack: accept</textarea>" in answer.text
    assert not drafts.exists()


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("", "RLS-WEB-043"),
        ("no_such_key: 1", "RLS-WEB-043"),
        ("name: other", "RLS-WEB-043"),
        ("ack: perhaps", "RLS-WEB-043"),
        ("- a list", "RLS-WEB-043"),
        ("a: [", "RLS-CFG-002"),
        ("a: !!python/object:os.system {}", "RLS-CFG-002"),
    ],
)
async def test_rows_that_are_none_are_refused_with_their_place(desk, rows: str, code: str):
    site, drafts = desk
    path, _rows = await _cause(site)

    answers = [
        await site.form(path, f"{path}/draft", rows=rows, act=act, reason=REASON)
        for act in ("try", "keep")
    ]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert all(code in answer.text for answer in answers)
    # What was typed stays.
    assert all(f">{html.escape(rows)}</textarea>" in answer.text for answer in answers)
    assert not drafts.exists()


async def test_a_reason_cannot_write_rows(desk):
    site, drafts = desk
    path, rows = await _cause(site)

    await site.form(
        path, f"{path}/draft", rows=rows, act="keep", reason="reviewed\nrequire_ins: false"
    )
    [file] = drafts.iterdir()

    assert set(read_text_yaml(file.read_text(encoding="utf-8"), "d").data) == {"name", "versions"}


async def test_a_sender_that_no_table_names_gets_a_table_of_its_own(desk):
    site, _drafts = desk
    foreign = refused("F1").replace(b"DEMO-GAM|CHU-DEMO", b"GAM|CH-BRUME", 1)
    await site.send(foreign.replace(b"|T|2.9", b"|X|2.5"))

    listed = (await site.client.get("/quarantine")).text
    pages = [
        (await site.client.get(path)).text
        for path in re.findall(r'href="(/quarantine/\w+)"', listed)
    ]

    [page] = [one for one in pages if "mappings/sites/ch-brume.yaml" in one]
    assert '"facility": "CH-BRUME"' in html.unescape(page)


async def test_without_a_folder_rows_are_tried_and_never_kept(office: OpsSite):
    await office.send(refused("R1"))
    path, rows = await _cause(office)

    page = (await office.client.get(path)).text
    kept = await office.form(path, f"{path}/draft", rows=rows, act="keep", reason=REASON)
    tried = await office.form(path, f"{path}/draft", rows=rows, act="try")

    assert "operation.drafts" in page
    assert (kept.status_code, "RLS-WEB-044" in kept.text) == (409, True)
    assert "1 passerait, 0 resterait." in tried.text
