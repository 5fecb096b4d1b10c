"""Code translation tables: exact, with their origin; an absent code is an issue, not a guess."""

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

Json = dict[str, Any]


class MapTarget(BaseModel):
    """A code of the target, when more than the bare code is said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    display: str = ""
    system: str = ""


class ConceptMap(BaseModel):
    """One file of `mappings/conceptmaps`.

    Attributes:
        name: equals the file name.
        source: table and value set it translates between.
        version: of both ends.
        system: code system of the target; needed when the target is a Coding.
        codes: source code to target code; an empty target says the code is known and has no
            counterpart (nothing is written, no issue).
        unmapped: code written beside the issue for an absent code, where the target value set has
            a code of its own for that (`unknown`); never a guess.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    source: str
    version: str
    system: str = ""
    codes: dict[str, MapTarget]
    unmapped: MapTarget | None = None

    @field_validator("codes", mode="before")
    @classmethod
    def _full_targets(cls, codes: Any) -> Any:
        if not isinstance(codes, dict):
            return codes
        return {key: _full_target(value) for key, value in codes.items()}

    @field_validator("unmapped", mode="before")
    @classmethod
    def _full_unmapped(cls, target: Any) -> Any:
        return _full_target(target)

    def find(self, code: str) -> MapTarget | None:
        """Return the target of a code, None when the map does not have it."""
        return self.codes.get(code)

    def coding(self, target: MapTarget) -> Json:
        """Return a target as a new FHIR Coding."""
        coding = {"code": target.code}
        system = target.system or self.system
        if system:
            coding = {"system": system, **coding}
        if target.display:
            coding["display"] = target.display
        return coding


def _full_target(value: Any) -> Any:
    return {"code": value} if isinstance(value, str) else value
