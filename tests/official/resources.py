"""What is judged: of everything that leaves us, what shows anything new."""

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import orjson

from gateway.simulation.region import Region
from tests.conftest import ROOT
from tests.support.demonstration import demonstration
from tests.support.made import SOURCES

#: Values that decide over validity, whatever they are.
_TELLING = frozenset(
    (
        *("code", "system", "url", "use", "status", "display", "profile", "type"),
        *("resourceType", "contentType", "language"),
    )
)
_CODE = re.compile(r"[a-z]+(-[a-z]+)*")
_WORD = re.compile(r"\w+")


@cache
def of_demonstration() -> list[dict]:
    """Return all that a gateway serves after a demonstration, and what it says of itself."""

    async def served() -> list[dict]:
        with tempfile.TemporaryDirectory() as folder:
            async with demonstration(Region("official", 20), Path(folder)) as (gateway, *_):
                counts = await gateway.store.read(lambda tx: tx.resources.counts())
                async with httpx2.AsyncClient(base_url=gateway.local_url, timeout=60) as client:
                    found = [(await client.get("/fhir/metadata")).json()]
                    for type_ in sorted(counts):
                        found += await _all(client, type_)
        return found

    return asyncio.run(served())


async def _all(client: httpx2.AsyncClient, type_: str) -> list[dict]:
    """Return the current resources of a type, and one page of the search that gave them."""
    found: list[dict] = []
    url: str | None = f"/fhir/{type_}"
    while url:
        answer = await client.get(url)
        if answer.status_code != 200:
            # Not every type is served; what it answers leaves us too.
            return [*found, answer.json()]
        bundle = answer.json()
        found += [entry["resource"] for entry in bundle.get("entry", ())]
        url = {link["relation"]: link["url"] for link in bundle["link"]}.get("next")
    return found


def of_definitions() -> list[dict]:
    """Return the definitions we publish."""
    paths = sorted((ROOT / "profiles" / "fhir").glob("*-*.json"))
    return [orjson.loads(path.read_bytes()) for path in paths]


def everything() -> dict[str, list[dict]]:
    """Return what is judged, by where it comes from."""
    made = {name: source() for name, source in SOURCES.items()}
    made |= {"demonstration": of_demonstration(), "definitions": of_definitions()}
    return {name: [_served(one) for one in resources] for name, resources in made.items()}


def _served(resource: dict) -> dict:
    """Return a resource without an empty meta: a store fills it, a fold alone does not."""
    return {name: value for name, value in resource.items() if name != "meta" or value}


def telling(resources: Iterable[dict]) -> list[dict]:
    """Return each resource that shows what no earlier one of its type did; no Binary.

    What is shown is an element, once or more often, with the form of its value.
    """
    seen: set[object] = set()
    found = []
    for resource in resources:
        kind = resource["resourceType"]
        shown = {(kind, *leaf) for leaf in _forms(resource)}
        if kind != "Binary" and not shown <= seen:
            seen |= shown
            found.append(resource)
    return found


def _forms(resource: dict) -> set[tuple[str, str, int]]:
    counts = Counter((path, _form(path, value)) for path, value in _leaves(resource, ""))
    return {(*leaf, min(count, 2)) for leaf, count in counts.items()}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _leaves(below, f"{path}.{name}")
    elif isinstance(value, list):
        for below in value:
            yield from _leaves(below, path)
    else:
        yield path, value


def _form(path: str, value: Any) -> str:
    name = path.rpartition(".")[2]
    text = str(value)
    if name in _TELLING or _CODE.fullmatch(text):
        return text
    if name == "reference":
        return text.partition("/")[0]
    return _WORD.sub(_word, text)[:40]


def _word(found: re.Match[str]) -> str:
    text = found[0]
    # Dates and times keep their lengths; names, numbers and digests only that they are there.
    return "9" * min(len(text), 5) if text.isdigit() else "a"
