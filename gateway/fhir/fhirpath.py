"""FHIRPath (HL7 FHIRPath N1): expressions compiled once, asked about one value of a resource.

The home of `fhirpathpy`. Serves invariants of profiles and FHIRPath Patch; never
the mapping or the pathway engine.
"""

from functools import lru_cache
from typing import Any

import fhirpathpy
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models

_R4 = models["r4"]


def holds(expression: str, value: Any, path: str, resource: dict[str, Any]) -> bool | None:
    """Tell whether an invariant holds for a value; None when the engine cannot say.

    Args:
        expression: FHIRPath that gives a boolean.
        value: JSON of the element; of a primitive, its value.
        path: what the value is: a type (`HumanName`) or an element (`Patient.contact`).
        resource: the resource around it, `%resource`.
    """
    got = _given(expression, value, path, resource)
    # FHIR R4 2.1.0.4: an invariant holds when it gives true; empty is no violation either.
    return all(item is not False for item in got) if isinstance(got, list) else None


def selects(expression: str, value: Any, path: str, resource: dict[str, Any]) -> bool | None:
    """Tell whether a criterion is true for a value; None when the engine cannot say.

    Unlike an invariant, a criterion that gives nothing selects nothing (FHIRPath N1 5.2.1, where).

    Args:
        expression: FHIRPath that gives a boolean.
        value: JSON of the element.
        path: what the value is: a type or an element.
        resource: the resource around it, `%resource`.
    """
    got = _given(expression, value, path, resource)
    return None if got is None else bool(got == [True])


def _given(expression: str, value: Any, path: str, resource: dict[str, Any]) -> Any:
    """Return what the engine gives; None when it cannot say, which the judge then tells."""
    try:
        asked = _compiled(expression)
        around = {"resource": resource, "rootResource": resource}
        got = asked(ResourceNode.create_node(value, path), around)  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001 - the engine of another, on an expression of another
        return None
    return got


def is_understood(expression: str) -> bool:
    """Tell whether the engine can read an expression."""
    try:
        _compiled(expression)
    except Exception:  # noqa: BLE001 - see `_given`
        return False
    return True


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Any:
    return fhirpathpy.compile(expression, _R4, {"traceFn": _quiet})


def _quiet(*_traced: object) -> None:
    """Print nothing where an invariant traces: what it traces is of a patient."""
