"""Acts on gaps, mutes and digests: kept once, in order, and taken back with their transaction."""

import asyncio

import pytest

from gateway.core.ports import Store, Transaction
from gateway.core.work import Act, Did, DigestItem, Mute, Reason, Scope, subject
from tests.contract.store.builders import at

GAP = subject(Scope.GAP, "g1")


def act(did: Did = Did.RUNG, number: int = 1, seconds: float = 0, **details: str) -> Act:
    return Act("g1", 1, did, number, at(seconds), details)


def mute(id_: str = "m1", about: str = GAP, seconds: float = 0) -> Mute:
    return Mute(
        id_, Scope.GAP, about, Reason.FALSE_ALARM, "anne", at(seconds), at(seconds + 60),
        "Vérifié par téléphone à l’instant.",
    )  # fmt: skip


def item(owner: str = "IDEC@990000001", news: str = "new", seconds: float = 0) -> DigestItem:
    return DigestItem(owner, "g1", 1, news, at(seconds))


async def acts(store: Store) -> list[Act]:
    return (await store.read(lambda tx: tx.work.acts(["g1", "other"]))).get("g1", [])


async def test_acts_are_read_oldest_first_and_the_first_word_stays(store: Store) -> None:
    later, sooner = act(number=2, seconds=9, role="CADRE"), act(Did.DEFERRED, 7, 5, until="é")
    await store.write(lambda tx: tx.work.add([later, sooner]))
    await store.write(lambda tx: tx.work.add([act(number=2, seconds=1, role="DAC")]))

    assert await acts(store) == [sooner, later]


async def test_episodes_and_kinds_are_numbered_apart(store: Store) -> None:
    same = [act(), act(Did.WOKEN), Act("g1", 2, Did.RUNG, 1, at(0))]
    await store.write(lambda tx: tx.work.add(same))

    assert len(await acts(store)) == 3


async def test_a_failed_transaction_keeps_nothing(store: Store) -> None:
    def work(tx: Transaction) -> None:
        tx.work.add([act()])
        tx.work.mute(mute())
        tx.work.tell_later([item()])
        tx.work.told("IDEC@990000001", at(0), [item()])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await store.write(work)

    assert await acts(store) == []
    assert await store.read(lambda tx: tx.work.mutes()) == []
    assert await store.read(lambda tx: tx.work.untold(at(99))) == []
    assert await store.write(lambda tx: tx.work.told("IDEC@990000001", at(0), []))


async def test_a_mute_is_kept_as_it_was_said_and_found_by_its_subject(store: Store) -> None:
    other = mute("m2", subject(Scope.PATIENT_RULE, "p1", "TRX-01"), 5)
    for one in (mute(), other, mute(seconds=30)):
        await store.write(lambda tx, one=one: tx.work.mute(one))

    assert await store.read(lambda tx: tx.work.muted([GAP, "none"])) == [mute()]
    assert await store.read(lambda tx: tx.work.mutes()) == [other, mute()]


async def test_a_mute_is_lifted_once_and_stays_on_file(store: Store) -> None:
    await store.write(lambda tx: tx.work.mute(mute()))
    await store.write(lambda tx: tx.work.lift("m1", "bruno", at(20)))
    await store.write(lambda tx: tx.work.lift("m1", "carla", at(30)))
    await store.write(lambda tx: tx.work.lift("unknown", "carla", at(30)))

    [found] = await store.read(lambda tx: tx.work.muted([GAP]))

    assert (found.lifted_at, found.lifted_by, found.end) == (at(20), "bruno", at(20))
    assert found.holds(at(19))
    assert not found.holds(at(20))


async def test_what_a_digest_told_is_not_told_again(store: Store) -> None:
    mine, later = item(), item(news="escalated", seconds=20)
    others = item("CADRE@990000001", seconds=3)
    await store.write(lambda tx: tx.work.tell_later([later, mine, others, item(seconds=9)]))

    assert await store.read(lambda tx: tx.work.untold(at(10))) == [others, mine]
    assert await store.write(lambda tx: tx.work.told(mine.owner, at(10), [mine]))
    assert await store.read(lambda tx: tx.work.untold(at(99))) == [others, later]


async def test_a_slot_of_an_owner_is_told_once(store: Store) -> None:
    await store.write(lambda tx: tx.work.tell_later([item(), item(news="escalated")]))

    def tell(tx: Transaction) -> bool:
        return tx.work.told(item().owner, at(10), [item()])

    both = await asyncio.gather(store.write(tell), store.write(tell))

    assert sorted(both) == [False, True]
    left = await store.read(lambda tx: tx.work.untold(at(99)))
    assert left == [item(news="escalated")]
    assert await store.write(lambda tx: tx.work.told(item().owner, at(11), left))
