"""Who may be shown what, in a transaction: gather what decides, decide, keep the permits.

What decides about a person (stays, care teams, consents, which records are one person) leaves a
mark when it changes; a read for a client with a territory first settles the marks that are due.
The decision itself is `sharing.decision`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from gateway.core.access import (
    CATEGORIES,
    LOCAL,
    UNKNOWN_PATIENT,
    Client,
    Mark,
    Permit,
    person_permits,
)
from gateway.core.clock import Clock
from gateway.core.contributions import Json
from gateway.core.facts import told_of
from gateway.core.messages import Channel
from gateway.core.ports import Condition, Store, StoredResource, Transaction
from gateway.fhir.compartment import category_of
from gateway.sharing.decision import Decision, Grounds, Team, Why, Word, decide
from gateway.sharing.grounds import (
    finess_in,
    finess_of_identifier,
    is_stay,
    read_teams,
    read_word,
)

#: Marks settled in one transaction.
AT_ONCE = 500
_PAGE = 1000
#: How far up an Organization is followed: a unit, its pole, its site, its legal entity.
_LEVELS = 4
_NOBODY = frozenset({"", UNKNOWN_PATIENT})


def patients_of(tx: Transaction, patient_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the Patients of each person that one of these Patients is, by person."""
    plain = {told_of(one)[0] for one in patient_ids} - _NOBODY
    persons = tx.facts.persons(sorted(plain))
    found: dict[str, list[str]] = {}
    for patient, person in sorted(persons.items()):
        if person not in found:
            held = {told_of(one)[0] for one in tx.facts.patients(person)}
            found[person] = sorted(held)
        if patient not in found[person]:
            found[person].append(patient)
    return found


def grounds(tx: Transaction, patients: Sequence[str]) -> Grounds:
    """Return what is known of a person that decides who may be shown them.

    Args:
        tx: an open transaction that sees everything.
        patients: every Patient of the person.
    """
    organisations = _Organisations(tx)
    places = frozenset[str]()
    for type_, element in (
        ("Encounter", "serviceProvider"),
        ("EpisodeOfCare", "managingOrganization"),
    ):
        for stored in _of(tx, type_, patients):
            resource = orjson.loads(stored.body)
            if is_stay(resource):
                places |= organisations.named(resource.get(element, {}))
    teams: list[Team] = []
    for stored in _of(tx, "CareTeam", patients):
        found = read_teams(orjson.loads(stored.body), _source(stored), organisations.named)
        by = _writers(tx, stored) if found else frozenset()
        teams += [replace(one, by=by) for one in found]
    teams.sort(key=lambda one: one.source)
    return Grounds(places, tuple(teams), tuple(_words(tx, patients, organisations)))


def words(tx: Transaction, patients: Sequence[str]) -> list[Word]:
    """Return what a person said about sharing, under every Patient that is given."""
    return _words(tx, patients, _Organisations(tx))


def _words(tx: Transaction, patients: Sequence[str], organisations: "_Organisations") -> list[Word]:
    found: list[Word] = []
    for stored in _of(tx, "Consent", patients):
        word = read_word(orjson.loads(stored.body), _source(stored), organisations.named)
        found += [replace(word, by=_writers(tx, stored))] if word else []
    return sorted(found, key=lambda one: one.source)


def ask(tx: Transaction, client_id: str, stored: StoredResource, now: datetime) -> Decision:
    """Decide whether a client may be shown a version now, from what is stored at this moment.

    Args:
        tx: an open transaction that sees everything.
        client_id: who; the implicit client of this machine may be shown everything.
        stored: the version.
        now: instant of the question.
    """
    if client_id == LOCAL:
        return Decision(True, Why.EVERYBODY)
    client = tx.access.client(client_id)
    if client is None or not client.active:
        return Decision(False, Why.OFF)
    if client.territory is None or not stored.patient:
        return Decision(True, Why.EVERYBODY)
    if client.audience.value in stored.masks or stored.patient == UNKNOWN_PATIENT:
        return Decision(False, Why.NONE)
    ((_, patients),) = patients_of(tx, [stored.patient]).items()
    return decide(client, grounds(tx, patients), category_of(stored.type), now)


def may_be_told(tx: Transaction, client_id: str, focus: str, now: datetime) -> bool:
    """Tell whether a client may be told of a version now; asked at each sending."""
    return not why_not(tx, client_id, focus, now)


