"""The walk over one resource: each element of a profile beside the values that are there."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.core.issues import Severity
from gateway.fhir import fhirpath
from gateway.fhir.elements import table
from gateway.fhir.fits import reference_form
from gateway.fhir.primitives import PRIMITIVES
from gateway.fhir.profiles import kinds
from gateway.fhir.profiles.definitions import is_base, unversioned
from gateway.fhir.profiles.items import Item, children, contains
from gateway.fhir.profiles.kinds import Kind, ProfileFinding
from gateway.fhir.profiles.slicing import Slicer
from gateway.fhir.profiles.snapshot import NOTHING, Node, Profile, TypeRef

if TYPE_CHECKING:
    from gateway.fhir.profiles.judge import Judge, Resolve

Json = dict[str, Any]

#: How deep profiles may send from one to another: a circle of references ends here.
_DEPTH = 12
#: Invariants about contained resources, not asked where nothing is contained.
_OF_CONTAINED = frozenset({"dom-2", "dom-4", "dom-5"})


@dataclass(slots=True)
class Walk:
    """Judges values of one resource and keeps what it finds."""

    judge: "Judge"
    resource: Json
    resolve: "Resolve"
    found: list[ProfileFinding] = field(default_factory=list)
    depth: int = 0
    _slicer: Slicer = field(init=False)

    def __post_init__(self) -> None:
        self._slicer = Slicer(self.meets, self._in_value_set)

    def tell(self, finding: ProfileFinding) -> None:
        """Keep a finding."""
        self.found.append(finding)

    def _tell(
        self,
        kind: Kind,
        place: str,
        profile: Profile,
        node: Node,
        severity: Severity | None = None,
        **words: str,
    ) -> None:
        url = profile.url
        self.tell(kind.at(place, profile=url, element=node.id, severity=severity, **words))

    def against(self, item: Item, profile: Profile) -> None:
        """Judge a value by a profile, and by the profile it constrains when it is not whole."""
        self._value(profile, profile.root, item)
        if not profile.is_whole:
            base = self.judge.profile(profile.base)
            if base is not None:
                self.against(item, base)

    def meets(self, item: Item, canonical: str) -> bool:
        """Tell whether a value meets a profile; True when the profile is not loaded."""
        profile = self.judge.profile(canonical)
        if profile is None or self.depth >= _DEPTH:
            return True
        resource = item.value if "resourceType" in (item.value or ()) else self.resource
        aside = Walk(self.judge, resource, self.resolve, depth=self.depth + 1)
        aside.against(item, profile)
        return not any(one.issue.severity.refuses for one in aside.found)

    def _node(self, profile: Profile, node: Node, owner: Item, siblings: dict[str, Node]) -> None:
        items = children(owner, node, siblings)
        # Where nothing is there, the slices that must be there say what is missing.
        if items or not any(one.minimum for one in node.slices):
            self._count(profile, node, len(items), _place_of(owner, node))
        for item in items:
            self._value(profile, node, item)
        if node.slices or node.is_closed:
            self._slices(profile, node, items, owner)

    def _count(self, profile: Profile, node: Node, count: int, place: str) -> None:
        if count < node.minimum:
            least, there = str(node.minimum), str(count) if count else "none"
            self._tell(kinds.TOO_FEW, place, profile, node, least=least, count=there)
        elif node.maximum is not None and count > node.maximum:
            most = str(node.maximum)
            self._tell(kinds.TOO_MANY, place, profile, node, most=most, count=str(count))

    def _slices(self, profile: Profile, node: Node, items: list[Item], owner: Item) -> None:
        members: dict[str, list[Item]] = {one.id: [] for one in node.slices}
        for item in items:
            one = self._slicer.slice_of(node, item)
            if one is not None:
                members[one.id].append(item)
            elif node.is_closed:
                self._tell(kinds.CLOSED, item.place, profile, node)
        for one in node.slices:
            self._count(profile, one, len(members[one.id]), _place_of(owner, node))
            for item in members[one.id]:
                self._value(profile, one, item)
            if one.slices:
                self._slices(profile, one, members[one.id], owner)

    def _value(self, profile: Profile, node: Node, item: Item) -> None:
        if node.fixed is not NOTHING and item.value != node.fixed:
            self._tell(kinds.FIXED, item.place, profile, node)
        if node.pattern is not NOTHING and not contains(item.value, node.pattern):
            self._tell(kinds.PATTERN, item.place, profile, node)
        self._types(profile, node, item)
        if node.strength:
            self._binding(profile, node, item)
        if node.constraints and item.value is not None:
            self._constraints(profile, node, item)
        below = node.children
        if node.refers:
            referred = profile.by_id.get(node.refers)
            below = referred.children if referred else below
        for child in below.values():
            self._node(profile, child, item, below)

    def _types(self, profile: Profile, node: Node, item: Item) -> None:
        refs = [one for one in node.types if one.code == item.type] if item.type else []
        if node.is_choice and node.types and not refs:
            allowed = ", ".join(dict.fromkeys(one.code for one in node.types))
            self._tell(kinds.WRONG_TYPE, item.place, profile, node, allowed=allowed, type=item.type)
        for ref in refs[:1]:
            if ref.targets and isinstance(item.value, dict):
                self._target(profile, node, ref, item)
            # An extension is judged by its own definition wherever it stands.
            if ref.profiles and ref.code != "Extension":
                self._profiles(profile, node, ref, item)

    def _profiles(self, profile: Profile, node: Node, ref: TypeRef, item: Item) -> None:
        """Judge a value by the profiles of its type: one must be met."""
        if len(ref.profiles) == 1:
            known = self.judge.profile(ref.profiles[0])
            if known is not None:
                self.against(item, known)
        elif not any(self.meets(item, one) for one in ref.profiles):
            allowed = ", ".join(unversioned(one).rpartition("/")[2] for one in ref.profiles)
            self._tell(kinds.NO_FIT, item.place, profile, node, allowed=allowed)

    def _target(self, profile: Profile, node: Node, ref: TypeRef, item: Item) -> None:
        text = item.value.get("reference")
        target = self._resolved(text)
        type_ = str(target["resourceType"]) if target else _type_in(text, item.value)
        if not type_:
            return
        types = {one: self.judge.definitions.type_of(one) for one in ref.targets}
        fitting = [one for one, of in types.items() if of in ("", "Resource", type_)]
        is_met = bool(fitting) and (
            target is None
            or any(is_base(one) or _claims(target, one) for one in fitting)
            or any(self.meets(Item(target, type_, type_), one) for one in fitting)
        )
        if not is_met:
            allowed = ", ".join(unversioned(one).rpartition("/")[2] for one in ref.targets)
            place = f"{item.place}.reference" if text else item.place
            self._tell(kinds.TARGET, place, profile, node, type=type_, allowed=allowed)

    def _resolved(self, text: Any) -> Json | None:
        if not isinstance(text, str):
            return None
        if text.startswith("#"):
            held = self.resource.get("contained", ())
            return next((one for one in held if f"#{one.get('id')}" == text), None)
        return self.resolve(text)

    def _binding(self, profile: Profile, node: Node, item: Item) -> None:
        codes = _codes(item)
        is_judged = _has_closed_list(node)
        terms = self.judge.terminology
        if is_judged and not terms.knows(node.value_set):
            return
        told = [terms.holds(node.value_set, s, c, is_judged=is_judged) for s, c in codes]
        value_set = unversioned(node.value_set)
        if True in told or (not codes and (node.strength != "required" or item.value is None)):
            return
        if None in told or (not codes and not terms.knows(node.value_set)):
            self._tell(kinds.NOT_CHECKABLE, item.place, profile, node, value_set=value_set)
        elif node.strength == "required":
            self._tell(kinds.REQUIRED_CODE, item.place, profile, node, value_set=value_set)
        else:
            self._tell(kinds.EXTENSIBLE_CODE, item.place, profile, node, value_set=value_set)

    def _in_value_set(self, value_set: str, value: Any) -> bool | None:
        """Tell whether a value set has one of the codes of a value, for slices."""
        type_ = "code" if isinstance(value, str) else "CodeableConcept"
        if isinstance(value, dict) and "coding" not in value:
            type_ = "Coding"
        codes = _codes(Item(value, "", type_))
        told = [self.judge.terminology.holds(value_set, s, c) for s, c in codes]
        return True if True in told else None if None in told or not told else False

    def _constraints(self, profile: Profile, node: Node, item: Item) -> None:
        path = item.type if node.is_choice else node.path
        for one in node.constraints:
            if one.key in _OF_CONTAINED and "contained" not in item.value:
                continue
            held = fhirpath.holds(one.expression, item.value, path, self.resource)
            if held is None:
                self._tell(kinds.NOT_EVALUATED, item.place, profile, node, key=one.key)
            elif not held:
                severity = Severity.ERROR if one.is_error else Severity.WARNING
                self._tell(
                    kinds.INVARIANT,
                    item.place,
                    profile,
                    node,
                    severity,
                    key=one.key,
                    human=one.human,
                )


def _place_of(owner: Item, node: Node) -> str:
    return f"{owner.place}.{node.name}"


def _has_closed_list(node: Node) -> bool:
    """Tell whether `fhir.shape` judges the codes of an element by the list of base R4."""
    element = table().find(node.path)
    return element is not None and bool(element.codes)


def _codes(item: Item) -> list[tuple[str | None, str]]:
    """Return the codes of a value with their systems; of a bare code, None for the system."""
    value = item.value
    if isinstance(value, str) and item.type in PRIMITIVES:
        return [(None, value)]
    if not isinstance(value, dict):
        return []
    codings = value.get("coding", ()) if item.type == "CodeableConcept" else (value,)
    return [
        (str(one.get("system", "")), one["code"])
        for one in codings
        if isinstance(one, dict) and isinstance(one.get("code"), str)
    ]


def _type_in(text: Any, reference: Json) -> str:
    """Return the type that a reference names by itself; empty when it does not."""
    match = reference_form(text) if isinstance(text, str) else None
    if match and match[1]:
        return str(match[1])
    if match and match[2] in table().resources:
        return str(match[2])
    said = reference.get("type", "")
    return said if said in table().resources else ""


def _claims(resource: Json, canonical: str) -> bool:
    """Tell whether a resource claims a profile; what it claims is judged where it stands."""
    claimed = resource.get("meta", {}).get("profile", ())
    return any(unversioned(one) == unversioned(canonical) for one in claimed)
