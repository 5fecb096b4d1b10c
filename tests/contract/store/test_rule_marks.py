"""What rules said when somebody last noted it."""

import pytest

from gateway.core.pathway_ports import RuleMark
from gateway.core.ports import Store
from tests.contract.store.builders import at


async def test_what_rules_said_is_kept_by_rule_and_written_over(store: Store) -> None:
    first = [RuleMark("TST-02", "b", None), RuleMark("TST-01", "a", at(10))]
    await store.write(lambda tx: tx.watch.mark_rules(first))

    await store.write(lambda tx: tx.watch.mark_rules([RuleMark("TST-01", "", at(20))]))

    assert await store.read(lambda tx: tx.watch.rule_marks()) == [
        RuleMark("TST-01", "", at(20)),
        RuleMark("TST-02", "b", None),
    ]


async def test_marks_of_a_transaction_that_broke_are_not_kept(store: Store) -> None:
    def work(tx):
        tx.watch.mark_rules([RuleMark("TST-01", "a", None)])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await store.write(work)

    assert await store.read(lambda tx: tx.watch.rule_marks()) == []
