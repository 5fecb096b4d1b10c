"""One person's path from the stored resources and facts: stays, letters, sends, holes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.core.deliveries import DeliveryStatus
from gateway.core.facts import Op, Received, Status
from gateway.core.ports import Transaction
from gateway.entry.web.store_care import found, instant, letters, planned
from gateway.entry.web.store_gaps import GapReader, hole_lane
from gateway.entry.web.store_links import record_links
from gateway.entry.web.store_names import identities, lane_of, organizations, persons, sector
from gateway.entry.web.values import Hole, Mark, Path, Stay
from gateway.fhir.versions import is_inside

Json = Mapping[str, Any]
_STAYS, _DOCUMENTS, _APPOINTMENTS = 500, 300, 100
_GONE = frozenset({"cancelled", "entered-in-error", "noshow"})
#: Class of a stay without movements (v3-ActCode) as a lane.
_CLASSES = {"EMER": "urg", "HH": "had"}
_SENT = {"SND.MSS_OK": "ok", "SND.DMP_OK": "ok", "SND.MSS_KO": "ko", "SND.DMP_KO": "ko"}
_UNMATCHED = "unmatched-from-cda"


@dataclass(frozen=True, slots=True)
class PathReader:
    """Reads the path of a person."""

    gaps: GapReader

    def read(self, tx: Transaction, patient_id: str, now: datetime) -> Path | None:
        """Return the path of the person a Patient belongs to, None without such a Patient."""
        known = tx.resources.current([("Patient", patient_id)]).get(("Patient", patient_id))
        if known is None or known.deleted:
            return None
        person_id = tx.facts.persons([patient_id])[patient_id]
        patients = sorted({patient_id, *tx.facts.patients(person_id)})
        received = tx.facts.of_person(person_id)
        who = persons(tx, patients)
        shown, more = letters(tx, patients)
        return Path(
            who[patient_id],
            tuple(_stays(tx, patients)),
            (*_documents(tx, patients), *_appointments(tx, patients), *_sends(tx, received)),
            tuple(self._holes(tx, person_id, now)),
            identities=identities(tx, patients),
            links=record_links(tx, patients),
            planned=planned(tx, patients),
            letters=shown,
            more_letters=more,
        )

    def _holes(self, tx: Transaction, person_id: str, now: datetime) -> list[Hole]:
        rows = [
            row
            for row in tx.watch.expectations(person_id)
            if row.deadline is not None
            and (row.opened_at or row.status in (Status.PENDING, Status.UNCONFIRMED))
            and row.status is not Status.VOID
        ]
        shown = self.gaps.shown(tx, rows, now)
        return [
            Hole(gap, row.deadline, hole_lane(self.gaps.book, row))
            for gap, row in zip(shown, rows, strict=True)
            if row.deadline is not None
        ]


def _stays(tx: Transaction, patients: Sequence[str]) -> list[Stay]:
    """Return bars: the movements of each stay, joined while the sector stays the same."""
    every = [e for e in found(tx, "Encounter", "subject", patients, _STAYS) if _low(e)]
    movements: dict[str, list[dict[str, Any]]] = {}
    for one in every:
        if "partOf" in one:
            movements.setdefault(one["partOf"]["reference"], []).append(one)
    whole = [one for one in every if "partOf" not in one and one.get("status") not in _GONE]
    names = organizations(tx, {e.get("serviceProvider", {}).get("reference", "") for e in every})
    bars = []
    for stay in whole:
        if _is_echo(stay, whole):
            continue
        label = names.get(stay.get("serviceProvider", {}).get("reference", ""), "")
        parts = movements.get(f"Encounter/{stay['id']}", [])
        leaves = _leaves(stay)
        bars += [_with_leaves(bar, leaves) for bar in _bars(stay, parts, label, names)]
    return bars


def _bars(
    stay: Json, parts: Sequence[dict[str, Any]], label: str, names: Mapping[str, str]
) -> list[Stay]:
    link = f"/fhir/Encounter/{stay['id']}"
    planned = stay.get("status") == "planned"
    inside = [
        part
        for part in sorted(parts, key=lambda part: _low(part) or _NEVER)
        if part.get("status") not in _GONE and _high(part) != _low(part)
    ]
    if not inside:
        own = lane_of(sector(stay), _CLASSES.get(stay.get("class", {}).get("code", ""), "mco"))
        return [Stay(own, label, _low(stay) or _NEVER, _high(stay), planned, link)]
    bars: list[Stay] = []
    for part in inside:
        lane = lane_of(sector(part), "mco")
        low, high = _low(part) or _NEVER, _high(part)
        before = bars[-1] if bars else None
        if part.get("status") == "onleave":
            continue
        if before and before.lane == lane and before.end and low - before.end <= timedelta(0):
            bars[-1] = Stay(lane, before.label, before.start, high, planned, link)
            continue
        own = names.get(part.get("serviceProvider", {}).get("reference", ""), "") or label
        bars.append(Stay(lane, own, low, high, planned, link))
    return bars


def _leaves(stay: Json) -> list[tuple[datetime, datetime | None]]:
    """Return when the person was away; a leave without return lasts as long as the stay."""
    return [
        (low, _high(one))
        for one in stay.get("statusHistory", ())
        if one.get("status") == "onleave" and (low := _low(one))
    ]


def _with_leaves(bar: Stay, leaves: Sequence[tuple[datetime, datetime | None]]) -> Stay:
    inside = [
        one for one in leaves if one[0] >= bar.start and (bar.end is None or one[0] < bar.end)
    ]
    return replace(bar, leaves=tuple(inside))


def _is_echo(stay: Json, whole: Sequence[Json]) -> bool:
    """Tell whether a stay known from a letter only repeats one that movements told."""
    if not any(tag.get("code") == _UNMATCHED for tag in stay.get("meta", {}).get("tag", ())):
        return False
    low, high = _low(stay) or _NEVER, _high(stay) or _NEVER
    return any(
        other is not stay and (_low(other) or _NEVER) < high and (_high(other) or _NEVER) > low
        for other in whole
    )


def _documents(tx: Transaction, patients: Sequence[str]) -> list[Mark]:
    marks = []
    for one in found(tx, "DocumentReference", "subject", patients, _DOCUMENTS):
        at = instant(one.get("date", ""))
        # A file inside another document is no event of its own.
        if at is None or is_inside(one) or one.get("status") != "current":
            continue
        kind = one.get("type", {})
        label = one.get("description") or kind.get("text") or "Document"
        marks.append(Mark("doc", str(label), at, link=f"/fhir/DocumentReference/{one['id']}"))
    return marks


def _appointments(tx: Transaction, patients: Sequence[str]) -> list[Mark]:
    return [
        Mark("home", _title(one), at, "ask", link=f"/fhir/Appointment/{one['id']}")
        for one in found(tx, "Appointment", "patient", patients, _APPOINTMENTS)
        if one.get("status") not in _GONE and (at := instant(one.get("start", "")))
    ]


def _title(appointment: Json) -> str:
    """Return the words of an appointment; without any its sign and its lane say it."""
    kinds = [appointment.get("appointmentType", {}), *appointment.get("serviceType", ())]
    return str(
        appointment.get("description") or next((k["text"] for k in kinds if "text" in k), "")
    )


def _sends(tx: Transaction, received: Sequence[Received]) -> list[Mark]:
    """Return sends and their fate; what was taken back is not shown."""
    last: dict[str, Received] = {}
    for one in received:
        if one.assertion.event in _SENT:
            key = one.assertion.key
            if key not in last or one.assertion.revision >= last[key].assertion.revision:
                last[key] = one
    return [
        Mark(
            "snd",
            "DMP" if ".DMP" in one.assertion.event else "MSSanté",
            one.assertion.when.low,
            _SENT[one.assertion.event],
            link="/deliveries",
            to=_addressee(tx, one),
        )
        for one in last.values()
        if one.assertion.op is Op.ASSERT
    ]


def _addressee(tx: Transaction, sent: Received) -> str:
    """Return to which kind of person a mail of ours went, empty for what went elsewhere.

    The facts of a delivery are numbered below zero by its row.
    """
    if sent.order >= 0:
        return ""
    found = tx.outbox.newest(list(DeliveryStatus), 1 - sent.order, 1)
    kind = str(found[0].item.details.get("kind", "")) if found else ""
    return kind if kind in _ADDRESSEES else ""


_ADDRESSEES = frozenset({"professional", "patient"})
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def _low(encounter: Json) -> datetime | None:
    return instant(encounter.get("period", {}).get("start", ""))


def _high(encounter: Json) -> datetime | None:
    return instant(encounter.get("period", {}).get("end", ""))
