"""The fold of a stay: its Encounter and one Encounter per movement, out of all that was said.

Elements a message says once for the stay are merged per element (`fhir.fold.merge`); status,
class, period, places, attending and the way out follow the live movements of the ledger, so that
a cancelled movement leaves no trace and needs no special case.
"""

from collections.abc import Sequence

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.fhir.fold import merge
from gateway.hl7v2.announced import (
    Announced,
    announced_encounter,
    announced_of,
    reserved_places,
    set_expected_discharge,
    without_expected_discharge,
)
from gateway.hl7v2.classes import class_coding, classify
from gateway.hl7v2.encounters import ENCOUNTER, ordered, set_class
from gateway.hl7v2.ledger import DISCHARGE, PLANNED, Ledger, Moment, settle
from gateway.hl7v2.steps import State, Step, beginning, ending, period, spans, steps_of
from gateway.hl7v2.way_out import hospitalization_of, set_pmsi, set_stay_pmsi, set_way_out

UNKNOWN = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}

#: Status of a stay of which only cancellations are known: what each one restores.
_RESTORED = {
    "A11": "cancelled",
    "A38": "cancelled",
    "A27": "cancelled",
    "A53": "onleave",
}

#: HL7 event A21 announces leave, A16 and A03 tell a discharge: they may carry a way out.
_LEAVING = frozenset({"A03", "A16", "A21"})


class StayFold:
    """The rules of a stay on top of the merge per element."""

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim nothing."""
        return ()

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Return the stay and its movements."""
        return fold_stay(target, parts)


def fold_stay(target: Target, contributions: Sequence[Contribution]) -> list[Json]:
    """Fold all that was said about a stay.

    Args:
        target: the stay.
        contributions: all of them, any order, duplicates allowed.

    Returns:
        The stay Encounter, then one Encounter per live movement in order of time; nothing when
        every contribution only annotates.

    Spec: PAM France 2.11 5.1 to 5.3 (visit, movement, ZBE); HL7 v2.5 3.3.
    """
    merged = merge(target, [without_expected_discharge(part) for part in contributions])
    if merged is None:
        return []
    if hospitalization := hospitalization_of(contributions):
        merged["hospitalization"] = hospitalization
    ledger = settle(contributions)
    steps = steps_of(ledger)
    if not steps:
        return [_without_movement(merged, ledger)]
    announced = announced_of(ledger, steps)
    stay = _stay(merged, steps, ledger, announced)
    return [stay, *_movements(stay, steps), *(announced_encounter(stay, one) for one in announced)]


def _stay(merged: Json, steps: list[Step], ledger: Ledger, announced: Sequence[Announced]) -> Json:
    """Write what the movements decide over what the messages said."""
    last = steps[-1]
    present = [step for step in steps if step.movement.event not in PLANNED] or steps
    end = ending(steps)
    place = last.place or _restored_place(last.status, ledger)
    stay = dict(merged)
    stay["status"] = last.status
    if past := _past_statuses(steps):
        stay["statusHistory"] = past
    set_class(stay, last.care)
    if past := _past_classes(present):
        stay["classHistory"] = past
    stay["period"] = period(beginning(steps), end)
    if last.provider is not None:
        stay["serviceProvider"] = last.provider
    places = _places(present, end, place)
    if last.status == "planned" and places:
        # The place waits for the expected admission, not since it was announced.
        places[-1]["period"] = stay["period"]
    places += reserved_places(announced)
    if places:
        stay["location"] = places
    if attending := _attending(present, end):
        stay["participant"] = [*_other_participants(merged, attending), *attending]
    exit_ = None
    if end is not None:
        exit_ = next(step for step in reversed(steps) if step.movement.event == DISCHARGE)
    set_way_out(stay, exit_)
    set_stay_pmsi(stay, steps, exit_)
    set_expected_discharge(stay, announced)
    return ordered(stay)


def _movements(stay: Json, steps: list[Step]) -> list[Json]:
    """Make one Encounter per movement, each ending where the next one starts."""
    made = []
    for index, step in enumerate(steps):
        following = steps[index + 1].start if index + 1 < len(steps) else None
        made.append(_movement(stay, step, following))
    return made


