"""Who saw what: every access leaves an entry, and a person's trail is one search."""

import base64
from collections.abc import AsyncIterator

import httpx2
import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from gateway.connectors.jwks import JwksFetcher
from gateway.core.audit import Wanted
from gateway.core.contributions import Json
from gateway.core.egress import EgressPolicy
from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.subscriptions import SubscriptionSettings, subscriptions_router
from gateway.entry.auth.keys import ClientKeys
from gateway.entry.auth.tokens import Tokens
from gateway.entry.auth.wall import client_of
from gateway.fhir.subscriptions import SubscriptionRules
from gateway.pipeline.audited import AuditedStore
from gateway.pipeline.journal import Journal, verify
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import BASE, Shelf
from tests.support.gaps import LOOPBACK, subscription
from tests.support.sharing import HOSPITAL, Platform, consent, dac, organisation, person, stay

TOKEN = f"{BASE}/auth/token"
DAC = dac(scopes="system/*.cruds system/AuditEvent.rs")


class Office(Platform):
    """A platform, and the journal of the gateway."""

    journal: Journal

    async def trail(self, query: str = "") -> list[Json]:
        """Return the AuditEvents of a search, without those of such searches."""
        await self.journal.flush()
        answer = await self.get(f"AuditEvent?{query}")
        assert answer.status_code == 200, answer.text
        found = [entry["resource"] for entry in answer.json().get("entry", ())]
        return [one for one in found if one["type"]["code"] != "110101"]


@pytest.fixture
async def office(store: Store, shelf: Shelf, clock: Hand) -> AsyncIterator[Office]:
    """Give a registered client that may read the journal, and three persons."""
    journal, audited = Journal(store), AuditedStore(store)
    tokens = Tokens(store, clock, ClientKeys(JwksFetcher(EgressPolicy()), clock), TOKEN)
    settings = SubscriptionSettings(f"{BASE}/fhir", SubscriptionRules(LOOPBACK), client_of)
    app = create_app(
        audited,
        AppSettings(BASE, "9.9.9", "2026-11-21", clock=clock),
        routers=[subscriptions_router(audited, clock, settings)],
        tokens=tokens,
        journal=journal,
    )
    await shelf.put(
        organisation("hospital", HOSPITAL),
        *(person(id_) for id_ in ("p1", "p2", "p3")),
        *(stay(f"e{id_[1]}", id_) for id_ in ("p1", "p2", "p3")),
        consent("c1", "p1"),
        consent("c3", "p3"),
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
        found = Office(http, store, TOKEN)
        found.journal = journal
        await found.enter(dac(territory=None, scopes=DAC.scopes), clock.now())
        yield found
    await journal.close()


def of(events: list[Json], code: str) -> list[Json]:
    return [one for one in events if one["subtype"][0]["code"] == code]


def patients(event: Json) -> list[str]:
    return [e["what"]["reference"] for e in event["entity"] if e.get("role", {}).get("code") == "1"]


async def test_a_read_leaves_an_entry_about_the_person(office: Office) -> None:
    await office.get("Encounter/e1")

    (event,) = await office.trail("patient=p1")

    assert event["meta"]["profile"][0].endswith("IHE.BasicAudit.PatientRead")
    assert (event["action"], event["outcome"]) == ("R", "0")
    assert patients(event) == ["Patient/p1"]
    assert event["entity"][-1]["what"] == {"reference": "Encounter/e1"}
    client, server = event["agent"]
    assert client["who"]["identifier"]["value"] == "dac"
    assert (client["type"]["coding"][0]["code"], server["type"]["coding"][0]["code"]) == (
        "110152",
        "110153",
    )
    AuditEvent.model_validate(event)


async def test_a_search_leaves_an_entry_for_each_person_with_what_was_asked(
    office: Office,
) -> None:
    await office.get("Patient?name=essai&_count=2&_sort=_id")

    events = of(await office.trail(), "search-type")

    assert sorted(patients(one)[0] for one in events) == ["Patient/p1", "Patient/p2"]
    query = next(one["query"] for one in events[0]["entity"] if "query" in one)
    assert base64.b64decode(query) == b"Patient?name=essai&_count=2&_sort=_id"
    assert events[0]["meta"]["profile"][0].endswith("PatientQuery")
    for one in events:
        AuditEvent.model_validate(one)


async def test_a_search_by_form_is_noted_as_it_was_asked(office: Office) -> None:
    headers = {
        "Authorization": f"Bearer {office.token}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    await office.http.post("/fhir/Patient/_search", content="_id=p2", headers=headers)

    (event,) = of(await office.trail("patient=Patient/p2"), "search-type")

    query = next(one["query"] for one in event["entity"] if "query" in one)
    assert base64.b64decode(query) == b"Patient/_search?&_id=p2"


async def test_a_search_that_finds_nobody_leaves_one_entry(office: Office) -> None:
    await office.get("Patient?_id=none")
    await office.get("Patient?_summary=count")

    events = of(await office.trail(), "search-type")

    assert [patients(one) for one in events] == [[], []]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("Patient/p1/_history", "history-instance"),
        ("Patient/p1/_history/1", "vread"),
        ("Patient/p1/$everything", "operation"),
        ("Encounter/_history", "history-type"),
        ("_history", "history-system"),
    ],
)
async def test_every_way_to_read_is_noted(office: Office, path: str, code: str) -> None:
    assert (await office.get(path)).status_code == 200

    events = of(await office.trail("patient=p1"), code)

    assert len(events) == 1
    AuditEvent.model_validate(events[0])


