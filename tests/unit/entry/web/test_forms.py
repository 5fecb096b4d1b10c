"""Forms of the quarantine: only our own page, in this browser, may send them."""

import re

import httpx2
import pytest

from gateway.core.messages import InboxStatus
from tests.support.pages_sample import SamplePageData
from tests.unit.entry.web.conftest import BASE, browser


async def token_of(client: httpx2.AsyncClient) -> str:
    """Open the page of the input in quarantine and return the token of its forms."""
    page = (await client.get("/messages/41")).text
    return re.findall(r'name="token" value="([^"]+)"', page)[0]


async def send(client: httpx2.AsyncClient, action: str, token: str, **headers: str):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"/messages/41/{action}", data={"token": token}, headers=names)


async def test_a_retry_shows_how_it_ended(client: httpx2.AsyncClient, data: SamplePageData) -> None:
    token = await token_of(client)

    answer = await send(client, "retry", token, sec_fetch_site="same-origin")
    page = await client.get(answer.headers["location"])

    assert answer.status_code == 303
    assert data.rows[41].status is InboxStatus.CONVERTED
    assert "Réessayé\u00a0: converti." in page.text


async def test_a_discard_sets_the_message_aside(
    client: httpx2.AsyncClient, data: SamplePageData
) -> None:
    token = await token_of(client)

    answer = await send(client, "discard", token, origin=BASE)

    assert answer.status_code == 303
    assert data.rows[41].status is InboxStatus.DISCARDED


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"origin": "https://attacker.example"},
        {"origin": "null"},
    ],
)
async def test_a_form_of_another_site_changes_nothing(
    headers: dict[str, str], client: httpx2.AsyncClient, data: SamplePageData
) -> None:
    token = await token_of(client)

    answer = await send(client, "discard", token, **headers)

    assert answer.status_code == 403
    assert "RLS-SEC-011" in answer.text
    assert data.rows[41].status is InboxStatus.QUARANTINED


@pytest.mark.parametrize("token", ["", "guessed", "é"])
async def test_a_form_without_the_token_of_the_browser_changes_nothing(
    token: str, client: httpx2.AsyncClient, data: SamplePageData
) -> None:
    await token_of(client)

    answer = await send(client, "retry", token)

    assert answer.status_code == 403
    assert data.rows[41].status is InboxStatus.QUARANTINED


async def test_two_empty_tokens_are_not_the_same(
    client: httpx2.AsyncClient, data: SamplePageData
) -> None:
    answer = await send(client, "retry", "")

    assert answer.status_code == 403
    assert data.rows[41].status is InboxStatus.QUARANTINED


async def test_a_form_larger_than_any_of_ours_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await send(client, "retry", "x" * 20_000)

    assert answer.status_code == 403


async def test_a_form_from_elsewhere_is_refused(data: SamplePageData) -> None:
    async with browser(data, address="10.0.0.7") as client:
        answer = await send(client, "discard", "x")

    assert answer.status_code == 403
    assert data.rows[41].status is InboxStatus.QUARANTINED


async def test_what_is_no_longer_in_quarantine_is_left_alone(
    client: httpx2.AsyncClient, data: SamplePageData
) -> None:
    token = await token_of(client)
    await send(client, "discard", token)

    answer = await send(client, "retry", token)

    assert answer.status_code == 409
    assert data.rows[41].status is InboxStatus.DISCARDED


async def test_the_token_is_kept_where_no_script_reads_it(client: httpx2.AsyncClient) -> None:
    cookie = (await client.get("/messages/41")).headers["set-cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
