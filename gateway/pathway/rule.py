"""One version of a rule, ready to run: names resolved, conditions compiled.

Does not read what is written (`pathway.resolve`) nor evaluate anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain

from gateway.core.events import FEED_KINDS, family
from gateway.core.facts import Attributes
from gateway.pathway.model import RuleFile
from gateway.pathway.where import Condition


@dataclass(frozen=True, slots=True)
class Pattern:
    """A fact that is looked for.

    Attributes:
        events: any of these.
        where: condition on (fact, trigger).
        match: names that must agree with the trigger; may hold `stay` and `doc`.
        reads: attributes of the fact it depends on.
        reads_trigger: attributes of the trigger it depends on.
    """

    events: frozenset[str]
    where: Condition
    match: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    reads_trigger: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Window:
    """From when a closer counts: a base and an offset.

    Attributes:
        base: `anchor`, `trigger`, or an instant attribute of the trigger.
    """

    base: str
    offset: timedelta


@dataclass(frozen=True)
class Rule:
    """One version of a rule, ready to run; `written` has what needs no preparation.

    Attributes:
        given: must be on file too, each of them, for the trigger to count.
        closes: one of them meets it.
        also: one of them must be there beside the closer; the later of the two closes.
        applies_from: first instant, UTC; None when it holds for every anchor.
        anchor: attribute of the trigger; empty: its event time.
        max_unconfirmed: None when a silent feed hides the gap as long as it is silent.
        cases: what holds instead for some triggers; the first that fits.
        reads: attributes its conditions read, of any fact.
    """

    written: RuleFile
    trigger: Pattern
    closes: tuple[Pattern, ...]
    cancels: tuple[Pattern, ...]
    pauses: tuple[tuple[Pattern, Pattern], ...]
    anchor: str
    window: Window
    applies_from: datetime | None
    max_unconfirmed: timedelta | None
    given: tuple[Pattern, ...] = ()
    also: tuple[Pattern, ...] = ()
    cases: tuple[tuple[Pattern, "Rule"], ...] = ()
    reads: frozenset[str] = frozenset()

    @property
    def patterns(self) -> Iterator[Pattern]:
        """Return everything the rule looks for."""
        groups = (self.given, self.closes, self.also, self.cancels, *self.pauses)
        return chain((self.trigger,), *groups)

    @property
    def events(self) -> frozenset[str]:
        """Return every event the rule looks at."""
        return frozenset(chain.from_iterable(one.events for one in self.patterns))

    @cached_property
    def awaited(self) -> frozenset[str]:
        """Return the events of its closers."""
        return frozenset(chain.from_iterable(one.events for one in (*self.closes, *self.also)))

    @cached_property
    def feed_kinds(self) -> tuple[str, ...]:
        """Return the kinds of feeds that bring its closers."""
        awaited = (*self.closes, *self.also)
        families = {family(event) for one in awaited for event in one.events}
        return tuple(sorted({FEED_KINDS[one] for one in families if one in FEED_KINDS}))

    @property
    def id(self) -> str:
        """Return the id, stable for ever."""
        return self.written.id

    @property
    def version(self) -> int:
        """Return the version."""
        return self.written.version

    def case(self, trigger: Attributes) -> "Rule":
        """Return the rule with the deadline and severity of this trigger."""
        for pattern, special in self.cases:
            if pattern.where(trigger, trigger):
                return special
        return self
