"""Pages of operators and of the auditor are there for these only; to others they are not found."""

import pytest

from gateway.core.audit import Wanted
from tests.integration.pages.test_login import office  # noqa: F401 - a fixture
from tests.support.office import TABLE, Office
from tests.support.ops_site import A03, ER7
from tests.support.psc import RPPS

OPS = ["/feeds", "/quarantine", "/deliveries/1"]
AUDIT = ["/audit", "/audit/proof", "/audit/export"]


async def _as(office: Office, role: str) -> None:  # noqa: F811 - the fixture
    office.people.write_text(TABLE.format(RPPS, role), encoding="utf-8")
    await office.login()


@pytest.mark.field("FL-338")
@pytest.mark.parametrize("role", ["pilot", "auditor"])
async def test_only_operators_find_the_pages_of_operators(office: Office, role: str):  # noqa: F811
    await _as(office, role)

    answers = [await office.browser.get(path) for path in OPS]
    forms = [await office.browser.post(f"/messages/1/{act}") for act in ("reveal", "try")]

    assert {answer.status_code for answer in (*answers, *forms)} == {404}


@pytest.mark.parametrize("role", ["pilot", "ops"])
async def test_only_auditors_find_the_journal(office: Office, role: str):  # noqa: F811
    await _as(office, role)

    answers = [await office.browser.get(path) for path in AUDIT]

    assert {answer.status_code for answer in answers} == {404}
    assert not any("Accès à expliquer" in answer.text for answer in answers)


async def test_an_auditor_reads_the_journal_under_their_own_name(office: Office):  # noqa: F811
    await _as(office, "auditor")

    answers = [await office.browser.get(path) for path in AUDIT]
    await office.gateway.journal.flush()
    kinds = ("audit-read", "export")
    found = await office.gateway.store.read(lambda tx: tx.audit.find(Wanted(kinds=kinds), 9))

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {entry.trace.agent for entry in found} == {RPPS}
    assert {entry.trace.details["role"] for entry in found} == {"auditor"}


async def test_an_operator_reveals_under_their_own_name(office: Office):  # noqa: F811
    await office.browser.post("/hl7v2", content=A03.read_bytes(), headers=ER7)
    await _as(office, "ops")
    page = await office.browser.get("/messages/1")
    token = page.text.partition('name="token" value="')[2].partition('"')[0]

    answer = await office.browser.post(
        "/messages/1/reveal",
        data={"token": token, "reason": "Vérification demandée par le CHU"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    [entry] = await office.gateway.store.read(
        lambda tx: tx.audit.find(Wanted(kinds=("reveal",)), 9)
    )

    assert "SAULNIER" not in page.text
    assert "SAULNIER" in answer.text
    assert (entry.trace.agent, entry.trace.details["role"]) == (RPPS, "ops")


async def test_an_integrator_sees_messages_and_nobody_in_them(office: Office):  # noqa: F811
    await office.browser.post("/hl7v2", content=A03.read_bytes(), headers=ER7)
    await _as(office, "integrator")
    page = await office.browser.get("/messages/1")
    token = page.text.partition('name="token" value="')[2].partition('"')[0]

    answer = await office.browser.post(
        "/messages/1/reveal",
        data={"token": token, "reason": "Je voudrais voir qui c’est"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )

    assert page.status_code == 200
    assert "SAULNIER" not in page.text
    assert answer.status_code == 404