def _movement(stay: Json, step: Step, following: Moment | None) -> Json:
    over = following is not None or step.status == "finished"
    end = following or (step.start if over else None)
    said = step.movement.said
    encounter: Json = {
        "resourceType": "Encounter",
        "id": step.movement.id,
        "meta": {"profile": [ENCOUNTER]},
        "identifier": said["identifier"],
        "status": "finished" if over else step.status,
    }
    set_class(encounter, step.care)
    if "subject" in stay:
        encounter["subject"] = stay["subject"]
    if step.attending is not None:
        encounter["participant"] = [step.attending]
    encounter["period"] = period(step.start, end)
    if "hospitalization" in said and step.movement.event in _LEAVING:
        encounter["hospitalization"] = said["hospitalization"]
    # Nobody is in the place during a leave, nor was there during a pre-admission that is over.
    was_there = step.status != "onleave" and not (over and step.status == "planned")
    if step.place is not None and was_there:
        encounter["location"] = [_placed(step.place, step.status, step.start, end)]
    if step.provider is not None:
        encounter["serviceProvider"] = step.provider
    encounter["partOf"] = {"reference": f"Encounter/{stay['id']}"}
    if "security" in stay.get("meta", {}):
        encounter["meta"]["security"] = stay["meta"]["security"]
    set_pmsi(encounter, step.movement.pmsi)
    return ordered(encounter)


def _without_movement(merged: Json, ledger: Ledger) -> Json:
    """Finish a stay of which no live movement is known: a document's, or a cancelled one."""
    stay = dict(merged)
    state = State()
    for movement in (*ledger.waiting, *ledger.cancelled):
        state.take(movement)
    if ledger.cancelled:
        last = ledger.cancelled[-1]
        stay["status"] = _RESTORED.get(last.trigger, "in-progress")
        if last.trigger == "A11" and last.preadmission:
            stay["status"] = "planned"
        start = last.admitted
        if stay["status"] == "cancelled":
            start = start or last.start
        elif stay["status"] == "planned":
            start = last.planned or start
        elif state.place is not None:
            stay["location"] = [_placed(state.place, stay["status"], start, None)]
        if start is not None:
            stay["period"] = {"start": start[1]}
        if state.provider is not None:
            stay["serviceProvider"] = state.provider
        if state.attending is not None and stay["status"] in ("in-progress", "onleave"):
            stay["participant"] = [
                *_other_participants(merged, [state.attending]),
                state.attending,
            ]
    if state.patient_class or "class" not in stay:
        care = classify(state.patient_class, state.treatment, state.unit_sector)
        set_class(stay, care)
    stay.setdefault("status", "unknown")
    stay.setdefault("period", UNKNOWN)
    return ordered(stay)


def _past_statuses(steps: list[Step]) -> list[Json]:
    return [
        {"status": status, "period": period(start, end)}
        for status, start, end in spans([(step.status, step.start) for step in steps])
        if end is not None
    ]


def _past_classes(steps: list[Step]) -> list[Json]:
    return [
        {"class": class_coding(care), "period": period(start, end)}
        for care, start, end in spans([(step.care, step.start) for step in steps])
        if end is not None
    ]


def _places(steps: list[Step], end: Moment | None, place: Json | None) -> list[Json]:
    """Return the places of the stay; nobody is in a place during a leave."""
    told = [(None if step.status == "onleave" else step.place, step.start) for step in steps]
    if end is not None:
        told.append((None, end))
    places = [
        _placed(value, steps[-1].status, start, until)
        for value, start, until in spans(told)
        if value is not None
    ]
    if not places and place is not None:
        return [_placed(place, steps[-1].status, None, end)]
    return places


def _attending(steps: list[Step], end: Moment | None) -> list[Json]:
    told = [(step.attending, step.start) for step in steps]
    if end is not None:
        told.append((None, end))
    return [
        {**value, "period": period(start, until)}
        for value, start, until in spans(told)
        if value is not None
    ]


def _other_participants(merged: Json, attending: list[Json]) -> list[Json]:
    known = [person.get("individual") for person in attending]
    types = [person.get("type") for person in attending]
    return [
        person
        for person in merged.get("participant", ())
        if person.get("type") not in types or person.get("individual") not in known
    ]


def _placed(place: Json, status: str, start: Moment | None, end: Moment | None) -> Json:
    """Return an entry of `Encounter.location` with its status and period."""
    current = "planned" if status == "planned" else "active"
    state = current if end is None else "completed"
    entry = {**place, "status": state}
    if start is not None:
        entry["period"] = period(start, end)
    return entry


def _restored_place(status: str, ledger: Ledger) -> Json | None:
    """Return the place a cancellation names: the one that is current again.

    Only used when no live movement tells one: the ledger knows better.
    Spec: PAM France 2.11 5.3.3, cancellation of a transfer.
    """
    if status != "in-progress":
        return None
    for movement in reversed(ledger.cancelled):
        if movement.said.get("location") and movement.trigger != "A11":
            found: Json = movement.said["location"][0]
            return found
    return None
