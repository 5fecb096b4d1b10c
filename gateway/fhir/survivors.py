"""What follows from links: who stands for whom, what each record shows, whose a resource is.

All of it is computed from the set of words (`fhir.links`, `fhir.accounts`) alone, so that any
order of arrival gives the same store (ADR 0009).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.core.contributions import Contribution, Json, Target
from gateway.core.envelope import INS_ROOTS
from gateway.fhir.accounts import Moved, moved_of
from gateway.fhir.links import NOTHING, OLD_NUMBER, Replaced, Said, said_of, seealso, tells_link

_FR_CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
#: What says who somebody is: never taken from the words of a number that was merged away.
_TRAITS = frozenset(
    {"name", "birthDate", "gender", "multipleBirthBoolean", "multipleBirthInteger", "active"}
)
_TRAIT_EXTENSIONS = frozenset(
    {
        _FR_CORE + "fr-core-identity-reliability",
        _FR_CORE + "fr-core-patient-birthdate-update-indicator",
        "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
    }
)
#: Elements that say whom a resource is about.
_WHOSE = ("subject", "patient")
_INS_SYSTEMS = frozenset(f"urn:oid:{root}" for root in INS_ROOTS)


@dataclass(frozen=True, slots=True)
class Links:
    """The links between some Patients, complete for each of them.

    Attributes:
        said: by id of the Patient.
        moved: dossiers that were moved to another patient, by id of the Account.
        stays: id of the Account of each stay that is in one of them, by id of the Encounter.
        named: every Patient that the moves of a dossier name, or named until now, by id of the
            Account.
        turned: Patients for whom another one stands from now on, or no other one any more.
    """

    said: Mapping[str, Said] = field(default_factory=dict)
    moved: Mapping[str, Moved] = field(default_factory=dict)
    stays: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)
    turned: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.said or self.moved)

    def and_those(self, others: "Links") -> "Links":
        """Return these links and others."""
        if not others:
            return self
        return Links(
            said={**self.said, **others.said},
            moved={**self.moved, **others.moved},
            stays={**self.stays, **others.stays},
            named={**self.named, **others.named},
            turned=self.turned | others.turned,
        )

    def survivor(self, patient_id: str) -> str:
        """Return the Patient that stands for one; in a circle each stands for itself."""
        seen, current = {patient_id}, patient_id
        while (edge := self.said.get(current, NOTHING).replaced) is not None:
            current = edge.new
            if current in seen:
                return patient_id
            seen.add(current)
        return current

    def circle(self) -> str | None:
        """Return a Patient whose replacements lead back to it, None without any."""
        for patient_id in sorted(self.said):
            current, seen = patient_id, set[str]()
            while current not in seen:
                seen.add(current)
                edge = self.said.get(current, NOTHING).replaced
                if edge is None:
                    break
                current = edge.new
            else:
                return current
        return None

    def survivors(self) -> dict[str, str]:
        """Return who stands for each Patient that gave way."""
        return {old: new for old in sorted(self.said) if (new := self.survivor(old)) != old}

    def owner(self, patient_id: str, account_id: str) -> str:
        """Return whose is what was told under a Patient about a dossier; its survivor.

        Args:
            patient_id: the Patient it was told under.
            account_id: the dossier; empty for what is about none.
        """
        own = self.survivor(patient_id)
        moved = self.moved.get(account_id)
        if moved is None or own not in {self.survivor(one) for one in moved.members}:
            return own
        return self.survivor(moved.owner)

    def are_apart(self, one: str, other: str) -> bool:
        """Tell whether the last word on two Patients is that they are two persons."""
        said = self.said.get(one, NOTHING), self.said.get(other, NOTHING)
        return other in said[0].apart and one in said[1].apart

    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of Patients that are one person by a word of an input."""
        found = list(self.survivors().items())
        for own, said in sorted(self.said.items()):
            found += [(own, other) for other in sorted(said.linked)]
        return found

    # --- what a Patient hears -----------------------------------------------------------------

    def heard(self, parts: Mapping[Target, list[Contribution]]) -> dict[Target, list[Contribution]]:
        """Return what counts for each Patient that gave way or stands for others.

        A record that gave way stays as it was then. What is said later under its number counts
        for the survivor, except who that is: traits, identity status and INS are those the
        survivor's own number tells. A changed number changes nothing else: the new record hears
        all that was ever said under the old one.

        Args:
            parts: contributions of all Patients of the links.
        """
        survivors = self.survivors()
        found: dict[Target, list[Contribution]] = {}
        for patient_id in sorted({*survivors, *survivors.values()}):
            target = Target("Patient", patient_id)
            heard = self._heard(target, parts, survivors)
            edge = self.said.get(patient_id, NOTHING).replaced
            if patient_id in survivors and edge is not None:
                heard = [p for p in heard if not is_later(p, edge) or tells_link(p)]
            found[target] = heard
        return found

    def _heard(
        self,
        target: Target,
        parts: Mapping[Target, list[Contribution]],
        survivors: Mapping[str, str],
    ) -> list[Contribution]:
        heard = list(parts.get(target, ()))
        for old in survivors:
            edge = self.said[old].replaced
            if edge is not None and edge.new == target.id:
                below = self._heard(Target("Patient", old), parts, survivors)
                heard += [_taken(part, target, edge) for part in below if _counts(part, edge)]
        return heard

    # --- what is written ----------------------------------------------------------------------

    def applied(self, resources: Sequence[Json]) -> list[Json]:
        """Return the folded resources of one target as the links make them."""
        survivors = self.survivors()
        names = {f"Patient/{old}": f"Patient/{new}" for old, new in survivors.items()}
        dossier = self._dossier(resources)
        made = []
        for resource in resources:
            if resource["resourceType"] == "Patient":
                made.append(self._linked(resource))
                continue
            given = self._given(resource, dossier) if dossier else resource
            made.append(repointed(given, names) if names else given)
        return made

    def _dossier(self, resources: Sequence[Json]) -> str:
        """Return the moved dossier of some resources, empty when they are of none.

        It is an Account itself, that of a stay with its movements, or that of the stay a letter,
        an order or an observation is about.
        """
        for resource in resources:
            kind = resource["resourceType"]
            own = [resource["id"]] if kind == "Account" else []
            for account in own or (accounts_of(resource) if kind == "Encounter" else []):
                if account in self.moved:
                    return account
            if (account := self.stays.get(stay_of(resource), "")) in self.moved:
                return account
        return ""

    def _given(self, resource: Json, dossier: str) -> Json:
        """Return a resource of a moved dossier with the patient the dossier belongs to."""
        for element in _WHOSE:
            if element not in resource:
                continue
            subject = resource[element]
            one = subject[0] if isinstance(subject, list) else subject
            own = one.get("reference", "").removeprefix("Patient/")
            owner = self.owner(own, dossier)
            if not own or owner == self.survivor(own):
                return resource
            there = {**one, "reference": f"Patient/{owner}"}
            return {**resource, element: there if subject is one else [there]}
        return resource

    def _linked(self, patient: Json) -> Json:
        own = patient["id"]
        survivors = self.survivors()
        if own in survivors:
            edge = self.said[own].replaced
            numbers = [_aged(item, edge) for item in patient.get("identifier", ())]
            link = {"other": {"reference": f"Patient/{survivors[own]}"}, "type": "replaced-by"}
            head = {"identifier": numbers} if numbers else {}
            return {**patient, **head, "active": False, "link": [link]}
        losers = [old for old, new in survivors.items() if new == own]
        links = [{"other": {"reference": f"Patient/{old}"}, "type": "replaces"} for old in losers]
        # Through the INS, or by a word on either of two records that one stands for.
        by_ins = {
            link["other"]["reference"].removeprefix("Patient/") for link in patient.get("link", ())
        }
        told = {other for one in (own, *losers) for other in self.said.get(one, NOTHING).linked}
        also = {survivors.get(other, other) for other in by_ins | told} - {own}
        links += [seealso(other) for other in sorted(also) if not self.are_apart(own, other)]
        if not links:
            return {name: value for name, value in patient.items() if name != "link"}
        edges = [edge for old in losers if (edge := self.said[old].replaced) is not None]
        old_numbers = [_old_number(edge) for edge in edges if edge.value]
        gone = {(item["system"], item["value"]) for item in old_numbers}
        numbers = [
            item
            for item in patient.get("identifier", ())
            if (item.get("system"), item.get("value")) not in gone
        ]
        return {**patient, "identifier": [*numbers, *old_numbers], "link": links}


