"""Two versions of a programme of care, whichever comes first."""

from itertools import permutations

import pytest

from gateway.store.memory import MemoryStore
from tests.golden.test_cda import FOLDER
from tests.support.gateway import holdings, take

NAMES = ("pps_programme_with_done_and_planned_lines", "pps_version_2_drops_and_completes_lines")
VERSIONS = [(FOLDER / name / "input.xml").read_bytes() for name in NAMES]
#: Content of a line and what has become of it.
EXPECTED = {
    "C15632": "completed",
    "C15445": "active",
    "C20427": "revoked",
    "MED-555": "revoked",
    "GEN-092.04.11": "revoked",
    "11429006": "active",
    "ORG-036": "active",
    "ORG-037": "revoked",
    "MED-562": "revoked",
    "PAT-024": "revoked",
}


async def held(*bodies: bytes) -> dict[str, dict]:
    store = MemoryStore()
    await store.open()
    await take(store, *bodies)
    return await holdings(store)


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=["in order", "new before old"])
async def test_each_line_is_as_the_second_version_says(order: tuple[int, ...]) -> None:
    found = await held(*(VERSIONS[number] for number in order))

    requests = [one for name, one in found.items() if name.startswith("ServiceRequest/")]
    assert {one["code"]["coding"][0]["code"]: one["status"] for one in requests} == EXPECTED
    plans = [one for name, one in found.items() if name.startswith("CarePlan/")]
    assert sorted(one["status"] for one in plans) == ["active", "active", "revoked", "revoked"]


async def test_unchanged_lines_keep_their_id_and_the_store_does_not_know_the_order() -> None:
    first = await held(VERSIONS[0])
    both = await held(*VERSIONS)

    assert both == await held(*reversed(VERSIONS)) == await held(*VERSIONS, *VERSIONS)
    kept = {name for name in first if name.startswith("ServiceRequest/")}
    assert kept <= both.keys()


async def test_the_replaced_version_is_superseded() -> None:
    found = await held(*reversed(VERSIONS))

    statuses = {
        one["masterIdentifier"]["value"]: one["status"]
        for name, one in found.items()
        if name.startswith("DocumentReference/")
    }
    assert statuses == {"PPS-0001-V1": "superseded", "PPS-0001-V2": "current"}
