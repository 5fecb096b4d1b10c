"""What a store holds of records that were merged, and the questions asked about it."""

from itertools import permutations

from gateway.core.messages import Outcome
from gateway.store.memory import MemoryStore
from tests.support.gateway import holdings, take
from tests.support.merging import DOMAIN, patient_id


async def opened() -> MemoryStore:
    store = MemoryStore()
    await store.open()
    return store


async def kept(*bodies: bytes) -> dict[str, dict]:
    """Return what a store holds after these inputs, all accepted."""
    store = await opened()
    receipts = await take(store, *bodies)
    assert [receipt.issues for receipt in receipts if receipt.outcome is Outcome.REJECTED] == []
    return await holdings(store)


async def same_in_any_order(*bodies: bytes) -> dict[str, dict]:
    """Return what a store holds after these inputs in each of their orders."""
    expected = await kept(*bodies)
    for order in list(permutations(bodies))[1:]:
        assert await kept(*order) == expected
    return expected


def links(patient: dict) -> list[tuple[str, str]]:
    return [(link["type"], link["other"]["reference"]) for link in patient.get("link", ())]


def numbers(patient: dict) -> list[tuple[str, str]]:
    """Return use and value of the local numbers."""
    return [(i["use"], i["value"]) for i in patient["identifier"] if i["system"] == DOMAIN]


def record(found: dict[str, dict], number: str) -> dict:
    return found[f"Patient/{patient_id(number)}"]


def subjects(found: dict[str, dict]) -> set[str]:
    """Return whom stays and dossiers are about."""
    about = [r["subject"] for n, r in found.items() if n.startswith(("Encounter/", "Account/"))]
    return {
        one["reference"] for item in about for one in (item if isinstance(item, list) else [item])
    }
