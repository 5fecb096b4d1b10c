"""Why several records are one person: merges, changes of number, links, a qualified INS."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import orjson

from gateway.core.contributions import Contribution, Json, Target
from gateway.core.ports import Transaction
from gateway.entry.web.record_link import RecordLink
from gateway.fhir import links

#: Inputs of one record that are looked through for the one that told of a link.
_LOOKED = 500
#: Kinds in which no record gives way to the other.
_ALIKE = ("linked", "apart")
#: Records of one person that are looked at.
_RECORDS = 20


def record_links(tx: Transaction, patients: Sequence[str]) -> tuple[RecordLink, ...]:
    """Return what joins the records of a person, or took them apart, oldest first."""
    if len(patients) < 2:
        return ()
    wanted = [Target("Patient", one) for one in patients[:_RECORDS]]
    parts = tx.contributions.load(wanted)
    bodies = _bodies(tx, patients)
    names = _numbers(bodies)
    found: dict[tuple[str, frozenset[str]], RecordLink] = {}
    for target in wanted:
        told = parts.get(target, [])
        said = links.said_of(target, told)
        gone = said.replaced
        ends = [("linked", one) for one in said.linked] + [("apart", one) for one in said.apart]
        if gone is not None:
            ends.append(("renumbered" if gone.is_renumbered else "merged", gone.new))
        for kind, other in ends:
            part = _last(told, other)
            one_name, other_name = names.get(target.id, ""), names.get(other, "")
            if kind in _ALIKE:
                one_name, other_name = sorted((one_name, other_name))
            found.setdefault(
                (kind, frozenset((target.id, other))),
                RecordLink(
                    kind,
                    one_name,
                    other_name,
                    part.version.recorded_at if part else None,
                    _message(tx, target, part),
                ),
            )
    joined = {one for kind, pair in found if kind != "apart" for one in pair}
    return (*sorted(found.values(), key=_when), *_by_ins(tx, bodies, joined, names))


def _by_ins(
    tx: Transaction, bodies: Mapping[str, Json], joined: Iterable[str], names: Mapping[str, str]
) -> list[RecordLink]:
    """Return the records that nothing but a qualified INS joins to another of the person."""
    apart = set(joined)
    alone = [one for one in bodies if one not in apart]
    if not alone:
        return []
    moved = {move.patient_id: move.at for move in tx.facts.moves(alone)}
    ins = {one: _ins(body) for one, body in bodies.items()}
    found: dict[frozenset[str], RecordLink] = {}
    for one in alone:
        other = next((other for other in ins if other != one and ins[other] & ins[one]), None)
        if other is not None:
            link = RecordLink("ins", names.get(one, ""), names.get(other, ""), moved.get(one), None)
            found.setdefault(frozenset((one, other)), link)
    return list(found.values())


def _ins(body: Json) -> set[str]:
    """Return the INS a record shows: it shows none that is not qualified."""
    return {
        str(one.get("value"))
        for one in body.get("identifier", ())
        for coding in one.get("type", {}).get("coding", ())
        if str(coding.get("code", "")).startswith("INS")
    }


def _last(parts: Sequence[Contribution], other: str) -> Contribution | None:
    """Return the latest word about a link with another record."""
    told = [part for part in parts if links.tells_link(part) and other in _ends(part)]
    return max(told, key=lambda part: (part.version, part.ordinal), default=None)


def _ends(part: Contribution) -> set[str]:
    ends = {one["other"]["reference"].rpartition("/")[2] for one in part.resource.get("link", ())}
    return ends | {one.rpartition("/")[2] for one in part.removals}


def _message(tx: Transaction, target: Target, part: Contribution | None) -> int | None:
    """Return the number of the input that said it."""
    if part is None:
        return None
    numbers = tx.contributions.inbox_ids(target)[-_LOOKED:]
    return next(
        (
            row.id
            for row in tx.inbox.some(numbers)
            if row.header.canonical_sha256 == part.version.digest
        ),
        None,
    )


def _bodies(tx: Transaction, patients: Sequence[str]) -> dict[str, Json]:
    """Return each Patient, in the order given; empty where it is deleted."""
    rows = tx.resources.current([("Patient", one) for one in patients])
    found = {id_: rows.get(("Patient", id_)) for id_ in patients}
    return {
        id_: {} if row is None or row.deleted else orjson.loads(row.body)
        for id_, row in found.items()
    }


def _numbers(bodies: Mapping[str, Json]) -> dict[str, str]:
    """Return the number each record goes by, of its establishment."""
    found: dict[str, str] = {}
    for id_, body in bodies.items():
        for one in body.get("identifier", ()):
            codes = {coding.get("code") for coding in one.get("type", {}).get("coding", ())}
            # A record that gave way has its old number only.
            if "PI" in codes and one.get("value") and (one.get("use") != "old" or id_ not in found):
                place = one.get("assigner", {}).get("display", "")
                found[id_] = f"{one['value']} ({place})" if place else str(one["value"])
    return found


def _when(link: RecordLink) -> str:
    at: datetime | None = link.at
    return at.isoformat() if at else ""
