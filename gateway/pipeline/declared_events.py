"""An event that somebody declares (flux 3 of the volet Notification d'événements) becomes known.

Only of an establishment whose own messages do not tell such events: there the declarant is the
one who speaks, here the messages are (ADR 2). The declaration is kept whole as an input; what it
says of a stay or a document is folded as what a client wrote (`fhir.written_fold`), so that the
word of a hospital, when it comes, takes its place. What it declares is `fhir.nde_declared`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from gateway.core.access import Sight
from gateway.core.contributions import Contribution, Json, Kind, Target, Version
from gateway.core.errors import RejectedError
from gateway.core.facts import Assertion
from gateway.core.messages import Channel, Header, InboxStatus, NewInboxRow
from gateway.core.ports import Condition, Transaction
from gateway.core.systems import IDENTIFIER_BASE
from gateway.fhir import nde_faults as faults
from gateway.fhir.bundle import same_words, to_bytes
from gateway.fhir.client_provenance import provenance
from gateway.fhir.fold import Fold
from gateway.fhir.identity import FINESS_SYSTEM, Ids
from gateway.fhir.nde_declared import Declared
from gateway.fhir.written_fold import last_word
from gateway.pipeline import seen, written
from gateway.pipeline.declared_words import Speaker, Word
from gateway.pipeline.refold import refold

#: What is asserted, with its attributes.
ASSERTS = dict.fromkeys(("ENC.ADMIT", "ENC.DISCHARGE"), frozenset({"estab", "visit"}))
_DOOR = "fhir"
_PROFILES = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-"
_MOST = 50
#: Clocks differ; an event further ahead has not happened.
_AHEAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Declaring:
    """Who declares, and when.

    Attributes:
        client: name of the client.
        establishments: FINESS of those it speaks for.
        now: instant of the commit.
        sight: whom the client may be shown, and so may speak of; None: everybody.
    """

    client: str
    establishments: tuple[str, ...]
    now: datetime
    sight: Sight | None = None


def declare(
    tx: Transaction,
    declared: Declared,
    sent: Json,
    asking: Declaring,
    ids: Ids,
    folds: Mapping[str, Fold],
) -> bool:
    """Make a declared event known, or take it back.

    Args:
        tx: an open transaction.
        declared: what `sent` says.
        sent: the CommunicationRequest as it came.
        asking: who declares.
        ids: of the installation.
        folds: of the installation.

    Returns:
        Whether anything changed; the same declaration twice has no second effect.

    Raises:
        RejectedError: it is declared of an establishment the client does not speak for
            (RLS-FHR-278), of nobody or of somebody else (RLS-FHR-279, 280), where messages tell
            it (RLS-FHR-281), of a stay that cannot be told or is another person's (RLS-FHR-282,
            285), of nothing that is known (RLS-FHR-283), of the future (RLS-FHR-284), or of what
            another client declared (RLS-FHR-244).
    """
    if declared.when.low > asking.now + _AHEAD:
        raise RejectedError([faults.still_to_come()])
    estab = _establishment(declared.requester, asking)
    patient = _person(tx, declared, asking, estab)
    _hold_to_feeds(tx, declared.event, estab)
    place = ids.organization(FINESS_SYSTEM, estab)
    speaks = Speaker(tx, declared, asking.client, ids, estab, place, patient)
    word = speaks.of_document() if declared.event == "DOC" else speaks.of_stay()
    parts = tx.contributions.load([word.target]).get(word.target, ())
    last = last_word(parts)
    if last is not None and same_words(last.resource, word.resource):
        return False
    _store(tx, word, declared, sent, asking, estab, ids, folds)
    return True


def _establishment(requester: Json, asking: Declaring) -> str:
    """Return the FINESS a declaration is made for: the requester's, else the only one there is."""
    if not asking.establishments:
        raise RejectedError([faults.no_declarant("this client is no declarant")])
    named = [
        str(one["value"])
        for one in requester.get("identifier", ())
        if one.get("system") == FINESS_SYSTEM and one.get("value")
    ]
    if not named and len(asking.establishments) == 1:
        return asking.establishments[0]
    if len(set(named)) != 1:
        why = "the requester has no FINESS, and the client speaks for several establishments"
        raise RejectedError([faults.no_declarant(why)])
    if named[0] not in asking.establishments:
        raise RejectedError([faults.no_declarant("the client does not speak for this FINESS")])
    return named[0]


