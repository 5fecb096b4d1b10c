"""Every page in both languages: what it says, what it refuses, what it sends along."""

import gzip
import re

import httpx2
import pytest

from gateway.core.errors import RetriableError
from gateway.entry.web.assets import assets
from tests.support.pages_people import HOSTILE
from tests.support.pages_sample import ISSUE, SamplePageData
from tests.support.pages_sample_documents import DOCUMENT
from tests.unit.entry.web.conftest import browser

PAGES = [
    "/", "/gaps", "/gaps?view=closed", "/gaps?view=unconfirmed", "/gaps/g-lucie",
    "/gaps/g-closed", "/patients/p-lucie", "/patients/p-lucie?zoom=all", "/messages",
    "/messages/42", "/messages/41", "/messages/40", "/deliveries", "/deliveries?state=trouble",
    "/documents/d1", "/ui/documents/d1",
]  # fmt: skip


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_each_page_answers_in_the_language_of_the_browser(
    path: str, language: str, data: SamplePageData
) -> None:
    async with browser(data, language=language) as client:
        answer = await client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<html lang="{language}"' in answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_each_page_names_itself_once_and_offers_a_way_past_the_navigation(
    path: str, client: httpx2.AsyncClient
) -> None:
    page = (await client.get(path)).text

    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert page.index('class="skip"') < page.index("<header>")
    assert re.search(r"<title>\s*\S", page)


@pytest.mark.field("FL-331")
@pytest.mark.parametrize("path", PAGES)
async def test_no_page_has_a_script_or_a_style_of_its_own(
    path: str, client: httpx2.AsyncClient
) -> None:
    answer = await client.get(path)

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "require-trusted-types-for 'script'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert re.findall(r"<script(?! type=\"module\" src=\"/static/)", answer.text) == []
    assert re.findall(r"<[^>]*\s(style|on[a-z]+)=", answer.text) == []
    assert HOSTILE not in answer.text
    assert re.findall(r"(?:src|href)=\"(?!/|#|tel:\+?\d+\")[^\"]*", answer.text) == []


@pytest.mark.field("FL-331")
@pytest.mark.parametrize("path", ["/gaps", "/patients/p-nora"])
async def test_what_senders_wrote_stays_text(path: str, client: httpx2.AsyncClient) -> None:
    page = (await client.get(path)).text

    assert "&lt;img src=x onerror=" in page
    assert "<img" not in page


@pytest.mark.field("FL-338")
@pytest.mark.parametrize("path", ["/messages/42", "/messages/40"])
async def test_a_message_holds_no_values_of_a_person(path: str, client: httpx2.AsyncClient) -> None:
    page = (await client.get(path)).text

    # They are revealed by a form with a reason (tests/integration/operation).
    assert "●●●●●" in page or "masqué" in page
    assert "img src=x" not in page
    assert "PAT-" not in page


