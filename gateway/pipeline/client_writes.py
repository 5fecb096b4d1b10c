"""What clients write over REST becomes contributions, folded and told in one transaction.

A request is an input like a message: it is kept whole in the inbox, each resource it writes gets a
contribution of its client under a version of its own, and the fold does the rest, so that merges
and moves of patients reach it. Decision: docs/adr/0014-what-clients-write.md.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from gateway.core.access import UNKNOWN_PATIENT, Sight
from gateway.core.contributions import Contribution, Json, Target, Version
from gateway.core.errors import RejectedError
from gateway.core.messages import Channel, Header, InboxStatus, NewInboxRow
from gateway.core.ports import StoredResource, Transaction
from gateway.fhir import gap_work_faults
from gateway.fhir import write_faults as faults
from gateway.fhir.accepted import accepted
from gateway.fhir.bundle import fhir_instant, read_exact, same_words, to_bytes
from gateway.fhir.client_provenance import provenance
from gateway.fhir.compartment import patient_of
from gateway.fhir.fold import Fold
from gateway.fhir.identity import Ids
from gateway.fhir.search import index
from gateway.fhir.writable import WRITABLE
from gateway.fhir.written_fold import EVERYTHING, is_deletion, last_word
from gateway.pipeline import seen
from gateway.pipeline.refold import refold
from gateway.pipeline.told_calls import tell_calls
from gateway.pipeline.work import issue_of, work_on
from gateway.pipeline.write_checks import check_owner, check_version, is_version, telling_id
from gateway.pipeline.write_references import Surroundings, check_there, settled
from gateway.pipeline.write_targets import Aim, Key, Write, aims, entry

_DOOR = "fhir"
_ACTIVITIES = {201: "CREATE", 200: "UPDATE", 204: "DELETE"}


@dataclass(frozen=True, slots=True)
class WriteRules:
    """What a write is done by.

    Attributes:
        ids: computed ids of the installation.
        folds: the fold of each type that has rules of its own.
        around: what references are resolved against.
        new_id: gives the id of a new resource.
        judge: holds a resource to its profiles; raises RejectedError.
    """

    ids: Ids
    folds: Mapping[str, Fold]
    around: Surroundings
    new_id: Callable[[], str]
    judge: Callable[[Json], None]


@dataclass(frozen=True, slots=True)
class Asking:
    """Who writes, and when.

    Attributes:
        client: name of the client.
        now: instant of the commit.
        may_create: holds the client to its right to create a type; raises RejectedError.
        sight: what the client may be shown, and so may change and point to; None: everything.
    """

    client: str
    now: datetime
    may_create: Callable[[str], None]
    sight: Sight | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a write.

    Attributes:
        status: 201 made, 200 changed or found, 204 taken away or never there.
        stored: the version that stands now; None when nothing was ever there.
    """

    status: int
    stored: StoredResource | None


@dataclass(frozen=True, slots=True)
class _Planned:
    """A write that changes something.

    Attributes:
        resource: as it is kept; None for a deletion.
    """

    aim: Aim
    status: int
    part: Contribution
    resource: Json | None
    before: StoredResource | None


def write(
    tx: Transaction, writes: Sequence[Write], asking: Asking, rules: WriteRules
) -> list[Done]:
    """Carry out writes, all of them or none.

    Args:
        tx: an open transaction.
        writes: of one request, in its order.
        asking: who writes.
        rules: of the installation.

    Returns:
        What became of each, in order.

    Raises:
        RejectedError: one of them cannot be done (RLS-FHR-240 to 263, issues of `fhir.shape`).
    """
    looking = seen.decided_by(tx, asking.sight)
    found = aims(looking, writes, rules.new_id)
    resources = settled(looking, found, rules.around)
    for aim in found:
        # What a client may not be shown is not there for it: neither to change nor to be told of.
        if aim.id and not seen.is_shown(tx, asking.sight, aim.key):
            with entry(aim.write.place):
                raise RejectedError([faults.unknown()])
    keys = [one.key for one in found if one.id]
    current = tx.resources.current(keys)
    said = tx.contributions.load(sorted({Target(*key) for key in keys if key[0] in WRITABLE}))
    planner = _Planner(current, said, asking, rules)
    outcomes: list[Done | _Planned] = []
    for aim, resource in zip(found, resources, strict=True):
        with entry(aim.write.place):
            outcomes.append(planner.planned(tx, aim, resource))
    planned = [one for one in outcomes if isinstance(one, _Planned)]
    if asking.sight is not None:
        for one in planned:
            _check_person(looking, one)
    if planned:
        _store(tx, planned, asking, rules)
        current = tx.resources.current([one.aim.key for one in planned])
    return [
        one if isinstance(one, Done) else Done(one.status, current.get(one.aim.key))
        for one in outcomes
    ]


