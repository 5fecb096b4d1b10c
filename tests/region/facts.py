"""What a person's assertions come to, for the naive engine of the region.

Shares no code with `gateway.pathway`: every fact is made again from the whole log each time.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.events import ENDING, STANDING
from gateway.core.facts import Received

PARIS = ZoneInfo("Europe/Paris")
SECOND, MINUTES, DAY = timedelta(seconds=1), timedelta(minutes=5), timedelta(days=1)
_ARRIVALS = ("ENC.ADMIT", "ENC.ED_IN", "ENC.OUTPT")


@dataclass
class Known:
    """A fact: what is left of a key. `low` and `high` are its first and last possible second."""

    key: str
    event: str
    low: datetime
    high: datetime
    learned: datetime
    says: dict[str, Any]
    superseded: bool = False

    def get(self, name: str) -> Any:
        """Return an attribute; None when nobody told it."""
        return self.says.get(name)


@dataclass
class Places:
    """Sectors by `<FINESS>#<unit>`."""

    sectors: dict[str, str] = field(default_factory=dict)


def known_at(log: Iterable[Received], places: Places) -> list[Known]:
    """Return the facts of a log with what all of them say together, in order of time."""
    said: dict[str, list[Received]] = defaultdict(list)
    for one in log:
        said[one.assertion.key].append(one)
    best = {key: max(words, key=_rank) for key, words in said.items()}
    facts = [fact for key, words in said.items() if (fact := _fact(key, words, best)) is not None]
    facts.sort(key=lambda fact: (fact.low, fact.key))
    _complete(facts, places)
    return facts


def _rank(one: Received) -> tuple[str, bool, str, float]:
    said = one.assertion
    return said.revision, said.op == "retract", said.aid, -one.at.timestamp()


def _fact(key: str, words: Sequence[Received], best: dict[str, Received]) -> Known | None:
    last = best[key]
    said = last.assertion
    if said.op == "retract" or _is_dropped(said, best):
        return None
    says = dict(said.attributes)
    if said.event.startswith("ENC."):
        ordered = sorted(words, key=_rank)
        gone = [n for n, one in enumerate(ordered, 1) if one.assertion.op == "retract"]
        ordered = ordered[max(gone, default=0) :]
        if all(one.assertion.op == "amend" for one in ordered):
            return None
        says = _together(ordered)
    learned = min(one.at for one in words if one.assertion.op == "assert")
    low, high = _when(words, last)
    return Known(key, said.event, low, high, learned, says)


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


def instant(text: Any) -> datetime | None:
    """Read an instant attribute."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _visit(fact: Known) -> tuple[Any, Any]:
    visit = fact.get("visit")
    return (fact.get("estab") or "", visit) if visit else ("", fact.key)


def _complete(facts: list[Known], places: Places) -> None:
    """Add sector, stay, destination, family doctor, and the return from a leave."""
    stays = ("ENC.PREADMIT", *_ARRIVALS, "ENC.DISCHARGE")
    by_visit: dict[tuple[Any, Any], list[Known]] = defaultdict(list)
    for fact in facts:
        if fact.event in stays:
            by_visit[_visit(fact)].append(fact)
    doctors = [fact for fact in facts if fact.event == "PAT.GP_KNOWN"]
    letters = [fact for fact in facts if fact.event == "DOC.LDL_SES"]
    for fact in facts:
        if fact.event.startswith("ENC."):
            _movement(fact, by_visit[_visit(fact)], places)
        if fact.event.startswith("ENC.") or (fact.event.startswith("DOC") and doctors):
            known = [one.get("gp") for one in doctors if one.low <= fact.low]
            if known and ("gp" not in fact.says or fact.event.startswith("ENC.")):
                _add(fact, "gp", known[-1] or None)
        if fact.event == "LDL.PROMISE" and "stay_end" not in fact.says:
            found = [one for one in letters if fact.get("setid") == one.get("setid")]
            _add(fact, "stay_end", found[0].get("stay_end") if found else None)


def _movement(fact: Known, visit: list[Known], places: Places) -> None:
    _add(fact, "sector", places.sectors.get(str(fact.get("estab_unit"))))
    starts = [one.low for one in visit if one.event in _ARRIVALS]
    ends = [one for one in visit if one.event == "ENC.DISCHARGE"]
    if starts:
        _add(fact, "stay_start", starts[0].isoformat())
    if fact.event == "ENC.DISCHARGE":
        fact.superseded = ends[-1] is not fact
        _add(fact, "stay_end", fact.low.isoformat())
        if not fact.superseded:
            _add(fact, "destination", _destination(fact))
    elif ends and ends[-1].low >= fact.low:
        _add(fact, "stay_end", ends[-1].low.isoformat())
    if fact.event == "ENC.LEAVE_OUT":
        hours = 48 if fact.get("mode") == "0" else 12 if fact.get("circumstance") == "A" else 72
        _add(fact, "return_due", (fact.low + timedelta(hours=hours)).isoformat())


def _destination(fact: Known) -> str:
    """Return the sector that the site bills, which is all that the region says of it."""
    mode, code = fact.get("mode"), fact.get("destination_code") or ""
    if mode == "9":
        return "dead"
    if mode == "8":
        return {"": "home", "8": "home", "6": "had", "7": "ms"}.get(code, "unknown")
    if mode in ("6", "7"):
        sectors = {"1": "mco", "2": "smr", "3": "usld", "4": "psy", "6": "had", "7": "ms"}
        return sectors.get(code, "unknown")
    return "unknown"


def _add(fact: Known, name: str, value: Any) -> None:
    if value is not None and fact.says.get(name) is None:
        fact.says[name] = value


def about(document: Known, stays: Sequence[Known]) -> list[Known]:
    """Return the stays a document fits best: none, one, or equal candidates."""
    found = [(_fit(document, stay), stay) for stay in stays]
    best = max((level for level, _stay in found), default=0)
    return [stay for level, stay in found if level == best and best > 0]


def _fit(document: Known, stay: Known) -> int:
    here, there = document.get("estab"), stay.get("estab")
    if here and there and here != there:
        return 0
    if document.get("visit") and stay.get("visit"):
        return 3 if document.get("visit") == stay.get("visit") else 0
    if not here or not there:
        return 0
    (start, end), (begun, ended) = _bounds(document), _bounds(stay)
    days = [one.astimezone(PARIS).date() for one in (start, end, begun, ended)]
    if days[0] > days[3] or days[1] < days[2]:
        return 0
    if abs(start - begun) < DAY and abs(end - ended) < DAY:
        return 2
    common = min(end, ended) - max(start, begun)
    whole = max(end, ended) - min(start, begun)
    return 2 if whole > timedelta(0) and common / whole > 0.8 else 1


def _bounds(fact: Known) -> tuple[datetime, datetime]:
    start, end = instant(fact.get("stay_start")), instant(fact.get("stay_end"))
    start = start or end or fact.low
    return start, end or max(start, fact.low)
