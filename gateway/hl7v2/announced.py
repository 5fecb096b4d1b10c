"""What is announced of a stay and has not happened yet: a pending transfer, a pending discharge.

It is planned beside the stay, which goes on as it is: a place is kept, a day is expected. It is
over once a later word tells that it happened, and gone when it is cancelled.
Standard: PAM France 2.11 2, events A15, A16, A25, A26.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.core.contributions import Contribution, Json
from gateway.hl7v2.classes import CareClass
from gateway.hl7v2.encounters import ENCOUNTER, EXPECTED_DISCHARGE, ordered, set_class
from gateway.hl7v2.ledger import (
    DISCHARGE,
    PENDING,
    PENDING_DISCHARGE,
    PENDING_TRANSFER,
    TRANSFER,
    Ledger,
    Moment,
    Movement,
)
from gateway.hl7v2.steps import State, Step, period
from gateway.hl7v2.way_out import set_pmsi

#: Movements that make an announcement happen, or pointless.
_ENDS = {
    PENDING_TRANSFER: frozenset({TRANSFER, DISCHARGE}),
    PENDING_DISCHARGE: frozenset({DISCHARGE}),
}
#: Characters of a FHIR date.
_DAY = 10


@dataclass(frozen=True, slots=True)
class Announced:
    """A pending transfer or discharge beside the steps.

    Attributes:
        start: when it is expected, else when it was announced.
        over: start of the step that made it happen, None while it stands.
    """

    movement: Movement
    start: Moment
    care: CareClass
    over: Moment | None


def announced_of(ledger: Ledger, steps: Sequence[Step]) -> list[Announced]:
    """Return the pending movements that are no steps, in order of time.

    One is over once a transfer or discharge was told after it; the order of telling counts,
    since what is planned for ten o'clock may happen at nine.
    Spec: PAM France 2.11 2 (events A15, A16).
    """
    told = {step.movement.key for step in steps}
    pending = [m for m in ledger.live if m.event in PENDING and m.key not in told]
    if not pending:
        return []
    state = State()
    for step in steps:
        state.take(step.movement)
    found = [
        Announced(
            movement=movement,
            start=movement.planned or movement.start,
            care=state.care_of(movement),
            over=_overtaken(movement, ledger, steps),
        )
        for movement in pending
    ]
    return sorted(found, key=lambda one: (one.start[0], one.movement.key))


def _overtaken(movement: Movement, ledger: Ledger, steps: Sequence[Step]) -> Moment | None:
    """Return when a movement happened that was told after its announcement."""
    ends = _ENDS[movement.event]
    told = ledger.said[movement.key]
    starts = [
        step.start
        for step in steps
        if step.movement.event in ends and ledger.said[step.movement.key] > told
    ]
    return min(starts, default=None)


def announced_encounter(stay: Json, one: Announced) -> Json:
    """Make the Encounter of a pending transfer or discharge: planned until it happens."""
    said = one.movement.said
    encounter: Json = {
        "resourceType": "Encounter",
        "id": one.movement.id,
        "meta": {"profile": [ENCOUNTER]},
        "identifier": said["identifier"],
        "status": "planned" if one.over is None else "finished",
    }
    set_class(encounter, one.care)
    if "subject" in stay:
        encounter["subject"] = stay["subject"]
    # What was planned for later than it happened has lasted no time.
    start = one.start if one.over is None else min(one.start, one.over)
    encounter["period"] = period(start, one.over)
    if "hospitalization" in said and one.movement.event == PENDING_DISCHARGE:
        encounter["hospitalization"] = said["hospitalization"]
    if one.movement.reserved and one.over is None:
        encounter["location"] = [_kept(one)]
    if "serviceProvider" in said:
        encounter["serviceProvider"] = said["serviceProvider"]
    encounter["partOf"] = {"reference": f"Encounter/{stay['id']}"}
    if "security" in stay.get("meta", {}):
        encounter["meta"]["security"] = stay["meta"]["security"]
    set_pmsi(encounter, one.movement.pmsi)
    return ordered(encounter)


def reserved_places(announced: Sequence[Announced]) -> list[Json]:
    """Return the places that are kept for the transfers that are still pending."""
    return [
        _kept(one)
        for one in announced
        if one.over is None and one.movement.event == PENDING_TRANSFER and one.movement.reserved
    ]


def _kept(one: Announced) -> Json:
    return {**one.movement.reserved, "status": "reserved", "period": {"start": one.start[1]}}


def without_expected_discharge(part: Contribution) -> Contribution:
    """Take PV2-9 out of what a pending discharge says of the stay for good.

    Else its cancellation would leave the day behind.
    """
    row = part.movement
    if not row or row["event"] != PENDING_DISCHARGE or "extension" not in part.resource:
        return part
    kept = [one for one in part.resource["extension"] if one["url"] != EXPECTED_DISCHARGE]
    resource = {**part.resource, "extension": kept}
    if not kept:
        del resource["extension"]
    return replace(part, resource=resource)


def set_expected_discharge(stay: Json, announced: Sequence[Announced]) -> None:
    """Let a pending discharge that stands tell the day the stay is expected to end.

    It goes with its cancellation, which a value of PV2-9 would not.
    Spec: PAM France 2.11 2 (event A16), EVN-3; FR Core fr-core-estimated-discharge-date.
    """
    days = [
        one.movement.planned[1][:_DAY]
        for one in announced
        if one.over is None and one.movement.event == PENDING_DISCHARGE and one.movement.planned
    ]
    if not days or len(days[-1]) < _DAY:
        return
    others = [one for one in stay.get("extension", ()) if one["url"] != EXPECTED_DISCHARGE]
    stay["extension"] = [*others, {"url": EXPECTED_DISCHARGE, "valueDate": days[-1]}]
