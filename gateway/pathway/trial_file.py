"""A file of scenarios to try rules on: read, every name checked, every value typed.

By rule: what starts it, the instants somebody counted by hand, and what meets, cancels or pauses
it, each a fact of the alphabet. Does not run anything (`pathway.trial`) nor read files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.core.errors import FatalError
from gateway.core.events import ATTRIBUTES, EVENTS, Kind, family
from gateway.core.facts import Attributes
from gateway.core.issues import Issue
from gateway.core.timestamps import PARIS
from gateway.mapping.yamltext import Keys, TextDocument
from gateway.pathway import faults

#: The trigger of a scenario without `at`: a Thursday before a holiday and a week-end.
AT = "2026-04-30 16:00"
#: Establishment of a fact that names none.
ESTABLISHMENT = "690000011"
#: Parts that are lists of facts, parts of a case, and of a pause.
_LISTS = ("with", "met", "not_met", "cancels", "lasting", "nothing")
_KEYS = frozenset(
    {"starts", "due", "opens", "death", "forbid", "pauses", "cases", *_LISTS}
)  # fmt: skip
_NEEDED = ("starts", "due", "opens")
_PAUSE, _CASE = ("from", "to", "due"), ("starts", "due", "opens", "severity")
_NULL = ("null", "~", "")


@dataclass(frozen=True, slots=True)
class Told:
    """A fact of a scenario.

    Attributes:
        event: of `core.events`.
        at: when it happens and is received, UTC; None: when the scenario says.
        attributes: what rules may read; None takes one of the trigger away.
        place: file and line.
    """

    event: str
    at: datetime | None
    attributes: Attributes
    place: str


@dataclass(frozen=True, slots=True)
class Expected:
    """A trigger that is somewhat different, and the instants counted for it."""

    starts: Told
    due: datetime
    opens: datetime
    severity: str
    place: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause, and the deadline after it."""

    begins: Told
    ends: Told
    due: datetime
    place: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """What somebody says of one rule.

    Attributes:
        rule: its id.
        starts: the trigger.
        due: the deadline, UTC.
        opens: when the gap opens; of what is forbidden, when it ends well.
        is_forbidden: what is listed under `met` must not happen.
        is_kept: a death does not end it.
        lists: facts by part; a member of `met` may be several that are wanted together.
        pauses: with the deadline after each.
        cases: triggers with another deadline or severity.
        place: file and line.
    """

    rule: str
    starts: Told
    due: datetime
    opens: datetime
    is_forbidden: bool
    is_kept: bool
    place: str
    lists: Mapping[str, Sequence[tuple[Told, ...]]] = field(default_factory=dict)
    pauses: Sequence[Pause] = ()
    cases: Sequence[Expected] = ()


def read(document: TextDocument) -> list[Scenario]:
    """Read the scenarios of a file, in its order.

    Raises:
        FatalError: every key, event, attribute and value that is wrong (RLS-PTH-001 to 003).
    """
    issues: list[Issue] = []
    if not isinstance(document.data, dict):
        issues.append(faults.wrong_key(document.place(), "", "write a rule id with its scenario"))
        raise FatalError(issues)
    found = [
        one
        for rule, said in document.data.items()
        if (one := _Reader(document, issues, rule).scenario(said)) is not None
    ]
    if issues:
        raise FatalError(issues)
    return found


