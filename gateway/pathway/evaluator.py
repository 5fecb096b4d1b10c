"""What is expected of a person, and where each expectation stands: a pure function.

`status = f(facts of one person, rules, watermarks, now)`. Nothing here remembers anything; time
alone turns pending into overdue or unconfirmed, and never closes a gap.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from gateway.core.events import LASTING
from gateway.core.facts import Received, Status
from gateway.core.values import value
from gateway.pathway.calendar import Pause, due, region_of
from gateway.pathway.enrich import enrich
from gateway.pathway.facts import ByEvent, Fact, Facts, instant_of
from gateway.pathway.match import Index, first, in_time, is_candidate, matches
from gateway.pathway.pauses import pauses_of
from gateway.pathway.rules import ONCOLOGY, Rule, Rules
from gateway.pathway.stays import StayMatches
from gateway.pathway.watermarks import NEVER, Feeds

#: Wider than an hour that exists twice: the trigger is known by its day only.
_BY_DAY = timedelta(hours=6)
_SECOND = timedelta(seconds=1)


@value(frozen=True, slots=True)
class Case:
    """One expectation as the facts make it; only its status depends on the time of looking.

    Attributes:
        x: hash of rule id and key of the trigger.
        deadline: None while an open pause leaves it undefined.
        theta: when it is detected: deadline and grace are over, and the trigger settled.
        opens_at: when it is believed: theta, or later when feeds had to catch up; NEVER so far, and
            for what was answered.
        by_feed: opens because feeds caught up.
        settled: the status that no longer depends on time.
        candidates: documents that fit this stay no better than another one.
        pauses: time that does not count towards the deadline.
    """

    x: str
    gap_id: str
    rule: Rule
    trigger: Fact
    anchor: datetime
    deadline: datetime | None
    theta: datetime | None
    opens_at: datetime
    by_feed: bool
    settled: Status | None
    closer: Fact | None
    canceller: Fact | None
    candidates: tuple[Fact, ...]
    flags: tuple[str, ...]
    pauses: tuple[Pause, ...] = ()

    def status(self, now: datetime, *, timers: bool = True) -> Status:
        """Tell where it stands.

        Args:
            now: instant of looking.
            timers: whether those of this very instant have fired; messages come before them.
        """
        if self.settled is not None:
            return self.settled
        if self.theta is None:
            return Status.PAUSED
        if now < self.theta or (now == self.theta and not timers):
            return Status.PENDING
        if now < self.opens_at or (now == self.opens_at and not timers):
            return Status.UNCONFIRMED
        return Status.MET if self.rule.written.kind == "forbid" else Status.OVERDUE

    def next_change(self, status: Status) -> datetime | None:
        """Return when time alone changes this status; NEVER while a feed is silent."""
        if status is Status.PENDING:
            return self.theta
        return self.opens_at if status is Status.UNCONFIRMED else None


@value(frozen=True, slots=True)
class _Draft:
    """An expectation before its closer is known."""

    x: str
    rule: Rule
    trigger: Fact
    anchor: datetime
    since: datetime
    deadline: datetime | None
    canceller: Fact | None
    flags: tuple[str, ...]
    pauses: tuple[Pause, ...]

    def sooner(self) -> tuple[datetime, str]:
        return self.deadline or NEVER, self.x

    def open_to(self, closer: Fact) -> bool:
        return self.canceller is None or self.canceller.low >= closer.low


def evaluate(
    received: Iterable[Received], rules: Rules, feeds: Feeds, tenant: str, now: datetime
) -> list[tuple[Case, Status]]:
    """Return every live expectation of a person and where it stands, in order of gap id.

    Args:
        received: assertions about the person; those received after `now` are not known yet.
        rules: in force.
        feeds: watermarks.
        tenant: of the installation.
        now: instant of looking, after what was received at that instant.
    """
    facts = Facts()
    facts.take(one for one in received if one.at <= now)
    cases = cases_of(facts.by_event(), rules, feeds, tenant)
    return [(case, case.status(now)) for case in cases]


def cases_of(facts: ByEvent, rules: Rules, feeds: Feeds, tenant: str) -> list[Case]:
    """Return every live expectation of a person, in order of gap id."""
    if not any(facts.get(event) for event in rules.by_trigger):
        return []
    has_cancer = any(facts.get(event) for event in ONCOLOGY)
    index = Index(enrich(facts, rules.tables, rules.reads))
    found: list[Case] = []
    for rule_id, triggers in _triggers(index, rules, has_cancer).items():
        drafts = []
        stays = StayMatches(fact for _rule, fact, _anchor in triggers)
        for rule, trigger, anchor in triggers:
            if any(first((one,), index, trigger, None, stays) is None for one in rule.given):
                continue
            draft = _draft(rule, trigger, anchor, index, stays)
            if draft is not None:
                drafts.append(draft)
        closers = _closers(rules.versions[rule_id][0], drafts, index, stays)
        found += [_case(one, closers.get(one.x), index, stays, feeds, tenant) for one in drafts]
    found.sort(key=lambda case: case.gap_id)
    return found


@lru_cache(maxsize=65536)
def expectation_id(rule_id: str, trigger_key: str) -> str:
    """Return `x`, which neither a version nor a correction changes."""
    return sha256(f"{rule_id}|{trigger_key}".encode()).hexdigest()


@lru_cache(maxsize=65536)
def gap_id_of(tenant: str, x: str) -> str:
    """Return the id of the gap an expectation may become."""
    return sha256(f"{tenant}|{x}".encode()).hexdigest()


def _triggers(
    index: Index, rules: Rules, has_cancer: bool
) -> dict[str, list[tuple[Rule, Fact, datetime]]]:
    """Return, by rule, the facts that start an expectation, with the version in force."""
    found: dict[str, list[tuple[Rule, Fact, datetime]]] = {}
    for event, facts in index.by_event.items():
        for rule_id in rules.by_trigger.get(event, ()):
            for fact in facts:
                version = _in_force(rules.versions[rule_id], fact)
                if version is None or "superseded" in fact.flags:
                    continue
                rule, anchor = version
                if rule.trigger.where(fact.attributes, fact.attributes) and _in_scope(
                    rule, fact, has_cancer
                ):
                    case = rule.case(fact.attributes) if rule.cases else rule
                    found.setdefault(rule_id, []).append((case, fact, anchor))
    return found


def _in_force(versions: Iterable[Rule], fact: Fact) -> tuple[Rule, datetime] | None:
    """Return the highest version that applies to the anchor, and the anchor."""
    for rule in versions:
        if fact.event in rule.trigger.events:
            anchor = instant_of(fact.attributes.get(rule.anchor)) if rule.anchor else None
            anchor = anchor or fact.low
            if rule.applies_from is None or rule.applies_from <= anchor:
                return rule, anchor
    return None


def _in_scope(rule: Rule, trigger: Fact, has_cancer: bool) -> bool:
    scope = rule.written.scope
    if scope.patient == "oncology" and not has_cancer:
        return False
    if "*" not in scope.establishments and trigger.text("estab") not in scope.establishments:
        return False
    units = scope.exclude_units
    return trigger.text("unit") not in units and trigger.text("estab_unit") not in units


def _draft(
    rule: Rule, trigger: Fact, anchor: datetime, index: Index, stays: StayMatches
) -> _Draft | None:
    window = rule.window
    base: datetime | None = anchor
    if window.base == "trigger":
        base = trigger.low
    elif window.base != "anchor":
        base = instant_of(trigger.attributes.get(window.base))
    written = rule.written
    pauses: tuple[Pause, ...] = ()
    if written.deadline.at:
        deadline = instant_of(trigger.attributes.get(written.deadline.at))
        if deadline is None:
            return None
    else:
        pauses = tuple(pauses_of(rule, trigger, index, stays)) if rule.pauses else ()
        deadline = _deadline(rule, trigger, anchor, pauses)
    flags = trigger.flags
    if rule.anchor and trigger.attributes.get(rule.anchor) is None:
        flags = (*flags, "anchor-assumed")
    return _Draft(
        x=expectation_id(rule.id, trigger.key),
        rule=rule,
        trigger=trigger,
        anchor=anchor,
        since=(base or anchor) + window.offset,
        deadline=deadline,
        canceller=_canceller(rule, trigger, anchor, index, stays),
        flags=flags,
        pauses=pauses,
    )


def _deadline(
    rule: Rule, trigger: Fact, anchor: datetime, pauses: tuple[Pause, ...]
) -> datetime | None:
    written = rule.written.deadline
    unit = written.unit
    if not rule.anchor and unit in ("h", "bh") and trigger.high - trigger.low > _BY_DAY:
        # Nobody is late before the day ends on which it is only known to have begun.
        anchor = trigger.high + _SECOND
    region = region_of(trigger.text("estab"))
    return due(anchor, written.n or 0, unit, pauses, region)  # type: ignore[arg-type]  # checked when read


def _canceller(
    rule: Rule, trigger: Fact, anchor: datetime, index: Index, stays: StayMatches
) -> Fact | None:
    since = min(anchor, trigger.low)
    found: Fact | None = None
    for pattern in rule.cancels:
        # Whoever is dead expects nothing, however early it was.
        lasting = pattern.events <= LASTING
        one = first((pattern,), index, trigger, None if lasting else since, stays)
        if one is not None and (found is None or in_time(one) < in_time(found)):
            found = one
    return found


def _closers(rule: Rule, drafts: list[_Draft], index: Index, stays: StayMatches) -> dict[str, Fact]:
    """Give closers to expectations of one rule."""
    if rule.written.closer_mode == "shared":
        found = {draft.x: _closer(draft, index, stays) for draft in drafts}
        return {x: fact for x, fact in found.items() if fact is not None}
    waiting = sorted(drafts, key=_Draft.sooner)
    given: dict[str, Fact] = {}
    events = frozenset(
        event for draft in drafts for pattern in draft.rule.closes for event in pattern.events
    )
    for fact in index.of(events).facts:
        for draft in waiting:
            if fact.reaches(draft.since) and draft.open_to(fact) and _answers(draft, fact, stays):
                given[draft.x] = fact
                waiting.remove(draft)
                break
    return given


def _closer(draft: _Draft, index: Index, stays: StayMatches) -> Fact | None:
    """Return what closes it; of two that are wanted together, the later one."""
    rule = draft.rule
    closer = first(rule.closes, index, draft.trigger, draft.since, stays)
    if closer is None or not rule.also:
        return closer
    other = first(rule.also, index, draft.trigger, draft.since, stays)
    return None if other is None else max(closer, other, key=in_time)


def _answers(draft: _Draft, fact: Fact, stays: StayMatches) -> bool:
    return any(
        fact.event in pattern.events and matches(pattern, fact, draft.trigger, stays)
        for pattern in draft.rule.closes
    )


def _case(
    draft: _Draft,
    closer: Fact | None,
    index: Index,
    stays: StayMatches,
    feeds: Feeds,
    tenant: str,
) -> Case:
    rule, written = draft.rule, draft.rule.written
    theta, opens_at, by_feed = None, NEVER, False
    settled = _settled(draft, closer)
    if draft.deadline is not None:
        theta = max(draft.deadline + written.grace, draft.trigger.learned + written.settle)
        # What was answered opens no more: no feed is asked for it, however long ago it was.
        if settled in (None, Status.OVERDUE):
            opens_at, by_feed = _opens_at(draft, theta, feeds)
    flags = draft.flags
    if closer is not None:
        flags = (*flags, *_closer_flags(draft, closer))
    elif settled is None and rule.max_unconfirmed is not None and theta is not None and not by_feed:
        flags = (*flags, "feed-down") if opens_at > theta else flags
    return Case(
        x=draft.x,
        gap_id=gap_id_of(tenant, draft.x),
        rule=rule,
        trigger=draft.trigger,
        anchor=draft.anchor,
        deadline=draft.deadline,
        theta=theta,
        opens_at=opens_at,
        by_feed=by_feed,
        settled=settled,
        closer=closer,
        canceller=draft.canceller,
        candidates=() if closer else tuple(_candidates(draft, index, stays)),
        flags=flags,
        pauses=draft.pauses,
    )


def _opens_at(draft: _Draft, theta: datetime, feeds: Feeds) -> tuple[datetime, bool]:
    """Return when it is believed, and whether feeds had to catch up for it."""
    deadline, rule = draft.deadline, draft.rule
    needed = feeds.needed(rule, draft.trigger, theta)
    if deadline is None or not needed:
        return theta, False
    complete = feeds.complete_at(needed, deadline)
    limit = NEVER if rule.max_unconfirmed is None else theta + rule.max_unconfirmed
    # What was held up arrives in the minutes after the first message of a feed that is back.
    caught_up = theta if complete <= theta else _later(complete, rule.written.settle)
    while (again := feeds.heard_again(needed, rule, deadline, caught_up)) is not None:
        caught_up = _later(again, rule.written.settle)
    return min(caught_up, limit), theta < caught_up <= limit and caught_up is not NEVER


def _later(instant: datetime, span: timedelta) -> datetime:
    return instant if instant is NEVER else instant + span


def _settled(draft: _Draft, closer: Fact | None) -> Status | None:
    deadline, canceller = draft.deadline, draft.canceller
    limit = deadline or NEVER
    if draft.rule.written.kind == "forbid" and closer is not None and closer.low > limit:
        closer = None
    if canceller is not None and (closer is None or canceller.low < closer.low):
        if canceller.low <= limit:
            return Status.CANCELLED
        return Status.MET if draft.rule.written.kind == "forbid" else Status.MOOT
    if closer is None:
        return None
    if draft.rule.written.kind == "forbid":
        return Status.OVERDUE
    return Status.MET if closer.low <= limit else Status.MET_LATE


def _closer_flags(draft: _Draft, closer: Fact) -> Iterator[str]:
    if "tz-ambiguous" in closer.flags:
        yield "tz-ambiguous"
    if draft.deadline is not None and closer.low <= draft.deadline < closer.high:
        yield "imprecise"
    expected, arrived = draft.trigger.text("destination"), closer.text("sector")
    if closer.event == "ENC.ADMIT" and arrived and expected not in ("", "unknown", arrived):
        yield "rerouted"


def _candidates(draft: _Draft, index: Index, stays: StayMatches) -> Iterator[Fact]:
    for pattern in draft.rule.closes:
        if "stay" in pattern.match:
            for fact in index.of(pattern.events).since(draft.since):
                if is_candidate(pattern, fact, draft.trigger, stays):
                    yield fact
