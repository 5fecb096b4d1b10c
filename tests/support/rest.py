"""The FHIR door as a client sees it: whole searches, and whether references can be followed."""

from collections.abc import Iterable

import httpx2

from gateway.core.contributions import Json
from tests.support.leaves import leaves


async def everything(client: httpx2.AsyncClient, type_: str) -> list[Json]:
    """Return every current resource of a type, page after page."""
    found: list[Json] = []
    url: str | None = f"/fhir/{type_}"
    while url:
        bundle = (await client.get(url)).json()
        found += [entry["resource"] for entry in bundle.get("entry", ())]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        url = links.get("next")
    return found


async def unreadable(client: httpx2.AsyncClient, resources: Iterable[Json]) -> dict[str, int]:
    """Follow every reference of some resources; return the status of those not answered 200."""
    named = {
        value
        for resource in resources
        for path, value in leaves(resource)
        if path.endswith("reference")
    }
    answers = {one: (await client.get(f"/fhir/{one}")).status_code for one in sorted(named)}
    return {one: status for one, status in answers.items() if status != 200}
