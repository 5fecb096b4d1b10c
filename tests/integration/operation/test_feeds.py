"""Feeds on the pages: rate, last message, delay, clock, refusals, queues and certificates."""

import asyncio
import datetime
import re
from datetime import timedelta

import pytest
import trustme

from gateway.core.feed_ports import WHOLE, Ailment, Trouble
from tests.integration.doors.house import eventually
from tests.support.ops_site import A03, OpsSite, ops_site, refused
from tests.support.pipeline import HandClock
from tests.support.sentinel import numbered

FEED = "990000001:ADT"


async def _page(office: OpsSite, language: str = "fr") -> str:
    answer = await office.client.get("/feeds", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.text


async def test_before_the_first_message_the_page_says_so(office: OpsSite):
    page = await _page(office)

    assert "Aucune source entendue." in page
    assert "Aucun certificat n’est configuré." in page


async def test_a_feed_shows_when_it_was_last_heard_how_often_and_how_late(office: OpsSite):
    for number in range(3):
        await office.send(numbered(A03.read_bytes(), f"M{number}"))
        office.clock.instant += timedelta(hours=1)
    await office.send(refused("R1"))

    page = await _page(office)

    assert "1 flux, à jour" in page
    assert "mouvements" in page
    assert re.search(r'aria-label="3 messages en 24 heures, 1 au plus par heure', page)
    assert '<a href="/quarantine">1</a>' in page


@pytest.mark.field("FL-097")
async def test_numbers_a_sender_left_out_are_listed_once_they_are_late(office: OpsSite):
    for number in (101, 102, 110):
        message = numbered(A03.read_bytes(), f"M{number}")
        await office.send(message.replace(b"|T|2.5^FRA^2.11|", b"|T|2.5^FRA^2.11|%d|" % number))
    early = await _page(office)
    office.clock.instant += timedelta(minutes=16)

    page = await _page(office)

    assert "Numéros manquants" not in early
    assert "Numéros manquants" in page
    assert re.search(r"GAM[^<]*, [^<]*: 103 à 109", page.replace("\xa0", " "))


async def test_a_silence_that_was_told_is_on_top_and_accuses_nobody(office: OpsSite):
    await office.send(A03.read_bytes())
    since = office.clock.now()
    office.clock.instant += timedelta(hours=30)
    told = office.clock.now()
    await office.gateway.store.write(
        lambda tx: tx.feeds.begin(Trouble(FEED, WHOLE, Ailment.SILENT, since, told))
    )

    page = await _page(office)

    assert "0 à jour, 1 à regarder" in page
    assert '<span class="fstate silent">' in page
    assert "Aucun service n’est mis en cause." in page


async def test_a_wrong_clock_says_by_how_much_and_which_way(office: OpsSite):
    await office.send(A03.read_bytes())
    now = office.clock.now()
    await office.gateway.store.write(
        lambda tx: tx.feeds.begin(Trouble(FEED, WHOLE, Ailment.SKEWED, now, now, value=3600))
    )

    french, english = await _page(office), await _page(office, "en")

    assert "Horloge décalée" in french
    assert "600 s de retard" in french
    assert "3,600 s behind" in english


async def test_one_event_that_fell_silent_is_named_in_the_row_of_its_feed(office: OpsSite):
    await office.send(A03.read_bytes())
    now = office.clock.now()
    await office.gateway.store.write(
        lambda tx: tx.feeds.begin(Trouble(FEED, "A03", Ailment.SILENT, now, now))
    )

    assert "A03 ne vient plus depuis" in await _page(office)


async def test_a_frame_that_never_ends_shows_its_peer_and_bytes(office: OpsSite):
    _reader, writer = await asyncio.open_connection("127.0.0.1", office.gateway.mllp_ports[0])
    writer.write(b"\x0bMSH|^~\\&|SENTINEL")
    await writer.drain()
    await eventually(lambda: bool(office.gateway._frames()))

    page = await _page(office)
    writer.close()

    host, port = writer.get_extra_info("sockname")
    assert f"{host}:{port}" in page
    assert "17 octets" in page
    assert "SENTINEL" not in page


async def test_certificates_show_the_days_they_have_left(tmp_path):
    authority = trustme.CA()
    ends = datetime.datetime.now(datetime.UTC)
    issued = authority.issue_cert("localhost", not_after=ends + timedelta(days=9, hours=1))
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    mllps = {"certificate": tmp_path / "own.pem", "require_client": False, "port": 0}
    clock = HandClock(ends)
    async with ops_site(clock, mllps=mllps) as site:
        soon = await _page(site)
        clock.instant += timedelta(days=20)
        over = await _page(site)

    assert "Porte MLLP sur TLS" in soon
    assert "expire dans 9 jours" in soon
    assert "expiré le" in over
