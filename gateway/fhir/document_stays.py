"""Which stay a document is about, when it comes without the message of that stay.

A document tells of its stay by number and dates, and makes an Encounter of its own when nobody
else tells of that stay. Once a stay fits, the Encounter of the document gives way to it: what
points to the one points to the other, and the stay hears what the document alone knows. All of
it is computed from both sides as they are (ADR 0010), so the order of arrival does not matter.
Does not look for candidates (`pipeline.document_stays`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.core.contributions import Contribution, Json, Target
from gateway.core.systems import FHIR_BASE
from gateway.fhir.fold import merge
from gateway.fhir.stay_match import NO_MATCH, Match, Stay, reference_id, stay_of
from gateway.fhir.survivors import repointed

#: On a word about the Encounter of a document: the stay that the message around it names.
SAME_STAY = f"{FHIR_BASE}/StructureDefinition/same-stay"
#: On a reference to a stay: how it was found, when that is not certain.
STAY_MATCH = f"{FHIR_BASE}/StructureDefinition/stay-match"
QUALITY = f"{FHIR_BASE}/CodeSystem/data-quality"
#: Tag of an Encounter that a document makes.
UNMATCHED = "unmatched-from-cda"
#: Tag of an Encounter that a document mentions: another one than it is about.
STATED = "stated-in-document"

#: What a stay hears of a document: never who, when, or which stay it is.
_HEARD = ("hospitalization", "participant", "location")


def is_of_document(encounter: Json) -> bool:
    """Tell whether a document makes an Encounter, or what a document says makes it."""
    tags = encounter.get("meta", {}).get("tag", ())
    return any(tag.get("code") == UNMATCHED for tag in tags)


def is_of_feed(encounter: Json) -> bool:
    """Tell whether the stay of a document may be this Encounter: no document alone tells of it."""
    tags = encounter.get("meta", {}).get("tag", ())
    return not any(tag.get("code") in (UNMATCHED, STATED) for tag in tags)


def _told(resource: Json) -> str:
    for item in resource.get("extension", ()):
        if item.get("url") == SAME_STAY:
            name: str = item["valueReference"]["reference"]
            return name.removeprefix("Encounter/")
    return ""


def document_stay(target: Target, parts: Sequence[Contribution]) -> Stay | None:
    """Return the stay a document tells of, None when none does (any more)."""
    if not any(is_of_document(part.resource) for part in parts):
        return None
    latest = sorted(parts, key=lambda part: (part.version, part.ordinal))
    told = [found for part in latest if (found := _told(part.resource))]
    merged = merge(target, parts) or {"id": target.id}
    return replace(stay_of(merged), told=told[-1] if told else "")


@dataclass(frozen=True, slots=True)
class DocumentStays:
    """The matches that concern some targets.

    Attributes:
        matches: by id of the Encounter of the document.
        parts: what documents say of their stays, by the same id.
    """

    matches: Mapping[str, Match] = field(default_factory=dict)
    parts: Mapping[str, Sequence[Contribution]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.matches)

    def gone(self) -> set[Target]:
        """Return the Encounters of documents that gave way to a stay, or never came to be."""
        return {Target("Encounter", one) for one, found in self.matches.items() if found.stay}

    def heard(self, parts: Mapping[Target, list[Contribution]]) -> dict[Target, list[Contribution]]:
        """Return what counts for each stay among `parts` that a document is about."""
        found: dict[Target, list[Contribution]] = {}
        for one, made in sorted(self.matches.items()):
            target = Target("Encounter", made.stay)
            if made.stay and parts.get(target):
                own = found.get(target, parts[target])
                found[target] = [*own, *_taken(self.parts.get(one, ()), target)]
        return found

    def applied(self, target: Target, resources: Sequence[Json]) -> list[Json]:
        """Return the folded resources of a target as the matches make them."""
        if target.type == "Encounter" and target.id in self.matches:
            if self.matches[target.id].stay:
                return []
            return [_without_word(resource) for resource in resources]
        names = {
            f"Encounter/{one}": f"Encounter/{found.stay}"
            for one, found in self.matches.items()
            if found.stay
        }
        made = []
        for resource in resources:
            told = resource
            if resource["resourceType"] == "DocumentReference":
                told = self._explained(resource)
            made.append(repointed(told, names) if names else told)
        return made

    def _explained(self, document: Json) -> Json:
        """Say on a document how its stay was found, when that is not certain."""
        context = document.get("context", {})
        tags: list[str] = []
        encounters = []
        for reference in context.get("encounter", ()):
            found = self.matches.get(reference_id(reference), NO_MATCH)
            tags += _doubts(found)
            encounters.append({**reference, "extension": [_explanation(found)]}
                              if _doubts(found) else reference)  # fmt: skip
        if not tags:
            return document
        meta = document.get("meta", {})
        marks = [{"system": QUALITY, "code": tag} for tag in dict.fromkeys(tags)]
        return {
            **document,
            "meta": {**meta, "tag": [*meta.get("tag", ()), *marks]},
            "context": {**context, "encounter": encounters},
        }


def _taken(parts: Iterable[Contribution], stay: Target) -> list[Contribution]:
    """Return what a document says of the course of a stay, as of one that is not its master."""
    taken = []
    for part in parts:
        said = {name: part.resource[name] for name in _HEARD if name in part.resource}
        if said and not part.annotates:
            resource = {"resourceType": stay.type, "id": stay.id, **said}
            version = part.version.background()
            taken.append(
                replace(part, target=stay, resource=resource, version=version, removals=())
            )
    return taken


def _without_word(encounter: Json) -> Json:
    """Drop the word about another stay: it is for matching and not published."""
    kept = [item for item in encounter.get("extension", ()) if item.get("url") != SAME_STAY]
    rest = {name: value for name, value in encounter.items() if name != "extension"}
    return {**rest, "extension": kept} if kept else rest


def _doubts(found: Match) -> list[str]:
    """Return the tags of a document whose stay is not certain."""
    doubts = []
    if found.reason == "several":
        doubts.append("stay-ambiguous")
    elif found.stay and found.score < 1:
        doubts.append("stay-not-certain")
    return [*doubts, "stay-dates-differ"] if found.conflicts else doubts


def _explanation(found: Match) -> Json:
    parts: list[dict[str, Any]] = [{"url": "reason", "valueCode": found.reason}]
    if found.stay:
        parts.append({"url": "score", "valueDecimal": found.score})
    parts += [{"url": "conflict", "valueCode": name} for name in found.conflicts]
    parts += [
        {"url": "candidate", "valueReference": {"reference": f"Encounter/{one}"}}
        for one in found.candidates
    ]
    return {"url": STAY_MATCH, "extension": parts}
