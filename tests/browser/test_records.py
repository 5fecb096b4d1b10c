"""The page of a person whose records are one says why, in a real browser on a real gateway."""

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, NARROW, PHONE
from tests.support.apart import apart
from tests.support.browsing import fits, violations
from tests.support.merging import identity, pair, patient_id, two_establishments
from tests.support.ops_site import ops_site
from tests.support.pipeline import HandClock

TITLES = {
    "fr": "Pourquoi ces dossiers sont une même personne",
    "en": "Why these records are one person",
}


@contextlib.asynccontextmanager
async def _joined() -> AsyncIterator[str]:
    async with ops_site(HandClock(datetime(2026, 3, 3, 9, 0, tzinfo=UTC))) as site:
        bodies = [
            *two_establishments(),
            identity("P3", "202603010803"),
            pair("A24", "P1", "P3", "202603020930"),
        ]
        for body in bodies:
            assert "MSA|AA" in await site.send(body)
        yield site.gateway.local_url


@pytest.fixture(scope="module")
def joined() -> Iterator[str]:
    """Give a gateway where three records are of one person: by an INS, and by the word of A24."""
    with apart(_joined) as base:
        yield base


@pytest.mark.parametrize("size", [DESK, PHONE, NARROW], ids=["desk", "phone", "narrow"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_reasons_are_told_at_every_size(language, size, joined, window) -> None:
    page = window(size, language)
    page.goto(f"{joined}/patients/{patient_id('P1')}")

    told = page.get_by_role("heading", name=TITLES[language]).locator("+ ul > li")
    expect(told).to_have_count(2)
    # Each reason names the two records it is about: the INS is of P1 and P2, and P3 has none.
    assert [sorted(set(re.findall(r"\bP[123]\b", one))) for one in told.all_inner_texts()] == [
        ["P1", "P3"],
        ["P1", "P2"],
    ]
    expect(told.first).to_contain_text("Message 4")
    assert violations(page) == {}
    assert fits(page)