async def test_a_refusal_is_noted_and_tells_of_nobody(office: Office, clock: Hand) -> None:
    await office.enter(DAC, clock.now())
    assert (await office.get("Patient/p2")).status_code == 404
    await office.http.get("/fhir/Patient/p2")
    await office.enter(dac(territory=None, scopes=DAC.scopes), clock.now())

    refused = await office.trail("outcome=4")

    assert [one["outcomeDesc"] for one in refused] == ["HTTP 401", "HTTP 404"]
    assert [patients(one) for one in refused] == [[], []]
    assert all("profile" not in one["meta"] for one in refused)
    assert refused[0]["agent"][0]["who"]["identifier"]["value"] == "unknown"
    for one in refused:
        AuditEvent.model_validate(one)


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("Patient/p2/$relais-break-glass", {}),
        ("Patient/p2", {"X-Relais-Break-Glass": "Patient inconscient aux urgences"}),
    ],
)
async def test_break_glass_is_not_for_software_and_stands_out(
    office: Office, clock: Hand, path: str, header: dict[str, str]
) -> None:
    await office.enter(DAC, clock.now())
    headers = {"Authorization": f"Bearer {office.token}", **header}
    answer = await office.http.get(f"/fhir/{path}", headers=headers)
    await office.enter(dac(territory=None, scopes=DAC.scopes), clock.now())
    [event] = await office.trail("subtype=AuthZ-Consent")

    assert answer.status_code == 403
    assert "RLS-SEC-052" in answer.text
    assert event["outcome"] == "4"
    assert event["agent"][0]["who"]["identifier"]["value"] == "dac"
    AuditEvent.model_validate(event)


async def test_what_is_hidden_was_not_looked_at(office: Office, clock: Hand) -> None:
    await office.enter(DAC, clock.now())
    await office.get("Patient")
    await office.get("Patient/p2")
    await office.enter(dac(territory=None, scopes=DAC.scopes), clock.now())

    assert await office.trail("patient=p2") == []
    assert len(await office.trail("patient=p1,p3")) == 2


async def test_a_write_is_noted_in_its_transaction(office: Office, store: Store) -> None:
    headers = {"Authorization": f"Bearer {office.token}"}
    made = await office.http.post("/fhir/Subscription", json=subscription(), headers=headers)
    assert made.status_code == 201, made.text

    head = await store.read(lambda tx: tx.audit.find(Wanted(), 100))
    kinds = [(one.trace.kind, one.trace.details.get("target")) for one in head]

    assert ("create", f"Subscription/{made.json()['id']}/_history/1") in kinds


async def test_tokens_given_and_refused_are_noted(office: Office) -> None:
    await office.http.post(
        "/auth/token",
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": "a.b.c",
        },
    )

    events = await office.trail("type=110114")

    assert [(one["outcome"], one["outcomeDesc"].split()[0]) for one in events] == [
        ("8", "shape"),
        ("0", "system/*.cruds"),
    ]
    for one in events:
        AuditEvent.model_validate(one)


