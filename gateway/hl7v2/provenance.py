"""The Provenance of a message: which resources it speaks about, who said it and when."""

from collections.abc import Mapping, Sequence

from gateway.core.contributions import Contribution, Json, Kind, Target
from gateway.core.messages import Header
from gateway.core.systems import IDENTIFIER_BASE
from gateway.core.timestamps import TimestampError, parse_timestamp
from gateway.fhir.identity import Ids
from gateway.fhir.order_numbers import numbers_of
from gateway.hl7v2.keys import recorded_at, version_of
from gateway.hl7v2.message import Message

_AGENT_TYPE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def _agent_type(code: str) -> Json:
    return {"coding": [{"system": _AGENT_TYPE, "code": code}]}


_AUTHOR, _ENTERER = _agent_type("author"), _agent_type("enterer")
_OURSELVES: Json = {"type": _agent_type("assembler"), "who": {"display": "Relais"}}


def provenance(
    contributions: Sequence[Contribution], message: Message, header: Header, ids: Ids
) -> Contribution | None:
    """Return the Provenance of everything a message contributes to, None when that is nothing.

    It is made of the bytes alone: a replay gives the same resource under the same id.

    Args:
        contributions: of the message and of the documents it carries.
        message: as read.
        header: of the input.
        ids: of the installation.

    Spec: FHIR R4 Provenance; HL7 v2.5 3.4.1 (EVN).
    """
    parts = [
        part for part in contributions if not part.annotates and part.target.type != "Provenance"
    ]
    targets: dict[Target, Json] = {}
    for part in parts:
        targets.setdefault(part.target, _reference(part))
    if not targets:
        return None
    recorded = recorded_at(message)
    number = ids.provenance(header.canonical_sha256)
    resource: Json = {
        "resourceType": "Provenance",
        "id": number,
        "target": list(targets.values()),
    }
    if occurred := _occurred(message):
        resource["occurredDateTime"] = occurred
    resource["recorded"] = _recorded(message) or recorded.isoformat().replace("+00:00", "Z")
    resource["activity"] = {"text": message.value("MSH-9.1") + _rest_of_type(message)}
    resource["agent"] = _agents(targets, message)
    resource["entity"] = [{"role": "source", "what": _source(message)}]
    target = Target("Provenance", number)
    return Contribution(target, version_of(recorded, header), resource, kind=Kind.ONCE)


def _reference(part: Contribution) -> Json:
    """Name what was spoken of; an order of which the filler's number alone is told by that number.

    Another input may tell the number of the placer: then the request stands under that one.
    Decision: docs/adr/0007-what-another-input-makes-is-named-by-identifier.md.
    """
    type_, id_ = part.target
    if type_ == "ServiceRequest":
        placer, filler = numbers_of(part.resource)
        if filler and not placer:
            system, _, value = filler.rpartition("|")
            return {"type": type_, "identifier": {"system": system, "value": value}}
    return {"reference": f"{type_}/{id_}"}


def _rest_of_type(message: Message) -> str:
    parts = (message.value("MSH-9.2"), message.value("MSH-9.3"))
    return "".join(f"^{part}" for part in parts if part)


def _occurred(message: Message) -> str:
    """Return EVN-6, else ZBE-2: when it happened."""
    for path in ("EVN-6", "ZBE-2"):
        text = message.value(path)
        if not text:
            continue
        try:
            return parse_timestamp(text).text_fhir
        except TimestampError:
            # A doubtful EVN-6 leaves its place to ZBE-2; both are judged elsewhere.
            continue
    return ""


def _recorded(message: Message) -> str:
    """Return EVN-2, else MSH-7, as an instant with the offset that was sent."""
    for path in ("EVN-2", "MSH-7"):
        text = message.value(path)
        if not text:
            continue
        try:
            stamp = parse_timestamp(text)
        except TimestampError:
            # As in `keys.recorded_at`.
            continue
        return stamp.instant_fhir or ""
    return ""


def _agents(targets: Mapping[Target, Json], message: Message) -> list[Json]:
    """Return who sent it and who put it together."""
    # Every plan makes the sending establishment first, when it is known; other structures follow.
    first = next(iter(targets))
    sender = first if first.type == "Organization" else None
    facility = message.value("MSH-4.1") or message.value("MSH-3.1") or "unknown"
    author = {"reference": f"Organization/{sender.id}"} if sender else {"display": facility}
    operator = message.first("EVN")
    agents: list[Json] = [{"type": _AUTHOR, "who": author}]
    node = operator.node(5) if operator else None
    if node is not None:
        shown = " ".join(part for part in (node.component(3), node.component(2)) if part)
        if shown:
            agents.append({"type": _ENTERER, "who": {"display": shown}})
    agents.append(_OURSELVES)
    return agents


def _source(message: Message) -> Json:
    """Name the message by its sender and control id; its bytes stay in the inbox."""
    parts = (message.value("MSH-3.1"), message.value("MSH-4.1"), message.control_id)
    return {"identifier": {"system": f"{IDENTIFIER_BASE}/message", "value": "|".join(parts)}}
