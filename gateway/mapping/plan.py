"""The vocabulary of a mapping file, complete: an unknown key stops the start-up.

Does not read files (`mapping.loader`) nor run them (`mapping.engine`).
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Rule(_Strict):
    """One line of a mapping: read at `from`, convert, write at `to`.

    Attributes:
        to: dotted FHIR path from the resource (`hospitalization.admitSource`); an index selects
            a member (`content[0].attachment`). Whether a place is a list is known from the FHIR
            model and never written here.
        from_: place in the input: `SEG-n[.m[.k]]` or `SEG`, or an XPath; relative to the node of
            `each` when the plan has one.
        value: a constant, always text; the FHIR type of `to` decides the JSON type.
        via: name of the converter, a named and tested Python function.
        map: concept map applied to the converted code.
        required: an empty result is an issue that refuses the input.
        when: places and the values they must have for the rule to run.
        spec: the clause that asks for it.
    """

    to: str
    from_: str | None = Field(default=None, alias="from")
    value: Any = None
    via: str = "text"
    map: str | None = None
    required: bool = False
    when: dict[str, list[str]] = {}
    spec: str = ""


class ResourcePlan(_Strict):
    """How one resource, or one per node of `each`, is made."""

    resource: str
    profile: str | None = None
    each: str | None = None
    rules: list[Rule]


class Use(_Strict):
    """A fragment (`segments/PID.patient`) with the lines one event adds to it."""

    use: str
    add: list[Rule] = []


class FactPlan(_Strict):
    """What an input asserts about a pathway: one fact, or one per node of `each`.

    Attributes:
        event: name of `core.events`, or a family `DOC.*` when `name` chooses.
        name: converter that gives the rest of the event; nothing: nothing is asserted.
        key: converter of the business identity of the fact; nothing: nothing is asserted.
        te: converter of the event time; nothing: nothing is asserted.
        op: `assert`, `retract`, or a converter that gives one of them, or nothing.
        each: place whose nodes make one fact each.
        when: places and the values they must have for anything to be asserted.
        rules: attributes, `to` being a name of `core.events.ATTRIBUTES`; a `required` one that
            has no value: nothing is asserted.
        spec: the clause that tells of the event.
    """

    event: str
    name: str = ""
    key: str
    te: str
    op: str = "assert"
    each: str | None = None
    when: dict[str, list[str]] = {}
    rules: list[Rule] = []
    spec: str = ""


class FactUse(_Strict):
    """A fragment of facts (`facts/ZBE.discharge`), for one event under narrower conditions.

    Attributes:
        when: added to the conditions of the fragment.
    """

    use: str
    when: dict[str, list[str]] = {}


class EventPlan(_Strict):
    """One file per trigger event (`mappings/hl7v2`) or document type (`mappings/cda`).

    Attributes:
        match: of a document, the `template_id` and `code` that choose it; one or several of each.
        extends: document type whose facts and resources it has too; its own come first, and one
            of the same fragment stands instead of the inherited one.
    """

    message: str | None = None
    name: str | None = None
    extends: str | None = None
    match: dict[str, list[str]] = {}
    structure: str | None = None
    spec: str
    emits: list[FactUse | FactPlan] = []
    resources: list[Use | ResourcePlan]

    @field_validator("match", mode="before")
    @classmethod
    def _lists(cls, match: Any) -> Any:
        if not isinstance(match, dict):
            return match
        return {key: value if isinstance(value, list) else [value] for key, value in match.items()}

    def after(self, base: "EventPlan") -> "EventPlan":
        """Return this plan with what it inherits from `base`, which inherits nothing itself."""
        own = {_use_of(entry) for entry in (*self.resources, *self.emits)} - {None}
        return self.model_copy(
            update={
                "extends": None,
                "emits": [*self.emits, *(e for e in base.emits if _use_of(e) not in own)],
                "resources": [
                    *self.resources,
                    *(e for e in base.resources if _use_of(e) not in own),
                ],
            }
        )


def _use_of(entry: Use | ResourcePlan | FactUse | FactPlan) -> str | None:
    return entry.use if isinstance(entry, Use | FactUse) else None
