"""The gap of a silent feed as its operators read it."""

import pytest

from gateway.entry.settings import load
from gateway.entry.told_gap import told_gap
from gateway.entry.web.data import GapFilter
from gateway.entry.web.store_data import StorePageData
from gateway.entry.wiring import build_converter, build_replayer
from gateway.fhir.identity import Ids
from tests.support.assertions import paris
from tests.support.feeding import DAY, Feeding
from tests.unit.entry.web.conftest import browser

NOW = paris(f"{DAY} 15:00")


@pytest.fixture
async def feeding():
    found = await Feeding.of()
    await found.spoke("14:05")
    await found.at("14:30", "14:31")
    return found


@pytest.fixture
def data(feeding):
    settings = load()
    converter = build_converter(settings)
    replayer = build_replayer(settings, feeding.store, converter)
    return StorePageData(
        feeding.store, feeding.watcher.rules, Ids(settings.id_namespace), converter, replayer
    )


async def test_the_worklist_names_the_feed_and_how_long_it_is_silent(data):
    [gap] = (await data.worklist(GapFilter("open"), NOW)).rows

    assert (gap.person.feed, gap.person.link) == ("990000027:ADT", "/")
    assert gap.why["en"].startswith("Silent since")
    assert gap.why["fr"].endswith("0 attente non confirmée.")


async def test_the_first_page_shows_the_feed_as_silent(data):
    [feed] = (await data.overview(NOW)).feeds

    assert (feed.name, feed.state) == ("990000027:ADT", "silent")


async def test_its_page_leads_to_no_patient(data, feeding):
    [row] = await feeding.rows()
    async with browser(data) as client:
        pages = [(await client.get(path)).text for path in ("/", "/gaps", f"/gaps/{row.gap_id}")]

    assert all("990000027, mouvements" in page for page in pages)
    assert not any("/patients/" in page for page in pages)


async def test_the_command_says_what_it_leaves_unconfirmed(feeding):
    [row] = await feeding.rows()
    rules = feeding.watcher.rules

    lines = await feeding.store.read(lambda tx: told_gap(tx, row.gap_id, rules, 0))

    assert "  Flux 990000027:ADT, silencieux depuis le 10/03/2026 à 14:05." in lines
    assert "  Attentes non confirmées tant qu’il se tait : 0." in lines
