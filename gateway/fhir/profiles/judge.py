"""Judge resources by profiles: a walk over their snapshots (FHIR R4 5.1 and 2.33).

`fhir.shape` judges base R4; this judges what profiles add. Compiled profiles are kept.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.core.issues import Severity
from gateway.fhir.profiles import kinds, lints
from gateway.fhir.profiles.definitions import Definitions, unversioned
from gateway.fhir.profiles.extensions import all_of, may_stand
from gateway.fhir.profiles.items import Item
from gateway.fhir.profiles.kinds import ProfileFinding
from gateway.fhir.profiles.snapshot import Profile, compile_profile
from gateway.fhir.profiles.terminology import Terminology
from gateway.fhir.profiles.walk import Walk

Json = dict[str, Any]
#: The resource a reference text points to; None when it is not at hand.
Resolve = Callable[[str], Json | None]


@dataclass(slots=True)
class Judge:
    """Judges resources by the profiles they claim; made once for a set of definitions."""

    definitions: Definitions
    terminology: Terminology = field(init=False)
    _profiles: dict[str, Profile | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.terminology = Terminology(self.definitions)

    def findings(
        self, resource: Json, *, profiles: Iterable[str] = (), resolve: Resolve | None = None
    ) -> list[ProfileFinding]:
        """Judge a resource, those in a Bundle each by its own profiles; worst first by place.

        Args:
            resource: with a good shape (`fhir.shape.check`).
            profiles: to judge by beside those in `meta.profile`.
            resolve: finds the target of a reference; a Bundle finds those among its entries.
        """
        found: dict[tuple[str, str, str, str], ProfileFinding] = {}
        for one in self._all(resource, tuple(profiles), resolve or _nowhere, ""):
            issue = one.issue
            found.setdefault((issue.code, issue.where, issue.what, one.profile), one)
        return list(found.values())

    def profile(self, canonical: str) -> Profile | None:
        """Return a compiled profile; None when it is not loaded."""
        if canonical not in self._profiles:
            raw = self.definitions.structure(canonical)
            self._profiles[canonical] = None if raw is None else compile_profile(raw)
        return self._profiles[canonical]

    def _all(
        self, resource: Json, profiles: tuple[str, ...], resolve: Resolve, within: str
    ) -> Iterable[ProfileFinding]:
        inner = _among(resource, resolve) if resource.get("resourceType") == "Bundle" else resolve
        for one in self._one(resource, profiles, inner):
            yield _inside(one, within, resource) if within else one
        type_ = str(resource.get("resourceType", ""))
        top = within or type_
        for index, held in enumerate(resource.get("contained", ())):
            yield from self._all(held, (), inner, f"{top}.contained[{index}]")
        if type_ == "Bundle":
            for index, entry in enumerate(resource.get("entry", ())):
                if isinstance(entry.get("resource"), dict):
                    place = f"{top}.entry[{index}].resource"
                    yield from self._all(entry["resource"], (), inner, place)
        elif type_ == "Parameters":
            for index, one_ in enumerate(resource.get("parameter", ())):
                if isinstance(one_.get("resource"), dict):
                    place = f"{top}.parameter[{index}].resource"
                    yield from self._all(one_["resource"], (), inner, place)

    def _one(
        self, resource: Json, profiles: tuple[str, ...], resolve: Resolve
    ) -> Iterable[ProfileFinding]:
        type_ = str(resource.get("resourceType", ""))
        walk = Walk(self, resource, resolve)
        item = Item(resource, type_, type_)
        claimed = [p for p in resource.get("meta", {}).get("profile", ()) if isinstance(p, str)]
        for canonical in dict.fromkeys((*profiles, *claimed)):
            profile = self.profile(canonical)
            name = unversioned(canonical)
            if profile is None:
                yield kinds.UNKNOWN_PROFILE.at(f"{type_}.meta.profile", profile_name=name)
            elif profile.type != type_:
                place = f"{type_}.meta.profile"
                yield kinds.OTHER_TYPE.at(place, profile_name=name, type=profile.type)
            else:
                walk.against(item, profile)
        self._extensions(resource, walk)
        yield from walk.found
        yield from lints.findings(resource)

    def _extensions(self, resource: Json, walk: Walk) -> None:
        """Judge every extension by its own definition, wherever it stands."""
        for placed in all_of(resource):
            url = str(placed.extension.get("url", ""))
            profile = self.profile(url)
            if profile is None:
                # A part of a complex extension has a name for URL, which the whole defines.
                if ":" in url:
                    severity = Severity.WARNING if placed.is_modifier else None
                    walk.tell(kinds.UNKNOWN_EXTENSION.at(placed.place, severity=severity))
                continue
            if not may_stand(profile, placed):
                walk.tell(
                    kinds.WRONG_CONTEXT.at(
                        placed.place, profile=profile.url, profile_name=profile.name
                    )
                )
            walk.against(Item(placed.extension, placed.place, "Extension"), profile)


def _nowhere(_reference: str) -> Json | None:
    return None


def _among(bundle: Json, outside: Resolve) -> Resolve:
    """Find a reference among the entries of a Bundle (FHIR R4 bundle.html 2.36.4.1)."""
    by_text: dict[str, Json] = {}
    for entry in bundle.get("entry", ()):
        held = entry.get("resource")
        if isinstance(held, dict):
            by_text[str(entry.get("fullUrl", ""))] = held
            by_text[f"{held.get('resourceType')}/{held.get('id')}"] = held

    def resolve(reference: str) -> Json | None:
        return by_text.get(reference) or outside(reference)

    return resolve


def _inside(one: ProfileFinding, within: str, resource: Json) -> ProfileFinding:
    """Write the place of a finding as seen from the outermost resource."""
    issue = one.issue
    own = str(resource.get("resourceType", ""))
    where = f"{within}{issue.where.removeprefix(own)}"
    moved = type(issue)(issue.code, issue.severity, where, issue.what, issue.fix)
    return ProfileFinding(moved, one.profile, one.element)