class _Reader:
    """Reads one scenario; notes what is wrong."""

    def __init__(self, document: TextDocument, issues: list[Issue], rule: str) -> None:
        self._document, self._issues, self._rule = document, issues, rule

    def scenario(self, said: Any) -> Scenario | None:
        """Return the scenario; None when a part of it is wrong."""
        before = len(self._issues)
        if not self._has((), said, _NEEDED, _KEYS):
            return None
        starts = self._fact(("starts",), said["starts"])
        event = starts.event if starts else ""
        lists = {
            part: [self._together((part, n), one, event) for n, one in self._members(said, part)]
            for part in _LISTS
        }
        pauses = [self._pause(("pauses", n), one) for n, one in self._members(said, "pauses")]
        cases = [self._case(("cases", n), one, event) for n, one in self._members(said, "cases")]
        due, opens = (self._instant((name,), said[name]) for name in ("due", "opens"))
        if len(self._issues) > before or starts is None or due is None or opens is None:
            return None
        return Scenario(
            rule=self._rule,
            starts=starts,
            due=due,
            opens=opens,
            is_forbidden=said.get("forbid") == "true",
            is_kept=said.get("death") == "kept",
            place=self._place(()),
            lists=lists,
            pauses=[one for one in pauses if one is not None],
            cases=[one for one in cases if one is not None],
        )

    def _members(self, said: Mapping[str, Any], part: str) -> Iterator[tuple[int, Any]]:
        members = said.get(part, [])
        if isinstance(members, list):
            yield from enumerate(members)
        else:
            self._wrong((part,), "write a list")

    def _together(self, keys: Keys, said: Any, event: str) -> tuple[Told, ...]:
        """Return the facts of one member of a list: one, or several that are wanted together."""
        several = said if isinstance(said, list) else [said]
        of_trigger = event if keys[0] == "nothing" else ""
        told = (self._fact(keys, one, of_trigger) for one in several)
        return tuple(one for one in told if one is not None)

    def _pause(self, keys: Keys, said: Any) -> Pause | None:
        if not self._has(keys, said, _PAUSE, _PAUSE):
            return None
        begins = self._fact((*keys, "from"), said["from"])
        ends = self._fact((*keys, "to"), said["to"])
        due = self._instant((*keys, "due"), said["due"])
        if begins is None or ends is None or due is None:
            return None
        if begins.at is None or ends.at is None:
            self._wrong(keys, "a pause needs `at` in `from` and in `to`")
            return None
        return Pause(begins, ends, due, self._place(keys))

    def _case(self, keys: Keys, said: Any, event: str) -> Expected | None:
        if not self._has(keys, said, _CASE, _CASE):
            return None
        starts = self._fact((*keys, "starts"), said["starts"], event)
        due, opens = (self._instant((*keys, name), said[name]) for name in ("due", "opens"))
        if starts is None or due is None or opens is None:
            return None
        return Expected(starts, due, opens, said["severity"], self._place(keys))

    def _fact(self, keys: Keys, said: Any, of_trigger: str = "") -> Told | None:
        """Return a fact; without `event` it is the trigger, changed."""
        if not isinstance(said, dict):
            self._wrong(keys, "write a fact: {event: ..., attributes}")
            return None
        event = str(said.get("event", of_trigger))
        if event not in EVENTS:
            place = self._place((*keys, "event"))
            self._issues.append(
                faults.unknown_event(place, self._named((*keys, "event")), event, EVENTS)
            )
            return None
        known = ATTRIBUTES[family(event)]
        attributes: Attributes = {}
        for name, text in said.items():
            if name in ("event", "at"):
                continue
            if name not in known:
                place = self._place((*keys, name))
                self._issues.append(
                    faults.unknown_field(place, self._named((*keys, name)), name, event, known)
                )
                continue
            attributes[name] = self._typed((*keys, name), text, known[name])
        at = self._instant((*keys, "at"), said["at"]) if "at" in said else None
        return Told(event, at, attributes, self._place(keys))

    def _typed(self, keys: Keys, text: Any, kind: Kind) -> Any:
        if kind is Kind.TEXTS and isinstance(text, list):
            return text
        if not isinstance(text, str):
            self._wrong(keys, f"write a {kind.value}")
        elif text in _NULL:
            return None
        elif kind is Kind.BOOLEAN:
            if text in ("true", "false"):
                return text == "true"
            self._wrong(keys, "write true or false")
        elif kind is Kind.NUMBER:
            return self._number(keys, text)
        elif kind is Kind.INSTANT:
            return self._stamp(keys, text)
        elif kind is Kind.TEXTS:
            self._wrong(keys, "write a list of texts")
        return text

    def _number(self, keys: Keys, text: str) -> float | None:
        try:
            return float(text)
        except ValueError:
            self._wrong(keys, "write a number")
            return None

    def _stamp(self, keys: Keys, text: str) -> str | None:
        found = self._instant(keys, text)
        return None if found is None else found.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _instant(self, keys: Keys, text: Any) -> datetime | None:
        """Read a time of day in Paris, or an instant with offset."""
        try:
            found = datetime.fromisoformat(text)
        except (ValueError, TypeError):
            self._wrong(keys, "write a time, `2026-05-11 23:59:59`, in Paris unless it has offset")
            return None
        return (found if found.tzinfo else found.replace(tzinfo=PARIS)).astimezone(UTC)

    def _has(self, keys: Keys, said: Any, needed: Sequence[str], known: Any) -> bool:
        if not isinstance(said, dict):
            self._wrong(keys, f"write {', '.join(needed)}")
            return False
        for name in said:
            if name not in known:
                place, shown = self._place((*keys, name)), self._named((*keys, name))
                self._issues.append(faults.wrong_key(place, shown, "unknown", known))
        missing = [name for name in needed if name not in said]
        for name in missing:
            self._wrong((*keys, name), "missing")
        return not missing

    def _wrong(self, keys: Keys, reason: str) -> None:
        self._issues.append(faults.wrong_key(self._place(keys), self._named(keys), reason))

    def _named(self, keys: Keys) -> str:
        return ".".join(str(one) for one in (self._rule, *keys))

    def _place(self, keys: Keys) -> str:
        return self._document.place((self._rule, *keys))
