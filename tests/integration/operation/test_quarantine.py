"""Quarantine on the pages: by cause, masked until somebody says why, tried, then replayed."""

import re
import shutil

import pytest
from structlog.testing import capture_logs

from tests.conftest import ROOT
from tests.support.ops_site import A03, HOSTILE, OpsSite, hostile, ops_site, refused
from tests.support.pipeline import START, HandClock

REASON = "Appel du CHU : identité à vérifier"
#: What the fixture says of its patient: name, number, birth date, place.
PERSON = ("LACOMBE", "MARGUERITE", "P0042")


async def test_what_is_refused_for_one_reason_is_one_row(office: OpsSite):
    for number in range(30):
        await office.send(refused(f"R{number}"))
    await office.send(b"MSH|^~\\&|GAM|CHU-DEMO|RELAIS|R|20260302080000||ADT^A01^ADT_A01|X|T|2.5\r")

    page = (await office.client.get("/quarantine")).text

    assert "31 messages, 2 causes" in page
    assert page.count('<a href="/quarantine/') == 2
    assert re.search(r"RLS-HL7-024</code> MSH-12", page)
    assert re.search(r'data-label="Combien"><b>30</b>', page)


@pytest.mark.field("FL-075")
async def test_messages_that_nobody_sent_again_are_counted(office: OpsSite):
    for number in range(3):
        await office.send(refused(f"R{number}"))
    corrected = refused("R1").replace(b"|T|2.9", b"|T|2.5")
    await office.send(corrected)

    page = (await office.client.get("/quarantine")).text

    assert 'data-label="Combien"><b>3</b>' in page
    assert 'data-label="Jamais renvoyés">2</td>' in page


@pytest.mark.field("FL-313")
async def test_a_storm_of_refusals_is_one_row_with_its_count_and_its_start(office: OpsSite):
    for number in range(250):
        office.clock.instant = START
        await office.send(refused(f"S{number}"))

    page = (await office.client.get("/quarantine")).text

    assert "250 messages, 1 cause" in page
    assert page.count('<tr><td class="wh">') == 1


@pytest.mark.field("FL-338")
async def test_a_message_shows_places_and_codes_but_nobody(office: OpsSite):
    await office.send(refused("R1"))

    page = (await office.client.get("/messages/1")).text

    assert [word for word in PERSON if word in page] == []
    assert "Identifiants du patient" in page
    assert "●●●●●" in page
    assert "2.9" in page


async def test_a_document_is_not_in_its_page_before_it_is_revealed(office: OpsSite):
    folder = next((ROOT / "fixtures/cda").glob("*/input.xml"))
    body = folder.read_bytes()
    family = re.search(rb"<family[^>]*>([^<]+)</family>", body)
    assert family is not None
    await office.client.post("/cda", content=body, headers={"Content-Type": "text/xml"})

    before = (await office.client.get("/messages/1")).text
    after = await office.form("/messages/1", "/messages/1/reveal", reason=REASON)

    assert family[1].decode() not in before
    assert family[1].decode() in after.text


async def test_values_are_revealed_to_somebody_who_says_why_and_that_is_noted_first(
    office: OpsSite,
):
    await office.send(A03.read_bytes())

    answer = await office.form("/messages/1", "/messages/1/reveal", reason=REASON)

    assert answer.status_code == 200
    assert [word for word in PERSON[:2] if word not in answer.text] == []
    assert answer.headers["cache-control"] == "no-store"
    [entry] = await office.entries("reveal")
    assert (entry.agent, entry.outcome) == ("local", "0")
    assert (entry.details["why"], entry.details["what"]) == (REASON, "message 1")
    patient = await office.gateway.store.read(
        lambda tx: tx.resources.search("Patient", (), 1, None).resources[0].id
    )
    assert entry.patient == patient


async def test_components_carry_their_names_to_pointer_keyboard_and_paper(office: OpsSite):
    await office.send(A03.read_bytes())

    answer = await office.form("/messages/1", "/messages/1/reveal", reason=REASON)

    assert re.search(
        r'<span class="cmp" tabindex="0" role="note" data-name="PID-5.1 nom de famille"',
        answer.text,
    )
    sheet = (ROOT / "gateway/entry/web/static/ops.css").read_text(encoding="utf-8")
    assert ".cmp:hover::after, .cmp:focus-visible::after" in sheet
    assert ".cmp[data-name]::before" in sheet.partition("@media print")[2]


@pytest.mark.parametrize("reason", ["", "vu", " " * 40], ids=["none", "short", "blank"])
async def test_without_a_reason_nothing_is_shown_or_noted(office: OpsSite, reason: str):
    await office.send(A03.read_bytes())

    answer = await office.form("/messages/1", "/messages/1/reveal", reason=reason)

    assert answer.status_code == 400
    assert "Dites pourquoi" in answer.text
    assert PERSON[0] not in answer.text
    assert await office.entries("reveal") == []


async def test_a_form_of_another_site_reveals_nothing(office: OpsSite):
    await office.send(A03.read_bytes())
    await office.client.get("/messages/1")

    answer = await office.client.post("/messages/1/reveal", data={"reason": REASON, "token": "x"})

    assert answer.status_code == 403
    assert await office.entries("reveal") == []


