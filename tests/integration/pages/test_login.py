"""People log in to the pages with Pro Santé Connect, and out again; a double plays the provider."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import RSAKey
from structlog.testing import capture_logs

from gateway.core.errors import FatalError
from tests.support.office import TABLE, Office, open_office
from tests.support.psc import RPPS, SECRET, professional


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Give a gateway that knows one pilot."""
    async with open_office(tmp_path) as found:
        yield found


async def test_without_a_session_a_page_leads_to_the_login(office: Office) -> None:
    answer = await office.browser.get("/gaps")
    started = await office.browser.get(answer.headers["location"])

    assert (answer.status_code, answer.headers["location"]) == (303, "/login?to=/gaps")
    asked = {k: v[0] for k, v in parse_qs(urlsplit(started.headers["location"]).query).items()}
    assert asked["acr_values"] == "eidas1"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert "HttpOnly" in started.headers["set-cookie"]
    assert SECRET not in started.headers["location"]


async def test_a_professional_of_the_table_is_let_in(office: Office) -> None:
    answer = await office.login("/gaps")
    page = await office.browser.get("/gaps")

    assert (answer.status_code, answer.headers["location"]) == (303, "/gaps")
    assert page.status_code == 200
    assert 'action="/logout"' in page.text
    assert await office.entries("login") == [("login", "0", RPPS)]


async def test_pages_of_a_person_are_noted_with_who_opened_them(office: Office) -> None:
    await office.login()
    await office.browser.get("/patients/nobody")
    await office.browser.get("/gaps/nothing")

    assert all(who in (RPPS, "local") for _, _, who in await office.entries("page"))


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"acr": None}, "acr"),
        ({"acr": "eidas0"}, "acr"),
        ({"nonce": "other"}, "nonce"),
        ({"aud": "other"}, "aud"),
        ({"aud": ["relais", "other"]}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"iss": "https://evil"}, "iss"),
        ({"exp": 1}, "time"),
        ({"exp": "soon"}, "time"),
        ({"sub": "somebody-else"}, "userinfo"),
    ],
)
async def test_an_id_token_that_is_not_right_lets_nobody_in(
    office: Office, claims, why: str
) -> None:
    office.psc.claims = claims

    with capture_logs() as lines:
        answer = await office.login()

    assert answer.status_code == 403
    assert "RLS-SEC-050" in answer.text
    assert [line["reason"] for line in lines if line["event"] == "login_refused"] == [why]
    assert await office.entries("login") == [("login", "4", "")]
    assert (await office.browser.get("/gaps")).status_code == 303


async def test_a_token_of_another_key_lets_nobody_in(office: Office) -> None:
    office.psc.signer = RSAKey.generate_key(2048, {"kid": "psc"}, private=True)

    assert (await office.login()).status_code == 403


@pytest.mark.parametrize(
    "userinfo",
    [
        professional(SubjectNameID="899700000000"),
        professional(SubjectNameID="8997"),
        professional(SubjectRefPro={"exercices": [{"codeProfession": "10"}]}),
        professional(SubjectRefPro=None),
        professional(
            SubjectRefPro={"exercices": [{"activities": [{"numeroFinessSite": "750000001"}]}]}
        ),
    ],
)
async def test_an_identity_is_not_a_right(office: Office, userinfo) -> None:
    office.psc.userinfo = userinfo

    assert (await office.login()).status_code == 403


async def test_an_answer_serves_once_in_its_own_browser_and_soon(office: Office) -> None:
    asked = await office.browser.get("/login")
    sent = await office.browser.get(asked.headers["location"])
    back = sent.headers["location"]
    async with httpx2.AsyncClient(base_url=office.gateway.base_url, timeout=60) as other:
        elsewhere = await other.get(back)
    changed = await office.browser.get(back.replace("state=", "state=x"))
    again = await office.browser.get(back)
    asked = await office.browser.get("/login")
    late = (await office.browser.get(asked.headers["location"])).headers["location"]
    office.clock.advance(seconds=121)

    assert [one.status_code for one in (elsewhere, changed, again)] == [403, 403, 403]
    assert (await office.browser.get(late)).status_code == 403


@pytest.mark.parametrize(
    "to", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:1"]
)
async def test_nobody_is_sent_elsewhere_after_a_login(office: Office, to: str) -> None:
    assert (await office.login(to)).headers["location"] == "/"


async def test_a_session_ends_idle_absolutely_and_with_the_right(office: Office) -> None:
    await office.login()
    office.clock.advance(minutes=14)
    used = (await office.browser.get("/gaps")).status_code
    office.clock.advance(minutes=16)
    idle = (await office.browser.get("/gaps")).status_code
    await office.login()
    for _ in range(18):
        office.clock.advance(minutes=14)
        last = (await office.browser.get("/gaps")).status_code
    await office.login()
    office.people.write_text("", encoding="utf-8")

    assert (used, idle, last) == (200, 303, 303)
    assert (await office.browser.get("/gaps")).status_code == 303


async def test_a_logout_ends_here_first_and_then_at_the_provider(office: Office) -> None:
    await office.login()
    foreign = await office.browser.post("/logout", headers={"Origin": "https://evil.test"})
    still = (await office.browser.get("/gaps")).status_code

    out = await office.browser.post("/logout", headers={"Origin": office.gateway.base_url})

    assert (foreign.status_code, still) == (403, 200)
    assert "/logout?id_token_hint=" in out.headers["refresh"]
    assert (await office.browser.get("/gaps")).status_code == 303
    assert [one[0] for one in await office.entries("login", "logout")] == ["login", "logout"]


async def test_the_provider_ends_sessions_from_behind(office: Office) -> None:
    await office.login()
    event = {"http://schemas.openid.net/event/backchannel-logout": {}}
    forged = await office.browser.post("/login/ended", data={"logout_token": "a.b.c"})
    plain = await office.browser.post("/login/ended", data={"logout_token": office.psc.sign()})
    still = (await office.browser.get("/gaps")).status_code
    ended = await office.browser.post(
        "/login/ended", data={"logout_token": office.psc.sign(events=event)}
    )

    assert [one.status_code for one in (forged, plain, ended)] == [400, 400, 200]
    assert still == 200
    assert (await office.browser.get("/gaps")).status_code == 303


@pytest.mark.field("FL-338")
async def test_messages_as_they_came_are_for_operators(office: Office) -> None:
    await office.login()
    as_pilot = (await office.browser.get("/messages/1")).status_code
    office.people.write_text(TABLE.format(RPPS, "operator") + "\n", encoding="utf-8")

    as_operator = await office.browser.get("/messages/1")

    assert as_pilot == 404
    # There is no message: the page itself says so.
    assert "Relais" in as_operator.text


async def test_a_planted_cookie_is_worth_nothing_after_the_login(office: Office) -> None:
    await office.login()
    first = office.browser.cookies["relais"]
    await office.login()

    async with httpx2.AsyncClient(
        base_url=office.gateway.base_url, cookies={"relais": first}, timeout=60
    ) as other:
        assert (await other.get("/gaps")).status_code == 303


@pytest.mark.parametrize(
    "table", ["[people.12]\nrole='pilot'", "[people.899700218896]\nrole='king'", "not toml ["]
)
async def test_a_wrong_table_stops_the_start(tmp_path: Path, table: str) -> None:
    from gateway.entry.auth.people import People

    file = tmp_path / "people.toml"
    file.write_text(table, encoding="utf-8")

    with pytest.raises(FatalError, match="RLS-CFG-123"):
        People(file)
