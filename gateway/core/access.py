"""Who calls: software clients, the tokens they were given, and whom a request acts for.

Values only. What a scope allows is in `sharing.scopes`; how a client proves itself is in
`entry.auth` (SMART App Launch 2.2, Backend Services).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

#: The one client there is on this machine while none is registered (design decision 11).
LOCAL = "local"
#: Stands for a Patient that is not known: what is of such a one is shown to nobody who has a
#: territory.
UNKNOWN_PATIENT = "?"
#: Categories of what is shared about a person.
CATEGORIES = ("document", "handoff")


class Audience(StrEnum):
    """For whom a client asks; the letter is what a mask of a document is kept as."""

    PROFESSIONAL = "p"
    PATIENT = "t"
    REPRESENTATIVE = "r"


@dataclass(frozen=True, slots=True)
class Client:
    """A registered software client.

    Attributes:
        id: `client_id`, chosen at registration.
        name: for people.
        scopes: what it may be given, separated by spaces (`system/Task.rus system/Patient.rs`).
        jwks_url: where its public keys are; empty when they were given.
        jwks: its public keys as JSON text, a JWK Set; empty when they are at an address.
        active: it may ask for tokens.
        territory: FINESS of the organisations whose patients it may be shown; None: it has no
            perimeter and sees everybody (tools of the operator, auditors).
        organisation: its own FINESS: whom a consent or a care team names.
        team_reference: signed reference by which its organisation counts as of the care team of
            whoever is in its territory (CSP L1110-12); empty: it does not.
        audience: for whom it asks; masks of documents hide from it accordingly.
        records_consents: what it writes about care teams and consents counts for itself too; only
            for one whose users ask the persons concerned.
        certificate: SHA-256 of the certificate it must show, hex; empty: none is asked for.
        further: FINESS beside `organisation` that count as its own: people may work for several.
        people: people work for it, who take part in the care of whoever is or was a patient
            there (CSP L1110-12, 1°); software is never shown anybody for that.
    """

    id: str
    name: str
    scopes: str
    jwks_url: str = ""
    jwks: str = ""
    active: bool = True
    territory: tuple[str, ...] | None = None
    organisation: str = ""
    team_reference: str = ""
    audience: Audience = Audience.PROFESSIONAL
    records_consents: bool = False
    certificate: str = ""
    further: tuple[str, ...] = ()
    people: bool = False

    @property
    def own(self) -> frozenset[str]:
        """Return the FINESS whose care teams and consents are about it."""
        return frozenset({self.organisation, *self.further} - {""})


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token as it is kept: its hash, never itself.

    Attributes:
        digest: SHA-256 of the token, in hex.
        client: whose it is.
        scopes: what was granted.
        expires: UTC.
    """

    digest: str
    client: str
    scopes: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a request acts for.

    Attributes:
        client: id of the software client, `local` for the implicit one.
        scopes: what it was granted; None for the implicit client, which may do everything.
        token: hash of its token, for the journal; empty for the implicit client.
        has_territory: it sees the persons it has permits for; False: everybody.
        audience: for whom it asks.
        certificate: SHA-256 of the certificate it has to show, hex; empty: none.
    """

    client: str
    scopes: str | None
    token: str = ""
    has_territory: bool = False
    audience: Audience = Audience.PROFESSIONAL
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a registered client may be shown, as a query knows it.

    Attributes:
        client: its id; of Subscriptions it sees its own.
        has_territory: it sees the persons it has permits for; False: everybody.
        audience: for whom it asks.
        now: instant of the request, UTC.
        person: id of the permits one person has beside those of `client` (break-glass); empty:
            it is software.
    """

    client: str
    has_territory: bool
    audience: Audience
    now: datetime
    person: str = ""


class Permit(NamedTuple):
    """A client may be shown one category of what is known about a Patient.

    Attributes:
        basis: word of `sharing.decision.Why`.
        source: what it rests on, such as `Consent/x/_history/2`.
        until: when it ends by itself, UTC; None: it does not.
    """

    client: str
    patient: str
    category: str
    basis: str
    source: str = ""
    until: datetime | None = None


class Glass(NamedTuple):
    """A person opened what they may not see, for one patient and a while (break-glass).

    Attributes:
        id: of the grant, and of its entry in the journal.
        who: national identifier of who did it.
        patient: the Patient whose page they asked for.
        reason: in their words.
        since: UTC.
        until: when it ends by itself, UTC.
    """

    id: str
    who: str
    patient: str
    reason: str
    since: datetime
    until: datetime


def person_permits(who: str) -> str:
    """Return the id under which a person holds permits of their own."""
    return f"person:{who}"


class Mark(NamedTuple):
    """A person about whom it must be decided anew.

    Attributes:
        number: of the mark.
        patient: one of the Patients of the person.
    """

    number: int
    patient: str
