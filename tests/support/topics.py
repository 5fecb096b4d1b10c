"""One subscription to each topic, and what each of them was told."""

from dataclasses import replace

from gateway.core.ports import Store
from gateway.fhir.topics import OF_CHANGES, TOPICS
from tests.support.gaps import subscribed_row, subscription

NAMES = [topic.name for topic in OF_CHANGES]


async def follow(store: Store, *filters: str, topic: str = "", id_: str = "", **channel: object):
    """Subscribe to every topic, or to one under an id; they are active."""
    rows = []
    for one in TOPICS.values():
        if topic in ("", one.name):
            made = {
                **subscription("http://localhost:9/n", *filters, **channel),
                "criteria": one.url,
            }
            rows.append(replace(subscribed_row(id_ or one.name, made), topic=one.url))
    await store.write(lambda tx: [tx.subscriptions.put(row) for row in rows])


async def told(store: Store) -> dict[str, list[str]]:
    """Return the foci each subscription was told of, `Type/version`, in order of their numbers."""
    rows = await store.read(lambda tx: tx.subscriptions.all())
    events = await store.read(
        lambda tx: {r.id: tx.subscriptions.events(r.id, 1, 999) for r in rows}
    )
    shown = {}
    for id_, found in events.items():
        assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
        if found:
            shown[id_] = [_short(focus) for _, focus, _ in found]
    return shown


def _short(focus: str) -> str:
    type_, _, rest = focus.partition("/")
    return f"{type_}/{rest.rpartition('/')[2]}"
