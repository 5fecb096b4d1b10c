"""What the sources of this gateway can tell: events and attributes, from mappings and code.

Derived from the fact plans of every mapping file and from the tables of the code that sends; what
a rule needs beyond it has no source (`pathway.able`).
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from gateway.cda.facts import FACTS as CDA_FACTS
from gateway.core.events import DOCUMENT_NAMES, EVENTS
from gateway.hl7v2.facts import FACTS as HL7_FACTS
from gateway.mapping.converters import Converters
from gateway.mapping.loader import Mappings
from gateway.mapping.plan import FactPlan, FactUse
from gateway.pipeline import (
    business_acks,
    declared_events,
    feed_watch,
    outgoing,
    submissions,
    told_calls,
    work,
)


def told_by_sources(mappings: Mappings) -> dict[str, frozenset[str]]:
    """Return the attributes of each event that something asserts."""
    found: dict[str, frozenset[str]] = {}
    for _source, event, attributes in assertions_of_sources(mappings):
        found[event] = found.get(event, frozenset()) | attributes
    return found


def assertions_of_sources(mappings: Mappings) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield each source that asserts an event, with the attributes it may tell of it.

    A source is a message type (`ADT^A03`), a model of documents (`cda pps`), or a part of the
    gateway that learns what became of what it sent or asked for.
    """
    for name, plan in mappings.events.items():
        told = _of_plans(plan.emits, mappings, "hl7v2", HL7_FACTS)
        yield from ((plan.message or name, event, attributes) for event, attributes in told)
    for name in mappings.documents:
        told = _of_plans(mappings.whole(name).emits, mappings, "cda", CDA_FACTS)
        yield from ((f"cda {name}", event, attributes) for event, attributes in told)
    for source, table in _CODE.items():
        yield from ((source, event, attributes) for event, attributes in table.items())


def brought_by(mappings: Mappings) -> dict[str, frozenset[str]]:
    """Return the events of facts that each trigger event of a message, or type of document, brings.

    A message that carries a document brings what documents tell.
    """
    found: dict[str, set[str]] = {}
    documents: set[str] = set()
    for source, event, _attributes in assertions_of_sources(mappings):
        kind, _, trigger = source.partition("^")
        if trigger:
            found.setdefault(trigger, set()).add(event)
        elif kind.startswith("cda "):
            documents.add(event)
    found |= {one: found.get(one, set()) | documents for one in _CARRIERS}
    for code, name in DOCUMENT_NAMES.items():
        found.setdefault(code, set()).update((f"DOC.{name}", f"DOCV.{name}"))
    return {name: frozenset(events) for name, events in found.items()}


#: Messages that carry documents: original, replacement, report.
_CARRIERS = ("T02", "T10", "R01")
#: Parts of the gateway that assert, by what they learn of.
_CODE = {
    "acknowledgements": business_acks.ASSERTS,
    "outgoing mails": outgoing.ASSERTS,
    "submissions to the shared record": submissions.ASSERTS,
    "watch over feeds": feed_watch.ASSERTS,
    "Task over REST": work.ASSERTS,
    "Communication over REST": told_calls.ASSERTS,
    "events declared over REST": declared_events.ASSERTS,
}


def _of_plans(
    entries: list[FactUse | FactPlan], mappings: Mappings, kind: str, converters: Converters
) -> Iterator[tuple[str, frozenset[str]]]:
    for entry in entries:
        plan = entry if isinstance(entry, FactPlan) else mappings.facts[kind, entry.use]
        if plan.op != "retract":
            attributes = frozenset(rule.to for rule in plan.rules)
            yield from dict.fromkeys(events_of_plan(plan, converters), attributes).items()


def events_of_plan(plan: FactPlan, converters: Converters) -> list[str]:
    """Return the events a fact plan may assert.

    Raises:
        ValueError: the converter of its name does not say which names it gives.
    """
    if not plan.name:
        return [plan.event]
    gives = converters.gives(plan.name)
    if not gives:
        msg = f"converter '{plan.name}' names facts and does not say how"
        raise ValueError(msg)
    patterns = [f"{plan.event.removesuffix('*')}{name}" for name in gives]
    return sorted(one for one in EVENTS if any(fnmatchcase(one, like) for like in patterns))