async def test_the_first_page_is_an_answer(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/")).text

    assert "3 personnes à rappeler ce matin" in page
    assert "5 relais n’ont pas eu lieu, prochaine échéance à 10:25." in page
    assert "Muet depuis 19 h. Aucun service n’est mis en cause." in page


async def test_a_gap_shows_how_its_deadline_was_worked_out(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/gaps/g-lucie")).text
    steps = re.findall(r'<th scope="row">([^<]+)</th>', page)

    assert steps == [
        "Départ (α)", "Délai", "Échéance (δ)", "Tolérance de transmission", "Vérifié à (θ)",
        "Retard",
    ]  # fmt: skip
    assert "30 h 20" in page
    assert '<a href="/messages/42">message 42</a>' in page


async def test_a_closed_gap_says_how_late_it_was(client: httpx2.AsyncClient) -> None:
    late = (await client.get("/gaps/g-closed")).text
    reported = (await client.get("/gaps/g-reported")).text

    assert "Réglée lun. 9 mars 07:52, 9 h 52 après l’échéance." in late
    assert "Comptée pour le flux, pas pour le service." in reported


async def test_the_path_says_in_words_what_it_draws(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/patients/p-lucie")).text

    assert page.count('role="img"') == 2
    assert 'aria-describedby="story"' in page
    assert "Pneumologie, CHU Exemple" in page
    assert re.search(r"<strong>SMR, <a href=\"/gaps/g-lucie\">Transfert sans arrivée</a>", page)
    drawings = re.findall(r"<svg class=\"swim.*?</svg>", page, re.S)
    assert [d for d in drawings if "<a " in d] == []


async def test_filters_keep_what_they_ask_for_and_name_what_they_do_not_know(
    client: httpx2.AsyncClient,
) -> None:
    critical = (await client.get("/gaps?sev=critical")).text
    rule = (await client.get("/gaps?rule=TRX-03&colour=red")).text
    nothing = (await client.get("/gaps?sev=minor&rule=TRX-08")).text

    assert re.findall(r'href="/gaps/(g-\w+)"', critical) == ["g-lucie", "g-samir"]
    assert re.findall(r'href="/gaps/(g-\w+)"', rule) == ["g-nora"]
    assert "Filtre inconnu ignoré\u00a0: colour" in rule
    assert "Aucune rupture avec ces filtres." in nothing


async def test_a_language_that_was_asked_for_is_remembered(client: httpx2.AsyncClient) -> None:
    asked = await client.get("/gaps?lang=en")
    after = await client.get("/messages")
    unknown = await client.get("/messages?lang=xx")

    assert '<html lang="en"' in asked.text
    assert '<html lang="en"' in after.text
    assert '<html lang="en"' in unknown.text
    assert "HttpOnly" in asked.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/gaps/none", "/patients/none", "/messages/99", "/messages/x"])
async def test_what_is_not_there_has_its_page(path: str, client: httpx2.AsyncClient) -> None:
    answer = await client.get(path)

    assert answer.status_code == 404
    assert "Cette page n’existe pas ou n’est pas dans votre périmètre." in answer.text


@pytest.mark.parametrize("address", ["10.0.0.7", "192.0.2.9", "2001:db8::1", "not-an-address"])
@pytest.mark.parametrize("path", [*PAGES[:2], "/gaps/g-lucie", "/live", "/badges"])
async def test_from_elsewhere_every_page_is_refused_and_tells_nothing(
    path: str, address: str, data: SamplePageData
) -> None:
    async with browser(data, address=address) as client:
        answer = await client.get(path)

    assert answer.status_code == 403
    assert "Cette page n’est visible que depuis la machine de Relais." in answer.text
    assert "RLS-SEC-010" in answer.text
    assert "PAT-" not in answer.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_behind_a_declared_boundary_the_network_sees_the_pages_and_is_told_so(
    language: str, data: SamplePageData
) -> None:
    told = {
        "fr": "tout est visible pour qui atteint ce réseau.",
        "en": "everything is visible to whoever reaches this network.",
    }
    async with browser(
        data, address="172.18.0.1", language=language, behind_boundary=True
    ) as client:
        answer = await client.get("/gaps/g-lucie")

    assert answer.status_code == 200
    assert told[language] in answer.text


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.8.8.8", "::ffff:127.0.0.1"])
async def test_this_machine_may_see_the_pages(address: str, data: SamplePageData) -> None:
    async with browser(data, address=address) as client:
        assert (await client.get("/gaps/g-lucie")).status_code == 200


async def test_an_empty_gateway_has_calm_pages() -> None:
    async with browser(SamplePageData(empty=True)) as client:
        first = (await client.get("/")).text
        gaps = (await client.get("/gaps")).text
        held = (await client.get("/messages?status=quarantined")).text
        sends = (await client.get("/deliveries")).text

    assert "Rien d’urgent ce matin" in first
    assert "Aucun message reçu pour l’instant. Les portes sont ouvertes." in first
    assert "Rien à traiter dans cette vue." in gaps
    assert "Rien en quarantaine." in held
    assert "Rien n’attend dans cette vue." in sends


async def test_a_store_that_does_not_answer_has_its_page(data: SamplePageData) -> None:
    class Away(SamplePageData):
        async def overview(self, now):
            raise RetriableError([ISSUE])

    async with browser(Away()) as client:
        answer = await client.get("/")

    assert answer.status_code == 503
    assert "Le magasin de données ne répond pas." in answer.text
    assert answer.headers["retry-after"] == "5"


async def test_a_zone_is_the_same_alone_and_in_its_page(client: httpx2.AsyncClient) -> None:
    page = (await client.get("/")).text
    zone = (await client.get("/", headers={"X-Fragment": "overview"})).text
    other = (await client.get("/", headers={"X-Fragment": "../../etc/passwd"})).text

    assert zone in page
    assert "<html" not in zone
    assert other == page


async def test_assets_are_kept_for_ever_under_the_name_of_their_content(
    client: httpx2.AsyncClient,
) -> None:
    # The first page, and one of operators, which has a style sheet more.
    page = (await client.get("/")).text + (await client.get("/messages/42")).text
    for name, asset in assets().items():
        answer = await client.get(asset.address)

        # The pilot's page and the workbench have a sheet and a module of their own.
        assert asset.address in page or name.startswith(("workbench.", "pilot."))
        assert answer.content == asset.content
        assert "immutable" in answer.headers["cache-control"]


async def test_pages_keep_their_budgets(client: httpx2.AsyncClient) -> None:
    sizes = {path: (await client.get(path)).content for path in ("/", "/patients/p-lucie")}
    style, module = assets()["relais.css"].content, assets()["relais.js"].content

    assert len(sizes["/"]) < 40_000
    assert len(gzip.compress(sizes["/"])) < 10_000
    assert len(gzip.compress(sizes["/patients/p-lucie"])) < 5_000
    assert len(style) < 24_000
    assert len(gzip.compress(style)) < 7_000
    assert len(module) + len(assets()["workbench.js"].content) < 12_000
    assert (await client.get("/")).text.count("/static/") == 3


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_a_document_tells_everything_that_happened_to_it_in_order(
    language: str, data: SamplePageData
) -> None:
    async with browser(data, language=language) as client:
        page = (await client.get("/documents/d1")).text
        missing = await client.get("/documents/d2")

    moments = DOCUMENT.moments
    times = re.findall(r'<time datetime="([^"]+)"', page)
    assert [one.at.isoformat() for one in moments] == times[-len(moments) :]
    said = {"fr": ("Rupture close", "Retenu", "Lu"), "en": ("Gap closed", "Held", "Read")}
    assert all(f"<b>{word}</b>" in page for word in said[language])
    assert "document." not in re.sub(r'href="[^"]*"', "", page)
    assert 'href="/patients/p-lucie"' in page
    assert 'href="/fhir/Provenance?target=DocumentReference/d1"' in page
    assert "<img" not in page
    assert missing.status_code == 404
