"""Entries of the journal as AuditEvents.

Spec: IHE BALP 1.1.5 (Basic Audit, read, query, create, update, delete, privacy disclosure), FHIR R4
AuditEvent, DICOM PS3.16. The profiles of BALP fix outcome 0: a refusal follows their pattern and
claims none. Nothing personal but references; a search is kept as it was asked.
"""

from typing import Any, NamedTuple

from gateway.core.audit import Trace
from gateway.core.contributions import Json

DCM = "http://dicom.nema.org/resources/ontology/DCM"
_T = "http://terminology.hl7.org/CodeSystem/"
REST = f"{_T}audit-event-type"
INTERACTIONS = "http://hl7.org/fhir/restful-interaction"
LIFECYCLE = f"{_T}iso-21089-lifecycle"
_PROFILES = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_AUTHZ = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"
_ENTITIES = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
#: Names of professionals: national identifier (PS_IdNat).
_ID_NAT = "urn:oid:1.2.250.1.71.4.2.1"
_CLIENTS = "https://relais.example/ns/client"


class Kind(NamedTuple):
    """What one kind of entry is as an AuditEvent.

    Attributes:
        type: system and code.
        subtype: system and code.
        action: C, R, U, D or E.
        profile: of BALP, after `Patient` when it is about one; empty: none.
    """

    type: tuple[str, str]
    subtype: tuple[str, str]
    action: str
    profile: str = ""


def _rest(code: str, action: str, profile: str) -> Kind:
    return Kind((REST, "rest"), (INTERACTIONS, code), action, profile)


KINDS = {
    "read": _rest("read", "R", "Read"),
    "vread": _rest("vread", "R", "Read"),
    "history-instance": _rest("history-instance", "R", "Read"),
    "history-type": _rest("history-type", "E", "Query"),
    "history-system": _rest("history-system", "E", "Query"),
    "search-type": _rest("search-type", "E", "Query"),
    "create": _rest("create", "C", "Create"),
    "update": _rest("update", "U", "Update"),
    "delete": _rest("delete", "D", "Delete"),
    "operation": _rest("operation", "E", "Query"),
    "page": _rest("read", "R", "Read"),
    # Masked values of a message that somebody asked to see, with the reason.
    "reveal": _rest("read", "R", "Read"),
    # What operators do: convert again, set aside, send again, give up.
    "handled": Kind((DCM, "110100"), (LIFECYCLE, "transform"), "E", ""),
    "notification": Kind((DCM, "110106"), (LIFECYCLE, "disclose"), "R", ""),
    "withheld": Kind((DCM, "110106"), (LIFECYCLE, "disclose"), "R", ""),
    "export": Kind((DCM, "110106"), (LIFECYCLE, "extract"), "R", ""),
    "mail": Kind((DCM, "110106"), (LIFECYCLE, "disclose"), "R", ""),
    "token": Kind((DCM, "110114"), (DCM, "110122"), "E", ""),
    "login": Kind((DCM, "110114"), (DCM, "110122"), "E", ""),
    "logout": Kind((DCM, "110114"), (DCM, "110123"), "E", ""),
    "audit-read": Kind((DCM, "110101"), (INTERACTIONS, "read"), "R", ""),
    "break-glass": Kind((DCM, "110113"), (_AUTHZ, "AuthZ-Consent"), "E", ""),
    "security": Kind((DCM, "110113"), (DCM, "110131"), "U", ""),
}
#: Kinds by the codes a search names: of the type, of the subtype, of the action.
BY_TYPE: dict[str, tuple[str, ...]] = {}
BY_SUBTYPE: dict[str, tuple[str, ...]] = {}
BY_ACTION: dict[str, tuple[str, ...]] = {}
for _name, _kind in KINDS.items():
    BY_TYPE[_kind.type[1]] = (*BY_TYPE.get(_kind.type[1], ()), _name)
    BY_SUBTYPE[_kind.subtype[1]] = (*BY_SUBTYPE.get(_kind.subtype[1], ()), _name)
    BY_ACTION[_kind.action] = (*BY_ACTION.get(_kind.action, ()), _name)


