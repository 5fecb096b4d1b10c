"""The CapabilityStatement (FHIR R4 http, capabilities), made from the tables the server runs on."""

from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE
from gateway.fhir import everything
from gateway.fhir.claimed import CLAIMED
from gateway.fhir.elements import table
from gateway.fhir.messages import EVENTS, TOLD
from gateway.fhir.nde_declared import PROFILE as DECLARATION
from gateway.fhir.search_query import accepted_by
from gateway.fhir.search_table import COMMON, PARAMETERS, Parameter, parameters_of
from gateway.fhir.subscriptions import BACKPORT, PROFILE
from gateway.fhir.topics import TOPICS
from gateway.fhir.writable import INTERACTIONS as WRITTEN
from gateway.fhir.writable import WRITABLE, Writable

#: What can be done with every type; also the rights a client may be given.
INTERACTIONS = ("read", "vread", "history-instance", "history-type", "search-type")

_DEFINITIONS = "http://hl7.org/fhir/OperationDefinition"
#: R4 defines it on Patient and Encounter; on an episode it is ours.
_EVERYTHING = {
    type_: {
        "name": "everything",
        "definition": f"{FHIR_BASE}/OperationDefinition/episode-everything"
        if type_ == "EpisodeOfCare"
        else f"{_DEFINITIONS}/{type_}-everything",
    }
    for type_ in everything.TYPES
}

_PROCESS_MESSAGE = {
    "name": "process-message",
    "definition": f"{_DEFINITIONS}/MessageHeader-process-message",
}
#: JSON Patch, and FHIRPath Patch as Parameters (FHIR R4 http, patch).
_PATCHES = ("application/json-patch+json", "application/fhir+json", "application/fhir+xml")
_MESSAGING = (
    f"$process-message takes messages of the event {EVENTS}#{TOLD}: each resource in focus is put "
    "by its first identifier."
)
_CONVERT = {
    "name": "relais-convert",
    "definition": f"{FHIR_BASE}/OperationDefinition/relais-convert",
}
_VALIDATE = {"name": "validate", "definition": f"{_DEFINITIONS}/Resource-validate"}
_BULKDATA = "http://hl7.org/fhir/uv/bulkdata"
_BULK = f"{_BULKDATA}/CapabilityStatement/bulk-data"
_EXPORT = {"name": "export", "definition": f"{_BULKDATA}/OperationDefinition/export"}
_EXPORT_PATIENTS = {
    "name": "export",
    "definition": f"{_BULKDATA}/OperationDefinition/patient-export",
}
_SMART = {
    "service": [
        {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "SMART-on-FHIR",
                }
            ]
        }
    ],
    "description": "SMART Backend Services: private_key_jwt, scopes system/Type.cruds; "
    "the token endpoint is in .well-known/smart-configuration.",
}

_TOPIC = f"{BACKPORT}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
_BACKPORT_SERVER = f"{BACKPORT}/CapabilityStatement/backport-subscription-server-r4"
_OPERATIONS = {
    "status": "subscription-status",
    "events": "subscription-events",
    "get-ws-binding-token": "subscription-get-ws-binding-token",
}
_WEBSOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"

#: An event of the volet Notification d'événements: taken, kept as an input, served as no resource.
_DECLARED = {
    "type": "CommunicationRequest",
    "supportedProfile": [DECLARATION],
    "documentation": "An event is declared by a client that speaks for its establishment.",
    "interaction": [{"code": "create"}],
}
_OF_VALUE_SETS = (":in", ":not-in")
_NOTE = {
    "token": "code, system|code, |code or system|; compared as written, letter case included",
    "reference": "id, Type/id or an absolute address",
    "date": "prefixes eq ne gt lt ge le sa eb ap; a value without zone is Europe/Paris time",
    "string": "starts with; letter case, accents, spaces and punctuation do not count",
    "uri": "compared as written",
    "quantity": "number, number|system|code or number||code; prefixes as of a date",
}


