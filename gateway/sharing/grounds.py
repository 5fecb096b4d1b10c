"""Read what decides about a person from FHIR resources: stays, care teams, consents.

Spec: FHIR R4 CareTeam, Consent, Encounter. What is not understood permits nothing. Consents to
the national record (PAM France ZFA-9, ZFA-11) and directives of care say nothing about sharing.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from gateway.core.access import CATEGORIES
from gateway.core.contributions import Json
from gateway.core.systems import FHIR_BASE
from gateway.fhir.identity import FINESS_SYSTEM, IDNST_SYSTEM
from gateway.fhir.search_dates import date_range
from gateway.sharing.decision import Team, Term, Word

#: Categories a consent may be about, in `provision.class`.
CATEGORY_SYSTEM = f"{FHIR_BASE}/CodeSystem/sharing-category"
#: What consents of a message are about; neither is about sharing (RGPD, CSP L1111-14).
_SUBJECTS = f"{FHIR_BASE}/CodeSystem/consent-subject"
_PRIVACY = "patient-privacy"
#: Stays that never were.
_NO_STAYS = frozenset({"cancelled", "entered-in-error"})

#: Gives the FINESS of the organisations a FHIR Reference names.
Finess = Callable[[Json], frozenset[str]]


def finess_in(resource: Json) -> frozenset[str]:
    """Return the FINESS among the identifiers of an Organization."""
    return frozenset(
        found for one in resource.get("identifier", ()) if (found := finess_of_identifier(one))
    )


def finess_of_identifier(identifier: Json) -> str:
    """Return the FINESS an identifier says; empty when it says none."""
    system, value = identifier.get("system"), str(identifier.get("value", ""))
    if system == FINESS_SYSTEM:
        return value
    # 1: a FINESS behind it (annex of identifiers, ANS).
    return value[1:] if system == IDNST_SYSTEM and value.startswith("1") else ""


def is_stay(resource: Json) -> bool:
    """Tell whether an Encounter or an EpisodeOfCare is a stay that took, or takes, place."""
    return resource.get("status") not in _NO_STAYS


def read_teams(resource: Json, source: str, finess: Finess) -> list[Team]:
    """Read a CareTeam: one team for each span in which somebody is a member; none if not in force.

    Args:
        resource: the CareTeam.
        source: what a decision names.
        finess: of the organisations behind a reference.
    """
    whole = _term(resource.get("period", {}))
    if resource.get("status", "active") != "active" or whole is None:
        return []
    found: dict[Term, frozenset[str]] = {}
    for one in resource.get("participant", ()):
        theirs = _term(one.get("period", {}))
        named = finess(one.get("member", {})) | finess(one.get("onBehalfOf", {}))
        if theirs is not None and named:
            term = _both(whole, theirs)
            found[term] = found.get(term, frozenset()) | named
    for one in resource.get("managingOrganization", ()):
        found[whole] = found.get(whole, frozenset()) | finess(one)
    return [Team(source, named, term) for term, named in found.items()]


def read_word(resource: Json, source: str, finess: Finess) -> Word | None:
    """Read a Consent; None when it is not about sharing, or permits in a way not understood."""
    scopes = {c.get("code") for c in resource.get("scope", {}).get("coding", ())}
    subjects = {c.get("system") for one in resource.get("category", ()) for c in _codings(one)}
    if _PRIVACY not in scopes or _SUBJECTS in subjects:
        return None
    status = resource.get("status")
    if status not in ("active", "inactive"):
        return None
    provision = resource.get("provision", {})
    kind = provision.get("type")
    permits = kind == "permit"
    categories, term = _categories(provision), _term(provision.get("period", {}))
    if kind not in ("permit", "deny"):
        return None
    if permits and (provision.get("provision") or term is None):
        # An exception that is not understood, or a date: no permit. A refusal is taken whole.
        return None
    organisations = frozenset[str]()
    for actor in provision.get("actor", ()):
        organisations |= finess(actor.get("reference", {}))
    if not permits and provision.get("actor") and not organisations:
        # Opposed to somebody who is not known here: of no effect on organisations.
        return None
    return Word(source, permits, organisations, categories, term or Term(), status == "active")


def _categories(provision: Json) -> frozenset[str]:
    named = provision.get("class", ())
    if not named:
        return frozenset(CATEGORIES)
    return frozenset(
        one["code"]
        for one in named
        if one.get("system") == CATEGORY_SYSTEM and one.get("code") in CATEGORIES
    ) or (frozenset(CATEGORIES) if provision.get("type") == "deny" else frozenset())


def _codings(concept: Json) -> Iterable[Json]:
    found: Iterable[Json] = concept.get("coding", ())
    return found


def _term(period: Any) -> Term | None:
    """Read a Period; a day counts whole, in Paris. None when a date in it cannot be read."""
    ends: list[datetime | None] = []
    for name, place in (("start", 0), ("end", 1)):
        text = period.get(name)
        span = date_range(text) if text else None
        if text and span is None:
            return None
        ends.append(None if span is None else datetime.fromisoformat(span[place]))
    return Term(*ends)


def _both(one: Term, other: Term) -> Term:
    """Return the span inside both."""
    starts = [at for at in (one.start, other.start) if at is not None]
    ends = [at for at in (one.end, other.end) if at is not None]
    return Term(max(starts, default=None), min(ends, default=None))
