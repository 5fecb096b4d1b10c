"""The fold: many contributions to one resource become the resource, whatever their order.

Contributions are applied from the lowest to the highest (version, ordinal), so the last one that
values or removes a place wins, and the result is a function of the set alone. Patients and stays
add rules of their own (`fhir.patient`, `hl7v2.movements`) on top of `merge`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from gateway.core.contributions import Claim, Contribution, Json, Target, Version

Key = Callable[[Json], str]


def _coding(concept: Any) -> str:
    if isinstance(concept, list):
        return ",".join(_coding(item) for item in concept)
    codings = concept.get("coding") if isinstance(concept, dict) else None
    if codings:
        return f"{codings[0].get('system', '')}|{codings[0].get('code', '')}"
    return str((concept or {}).get("text", "")) if isinstance(concept, dict) else ""


def _identifier(item: Json) -> str:
    return f"{item.get('system', '')}|{item.get('value', '')}"


def _use(item: Json) -> str:
    return str(item.get("use", ""))


def _address(item: Json) -> str:
    return f"{item.get('use', '')}|{item.get('type', '')}"


def _url(item: Json) -> str:
    return str(item.get("url", ""))


def _language(item: Json) -> str:
    return _coding(item.get("language"))


def _participant(item: Json) -> str:
    return _coding(item.get("type"))


def _link(item: Json) -> str:
    return str((item.get("other") or {}).get("reference", ""))


def _contact(item: Json) -> str:
    name = item.get("name") or {}
    given = " ".join(name.get("given", ()))
    return f"{_coding(item.get('relationship'))}|{name.get('family', '')}|{given}"


#: Lists merged per key; the members one contribution gives for a key replace all earlier members
#: of that key (a repeating HL7 field is sent as a snapshot), other keys stay.
#: An element that is not here is replaced as a whole.
KEYED: dict[str, dict[str, Key]] = {
    "*": {"identifier": _identifier, "extension": _url, "modifierExtension": _url},
    "Patient": {
        "name": _use,
        "address": _address,
        "telecom": _use,
        "contact": _contact,
        "communication": _language,
        "link": _link,
    },
    "Encounter": {"participant": _participant},
    "Organization": {"telecom": _use, "address": _address},
    "Practitioner": {"name": _use, "telecom": _use, "address": _address},
}

#: Elements where the highest rank wins instead of the latest word.
RANKED: dict[str, dict[str, tuple[str, ...]]] = {
    "Composition": {"status": ("preliminary", "final", "amended", "entered-in-error")},
    "DocumentReference": {"status": ("current", "superseded", "entered-in-error")},
}

_KEYED_OF = {type_: {**KEYED["*"], **keys} for type_, keys in KEYED.items()}
#: Elements of nearly every contribution that are replaced as a whole, whatever the type.
_AS_SAID = frozenset({"resourceType", "id", "subject"})
_NOT_RANKED: dict[str, tuple[str, ...]] = {}

_META_KEYED: dict[str, Key] = {
    "tag": lambda item: str(item.get("system", "")),
    "security": lambda item: str(item.get("system", "")),
}


class Fold(Protocol):
    """How the resources of one type of target come out of its contributions."""

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Return what this target asserts that others may contradict."""
        ...

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Return the resources; `rivals` are the claims of others on what this target claims."""
        ...


class ElementFold:
    """The fold of every type without rules of its own."""

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim nothing."""
        return ()

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Merge per element."""
        merged = merge(target, parts)
        return [] if merged is None else [merged]


def merge(target: Target, parts: Iterable[Contribution]) -> Json | None:
    """Merge contributions per element.

    Args:
        target: the resource.
        parts: its contributions, any order.

    Returns:
        The resource without `meta.versionId` and `meta.lastUpdated`; None when every
        contribution only annotates.
    """
    ordered = list(parts)
    if len(ordered) > 1:
        ordered.sort(key=_place)
    if all(part.annotates for part in ordered):
        return None
    keyed = _KEYED_OF.get(target.type, KEYED["*"])
    ranked = RANKED.get(target.type, _NOT_RANKED)
    result: Json = {"resourceType": target.type, "id": target.id}
    last: Json | None = None
    for part in ordered:
        # The same words again change nothing: an identity is repeated by every message.
        if part.resource == last and not part.removals:
            continue
        for removal in part.removals:
            _remove(result, removal, keyed)
        _apply(result, part.resource, keyed, ranked)
        last = part.resource
    return result


def _place(part: Contribution) -> tuple[Version, int]:
    return part.version, part.ordinal


def _apply(
    result: Json, partial: Json, keyed: dict[str, Key], ranked: dict[str, tuple[str, ...]]
) -> None:
    # A value that is said again takes with it what was said beside the one before (FHIR R4 2.6.2).
    # What is said beside the new one takes its place: the same words leave the same bytes.
    for beside in [name for name in result if name[0] == "_"]:
        if beside[1:] in partial and beside not in partial:
            del result[beside]
    for element, value in partial.items():
        if element in _AS_SAID:
            result[element] = value
        # Composition has one identifier, where other types have a list.
        elif element in keyed and isinstance(value, list):
            result[element] = merge_keyed(result.get(element, ()), value, keyed[element])
        elif element == "meta":
            result["meta"] = _merge_meta(result.get("meta"), value)
        elif element in ranked and element in result:
            ranks = ranked[element]
            result[element] = max(result[element], value, key=ranks.index)
        else:
            if element.startswith(_CHOICES):
                _remove_rival(element, result)
            result[element] = value


#: Choice elements whose earlier type must go when another type is said.
_CHOICES = (
    "deceased",
    "multipleBirth",
    "onset",
    "abatement",
    "effective",
    "occurrence",
    "performed",
)


def _remove_rival(element: str, result: Json) -> None:
    stem = next(stem for stem in _CHOICES if element.startswith(stem))
    rival = next((o for o in result if o != element and o.startswith(stem)), None)
    if rival is not None:
        del result[rival]


def merge_keyed(old: Sequence[Json], new: Sequence[Json], key: Key) -> list[Json]:
    """Replace the members of `old` whose key occurs in `new`; keep the place of the first.

    Args:
        old: members so far.
        new: members of a later contribution.
        key: gives the key of a member.

    Returns:
        A new list.
    """
    if not old and len(new) == 1:
        return list(new)
    fresh = _by_key(new, key)
    groups = _by_key(old, key) | fresh if old else fresh
    return [item for members in groups.values() for item in members]


def _by_key(items: Sequence[Json], key: Key) -> dict[str, list[Json]]:
    groups: dict[str, list[Json]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _merge_meta(old: Json | None, new: Json) -> Json:
    if not old:
        return new
    merged = {**old, **{k: v for k, v in new.items() if k not in _META_KEYED}}
    for element, key in _META_KEYED.items():
        if element in new:
            merged[element] = merge_keyed(old.get(element, []), new[element], key)
    return merged


def _remove(result: Json, removal: str, keyed: dict[str, Key]) -> None:
    element, _, selector = removal.partition(":")
    if element not in result:
        return
    if not selector:
        del result[element]
        result.pop(f"_{element}", None)
        return
    key = keyed[element]
    kept = [item for item in result[element] if not _selected(key(item), selector)]
    if kept:
        result[element] = kept
    else:
        del result[element]


def _selected(key: str, selector: str) -> bool:
    if selector.endswith("*"):
        return key.startswith(selector[:-1])
    return key == selector
