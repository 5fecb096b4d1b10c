"""When the change of a resource is an event of a topic: pure tests on the version before and after.

Each test sees the pair of one write, so an event is judged on what was, and on what is, however
soon the next write follows. What is taken back is an event too: who was told of a discharge hears
that it was cancelled. `None` stands for a resource that is not there, or not there any more.
"""

from collections.abc import Callable

from gateway.core.contributions import Json
from gateway.fhir.sendings import SENDING

#: Tells whether a change is an event.
Test = Callable[[Json | None, Json | None], bool]

#: States of an Encounter from its start on (FHIR R4 encounter-status).
_STARTED = frozenset({"arrived", "triaged", "in-progress", "onleave", "finished"})
#: Types of letters that tell of a discharge (LOINC): lettre de liaison, discharge summary.
DISCHARGE_LETTERS = frozenset({"11490-0", "18842-5"})


def any_change(before: Json | None, after: Json | None) -> bool:
    """Tell that something was created, changed or deleted."""
    return before is not None or after is not None


def created(before: Json | None, after: Json | None) -> bool:
    """Tell that something is there that was not."""
    return before is None and after is not None


def changed(before: Json | None, _after: Json | None) -> bool:
    """Tell that something that was there is different, or gone."""
    return before is not None


def sending_changed(before: Json | None, after: Json | None) -> bool:
    """Tell that the sending of a document goes on; alerts about gaps tell of themselves."""
    kinds = (after or before or {}).get("category", ())
    codings = (coding for one in kinds for coding in one.get("coding", ()))
    return any(coding.get("system") == SENDING for coding in codings)


def stay_started(before: Json | None, after: Json | None) -> bool:
    """Tell that a stay starts, or that its start is taken back (PAM A01, A11)."""
    return _is_stay(before, after) and _started(before) != _started(after)


def stay_ended(before: Json | None, after: Json | None) -> bool:
    """Tell that a stay ends, or that its end is taken back (PAM A03, A13)."""
    return _is_stay(before, after) and _ended(before) != _ended(after)


def stay_moved(before: Json | None, after: Json | None) -> bool:
    """Tell that the patient of a running stay is in another place (PAM A02, A12)."""
    if not _is_stay(before, after) or before is None or after is None:
        return False
    was, is_ = _places(before), _places(after)
    return bool(was and is_) and was != is_


def document_received(before: Json | None, after: Json | None) -> bool:
    """Tell that a document is there to be read."""
    return not _is_current(before) and _is_current(after)


def discharge_letter_received(before: Json | None, after: Json | None) -> bool:
    """Tell that a letter about a discharge is there to be read."""
    if after is None or not document_received(before, after):
        return False
    codings = after.get("type", {}).get("coding", ())
    return any(one.get("code") in DISCHARGE_LETTERS for one in codings)


def document_replaced(before: Json | None, after: Json | None) -> bool:
    """Tell that a document does not count any more: replaced, withdrawn, deleted."""
    return _is_current(before) and not _is_current(after)


def patient_merged(before: Json | None, after: Json | None) -> bool:
    """Tell that a record gives way to another, or does so no more (PAM A40, A37)."""
    return _replaced_by(before) != _replaced_by(after)


def appointment_missed(before: Json | None, after: Json | None) -> bool:
    """Tell that a patient did not come, or that this is taken back."""
    return _missed(before) != _missed(after)


def _is_stay(before: Json | None, after: Json | None) -> bool:
    """Tell a stay from one of its movements, which are part of it."""
    return all("partOf" not in one for one in (before, after) if one is not None)


def _started(encounter: Json | None) -> bool:
    return encounter is not None and encounter.get("status") in _STARTED


def _ended(encounter: Json | None) -> bool:
    return encounter is not None and encounter.get("status") == "finished"


def _places(encounter: Json) -> frozenset[str]:
    return frozenset(
        str(one["location"].get("reference", ""))
        for one in encounter.get("location", ())
        if one.get("status") == "active"
    )


def _is_current(document: Json | None) -> bool:
    return document is not None and document.get("status") == "current"


def _replaced_by(patient: Json | None) -> frozenset[str]:
    return frozenset(
        str(one["other"].get("reference", ""))
        for one in (patient or {}).get("link", ())
        if one.get("type") == "replaced-by"
    )


def _missed(appointment: Json | None) -> bool:
    return appointment is not None and appointment.get("status") == "noshow"