def _check_person(looking: Transaction, planned: _Planned) -> None:
    """Hold what is written to persons the client may be shown.

    Raises:
        RejectedError: it is about another one, who is not there for the client (RLS-FHR-252).
    """
    if planned.resource is None:
        return
    patient = patient_of(*planned.aim.key, index(planned.resource))
    key = ("Patient", patient)
    if patient not in ("", UNKNOWN_PATIENT) and not looking.resources.current([key]):
        raise RejectedError([faults.nothing_there(planned.aim.write.type)])


class _Planner:
    """Says what each write comes to, on what is stored before the request."""

    def __init__(
        self,
        current: Mapping[Key, StoredResource],
        said: Mapping[Target, Sequence[Contribution]],
        asking: Asking,
        rules: WriteRules,
    ) -> None:
        self._current = current
        self._said = said
        self._asking = asking
        self._rules = rules

    def planned(self, tx: Transaction, aim: Aim, resource: Json | None) -> Done | _Planned:
        """Return what is to be stored for a write, or what became of it without that."""
        before = self._current.get(aim.key)
        if aim.is_only_found or not aim.id:
            return Done(200 if aim.is_only_found else 204, before)
        parts = self._said.get(Target(*aim.key), ())
        is_there = before is not None and not before.deleted
        if aim.write.type == "Task" and is_there and not parts:
            return self._work_on_gap(tx, aim, before, resource)
        if aim.write.method == "PUT" and aim.write.id and (resource or {}).get("id") != aim.id:
            raise RejectedError([faults.other_id()])
        check_owner(parts, before, self._asking.client)
        check_version(aim.write, before, WRITABLE[aim.write.type])
        if aim.write.method == "DELETE":
            if before is None or before.deleted:
                return Done(204, before)
            return self._plan(aim, 204, None, before)
        if aim.write.method == "PATCH":
            resource = _patched(aim.write, before)
        elif not is_there:
            self._check_new(aim, before)
        made = accepted(resource or {}, aim.id)
        if aim.write.judged_late:
            self._rules.judge(made)
        if is_there and _says(last_word(parts), made):
            return Done(200, before)
        return self._plan(aim, 200 if is_there else 201, made, before)

    def _check_new(self, aim: Aim, before: StoredResource | None) -> None:
        """Hold an update that creates to what a client may."""
        if aim.write.method == "PUT":
            self._asking.may_create(aim.write.type)
            if aim.write.id and before is None and not WRITABLE[aim.write.type].own_ids:
                raise RejectedError([faults.id_not_chosen(aim.write.type)])
            if telling_id(aim.id):
                raise RejectedError([faults.telling_id()])

    def _plan(
        self, aim: Aim, status: int, resource: Json | None, before: StoredResource | None
    ) -> _Planned:
        target, now = Target(*aim.key), self._asking.now
        number = 1 if before is None else before.version + 1
        told = resource or {"resourceType": target.type, "id": target.id}
        digest = sha256(f"{target.type}/{target.id}|{number}".encode() + to_bytes(told)).hexdigest()
        # A clock that went back must not make an old word win: the version settles equal instants.
        at = now if before is None else max(now, before.last_updated)
        part = Contribution(
            target,
            Version(at, now, number, digest),
            told,
            removals=() if resource is not None else (EVERYTHING,),
            writer=self._asking.client,
        )
        return _Planned(aim, status, part, resource, before)

    def _work_on_gap(
        self, tx: Transaction, aim: Aim, before: StoredResource | None, resource: Json | None
    ) -> Done:
        """Let the Task of a gap be worked on by its own rules (`fhir.gap_work`)."""
        if aim.write.method == "DELETE":
            raise RejectedError([faults.not_yours("it is the work on a gap")])
        if aim.write.if_match is None:
            raise RejectedError([gap_work_faults.no_version()])
        sent = _patched(aim.write, before) if aim.write.method == "PATCH" else resource or {}
        if sent.get("id") != aim.id:
            raise RejectedError([gap_work_faults.other_id()])

        def fits(stored: StoredResource) -> None:
            if not is_version(aim.write.if_match or "", stored):
                raise RejectedError([gap_work_faults.changed_meanwhile()])

        asking, ids = self._asking, self._rules.ids
        was_error, _ = issue_of(tx, before)
        stored = work_on(tx, aim.id, sent, asking.client, fits, asking.now, ids)
        if before is None or stored.version != before.version:
            path = f"Task/{aim.id}/_history/{stored.version}"
            digest = sha256(path.encode() + stored.body).hexdigest()
            is_error, issue = issue_of(tx, stored)
            # A gap that proves to be of somebody else, or of them after all, is named too.
            named = [path, issue] if is_error != was_error else [path]
            told = provenance("UPDATE", named, asking.client, digest, asking.now, ids)
            refold(tx, [], [told], asking.now, self._rules.folds, by=asking.client)
        return Done(200, stored)


