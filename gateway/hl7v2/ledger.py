"""The ledger of a stay: movements as messages told them, settled per movement key.

Knows what a cancellation does; does not make resources (`hl7v2.movements`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.core.contributions import Contribution, Version
from gateway.hl7v2.events import CANCEL, INSERT

Json = dict[str, Any]
#: An instant as sortable UTC text, and as the source wrote it (FHIR dateTime with its offset).
Moment = tuple[str, str]

PLANNED = frozenset({"A05", "A14"})
ADMISSIONS = frozenset({"A01", "A04", "A06", "A07"})
DISCHARGE = "A03"

#: What each cancelling event cancels, when ZBE-6 does not say it. Spec: PAM France 2.11 2.
CANCELLED_BY = {
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


@dataclass(frozen=True, slots=True)
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
        planned: PV2-8.
        preadmission: PV1-5 is valued: a cancelled admission goes back to the pre-admission.
        pmsi: parts of the PMSI extension (ZFM).
        said: partial Encounter: identifier, serviceProvider, location, participant (attending),
            hospitalization.
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
    "nature",
    "patient_class",
    "treatment",
    "unit_sector",
    "admitted",
    "planned",
    "historic",
)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The settled movements of a stay.

    Attributes:
        live: movements that stand, any order.
        cancelled: for each key whose last word is a cancellation, that cancellation, oldest first.
    """

    live: tuple[Movement, ...]
    cancelled: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    version: tuple[Version, int]
    movement: Movement


def settle(contributions: Iterable[Contribution]) -> Ledger:
    """Settle what was said about each movement key, whatever the order of arrival.

    The last word of a key by version decides: a cancellation makes a tombstone, which also
    stands before the movement itself arrives; an INSERT of a known key with other content is a
    part of the same movement and fills its fields; an UPDATE alone waits for its INSERT.

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
    live: list[tuple[tuple[Version, int], Movement]] = []
    tombs: list[_Row] = []
    for group in _same_movement(rows):
        if group[-1].movement.action == CANCEL:
            tombs.append(group[-1])
            continue
        merged = _merge_group(group)
        if merged is not None:
            live.append((group[-1].version, merged))
    tombs.sort(key=lambda row: row.version)
    dropped = _preadmission_ends(tombs)
    standing = tuple(
        movement
        for version, movement in live
        if dropped is None or movement.event not in PLANNED or version > dropped
    )
    return Ledger(standing, tuple(row.movement for row in tombs))


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
    """Merge what was said since the last cancellation; None while only an UPDATE is known."""
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
        changes["pmsi"] = {**changes.get("pmsi", {}), **movement.pmsi}
        changes["said"] = _merge_said(changes.get("said", {}), movement.said)
    return replace(inserts[-1], **changes)


def _merge_said(old: Json, new: Json) -> Json:
    merged = {**old, **new}
    if "hospitalization" in old and "hospitalization" in new:
        merged["hospitalization"] = {**old["hospitalization"], **new["hospitalization"]}
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
