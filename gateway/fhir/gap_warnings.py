"""A gap that may come, as FHIR: a DetectedIssue without Task, before and after its window.

The window begins `lead` before the deadline. What opens is a gap like any other (`fhir.gaps`);
what ends without ever opening is told here. Gap status: Da Vinci DEQM 3.0, `prospective-gap`.
"""

from datetime import timedelta

from gateway.core.contributions import Json
from gateway.core.facts import Status
from gateway.core.timestamps import utc_seconds
from gateway.fhir import gap_words as words
from gateway.fhir import gaps
from gateway.fhir.gaps import GAP_STATUS, GAP_STATUSES, TASK, GapView
from gateway.fhir.identity import Ids

_WAITING = frozenset({Status.PENDING, Status.PAUSED})


def is_warning(issue: Json | None) -> bool:
    """Tell whether a DetectedIssue warns of a gap to come."""
    return issue is not None and issue["status"] == "preliminary"


def was_opened(issue: Json | None) -> bool:
    """Tell whether a DetectedIssue was ever more than a warning: then it has a Task."""
    return issue is not None and bool(gaps.task_reference(issue))


def warning(view: GapView, ids: Ids, before: Json | None, lead: timedelta) -> Json:
    """Return the DetectedIssue of an expectation that was never missed.

    Args:
        view: the expectation.
        ids: computed ids of the installation.
        before: the current DetectedIssue; None at the first warning.
        lead: how long before the deadline the window begins.
    """
    made = gaps.detected_issue(view, ids, before, None)
    made["extension"] = [one for one in made["extension"] if one["url"] != TASK]
    status = view.row.status
    if status is Status.MET:
        made["mitigation"] = [{"action": words.mitigation("in-time"), "date": utc_seconds(view.at)}]
    if status not in _WAITING:
        return made
    made.pop("mitigation", None)
    deadline = view.row.deadline
    if status is Status.PENDING and deadline is not None and deadline - lead <= view.at:
        return _of(made, "preliminary", "prospective-gap")
    # A correction moved the deadline: nobody need be warned any more, or not yet.
    return _of(made, "cancelled", "not-applicable")


def _of(issue: Json, status: str, gap_status: str) -> Json:
    concept = words.concept(GAP_STATUSES, gap_status)
    modifier = [{"url": GAP_STATUS, "valueCodeableConcept": concept}]
    return {**issue, "modifierExtension": modifier, "status": status}