def links_of(parts: Mapping[Target, Sequence[Contribution]]) -> Links:
    """Return the links that contributions tell; empty for nearly every input."""
    said: dict[str, Said] = {}
    moved: dict[str, Moved] = {}
    for target, found in parts.items():
        if target.type == "Patient":
            one = said_of(target, found)
            if one is not NOTHING:
                said[target.id] = one
        elif target.type == "Account" and (dossier := moved_of(found)):
            moved[target.id] = dossier
    return Links(said, moved, stays_in(parts, moved) if moved else {})


def stays_in(
    parts: Mapping[Target, Sequence[Contribution]], dossiers: Collection[str]
) -> dict[str, str]:
    """Return the dossier of each stay among the targets that is in one of these."""
    return {
        target.id: account
        for target, found in parts.items()
        if target.type == "Encounter"
        for part in found
        for account in accounts_of(part.resource)
        if account in dossiers
    }


def stay_of(resource: Json) -> str:
    """Return the id of the stay a letter, an order or an observation is about; empty without."""
    context = resource.get("context", {})
    said = resource.get("encounter") or context.get("encounter") or context
    one = said[0] if isinstance(said, list) else said
    reference: str = one.get("reference", "")
    return reference.removeprefix("Encounter/") if reference.startswith("Encounter/") else ""