async def test_the_trail_of_a_person_is_one_search_whatever_the_record(
    office: Office, store: Store, clock: Hand
) -> None:
    await store.write(lambda tx: tx.facts.link({"p1": "p1", "p3": "p1"}, clock.now()))
    await office.get("Patient/p1")
    await office.get("Patient/p3")

    assert len(await office.trail("patient=p3")) == 2


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("agent=dac&type=rest", 2),
        ("agent=other", 0),
        ("subtype=read", 1),
        ("action=E&type=rest", 1),
        ("date=2026-03-09&type=rest", 2),
        ("date=lt2026-03-09", 0),
        ("date=ge2026-03-09T12:00:00Z&type=rest", 2),
        ("type=unknown", 0),
        ("outcome=8", 0),
    ],
)
async def test_the_journal_is_searched(office: Office, query: str, count: int) -> None:
    await office.get("Patient/p1")
    await office.get("Patient?_id=p1")

    assert len(await office.trail(query)) == count


async def test_the_journal_is_counted_unless_that_is_not_wanted(office: Office) -> None:
    counted = (await office.get("AuditEvent?_count=1")).json()
    plain = (await office.get("AuditEvent?_count=1&_total=none")).json()
    wrong = await office.get("AuditEvent?_total=some")

    assert counted["total"] >= 1
    assert "total" not in plain
    assert len(plain["entry"]) == 1
    assert wrong.status_code == 400


async def test_pages_of_the_journal_do_not_drift(office: Office) -> None:
    for _ in range(5):
        await office.get("Patient/p1")
    await office.journal.flush()

    seen: list[str] = []
    url = "AuditEvent?patient=p1&_count=2"
    while url:
        page = (await office.get(url)).json()
        seen += [entry["resource"]["id"] for entry in page.get("entry", ())]
        assert page["total"] == 5
        url = next((one["url"] for one in page["link"] if one["relation"] == "next"), "")

    assert (len(seen), len(set(seen))) == (5, 5)


async def test_one_entry_is_read_and_reading_the_journal_is_noted(office: Office) -> None:
    await office.get("Patient/p1")
    (event,) = await office.trail("patient=p1")

    again = await office.get(f"AuditEvent/{event['id']}")
    await office.journal.flush()
    answer = (await office.get("AuditEvent?type=110101")).json()

    assert again.json() == event
    assert (await office.get("AuditEvent/nothing")).status_code == 404
    assert answer["total"] == 2


@pytest.mark.parametrize(
    ("scopes", "territory", "query", "status", "total"),
    [
        ("system/*.rs", None, "", 403, 0),
        ("system/AuditEvent.rs", (HOSPITAL,), "patient=p1", 200, 1),
        ("system/AuditEvent.rs", (HOSPITAL,), "patient=p2", 200, 0),
        ("system/AuditEvent.rs", (HOSPITAL,), "", 200, 0),
    ],
)
async def test_who_reads_the_journal(
    office: Office, clock: Hand, scopes: str, territory, query: str, status: int, total: int
) -> None:
    for id_ in ("p1", "p2"):
        await office.get(f"Patient/{id_}")
    await office.journal.flush()
    await office.enter(dac(scopes=scopes, territory=territory), clock.now())

    answer = await office.get(f"AuditEvent?{query}")

    assert answer.status_code == status
    assert status != 200 or answer.json()["total"] == total


@pytest.mark.parametrize("query", ["colour=red", "date=soon", "date=ap2026", "_count=x"])
async def test_what_cannot_be_asked_of_the_journal(office: Office, query: str) -> None:
    assert (await office.get(f"AuditEvent?{query}")).status_code == 400


async def test_nobody_writes_into_the_journal(office: Office) -> None:
    headers = {"Authorization": f"Bearer {office.token}"}
    answers = [
        await office.http.post("/fhir/AuditEvent", json={}, headers=headers),
        await office.http.delete("/fhir/AuditEvent/x", headers=headers),
    ]

    assert [one.status_code for one in answers] == [405, 405]


async def test_when_the_journal_takes_no_more_nobody_is_shown_anything(
    office: Office, monkeypatch
) -> None:
    monkeypatch.setattr("gateway.pipeline.journal.MOST", 0)

    answer = await office.get("Patient/p1")

    assert answer.status_code == 503
    assert "ESSAI" not in answer.text
    assert "retry-after" in answer.headers
    monkeypatch.undo()


async def test_the_chain_holds(office: Office, store: Store) -> None:
    for id_ in ("p1", "p2", "p3"):
        await office.get(f"Patient/{id_}")
    await office.journal.flush()

    assert (await verify(store)).fault == ""
