"""The vocabulary of a rule file, complete: an unknown key stops the start-up.

Does not read files (`pathway.rulefiles`) nor resolve names (`pathway.rules`).
"""

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from gateway.pathway.calendar import UNITS, Unit


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _named(value: Any) -> Any:
    return {"event": value} if isinstance(value, str) else value


class EventMatch(_Strict):
    """A fact a rule looks for; a bare event name is short for one without conditions.

    Attributes:
        event: of `core.events`, or a family `DOC.*`; several are joined by `|`.
        where: condition on the fact; `t.<name>` is the trigger's.
        match: `stay`, `doc`, or attributes that must be equal to the trigger's, joined by `+`.
    """

    event: str
    where: str = ""
    match: str = ""


class Trigger(_Strict):
    """The fact that starts an expectation."""

    event: str
    where: str = ""


class Deadline(_Strict):
    """`n` units after the anchor, or an instant attribute of the trigger."""

    n: Annotated[int, Field(ge=0)] | None = None
    unit: str = ""
    at: str = ""


class Case(_Strict):
    """What holds instead for some triggers.

    Attributes:
        where: condition on the trigger.
        severity: absent: that of the rule.
    """

    where: Annotated[str, StringConstraints(min_length=1)]
    deadline: Deadline
    severity: Literal["critical", "major", "minor", "info"] | None = None


class Scope(_Strict):
    """Whom a rule is about.

    Attributes:
        patient: `oncology` is a person with a cancer meeting or care programme on file.
        establishments: FINESS numbers; `*` for all.
        exclude_units: units, `<UF>` or `<FINESS>#<UF>`, that are left out.
    """

    patient: Literal["all", "oncology"] = "all"
    establishments: tuple[str, ...] = ("*",)
    exclude_units: tuple[str, ...] = ()


class Owner(_Strict):
    """Who acts: a role, and of which organisation."""

    role: str
    org: str = ""


class Escalation(_Strict):
    """A step of the ladder: after how long, to whom."""

    after: Annotated[str, StringConstraints(pattern=r"^\d+(h|bh|d|bd|jo)$")]
    to: str

    @property
    def count(self) -> tuple[int, Unit]:
        """Return number and unit of `after`."""
        digits = "".join(char for char in self.after if char.isdigit())
        unit = next(one for one in UNITS if one == self.after.removeprefix(digits))
        return int(digits), unit


class Legal(_Strict):
    """Where the deadline comes from."""

    ref: str
    kind: Literal["law", "guideline", "default"]


Matched = Annotated[EventMatch, BeforeValidator(_named)]


class RuleFile(_Strict):
    """One version of one expected handoff, as written.

    Attributes:
        id: stable for ever; another meaning is another id.
        version: a published version never changes.
        applies_from: first day, in event time of the anchor, in Paris.
        retroactive: holds for earlier anchors too.
        kind: `forbid` turns it round: finding a closer in time opens the gap.
        anchor: `trigger.te` or an instant attribute of the trigger.
        window_open: closers may precede the anchor by this much; `trigger`: count from the
            trigger's own time; `<attribute>-P7D`: that long before an attribute.
        given: facts that must be on file too, each of them, for the trigger to count.
        cases: another deadline or severity for some triggers; the first that fits.
        also: one of these must be there beside one of `closes`; the later of the two closes.
        grace: transmission allowance before anyone is told.
        settle: least time between learning of the trigger and opening.
        closer_mode: `consumed`: one closer meets one expectation.
        max_pause: how long a pause may last.
        max_unconfirmed: how long a silent feed may hide a gap; critical rules: 12 h.
        lead: how long before the deadline people are warned; none: nobody is.
        on_death: `keep`: a death does not end it.
        needs_feed: feeds that must be complete up to the deadline; absent: those that would
            bring the closers.
        evidence: what a person wants to see before believing it: attributes of the trigger,
            events.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}-\d{2}$")]
    version: Annotated[int, Field(ge=1)]
    name: dict[Literal["fr", "en"], str]
    applies_from: date
    retroactive: bool = False
    kind: Literal["expect", "forbid"] = "expect"
    scope: Scope = Scope()
    trigger: Trigger
    given: tuple[Matched, ...] = ()
    anchor: str = "trigger.te"
    window_open: str = "PT0S"
    deadline: Deadline
    cases: tuple[Case, ...] = ()
    grace: timedelta = timedelta(0)
    settle: timedelta = timedelta(minutes=15)
    closes: Annotated[tuple[Matched, ...], Field(min_length=1)]
    also: tuple[Matched, ...] = ()
    closer_mode: Literal["shared", "consumed"] = "shared"
    cancels: tuple[Matched, ...] = ()
    pauses: tuple[tuple[Matched, Matched], ...] = ()
    max_pause: timedelta = timedelta(days=60)
    max_unconfirmed: timedelta | None = None
    lead: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(0)
    on_death: Literal["cancel", "keep"] = "cancel"
    severity: Literal["critical", "major", "minor", "info"]
    owner: Owner
    escalate: tuple[Escalation, ...] = ()
    needs_feed: tuple[str, ...] | None = None
    evidence: tuple[str, ...] = ()
    legal: Legal
