"""What a searchset or a history says, in the words of a test."""

import httpx2


def ids(answer: httpx2.Response, mode: str = "match") -> list[str]:
    """Return the ids of the entries of a mode, in order."""
    assert answer.status_code == 200, answer.text
    entries = answer.json().get("entry", ())
    return [one["resource"]["id"] for one in entries if one["search"]["mode"] == mode]


def link(answer: httpx2.Response, relation: str) -> str:
    """Return a link of a page, empty when it has none."""
    found = {item["relation"]: item["url"] for item in answer.json()["link"]}
    return found.get(relation, "")


async def pages(client: httpx2.AsyncClient, address: str) -> list[list[str]]:
    """Return the ids of the matches of each page, following the links."""
    found: list[list[str]] = []
    while address:
        answer = await client.get(address)
        found.append(ids(answer))
        address = link(answer, "next")
    return found
