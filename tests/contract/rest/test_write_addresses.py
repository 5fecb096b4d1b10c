"""What the address of a write may say: criteria where they belong, and the format of its answer."""

import httpx2
import pytest

from tests.integration.rest.conftest import issues
from tests.support.writing import care_team

PARAMETER = ("RLS-FHR-060", "not-supported", "http.banana")


@pytest.mark.field("FL-227")
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "CareTeam"), ("PUT", "CareTeam/a1"), ("DELETE", "CareTeam/a1")],
)
async def test_what_would_be_without_effect_is_refused(
    writer: httpx2.AsyncClient, method: str, path: str
) -> None:
    sent = {"json": care_team(id="a1")} if method != "DELETE" else {}

    answer = await writer.request(method, f"/fhir/{path}?banana=1", **sent)

    assert (answer.status_code, issues(answer)) == (400, [PARAMETER])
    assert (await writer.get("/fhir/CareTeam")).json()["total"] == 0


async def test_the_criteria_of_a_create_stand_in_its_header(writer: httpx2.AsyncClient) -> None:
    criteria = {"If-None-Exist": "identifier=urn:example:teams|T-1"}

    answer = await writer.post("/fhir/CareTeam?banana=1", json=care_team(), headers=criteria)

    assert (answer.status_code, issues(answer)) == (400, [PARAMETER])


@pytest.mark.parametrize("wish", [{}, {"Prefer": "handling=lenient"}])
async def test_a_format_may_be_said_and_more_where_the_client_wants_it_left_out(
    writer: httpx2.AsyncClient, wish: dict[str, str]
) -> None:
    more = "&banana=1" if wish else ""

    answer = await writer.post(
        f"/fhir/CareTeam?_format=xml&_pretty=true{more}", json=care_team(), headers=wish
    )

    assert answer.status_code == 201
    assert answer.headers["content-type"].startswith("application/fhir+xml")
