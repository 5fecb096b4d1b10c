"""Tells subscribers of topics that a resource changed: stays, documents, plans, requests, Tasks.

Called with each version that is written, in the transaction that writes it: what was, what is and
the number of the event are durable together. What changed of gaps is told by `pipeline.publish`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson

from gateway.core.contributions import Json
from gateway.core.deliveries import NewDelivery
from gateway.core.errors import RejectedError
from gateway.core.index_ports import IndexEntry
from gateway.core.ports import StoredResource, Transaction
from gateway.fhir import search
from gateway.fhir.search_table import parameters_of
from gateway.fhir.subscription_filters import Traits
from gateway.fhir.subscriptions import Terms, terms_of
from gateway.fhir.topics import OF_CHANGES, Topic
from gateway.pipeline.numbering import COUNTING, Event, number

#: What is written: the version before, None when there was none, and the version after.
Pair = tuple[StoredResource | None, StoredResource]

_TOPICS = {topic.url: topic for topic in OF_CHANGES}
_TYPES = frozenset(topic.resource for topic in OF_CHANGES)


def tell_changes(tx: Transaction, pairs: Sequence[Pair], now: datetime, by: str = "") -> int:
    """Number what subscribers want to know of written versions; return what is queued.

    Args:
        tx: the transaction that writes them.
        pairs: in the order of their writing.
        now: instant of the commit.
        by: the client whose write it is; empty when it is none's.
    """
    if all(after.type not in _TYPES for _, after in pairs):
        return 0
    live = tx.subscriptions.topics(COUNTING) & _TOPICS.keys()
    if not live:
        return 0
    topics = [_TOPICS[url] for url in sorted(live)]
    wanted = {topic.resource for topic in topics}
    events = [
        event
        for before, after in pairs
        if after.type in wanted
        for event in _events(before, after, topics, now, by)
    ]
    return _tell(tx, events, now) if events else 0


def _events(
    before: StoredResource | None,
    after: StoredResource,
    topics: Iterable[Topic],
    now: datetime,
    by: str,
) -> Iterable[Event]:
    was, is_ = _read(before), _read(after)
    name = f"{after.type}/{after.id}/_history/{after.version}"
    traits: Traits | None = None
    for topic in topics:
        if topic.resource != after.type or topic.test is None or not topic.test(was, is_):
            continue
        traits = traits or traits_of(was, is_)
        yield Event(topic, name, name, now, traits, by)


def traits_of(before: Json | None, after: Json | None) -> Traits:
    """Return what filters compare: the search parameters of the resource by their names.

    Of what is gone they are those it had. Who follows a Patient hears that something leaves it.
    """
    tokens: dict[str, set[tuple[str, str]]] = {}
    references: dict[str, set[str]] = {}
    shown = before if after is None else after
    searched = parameters_of((shown or {}).get("resourceType", ""))
    for entry in _index(shown):
        if searched[entry.param].kind == "reference":
            references.setdefault(entry.param, set()).add(f"{entry.system}/{entry.value}")
        else:
            tokens.setdefault(entry.param, set()).add((entry.system, entry.value))
    for entry in _index(before):
        if entry.param == "patient":
            references.setdefault("patient", set()).add(f"{entry.system}/{entry.value}")
    return Traits(
        tokens={name: frozenset(found) for name, found in tokens.items()},
        references={name: frozenset(found) for name, found in references.items()},
    )


def _index(resource: Json | None) -> Sequence[IndexEntry]:
    return search.index(resource) if resource is not None else ()


def _tell(tx: Transaction, events: Sequence[Event], now: datetime) -> int:
    """Number the events of each subscription, those in the order of their ids.

    One that ended or is broken is passed over here; the deliverer turns it off or shows its error.
    """
    rows = [
        row
        for url in {event.topic.url for event in events}
        for row in tx.subscriptions.of_topic(url, COUNTING)
    ]
    found: list[tuple[str, Sequence[NewDelivery]]] = []
    named: dict[str, frozenset[tuple[str, str]]] = {}
    for row in sorted(rows, key=lambda one: one.id):
        try:
            terms = terms_of(row.body)
        except RejectedError:
            continue
        if terms.end is not None and terms.end <= now:
            continue
        own = [event for event in events if event.topic.url == row.topic]
        found.append((row.id, number(tx, row, terms, _with_names(tx, own, terms, named), now)))
    items = [item for _, queued in found for item in queued]
    if items:
        tx.outbox.queue(items, now)
    return len(items)


def _with_names(
    tx: Transaction,
    events: Sequence[Event],
    terms: Terms,
    named: dict[str, frozenset[tuple[str, str]]],
) -> Sequence[Event]:
    """Add the identifiers of what events refer to, where a filter compares them."""
    params = [wish.param for wish in terms.filters if wish.modifier == "identifier"]
    if not params:
        return events
    made = []
    for event in events:
        identifiers = {
            param: frozenset().union(
                *(_names(tx, one, named) for one in event.traits.references.get(param, ()))
            )
            for param in params
        }
        traits = Traits(event.traits.tokens, event.traits.references, identifiers)
        made.append(Event(event.topic, event.key, event.focus, event.at, traits, event.by))
    return made


def _names(
    tx: Transaction, reference: str, named: dict[str, frozenset[tuple[str, str]]]
) -> frozenset[tuple[str, str]]:
    """Return (system, value) of what a reference points to; empty when it is not here."""
    if reference not in named:
        type_, _, id_ = reference.partition("/")
        stored = tx.resources.current([(type_, id_)]).get((type_, id_))
        found = (_read(stored) or {}).get("identifier", ())
        pairs = ((one.get("system", ""), one.get("value", "")) for one in found)
        named[reference] = frozenset(pairs)
    return named[reference]


def _read(stored: StoredResource | None) -> Json | None:
    if stored is None or stored.deleted:
        return None
    found: Json = orjson.loads(stored.body)
    return found
