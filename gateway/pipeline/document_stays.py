"""Find the stay of each document that came without the message of its stay.

The match is computed again whenever either side changes: the document, a stay of its person, or
who its person is. What a match means is in `fhir.document_stays`. Nearly every input is far from
such a document: that is settled by one query.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.core.ports import Condition, Transaction
from gateway.fhir.document_stays import DocumentStays, document_stay, is_of_document, is_of_feed
from gateway.fhir.fold import Fold
from gateway.fhir.order_numbers import joined
from gateway.fhir.stay_match import NO_MATCH, Match, Stay, match, reference_id, stay_of
from gateway.fhir.survivors import Links, subjects_of
from gateway.pipeline.merges import gather

Parts = dict[Target, list[Contribution]]

#: Kind of the claims of the Encounter of a document; the value is its own id, that of a Patient
#: of its person, or that of a stay it fits.
KIND = "document-stay"

_NONE = DocumentStays()
_PAGE = 500


def settle(
    tx: Transaction, wanted: Parts, stays: Fold, links: Links, moved: Iterable[str]
) -> tuple[DocumentStays, Links]:
    """Match the documents near the targets that are folded; add to them what a match changes.

    Args:
        tx: the transaction that holds the contributions and, once persons are linked, who is who.
        wanted: contributions by target; stays that a document fits or fitted, and all that its
            inputs say of them, are added.
        stays: the fold of a stay.
        links: between the Patients of the targets.
        moved: persons that gained or lost a Patient.

    Returns:
        The matches near the targets, and the links of all targets.
    """
    own = {t for t, parts in wanted.items() if t.type == "Encounter" and _tells(parts)}
    documents = sorted(own | _near(tx, wanted, links, moved))
    if not documents:
        return _NONE, links
    parts = _loaded(tx, documents, wanted)
    links = links.and_those(gather(tx, dict(parts)))
    known = _Stays(tx, wanted, stays, links)
    matches = {one: _matched(tx, one, parts[one], known, links) for one in documents}
    before = _before(tx, documents)
    tx.claims.replace({one: _claims(tx, one, parts[one], matches[one]) for one in documents})
    moving = {one for one in documents if before.get(one, NO_MATCH) != matches[one]}
    reached = {*moving, *_said_beside(tx, moving)}
    for one in moving | (wanted.keys() & set(documents)):
        ends = (before.get(one, NO_MATCH).stay, matches[one].stay)
        reached |= {Target("Encounter", stay) for stay in ends if stay}
    more = _loaded(tx, sorted(reached - wanted.keys()), parts)
    names = {f"Encounter/{one.id}" for one in documents}
    more = {t: found for t, found in more.items() if t.type == "Encounter" or _names(found, names)}
    near = dict(more)
    links = links.and_those(gather(tx, near))
    more |= {target: heard for target, heard in joined(near).items() if target in more}
    wanted |= more
    return (
        DocumentStays(
            {one.id: found for one, found in matches.items()},
            {one.id: found for one, found in parts.items()},
        ),
        links,
    )


def _tells(parts: Iterable[Contribution]) -> bool:
    return any(is_of_document(part.resource) for part in parts)


def _near(tx: Transaction, wanted: Parts, links: Links, moved: Iterable[str]) -> set[Target]:
    """Return the documents that claim these stays, what points to one, or their people."""
    values = set[str]()
    for target, parts in wanted.items():
        if target.type == "Encounter":
            values.add(target.id)
            values.update(one for part in parts for one in subjects_of(part.resource))
        else:
            values.update(one for part in parts for one in _encounters_of(part.resource))
    for dossier in links.moved.values():
        values |= {dossier.owner, *dossier.members}
    for person in moved:
        values.update(tx.facts.patients(person))
    found = tx.claims.sharing({(KIND, value) for value in values}) if values else {}
    return {claim.target for held in found.values() for claim in held}


def _encounters_of(resource: Json) -> list[str]:
    """Return the ids of the Encounters a partial resource is about."""
    said = resource.get("encounter", ())
    context = resource.get("context", {})
    told = [*(said if isinstance(said, list) else [said] if said else ())]
    told += [context, *context.get("encounter", ())] if isinstance(context, dict) else []
    return [found for one in told if (found := reference_id(one))]


def _loaded(tx: Transaction, targets: Sequence[Target], known: Parts) -> Parts:
    """Return the contributions of targets, those that are not known from the store."""
    missing = [target for target in targets if target not in known]
    found: Parts = {}
    if missing:
        tx.contributions.lock(missing)
        found = tx.contributions.load(missing)
    return {target: known.get(target) or found.get(target, []) for target in targets}


def _matched(
    tx: Transaction, target: Target, parts: Sequence[Contribution], known: "_Stays", links: Links
) -> Match:
    document = document_stay(target, parts)
    if document is None:
        return NO_MATCH
    people = _people(tx, document.patient)
    # A stay that was moved to somebody else meanwhile is none of this person's.
    if document.told and known.subject(document.told) in people:
        return Match(document.told, 1.0, "message")
    own = replace(document, patient=links.survivor(document.patient))
    return match(own, known.of(people, with_accounts=bool(own.numbers)))


def _people(tx: Transaction, patient: str) -> tuple[str, ...]:
    """Return the Patients that are one person with this one."""
    person = tx.facts.persons([patient]).get(patient, patient)
    return tuple(sorted({patient, *tx.facts.patients(person)}))


def _claims(
    tx: Transaction, target: Target, parts: Sequence[Contribution], found: Match
) -> list[Claim]:
    document = document_stay(target, parts)
    if document is None:
        return []
    values = {*_people(tx, document.patient), *found.candidates, found.stay} - {""}
    own = Claim(KIND, target.id, target, json.dumps(found))
    return [own, *(Claim(KIND, value, target, "") for value in sorted(values))]


def _before(tx: Transaction, documents: Sequence[Target]) -> dict[Target, Match]:
    """Return the matches that stand, from the claims of before."""
    found = {}
    for target, claims in tx.claims.held(documents).items():
        for claim in claims:
            if claim.kind == KIND and claim.value == target.id:
                stay, score, reason, conflicts, candidates = json.loads(claim.content)
                found[target] = Match(stay, score, reason, tuple(conflicts), tuple(candidates))
    return found


def _said_beside(tx: Transaction, documents: Iterable[Target]) -> set[Target]:
    """Return what the inputs that tell of these stays say beside: documents and their entries."""
    rows = {row for one in documents for row in tx.contributions.inbox_ids(one)}
    made = tx.contributions.made_by(rows) if rows else {}
    return {target for targets in made.values() for target in targets}


def _names(parts: Iterable[Contribution], names: set[str]) -> bool:
    return any(_points_to(part.resource, names) for part in parts)


def _points_to(value: Any, names: set[str]) -> bool:
    if isinstance(value, dict):
        return value.get("reference") in names or any(
            _points_to(one, names) for one in value.values()
        )
    return isinstance(value, list) and any(_points_to(one, names) for one in value)


class _Stays:
    """The stays documents are compared with, as they are without any document."""

    def __init__(self, tx: Transaction, wanted: Parts, fold: Fold, links: Links) -> None:
        self._tx = tx
        self._changing = frozenset(wanted)
        self._folded: dict[str, Json] = {}
        self._found: dict[tuple[str, ...], list[Json]] = {}
        for target, parts in wanted.items():
            if target.type != "Encounter" or _tells(parts):
                continue
            made = links.applied(fold.resources(target, parts, ())) if parts else []
            if made:
                self._folded[target.id] = made[0]

    def subject(self, stay: str) -> str:
        """Return the Patient of a stay, empty when nothing makes it."""
        target = Target("Encounter", stay)
        if target in self._changing:
            found: Json | None = self._folded.get(stay)
        else:
            rows = self._tx.resources.owned([target]).get(target, ())
            found = next((orjson.loads(row.body) for row in rows if row.id == stay), None)
        return reference_id(found.get("subject")) if found is not None else ""

    def of(self, patients: tuple[str, ...], *, with_accounts: bool) -> list[Stay]:
        """Return the stays of some Patients; the numbers of their accounts when asked for."""
        if patients not in self._found:
            changed = [
                one for one in self._folded.values() if reference_id(one.get("subject")) in patients
            ]
            stays = [*changed, *self._stored(patients)]
            self._found[patients] = [one for one in stays if is_of_feed(one)]
        return [
            stay_of(one, self._accounts(one) if with_accounts else ())
            for one in self._found[patients]
        ]

    def _stored(self, patients: Sequence[str]) -> list[Json]:
        """Return the stays that nothing changes now; a movement is owned by its stay."""
        people = Condition("patient", "reference", tuple(("Patient", one) for one in patients))
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = self._tx.resources.search("Encounter", [people], _PAGE, cursor)
            found += [
                orjson.loads(row.body)
                for row in page.resources
                if row.owner.id == row.id and row.owner not in self._changing
            ]
            cursor = page.next_cursor
            if cursor is None:
                return found

    def _accounts(self, encounter: Json) -> list[Json]:
        named = [reference_id(one) for one in encounter.get("account", ())]
        targets = [Target("Account", one) for one in named if one]
        loaded = self._tx.contributions.load(targets) if targets else {}
        return [part.resource for parts in loaded.values() for part in parts]
