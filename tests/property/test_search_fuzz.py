"""Search strings of every kind: always an answer of FHIR, and the same one from every store."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.ports import Store
from gateway.entry.api.app import AppSettings, create_app
from gateway.fhir.search_table import PARAMETERS, parameters_of
from gateway.store.factory import open_store
from tests.integration.rest.conftest import BASE, Shelf, encounter, later, patient

TYPES = ("Patient", "Encounter", "Task", "Organization")
MODIFIERS = ["missing", "exact", "contains", "not", "text", "of-type", "identifier", "below"]
MODIFIERS += ["above", "in", "iterate", "Patient", "Encounter", ""]
RESULTS = ["_sort", "_count", "_total", "_include", "_include:iterate", "_revinclude", "_elements"]
RESULTS += ["_summary", "_contained", "_cursor", "_format", "_pretty", "_filter", "_since"]
WORDS = ["martin", "p1", "Patient/p1", "finished", "true", "false", "2026-03", "ge2026-03-02"]
WORDS += ["ap5", "5.4|urn:u|d", "urn:v|80", "|80", "urn:v|", "a,b", "\\", "%", "_", "*", "-", ""]
WORDS += ["-date", "status,-_id", "Encounter:subject", "Task:focus", "name,status", "xml", "0", "3"]
WORDS += ["' OR 1=1 --", "é\u0301", "\x00", "\ud7ff", "1e99", "-0001", "9999-12-31", "urn:t|V|80"]


def _codes(type_: str) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(parameters_of(type_)))


@st.composite
def _names(draw: st.DrawFn, type_: str, depth: int = 0) -> str:
    """Draw a parameter: plain, modified, chained or reverse chained, or none at all."""
    form = draw(st.integers(0, 9))
    if form == 0:
        return draw(st.sampled_from(RESULTS) | st.text(max_size=8))
    if form == 1 and depth < 4:
        other = draw(st.sampled_from(sorted(PARAMETERS)))
        inner = draw(_names(other, depth + 1))
        return f"_has:{other}:{draw(_codes(other))}:{inner}"
    if form == 2 and depth < 4:
        other = draw(st.sampled_from(TYPES))
        inner = draw(_names(other, depth + 1))
        return f"{draw(_codes(type_))}{draw(st.sampled_from(['', f':{other}']))}.{inner}"
    modifier = draw(st.sampled_from(MODIFIERS))
    return f"{draw(_codes(type_))}{f':{modifier}' if modifier and form > 5 else ''}"


@st.composite
def searches(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    """Draw a type and the parameters of a search of it."""
    type_ = draw(st.sampled_from(TYPES))
    values = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    return type_, draw(st.lists(st.tuples(_names(type_), values), max_size=3))


class Doors:
    """The same resources behind two doors, in memory and on SQLite."""

    def __init__(self, stores: list[Store]) -> None:
        self._loop = asyncio.new_event_loop()
        self._stores = stores
        apps = [create_app(store, AppSettings(BASE, "9", "2026-11-21")) for store in stores]
        self._clients = [
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE)
            for app in apps
        ]

    def open(self) -> None:
        for store in self._stores:
            self._loop.run_until_complete(store.open())
            self._loop.run_until_complete(_fill(Shelf(store)))

    def close(self) -> None:
        for client, store in zip(self._clients, self._stores, strict=True):
            self._loop.run_until_complete(client.aclose())
            self._loop.run_until_complete(store.close())
        self._loop.close()

    def get(self, path: str, pairs: list[tuple[str, str]]) -> list[httpx2.Response]:
        """Ask both."""
        asked = [client.get(path, params=pairs) for client in self._clients]
        return [self._loop.run_until_complete(one) for one in asked]


async def _fill(shelf: Shelf) -> None:
    visit = [{"type": {"coding": [{"system": "urn:t", "code": "V"}]}, "system": "urn:v"}]
    period = {"start": "2026-03-02", "end": "2026-03-05"}
    focus = {"focus": {"reference": "Encounter/e1"}, "for": {"reference": "Patient/p1"}}
    await shelf.put(
        patient("p1", name=[{"family": "MARTIN", "given": ["Anne"]}], active=True),
        patient("p2", deceasedBoolean=True),
        encounter("e1", identifier=[{**visit[0], "value": "80"}], period=period),
        encounter("e2", status="planned", length={"value": 5.4, "system": "urn:u", "code": "d"}),
        {"resourceType": "Task", "id": "t1", "status": "requested", **focus},
    )
    await shelf.put(encounter("e2", status="finished"), at=later(3))


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    file: Path = tmp_path_factory.mktemp("search") / "relais.db"
    found = Doors([open_store(url, timeout_s=20.0) for url in ("memory://", f"sqlite:///{file}")])
    found.open()
    yield found
    found.close()


@settings(max_examples=400, deadline=None)
@given(asked=searches())
def test_every_search_has_an_answer_and_all_stores_give_the_same(
    doors: Doors, asked: tuple[str, list[tuple[str, str]]]
) -> None:
    type_, pairs = asked

    answers = doors.get(f"/fhir/{type_}", pairs)

    first = answers[0]
    assert first.status_code in (200, 400, 406)
    assert "fhir+xml" in first.headers["content-type"] or first.json()["resourceType"] == (
        "Bundle" if first.status_code == 200 else "OperationOutcome"
    )
    assert [answer.content for answer in answers] == [first.content] * len(answers)


@settings(max_examples=100, deadline=None)
@given(
    path=st.sampled_from(["_history", "Patient/p1/_history", "Encounter/_history", "Patient/p1"])
    | st.sampled_from(["Patient/p1/$everything", "Encounter/e1/$everything", "metadata"]),
    pairs=st.lists(
        st.tuples(
            st.sampled_from([*RESULTS, "_at", "start", "end", "_type", "mode"]),
            st.sampled_from(WORDS),
        ),
        max_size=3,
    ),
)
def test_every_other_reading_has_an_answer_and_all_stores_give_the_same(
    doors: Doors, path: str, pairs: list[tuple[str, str]]
) -> None:
    answers = doors.get(f"/fhir/{path}", pairs)

    first = answers[0]
    assert first.status_code in (200, 400, 406)
    assert "fhir+" in first.headers["content-type"]
    assert [answer.content for answer in answers] == [first.content] * len(answers)
