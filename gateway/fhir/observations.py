"""The fold of results: a later word about a result replaces what was found, not who is meant.

A correction says the whole result again; what it does not repeat (a flag, a range, another form
of the value) does not stand any more. A word without value, such as one that takes a result back,
leaves what was found as it was.
Standard: HL7 v2.5 7.4.2 (OBX), 7.4.2.11 (OBX-11: C, D, W); FHIR R4 obs-6, one value.
"""

from collections.abc import Sequence
from dataclasses import replace

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.fhir.fold import merge, merge_keyed

_BESIDE = ("component", "dataAbsentReason", "interpretation", "referenceRange", "note", "method")
_TAKEN_BACK = "entered-in-error"


class ObservationFold:
    """The fold of Observation."""

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim nothing."""
        return ()

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Merge per element; only the last word that has a value speaks of what was found."""
        if len(parts) > 1:
            ordered = sorted(parts, key=lambda part: (part.version, part.ordinal))
            telling = [part for part in ordered if _tells(part.resource)]
            last = telling[-1] if telling else None
            parts = [part if part is last else _without_finding(part) for part in ordered]
        merged = merge(target, parts)
        return [] if merged is None else [merged]


class ReportFold:
    """The fold of DiagnosticReport: what one message reports is added to what others did."""

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim nothing."""
        return ()

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Merge per element; a result that any message reports stays in the report."""
        merged = merge(target, parts)
        if merged is None:
            return []
        results: list[Json] = []
        for part in sorted(parts, key=lambda part: (part.version, part.ordinal)):
            results = merge_keyed(results, part.resource.get("result", ()), _reference)
        return [{**merged, "result": results} if results else merged]


def _reference(item: Json) -> str:
    return str(item.get("reference", ""))


def _tells(observation: Json) -> bool:
    """Tell whether a word says what was found, or why nothing was."""
    if any(name.startswith("value") or name == "component" for name in observation):
        return True
    return "dataAbsentReason" in observation and observation.get("status") != _TAKEN_BACK


def _without_finding(part: Contribution) -> Contribution:
    kept = {
        name: value
        for name, value in part.resource.items()
        if not name.startswith("value") and name not in _BESIDE
    }
    return replace(part, resource=kept)
