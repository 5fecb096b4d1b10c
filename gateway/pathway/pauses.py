"""When a deadline stands still: the pairs of events a rule names, found among the facts."""

from collections.abc import Iterator

from gateway.pathway.calendar import Pause
from gateway.pathway.facts import Fact
from gateway.pathway.match import Index, matches
from gateway.pathway.rule import Pattern, Rule
from gateway.pathway.stays import StayMatches


def pauses_of(rule: Rule, trigger: Fact, index: Index, stays: StayMatches) -> Iterator[Pause]:
    """Return the times that do not count towards the deadline of a trigger."""
    for starts, ends in rule.pauses:
        for start in index.of(starts.events).facts:
            if not matches(starts, start, trigger, stays):
                continue
            end = _end_of_pause(start, ends, trigger, index, stays)
            if end is None or end.low > start.low:
                yield Pause(start.low, end.low if end else None)


def _end_of_pause(
    start: Fact, ends: Pattern, trigger: Fact, index: Index, stays: StayMatches
) -> Fact | None:
    """Return what ends a pause: of the same visit when the start names one."""
    visit = start.text("visit")
    for end in index.of(ends.events).since(start.low):
        # The trigger itself may end a pause: the stay before the discharge it is.
        same = end.key == trigger.key or matches(ends, end, trigger, stays)
        if same and (
            not visit or (end.text("visit") == visit and end.text("estab") == start.text("estab"))
        ):
            return end
    return None
