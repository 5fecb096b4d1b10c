"""Trace lines of what the fold of a stay works out: places no rule of a mapping file writes."""

from gateway.core.contributions import TraceLine

_MOVEMENT = "PAM-FR 2.11 5.3 and 6.13, ZBE"
_CLASS = "PAM-FR 2.11 6.10.19, PV1-2 and PV1-21"

#: Target, source, derivation, clause; the same for a stay and for each of its movements.
_LINES = (
    ("resourceType", "constant", "movements.fold_stay", "FR Core 2.2.0, fr-core-encounter"),
    ("id", "ZBE-1", "movement_rows.movement_row", _MOVEMENT),
    ("meta.profile", "constant", "movements.fold_stay", "FR Core 2.2.0, fr-core-encounter"),
    ("meta.tag", "PV1-2, PV1-21, site table", "classes.sector_tag", _CLASS),
    ("extension", "ZFM", "movements.fold_stay", "PAM-FR 2.11 6.17, ZFM"),
    ("identifier", "ZBE-1", "movement_rows.movement_row", _MOVEMENT),
    ("status", "MSH-9, ZBE-4", "steps.State", _MOVEMENT),
    ("statusHistory", "ZBE-2, ZBE-4", "steps.spans", _MOVEMENT),
    ("class", "PV1-2, PV1-21, site table", "classes.classify", _CLASS),
    ("classHistory", "ZBE-2, PV1-2", "steps.spans", _CLASS),
    ("type", "PV1-2, PV1-21", "classes.kind_coding", _CLASS),
    ("subject", "PID-3", "movements.fold_stay", "PAM-FR 2.11 6.6.1, PID-3"),
    ("participant", "PV1-7", "steps.spans", "HL7 v2.5 3.4.3.7, PV1-7"),
    ("period", "ZBE-2", "steps.beginning", _MOVEMENT),
    ("hospitalization", "PV1-36, PV1-37", "movements.fold_stay", "PAM-FR 2.11 6.10"),
    ("location", "PV1-3, ZBE-2", "steps.spans", "PAM-FR 2.11 6.10, PV1-3"),
    ("serviceProvider", "ZBE-7", "movements.fold_stay", "PAM-FR 2.11 6.13, ZBE-7"),
    ("partOf", "PV1-19", "movements.fold_stay", "PAM-FR 2.11 5.1, visit and movement"),
)


def stay_lines(stay_id: str, movement_id: str) -> list[TraceLine]:
    """Return the derivations of a stay and of one of its movements."""
    return [
        TraceLine(f"Encounter/{number}", *line)
        for number in (stay_id, movement_id)
        for line in _LINES
    ]


def lone_stay_lines(stay_id: str) -> list[TraceLine]:
    """Return what the fold adds to a stay of which no movement is known."""
    clause = "FR Core 2.2.0, fr-core-encounter, required elements"
    return [
        TraceLine(f"Encounter/{stay_id}", target, "constant", "movements.fold_stay", clause)
        for target in ("status", "class", "period")
    ]
