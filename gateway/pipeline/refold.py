"""Fold targets again inside a transaction and write the versions that changed.

Knows which fold serves which type; does not know where contributions come from.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue
from gateway.core.ports import NewVersion, StoredResource, Transaction
from gateway.core.values import value
from gateway.fhir import search, shape, spoken
from gateway.fhir.bundle import to_bytes
from gateway.fhir.fold import ElementFold, Fold
from gateway.fhir.links import KIND as LINK
from gateway.fhir.order_numbers import joined
from gateway.fhir.patient import INS
from gateway.fhir.survivors import Links
from gateway.pipeline import document_stays, masked
from gateway.pipeline.merges import gather
from gateway.pipeline.persons import relink
from gateway.pipeline.topical import tell_changes

_DEFAULT: Fold = ElementFold()
_GONE = ""
_HEAD = ["resourceType", "id", "meta"]
_META = b'"meta":{'


@value(frozen=True, slots=True)
class Change:
    """A resource version that was written, beside the one it replaces."""

    before: StoredResource | None
    after: StoredResource


class Refolded(NamedTuple):
    """What a fold did.

    Attributes:
        changes: the versions that were written; empty when nothing changed.
        links: between the Patients that were folded, for facts and gaps to follow.
    """

    changes: list[Change]
    links: Links


def refold(
    tx: Transaction,
    targets: Iterable[Target],
    once: Sequence[Contribution],
    now: datetime,
    folds: Mapping[str, Fold],
    *,
    silent: bool = False,
    by: str = "",
) -> Refolded:
    """Fold `targets` and all that share a changed claim with them; write what changed.

    Args:
        tx: the transaction that already holds the contributions.
        targets: what gained or lost contributions.
        once: content-addressed resources of new inputs.
        now: `meta.lastUpdated` of new versions.
        folds: the fold of each type that has rules of its own.
        silent: subscribers are not told.
        by: the client whose write it is; empty when it is none's.

    Raises:
        RejectedError: a folded resource breaks its FHIR shape (issues of `fhir.shape`).
    """
    unique = sorted(set(targets))
    tx.contributions.lock(unique)
    parts = tx.contributions.load(unique)
    wanted = {target: parts.get(target, []) for target in unique}
    links = gather(tx, wanted)
    wanted |= links.heard(wanted) | joined(wanted)
    claims, links, moved = _settle_claims(tx, wanted, folds, now, links)
    fold_of_stays = folds.get("Encounter", _DEFAULT)
    stays, links = document_stays.settle(tx, wanted, fold_of_stays, links, moved)
    wanted |= stays.heard(wanted)
    # What a match added claims what it claimed before: nobody said anything new of it.
    claims |= _claims({t: parts for t, parts in wanted.items() if t not in claims}, folds)
    rivals = _rivals(tx, claims)
    folded: dict[Target, list[Json]] = {}
    for target in sorted(wanted):
        fold = folds.get(target.type, _DEFAULT)
        found = wanted[target]
        own = [
            r for claim in claims.get(target, ()) for r in rivals.get((claim.kind, claim.value), ())
        ]
        others = [claim for claim in own if claim.target != target]
        made = fold.resources(target, found, others) if found else []
        if links and target.type != "Provenance":
            made = links.applied(made)
        folded[target] = stays.applied(target, made) if stays else made
    for part in once:
        folded.setdefault(part.target, [part.resource])
    masked.follow(tx, wanted, folded)
    changes = _write(tx, folded, now, stays.gone())
    if told := masked.provenances(tx, [(one.before, one.after) for one in changes]):
        changes += _write(tx, told, now, ())
    if changes and not silent:
        tell_changes(tx, [(one.before, one.after) for one in changes], now, by)
    return Refolded(changes, links)


def _settle_claims(
    tx: Transaction,
    wanted: dict[Target, list[Contribution]],
    folds: Mapping[str, Fold],
    now: datetime,
    links: Links,
) -> tuple[dict[Target, tuple[Claim, ...]], Links, set[str]]:
    """Store the claims of `wanted`; add to it every target that shares a changed claim.

    Persons follow from claims, so they are linked here. The links of what is added are returned
    with those that were given, and the persons that changed.
    """
    claims: dict[Target, tuple[Claim, ...]] = {}
    touched = set[tuple[str, str]]()
    todo = dict(wanted)
    while todo:
        found = _claims(todo, folds)
        if not found:
            break
        if heard := _heard(tx, todo, found):
            wanted.update(heard)
            found.update(_claims(heard, folds))
        claims.update(found)
        changed = tx.claims.replace(found)
        touched |= changed
        holders = {c.target for held in tx.claims.sharing(changed).values() for c in held}
        affected = holders - wanted.keys()
        todo = {}
        if affected:
            tx.contributions.lock(affected)
            more = tx.contributions.load(sorted(affected))
            reached = {target: more.get(target, []) for target in affected}
            near = gather(tx, reached)
            reached |= near.heard(reached) | joined(reached)
            links = links.and_those(near)
            todo = {target: parts for target, parts in reached.items() if target not in wanted}
            wanted.update(todo)
    moved = relink(tx, touched, claims, now) if touched else set()
    return claims, links, moved


def _rivals(
    tx: Transaction, claims: Mapping[Target, Sequence[Claim]]
) -> dict[tuple[str, str], list[Claim]]:
    """Return who shares each claim, by kind and value."""
    pairs = {(c.kind, c.value) for found in claims.values() for c in found if c.kind != LINK}
    return tx.claims.sharing(pairs) if pairs else {}


def _heard(
    tx: Transaction,
    todo: Mapping[Target, list[Contribution]],
    claims: Mapping[Target, Sequence[Claim]],
) -> dict[Target, list[Contribution]]:
    """Return what counts for each record that bears an INS about which there is a word.

    Nearly always there is none: that is settled by one query for those that bear an INS.
    """
    own = [claim for found in claims.values() for claim in found if claim.kind == INS]
    pairs = {(claim.kind, claim.value) for claim in own}
    known = [c for found in tx.claims.sharing(pairs).values() for c in found] if pairs else []
    told = spoken.listeners([*own, *(claim for claim in known if claim.target not in claims)], todo)
    if not told:
        return {}
    words = {word for found in told.values() for word in found}
    parts = tx.contributions.load(sorted(words))
    return {
        target: spoken.heard(target, todo[target], [parts.get(word, []) for word in sorted(found)])
        for target, found in told.items()
    }


def _claims(
    wanted: Mapping[Target, Sequence[Contribution]], folds: Mapping[str, Fold]
) -> dict[Target, tuple[Claim, ...]]:
    return {
        target: folds[target.type].claims(target, parts)
        for target, parts in wanted.items()
        # What the Encounter of a document claims is settled with its stay.
        if target.type in folds and target.type != "Encounter"
    }


def _write(
    tx: Transaction, folded: dict[Target, list[Json]], now: datetime, gone: Collection[Target]
) -> list[Change]:
    """Write what changed; of what is gone something is told, even if it never was there."""
    keys = [(r["resourceType"], r["id"]) for found in folded.values() for r in found]
    current = tx.resources.current([*keys, *gone])
    owned = tx.resources.owned([t for t in folded if t.type == "Encounter" or not folded[t]])
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    writes: list[tuple[StoredResource | None, NewVersion]] = []
    issues: list[Issue] = []
    for target, resources in folded.items():
        for resource in resources:
            before = current.get((resource["resourceType"], resource["id"]))
            content = to_bytes(_in_order(resource))
            digest = blake2b(content, digest_size=16).hexdigest()
            if before is not None and before.content_hash == digest and not before.deleted:
                continue
            if wrong := [i for i in shape.check(resource) if i.severity.refuses]:
                issues += wrong
                continue
            number = 1 if before is None else before.version + 1
            stored = StoredResource(
                type=resource["resourceType"],
                id=resource["id"],
                version=number,
                last_updated=now,
                body=_numbered(content, number, stamp),
                deleted=False,
                content_hash=digest,
                owner=target,
            )
            writes.append((before, NewVersion(stored, search.index(resource))))
        if stale := owned.get(target):
            made = {(r["resourceType"], r["id"]) for r in resources}
            writes += [(s, _deletion(s, now)) for s in stale if (s.type, s.id) not in made]
    if issues:
        raise RejectedError(issues)
    # Other inputs point to it by its id, and are told that it is gone whichever came first.
    writes += [(None, _deletion(_never(one, now), now)) for one in gone if one not in current]
    if writes:
        tx.resources.put([version for _, version in writes])
    return [Change(before, version.resource) for before, version in writes]


def _in_order(resource: Json) -> Json:
    """Return the resource with type, id and `meta` at its head, where `_numbered` expects them."""
    if [*islice(resource, 3)] == _HEAD:
        return resource
    head = {"resourceType": resource["resourceType"], "id": resource["id"], "meta": {}}
    return head | resource


def _numbered(content: bytes, number: int, stamp: str) -> bytes:
    """Write version and time at the head of `meta`, without writing the resource again.

    The shape is known to be good: no quote in type or id comes before `"meta":{`.
    """
    place = content.index(_META) + len(_META)
    rest = content[place:]
    told = b'"versionId":"%d","lastUpdated":"%bZ"' % (number, stamp.encode())
    return b"".join((content[:place], told, b"" if rest.startswith(b"}") else b",", rest))


def _never(target: Target, now: datetime) -> StoredResource:
    """Return the row before the first one."""
    return StoredResource(
        type=target.type,
        id=target.id,
        version=0,
        last_updated=now,
        body=b"",
        deleted=True,
        content_hash=_GONE,
        owner=target,
    )


def _deletion(stale: StoredResource, now: datetime) -> NewVersion:
    gone = StoredResource(
        type=stale.type,
        id=stale.id,
        version=stale.version + 1,
        last_updated=now,
        body=b"",
        deleted=True,
        content_hash=_GONE,
        owner=stale.owner,
    )
    return NewVersion(gone, ())