def _person(tx: Transaction, declared: Declared, asking: Declaring, estab: str) -> Json:
    """Return the Patient the event is about: that of the establishment, if the person has one.

    Raises:
        RejectedError: nobody, or several persons, have these numbers, or other traits.
    """
    looking = seen.decided_by(tx, asking.sight)
    wanted = [Condition("identifier", "token", declared.identifiers)]
    found = looking.resources.search("Patient", wanted, _MOST, None).resources
    people = [body for row in found if (body := written.read(row)) is not None]
    persons = tx.facts.persons(str(one["id"]) for one in people)
    if len(set(persons.values())) != 1:
        raise RejectedError([faults.not_one_person(len(set(persons.values())))])
    for one in people:
        _hold_to_traits(declared.patient, one)
    own = f"{IDENTIFIER_BASE}/ipp/{estab}"
    return min(people, key=lambda one: (not _has(one, own), not one.get("active", True), one["id"]))


def _has(patient: Json, system: str) -> bool:
    return any(one.get("system") == system for one in patient.get("identifier", ()))


def _hold_to_traits(said: Json, known: Json) -> None:
    for name in ("birthDate", "gender"):
        if said.get(name) and known.get(name) and said[name] != known[name]:
            raise RejectedError([faults.other_traits(name)])


def _hold_to_feeds(tx: Transaction, event: str, estab: str) -> None:
    """Leave to messages what messages tell: heard twice it would be told on twice."""
    feed = f"{estab}:{'DOC' if event == 'DOC' else 'ADT'}"
    if any(part.feed == feed for part in tx.feeds.parts()):
        raise RejectedError([faults.tells_itself(feed)])


def _store(
    tx: Transaction,
    word: Word,
    declared: Declared,
    sent: Json,
    asking: Declaring,
    estab: str,
    ids: Ids,
    folds: Mapping[str, Fold],
) -> None:
    """Keep the declaration, fold what it says, assert its facts."""
    now, client = asking.now, asking.client
    key = (word.target.type, word.target.id)
    before = tx.resources.current([key]).get(key)
    at = now if before is None else max(now, before.last_updated)
    number = 1 if before is None else before.version + 1
    body = to_bytes(sent)
    # The same words on another version are another request: taken back, and declared again.
    whole = sha256(body).hexdigest()
    based = f"{whole}|{word.target.type}/{word.target.id}|{number}"
    digest = sha256(based.encode()).hexdigest()
    header = Header((_DOOR, client), "", "FHIR CommunicationRequest", whole, digest, now)
    row = NewInboxRow(now, Channel.FHIR, client, header, body, InboxStatus.CONVERTED)
    (row_id,) = tx.inbox.insert([row])
    if row_id is None:
        msg = "an input without control id is never a duplicate"
        raise ValueError(msg)
    spoken = Version(at, now, number, digest)
    parts = [
        Contribution(word.target, spoken, word.resource, writer=client),
        _place(declared, estab, ids, Version(now, now, 0, digest)),
    ]
    touched = tx.contributions.replace([(row_id, parts)])
    reference = "/".join(key)
    done = "CREATE" if before is None else "UPDATE"
    told = provenance(done, [reference], client, digest, now, ids)
    refold(tx, touched, [told], now, folds, by=client)
    if word.facts:
        facts = _assertions(word, estab, now, number)
        patients = tx.facts.replace([(row_id, now, facts)])
        tx.watch.touch(dict.fromkeys(tx.facts.persons(patients).values(), now))


def _place(declared: Declared, estab: str, ids: Ids, version: Version) -> Contribution:
    """Return the establishment, as far as the declaration knows it."""
    id_ = ids.organization(FINESS_SYSTEM, estab)
    named = declared.requester.get("name") if _has(declared.requester, FINESS_SYSTEM) else None
    resource: Json = {
        "resourceType": "Organization",
        "id": id_,
        "meta": {"profile": [f"{_PROFILES}organization", f"{_PROFILES}organization-etablissement"]},
        "identifier": [{"system": FINESS_SYSTEM, "value": estab}],
        **({"name": named} if isinstance(named, str) else {}),
    }
    return Contribution(Target("Organization", id_), version, resource, kind=Kind.SHARED)


def _assertions(word: Word, estab: str, now: datetime, number: int) -> Sequence[Assertion]:
    """Return the facts of a declaration: one of each event for a stay, the last word counts."""
    _, _, patient = word.resource["subject"]["reference"].partition("/")
    visit = str(word.resource["identifier"][0]["value"])
    made = []
    for event, op, when in word.facts:
        key = f"nde|{word.target.id}|{event}"
        # Of one instant the later version counts.
        revision = f"{now.isoformat(timespec='microseconds')}#{number:09d}"
        attributes = {"estab": estab, "visit": visit}
        made.append(
            Assertion(
                aid=sha256(f"{key}|{revision}".encode()).hexdigest(),
                event=event,
                key=key,
                op=op,
                revision=revision,
                when=when,
                sent_at=now,
                patient=Target("Patient", patient),
                source="",
                attributes=attributes,
            )
        )
    return made
