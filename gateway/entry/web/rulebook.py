"""What the pages say of a rule: its name, its law, what it waits for, in both languages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.core.events import FEED_KINDS, family
from gateway.core.facts import ExpectationRow, Status
from gateway.core.handoffs import Cell
from gateway.entry.web.store_names import lane_of
from gateway.entry.web.values import Text
from gateway.entry.web.words import LANGUAGES, Words, words
from gateway.mapping.sites import Site
from gateway.pathway.rules import Rule, Rules

#: States in which nothing is awaited any more.
ENDED = (Status.MET, Status.MET_LATE, Status.CANCELLED, Status.MOOT, Status.VOID)
#: From the first lane to the second when the facts do not say it better.
_ENDS = {
    "TRX-08": ("", "destination"),
    "ORI-01": ("", "smr"),
    "ORI-02": ("mco", "smr"),
    # Who accepted tells it; the person is still elsewhere.
    "ORI-03": ("mco", "smr"),
    "ORI-05": ("", "had"),
    "ORI-06": ("", "had"),
    "ORI-08": ("home", "sector"),
    "ID-01": ("doc", "snd"),
}


#: Kinds of what is awaited that say what to do; the first one that fits counts.
_NEXT = ("SND", "DOC", "APPT", "REQ", "HOME", "ENC", "PAT", "FEED")


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules as people read them.

    Attributes:
        rules: every version.
        sectors: of establishments with one only, by FINESS: a letter names no unit.
    """

    rules: Rules
    sectors: Mapping[str, str] = field(default_factory=dict)

    def version(self, row: ExpectationRow) -> Rule | None:
        """Return the version of the rule that holds for an expectation."""
        return self.rules.version(row.rule, row.rule_version)

    def name(self, row: ExpectationRow) -> Text:
        """Return the name of the rule; its id when this installation has it no longer."""
        rule = self.version(row)
        if rule is None:
            return dict.fromkeys(LANGUAGES, row.rule)
        return {str(language): name for language, name in rule.written.name.items()}

    def names(self) -> Mapping[str, Text]:
        """Return the name of every rule by id, in its newest version."""
        return {
            rule_id: {str(k): v for k, v in versions[0].written.name.items()}
            for rule_id, versions in sorted(self.rules.versions.items())
        }

    def law(self, row: ExpectationRow) -> Text:
        """Return where the deadline comes from."""
        rule = self.version(row)
        if rule is None:
            return {}
        legal = rule.written.legal
        own = legal.kind == "default"
        return both(lambda w: w(f"law.{legal.kind}") + ("" if own else f" ({legal.ref})"))

    def expected(self, row: ExpectationRow) -> Text:
        """Return what the expectation waits for."""
        return _joined(self.closes(row)[:2])

    def closes(self, row: ExpectationRow) -> tuple[Text, ...]:
        """Return everything that would meet the expectation."""
        rule = self.version(row)
        events = [sorted(pattern.events)[0] for pattern in rule.closes] if rule else []
        return tuple(both(_awaited(event)) for event in dict.fromkeys(events))

    def allowed(self, row: ExpectationRow) -> Text:
        """Return the time allowed in words."""
        rule = self.version(row)
        if rule is None:
            return {}
        deadline = rule.written.deadline
        if deadline.at or (deadline.unit == "h" and not deadline.n):
            return both(lambda w: w("unit.at"))
        if deadline.unit == "day0":
            return both(lambda w: w("unit.day0"))
        return both(lambda w: w(f"unit.{deadline.unit}", n=deadline.n or 0))

    def channels(self, row: ExpectationRow) -> frozenset[str]:
        """Return the channels of feeds that would bring what is awaited."""
        rule = self.version(row)
        events = {event for pattern in rule.closes for event in pattern.events} if rule else set()
        return frozenset(FEED_KINDS[name] for name in map(family, events) if name in FEED_KINDS)

    def grace(self, row: ExpectationRow) -> timedelta:
        """Return the transmission allowance."""
        rule = self.version(row)
        return rule.written.grace if rule else timedelta(0)

    def why(self, row: ExpectationRow, place: str, now: datetime, waiting: int = 0) -> Text:
        """Return one sentence: what happened, and while it is awaited, what was not seen since.

        Args:
            row: the expectation.
            place: name of the establishment where it began, may be empty.
            now: the present instant, for the form of dates.
            waiting: expectations that are unconfirmed because of it, when it is about a feed.
        """
        began = datetime.fromisoformat(str(row.details.get("at") or row.anchor.isoformat()))
        event = str(row.details.get("event", ""))

        def say(w: Words) -> str:
            at, since = w.instant(began, now), w.instant(row.anchor, now)
            where = f", {place}" if place else ""
            what = w.fact(event)
            if row.status in ENDED:
                return w("why.began", what=what, at=at, where=where)
            if w.has(f"why.{row.rule}"):
                return w(f"why.{row.rule}", at=at, since=since, where=where, n=waiting)
            return w("why.other", what=what, at=at, where=where)

        return both(say)

    def next(self, row: ExpectationRow) -> Text:
        """Return what to do about a gap now: told by the kind of what is awaited."""
        rule = self.version(row)
        events = [event for pattern in rule.closes for event in pattern.events] if rule else []
        kinds = [family(event) for event in events]
        kind = next((one for one in _NEXT if one in kinds), "other")
        return both(lambda w: w(f"next.{kind}"))

    def lanes(self, row: ExpectationRow) -> tuple[str, str]:
        """Return the lane the person left and the lane where something is missing."""
        told = (str(row.details.get(name) or "") for name in ("estab", "sector", "destination"))
        return self._ends(Cell(row.rule, *told))

    def flow(self, cell: Cell) -> tuple[str, str]:
        """Return the lane people leave and the one where what is awaited shows.

        A letter is awaited among documents, a send among sends.
        """
        source, target = self._ends(cell)
        versions = self.rules.versions.get(cell.rule, ())
        return source, awaited_lane(versions[0] if versions else None, target)

    def _ends(self, cell: Cell) -> tuple[str, str]:
        here = lane_of(cell.sector or self.sectors.get(cell.estab, ""))
        source, target = _ENDS.get(cell.rule, ("", "home"))
        if target in ("destination", "sector"):
            target = lane_of(cell.destination if target == "destination" else cell.sector)
        return source or here, target


def awaited_lane(rule: Rule | None, otherwise: str) -> str:
    """Return where what a rule waits for shows: documents, sends, or the given lane."""
    events = {event for pattern in rule.closes for event in pattern.events} if rule else set()
    families = {family(event) for event in events}
    if families and families <= {"DOC", "DOCV"}:
        return "doc"
    return "snd" if families == {"SND"} else otherwise


def single_sectors(sites: Iterable[Site]) -> dict[str, str]:
    """Return the sector of each establishment whose units all share one, by FINESS."""
    found = {site.finess: {unit.sector for unit in site.ufs.values()} for site in sites}
    return {finess: next(iter(one)) for finess, one in found.items() if finess and len(one) == 1}


def both(say: Callable[[Words], str]) -> Text:
    """Return what a function says in each language."""
    return {language: say(words(language)) for language in LANGUAGES}


def _awaited(event: str) -> Callable[[Words], str]:
    return lambda w: w.known(f"awaited.{event}", w.fact(event).lower())


def _joined(texts: Sequence[Text]) -> Text:
    return both(lambda w: w("awaited.or").join(text[w.lang] for text in texts))
