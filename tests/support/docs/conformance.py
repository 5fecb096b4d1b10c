"""The generated parts of docs/conformance.md: messages, documents, FHIR interactions."""

from gateway.fhir import capability
from gateway.hl7v2.events import EVENTS, Event
from gateway.mapping.loader import Mappings
from gateway.mapping.plan import EventPlan, Use
from tests.support.docs.events import listed
from tests.support.docs.mappings import rules_of
from tests.support.docs.markdown import between, code, table


def page(text: str, mappings: Mappings) -> str:
    """Return the page with its generated parts written anew."""
    text = between(text, "messages", messages(mappings))
    text = between(text, "documents", documents(mappings))
    return between(text, "interactions", interactions())


def messages(mappings: Mappings) -> str:
    """Write what becomes of each message of the reference list, or why nothing does."""
    rows = []
    for (kind, trigger), row in listed().items():
        event = EVENTS.get((kind, trigger))
        plan = mappings.events.get(f"{kind}_{trigger}") if event and event.used else None
        rows.append(
            (
                f"{kind}^{trigger}",
                row.meaning,
                row.structure,
                row.action,
                row.clause,
                _becomes(plan, mappings) if plan else f"kept, AA, no effect: {row.unused}",
                str(rules_of(plan, mappings)) if plan else "",
            )
        )
    head = ("message", "meaning", "structure", "ZBE-4", "clause", "becomes", "rules")
    return table(head, rows)


def unmapped(mappings: Mappings) -> dict[str, Event]:
    """Return events that are used without a mapping file, or mapped without being used."""
    return {
        f"{kind}_{trigger}": event
        for (kind, trigger), event in EVENTS.items()
        if event.used != (f"{kind}_{trigger}" in mappings.events)
    }


def documents(mappings: Mappings) -> str:
    """Write what becomes of each document model."""
    rows = [
        (
            name,
            ", ".join(code(one) for one in plan.match.get("template_id", ())) or "any other",
            ", ".join(code(one) for one in plan.match.get("code", ())),
            _becomes(plan, mappings),
            str(rules_of(plan, mappings)),
        )
        for name in sorted(mappings.documents)
        for plan in [mappings.whole(name)]
    ]
    return table(("plan", "template", "document code", "becomes", "rules"), rows)


def interactions() -> str:
    """Write what can be done with each resource type, from the CapabilityStatement."""
    [server] = capability.statement(
        "https://relais.example/fhir", "", "", subscriptions=True, writes=True
    )["rest"]
    rows = [
        (
            resource["type"],
            ", ".join(one["code"] for one in resource["interaction"]),
            ", ".join(code(one["name"]) for one in resource["searchParam"]),
        )
        for resource in server["resource"]
    ]
    return table(("type", "interactions", "search parameters"), rows)


def _becomes(plan: EventPlan, mappings: Mappings) -> str:
    types = [
        mappings.fragments[part.use].resource if isinstance(part, Use) else part.resource
        for part in plan.resources
    ]
    return ", ".join(dict.fromkeys(types))
