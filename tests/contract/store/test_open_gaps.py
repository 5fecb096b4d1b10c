"""Open gaps are walked through page by page, for what no timer tells."""

from gateway.core.contributions import Target
from gateway.core.facts import Status
from gateway.core.ports import Store
from tests.contract.store.builders import at
from tests.contract.store.watch_builders import expects, turns


async def test_open_gaps_are_walked_through_and_those_who_sleep_on_are_found(store: Store) -> None:
    wakes = {"a-due": at(50), "b-later": at(500), "c-never": None, "d-met": None, "e-never": None}
    for person, wake in wakes.items():
        status = Status.MET_LATE if person == "d-met" else Status.OVERDUE
        row = expects(f"gap-{person}", status, person_id=person, patient=Target("Patient", person))
        line = turns(row.gap_id, status)
        await store.write(
            lambda tx, row=row, line=line, wake=wake: tx.watch.save(
                row.person_id, [row], [line], at(0), wake
            )
        )

    async def page(after: str, limit: int) -> tuple[list[str], str]:
        rows, last = await store.read(lambda tx: tx.watch.open_asleep(after, at(99), limit))
        return [row.gap_id for row in rows], last

    assert await page("", 9) == (["gap-b-later", "gap-c-never", "gap-e-never"], "")
    assert await page("", 2) == (["gap-b-later"], "gap-b-later")
    assert await page("gap-b-later", 2) == (["gap-c-never", "gap-e-never"], "gap-e-never")
    assert await page("gap-e-never", 2) == ([], "")
