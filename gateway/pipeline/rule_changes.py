"""Rules that changed: when that was is noted, and whom it concerns is looked at again.

Nobody's timer knows of a new rule, another deadline, or a rule that was turned off. So what every
rule says is kept as a digest. Whoever looks first with other rules notes the instant, in the
transaction of that look: from then on the ledger goes by them (`rule-change`), however late one
looks. A slow walk past everybody asks for the looks, and goes on where a stop cut it off.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

import structlog

from gateway.core.clock import Clock
from gateway.core.pathway_ports import RuleMark
from gateway.core.ports import Store, Transaction
from gateway.pathway.rules import Rules

_log = structlog.get_logger()
#: Patients walked past in one step, once a second: looks for messages come between.
_PAGE = 200
#: Rule of the mark of the walk, and what it says when that has ended.
_WALK, _ENDED = "", "~"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def digests(rules: Rules) -> dict[str, str]:
    """Return what each rule in force says, in short: its versions, and the units they know."""
    tables = sorted(rules.tables.units.items()), sorted(rules.tables.categories.items())
    found = {}
    for rule_id, versions in rules.in_force.items():
        said = [one.written.model_dump_json() for one in versions]
        found[rule_id] = sha256(f"{said}{tables}".encode()).hexdigest()
    return found


@dataclass(slots=True)
class RuleChanges:
    """Notes what rules say, and walks past those whom a change concerns."""

    rules: Rules
    _said: Mapping[str, str] = field(init=False)
    _is_noted: bool = field(init=False, default=False)
    _is_walked: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Work out once what the rules say."""
        self._said = digests(self.rules)

    def since(self, tx: Transaction, now: datetime) -> dict[str, datetime]:
        """Return from when on the rules that changed say what they say; note what is new.

        Args:
            tx: the transaction of a look.
            now: instant of the look.
        """
        marks = {one.rule: one for one in tx.watch.rule_marks()}
        if not self._is_noted:
            changed = self._changed(marks, now)
            if changed:
                tx.watch.mark_rules(changed)
                marks |= {one.rule: one for one in changed}
        return {name: one.since for name, one in marks.items() if name != _WALK and one.since}

    def _changed(self, marks: Mapping[str, RuleMark], now: datetime) -> list[RuleMark]:
        """Return the marks that are to be written, that of the walk among them."""
        if not marks:
            # Nobody knows what rules said before: they are taken to have said it all along.
            first = [RuleMark(name, said, None) for name, said in sorted(self._said.items())]
            return [*first, RuleMark(_WALK, _ENDED, None)]
        changed = [
            RuleMark(name, self._said.get(name, ""), now)
            for name in sorted((self._said.keys() | marks.keys()) - {_WALK})
            if name not in marks or marks[name].digest != self._said.get(name, "")
        ]
        if not changed:
            return []
        walk = marks.get(_WALK)
        # A walk that has not ended goes round once more, for both changes.
        begun = now if walk is None or walk.digest == _ENDED or walk.since is None else walk.since
        return [*changed, RuleMark(_WALK, "", begun)]

    async def step(self, store: Store, clock: Clock) -> int:
        """Ask for looks at the next persons; return 0, so that the walk is slow.

        Raises:
            RetriableError: the store is away.
        """
        if self._is_walked:
            return 0
        if not self._is_noted:
            await store.write(lambda tx: self.since(tx, clock.now()))
            self._is_noted = True
        concerned = await store.write(lambda tx: self._walk_on(tx, clock.now()))
        if concerned is None:
            self._is_walked = True
        elif concerned:
            _log.info("rules_changed", count=concerned)
        return 0

    async def walk(self, store: Store, clock: Clock) -> None:
        """Walk past everybody."""
        while not self._is_walked:
            await self.step(store, clock)

    def _walk_on(self, tx: Transaction, now: datetime) -> int | None:
        """Walk past a page; return how many are to be looked at, None at the end."""
        marks = {one.rule: one for one in tx.watch.rule_marks()}
        walk = marks.pop(_WALK, None)
        if walk is None or walk.since is None or walk.digest == _ENDED:
            return None
        patients = tx.facts.told_since(_EVER, walk.digest, _PAGE)
        tx.watch.mark_rules([walk._replace(digest=patients[-1] if patients else _ENDED)])
        if not patients:
            return None
        changed = {
            one.rule for one in marks.values() if one.since is not None and one.since >= walk.since
        }
        events = {
            event for event, ids in self.rules.by_trigger.items() if not changed.isdisjoint(ids)
        }
        persons = sorted(set(tx.facts.persons(patients).values()))
        found = [one for one in persons if _is_concerned(tx, one, changed, events)]
        tx.watch.touch(dict.fromkeys(found, now))
        return len(found)


def _is_concerned(tx: Transaction, person: str, changed: set[str], events: set[str]) -> bool:
    """Tell whether something was expected by one of these rules, or may be now."""
    if any(row.rule in changed for row in tx.watch.expectations(person)):
        return True
    return any(one.assertion.event in events for one in tx.facts.of_person(person))
