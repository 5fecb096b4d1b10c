"""A crowd on the pages: a thousand open gaps, and a person with three hundred stays."""

from datetime import timedelta

from gateway.core.contributions import Json, Target
from gateway.core.facts import ExpectationRow, LedgerLine, Status
from gateway.core.ports import Store, Transaction
from gateway.entry.settings import load
from gateway.fhir import gaps
from gateway.fhir.gaps import GapView
from gateway.fhir.identity import Ids
from gateway.pipeline import written
from gateway.store.memory import MemoryStore
from tests.integration.rest.conftest import Shelf
from tests.support.coordinating import NOW

GAPS, STAYS = 1042, 300
MANY = "p-stays"
_SEVERITIES = ("critical", "major", "major", "minor")
#: Names people have, and names somebody tries.
_NAMES = ("O’NEILL", "<img src=x onerror=alert(1)>", "N’GUYEN", "\u202eABIHA", "X" * 120, "")


async def crowd(gaps_: int = GAPS, stays: int = STAYS) -> Store:
    """Return a store with so many open gaps, and a person with so many stays."""
    store = MemoryStore()
    await store.open()
    shelf, ids = Shelf(store), Ids(load().id_namespace)
    await shelf.put(*(_person(f"c{number:04}", number) for number in range(min(gaps_, 60))))
    rows = [_gap(number) for number in range(gaps_)]
    await store.write(lambda tx: _open(tx, rows, ids))
    await shelf.put(_person(MANY, 0), *(_stay(number) for number in range(stays)))
    return store


def _person(id_: str, number: int) -> Json:
    name = [{"use": "official", "family": _NAMES[number // 4 % len(_NAMES)], "given": ["Ange"]}]
    return {
        "resourceType": "Patient", "id": id_, "name": name, "birthDate": "1950-01-01",
        "gender": "female",
    }  # fmt: skip


def _gap(number: int) -> ExpectationRow:
    deadline = NOW - timedelta(minutes=7 * number + 1)
    holder = f"c{number % 60:04}"
    return ExpectationRow(
        gap_id=f"{number:064x}", x="0" * 64, person_id=holder, patient=Target("Patient", holder),
        rule=("TRX-08", "TRX-01")[number % 2], rule_version=1,
        severity=_SEVERITIES[number % 4], status=Status.OVERDUE,
        trigger=f"ENC.DISCHARGE:990000001#G{number}", anchor=deadline - timedelta(hours=12),
        deadline=deadline, theta=deadline, opened_at=deadline,
        details={"estab": "990000001", "event": "ENC.DISCHARGE", "sector": "mco"},
    )  # fmt: skip


def _open(tx: Transaction, rows: list[ExpectationRow], ids: Ids) -> None:
    for row in rows:
        line = LedgerLine(row.anchor, row.gap_id, 1, row.rule, 1, None, Status.OVERDUE, "trigger")
        tx.watch.save(row.person_id, [row], [line], row.anchor, None)
        task = gaps.gap_task(GapView(row, row.opened_at or NOW), ids, None)
        written.write(tx, Target("DetectedIssue", ids.gap(row.gap_id)), task, None, NOW)


def _stay(number: int) -> Json:
    start = NOW - timedelta(days=4 * number + 3)
    return {
        "resourceType": "Encounter", "id": f"s{number:03}", "status": "finished",
        "class": {"code": ("IMP", "EMER", "HH")[number % 3]},
        "subject": {"reference": f"Patient/{MANY}"},
        "period": {
            "start": start.isoformat(), "end": (start + timedelta(days=2)).isoformat(),
        },
    }  # fmt: skip
