"""The fold of a stay: its Encounter and one Encounter per movement, out of all that was said.

Elements a message says once for the stay are merged per element (`fhir.fold.merge`); status,
class, period, places, attending and the way out follow the live movements of the ledger, so that
a cancelled movement leaves no trace and needs no special case.
"""

from collections.abc import Sequence

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.fhir.fold import merge
from gateway.hl7v2.classes import CareClass, class_coding, classify, kind_coding, sector_tag
from gateway.hl7v2.ledger import DISCHARGE, PLANNED, Ledger, Moment, settle
from gateway.hl7v2.steps import State, Step, beginning, period, spans, steps_of

ENCOUNTER = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-encounter"
PMSI = "https://relais.example/fhir/StructureDefinition/pmsi-movement"
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

#: Parts of the PMSI extension that tell a way out: said by the discharge that stands.
_WAY_OUT = ("modeSortie", "destination")
_PMSI_ORDER = ("modeEntree", "provenance", "passageUrgences", *_WAY_OUT)

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
    merged = merge(target, contributions)
    if merged is None:
        return []
    if hospitalization := _hospitalization(contributions):
        merged["hospitalization"] = hospitalization
    ledger = settle(contributions)
    steps = steps_of(ledger)
    if not steps:
        return [_without_movement(merged, ledger)]
    stay = _stay(merged, steps, ledger)
    return [stay, *_movements(stay, steps)]


def _hospitalization(contributions: Sequence[Contribution]) -> Json:
    """Merge `hospitalization` per part: a letter and a movement each know some of them."""
    told: Json = {}
    speaking = [part for part in contributions if "hospitalization" in part.resource]
    for part in sorted(speaking, key=lambda item: (item.version, item.ordinal)):
        told = merge_hospitalization(told, part.resource["hospitalization"])
    return told


def merge_hospitalization(old: Json, new: Json) -> Json:
    """Merge two hospitalizations: the new part wins, codings of other systems stay.

    Args:
        old: what was known.
        new: what is said later.

    Returns:
        A new hospitalization.
    """
    merged = dict(old)
    for name, value in new.items():
        codings = value.get("coding") if isinstance(value, dict) else None
        if codings and name in merged:
            systems = {coding.get("system") for coding in codings}
            kept = [c for c in merged[name].get("coding", ()) if c.get("system") not in systems]
            merged[name] = {**merged[name], **value, "coding": [*codings, *kept]}
        else:
            merged[name] = value
    return merged


def _stay(merged: Json, steps: list[Step], ledger: Ledger) -> Json:
    """Write what the movements decide over what the messages said."""
    last = steps[-1]
    present = [step for step in steps if step.movement.event not in PLANNED] or steps
    end = last.start if last.status == "finished" else None
    place = last.place or _restored_place(last.status, ledger)
    stay = dict(merged)
    stay["status"] = last.status
    if past := _past_statuses(steps):
        stay["statusHistory"] = past
    _set_class(stay, last.care)
    if past := _past_classes(present):
        stay["classHistory"] = past
    stay["period"] = period(beginning(steps), end)
    if last.provider is not None:
        stay["serviceProvider"] = last.provider
    if places := _places(present, end, place):
        stay["location"] = places
    if attending := _attending(present, end):
        stay["participant"] = [*_other_participants(merged, attending), *attending]
    _set_way_out(stay, last)
    _set_pmsi(stay, _stay_pmsi(steps))
    return _ordered(stay)


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
    _set_class(encounter, step.care)
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
    _set_pmsi(encounter, step.movement.pmsi)
    return _ordered(encounter)


def _without_movement(merged: Json, ledger: Ledger) -> Json:
    """Finish a stay of which no live movement is known: a document's, or a cancelled one."""
    stay = dict(merged)
    state = State()
    for movement in ledger.cancelled:
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
    if state.patient_class or "class" not in stay:
        care = classify(state.patient_class, state.treatment, state.unit_sector)
        _set_class(stay, care)
    stay.setdefault("status", "unknown")
    stay.setdefault("period", UNKNOWN)
    return _ordered(stay)


def _set_class(encounter: Json, care: CareClass) -> None:
    """Write class, kind of contact and sector tag."""
    encounter["class"] = class_coding(care)
    kind = kind_coding(care)
    if kind is not None:
        said = encounter.get("type") or [{}]
        coding = [*(c for c in said[0].get("coding", ()) if c != kind), kind]
        encounter["type"] = [{**said[0], "coding": coding}]
    tag = sector_tag(care)
    if tag is not None:
        meta = encounter.get("meta", {})
        others = [item for item in meta.get("tag", ()) if item["system"] != tag["system"]]
        encounter["meta"] = {**meta, "tag": [*others, tag]}


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
        return [_placed(place, steps[-1].status, None, None)]
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


def _set_way_out(stay: Json, last: Step) -> None:
    """Write disposition and destination of the discharge that stands, and of no other."""
    told = last.movement.said.get("hospitalization") if last.status == "finished" else None
    if not told:
        return
    stay["hospitalization"] = merge_hospitalization(stay.get("hospitalization", {}), told)


def _stay_pmsi(steps: list[Step]) -> Json:
    parts: Json = {}
    for step in steps:
        out = step.movement.event == DISCHARGE and steps[-1].status == "finished"
        for name, value in step.movement.pmsi.items():
            if name not in _WAY_OUT or out:
                parts[name] = value
    return parts


def _set_pmsi(encounter: Json, parts: Json) -> None:
    """Write modes of entry and exit (ZFM) in their extension, parts in a fixed order."""
    if not parts:
        return
    extension = {
        "url": PMSI,
        "extension": [
            {"url": name, "valueCode": parts[name]} for name in _PMSI_ORDER if name in parts
        ],
    }
    encounter["extension"] = [*encounter.get("extension", ()), extension]


_ORDER = {
    name: index
    for index, name in enumerate(
        (
            "resourceType",
            "id",
            "meta",
            "extension",
            "identifier",
            "status",
            "statusHistory",
            "class",
            "classHistory",
            "type",
            "serviceType",
            "priority",
            "subject",
            "episodeOfCare",
            "basedOn",
            "participant",
            "appointment",
            "period",
            "reasonCode",
            "account",
            "hospitalization",
            "location",
            "serviceProvider",
            "partOf",
        )
    )
}


def _ordered(encounter: Json) -> Json:
    """Put elements in the order of FHIR, so that equal content has equal bytes."""
    if encounter.keys() <= _ORDER.keys():
        return {name: encounter[name] for name in _ORDER if name in encounter}
    return {key: encounter[key] for key in sorted(encounter, key=lambda name: _ORDER.get(name, 15))}
