"""Whom a gap is about: a Patient, or a feed, which is nobody and has no handoff."""

from gateway.core.contributions import Json
from gateway.core.facts import ExpectationRow, feed_of


def patient_of(row: ExpectationRow) -> str:
    """Return `Patient/id` of whom a gap is about; empty when it is about a feed."""
    return "" if feed_of(row.patient.id) else f"Patient/{row.patient.id}"


def about(name: str, holder_id: str) -> Json:
    """Return the element that names the Patient; nothing for a feed."""
    return {} if feed_of(holder_id) else {name: {"reference": f"Patient/{holder_id}"}}


def claims(profile: str, row: ExpectationRow) -> Json:
    """Return the profile a resource claims; what is about a feed is no handoff of anybody."""
    return {} if feed_of(row.patient.id) else {"meta": {"profile": [profile]}}