def why_not(tx: Transaction, client_id: str, focus: str, now: datetime) -> str:
    """Return why a client may not be told of a version now; empty when it may.

    Args:
        tx: an open transaction that sees everything.
        client_id: of the subscription.
        focus: `Type/id`, with `/_history/n` when the version is known.
        now: instant of the sending.
    """
    if client_id == LOCAL:
        return ""
    reference, _, number = focus.partition("/_history/")
    type_, _, id_ = reference.partition("/")
    current = tx.resources.current([(type_, id_)]).get((type_, id_))
    told = tx.resources.version(type_, id_, int(number)) if number else current
    rows = [row for row in (told, current) if row is not None]
    found = [ask(tx, client_id, row, now) for row in rows] or [Decision(False, Why.NONE)]
    return next((one.why.value for one in found if not one.allowed), "")


def settle(tx: Transaction, now: datetime, limit: int = AT_ONCE) -> int:
    """Decide anew about persons whose marks are due; return how many marks were settled."""
    marks = tx.access.marks(now, limit)
    if not marks:
        return 0
    asking = [*tx.access.clients(), *tx.access.circles()]
    held = [one for one in asking if one.territory is not None]
    if held:
        _decide_anew(tx, marks, held, now)
    else:
        tx.access.settle(marks, (), ())
    return len(marks)


def _decide_anew(
    tx: Transaction, marks: Sequence[Mark], clients: Sequence[Client], now: datetime
) -> None:
    permits: list[Permit] = []
    concerned: list[str] = []
    for patients in patients_of(tx, (mark.patient for mark in marks)).values():
        known = grounds(tx, patients)
        concerned += patients
        later = known.boundaries(now)
        if later:
            # What begins or ends by itself: nothing is permitted beyond, and it is asked again.
            tx.access.mark(patients[:1], later[0])
        for client in clients:
            for category in CATEGORIES:
                found = decide(client, known, category, now)
                if found.allowed:
                    until = later[0] if later else None
                    made = (category, found.why.value, found.source, until)
                    permits += [Permit(client.id, one, *made) for one in patients]
        for glass in tx.access.glasses(patients, now):
            # It passes an opposition, and ends by itself (CSP L1111-17, by analogy).
            own, why = person_permits(glass.who), (Why.GLASS.value, f"AuditEvent/{glass.id}")
            permits += [
                Permit(own, one, category, *why, glass.until)
                for one in patients
                for category in CATEGORIES
            ]
    tx.access.settle(marks, concerned, permits)


def _of(tx: Transaction, type_: str, patients: Sequence[str]) -> list[StoredResource]:
    condition = Condition("patient", "reference", tuple(("Patient", one) for one in patients))
    found: list[StoredResource] = []
    cursor = None
    while True:
        page = tx.resources.search(type_, [condition], _PAGE, cursor)
        found += page.resources
        cursor = page.next_cursor
        if cursor is None:
            return found


def _writers(tx: Transaction, stored: StoredResource) -> frozenset[str]:
    """Return the clients that wrote a resource over REST."""
    rows = (tx.inbox.get(one) for one in tx.contributions.inbox_ids(stored.owner))
    return frozenset(row.peer for row in rows if row is not None and row.channel is Channel.FHIR)


def _source(stored: StoredResource) -> str:
    return f"{stored.type}/{stored.id}/_history/{stored.version}"


class _Organisations:
    """Finds the FINESS behind references, each resource read once."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._known: dict[str, Json] = {}

    def named(self, reference: Json) -> frozenset[str]:
        """Return the FINESS of whom a Reference names, and of what it is part of."""
        said = finess_of_identifier(reference.get("identifier", {}))
        found = frozenset({said} if said else ())
        address = str(reference.get("reference", ""))
        for _ in range(_LEVELS):
            resource = self._read(address)
            if resource.get("resourceType") == "PractitionerRole":
                return found | self.named(resource.get("organization", {}))
            if resource.get("resourceType") != "Organization":
                break
            found |= finess_in(resource)
            address = str(resource.get("partOf", {}).get("reference", ""))
        return found

    def _read(self, address: str) -> Json:
        if address not in self._known:
            type_, _, id_ = address.partition("/")
            known = self._tx.resources.current([(type_, id_)]) if id_ else {}
            stored = known.get((type_, id_))
            there = stored is not None and not stored.deleted
            self._known[address] = orjson.loads(stored.body) if there and stored else {}
        return self._known[address]


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles marks in the background, so that reads find few."""

    store: Store
    clock: Clock

    async def step(self) -> int:
        """Settle what is due, one transaction; return how many marks."""
        now = self.clock.now()
        if not await self.store.read(lambda tx: tx.access.marks(now, 1)):
            return 0
        return await self.store.write(lambda tx: settle(tx, now))
