"""Bulk export over every store: a platform gets the persons it may be shown, and no others."""

from collections.abc import AsyncIterator

import pytest

from gateway.core.ports import Store
from tests.contract.rest.conftest import Hand
from tests.integration.rest.conftest import Shelf, later
from tests.support.exporting import TOKEN, Desk, opened
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
)

EVERYTHING = "$export?_type=Binary,DocumentReference,Encounter,Patient"


@pytest.fixture
async def desk(store: Store, shelf: Shelf, clock: Hand) -> AsyncIterator[Desk]:
    """Give a platform that one person consented to; another did not, a third is elsewhere."""
    await shelf.put(
        organisation("hospital", HOSPITAL),
        organisation("clinic", CLINIC),
        *(person(id_) for id_ in ("p1", "p2", "p3")),
        stay("e1", "p1"),
        stay("e2", "p2"),
        stay("e3", "p3", "clinic"),
        consent("c1", "p1"),
        consent("c3", "p3"),
        document("d1", "p1", binary="b1"),
        document("d2", "p2", binary="b2"),
        {"resourceType": "Binary", "id": "b1", "contentType": "text/xml", "data": "eA=="},
        {"resourceType": "Binary", "id": "b2", "contentType": "text/xml", "data": "eQ=="},
    )
    async with opened(store, clock) as found:
        platform = Platform(found.http, store, TOKEN)
        await platform.enter(dac(), clock.now())
        found.headers = {"Authorization": f"Bearer {platform.token}"}
        yield found


async def test_only_persons_it_may_be_shown_go_in(desk: Desk) -> None:
    # The content of a document is read by the address in its DocumentReference.
    mine = ["DocumentReference/d1", "Encounter/e1", "Patient/p1"]

    assert await desk.exported(EVERYTHING) == mine
    asked = "Patient/$export?_type=Encounter&patient=Patient/p2&patient=Patient/p1"
    assert await desk.exported(asked) == ["Encounter/e1"]


async def test_a_consent_that_is_withdrawn_empties_the_files(desk: Desk, shelf: Shelf) -> None:
    manifest = await desk.manifest(EVERYTHING)
    await shelf.put(consent("c1", "p1", status="inactive"))

    answers = [
        await desk.http.get(file["url"], headers=desk.headers) for file in manifest["output"]
    ]

    assert [(one.status_code, one.content) for one in answers] == [(200, b"")] * 3


async def test_deletions_of_others_are_not_told(desk: Desk, shelf: Shelf) -> None:
    since = later(50).isoformat().replace("+00:00", "Z")
    for id_ in ("e1", "e2", "e3"):
        await shelf.delete("Encounter", id_, at=later(60))

    manifest = await desk.manifest(f"$export?_type=Encounter&_since={since}")

    told = [
        entry["request"]["url"]
        for bundle in await desk.lines(manifest, "deleted")
        for entry in bundle["entry"]
    ]
    assert set(told) <= {"Encounter/e1"}
