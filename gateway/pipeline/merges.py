"""Gather the links between the Patients that a transaction folds, and all that they reach.

A merge changes what other targets fold to: the survivor, every stay and document of the record
that gave way. They are found here and folded with the rest; what a link means is in
`fhir.links` and `fhir.survivors`.
Nearly every input has no link near it: that is settled by one query.
"""

from collections.abc import Iterable, Mapping

import orjson

from gateway.core.contributions import Claim, Contribution, Target
from gateway.core.errors import RejectedError
from gateway.core.issues import Issue, Severity
from gateway.core.ports import Condition, Transaction
from gateway.fhir import order_numbers
from gateway.fhir.accounts import MOVED, Moved, moved_of, read_moved
from gateway.fhir.links import KIND, NOTHING, Said, read_claims, said_of
from gateway.fhir.search_table import PARAMETERS
from gateway.fhir.survivors import (
    Links,
    accounts_of,
    links_of,
    stay_of,
    stays_in,
    subjects_of,
)

Parts = dict[Target, list[Contribution]]

_NO_LINKS = Links()
_REQUEST = "ServiceRequest"
_PAGE = 500


def _pointing() -> tuple[tuple[str, str], ...]:
    """Return one search parameter of each type that finds its resources by their patient."""
    found = []
    for type_, parameters in sorted(PARAMETERS.items()):
        codes = [p.code for p in parameters if p.kind == "reference" and p.target == "Patient"]
        if codes and type_ != "Provenance":
            found.append((type_, codes[0]))
    return tuple(found)


#: A Provenance tells what an input spoke of; that stays as it was said.
_POINTING = _pointing()


def gather(tx: Transaction, wanted: Parts) -> Links:
    """Return the links near the targets that are folded; add to them what the links reach.

    Args:
        tx: the transaction that already holds the contributions, and still the claims of before.
        wanted: contributions by target; Patients on the other end of a link, and resources whose
            patient is another one from now on, are added.

    Raises:
        RejectedError: two merges contradict each other (RLS-INS-010).
    """
    while True:
        _add_joined(tx, wanted)
        size = len(wanted)
        links = _gather(tx, wanted)
        # What was added may lie in a moved dossier, or be of yet another record.
        if not links or len(wanted) == size:
            return links


def _add_joined(tx: Transaction, wanted: Parts) -> None:
    """Add the requests that are one order with those that are folded (`fhir.order_numbers`)."""
    requests = {target: parts for target, parts in wanted.items() if target.type == _REQUEST}
    if not requests:
        return
    held = tx.claims.held(sorted(requests)).values()
    fillers = order_numbers.near((claim for claims in held for claim in claims), requests)
    if not fillers:
        return
    # Two inputs that give one number at the same time: the second waits, and sees the first.
    tx.contributions.lock([Target(order_numbers.KIND, filler) for filler in sorted(fillers)])
    sharing = tx.claims.sharing({(order_numbers.KIND, filler) for filler in fillers})
    _add(tx, wanted, sorted({claim.target for held in sharing.values() for claim in held}))


def _gather(tx: Transaction, wanted: Parts) -> Links:
    """Return the links near `wanted`, and add to it what they reach in one step."""
    told = links_of(wanted)
    patients, accounts, stays = _spoken_of(wanted)
    around = _dossiers(tx, wanted, stays)
    accounts |= {one for found in around.values() for one in found}
    pairs = {(KIND, one) for one in patients} | {(MOVED, one) for one in accounts}
    claims = tx.claims.sharing(pairs) if pairs else {}
    if not told and not claims:
        return _NO_LINKS
    before = {
        claim.target.id: read_moved(claim)
        for (kind, _), found in claims.items()
        if kind == MOVED
        for claim in found
    }
    moved = dict(before)
    for target, parts in wanted.items():
        if target.type == "Account":
            _put(moved, target.id, moved_of(parts))
    near = {value for (kind, value), found in claims.items() if kind == KIND and found}
    near |= {*told.said, *(end for said in told.said.values() for end in said.ends())}
    near |= {one for dossier in moved.values() for one in dossier.members}
    was, now = _component(tx, wanted, near)
    if now.circle() and not was.circle():
        raise RejectedError([_contradiction()])
    changed = was.survivors().items() ^ now.survivors().items()
    concerned = {one for pair in changed for one in pair}
    links = Links(
        said=now.said,
        moved=moved,
        stays=stays_in(wanted, moved)
        | {stay: one for stay, found in around.items() for one in found if one in moved},
        named={one: _members(one, before, moved) for one in {*before, *moved}},
        turned=frozenset(concerned),
    )
    dossiers = {a for a in {*before, *moved} if before.get(a) != moved.get(a)}
    _add(tx, wanted, _owners(tx, concerned | _unsettled(tx, wanted, links, dossiers), dossiers))
    return links


