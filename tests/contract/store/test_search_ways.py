"""What a search finds does not depend on how: each two conditions, led by one or by none."""

from itertools import combinations_with_replacement

import pytest

from gateway.core.ports import Condition, IndexEntry, Sort, Store
from gateway.store.factory import open_store
from tests.contract.store.builders import made, token

DATED = [IndexEntry("date", low=f"2026-03-0{n}T00", high=f"2026-03-0{n + 1}T00") for n in (1, 2, 3)]
SHELF = [
    made("e1", seconds=1, index=(token("status", "finished"), DATED[0])),
    made("e2", seconds=2, index=(token("status", "finished", "urn:b"), DATED[1])),
    made("e3", seconds=3, index=(token("status", "planned"), DATED[1], DATED[2])),
    made("e4", seconds=4, index=(token("status", "finished"), token("status", "planned"))),
    made("e5", seconds=5, index=(IndexEntry("name", value="été", system="Été"), DATED[0])),
    made("e6", seconds=6, index=(IndexEntry("name", value="zoé", system="Zoé"),)),
    made("e7", seconds=7, index=(IndexEntry("patient", "Patient", "p1"), token("status", "a"))),
    made("e8", seconds=8, index=(IndexEntry("patient", "Patient", "p2"), DATED[2])),
    made("p1", type_="Patient", seconds=9, index=(token("gender", "female"),)),
    made("p2", type_="Patient", seconds=9, index=(token("gender", "male"),)),
]
SPAN = ("2026-03-02T00", "2026-03-03T00")
CONDITIONS = [
    Condition("status", "token", ((None, "finished"),)),
    Condition("status", "token", (("urn:b", None), (None, "planned"))),
    Condition("status", "token", ((None, "finished"),), negated=True),
    Condition("status", "token", missing=True),
    Condition("status", "token", missing=False),
    *(Condition("date", "date", ((prefix, *SPAN),)) for prefix in ("eq", "ne", "gt", "le", "sa")),
    Condition("name", "string", ((None, "é"),)),
    Condition("name", "string", ((None, "o"),), test="contains"),
    Condition("name", "string", ((None, "Zoé"),), test="exact"),
    Condition("patient", "reference", (("Patient", "p1"), ("Patient", "p2"))),
    Condition(
        "patient", "chain", of="Patient", inner=(Condition("gender", "token", ((None, "male"),)),)
    ),
    Condition("_id", "token", ((None, "e2"), (None, "e4"), (None, "e7"))),
    Condition(
        "_lastUpdated",
        "date",
        (("ge", "2026-11-21T12:00:03.000000Z", "2026-11-21T12:00:04.000000Z"),),
    ),
]
SORTS: list[list[Sort]] = [
    [],
    [Sort("_lastUpdated", "date", descending=True)],
    [Sort("date", "date"), Sort("status", "token", descending=True)],
]


async def every_answer(store: Store) -> dict[str, list[list[str]]]:
    """Return the ids on each page of each search, and of each export."""
    found = {}
    for (a, one), (b, two) in combinations_with_replacement(enumerate(CONDITIONS), 2):
        for number, sort in enumerate(SORTS):
            pages, cursor = list[list[str]](), None
            while cursor is not None or not pages:
                page = await store.read(
                    lambda tx, c=(one, two), s=sort, here=cursor: tx.resources.search(
                        "Encounter", c, 2, here, s, most=0
                    )
                )
                pages.append([row.id for row in page.resources])
                cursor = page.next_cursor
            found[f"{a} {b} {number}"] = pages
        counted = await store.read(
            lambda tx, c=(one, two): tx.resources.search("Encounter", c, 0, None)
        )
        found[f"{a} {b} counted"] = [[str(counted.total)]]
        listed = await store.read(
            lambda tx, c=(one, two): tx.resources.listed("Encounter", c, "e1", 9)
        )
        found[f"{a} {b} listed"] = [[id_ for id_, _ in listed]]
    return found


@pytest.mark.parametrize(("few", "sorted_"), [(0, 1000), (1, 1000), (9, 0), (9, 1)])
async def test_every_way_leads_to_the_same(
    durable_url: str, monkeypatch: pytest.MonkeyPatch, few: int, sorted_: int
) -> None:
    monkeypatch.setattr("gateway.store.searching._FEW", few)
    monkeypatch.setattr("gateway.store.searching._SORTED", sorted_)
    monkeypatch.setattr("gateway.store.searching._WINDOW", 2)
    monkeypatch.setattr("gateway.store.searching._LISTED", 2)
    answers = []
    for url in ("memory://", durable_url):
        store = open_store(url, timeout_s=20)
        await store.open()
        await store.write(lambda tx: tx.resources.put(SHELF))
        answers.append(await every_answer(store))
        await store.close()

    assert answers[0] == answers[1]
    assert sum(len(pages) > 1 for pages in answers[0].values()) > 20
