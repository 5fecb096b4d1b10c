"""The naive engine of the region: every person computed again at each receipt.

Its facts are those of `tests.region.facts`, its rules the shipped files as `tests.support` reads
them; nothing of `gateway.pathway` is shared.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.core.facts import Received
from gateway.core.feed_ports import Trouble
from gateway.core.pathway_ports import FeedState, Move
from gateway.mapping.yamltext import read_text_yaml
from tests.region.facts import Places, known_at
from tests.support.naive_rules import newest
from tests.support.oracle import (
    ALWAYS,
    FOREVER,
    Expected,
    Heard,
    Quiet,
    Standing,
    Transition,
    named,
    standings,
    transitions,
)

_WEEK = timedelta(days=7)


def naive_rules(*folders: Path) -> tuple[Expected, ...]:
    """Return the rules of some folders, each with its versions, in order of id."""
    files: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(path for folder in folders for path in folder.glob("*.yaml")):
        said = read_text_yaml(path.read_text("utf-8"), path.name).data
        files.setdefault(said["id"], []).append(said)
    return tuple(newest(versions) for _id, versions in sorted(files.items()))


def heard_of(
    states: Sequence[FeedState], declared: Iterable[str], troubles: Iterable[Trouble] = ()
) -> dict[str, Heard]:
    """Return the feeds that are promised, or have shown that their silence means something."""
    quiet: dict[str, list[Quiet]] = defaultdict(list)
    for one in troubles:
        if one.lost:
            over = one.ended_at or FOREVER
            quiet[one.feed].append(Quiet(one.lost, one.since, one.told_at, over))
    feeds = {name: Heard(ALWAYS, (), quiet[name]) for name in declared}
    for one in states:
        if one.feed in feeds:
            feeds[one.feed] = Heard(ALWAYS, one.marks, quiet[one.feed])
        elif one.proven_at is not None:
            since = max(one.first_at + _WEEK, one.proven_at)
            feeds[one.feed] = Heard(since, one.marks, quiet[one.feed])
    return feeds


@dataclass(frozen=True)
class Life:
    """Everything that is known of Patients that were one person at some time.

    Attributes:
        log: by Patient.
        persons: of each Patient in the end.
        moves: from person to person, oldest first.
    """

    log: Mapping[str, Sequence[Received]]
    persons: Mapping[str, str]
    moves: Sequence[Move]

    def groups(self, now: datetime) -> list[list[str]]:
        """Return the Patients of each person at an instant."""
        found: dict[str, list[str]] = {}
        for patient in self.log:
            mine = [move for move in self.moves if move.patient_id == patient]
            done = [move for move in mine if move.at <= now]
            start = mine[0].before if mine else self.persons[patient]
            found.setdefault(done[-1].after if done else start, []).append(patient)
        return list(found.values())

    @property
    def receipts(self) -> Iterator[tuple[datetime, int]]:
        """Return (receipt, order) of everything; what makes persons one comes first."""
        for said in self.log.values():
            yield from ((one.at, one.order) for one in said)
        yield from ((move.at, -1) for move in self.moves)


def ledger(
    life: Life,
    rules: Sequence[Expected],
    feeds: Mapping[str, Heard],
    places: Places,
    until: datetime,
) -> list[Transition]:
    """Return every transition of the expectations of these Patients."""

    def look(now: datetime, order: int) -> dict[str, Standing]:
        found: dict[str, Standing] = {}
        for group in life.groups(now):
            facts = known_at(
                (
                    one
                    for patient in group
                    for one in life.log[patient]
                    if (one.at, one.order) <= (now, order)
                ),
                places,
            )
            events = {fact.event for fact in facts}
            for rule in rules:
                if any(named(event, rule.event) for event in events):
                    found |= standings(rule, facts, feeds)
        return found

    return transitions(life.receipts, look, until)