async def test_when_the_journal_takes_nothing_nothing_is_revealed(office: OpsSite, monkeypatch):
    from gateway.core.errors import RetriableError
    from gateway.pipeline.journal import Journal, _full

    await office.send(A03.read_bytes())
    page = await office.client.get("/messages/1")

    async def away(self, traces):
        raise RetriableError([_full()], 5.0)

    monkeypatch.setattr(Journal, "keep", away)
    token = re.search(r'name="token" value="([^"]+)"', page.text)[1]
    answer = await office.client.post(
        "/messages/1/reveal",
        data={"reason": REASON, "token": token},
        headers={"Sec-Fetch-Site": "same-origin"},
    )

    assert answer.status_code == 503
    assert PERSON[0] not in answer.text


@pytest.mark.field("FL-331")
async def test_an_attack_in_a_name_stays_text_when_it_is_revealed(office: OpsSite):
    await office.send(hostile("H1"))

    answer = await office.form("/messages/1", "/messages/1/reveal", reason=REASON)

    assert "&lt;img src=x onerror=alert(1)&gt;" in answer.text
    assert HOSTILE not in answer.text


async def test_no_log_line_tells_what_was_revealed_or_why(office: OpsSite):
    await office.send(A03.read_bytes())

    with capture_logs() as logs:
        await office.form("/messages/1", "/messages/1/reveal", reason=REASON)

    assert [log for log in logs if any(word in str(log) for word in (*PERSON, REASON))] == []
    assert {"event": "message_revealed", "inbox_id": 1, "log_level": "info"} in logs


@pytest.fixture
def folders(tmp_path):
    """Give a folder of mappings before and after somebody corrected the table of the site."""
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        shutil.copytree(ROOT / "mappings", folder)
    table = after / "sites" / "demo.yaml"
    text = table.read_text(encoding="utf-8").replace(
        'versions: ["2.5", ', 'versions: ["2.9", "2.5", '
    )
    table.write_text(text, encoding="utf-8")
    return before, after


async def test_after_the_table_is_corrected_a_dry_run_shows_what_a_replay_then_writes(
    tmp_path, folders
):
    url = f"sqlite:///{tmp_path}/r.db"
    async with ops_site(HandClock(START), url=url, mappings=folders[0]) as site:
        for number in range(3):
            await site.send(refused(f"R{number}"))
        stuck = (await site.client.get("/quarantine")).text
        key = re.search(r'href="/quarantine/(\w+)"', stuck)[1]
        unmended = await site.form(f"/quarantine/{key}", f"/quarantine/{key}/try")

    assert "0 passerait, 3 resteraient." in unmended.text
    assert 'name="digest"' not in unmended.text

    async with ops_site(HandClock(START), url=url, mappings=folders[1]) as site:
        tried = await site.form(f"/quarantine/{key}", f"/quarantine/{key}/try")
        counts = await site.gateway.store.read(lambda tx: tx.resources.counts())
        digest = re.search(r'name="digest" value="(\w+)"', tried.text)[1]
        wrong = await site.form(f"/quarantine/{key}", f"/quarantine/{key}/replay", digest="0" * 32)
        still = (await site.client.get("/quarantine")).text
        done = await site.form(f"/quarantine/{key}", f"/quarantine/{key}/replay", digest=digest)
        after = (await site.client.get(done.headers["location"])).text
        patients = (await site.client.get("/fhir/Patient")).json()
        notes = [entry.details["what"] for entry in await site.entries("handled")]

    # Nothing was kept by the dry run; what it shows names the changes and nobody.
    assert counts == {}
    assert "3 passeraient, 0 resterait." in tried.text
    assert "<b>Encounter</b>" in tried.text
    assert "period.start" in tried.text
    assert [word for word in PERSON if word in tried.text] == []
    assert (wrong.status_code, "3 messages" in still) == (409, True)
    assert done.headers["location"] == "/quarantine?done=3"
    assert "3 messages convertis." in after
    assert "Rien en quarantaine." in after
    assert patients["total"] == 1
    assert notes == ["replay 1 to 3", "replay 1 to 3"]


async def test_a_retry_shows_what_would_change_before_anything_does(office: OpsSite):
    await office.send(refused("R1"))

    before = await office.gateway.store.read(lambda tx: tx.inbox.get(1))
    shown = await office.form("/messages/1", "/messages/1/retry")
    after = await office.gateway.store.read(lambda tx: tx.inbox.get(1))

    assert "0 passerait, 1 resterait." in shown.text
    assert after == before


async def test_a_message_is_set_aside_with_a_reason_and_by_somebody(office: OpsSite):
    await office.send(refused("R1"))

    bare = await office.form("/messages/1", "/messages/1/discard", reason="no")
    before = await office.gateway.store.read(lambda tx: tx.inbox.get(1))
    done = await office.form("/messages/1", "/messages/1/discard", reason="Essai de l’éditeur")
    after = await office.gateway.store.read(lambda tx: tx.inbox.get(1))
    [entry] = await office.entries("handled")

    assert (bare.status_code, before.status.value) == (400, "quarantined")
    assert (done.status_code, after.status.value) == (303, "discarded")
    assert (entry.details["what"], entry.details["why"]) == (
        "discard message 1",
        "Essai de l’éditeur",
    )


@pytest.mark.parametrize("path", ["/messages", "/messages/1", "/quarantine"])
async def test_what_was_found_is_told_in_the_language_of_the_page(office: OpsSite, path: str):
    await office.send(refused("R1"))
    french = "La version de MSH-12 n’est pas acceptée de cet émetteur."

    in_french = (await office.client.get(path)).text
    in_english = (await office.client.get(path, headers={"Accept-Language": "en"})).text

    assert french in in_french
    assert french not in in_english
    assert "MSH-12" in in_english
