"""What happens to a value between a converter and the resource: empties, JSON types, codes."""

import re
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any

from gateway.mapping.conceptmaps import ConceptMap, MapTarget

Json = dict[str, Any]

_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})
_HIGHEST = 2**31 - 1
_LOWEST = {"integer": -_HIGHEST - 1, "unsignedInt": 0, "positiveInt": 1}

# FHIR R4 2.24.0.1; Python's own reading also takes `1_000`, spaces and other digits.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def pruned(value: Any) -> Any:
    """Return a value without empty objects, lists and texts inside; the same object if clean."""
    if isinstance(value, dict):
        if all_clean(value.values()):
            return value
        kept = {key: pruned(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if not is_nothing(item)}
    if isinstance(value, list):
        if all_clean(value):
            return value
        return [item for item in map(pruned, value) if not is_nothing(item)]
    return value


def all_clean(items: Iterable[Any]) -> bool:
    """Tell whether there is nothing empty among these values, nor inside of them."""
    for item in items:
        if isinstance(item, str):
            if not item:
                return False
        elif isinstance(item, dict):
            if not item or not all_clean(item.values()):
                return False
        elif isinstance(item, list):
            if not item or not all_clean(item):
                return False
        elif item is None:
            return False
    return True


def is_nothing(value: Any) -> bool:
    """Tell whether nothing would be written; False and 0 are values."""
    return not value and value is not False and value != 0


def copied(value: Any) -> Any:
    """Return a value that shares no object or list with the given one."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def typed(text: str, fhir_type: str) -> Any:
    """Turn a text into the JSON value of a FHIR type.

    A decimal without fraction becomes an integer, so that no digit is added.

    Raises:
        ValueError: the text is no such value.
    """
    if fhir_type == "boolean":
        if text not in ("true", "false"):
            raise ValueError(fhir_type)
        return text == "true"
    if fhir_type in _INTEGERS:
        if not _INTEGER.fullmatch(text):
            raise ValueError(fhir_type)
        number = int(text)
        if not _LOWEST[fhir_type] <= number <= _HIGHEST:
            raise ValueError(fhir_type)
        return number
    if fhir_type == "decimal":
        if _INTEGER.fullmatch(text):
            return int(text)
        if not _DECIMAL.fullmatch(text) or not isfinite(float(text)):
            raise ValueError(fhir_type)
        return float(text)
    return text


def needs_typing(fhir_type: str) -> bool:
    """Tell whether the JSON value of a FHIR type is not a string."""
    return fhir_type in ("boolean", "decimal") or fhir_type in _INTEGERS


def typed_constant(value: Any, path: str, type_of: Callable[[str], str]) -> Any:
    """Turn the texts of a constant into the JSON values its place asks for.

    Raises:
        KeyError: an element inside the constant is unknown.
        ValueError: a text is not of the type of its place.
    """
    if isinstance(value, dict):
        return {k: typed_constant(v, f"{path}.{k}", type_of) for k, v in value.items()}
    if isinstance(value, list):
        return [typed_constant(item, path, type_of) for item in value]
    return typed(str(value), type_of(path))


def source_code(value: Any) -> str | None:
    """Return the code of a text, a Coding, a CodeableConcept or an Identifier-like dict."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if "code" in value:
            return str(value["code"])
        for coding in value.get("coding", ()):
            return source_code(coding)
    return None


def mapped_value(conceptmap: ConceptMap, target: MapTarget, fhir_type: str) -> Any:
    """Return the JSON value of a mapped code for a place of this type."""
    if fhir_type == "Coding":
        return conceptmap.coding(target)
    if fhir_type == "CodeableConcept":
        return {"coding": [conceptmap.coding(target)]}
    return target.code


def look_up(
    conceptmap: ConceptMap, code: str, local: Mapping[str, Mapping[str, str]] | None
) -> MapTarget | None:
    """Return the target of a code, the words of the site first; None when the map lacks it."""
    if local:
        own = local.get(conceptmap.name, {}).get(code)
        if own is not None:
            shared = next((t for t in conceptmap.codes.values() if t.code == own), None)
            return shared or MapTarget(code=own)
    return conceptmap.codes.get(code)