def accounts_of(resource: Json) -> list[str]:
    """Return the ids of the Accounts a stay belongs to."""
    return [
        item["reference"].removeprefix("Account/")
        for item in resource.get("account", ())
        if "reference" in item
    ]


def subjects_of(resource: Json) -> list[str]:
    """Return the ids of the Patients a partial resource is about."""
    subject = resource.get("subject") or resource.get("patient")
    if subject is None:
        return []
    found = subject if isinstance(subject, list) else [subject]
    return [
        item["reference"].removeprefix("Patient/")
        for item in found
        if item.get("reference", "").startswith("Patient/")
    ]


def is_later(part: Contribution, edge: Replaced) -> bool:
    """Tell whether something was said after a record gave way.

    A replacement that was read from a claim does not tell when it was said.
    """
    if edge.version is None:
        return False
    if part.version.is_background:
        return part.version.sent_at > edge.version.sent_at
    return part.version > edge.version


def _counts(part: Contribution, edge: Replaced) -> bool:
    return edge.is_renumbered or is_later(part, edge)


def _taken(part: Contribution, target: Target, edge: Replaced) -> Contribution:
    """Return a word under an old number as one under the new number."""
    resource = {k: v for k, v in part.resource.items() if k != "link"}
    removals = tuple(r for r in part.removals if not r.startswith("link:"))
    if not edge.is_renumbered:
        resource = {k: v for k, v in resource.items() if k not in _TRAITS}
        removals = tuple(r for r in removals if r.partition(":")[0] not in _KEPT)
        for element, is_trait in (("identifier", _is_ins), ("extension", _is_trait)):
            kept = [item for item in resource.pop(element, ()) if not is_trait(item)]
            if kept:
                resource[element] = kept
    return replace(part, target=target, resource={**resource, "id": target.id}, removals=removals)


#: Elements that a word under a merged number removes nothing of.
_KEPT = _TRAITS | {"identifier", "extension"}


def _is_ins(item: Json) -> bool:
    return item.get("system") in _INS_SYSTEMS


def _is_trait(item: Json) -> bool:
    return item.get("url") in _TRAIT_EXTENSIONS


def _aged(item: Json, edge: Replaced | None) -> Json:
    is_old = edge is not None and (item.get("system"), item.get("value")) == edge[2:4]
    return {**item, "use": "old"} if is_old else item


def _old_number(edge: Replaced) -> Json:
    return {"use": "old", "type": OLD_NUMBER, "system": edge.system, "value": edge.value}


def repointed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a resource, or a part of one, whose references name others; `Type/id` to `Type/id`."""
    if isinstance(value, dict):
        return {
            key: names.get(item, item)
            if key == "reference" and isinstance(item, str)
            else repointed(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [repointed(item, names) for item in value]
    return value
