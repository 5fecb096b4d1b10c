"""Try a rule on a scenario: does it open, close, pause and stay away as somebody counted by hand.

The newest version of a rule is tried, as if it had always applied, alone and without feeds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from gateway.core.contributions import Target
from gateway.core.facts import Assertion, Attributes, ExpectationRow, Op, Received, Span
from gateway.core.timestamps import PARIS, utc_seconds
from gateway.pathway.replay import advance
from gateway.pathway.rules import Rules
from gateway.pathway.trial_file import AT, ESTABLISHMENT, Scenario, Told
from gateway.pathway.watermarks import Feeds

_SOMEBODY = Target("Patient", "00000000-0000-5000-8000-000000000001")
_SECOND, _SOON = timedelta(seconds=1), timedelta(minutes=10)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_START = datetime.fromisoformat(AT).replace(tzinfo=PARIS).astimezone(UTC)
#: Numbers of facts: of the trigger, of what is on file, of what comes after.
_TRIGGER, _ON_FILE, _AFTER = 0, 100, 10


class Check(NamedTuple):
    """One thing a scenario says of a rule.

    Attributes:
        name: what was tried.
        place: file and line that says it.
        expected: what is written there.
        found: what the rule does.
    """

    name: str
    place: str
    expected: str
    found: str

    @property
    def holds(self) -> bool:
        """Tell whether the rule does what is written."""
        return self.expected == self.found


def tried(rules: Rules, scenario: Scenario) -> list[Check]:
    """Try the rule of a scenario; return every check, in the order of the file.

    Args:
        rules: hold that of the scenario.
        scenario: as it was read.
    """
    return list(_Trial(rules, scenario).checks())


class _Trial:
    def __init__(self, rules: Rules, scenario: Scenario) -> None:
        newest = replace(rules.versions[scenario.rule][0], applies_from=None)
        self._rules = Rules({scenario.rule: (newest,)}, rules.tables)
        self._said = scenario
        self._at = scenario.starts.at or _START

    def checks(self) -> Iterator[Check]:
        """Go through the parts of the scenario."""
        said = self._said
        yield from self._opening("opens", said.place, said.starts, said.due, said.opens)
        for name, try_one in (
            ("met", self._met),
            ("not_met", self._not_met),
            ("cancels", self._cancels),
            ("lasting", self._lasting),
            ("nothing", self._nothing),
        ):
            for number, facts in enumerate(said.lists.get(name, ()), 1):
                yield from try_one(f"{name} {number}", facts)
        dead = _received(Told("PAT.DEATH", self._at, {}, said.place), _AFTER, self._at)
        kept = self._missed if said.is_kept else "cancelled"
        yield self._check("death", said.place, kept, [dead], said.opens)
        yield from self._pauses()
        for number, case in enumerate(said.cases, 1):
            starts = self._changed(case.starts)
            name = f"cases {number}"
            yield from self._opening(name, case.place, starts, case.due, case.opens, case.severity)

    @property
    def _missed(self) -> str:
        """Return where it stands when nothing came."""
        return "met" if self._said.is_forbidden else "overdue"

    def _opening(
        self,
        name: str,
        place: str,
        starts: Told,
        due: datetime,
        opens: datetime,
        severity: str = "",
    ) -> Iterator[Check]:
        before = self._row([], opens - _SECOND, starts)
        after = self._row([], opens, starts)
        yield Check(f"{name}: due", place, _clock(due), _due(before))
        yield Check(f"{name}: not a second before", place, "pending", _status(before))
        yield Check(f"{name}: at {_clock(opens)}", place, self._missed, _status(after))
        if severity:
            yield Check(f"{name}: severity", place, severity, after.severity if after else "")

    def _met(self, name: str, facts: Sequence[Told]) -> Iterator[Check]:
        said, place = self._said, facts[0].place
        words = ("overdue", "met") if said.is_forbidden else ("met", "met_late")
        soon, end = [_received(one, _AFTER + n, self._at + _SOON) for n, one in _each(facts)], _DAY
        yield self._check(f"{name}: soon", place, words[0], soon, said.opens + end)
        for moment, at, expected in (
            ("on the deadline", said.due, words[0]),
            ("a second late", said.due + _SECOND, words[1]),
        ):
            last = _received(replace(facts[-1], at=at), _AFTER + 10, at)
            told = [*soon[:-1], last]
            yield self._check(f"{name}: {moment}", place, expected, told, said.opens + end)

    def _not_met(self, name: str, facts: Sequence[Told]) -> Iterator[Check]:
        told = [_received(one, _AFTER + n, self._at + _SOON) for n, one in _each(facts)]
        yield self._check(name, facts[0].place, self._missed, told, self._said.opens)

    def _cancels(self, name: str, facts: Sequence[Told]) -> Iterator[Check]:
        end, place = self._said.opens + 2 * _DAY, facts[0].place
        soon = [_received(one, _AFTER + n, self._at + _SOON) for n, one in _each(facts)]
        yield self._check(f"{name}: before", place, "cancelled", soon, end)
        after = [replace(one, at=self._said.opens + _DAY) for one in facts]
        late = [_received(one, _AFTER + n, self._at) for n, one in _each(after)]
        moot = "met" if self._said.is_forbidden else "moot"
        yield self._check(f"{name}: after", place, moot, late, end)

    def _lasting(self, name: str, facts: Sequence[Told]) -> Iterator[Check]:
        told = [_received(one, _AFTER + n, self._at) for n, one in _each(facts)]
        yield self._check(name, facts[0].place, "cancelled", told, self._said.opens)

    def _nothing(self, name: str, facts: Sequence[Told]) -> Iterator[Check]:
        row = self._row([], self._said.opens, self._changed(facts[0]))
        yield Check(name, facts[0].place, "nothing", _status(row))

    def _pauses(self) -> Iterator[Check]:
        for number, pause in enumerate(self._said.pauses, 1):
            begins, ends = (
                _received(one, _AFTER + n, self._at)
                for n, one in enumerate((pause.begins, pause.ends))
            )
            name, place = f"pauses {number}", pause.place
            yield self._check(f"{name}: in it", place, "paused", [begins], begins.at + _HOUR)
            again = self._row([begins, ends], ends.at + _HOUR)
            yield Check(f"{name}: due after it", place, _clock(pause.due), _due(again))

    def _changed(self, other: Told) -> Told:
        """Return the trigger with what another one says instead."""
        mine = self._said.starts
        attributes = {**mine.attributes, **other.attributes}
        return Told(other.event, other.at or mine.at, attributes, other.place)

    def _check(
        self, name: str, place: str, expected: str, more: Sequence[Received], until: datetime
    ) -> Check:
        return Check(name, place, expected, _status(self._row(more, until)))

    def _row(
        self, more: Sequence[Received], until: datetime, starts: Told | None = None
    ) -> ExpectationRow | None:
        """Return the expectation of the trigger at an instant; None when it started nothing."""
        on_file = self._said.lists.get("with", ())
        context = [
            _received(one, _ON_FILE + n, self._at)
            for n, (one, *_) in enumerate(facts for facts in on_file if facts)
        ]
        trigger = _received(starts or self._said.starts, _TRIGGER, self._at)
        log = [one for one in (*context, trigger, *more) if one.at <= until]
        found = advance(log, self._rules, Feeds(), "trial", (), None, until, person_id=_SOMEBODY.id)
        key = trigger.assertion.key
        return next((row for row in found.rows if row.trigger == key), None)


def _each(facts: Sequence[Told]) -> list[tuple[int, Told]]:
    return list(enumerate(facts))


def _received(told: Told, number: int, at: datetime) -> Received:
    """Return a fact as an input that is received when it happens tells it."""
    instant = told.at or at
    said: Attributes = {"estab": ESTABLISHMENT, **told.attributes}
    attributes = {name: value for name, value in said.items() if value is not None}
    key = f"{told.event}|{number}"
    content = f"{key}|{instant.isoformat()}|{sorted(attributes.items())}"
    assertion = Assertion(
        aid=sha256(content.encode()).hexdigest(),
        event=told.event,
        key=key,
        op=Op.ASSERT,
        revision=utc_seconds(instant),
        when=Span(instant, instant),
        sent_at=instant,
        patient=_SOMEBODY,
        source=f"{ESTABLISHMENT}:ADT",
        attributes=attributes,
    )
    return Received(assertion, instant, number)


def _status(row: ExpectationRow | None) -> str:
    return row.status.value if row is not None else "nothing"


def _due(row: ExpectationRow | None) -> str:
    if row is None:
        return "nothing"
    return _clock(row.deadline) if row.deadline is not None else "no deadline"


def _clock(instant: datetime) -> str:
    """Return a time of day in Paris, as scenarios write it."""
    return instant.astimezone(PARIS).strftime("%Y-%m-%d %H:%M:%S")
