"""What the validator is told: a package of FR Core, our definitions, stand-ins for other packages.

Canonicals are given without version: the packages name versions of packages that are not at hand.
"""

import re
import tarfile
from pathlib import Path

import orjson

from tests.conftest import ROOT

_KINDS = ("StructureDefinition", "ValueSet", "CodeSystem")
_VERSIONED = re.compile(rb'"(https?://[^"|\s]+)\|[0-9][0-9.]*"')

#: Extensions of packages that are not at hand (hl7.fhir.uv.extensions.r4, hl7.fhir.uv.xver-r5.r4):
#: the type of their value. FR Core slices by the first two, which cannot be told apart otherwise.
STAND_INS = {
    "http://hl7.org/fhir/StructureDefinition/note": "Annotation",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Organization.description": "markdown",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Composition.version": "string",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-DocumentReference.version": "string",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note": "Annotation",
}


def definitions(package: Path) -> list[bytes]:
    """Return every definition as one line of JSON.

    Args:
        package: archive of a published FR Core package.
    """
    found = [orjson.dumps(_stand_in(url, type_)) for url, type_ in STAND_INS.items()]
    with tarfile.open(package) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            folder, _, name = member.name.partition("/")
            content = archive.extractfile(member)
            if folder == "package" and name.startswith(_KINDS) and content is not None:
                found.append(_line(content.read()))
    for kind in _KINDS:
        paths = sorted((ROOT / "profiles" / "fhir").glob(f"{kind}-*.json"))
        found += [_line(path.read_bytes()) for path in paths]
    return found


def _line(text: bytes) -> bytes:
    return _VERSIONED.sub(rb'"\1"', orjson.dumps(orjson.loads(text)))


def _stand_in(url: str, type_: str) -> dict:
    return {
        "resourceType": "StructureDefinition",
        "id": url.rpartition("/")[2].replace(".", "-").lower(),
        "url": url,
        "name": "StandIn",
        "status": "active",
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": "Element"}],
        "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "derivation": "constraint",
        "differential": {
            "element": [
                {"id": "Extension", "path": "Extension"},
                {"id": "Extension.extension", "path": "Extension.extension", "max": "0"},
                {"id": "Extension.url", "path": "Extension.url", "fixedUri": url},
                {
                    "id": "Extension.value[x]",
                    "path": "Extension.value[x]",
                    "min": 1,
                    "type": [{"code": type_}],
                },
            ]
        },
    }
