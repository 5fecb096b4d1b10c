"""Makes archives of FHIR packages for tests."""

import gzip
import io
import json
import tarfile
from typing import Any

Json = dict[str, Any]

HOME = "https://example.test/fhir/StructureDefinition/"


def profile(name: str = "named-patient", path: str = "Patient.name", **said: Any) -> Json:
    """Return a profile of Patient that asks one thing of one element."""
    asked = said or {"min": 1, "max": "1"}
    return {
        "resourceType": "StructureDefinition",
        "url": HOME + name,
        "version": "1.0.0",
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": path, "path": path, **asked}]},
    }


def archive(*definitions: Json, name: str = "test.fhir.small", version: str = "1.0.0") -> bytes:
    """Return a package with these definitions; the same bytes each time."""
    manifest = {
        "name": name,
        "version": version,
        "fhirVersions": ["4.0.1"],
        "dependencies": {"hl7.fhir.r4.core": "4.0.1"},
    }
    files = {"package/package.json": manifest, "package/example/Patient-a.json": {"a": 1}}
    files |= {f"package/{i}.json": one for i, one in enumerate(definitions)}
    return tarball({path: json.dumps(content).encode() for path, content in files.items()})


def tarball(files: dict[str, bytes]) -> bytes:
    """Return a gzipped tar of files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    # Without the time of making in it.
    return gzip.compress(made.getvalue(), mtime=0)
