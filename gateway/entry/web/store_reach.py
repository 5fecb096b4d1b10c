"""Who can act on a gap and how to reach them; who is told next when nobody does."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from gateway.core.facts import ExpectationRow
from gateway.core.ports import Condition, Transaction
from gateway.core.work import Did
from gateway.entry.web.rulebook import RuleBook
from gateway.entry.web.values import Contact, Rung
from gateway.fhir import gaps
from gateway.fhir.identity import FINESS_SYSTEM, Ids
from gateway.pathway.calendar import region_of
from gateway.pathway.ladder import Opened, ladder
from gateway.pathway.mutes import subjects_of

Json = Mapping[str, Any]
_CIRCLE = 10
_MSS = "mssante.fr"


def contacts(tx: Transaction, row: ExpectationRow, ids: Ids) -> tuple[Contact, ...]:
    """Return both ends of the handoff, the doctor and the circle of care, with their numbers."""
    ends = {
        "source": gaps.finess_of(row),
        "target": str(row.details.get("destination_finess") or ""),
    }
    keys = {
        part: ("Organization", ids.organization(FINESS_SYSTEM, number))
        for part, number in ends.items()
        if number
    }
    found = tx.resources.current(list(keys.values()))
    told = []
    for part, key in keys.items():
        stored = found.get(key)
        body = orjson.loads(stored.body) if stored and not stored.deleted else {}
        name = str(body.get("name") or ends[part])
        told.append(Contact(part, name, tuple(_reach(body.get("telecom", ()))), ends[part]))
    return named_once(told, _people(tx, row.patient.id))


def named_once(ends: Iterable[Contact], people: Iterable[Contact]) -> tuple[Contact, ...]:
    """Return everybody by one name each, in the first part they have, with all that reaches them.

    A doctor stands in the Patient, in the circle of care, and there in a role too. Two of one name
    whose numbers have nothing in common are two.
    """
    kept = list(ends)
    for one in people:
        for at, known in enumerate(kept):
            same = known.name.casefold() == one.name.casefold()
            if same and (not (one.reach and known.reach) or {*one.reach} & {*known.reach}):
                kept[at] = replace(known, reach=tuple(dict.fromkeys((*known.reach, *one.reach))))
                break
        else:
            kept.append(one)
    return tuple(kept)


def _people(tx: Transaction, patient_id: str) -> Iterable[Contact]:
    """Return the doctors of a Patient and who clients put in the circle of care."""
    key = ("Patient", patient_id)
    patient = tx.resources.current([key]).get(key)
    body = orjson.loads(patient.body) if patient and not patient.deleted else {}
    condition = Condition("subject", "reference", (key,))
    teams = tx.resources.search("CareTeam", [condition], _CIRCLE, None).resources
    references = [("doctor", one) for one in body.get("generalPractitioner", ())]
    for team in teams:
        members = orjson.loads(team.body).get("participant", ())
        references += [("circle", one["member"]) for one in members if "member" in one]
    named = {one["reference"] for _, one in references if "reference" in one}
    keys = [tuple(text.split("/", 1)) for text in sorted(named) if text.count("/") == 1]
    known = tx.resources.current([(type_, id_) for type_, id_ in keys])
    for part, one in references[:_CIRCLE]:
        type_, _, id_ = str(one.get("reference", "")).partition("/")
        stored = known.get((type_, id_))
        who = orjson.loads(stored.body) if stored and not stored.deleted else {}
        name = _name(who) or str(one.get("display", ""))
        if name and type_ not in ("Patient", "RelatedPerson"):
            yield Contact(part, name, tuple(_reach(who.get("telecom", ()))))


def _name(who: Json) -> str:
    named = who.get("name", "")
    if isinstance(named, str):
        return named
    for one in named:
        text = " ".join((*one.get("prefix", ()), one.get("family", ""), *one.get("given", ())))
        if text.strip():
            return text.strip()
    return ""


def _reach(telecom: Iterable[Json]) -> Iterable[tuple[str, str]]:
    for one in telecom:
        value = str(one.get("value", ""))
        system = one.get("system", "")
        if value and system in ("phone", "sms"):
            yield "phone", value
        elif value and system == "email":
            yield ("mss" if value.endswith(_MSS) else "email"), value


def rungs(tx: Transaction, row: ExpectationRow, book: RuleBook, now: datetime) -> tuple[Rung, ...]:
    """Return who is told of an open gap, from its owner on; empty when it is not open."""
    rule = book.version(row)
    if rule is None or not gaps.is_open(row):
        return ()
    person = tx.facts.persons([row.patient.id])[row.patient.id]
    patients = sorted({row.patient.id, *tx.facts.patients(person)})
    acts = [a for a in tx.work.acts([row.gap_id]).get(row.gap_id, ()) if a.episode == row.episode]
    opened = Opened(row.opened_at or now, row.severity, region_of(gaps.finess_of(row)))
    found = ladder(rule, opened, acts, tx.work.muted(subjects_of(row, patients)), now)
    told = {act.number for act in acts if act.did is Did.RUNG}
    return tuple(Rung(one.role, one.due, one.number in told) for one in found.rungs)
