"""Trace lines of what no rule of a mapping file writes: the fold of a stay, merges, Provenance."""

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

_SOURCE = "FHIR R4 Provenance; HL7 v2.5 2.15.9, MSH, and 3.4.1, EVN"
_PROVENANCE_LINES = (
    ("id", "MSH", "provenance.provenance", "SHA-256 of the canonical bytes"),
    ("target", "constant", "provenance.provenance", "FHIR R4 Provenance.target"),
    ("occurredDateTime", "EVN-6, ZBE-2", "provenance.provenance", _SOURCE),
    ("recorded", "EVN-2, MSH-7", "provenance.provenance", _SOURCE),
    ("activity", "MSH-9", "provenance.provenance", _SOURCE),
    ("agent", "MSH-4, EVN-5", "provenance.provenance", _SOURCE),
    ("entity", "MSH-3, MSH-4, MSH-10", "provenance.provenance", _SOURCE),
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


def survivor_lines(patient_id: str) -> list[TraceLine]:
    """Return what a Patient shows of the records it stands for."""
    clause = "PAM-FR 2.11 4.1, events A40 and A47"
    return [
        TraceLine(f"Patient/{patient_id}", target, "MRG-1", "survivors.applied", clause)
        for target in ("link", "identifier")
    ]


def provenance_lines(number: str) -> list[TraceLine]:
    """Return where the Provenance of a message comes from: no mapping file writes it."""
    return [TraceLine(f"Provenance/{number}", *line) for line in _PROVENANCE_LINES]
