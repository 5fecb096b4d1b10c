"""Whose facts and gaps are, when records were merged and dossiers moved to another patient.

Facts stay with the Patient they were told under. When a dossier is moved (A44), what was told of
it is set apart under a part of that dossier (`core.facts.dossier_part`), which then goes from one
person to another as a Patient does, at the instant of the commit. So the ledger knows whose a
fact was at each instant, however late one looks, and a dossier that is moved back takes all of it
along. What is told about the person (identity, family doctor, opposition) is of no dossier.
Standard: HL7 v2.5 3.3.44 (A44); PAM France 2.11 5.1.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.core.contributions import Claim, Target
from gateway.core.facts import Assertion, ExpectationRow, Received, dossier_part, told_of
from gateway.core.ports import Condition, Transaction
from gateway.fhir.accounts import MOVED, read_moved
from gateway.fhir.links import KIND, read_claims
from gateway.fhir.spoken import is_word, word_pairs
from gateway.fhir.survivors import Links

_PAGE = 500
#: How the keys of facts begin that are about the person, not about a stay.
_OF_PERSON = "Patient/"

Row = tuple[int, datetime, Sequence[Assertion]]


def links_near(tx: Transaction, patients: Iterable[str], accounts: Iterable[str]) -> Links:
    """Return the links around Patients, and the moves of dossiers, as they are stored."""
    found = tx.claims.sharing({(MOVED, one) for one in accounts})
    moved = {c.target.id: read_moved(c) for held in found.values() for c in held}
    stored: list[Claim] = []
    reached = set[str]()
    todo = {*patients, *(one for dossier in moved.values() for one in dossier.members)}
    while todo:
        reached |= todo
        held = tx.claims.sharing({(KIND, one) for one in todo})
        claims = [claim for found in held.values() for claim in found]
        stored += claims
        told = read_claims(claims)
        todo = {end for own, said in told.items() for end in (own, *said.ends())} - reached
    return Links(read_claims(stored), moved)


def owners(tx: Transaction, holders: Iterable[str]) -> dict[str, str]:
    """Return the Patient that stands for each holder of facts now.

    Args:
        tx: an open transaction.
        holders: Patients and parts of dossiers.
    """
    told = {holder: told_of(holder) for holder in holders}
    accounts = {account for _, account in told.values() if account}
    patients = {patient for patient, _ in told.values()}
    links = links_near(tx, patients, accounts)
    heard = _heard_by(tx, patients)
    return {
        holder: links.owner(heard.get(patient, patient), account)
        for holder, (patient, account) in told.items()
    }


def unheard(tx: Transaction, patients: Collection[str]) -> set[str]:
    """Return the ids under which a word about an INS is kept that no record, or two, heard.

    What it asserts is about nobody yet: it is looked at once a record hears it.
    """
    held = tx.claims.held([Target("Patient", one) for one in sorted(patients)])
    words = {target.id for target, found in held.items() if found and all(map(is_word, found))}
    return words - _heard_by(tx, words).keys() if words else words


def _heard_by(tx: Transaction, patients: Collection[str]) -> dict[str, str]:
    """Return the record that heard a word about an INS, by the id the word is kept under."""
    held = tx.claims.held([Target("Patient", one) for one in sorted(patients)])
    words = {(c.kind, c.value) for found in held.values() for c in found if is_word(c)}
    sharing = tx.claims.sharing(words) if words else {}
    return dict(pair for holders in sharing.values() for pair in word_pairs(holders))


def following(tx: Transaction, persons: Iterable[str]) -> dict[str, str]:
    """Return the person of each part of a dossier that is with one of these persons so far.

    Args:
        tx: the transaction in which Patients changed their person.
        persons: that gained or lost a Patient.
    """
    parts = {one for person in persons for one in tx.facts.patients(person) if told_of(one)[1]}
    return _persons(tx, owners(tx, parts)) if parts else {}


def told_under(tx: Transaction, patient_id: str) -> list[Received]:
    """Return the facts of the persons that hold what was told under a Patient."""
    holders = [patient_id, *tx.facts.parts([patient_id])]
    persons = sorted(set(tx.facts.persons(holders).values()))
    return [one for person in persons for one in tx.facts.of_person(person)]


def as_held(tx: Transaction, rows: Sequence[Row], links: Links) -> list[Row]:
    """Return assertions that are said again under the part of a dossier that holds them.

    Args:
        tx: an open transaction.
        rows: row id, receipt and what a row says now.
        links: near the dossiers of the rows.
    """
    told = {one for members in links.named.values() for one in members}
    parts = tx.facts.parts({*told, *links.said}) if links.named else []
    if not parts:
        return list(rows)
    persons = sorted(set(tx.facts.persons(parts).values()))
    held = {
        one.assertion.aid: one.assertion.patient
        for person in persons
        for one in tx.facts.of_person(person)
        if one.assertion.patient is not None and one.assertion.patient.id in parts
    }
    return [
        (row_id, at, [replace(one, patient=held.get(one.aid, one.patient)) for one in said])
        for row_id, at, said in rows
    ]


def settle(tx: Transaction, links: Links, now: datetime) -> None:
    """Let facts and gaps follow what the fold of some inputs found about records and dossiers.

    Args:
        tx: the transaction that stored the inputs, their claims and assertions.
        links: of their fold.
        now: instant of the commit.
    """
    for account in sorted(links.named):
        near = links_near(tx, links.named[account] | links.said.keys(), [account])
        told = {
            *links.named[account],
            *near.said,
            *(e for s in near.said.values() for e in s.ends()),
        }
        away = sorted(one for one in told if near.owner(one, account) != near.survivor(one))
        held = {part for one in away for part in _set_apart(tx, one, account, now)}
        parts = [one for one in tx.facts.parts(told) if told_of(one)[1] == account]
        whose = {part: near.owner(*told_of(part)) for part in parts}
        persons = _persons(tx, whose)
        moved = tx.facts.link(persons, now) | {persons[part] for part in held}
        tx.watch.touch(dict.fromkeys(moved, now))
    if links.turned:
        # A gap shows the Patient that stands for its own: it changes without any fact.
        tx.watch.touch(dict.fromkeys(tx.facts.persons(links.turned).values(), now))


def _persons(tx: Transaction, whose: dict[str, str]) -> dict[str, str]:
    """Return the person of each part whose Patients are given."""
    persons = tx.facts.persons(set(whose.values()))
    return {part: persons[patient] for part, patient in whose.items()}


def _set_apart(tx: Transaction, patient_id: str, account: str, now: datetime) -> set[str]:
    """Set apart what was told of a dossier under a Patient and is not yet; return the parts."""
    facts = _of_dossier(tx, patient_id, account)
    parts = set[str]()
    # What came with this commit was never seen with another person.
    for is_known in (True, False):
        found = [one for one in facts if (one.at < now) is is_known]
        if found:
            part = _part(tx, patient_id, account, is_known=is_known)
            _hold(tx, part, patient_id, found)
            parts.add(part)
    return parts


def _part(tx: Transaction, patient_id: str, account: str, *, is_known: bool) -> str:
    """Return the part that facts of a Patient are to be held under.

    Facts that were known before go to a part that is still with their Patient, so that it can be
    told when they left; a part that has left takes what nobody has seen yet.
    """
    number = 1
    while True:
        part = dossier_part(patient_id, account, number)
        persons = tx.facts.persons([part, patient_id])
        is_new = persons[part] == part
        if is_new or (persons[part] == persons[patient_id]) or not is_known:
            return part
        number += 1


def _of_dossier(tx: Transaction, patient_id: str, account: str) -> list[Received]:
    """Return the facts held by a Patient that are about a dossier.

    They are what inputs said that tell of the dossier or of a stay in it, and what became of the
    letters among them.
    """
    person = tx.facts.persons([patient_id])[patient_id]
    received = tx.facts.of_person(person)
    held = [
        one
        for one in received
        if one.assertion.patient == Target("Patient", patient_id)
        and not one.assertion.key.startswith(_OF_PERSON)
    ]
    if not held:
        return []
    made = tx.contributions.made_by({one.order for one in held if one.order > 0})
    targets = {Target("Account", account), *_stays(tx, account)}
    orders = {order for order, of in made.items() if not targets.isdisjoint(of)}
    letters = {
        str(one.assertion.attributes.get(name))
        for one in (*held, *_with_parts(tx, patient_id, account))
        if one.order in orders or told_of(_holder(one))[1] == account
        for name in ("setid", "uid")
        if name in one.assertion.attributes
    }
    return [
        one
        for one in held
        if one.order in orders or str(one.assertion.attributes.get("doc")) in letters
    ]


def _with_parts(tx: Transaction, patient_id: str, account: str) -> list[Received]:
    """Return the facts of a dossier that are set apart already."""
    parts = [one for one in tx.facts.parts([patient_id]) if told_of(one)[1] == account]
    persons = sorted(set(tx.facts.persons(parts).values()))
    found = [one for person in persons for one in tx.facts.of_person(person)]
    return [one for one in found if _holder(one) in parts]


def _holder(one: Received) -> str:
    return one.assertion.patient.id if one.assertion.patient is not None else ""


def _stays(tx: Transaction, account: str) -> set[Target]:
    condition = Condition("account", "reference", (("Account", account),))
    found = set[Target]()
    cursor: str | None = None
    while True:
        page = tx.resources.search("Encounter", [condition], _PAGE, cursor)
        found |= {row.owner for row in page.resources}
        cursor = page.next_cursor
        if cursor is None:
            return found


def _hold(tx: Transaction, part: str, patient_id: str, facts: Collection[Received]) -> None:
    tx.facts.set_apart(part, patient_id, [one.assertion.aid for one in facts])
    triggers = {one.assertion.key for one in facts}
    moves = tx.facts.moves([patient_id])
    persons = {tx.facts.persons([patient_id])[patient_id]}
    persons |= {person for move in moves for person in (move.before, move.after)}
    rows = [row for person in sorted(persons) for row in tx.watch.expectations(person)]
    restated = {row.gap_id: _restated(row, part, patient_id, triggers) for row in rows}
    changed = [restated[row.gap_id] for row in rows if restated[row.gap_id] != row]
    tx.watch.set_apart(part, patient_id, changed)


def _restated(
    row: ExpectationRow, part: str, patient_id: str, triggers: Collection[str]
) -> ExpectationRow:
    """Return a row as it would stand if the part had always been beside the Patient."""
    patients = row.details.get("patients", [row.patient.id])
    if patient_id in patients:
        row = replace(row, details={**row.details, "patients": sorted({*patients, part})})
    if row.patient.id == patient_id and row.trigger in triggers:
        row = replace(row, patient=Target("Patient", part))
    return row
