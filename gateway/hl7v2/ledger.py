"""The ledger of a stay: movements as messages told them, settled per movement key.

Knows what a cancellation does; does not make resources (`hl7v2.movements`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.core.contributions import Contribution, Version
from gateway.core.values import value
from gateway.hl7v2.events import CANCEL, INSERT

Json = dict[str, Any]
#: An instant as sortable UTC text, and as the source wrote it (FHIR dateTime with its offset).
Moment = tuple[str, str]

PLANNED = frozenset({"A05", "A14"})
#: What is announced of a patient who is there: it changes nothing until it happens.
PENDING_TRANSFER, PENDING_DISCHARGE = "A15", "A16"
PENDING = frozenset({PENDING_TRANSFER, PENDING_DISCHARGE})
#: To another class: PV1-2 carries the new one. Spec: PAM France 2.11 5.3.5.
CLASS_CHANGES = frozenset({"A06", "A07"})
ADMISSIONS = frozenset({"A01", "A04", *CLASS_CHANGES})
TRANSFER, DISCHARGE = "A02", "A03"

#: What each cancelling event cancels, when ZBE-6 does not say it; a class change is cancelled
#: by its opposite. Spec: PAM France 2.11 2, 5.3.5.
CANCELLED_BY = {
    "A06": "A07",
    "A07": "A06",
    "A11": "A01",
    "A12": "A02",
    "A13": "A03",
    "A25": "A16",
    "A26": "A15",
    "A27": "A14",
    "A38": "A05",
    "A52": "A21",
    "A53": "A22",
    "A55": "A54",
}


@value(frozen=True, slots=True)
class Movement:
    """What one message says about one movement.

    Attributes:
        key: first repetition of ZBE-1, `<id>#<authority>`; unique within a stay only.
        id: computed id of the movement Encounter.
        event: trigger event of the movement itself: ZBE-6 when the message updates or cancels.
        trigger: trigger event of the message.
        action: INSERT, UPDATE or CANCEL.
        start: ZBE-2.
        aliases: the other repetitions of ZBE-1, in the form of `key`.
        historic: ZBE-5 is Y.
        nature: letters of ZBE-9, sorted.
        patient_class: PV1-2.
        treatment: PV1-21.
        unit_sector: sector of the responsible unit in the site table.
        admitted: PV1-44.
        planned: when what is announced is expected: PV2-8, EVN-3, or PV2-9 for a discharge.
        preadmission: PV1-5 is valued: a cancelled admission goes back to the pre-admission.
        pmsi: parts of the PMSI extension (ZFM).
        said: partial Encounter: identifier, serviceProvider, location, participant (attending),
            hospitalization.
        reserved: place kept for a pending transfer (PV1-42), as an entry of `location`.
        follows: the visit number that a class change leaves behind (MRG-5), empty when none.
    """

    key: str
    id: str
    event: str
    trigger: str
    action: str
    start: Moment
    aliases: tuple[str, ...] = ()
    historic: bool = False
    nature: str = ""
    patient_class: str = ""
    treatment: str = ""
    unit_sector: str = ""
    admitted: Moment | None = None
    planned: Moment | None = None
    preadmission: bool = False
    pmsi: Json = field(default_factory=dict)
    said: Json = field(default_factory=dict)
    reserved: Json = field(default_factory=dict)
    follows: str = ""

    def to_json(self) -> Json:
        """Return the row as stored; what is empty is left out."""
        # Every empty value of a field is falsy.
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    @classmethod
    def from_json(cls, row: Json) -> "Movement":
        """Read back what `to_json` wrote, from Python values or from parsed JSON."""
        known = dict(row)
        for name in ("start", "aliases", "admitted", "planned"):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known)


#: Fields of a movement that a later message replaces when it values them.
_MERGED = (
    "start",
    "patient_class",
    "treatment",
    "admitted",
    "planned",
    "historic",
    "reserved",
    "follows",
)

#: Parts of the PMSI extension that are said together: the first without the others says that
#: these are none. ZFM-4 and ZFM-3 empty mean directly to, or from, home (PAM France 2.11 6.17).
_SAID_TOGETHER = (
    ("modeSortie", ("destination",)),
    ("modeEntree", ("provenance", "passageUrgences")),
)
#: ZBE-9 of a correction of status: no nature of a movement.
_CORRECTION = "C"

_Place = tuple[Version, int]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The settled movements of a stay.

    Attributes:
        live: movements that stand, any order.
        cancelled: for each key that a cancellation ended, that cancellation, oldest first.
        waiting: updates of movements that nobody has told, oldest first.
        said: place of the last word about each live movement in the order of the source, by key.
    """

    live: tuple[Movement, ...]
    cancelled: tuple[Movement, ...]
    waiting: tuple[Movement, ...] = ()
    said: Mapping[str, _Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    version: _Place
    movement: Movement


def settle(contributions: Iterable[Contribution]) -> Ledger:
    """Settle what was said about each movement key, whatever the order of arrival.

    The order of versions decides: a cancellation ends all that was said before and also stands
    before the movement itself arrives; an INSERT of a known key with other content is a part of
    the same movement and fills its fields; an UPDATE can neither insert nor take a cancellation
    back, so it waits for an INSERT.

    Args:
        contributions: of one stay; those without movement are passed over.

    Returns:
        The ledger.

    Spec: PAM France 2.11 5.3.1 (one movement in several messages), 6.13.3.
    """
    rows = sorted(
        (
            _Row((part.version, part.ordinal), Movement.from_json(part.movement))
            for part in contributions
            if part.movement
        ),
        key=lambda row: row.version,
    )
    live: list[tuple[_Place, Movement]] = []
    tombs: list[_Row] = []
    waiting: list[_Row] = []
    for group in _same_movement(rows):
        merged = _merge_group(group)
        if merged is not None:
            live.append((group[-1].version, merged))
            continue
        ends = [row for row in group if row.movement.action == CANCEL]
        (tombs if ends else waiting).append(ends[-1] if ends else group[-1])
    tombs.sort(key=lambda row: row.version)
    waiting.sort(key=lambda row: row.version)
    dropped = _preadmission_ends(tombs)
    standing = [
        (version, movement)
        for version, movement in live
        if dropped is None or movement.event not in PLANNED or version > dropped
    ]
    return Ledger(
        live=tuple(movement for _, movement in standing),
        cancelled=tuple(row.movement for row in tombs),
        waiting=tuple(row.movement for row in waiting),
        said={movement.key: version for version, movement in standing},
    )


def _same_movement(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Group rows that share a key or an alias, keeping their order."""
    groups: list[list[_Row]] = []
    keys: list[set[str]] = []
    for row in rows:
        names = {row.movement.key, *row.movement.aliases}
        hits = [index for index, known in enumerate(keys) if known & names]
        joined = [row]
        for index in reversed(hits):
            joined = groups.pop(index) + joined
            names |= keys.pop(index)
        if len(hits) > 1:
            joined.sort(key=lambda item: item.version)
        groups.append(joined)
        keys.append(names)
    return groups


def _merge_group(group: Sequence[_Row]) -> Movement | None:
    """Merge what was said since the last cancellation; None while no INSERT is known."""
    since: list[Movement] = []
    for row in group:
        if row.movement.action == CANCEL:
            since = []
        else:
            since.append(row.movement)
    inserts = [movement for movement in since if movement.action == INSERT]
    if not inserts:
        return None
    first = group[0].movement
    if len(since) == 1 and since[0].id == first.id:
        return since[0]
    changes: dict[str, Any] = {"id": first.id, "key": first.key}
    for movement in since:
        for name in _MERGED:
            value = getattr(movement, name)
            if value:
                changes[name] = value
        _merge_parts(changes, movement)
    return replace(inserts[-1], **changes)


def _merge_parts(changes: dict[str, Any], movement: Movement) -> None:
    """Let one message speak about what is told in parts."""
    said, pmsi = changes.get("said", {}), changes.get("pmsi", {})
    if movement.nature and movement.nature != _CORRECTION:
        changes["nature"] = "".join(sorted({*changes.get("nature", ""), *movement.nature}))
    # The unit that is responsible decides the sector, whichever message names it.
    names_unit = "serviceProvider" in movement.said
    if names_unit or (movement.unit_sector and "serviceProvider" not in said):
        changes["unit_sector"] = movement.unit_sector
    way, left = movement.pmsi.get("modeSortie"), pmsi.get("modeSortie")
    if way and left and way != left and "hospitalization" in said:
        # Another way out: the establishment that was named belongs to the old one.
        kept = {k: v for k, v in said["hospitalization"].items() if k != "destination"}
        said = {k: v for k, v in said.items() if k != "hospitalization"}
        if kept:
            said["hospitalization"] = kept
    changes["pmsi"] = merge_pmsi(pmsi, movement.pmsi)
    changes["said"] = _merge_said(said, movement.said)


def merge_pmsi(old: Json, new: Json) -> Json:
    """Merge parts of the PMSI extension; those that are said together go together."""
    merged = {**old, **new}
    for first, others in _SAID_TOGETHER:
        if first in new:
            for name in others:
                if name not in new:
                    merged.pop(name, None)
    return merged


def _merge_said(old: Json, new: Json) -> Json:
    """Merge partial Encounters; every number that was ever told names the movement."""
    merged = {**old, **new}
    if "hospitalization" in old and "hospitalization" in new:
        merged["hospitalization"] = {**old["hospitalization"], **new["hospitalization"]}
    if old and old["identifier"] != new["identifier"]:
        merged["identifier"] = [
            *new["identifier"],
            *(number for number in old["identifier"] if number not in new["identifier"]),
        ]
    return merged


def _preadmission_ends(tombs: Sequence[_Row]) -> tuple[Version, int] | None:
    """Return the version of the last cancelled admission that names no pre-admission.

    The pre-admission survives only when PV1-5 is valued; else the whole visit is cancelled.
    Spec: PAM France 2.11, event A11 and PV1-5.
    """
    ends = [
        row.version
        for row in tombs
        if row.movement.trigger == "A11" and not row.movement.preadmission
    ]
    return ends[-1] if ends else None
