"""The fold of an appointment: a message that names no resource leaves the resources as they are.

All else is merged as for any type. A cancellation is often sent with the numbers alone; the
patient and who entered it are in every message and say nothing of place and professionals.
Standard: HL7 v2.5 10.4 (SIU), 10.6.4 to 10.6.7 (AIS, AIG, AIL, AIP).
"""

from collections.abc import Sequence
from dataclasses import replace

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.fhir.fold import merge

_ENTERER = "ENT"


class AppointmentFold:
    """The fold of Appointment."""

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim nothing."""
        return ()

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Merge per element; only messages that name resources speak of the participants."""
        naming = [_names_resources(part.resource) for part in parts]
        if any(naming) and not all(naming):
            parts = [
                part if names else _without_participants(part)
                for part, names in zip(parts, naming, strict=True)
            ]
        merged = merge(target, parts)
        return [] if merged is None else [merged]


def _names_resources(resource: Json) -> bool:
    return any(
        not _is_in_every_message(participant) for participant in resource.get("participant", ())
    )


def _is_in_every_message(participant: Json) -> bool:
    actor = str(participant.get("actor", {}).get("reference", ""))
    kinds = {
        coding.get("code")
        for kind in participant.get("type", ())
        for coding in kind.get("coding", ())
    }
    return actor.startswith("Patient/") or _ENTERER in kinds


def _without_participants(part: Contribution) -> Contribution:
    said = {name: value for name, value in part.resource.items() if name != "participant"}
    return replace(part, resource=said)
