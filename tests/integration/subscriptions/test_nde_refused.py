"""Declarations (NdE flux 3) that are not taken: why, where, and that nothing is kept of them."""

import httpx2
import pytest

from gateway.entry.api.app import AppSettings, create_app
from gateway.entry.api.declarations import DeclarationSettings, declarations_router
from gateway.fhir.nde import EVENTS
from gateway.fhir.nde_declared import JDV_J46, PROFILE
from tests.integration.rest.conftest import issues
from tests.integration.subscriptions.conftest import ROOT as BASE
from tests.support.declared import (
    FINESS,
    HERE,
    HOSPITAL,
    INS,
    LEFT,
    TYPES,
    declared,
    places,
    with_contained,
)
from tests.support.gaps import IDS


@pytest.mark.parametrize(
    ("changes", "status", "code", "where"),
    [
        ({"subject": None}, 422, "RLS-FHR-275", "CommunicationRequest.subject"),
        ({"subject": {"reference": "#org1"}}, 422, "RLS-FHR-275", "CommunicationRequest.subject"),
        ({"contained": None}, 422, "RLS-FHR-275", "CommunicationRequest.subject"),
        ({"requester": None}, 422, "RLS-FHR-275", "CommunicationRequest.requester"),
        ({"payload": None}, 422, "RLS-FHR-275", "CommunicationRequest.payload"),
        (
            {"payload": [{"contentString": "a"}, {"contentString": "b"}]},
            422, "RLS-FHR-275", "CommunicationRequest.payload",
        ),
        (
            {"about": [{"reference": "Encounter/1"}]},
            422, "RLS-FHR-275", "CommunicationRequest.about",
        ),
        ({"status": "draft"}, 422, "RLS-FHR-275", "CommunicationRequest.status"),
        ({"status": "gone"}, 422, "RLS-FHR-006", "CommunicationRequest.status"),
        (
            {"contained": with_contained(0, identifier=[{"value": "1"}])},
            422, "RLS-FHR-275", "CommunicationRequest.subject",
        ),
        (
            {"contained": with_contained(0, identifier=[{**INS, "value": "180049999900166"}])},
            422, "RLS-FHR-279", "CommunicationRequest.subject",
        ),
        (
            {"contained": with_contained(0, birthDate="1981-04-12")},
            422, "RLS-FHR-280", "CommunicationRequest.subject, Patient.birthDate",
        ),
        (
            {"contained": with_contained(1, identifier=[{"system": FINESS, "value": "990000099"}])},
            403, "RLS-FHR-278", "CommunicationRequest.requester",
        ),
        (
            {"contained": with_contained(1, identifier=[])},
            422, "RLS-FHR-008", "CommunicationRequest.contained[1].identifier",
        ),
        (
            {"contained": with_contained(1, identifier=[{"value": "1"}])},
            403, "RLS-FHR-278", "CommunicationRequest.requester",
        ),
        (
            {"contained": with_contained(1, identifier=[{"system": FINESS, "value": HOSPITAL}])},
            422, "RLS-FHR-281", "CommunicationRequest.requester",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_be_taken_is_answered_with_its_place(
    clinic, changes, status, code, where
):
    answer = await clinic.declare(**changes)

    assert (answer.status_code, (code, where) in places(answer)) == (status, True), answer.text
    assert await clinic.inputs() == []
    assert await clinic.stays() == []


@pytest.mark.parametrize("code", sorted(JDV_J46 - EVENTS.keys()))
async def test_a_type_of_the_list_that_nobody_follows_is_said_so(clinic, code):
    answer = await clinic.declare(code)

    assert [one[0] for one in issues(answer)] == ["RLS-FHR-277"]


@pytest.mark.parametrize(
    ("code", "system"), [("XYZ", TYPES), ("ADM", "https://elsewhere.example"), ("", TYPES)]
)
async def test_a_type_that_is_none_is_refused(clinic, code, system):
    extension = [{**one} for one in declared()["extension"]]
    coding = {"system": system, **({"code": code} if code else {"display": "Admission"})}
    extension[0] = {**extension[0], "valueCodeableConcept": {"coding": [coding]}}
    answer = await clinic.declare(extension=extension)

    assert [one[0] for one in issues(answer)] == ["RLS-FHR-276"]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-03-02T10:30:00+01:00", "RLS-FHR-284"),
        ("2026-03-02T08:30:00", "RLS-FHR-005"),
        ("2026-02", "RLS-FHR-275"),
    ],
)
async def test_when_it_happened_is_a_day_or_an_instant_of_the_past(clinic, at, code):
    answer = await clinic.declare("ADM", at)

    assert code in [one[0] for one in issues(answer)]


async def test_a_day_is_enough(clinic):
    await clinic.declare("ADM", "2026-02-27")
    await clinic.declare("SOR", "2026-03-01")

    [stay] = await clinic.stays()
    facts = await clinic.facts()
    assert stay["period"] == {"start": "2026-02-27", "end": "2026-03-01"}
    assert facts["ENC.DISCHARGE"].when.low.isoformat() == "2026-02-28T23:00:00+00:00"


async def test_the_example_of_the_guide_has_no_number_to_be_known_by(clinic):
    held = with_contained(0)
    del held[0]["identifier"]
    answer = await clinic.declare("SOR", LEFT, contained=held)

    assert places(answer) == [("RLS-FHR-275", "CommunicationRequest.subject")]


async def test_a_client_that_is_no_declarant_is_told_so(region):
    app = create_app(
        region.store,
        AppSettings(BASE, "9.9.9", "2026-11-21"),
        routers=[declarations_router(region.store, region.clock, DeclarationSettings(IDS))],
    )
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as client:
        answer = await client.post(HERE, json=declared())
        served = (await client.get("/fhir/metadata")).json()["rest"][0]["resource"]

    [here] = [one for one in served if one["type"] == "CommunicationRequest"]
    assert (answer.status_code, issues(answer)[0][0]) == (403, "RLS-FHR-278")
    assert here["interaction"] == [{"code": "create"}]
    assert here["supportedProfile"] == [PROFILE]