def statement(
    base: str,
    version: str,
    date: str,
    *,
    subscriptions: bool = False,
    writes: bool = False,
    mutes: bool = False,
    validation: bool = False,
    smart: bool = False,
    exports: bool = False,
    value_sets: bool = False,
    conversions: bool = False,
    declarations: bool = False,
) -> Json:
    """Return what this server does.

    Args:
        base: address of the FHIR door, without trailing slash.
        version: version of the software.
        date: when this version was deployed, FHIR dateTime.
        subscriptions: Subscription can be written in this process.
        writes: the types of `fhir.writable` can be written in this process.
        mutes: the operations on mutes are open in this process.
        validation: `$validate` is open in this process.
        smart: clients prove themselves with SMART Backend Services once one is registered.
        exports: Bulk Data `$export` is open in this process.
        value_sets: value sets can be searched by.
        conversions: `$relais-convert` is open in this process.
        declarations: events can be declared in this process (`fhir.nde_declared`).
    """
    made = {type_: _resource(type_, value_sets) for type_ in sorted(PARAMETERS)}
    if subscriptions:
        made["Subscription"] = _subscription(made["Subscription"])
    if writes:
        made |= {type_: _written(made[type_], rules) for type_, rules in WRITABLE.items()}
    if declarations:
        made["CommunicationRequest"] = _DECLARED
    if exports:
        patient = made["Patient"]
        patient["operation"] = [*patient.get("operation", ()), _EXPORT_PATIENTS]
    if validation:
        for type_, resource in made.items():
            if type_ not in PARAMETERS:
                continue
            resource["operation"] = [*resource.get("operation", ()), _VALIDATE]
    served = [*([_BACKPORT_SERVER] if subscriptions else []), *([_BULK] if exports else [])]
    operations = [
        *([_EXPORT] if exports else ()),
        *(_mutes() if mutes else ()),
        *([_PROCESS_MESSAGE] if writes else ()),
        *([_CONVERT] if conversions else ()),
    ]
    return {
        "resourceType": "CapabilityStatement",
        **({"instantiates": served} if served else {}),
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "Relais", "version": version},
        "implementation": {"description": "Relais FHIR gateway", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        **({"patchFormat": list(_PATCHES)} if writes else {}),
        **({"messaging": [{"documentation": _MESSAGING}]} if writes else {}),
        "rest": [
            {
                **({"extension": [_websocket(base)]} if subscriptions else {}),
                "mode": "server",
                "documentation": "Resources come from HL7 v2 messages and CDA documents; "
                "they are read and searched here; clients write the types that say so, each what "
                "it wrote itself, and of the Task of a gap what people do with it.",
                **({"security": _SMART} if smart else {}),
                "resource": [made[type_] for type_ in sorted(made)],
                **({"operation": operations} if operations else {}),
                "interaction": [{"code": code} for code in _system_interactions(writes=writes)],
                "searchParam": [_parameter(parameter, value_sets) for parameter in COMMON],
            }
        ],
    }


def _system_interactions(*, writes: bool) -> list[str]:
    return ["history-system", *(["transaction", "batch"] if writes else [])]


def _resource(type_: str, value_sets: bool) -> Json:
    resource: Json = {
        "type": type_,
        "supportedProfile": list(CLAIMED.get(type_, ())) or None,
        "interaction": [{"code": code} for code in INTERACTIONS],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalRead": "full-support",
        "searchInclude": [f"{type_}:{code}" for code in _references(type_)] or None,
        "searchRevInclude": _pointing_to(type_) or None,
        "searchParam": [_parameter(p, value_sets) for p in parameters_of(type_).values()],
        "operation": [_EVERYTHING[type_]] if type_ in _EVERYTHING else None,
    }
    return {name: value for name, value in resource.items() if value is not None}


def _references(type_: str) -> list[str]:
    return [p.code for p in PARAMETERS[type_] if p.kind == "reference"]


def _pointing_to(type_: str) -> list[str]:
    """Return what a reverse include of a type can start from, as `Type:parameter`."""
    return [
        f"{other}:{parameter.code}"
        for other, parameters in sorted(PARAMETERS.items())
        for parameter in parameters
        if parameter.kind == "reference" and type_ in _targets(other, parameter)
    ]


def _targets(type_: str, parameter: Parameter) -> frozenset[str]:
    """Return the types a reference parameter can point to; all where R4 says any."""
    if parameter.target:
        return frozenset({parameter.target})
    found = [table().find(f"{type_}.{path}") for path in parameter.paths]
    named = [element.targets for element in found if element is not None]
    told = frozenset[str]().union(*named)
    return told if all(named) and "Resource" not in told else frozenset(PARAMETERS)


def _subscription(resource: Json) -> Json:
    """Add what can be written, and the topics one can subscribe to."""
    written = [{"code": code} for code in ("create", "update", "delete")]
    return {
        **resource,
        "extension": [{"url": _TOPIC, "valueCanonical": url} for url in TOPICS],
        "supportedProfile": [PROFILE],
        "interaction": [*resource["interaction"], *written],
        "versioning": "versioned-update",
        "operation": [
            {"name": name, "definition": f"{BACKPORT}/OperationDefinition/backport-{definition}"}
            for name, definition in _OPERATIONS.items()
        ],
    }


def _websocket(base: str) -> Json:
    """Say where websockets of notifications are opened."""
    scheme, _, rest = base.partition("://")
    return {"url": _WEBSOCKET, "valueUri": f"{'wss' if scheme == 'https' else 'ws'}://{rest}/ws"}


def _written(resource: Json, rules: Writable) -> Json:
    """Add how clients write a type (`fhir.writable`)."""
    interactions = [*resource["interaction"], *({"code": code} for code in WRITTEN)]
    return {
        **resource,
        "interaction": interactions,
        "versioning": "versioned-update",
        "updateCreate": rules.own_ids,
        "conditionalCreate": True,
        "conditionalUpdate": True,
        "conditionalDelete": "single",
    }


def _mutes() -> list[Json]:
    names = ("relais-mute", "relais-unmute", "relais-mutes")
    base = f"{FHIR_BASE}/OperationDefinition"
    return [{"name": name, "definition": f"{base}/{name}"} for name in names]


def _parameter(parameter: Parameter, value_sets: bool) -> Json:
    taken = [one for one in accepted_by(parameter) if value_sets or one not in _OF_VALUE_SETS]
    accepted = ", ".join(taken) or "none"
    return {
        "name": parameter.code,
        "definition": parameter.url,
        "type": parameter.kind,
        "documentation": f"{_NOTE[parameter.kind]}. Modifiers: {accepted}.",
    }
