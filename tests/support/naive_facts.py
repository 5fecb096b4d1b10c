"""What the assertions of a log come to, made again from the whole log each time.

Shares no code with `gateway.pathway`: one key after the other, the last word counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.core.events import ENDING, STANDING
from gateway.core.facts import Received
from tests.support.naive_calendar import DAY

SECOND, MINUTES = timedelta(seconds=1), timedelta(minutes=5)


@dataclass
class Known:
    """A fact: what is left of a key. `te` and `last` are its first and last possible second."""

    key: str
    event: str
    te: datetime
    last: datetime
    learned: datetime
    attributes: dict[str, Any]

    def get(self, name: str) -> Any:
        """Return an attribute; None when nobody told it."""
        return self.attributes.get(name)


def facts_at(log: Iterable[Received]) -> list[Known]:
    """Return the facts of a log in order of time."""
    said: dict[str, list[Received]] = defaultdict(list)
    for one in log:
        said[one.assertion.key].append(one)
    best = {key: max(words, key=_rank) for key, words in said.items()}
    facts = [fact for key, words in said.items() if (fact := _fact(key, words, best)) is not None]
    return sorted(facts, key=in_time)


def in_time(fact: Known) -> tuple[datetime, str]:
    """Order facts by time; the key settles equal times."""
    return fact.te, fact.key


def stamp(when: datetime) -> str:
    """Write an instant as attributes do."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text: Any) -> datetime | None:
    """Read an instant attribute."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def is_superseded(fact: Known, facts: Iterable[Known]) -> bool:
    """Tell whether a later discharge of the same visit takes the place of this one."""
    if fact.event != "ENC.DISCHARGE" or not fact.get("visit"):
        return False
    visit = (fact.get("estab") or "", fact.get("visit"))
    return any(
        other.event == fact.event
        and (other.get("estab") or "", other.get("visit")) == visit
        and in_time(other) > in_time(fact)
        for other in facts
    )


def _rank(one: Received) -> tuple[str, bool, str, float]:
    said = one.assertion
    return said.revision, said.op == "retract", said.aid, -one.at.timestamp()


def _fact(key: str, words: Sequence[Received], best: dict[str, Received]) -> Known | None:
    last = best[key]
    said = last.assertion
    if said.op == "retract" or _is_dropped(said, best):
        return None
    attributes = dict(said.attributes)
    if said.event.startswith("ENC."):
        ordered = sorted(words, key=_rank)
        gone = [n for n, one in enumerate(ordered, 1) if one.assertion.op == "retract"]
        ordered = ordered[max(gone, default=0) :]
        if all(one.assertion.op == "amend" for one in ordered):
            return None
        attributes = _together(ordered)
    learned = min(one.at for one in words if one.assertion.op == "assert")
    low, high = _when(words, last)
    return Known(key, said.event, low, high, learned, {**attributes, "te": stamp(low)})


def _is_dropped(said: Any, best: dict[str, Received]) -> bool:
    """Tell whether the document that promised it says it no more."""
    setid = said.attributes.get("setid")
    document = best.get(f"DOC|{setid}") if setid and not said.event.startswith("DOC") else None
    if document is None:
        return False
    later = document.assertion.revision
    if document.assertion.op == "retract":
        return later >= said.revision
    return later > said.revision


def _together(words: Iterable[Received]) -> dict[str, Any]:
    """Give each attribute the latest word that has it, but what goes with another one."""
    found: dict[str, Any] = {}
    for one in words:
        new = one.assertion.attributes
        if "mode" in new:
            found.pop("destination_code", None)
            if found.get("mode", new["mode"]) != new["mode"]:
                found.pop("destination_finess", None)
        if "entry_mode" in new:
            found.pop("provenance", None)
            found.pop("ed_passage", None)
        found.update(new)
    return found


def _when(words: Iterable[Received], last: Received) -> tuple[datetime, datetime]:
    """Return the first and the last second at which it may have happened."""
    said = last.assertion
    when = said.when
    if said.event not in ENDING:
        ends = [
            one.assertion.revision
            for one in words
            if (one.assertion.event in STANDING and one.assertion.op == "retract")
            or one.assertion.event in ENDING
        ]
        since = [
            one.assertion.when
            for one in words
            if one.assertion.event in STANDING
            and one.assertion.op == "assert"
            and one.assertion.revision > max(ends, default="")
        ]
        when = min(since, default=when)
    low = when.low.replace(microsecond=0)
    high = low
    if when.high > when.low:
        high = when.high.replace(microsecond=0)
        if "tz-ambiguous" not in said.flags:
            high -= SECOND
        elif high > min(last.at, said.sent_at) + MINUTES >= low:
            high = low
    # A discharge may be told up to thirty days ahead; all else is a wrong clock.
    ahead = 30 * DAY if said.event == "ENC.DISCHARGE" else MINUTES
    if low > last.at + ahead:
        low = high = last.at.replace(microsecond=0)
    return low, high
