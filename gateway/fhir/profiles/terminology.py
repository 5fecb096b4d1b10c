"""Whether a code is in a value set (FHIR R4 4.9), as far as the definitions at hand can tell."""

from dataclasses import dataclass, field
from typing import Any

from gateway.fhir.profiles.definitions import Definitions

Json = dict[str, Any]
#: System and code.
Coded = tuple[str, str]

#: How deep value sets may name value sets.
_DEPTH = 8
_OF_R4 = "http://hl7.org/fhir/ValueSet/"


@dataclass(slots=True)
class Terminology:
    """Answers in three values: in, not in, not to be told with what is loaded."""

    definitions: Definitions
    _codes: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def knows(self, value_set: str) -> bool:
        """Tell whether a value set is loaded."""
        return self.definitions.value_set(value_set) is not None

    def holds(
        self, value_set: str, system: str | None, code: str, *, is_judged: bool = False
    ) -> bool | None:
        """Tell whether a value set has a code.

        Args:
            value_set: canonical.
            system: of the code; None for an element of type `code`, whose system is not said.
            code: as written.
            is_judged: `fhir.shape` has found the code in the closed list of base R4, so that
                value sets of R4 that this one is made of have it.
        """
        return self._holds(value_set, system, code, _DEPTH, is_judged)

    def _holds(
        self, canonical: str, system: str | None, code: str, depth: int, is_judged: bool
    ) -> bool | None:
        known = self.definitions.value_set(canonical)
        if known is None or not depth:
            return True if is_judged and canonical.startswith(_OF_R4) else None
        compose = known.get("compose")
        if compose is None:
            return _in_expansion(known.get("expansion"), system, code)
        for part in compose.get("exclude", ()):
            if self._in_part(part, system, code, depth, is_judged):
                return False
        told = [
            self._in_part(part, system, code, depth, is_judged)
            for part in compose.get("include", ())
        ]
        return True if True in told else None if None in told else False

    def _in_part(
        self, part: Json, system: str | None, code: str, depth: int, is_judged: bool
    ) -> bool | None:
        """Tell whether one include or exclude has a code: all that it says must hold."""
        told: list[bool | None] = [
            self._holds(one, system, code, depth - 1, is_judged) for one in part.get("valueSet", ())
        ]
        own = part.get("system")
        if own is not None:
            told.append(self._in_system(part, own, system, code))
        return False if False in told else None if None in told else bool(told)

    def _in_system(self, part: Json, own: str, system: str | None, code: str) -> bool | None:
        if system is not None and system != own:
            return False
        if "filter" in part:
            return None
        listed = part.get("concept")
        if listed is not None:
            return any(one.get("code") == code for one in listed)
        codes = self._codes_of(own)
        return None if codes is None else code in codes

    def _codes_of(self, system: str) -> frozenset[str] | None:
        """Return every code of a system; None when it is not loaded or not complete."""
        if system not in self._codes:
            known = self.definitions.code_system(system)
            whole = known is not None and known.get("content") == "complete"
            self._codes[system] = (
                frozenset(_codes(known.get("concept", ()))) if known and whole else None
            )
        return self._codes[system]


class Members:
    """Lists the codes of value sets, for searches by `:in` (FHIR R4 3.1.1.4.5)."""

    def __init__(self, definitions: Definitions) -> None:
        """List nothing yet."""
        self._definitions = definitions

    def of(self, canonical: str) -> frozenset[Coded] | None:
        """Return the (system, code) pairs of a value set.

        None when it is not loaded, or when what it is made of cannot be listed: a filter, a code
        system that is not at hand whole.
        """
        return self._of(canonical, _DEPTH)

    def _of(self, canonical: str, depth: int) -> frozenset[Coded] | None:
        known = self._definitions.value_set(canonical)
        if known is None or not depth:
            return None
        compose = known.get("compose")
        if compose is None:
            return _expanded(known.get("expansion"))
        included = [self._part(part, depth) for part in compose.get("include", ())]
        excluded = [self._part(part, depth) for part in compose.get("exclude", ())]
        if None in included or None in excluded:
            return None
        none = frozenset[Coded]()
        return none.union(*(one or none for one in included)).difference(
            *(one or none for one in excluded)
        )

    def _part(self, part: Json, depth: int) -> frozenset[Coded] | None:
        """List one include or exclude: what all that it says have in common."""
        told = [self._of(one, depth - 1) for one in part.get("valueSet", ())]
        system = part.get("system")
        if system is not None:
            told.append(None if "filter" in part else self._in_system(part, system))
        found = [one for one in told if one is not None]
        if not found or len(found) < len(told):
            return None
        return frozenset.intersection(*found)

    def _in_system(self, part: Json, system: str) -> frozenset[Coded] | None:
        listed = part.get("concept")
        if listed is not None:
            return frozenset((system, one["code"]) for one in listed)
        known = self._definitions.code_system(system)
        if known is None or known.get("content") != "complete":
            return None
        return frozenset((system, code) for code in _codes(known.get("concept", ())))


def _expanded(expansion: Json | None) -> frozenset[Coded] | None:
    if expansion is None:
        return None
    found: set[Coded] = set()
    waiting = list(expansion.get("contains", ()))
    while waiting:
        one = waiting.pop()
        waiting += one.get("contains", ())
        if "code" in one and not one.get("abstract"):
            found.add((one.get("system", ""), one["code"]))
    return frozenset(found)


def _codes(concepts: list[Json]) -> list[str]:
    found: list[str] = []
    waiting = list(concepts)
    while waiting:
        one = waiting.pop()
        found.append(one["code"])
        waiting += one.get("concept", ())
    return found


def _in_expansion(expansion: Json | None, system: str | None, code: str) -> bool | None:
    if expansion is None:
        return None
    waiting = list(expansion.get("contains", ()))
    while waiting:
        one = waiting.pop()
        if one.get("code") == code and system in (None, one.get("system")):
            return True
        waiting += one.get("contains", ())
    return False