def _spoken_of(wanted: Parts) -> tuple[set[str], set[str], set[str]]:
    """Return the Patients, Accounts and stays that targets are, or speak of."""
    patients, accounts, stays = set[str](), set[str](), set[str]()
    for target, parts in wanted.items():
        if target.type == "Patient":
            patients.add(target.id)
            continue
        if target.type == "Account":
            accounts.add(target.id)
        for part in parts:
            patients.update(subjects_of(part.resource))
            if target.type == "Encounter":
                accounts.update(accounts_of(part.resource))
            elif stay := stay_of(part.resource):
                stays.add(stay)
    return patients, accounts, stays


def _dossiers(tx: Transaction, wanted: Parts, stays: set[str]) -> dict[str, list[str]]:
    """Return the dossiers of stays that are spoken of and not folded now."""
    elsewhere = sorted(
        ("Encounter", one) for one in stays if Target("Encounter", one) not in wanted
    )
    if not elsewhere:
        return {}
    stored = tx.resources.current(elsewhere)
    return {
        id_: accounts_of(orjson.loads(row.body))
        for (_, id_), row in stored.items()
        if not row.deleted
    }


def _members(
    account: str, before: Mapping[str, Moved], moved: Mapping[str, Moved]
) -> frozenset[str]:
    known = (dossiers[account] for dossiers in (before, moved) if account in dossiers)
    return frozenset(one for dossier in known for one in dossier.members)


def _unsettled(tx: Transaction, wanted: Parts, links: Links, dossiers: set[str]) -> set[str]:
    """Return the Patients of dossiers that were just moved, or have just gained a stay.

    What was told about the stay before may be under any of them.
    """
    new = {account for stay, account in links.stays.items() if account not in dossiers}
    if new:
        keys = sorted(("Encounter", target.id) for target in wanted if target.type == "Encounter")
        stored = tx.resources.current(keys)
        settled = {
            id_
            for (_, id_), row in stored.items()
            if not row.deleted and new.intersection(accounts_of(orjson.loads(row.body)))
        }
        new = {links.stays[id_] for _, id_ in keys if id_ in links.stays and id_ not in settled}
    return {one for account in dossiers | new for one in links.named.get(account, ())}


def _put(moved: dict[str, Moved], account_id: str, dossier: Moved | None) -> None:
    if dossier is None:
        moved.pop(account_id, None)
    else:
        moved[account_id] = dossier


def _component(tx: Transaction, wanted: Parts, patients: set[str]) -> tuple[Links, Links]:
    """Return the links of these Patients and of all they lead to, as they were and as they are.

    The Patients are added to `wanted`: each of them is folded knowing all the others.
    """
    stored: list[Claim] = []
    said: dict[str, Said] = {}
    reached = set[str]()
    todo = set(patients)
    while todo:
        reached |= todo
        claims = tx.claims.sharing({(KIND, one) for one in todo})
        found = [claim for held in claims.values() for claim in held]
        stored += found
        ends = set[str]()
        for own, told in read_claims(found).items():
            ends |= {own, *told.ends()}
        _add(tx, wanted, [Target("Patient", one) for one in sorted(todo)])
        for one in todo:
            target = Target("Patient", one)
            words = said_of(target, wanted.get(target, ()))
            if words is not NOTHING:
                said[one] = words
                ends |= words.ends()
        todo = ends - reached
    return Links(read_claims(stored)), Links(said)


def _add(tx: Transaction, wanted: Parts, targets: Iterable[Target]) -> None:
    """Load more targets; one that nobody speaks about is left out."""
    missing = [target for target in targets if target not in wanted]
    if missing:
        tx.contributions.lock(missing)
        for target, parts in tx.contributions.load(sorted(missing)).items():
            if parts:
                wanted[target] = parts


def _owners(tx: Transaction, patients: set[str], accounts: set[str]) -> list[Target]:
    """Return the targets of the resources that point to these Patients or dossiers."""
    owners = set[Target]()
    for type_, code in _POINTING if patients else ():
        owners |= _found(tx, type_, code, "Patient", patients)
    if accounts:
        owners |= _found(tx, "Encounter", "account", "Account", accounts)
        owners |= {Target("Account", account) for account in accounts}
    return sorted(owners)


def _found(
    tx: Transaction, type_: str, code: str, points_to: str, ids: Iterable[str]
) -> set[Target]:
    alternatives = tuple((points_to, one) for one in sorted(ids))
    condition = Condition(code, "reference", alternatives)
    owners = set[Target]()
    cursor: str | None = None
    while True:
        page = tx.resources.search(type_, [condition], _PAGE, cursor)
        owners |= {row.owner for row in page.resources}
        cursor = page.next_cursor
        if cursor is None:
            return owners


def _contradiction() -> Issue:
    return Issue(
        code="RLS-INS-010",
        severity=Severity.ERROR,
        where="MRG-1",
        what="the record that is to stay was itself merged into the one that is to go.",
        fix="Take the two records apart first (A37), or send the merge the other way round.",
        hl7_code=205,
    )
