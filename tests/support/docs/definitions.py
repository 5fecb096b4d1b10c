"""What a server of ours does and is searched by, as published definitions.

Made from the tables the server runs on, so that neither can differ: `CapabilityStatement-relais`
and one SearchParameter for each parameter that R4 does not have.
"""

import json
from collections.abc import Callable
from pathlib import Path

from gateway.core.systems import FHIR_BASE
from gateway.fhir.capability import statement
from gateway.fhir.search_table import PARAMETERS, Parameter

#: Of the definitions themselves; changed by hand when what they say changes.
_DATE = "2026-11-22"
_HEAD = {"status": "active", "experimental": False, "date": _DATE, "publisher": "Relais"}


def definitions(folder: Path) -> dict[Path, Callable[[], str]]:
    """Return how each generated file of `profiles/fhir` is made."""
    made: dict[Path, Callable[[], str]] = {
        folder / "CapabilityStatement-relais.json": lambda: _text(_capability())
    }
    for type_, parameters in PARAMETERS.items():
        for one in parameters:
            if one.url.startswith(FHIR_BASE):
                path = folder / f"SearchParameter-{one.definition}.json"
                made[path] = lambda type_=type_, one=one: _text(_parameter(type_, one))  # type: ignore[misc]
    return made


def _text(resource: dict) -> str:
    return json.dumps(resource, indent=2, ensure_ascii=False) + "\n"


def _capability() -> dict:
    """Return what any installation does, whatever its address and version."""
    said = statement(
        FHIR_BASE,
        "",
        _DATE,
        subscriptions=True,
        writes=True,
        mutes=True,
        validation=True,
        smart=True,
        exports=True,
        conversions=True,
        value_sets=True,
    )
    rest = said.pop("rest")
    for name in ("implementation", "software", "resourceType", "status", "date"):
        del said[name]
    return {
        "resourceType": "CapabilityStatement",
        "id": "relais",
        "url": f"{FHIR_BASE}/CapabilityStatement/relais",
        "version": "1.0.0",
        "name": "Relais",
        "title": "What a Relais gateway does over REST",
        **_HEAD,
        "description": "Resources made from HL7 v2 messages and CDA documents of French hospitals, "
        "read, searched, subscribed to and exported.",
        **said,
        "kind": "requirements",
        "rest": rest,
    }


def _parameter(type_: str, parameter: Parameter) -> dict:
    return {
        "resourceType": "SearchParameter",
        "id": parameter.definition,
        "url": parameter.url,
        "version": "1.0.0",
        "name": "".join(part[:1].upper() + part[1:] for part in parameter.definition.split("-")),
        **_HEAD,
        "description": f"Finds {type_} by {parameter.code}, which R4 has no parameter for.",
        "code": parameter.code,
        "base": [type_],
        "type": parameter.kind,
        "expression": " | ".join(f"{type_}.{path}" for path in parameter.paths),
        "xpathUsage": "normal",
        "multipleOr": True,
        "multipleAnd": True,
    }
