"""The alphabet of facts: which source asserts each event, and what it tells of it."""

from collections import defaultdict

from gateway.core.events import ATTRIBUTES, DOCUMENTS, EVENTS, family
from gateway.entry.sources import assertions_of_sources
from gateway.mapping.loader import Mappings
from gateway.pathway.able import computed
from tests.support.docs.markdown import NOTICE, code, table

_INTRO = """# Facts

{notice}

A message or a document asserts facts; rules read them.
This is the alphabet of events, with what asserts each of them and which attributes it may tell.
`computed` attributes are filled in from all facts of a person when no message says them.
Every fact has `estab`, `source`, `te` (event time) and `tr` (receipt) beside these.

A source is a message type, a model of documents (`cda`: every document; `cda pps`: that model), or
a part of the gateway that learns what became of what it sent or asked for.
"""
#: Events that nothing asserts, and why.
_UNTOLD = {
    "FEED.HEARTBEAT": "each message of a feed is one; that it speaks again is `FEED.ALIVE`",
}
_ANY = "cda document"
_FAMILIES = {
    "ENC": "Movements",
    "PAT": "The person",
    "DOC": "Documents",
    "DOCV": "Versions of documents",
    "LDL": "Promises of a letter",
    "PPS": "Steps of a programme of care",
    "REQ": "Requests",
    "APPT": "Appointments",
    "HOME": "Visits at home",
    "RX": "Medicines",
    "SND": "Sendings",
    "TASK": "Work on gaps",
    "CALL": "Calls",
    "FEED": "Feeds",
}


def page(mappings: Mappings) -> str:
    """Write one section a family of events."""
    asserted: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    for source, event, attributes in assertions_of_sources(mappings):
        known = asserted[event].get(source, frozenset())
        asserted[event][source] = known | attributes
    parts = [_INTRO.format(notice=NOTICE)]
    for name, title in _FAMILIES.items():
        events = sorted(event for event in EVENTS if family(event) == name)
        head = f"## `{name}`: {title}\n"
        if name in ("DOC", "DOCV"):
            head += f"\nOne event a kind of document: {', '.join(sorted(DOCUMENTS))}.\n"
            events = [f"{name}.LDL_SES"]
        rows = [_row(event, asserted[event]) for event in events]
        parts.append(f"{head}\n{table(('event', 'asserted by', 'attributes', 'computed'), rows)}\n")
    return "\n".join(parts)


def untold(mappings: Mappings) -> set[str]:
    """Return the events nothing asserts."""
    return set(EVENTS) - {event for _, event, _ in assertions_of_sources(mappings)}


def explained() -> set[str]:
    """Return the events whose absence is explained on the page."""
    return set(_UNTOLD)


def _row(event: str, sources: dict[str, frozenset[str]]) -> tuple[str, str, str, str]:
    shown = "DOC.<kind>" if event == "DOC.LDL_SES" else event
    shown = "DOCV.<kind>" if event == "DOCV.LDL_SES" else shown
    names = sorted(sources)
    if _ANY in names:
        names = ["cda"]
    told = frozenset[str]().union(*sources.values()) if sources else frozenset()
    schema = ATTRIBUTES[family(event)]
    by = ", ".join(names) or f"nothing: {_UNTOLD.get(event, '')}"
    attributes = ", ".join(code(name) for name in schema if name in told)
    return code(shown), by, attributes, ", ".join(code(name) for name in sorted(computed(event)))