def _says(last: Contribution | None, made: Json) -> bool:
    """Tell whether a resource is what was written last, digit by digit."""
    return last is not None and not is_deletion(last) and same_words(last.resource, made)


def _patched(write: Write, before: StoredResource | None) -> Json:
    if before is None or before.deleted or write.patch is None:
        raise RejectedError([faults.unknown()])
    made = write.patch(read_exact(before.body))
    if made.get("resourceType") != write.type:
        raise RejectedError([faults.other_type()])
    if made.get("id") != before.id:
        raise RejectedError([faults.other_id()])
    return made


def _store(tx: Transaction, planned: Sequence[_Planned], asking: Asking, rules: WriteRules) -> None:
    """Keep the request, its contributions and its Provenance; fold what they touch."""
    own = {one.aim.key: one.resource is not None for one in planned}
    if rules.around.checked:
        written = [(p.aim.write.place, p.resource) for p in planned if p.resource is not None]
        check_there(seen.seen_by(tx, asking.sight), written, own)
    body = to_bytes(_request(planned, asking.now))
    digest = sha256(body).hexdigest()
    row_id = _keep(tx, planned, body, digest, asking)
    touched = [one.part.target for one in planned]
    tx.contributions.replace([(row_id, [one.part for one in planned])])
    told = list(_provenances(planned, digest, asking, rules.ids))
    refold(tx, touched, told, asking.now, rules.folds, by=asking.client)
    changes = [(one.aim.key, one.resource, one.before) for one in planned]
    tell_calls(tx, row_id, changes, asking.now)


def _request(planned: Sequence[_Planned], now: datetime) -> Json:
    """Return the request as it is kept: a transaction with the ids and references that count."""
    entries = []
    for one in planned:
        path = "/".join(one.aim.key)
        method = "DELETE" if one.resource is None else "PUT"
        held = {} if one.resource is None else {"resource": one.resource}
        # What it was based on: the same words on another version are another request.
        based_on = (
            {"ifNoneMatch": "*"} if one.before is None else {"ifMatch": f'W/"{one.before.version}"'}
        )
        request = {"method": method, "url": path, **based_on}
        entries.append({"fullUrl": path, **held, "request": request})
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "timestamp": fhir_instant(now),
        "entry": entries,
    }


def _keep(
    tx: Transaction, planned: Sequence[_Planned], body: bytes, digest: str, asking: Asking
) -> int:
    name = planned[0].aim.write.type if len(planned) == 1 else "transaction"
    header = Header((_DOOR, asking.client), "", f"FHIR {name}", digest, digest, asking.now)
    row = NewInboxRow(asking.now, Channel.FHIR, asking.client, header, body, InboxStatus.CONVERTED)
    (row_id,) = tx.inbox.insert([row])
    if row_id is None:
        msg = "an input without control id is never a duplicate"
        raise ValueError(msg)
    return row_id


def _provenances(
    planned: Sequence[_Planned], digest: str, asking: Asking, ids: Ids
) -> Iterable[Contribution]:
    for status, activity in _ACTIVITIES.items():
        named = [_told(one) for one in planned if one.status == status]
        if named:
            yield provenance(activity, named, asking.client, digest, asking.now, ids)


def _told(one: _Planned) -> str:
    """Name what was written; what is deleted by the last version that can be read."""
    path = "/".join(one.aim.key)
    gone = one.resource is None and one.before is not None
    return f"{path}/_history/{one.before.version}" if gone and one.before else path
