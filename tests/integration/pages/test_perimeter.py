"""People at the pages see whom they may: by organisation, role and territory, as platforms do."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from gateway.core.contributions import Target
from gateway.core.facts import Status, feed_subject
from gateway.core.ports import Store
from gateway.core.worklist import Shelf as Listed
from gateway.core.worklist import WorkRow
from tests.contract.store.watch_builders import expects, turns
from tests.integration.rest.conftest import Shelf
from tests.support.office import Office, open_office
from tests.support.pipeline import START
from tests.support.psc import RPPS, professional
from tests.support.sharing import (
    CLINIC,
    DAC_FINESS,
    HOSPITAL,
    consent,
    organisation,
    person,
    stay,
    team,
)

#: Anna and Carl were at the hospital, Bruno at the clinic.
ANNA, BRUNO, CARL = "anna01", "bruno02", "carl03"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Give a gateway with two places, three persons, a gap each, and a silent feed."""
    async with open_office(tmp_path) as found:
        await Shelf(found.gateway.store).put(
            organisation("hospital", HOSPITAL),
            organisation("clinic", CLINIC),
            *(person(one) for one in (ANNA, BRUNO, CARL)),
            stay("a", ANNA),
            stay("b", BRUNO, "clinic"),
            stay("c", CARL),
            team("t", CARL),
        )
        await gaps_of(found.gateway.store, ANNA, BRUNO, CARL, feed_subject("990000001:ADT"))
        yield found


async def gaps_of(store: Store, *holders: str) -> None:
    """Leave a gap with each."""

    def given(tx) -> None:
        for one in holders:
            gap = f"gap-{one.replace(':', '-')}"
            row = expects(
                gap, Status.OVERDUE, person_id=one, patient=Target("Patient", one),
                anchor=START - timedelta(days=2), deadline=START - timedelta(days=1),
                opened_at=START - timedelta(days=1),
            )  # fmt: skip
            line = turns(gap, Status.OVERDUE)
            tx.watch.save(one, [row], [line], START, None)
            work = WorkRow(
                gap, Listed.OPEN, row.severity, row.deadline, row.rule, HOSPITAL, "", "open", one,
                START, 1,
            )  # fmt: skip
            tx.worklist.put([work])

    await store.write(given)


async def works(office: Office, text: str, finess: str = HOSPITAL) -> None:
    """Say what the professional is here and where they work, and log them in."""
    office.people.write_text(f"[people.{RPPS}]\n{text}\n", encoding="utf-8")
    activity = {"numeroFinessSite": finess}
    reference = {"exercices": [{"activities": [activity]}]}
    office.psc.userinfo = professional(SubjectRefPro=reference)
    assert (await office.login()).status_code == 303


async def listed(office: Office) -> set[str]:
    """Return the persons of the worklist."""
    page = await office.browser.get("/gaps")
    assert page.status_code == 200, page.text
    return {one for one in (ANNA, BRUNO, CARL) if f"ESSAI{one.upper()}" in page.text}


async def test_who_coordinates_at_a_hospital_sees_its_patients(office: Office) -> None:
    await works(office, 'role = "coordinator"')

    assert await listed(office) == {ANNA, CARL}
    for one, status in ((ANNA, 200), (BRUNO, 404), (CARL, 200)):
        assert (await office.browser.get(f"/patients/{one}")).status_code == status
        assert (await office.browser.get(f"/gaps/gap-{one}")).status_code == status


async def test_counts_are_of_what_is_shown(office: Office) -> None:
    await works(office, 'role = "coordinator"')
    badges = (await office.browser.get("/badges")).text
    first = (await office.browser.get("/")).text

    # Two persons and the feed, which is of nobody.
    assert "<em>3</em>" in badges
    assert "ESSAIBRUNO02" not in first


async def test_who_works_elsewhere_needs_a_team_or_a_consent(office: Office) -> None:
    await works(office, f'role = "coordinator"\nterritory = ["{HOSPITAL}"]', DAC_FINESS)
    before = await listed(office)
    await Shelf(office.gateway.store).put(consent("y", ANNA))
    after = await listed(office)
    await Shelf(office.gateway.store).put(consent("n", CARL, "deny", None))

    assert (before, after) == ({CARL}, {ANNA, CARL})
    assert await listed(office) == {ANNA}


async def test_a_pilot_of_the_hospital_sees_no_patient_by_working_there(office: Office) -> None:
    await works(office, 'role = "pilot"')

    assert await listed(office) == set()
    assert (await office.browser.get(f"/patients/{ANNA}")).status_code == 404


async def test_somebody_without_a_perimeter_sees_everybody(office: Office) -> None:
    await works(office, 'role = "auditor"\neverybody = true')

    assert await listed(office) == {ANNA, BRUNO, CARL}


async def test_whoever_is_out_of_the_table_territory_is_out_at_the_next_request(
    office: Office,
) -> None:
    await works(office, f'role = "coordinator"\nfiness = ["{HOSPITAL}", "{CLINIC}"]')
    before = await listed(office)
    office.people.write_text(
        f'[people.{RPPS}]\nrole = "coordinator"\nfiness = ["{CLINIC}"]\n', encoding="utf-8"
    )

    assert before == {ANNA, CARL}
    assert (await office.browser.get("/gaps")).status_code == 303


async def test_messages_and_deliveries_are_not_even_in_the_navigation(office: Office) -> None:
    await works(office, 'role = "coordinator"')
    page = (await office.browser.get("/gaps")).text

    assert 'href="/messages"' not in page
    assert (await office.browser.get("/messages")).status_code == 404
    assert (await office.browser.get("/deliveries")).status_code == 404


async def test_an_integrator_reads_messages_and_sees_no_person(office: Office) -> None:
    await works(office, f'role = "integrator"\nterritory = ["{HOSPITAL}"]\neverybody = true')

    assert (await office.browser.get("/messages")).status_code == 200
    assert (await office.browser.get("/gaps")).status_code == 404
    assert "ESSAI" not in (await office.browser.get("/")).text.replace("ESSAIS", "")


async def test_the_live_stream_names_no_gap_of_somebody_hidden(office: Office) -> None:
    await works(office, 'role = "coordinator"')
    hub = office.gateway._hub
    assert hub is not None

    async with office.browser.stream("GET", "/live") as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        hub.tell(frozenset({f"gap:gap-{BRUNO}", f"gap:gap-{ANNA}", "list"}))
        told = await first_data(lines)

    assert told == f'{{"zones":["gap:gap-{ANNA}","list"]}}'


async def test_the_live_stream_ends_with_the_right_to_it(office: Office) -> None:
    await works(office, 'role = "coordinator"')
    hub = office.gateway._hub
    assert hub is not None

    async with office.browser.stream("GET", "/live") as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        office.people.write_text("", encoding="utf-8")
        hub.tell(frozenset({"list"}))
        told = await first_data(lines)

    assert told == '{"why":"session"}'


async def first_data(lines) -> str:
    """Return what the next event of a stream says."""
    async for line in lines:
        if line.startswith("data: "):
            return str(line.removeprefix("data: "))
    raise AssertionError


async def test_pages_are_noted_with_role_and_organisation(office: Office) -> None:
    await works(office, 'role = "coordinator"')
    await office.browser.get(f"/patients/{ANNA}")
    entries = await office.traces("page")

    assert [(one.patient, one.details["role"], one.details["finess"]) for one in entries] == [
        (ANNA, "coordinator", HOSPITAL)
    ]
    assert isinstance(office.browser, httpx2.AsyncClient)
