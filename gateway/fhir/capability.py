"""The CapabilityStatement (FHIR R4 http, capabilities), made from the tables the server runs on."""

from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE
from gateway.fhir.search_table import COMMON, PARAMETERS, Parameter
from gateway.fhir.subscriptions import BACKPORT, PROFILE
from gateway.fhir.topics import TOPICS

#: What can be done with every type; also the rights a client may be given.
INTERACTIONS = ("read", "vread", "history-instance", "search-type")

_TOPIC = f"{BACKPORT}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
_BACKPORT_SERVER = f"{BACKPORT}/CapabilityStatement/backport-subscription-server-r4"
_OPERATIONS = {"status": "subscription-status", "events": "subscription-events"}

_NOTE = {
    "token": "code, system|code, |code or system|; compared as written, letter case included",
    "reference": "id, Type/id or an absolute address",
    "date": "prefixes eq ne gt lt ge le sa eb; a value without zone is Europe/Paris time",
}


def statement(
    base: str,
    version: str,
    date: str,
    *,
    subscriptions: bool = False,
    tasks: bool = False,
    mutes: bool = False,
) -> Json:
    """Return what this server does.

    Args:
        base: address of the FHIR door, without trailing slash.
        version: version of the software.
        date: when this version was deployed, FHIR dateTime.
        subscriptions: Subscription can be written in this process.
        tasks: Task can be written in this process.
        mutes: the operations on mutes are open in this process.
    """
    made = {type_: _resource(type_) for type_ in sorted(PARAMETERS)}
    if subscriptions:
        made["Subscription"] = _subscription(made["Subscription"])
    if tasks:
        made["Task"] = _task(made["Task"])
    return {
        "resourceType": "CapabilityStatement",
        **({"instantiates": [_BACKPORT_SERVER]} if subscriptions else {}),
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "Relais", "version": version},
        "implementation": {"description": "Relais FHIR gateway", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "Resources come from HL7 v2 messages and CDA documents; "
                "they are read and searched here; clients write Subscription, and of Task what "
                "people do with it.",
                "resource": list(made.values()),
                **({"operation": _mutes()} if mutes else {}),
            }
        ],
    }


def _resource(type_: str) -> Json:
    return {
        "type": type_,
        "interaction": [{"code": code} for code in INTERACTIONS],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": False,
        "conditionalRead": "full-support",
        "searchParam": [_parameter(p) for p in (*COMMON, *PARAMETERS[type_])],
    }


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


def _task(resource: Json) -> Json:
    """Add that people write what they do, each on the version they read."""
    interactions = [*resource["interaction"], {"code": "update"}]
    return {**resource, "interaction": interactions, "versioning": "versioned-update"}


def _mutes() -> list[Json]:
    names = ("relais-mute", "relais-unmute", "relais-mutes")
    base = f"{FHIR_BASE}/OperationDefinition"
    return [{"name": name, "definition": f"{base}/{name}"} for name in names]


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.code,
        "definition": parameter.url,
        "type": parameter.shown or parameter.kind,
        "documentation": _NOTE[parameter.kind],
    }
