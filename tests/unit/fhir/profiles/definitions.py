"""Small definitions written for these tests: each says one thing."""

from typing import Any

from gateway.fhir.profiles.definitions import Definitions
from gateway.fhir.profiles.judge import Judge

HOME = "https://example.test/"


def profile(name: str, type_: str, *elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a StructureDefinition with these elements as its snapshot."""
    return {
        "resourceType": "StructureDefinition",
        "url": HOME + name,
        "type": type_,
        "snapshot": {"element": [element(type_), *elements]},
        **more,
    }


def element(id_: str, **said: Any) -> dict[str, Any]:
    """Return an ElementDefinition; its path is the id without slice names."""
    path = ".".join(part.partition(":")[0] for part in id_.split("."))
    slice_ = id_.rpartition(".")[2].partition(":")[2]
    return {"id": id_, "path": path, **({"sliceName": slice_} if slice_ else {}), **said}


def sliced(*by: tuple[str, str], rules: str = "open") -> dict[str, Any]:
    """Return a slicing by these discriminators."""
    return {"discriminator": [{"type": t, "path": p} for t, p in by], "rules": rules}


def judged(resource: dict[str, Any], *definitions: dict[str, Any], **more: Any) -> list[str]:
    """Judge a resource by the first definition; return `code place`."""
    judge = Judge(Definitions.of(definitions))
    found = judge.findings(resource, profiles=[definitions[0]["url"]], **more)
    return [f"{one.issue.code[-3:]} {one.issue.where}" for one in found]