def audit_event(trace: Trace, server: str) -> Json:
    """Return an entry as an AuditEvent.

    Args:
        trace: the entry. Of its details are shown: `address` (of the client), `user` and `role`
            (a person), `token` (start of the hash of the access token), `target` (`Type/id`),
            `query` (base64), `request` (X-Request-Id), `why`, `purpose` (v3-ActReason),
            `recipient`, `number` (of an event).
        server: public address of the gateway.
    """
    kind, said = KINDS[trace.kind], trace.details
    at = trace.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    profile = f"Patient{kind.profile}" if trace.patient else kind.profile
    claimed = [_PROFILES + profile] if kind.profile and trace.outcome == "0" else []
    made: Json = {
        "resourceType": "AuditEvent",
        "id": trace.id,
        "meta": {"versionId": "1", "lastUpdated": at, **({"profile": claimed} if claimed else {})},
        "type": _coding(*kind.type),
        "subtype": [_coding(*kind.subtype)],
        "action": kind.action,
        "recorded": at,
        "outcome": trace.outcome,
        "outcomeDesc": said.get("why"),
        "purposeOfEvent": _purposes(said),
        "agent": _agents(trace, kind, server),
        "source": {"observer": {"display": "Relais", "identifier": {"value": server}}},
        "entity": _entities(trace, kind),
    }
    return {name: value for name, value in made.items() if value not in (None, [])}


def _purposes(said: dict[str, Any]) -> list[Json]:
    """Return why somebody looked, where that is not the usual care."""
    return [_concept(f"{_T}v3-ActReason", said["purpose"])] if said.get("purpose") else []


def _agents(trace: Trace, kind: Kind, server: str) -> list[Json]:
    said = trace.details
    client, own = _roles(kind.action)
    address, token = said.get("address"), said.get("token")
    agents: list[Json] = [
        {
            "type": client,
            "who": {"identifier": {"system": _CLIENTS, "value": trace.agent or "unknown"}},
            "requestor": not said.get("user"),
            **({"network": {"address": address, "type": "2"}} if address else {}),
            **({"policy": [f"urn:relais:token:{token}"]} if token else {}),
        },
        {
            "type": own,
            "who": {"identifier": {"value": server}},
            "requestor": False,
            "network": {"address": server, "type": "5"},
        },
    ]
    if said.get("user"):
        who = {"identifier": {"system": _ID_NAT, "value": said["user"]}}
        role = "IRCP" if kind.action in "RE" else "AUT"
        person = {"type": _concept(f"{_T}v3-ParticipationType", role), "who": who}
        agents.append({**person, "requestor": True})
    if said.get("recipient"):
        endpoint = {"network": {"address": said["recipient"], "type": "1"}}
        agents.append({"type": _concept(DCM, "110152"), "requestor": False, **endpoint})
    return agents


def _roles(action: str) -> tuple[Json, Json]:
    """Return what client and server are; it depends on the direction (BALP)."""
    source, destination = _concept(DCM, "110153"), _concept(DCM, "110152")
    if action == "R":
        return destination, source
    if action == "D":
        custodian = _concept(f"{_T}provenance-participant-type", "custodian")
        return _concept(DCM, "110150"), custodian
    return source, destination


def _entities(trace: Trace, kind: Kind) -> list[Json]:
    said = trace.details
    found: list[Json] = []
    if trace.patient:
        found.append(_entity("1", "1", what={"reference": f"Patient/{trace.patient}"}))
    if said.get("request"):
        type_ = {"system": _ENTITIES, "code": "XrequestId"}
        found.append({"type": type_, "what": {"identifier": {"value": said["request"]}}})
    if said.get("query") is not None and kind.action == "E":
        found.append(_entity("2", "24", query=said["query"]))
    elif said.get("target"):
        found.append(_entity("2", "4", what={"reference": said["target"]}))
    for name in ("subscription", "number", "page", "what"):
        if said.get(name):
            detail = {"type": name, "valueString": str(said[name])}
            found.append(_entity("4", "20", detail=[detail]))
    return found


def _entity(type_: str, role: str, **more: object) -> Json:
    return {
        "type": {"system": f"{_T}audit-entity-type", "code": type_},
        "role": {"system": f"{_T}object-role", "code": role},
        **more,
    }


def _coding(system: str, code: str) -> Json:
    return {"system": system, "code": code}


def _concept(system: str, code: str) -> Json:
    return {"coding": [_coding(system, code)]}
