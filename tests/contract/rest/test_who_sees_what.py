"""A client sees the persons of its territory for whom it has a basis, through every way in."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest

from gateway.connectors.jwks import JwksFetcher
from gateway.core.access import Audience
from gateway.core.egress import EgressPolicy
from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.auth.keys import ClientKeys
from gateway.entry.auth.tokens import Tokens
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import BASE, Shelf
from tests.support.sharing import (
    CLINIC,
    HOSPITAL,
    Platform,
    consent,
    dac,
    document,
    organisation,
    person,
    stay,
    team,
)

TOKEN = f"{BASE}/auth/token"


@pytest.fixture
async def platform(store: Store, clock: Hand) -> AsyncIterator[Platform]:
    """Give a client at the guarded door, which is not registered yet."""
    keys = ClientKeys(JwksFetcher(EgressPolicy()), clock)
    app = create_app(
        store,
        AppSettings(BASE, "9.9.9", "2026-11-21", clock=clock),
        tokens=Tokens(store, clock, keys, TOKEN),
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as http:
        yield Platform(http, store, TOKEN)


@pytest.fixture
async def region(shelf: Shelf, clock: Hand, platform: Platform) -> Platform:
    """Give a region: p1 consented, p2 did not, p3 consented and is elsewhere."""
    await shelf.put(
        organisation("hospital", HOSPITAL),
        organisation("clinic", CLINIC),
        organisation("ward", "", identifier=[], partOf={"reference": "Organization/hospital"}),
        *(person(id_) for id_ in ("p1", "p2", "p3")),
        stay("e1", "p1", "ward"),
        stay("e2", "p2"),
        stay("e3", "p3", "clinic"),
        consent("c1", "p1"),
        consent("c3", "p3"),
        document("d1", "p1", binary="b1"),
        document("d2", "p2", binary="b2"),
        {"resourceType": "Binary", "id": "b1", "contentType": "text/xml", "data": "eA=="},
        {"resourceType": "Binary", "id": "b2", "contentType": "text/xml", "data": "eQ=="},
    )
    await platform.enter(dac(), clock.now())
    return platform


async def test_a_read_of_somebody_else_is_as_that_of_nobody(region: Platform) -> None:
    shown = [(await region.get(p)).status_code for p in ("Patient/p1", "Encounter/e1")]
    hidden = [await region.get(f"Patient/{id_}") for id_ in ("p2", "p3", "nobody")]

    assert shown == [200, 200]
    assert {(one.status_code, one.content) for one in hidden} == {(404, hidden[2].content)}


@pytest.mark.parametrize("suffix", ["_history", "_history/1", "$everything"])
async def test_other_ways_to_read_one_are_as_blind(region: Platform, suffix: str) -> None:
    hidden, unknown = [await region.get(f"Patient/{id_}/{suffix}") for id_ in ("p2", "nobody")]

    assert hidden.status_code == 404
    assert (hidden.status_code, hidden.content) == (unknown.status_code, unknown.content)
    assert (await region.get(f"Patient/p1/{suffix}")).status_code == 200


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("Patient", ["Patient/p1"], id="all"),
        pytest.param("Patient?name=essai", ["Patient/p1"], id="by name"),
        pytest.param("Patient?_id=p2", [], id="by id"),
        pytest.param("Patient?identifier=255068815400232", [], id="by identifier"),
        pytest.param("Encounter?patient.name=essaip2", [], id="a chain"),
        pytest.param("Patient?_has:Encounter:patient:status=in-progress", ["Patient/p1"], id="has"),
        pytest.param("Patient?_has:Encounter:patient:_id=e2", [], id="has of a hidden one"),
        pytest.param(
            "Organization?_has:Encounter:service-provider:_id=e3", [], id="has from an open type"
        ),
        pytest.param(
            "Encounter?_include=Encounter:patient&_revinclude=DocumentReference:encounter",
            ["Encounter/e1", "Patient/p1"],
            id="include",
        ),
        pytest.param(
            "Organization?_id=clinic&_revinclude=Encounter:service-provider",
            ["Organization/clinic"],
            id="reverse include",
        ),
        pytest.param("Patient?_sort=family", ["Patient/p1"], id="sorted"),
        pytest.param("Consent", ["Consent/c1"], id="consents"),
        pytest.param("Binary", [], id="contents are read, not searched"),
    ],
)
async def test_a_search_finds_whom_one_may_be_shown(
    region: Platform, path: str, expected: list[str]
) -> None:
    assert await region.found(path) == expected


async def test_totals_and_pages_do_not_tell_of_the_others(region: Platform) -> None:
    page = (await region.get("Patient?_count=1")).json()

    assert (page["total"], len(page["link"])) == (1, 1)
    assert await region.total("Encounter?_summary=count") == 1
    assert await region.total("Organization?_total=accurate") == 3


async def test_histories_of_a_type_and_of_the_system_show_the_same_persons(
    region: Platform, shelf: Shelf
) -> None:
    await shelf.put(
        stay("e1", "p1", "ward", status="finished"), stay("e2", "p2", status="finished")
    )
    await shelf.delete("Encounter", "e3")

    of_type = await region.get("Encounter/_history")
    of_all = await region.get("_history?_count=200")

    ids = [entry["fullUrl"].rpartition("/fhir/")[2] for entry in of_type.json()["entry"]]
    assert ids == ["Encounter/e1", "Encounter/e1"]
    everything = of_all.text
    assert "p1" in everything
    assert not any(name in everything for name in ("Patient/p2", "Patient/p3", "/e2", "/e3"))


async def test_the_content_of_a_document_goes_with_the_document(region: Platform) -> None:
    assert (await region.get("Binary/b1")).status_code == 200
    assert (await region.get("Binary/b2")).status_code == 404


async def test_a_withdrawal_counts_at_the_next_read(region: Platform, shelf: Shelf) -> None:
    assert (await region.get("Patient/p1")).status_code == 200

    await shelf.put(consent("c1", "p1", status="inactive"))

    assert (await region.get("Patient/p1")).status_code == 404
    assert await region.total("Patient") == 0


async def test_an_opposition_wins_over_a_care_team_and_a_consent(
    region: Platform, shelf: Shelf
) -> None:
    await shelf.put(team("t1", "p1"), consent("no", "p1", "deny", to=None))

    assert (await region.get("Patient/p1")).status_code == 404


async def test_an_opposition_to_feeding_the_national_record_changes_nothing(
    region: Platform, shelf: Shelf
) -> None:
    subject = "https://relais.example/fhir/CodeSystem/consent-subject"
    category = [{"coding": [{"system": subject, "code": "dmp-feeding"}]}]
    await shelf.put(consent("io", "p1", "deny", to=None, category=category))

    assert (await region.get("Patient/p1")).status_code == 200


async def test_a_care_team_is_a_basis_and_ends_with_its_period(
    region: Platform, shelf: Shelf, clock: Hand
) -> None:
    await shelf.put(team("t2", "p2", period={"end": "2026-03-09"}))
    before = (await region.get("Patient/p2")).status_code
    clock.later(12)
    await region.enter(dac(), clock.now())

    assert before == 200
    assert (await region.get("Patient/p2")).status_code == 404
    assert (await region.get("Patient/p1")).status_code == 200


async def test_a_consent_that_begins_tomorrow_is_none_today(
    region: Platform, shelf: Shelf, clock: Hand
) -> None:
    await shelf.put(consent("c2", "p2", period={"start": "2026-03-10"}))
    before = (await region.get("Patient/p2")).status_code
    clock.later(12)
    await region.enter(dac(), clock.now())

    assert before == 404
    assert (await region.get("Patient/p2")).status_code == 200


async def test_a_consent_to_the_handoff_shows_no_document(region: Platform, shelf: Shelf) -> None:
    await shelf.put(consent("c1", "p1", categories=("handoff",)))

    assert (await region.get("Encounter/e1")).status_code == 200
    assert (await region.get("DocumentReference/d1")).status_code == 404
    assert (await region.get("Binary/b1")).status_code == 404
    assert await region.found("DocumentReference") == []


async def test_a_person_and_not_a_record_is_shown(region: Platform, shelf: Shelf) -> None:
    await shelf.put(person("p4"))
    alone = (await region.get("Patient/p4")).status_code

    def link(tx) -> None:
        moved = tx.facts.link({"p1": "p1", "p4": "p1"}, shelf_time)
        tx.access.mark({one for who in moved for one in tx.facts.patients(who)})

    shelf_time = Hand().now() - timedelta(hours=1)
    await region.store.write(link)

    assert alone == 404
    assert (await region.get("Patient/p4")).status_code == 200


async def test_of_two_records_of_one_person_the_stricter_word_counts(
    region: Platform, shelf: Shelf
) -> None:
    await shelf.put(person("p4"), consent("no", "p4", "deny", to=None))

    def link(tx) -> None:
        moved = tx.facts.link({"p1": "p1", "p4": "p1"}, Hand().now())
        tx.access.mark({one for who in moved for one in tx.facts.patients(who)})

    await region.store.write(link)

    assert (await region.get("Patient/p1")).status_code == 404


async def test_a_territory_is_no_basis_and_a_declared_team_is(
    region: Platform, clock: Hand
) -> None:
    before = await region.found("Patient?_sort=_id")
    await region.enter(dac(team_reference="DPO-2026-014"), clock.now())

    assert before == ["Patient/p1"]
    assert await region.found("Patient?_sort=_id") == ["Patient/p1", "Patient/p2"]


async def test_a_client_without_perimeter_sees_everybody_and_one_without_territory_nobody(
    region: Platform, clock: Hand
) -> None:
    await region.enter(dac(territory=None), clock.now())
    everybody = await region.total("Patient")
    await region.enter(dac(territory=(), organisation=""), clock.now())

    assert (everybody, await region.total("Patient")) == (3, 0)


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        (Audience.PROFESSIONAL, ["invisible", "legal", "plain"]),
        (Audience.PATIENT, ["legal", "masked", "plain", "very"]),
        (Audience.REPRESENTATIVE, ["masked", "plain", "very"]),
    ],
)
async def test_masked_documents_are_hidden_from_whom_they_are_masked_to(
    region: Platform, shelf: Shelf, clock: Hand, audience: Audience, expected: list[str]
) -> None:
    await shelf.delete("DocumentReference", "d1")
    await shelf.put(
        document("plain", "p1", "N"),
        document("very", "p1", "V"),
        document("masked", "p1", "N", "MASQUE_PS", binary="b1"),
        document("invisible", "p1", "N", "INVISIBLE_PATIENT"),
        document("legal", "p1", "N", "INVISIBLE_REPRESENTANTS_LEGAUX"),
    )
    await region.enter(dac(audience=audience), clock.now())

    found = await region.found("DocumentReference?_sort=_id")

    assert found == [f"DocumentReference/{one}" for one in expected]
    shown = audience is not Audience.PROFESSIONAL
    assert ((await region.get("Binary/b1")).status_code == 200) is shown
    assert ((await region.get("DocumentReference/masked")).status_code == 200) is shown


async def test_a_document_masked_later_hides_its_earlier_versions_too(
    region: Platform, shelf: Shelf
) -> None:
    before = (await region.get("DocumentReference/d1/_history/1")).status_code
    await shelf.put(document("d1", "p1", "MASQUE_PS"))

    assert before == 200
    assert (await region.get("DocumentReference/d1/_history/1")).status_code == 404
    assert "d1" not in (await region.get("DocumentReference/_history")).text


async def test_a_version_that_was_of_somebody_else_stays_hidden(
    region: Platform, shelf: Shelf
) -> None:
    await shelf.put(document("d2", "p1"))

    assert (await region.get("DocumentReference/d2")).status_code == 200
    assert (await region.get("DocumentReference/d2/_history/1")).status_code == 404
    assert len(await region.found("DocumentReference/d2/_history")) == 1


async def test_a_stay_that_never_was_opens_no_perimeter(region: Platform, shelf: Shelf) -> None:
    await shelf.put(stay("e1", "p1", "ward", status="entered-in-error"))

    assert (await region.get("Patient/p1")).status_code == 404


async def test_of_nobody_known_nothing_is_shown(region: Platform, shelf: Shelf) -> None:
    await shelf.put({"resourceType": "Flag", "id": "f1", "status": "active"})

    assert (await region.get("Flag/f1")).status_code == 404
