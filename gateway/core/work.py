"""What happens to a gap after it opened: what people did, what was told to whom, what is muted.

None of it is a fact about the patient: the ledger and the status of an expectation never depend
on it. The times people are told at are computed from it (`pathway.ladder`).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.core.facts import Attributes

#: Longest time a mute lasts.
LONGEST_MUTE = timedelta(days=90)
#: Least number of characters of the note of a mute.
SHORTEST_NOTE = 10


class Did(StrEnum):
    """Kinds of acts; the first four are people's, the others the gateway's."""

    TAKEN = "taken"
    DEFERRED = "deferred"
    RETURNED = "returned"
    SETTLED = "settled"
    WOKEN = "woken"
    RUNG = "rung"
    MUTED = "muted"


PEOPLES = frozenset({Did.TAKEN, Did.DEFERRED, Did.RETURNED, Did.SETTLED})


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done about an open gap, never rewritten.

    Attributes:
        number: of its kind within the episode: the version of the Task for what people did, the
            rung of the ladder for a rung.
        at: instant of the commit, UTC.
        details: `until` (next date somebody gave, `Z` text), `status` and `business` of the Task
            before; of a rung `role`, `due`, `skipped`.
    """

    gap_id: str
    episode: int
    did: Did
    number: int
    at: datetime
    details: Attributes = field(default_factory=dict)


class Scope(StrEnum):
    """What a mute silences."""

    GAP = "gap"
    PATIENT_RULE = "patient-rule"
    RULE_ESTABLISHMENT = "rule-establishment"
    RECIPIENT_DOMAIN = "recipient-domain"


class Reason(StrEnum):
    """Why somebody muted: kept apart in the figures, never mixed with what was settled."""

    HANDLED_OUTSIDE = "handled-outside"
    PATIENT_REFUSAL = "patient-refusal"
    KNOWN_FEED_DEFECT = "known-feed-defect"
    DUPLICATE_OF = "duplicate-of"
    NOT_APPLICABLE = "not-applicable-clinically"
    RULE_UNDER_TUNING = "rule-under-tuning"
    FALSE_ALARM = "false-alarm"


@dataclass(frozen=True, slots=True)
class Mute:
    """A time in which nobody is told about some gaps; it closes none and hides none from figures.

    Attributes:
        id: computed from subject, author and start.
        subject: what is muted, see `subjects`.
        author: who muted.
        since: UTC.
        until: UTC, at most `LONGEST_MUTE` after.
        note: why, in words.
        lifted_at: when somebody ended it before its time; None: nobody did.
        lifted_by: who did.
    """

    id: str
    scope: Scope
    subject: str
    reason: Reason
    author: str
    since: datetime
    until: datetime
    note: str
    lifted_at: datetime | None = None
    lifted_by: str = ""

    @property
    def end(self) -> datetime:
        """Return when it ends, or ended."""
        return self.until if self.lifted_at is None else min(self.until, self.lifted_at)

    def holds(self, at: datetime) -> bool:
        """Tell whether it silences at an instant; the end is outside."""
        return self.since <= at < self.end


@dataclass(frozen=True, slots=True, order=True)
class DigestItem:
    """Something an owner reads in the next digest.

    Attributes:
        owner: `<role>@<FINESS>`.
        news: `new`, `escalated` or `due-soon`.
        at: when it became known, UTC.
    """

    owner: str
    gap_id: str
    episode: int
    news: str
    at: datetime


def subject(scope: Scope, *parts: str) -> str:
    """Return what a mute is about as one text: scope, then its parts, joined by `|`.

    Args:
        scope: of the mute.
        parts: gap id; Patient id and rule; rule, FINESS and, for a pair, the other FINESS;
            domain of a mail address.
    """
    return "|".join((scope.value, *parts))
