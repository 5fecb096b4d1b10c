"""What the process of the workbench is asked; light, so that who asks imports little."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from gateway.entry.bench.inputs import Kind
from gateway.entry.web.ops.values import ResourceChange


@dataclass(frozen=True, slots=True)
class Tree:
    """A mapping tree: a folder, with texts in the place of some of its files.

    Attributes:
        folder: None: the one that ships with the program.
        drafts: path below the folder, and text.
    """

    folder: Path | None = None
    drafts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """One input to be looked at.

    Attributes:
        body: one message, document or resource.
        kind: what it is.
        now: the present instant.
        site: name of the site table to use whatever the sender; empty: that of the sender.
        tree: mappings to convert it with.
        with_bundle: the answer holds the whole result as JSON.
    """

    body: bytes = field(repr=False)
    kind: Kind
    now: datetime
    site: str = ""
    tree: Tree = Tree()
    with_bundle: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A mapping tree to be checked, as the gateway checks its own when it starts."""

    tree: Tree


@dataclass(frozen=True, slots=True)
class Side:
    """One of two ways to convert an input.

    Attributes:
        tree: mappings.
        site: name of the site table; empty: that of the sender.
    """

    tree: Tree
    site: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """An input to be converted in two ways."""

    body: bytes = field(repr=False)
    kind: Kind
    now: datetime
    before: Side
    after: Side


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs.

    Attributes:
        before: status with the first way (`InboxStatus`).
        after: status with the second.
        refused: code and place of what refuses with the second.
        changes: resources that differ.
        more: further ones.
        same: how many are equal.
    """

    before: str
    after: str
    refused: tuple[tuple[str, str], ...]
    changes: tuple[ResourceChange, ...]
    more: int
    same: int


@dataclass(frozen=True, slots=True)
class CheckRule:
    """A rule to be checked.

    Attributes:
        name: of its file, without suffix.
        text: YAML.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """A rule to be tried on a log.

    Attributes:
        name: of its file, without suffix.
        text: YAML.
        patients: of the synthetic region whose log it is; 0: the log is given.
        seed: of the region.
        log: lines of a log or scenario, as `relais pathway run` reads them.
    """

    name: str
    text: str
    patients: int = 0
    seed: int = 1
    log: bytes = field(default=b"", repr=False)


class Burden(NamedTuple):
    """What one owner is told in one day, or in all.

    Attributes:
        owner: role.
        day: ISO date; empty: all days.
        before: openings with the rules in force.
        after: openings with the rule that is tried.
        worst: most on one day, before and after; of a day, the same numbers.
    """

    owner: str
    day: str
    before: int
    after: int
    worst: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tried:
    """What another rule would have found.

    Attributes:
        inputs: lines of the log.
        first: instant of the first one; None: there is none.
        last: instant the virtual clock ran to.
        opened: gaps with the rules in force, and with the rule that is tried.
        closed: of these, how many were closed again.
        kept: gaps both open.
        added: rule and instant of those only the tried one opens, at most as many as are shown.
        removed: the same of those only the rules in force open.
        more: of `added` and `removed`, how many are not shown.
        owners: burden of each owner over all days.
        days: burden by day, where there is any.
        overloaded: owners whose load grows by more than 30 %.
    """

    inputs: int
    first: datetime | None
    last: datetime
    opened: tuple[int, int]
    closed: tuple[int, int]
    kept: int
    added: tuple[tuple[str, datetime], ...]
    removed: tuple[tuple[str, datetime], ...]
    more: tuple[int, int]
    owners: tuple[Burden, ...]
    days: tuple[Burden, ...]
    overloaded: tuple[str, ...]
