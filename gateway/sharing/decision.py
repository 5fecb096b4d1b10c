"""Who may be shown what is known about a person, and why: one pure function for every way out.

Reads and searches use it through the permits that were made of it, notifications, mails and
exports ask it again at each sending. A person, not a record: what is said about one Patient of a
person counts for all. Law: CSP L1110-4 (secret, opposition), L1110-12 (care team), R1110-1 to -3
(consent). Does not read resources (`sharing.grounds`) nor the store (`pipeline.rights`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.core.access import CATEGORIES, Client


class Why(StrEnum):
    """Why somebody may, or may not, be shown something; the first six permit."""

    EVERYBODY = "no-perimeter"
    DECLARED_TEAM = "equipe-de-soins-declared"
    TEAM = "equipe-de-soins"
    CONSENT = "consent"
    CARE = "soins-dans-l-etablissement"
    GLASS = "bris-de-glace"
    OFF = "client-off"
    OUTSIDE = "outside-territory"
    OPPOSED = "opposition"
    NONE = "no-basis"
    EXPIRED = "consent-not-valid"
    SCOPE = "consent-scope"


@dataclass(frozen=True, slots=True)
class Term:
    """A span of time; an end that is None is open.

    Attributes:
        start: from here on, UTC.
        end: until here, excluded, UTC.
    """

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Tell whether an instant is inside."""
        return (self.start is None or self.start <= now) and (self.end is None or now < self.end)


@dataclass(frozen=True, slots=True)
class Team:
    """A care team of the person.

    Attributes:
        source: `CareTeam/x/_history/1`.
        organisations: FINESS of its members and of those they act for.
        by: clients that wrote it.
    """

    source: str
    organisations: frozenset[str]
    term: Term = Term()
    by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Word:
    """What the person said about sharing: a consent, or an opposition.

    Attributes:
        source: `Consent/x/_history/2`.
        permits: a consent; False: an opposition.
        organisations: FINESS it is about; of an opposition empty: everybody.
        categories: of `core.access.CATEGORIES`.
        is_live: False when it was withdrawn.
        by: clients that wrote it.
    """

    source: str
    permits: bool
    organisations: frozenset[str]
    categories: frozenset[str] = frozenset(CATEGORIES)
    term: Term = Term()
    is_live: bool = True
    by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is known of a person that decides who may be shown them.

    Attributes:
        places: FINESS of the organisations where the person has or had a stay.
    """

    places: frozenset[str] = frozenset()
    teams: tuple[Team, ...] = ()
    words: tuple[Word, ...] = ()

    def boundaries(self, now: datetime) -> list[datetime]:
        """Return the instants after now at which a decision may change by itself."""
        terms = [one.term for one in self.teams] + [one.term for one in self.words]
        found = {at for term in terms for at in (term.start, term.end) if at and at > now}
        return sorted(found)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a client may be shown a category of what is known about a person.

    Attributes:
        source: what it rests on, empty when on nothing that is written.
    """

    allowed: bool
    why: Why
    source: str = ""


def decide(client: Client, grounds: Grounds, category: str, now: datetime) -> Decision:
    """Decide whether a client may be shown a category of what is known about a person now.

    Its territory is a perimeter and never a basis; an opposition wins over team and consent.

    Args:
        client: who asks.
        grounds: what is known of the person, under all Patients of theirs.
        category: `handoff` or `document`.
        now: instant of the question, UTC.
    """
    if not client.active:
        return Decision(False, Why.OFF)
    if client.territory is None:
        return Decision(True, Why.EVERYBODY)
    own = client.own
    if not grounds.places & {*client.territory, *own}:
        return Decision(False, Why.OUTSIDE)
    for word in grounds.words:
        concerns = not word.organisations or own & word.organisations
        if not word.permits and concerns and category in word.categories and _stands(word, now):
            return Decision(False, Why.OPPOSED, word.source)
    if client.team_reference:
        return Decision(True, Why.DECLARED_TEAM, client.team_reference)
    if client.people and own & grounds.places:
        return Decision(True, Why.CARE)
    for team in grounds.teams:
        named = own & team.organisations and _counts(client, team)
        if named and team.term.holds(now):
            return Decision(True, Why.TEAM, team.source)
    words = [word for word in grounds.words if _counts(client, word)]
    return _by_consent(own, words, category, now)


def _counts(client: Client, told: Team | Word) -> bool:
    """Tell whether a client may rest on what was told: nobody gives itself a basis."""
    return client.records_consents or client.id not in told.by


def _by_consent(
    own: frozenset[str], words: Iterable[Word], category: str, now: datetime
) -> Decision:
    given = [word for word in words if word.permits and own & word.organisations]
    live = [word for word in given if _stands(word, now)]
    for word in live:
        if category in word.categories:
            return Decision(True, Why.CONSENT, word.source)
    if live:
        return Decision(False, Why.SCOPE, live[0].source)
    if given:
        return Decision(False, Why.EXPIRED, given[0].source)
    return Decision(False, Why.NONE)


def _stands(word: Word, now: datetime) -> bool:
    return word.is_live and word.term.holds(now)


_SENTENCES = {
    Why.EVERYBODY: "the client has no perimeter: it sees everybody",
    Why.DECLARED_TEAM: "its organisation is declared of the care team of its territory",
    Why.TEAM: "its organisation is a member of a care team of the person",
    Why.CONSENT: "the person consented",
    Why.CARE: "those who ask work where the person is, or was, a patient",
    Why.GLASS: "somebody opened it for a vital emergency, for a while",
    Why.OFF: "the client is turned off",
    Why.OUTSIDE: "the person has and had no stay in its territory",
    Why.OPPOSED: "the person is opposed to it",
    Why.NONE: "no care team and no consent names its organisation",
    Why.EXPIRED: "the consent that names it was withdrawn, or does not hold now",
    Why.SCOPE: "the consent that names it does not cover this",
}


def in_words(decision: Decision) -> str:
    """Return a decision as a sentence for people, without a name."""
    verdict = "yes" if decision.allowed else "no"
    founded = f" ({decision.source})" if decision.source else ""
    return f"{verdict}: {_SENTENCES[decision.why]}{founded}."
