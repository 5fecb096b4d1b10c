"""Mappings compared, drafts of their files, and a test gateway that answers."""

import html
import re

import pytest
import pytest_asyncio

from tests.conftest import ROOT
from tests.support.bench_site import bench_pair, held, pasted, sent, token_of
from tests.support.ops_site import A03, OpsSite, ops_site
from tests.support.pipeline import START, HandClock

pytestmark = pytest.mark.asyncio(loop_scope="module")
TEXT = A03.read_text(encoding="utf-8").replace("\r", "\r\n")
LETTER = ROOT / "fixtures/cda/ldl_ses_transfer_to_rehabilitation/input.xml"
PID = "hl7v2/segments/PID.yaml"
REASON = "La date vient de EVN-2 chez cet éditeur"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory):
    """Give a workbench with a folder for drafts, and the test gateway it may send to."""
    async with bench_pair(tmp_path_factory.mktemp("drafts")) as made:
        yield made


async def _edited(site: OpsSite, path: str, text: str, act: str, **more: str):
    token = await token_of(site, f"/workbench/mappings/{path}")
    fields = {"token": token, "text": text, "act": act, **more}
    return await sent(site, fields, f"/workbench/mappings/{path}")


def _changed() -> str:
    text = (ROOT / "mappings" / PID).read_text(encoding="utf-8")
    return text.replace("from: PID-7, via", "from: EVN-2, via")


# --- a test gateway ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["recette", "recette-http"])
async def test_a_message_is_sent_as_it_is_and_its_answer_is_told_in_words(pair, name: str):
    site, target = pair
    text = TEXT.replace("D0006", f"W{len(name)}")

    page = (await held(site, text, act="send", target=name)).text
    [entry] = (await site.entries("handled"))[:1]

    assert "AA</b> · accepté et traité" in page
    assert "MSA-2" in page
    assert await target.gateway.store.read(lambda tx: tx.inbox.last_id()) > 0
    assert entry.details["what"] == f"workbench send to {name}"
    # The gateway of the workbench kept nothing of it.
    assert await site.gateway.store.read(lambda tx: tx.inbox.last_id()) == 0


async def test_a_refusal_of_the_test_gateway_is_told_with_its_place(pair):
    site, _target = pair
    text = TEXT.replace("|T|2.5", "|T|2.9").replace("D0006", "W9")

    page = (await held(site, text, act="send", target="recette")).text

    assert "AR</b> · rejeté" in page
    assert "ERR-2" in page
    assert "MSH^1^12" in page


async def test_a_document_goes_over_http_and_not_over_mllp(pair):
    site, _target = pair
    letter = LETTER.read_text(encoding="utf-8")

    taken = (await held(site, letter, act="send", target="recette-http")).text
    refused = (await held(site, letter, act="send", target="recette")).text

    assert "201</b> · accepté et gardé" in taken
    assert "RLS-WEB-126" in refused


@pytest.mark.parametrize(
    ("name", "code"),
    [("éteinte", "RLS-NET-011"), ("mllp://10.0.0.1:2575", "RLS-WEB-126"), ("", "RLS-WEB-126")],
    ids=["away", "free address", "none"],
)
async def test_nothing_goes_where_the_settings_do_not_say(pair, name: str, code: str):
    site, _target = pair

    page = (await held(site, TEXT, act="send", target=name)).text

    assert code in page


# --- drafts -----------------------------------------------------------------------------------


async def test_a_draft_with_a_fault_is_told_with_file_line_and_nearest_name(pair):
    site, _target = pair
    wrong = _changed().replace("via: birth_date,", "via: birth_dat,")

    answer = await _edited(site, PID, wrong, "check")
    page = html.unescape(answer.text)
    line = 1 + wrong[: wrong.index("birth_dat,")].count("\n")

    assert answer.status_code == 409
    assert "RLS-CFG-004" in page
    assert f"mappings/{PID} line {line}" in page
    assert "nearest: 'birth_date'" in page
    # What was typed stays.
    assert "via: birth_dat," in page


@pytest.mark.parametrize("text", ["a: [", "nobody: {resource: Patient, rulez: []}", "- 1"])
async def test_what_is_no_mapping_file_is_refused_and_not_kept(pair, text: str):
    site, _target = pair

    answer = await _edited(site, PID, text, "keep", reason=REASON)

    assert answer.status_code == 409
    assert "RLS-CFG-" in answer.text


async def test_a_draft_is_kept_compared_and_never_in_force(pair, tmp_path):
    site, _target = pair
    bare = await _edited(site, PID, _changed(), "keep", reason="ok")

    kept = await _edited(site, PID, _changed(), "keep", reason=REASON)
    listed = (await site.client.get("/workbench/mappings")).text
    page = (await site.client.get(kept.headers["location"])).text
    [entry] = (await site.entries("handled"))[:1]
    compared = await held(site, TEXT, act="compare", before_tree="installed", after_tree="drafts")
    installed = (await pasted(site, TEXT)).text
    drafted = (await pasted(site, TEXT, tree="drafts")).text

    assert (bare.status_code, kept.status_code) == (400, 303)
    assert re.search(r"PID-\d{8}T\d{6}Z-1\.yaml", listed)
    assert "Le mapping en service n’a pas changé." in page
    assert (entry.details["what"], entry.details["why"]) == (f"draft of {PID}", REASON)
    assert "1 ressource diffère" in compared.text
    assert "<del>1980-04-12</del>" in compared.text
    assert "<ins>2026-03-09</ins>" in compared.text
    assert ("1980-04-12" in installed, "1980-04-12" in drafted) == (True, False)
    # The door still converts by the mapping in force.
    await site.send(A03.read_bytes())
    found = (await site.client.get("/fhir/Patient")).json()
    assert found["entry"][0]["resource"]["birthDate"] == "1980-04-12"


async def test_a_draft_can_be_taken_along(pair):
    site, _target = pair

    answer = await _edited(site, "sites/demo.yaml", "name: demo\r\nack: accept\r\n", "download")

    assert answer.headers["content-disposition"] == 'attachment; filename="demo.yaml"'
    assert answer.text == "name: demo\nack: accept\n"


@pytest.mark.parametrize(
    "path", ["../pyproject.toml", "sites/..%2F..%2Fpyproject.toml", "sites/absent.yaml", "sites"]
)
async def test_only_files_of_the_mapping_are_there(pair, path: str):
    site, _target = pair

    answer = await site.client.get(f"/workbench/mappings/{path}")

    assert answer.status_code == 404


async def test_a_draft_of_a_site_table_kept_with_a_cause_counts_here_too(tmp_path):
    folder = tmp_path / "drafts"
    folder.mkdir()
    rows = '# Draft, not in force.\nname: demo\nversions: ["2.5", "2.9"]\n'
    (folder / "demo-20260302T080000Z-1.yaml").write_text(rows, encoding="utf-8")
    async with ops_site(HandClock(START), operation={"drafts": folder}) as site:
        text = TEXT.replace("|T|2.5", "|T|2.9")

        compared = await held(
            site, text, act="compare", before_tree="installed", after_tree="drafts"
        )
        page = (await site.client.get("/workbench/mappings/sites/demo.yaml")).text

    assert "Refusé, mis en quarantaine → Converti" in html.unescape(compared.text)
    assert "&#34;2.9&#34;" in page


async def test_two_site_tables_are_compared_on_one_message(pair):
    site, _target = pair

    same = await held(site, TEXT, act="compare", before_site="demo", after_site="demo")

    assert "0 ressource diffère" in same.text
