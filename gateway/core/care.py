"""A cancer pathway of a person: how far it is, and what was planned beside what became of it.

Values only: `pathway.care` draws them from facts, `fhir.care` shows them, `pipeline.care` writes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Phase(StrEnum):
    """Where a pathway is: what its latest mark by event time says, never stored as truth."""

    SUSPICION = "suspicion"
    #: The board has met, or the programme of care was told.
    ANNOUNCED = "annonce"
    TREATMENT = "traitement"
    #: All active treatments have stopped.
    FOLLOW_UP = "surveillance"
    PALLIATIVE = "palliatif"


class State(StrEnum):
    """State of a pathway, as FHIR R4 EpisodeOfCare.status has it."""

    #: A board is asked for, or a malignant report is there: nobody has decided yet.
    PLANNED = "planned"
    ACTIVE = "active"
    #: The patient died.
    FINISHED = "finished"
    #: The board is not asked for any more, and nothing else tells of a cancer.
    CANCELLED = "cancelled"


class Progress(StrEnum):
    """What became of something planned; the first that applies is told."""

    DONE = "done"
    CANCELLED = "cancelled"
    NO_SHOW = "no-show"
    REFUSED = "refused"
    #: A rule waited for it and its deadline is over.
    OVERDUE = "overdue"
    BOOKED = "booked"
    ACCEPTED = "accepted"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class Stage:
    """A time in one state.

    Attributes:
        start: event time, UTC.
        end: start of the next state; None for the one that lasts.
    """

    state: State
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """Something planned.

    Attributes:
        key: of the fact that told of it first by name; orders the activities of one time.
        about: `Type/id` of what was made of it; empty when no input named one.
        content: code of `cancer-care`; empty when it has none.
        low: when it is planned, UTC; None when nobody said.
        high: until when.
        outcomes: keys of facts that show what was done.
    """

    key: str
    about: str
    progress: Progress
    content: str = ""
    low: datetime | None = None
    high: datetime | None = None
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pathway:
    """The cancer pathway of one person.

    Attributes:
        opener: key of the fact that opened it.
        holder: Patient, or part of a dossier, that this fact is held under.
        stages: states in order of time, the last one without end.
        phase: of its latest mark.
        documents: keys of the records of boards and programmes of care that stand, oldest first.
        estab: FINESS of the establishment of the latest of them; empty when unknown.
        author: RPPS of its author; empty when unknown.
        activities: in order of time, then key.
        overdue: (gap id, episode) of its open gaps.
    """

    opener: str
    holder: str
    stages: tuple[Stage, ...]
    phase: Phase
    documents: tuple[str, ...] = ()
    estab: str = ""
    author: str = ""
    activities: tuple[Activity, ...] = ()
    overdue: tuple[tuple[str, int], ...] = field(default=())

    @property
    def state(self) -> State:
        """The state that lasts."""
        return self.stages[-1].state

    @property
    def start(self) -> datetime:
        """Event time of what opened it."""
        return self.stages[0].start

    @property
    def end(self) -> datetime | None:
        """When it ended; None while it lasts."""
        is_over = self.state in (State.FINISHED, State.CANCELLED)
        return self.stages[-1].start if is_over else None
