"""Flux 3 of the French volet Notification d'événements: an event that somebody declares, read.

Judges a CommunicationRequest by the profile nde-eventdeclaration and says what it declares; whose
stay it is and who may declare is decided in `pipeline.declared_events`. Guide: ANS, Notification
d'événements 3.0.0; types of events: JDV_J46 of 2022-06-24 over TRE_R254. The guide also has its
invariant event-subject (`subject` xor `about`); as `subject` is required, `about` is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.contributions import Json
from gateway.core.errors import RejectedError
from gateway.core.facts import Span
from gateway.core.issues import Issue
from gateway.fhir import nde_faults as faults
from gateway.fhir import shape
from gateway.fhir.moments import moment
from gateway.fhir.nde import EVENTS, GUIDE, TYPES

PROFILE = f"{GUIDE}/nde-eventdeclaration"
#: JDV_J46-TypeEvenementNotification-CISIS, OID 1.2.250.1.213.1.1.5.101, version 20220624120000.
JDV_J46 = frozenset(
    [
        *("ADM", "AUT", "CDM", "DEM", "DEL", "DOC", "ECH", "ESD", "NCO", "NOT", "PER", "POS"),
        *("REA", "REC", "REP", "SDM", "SOR", "SSD", "TRA"),
    ]
)
#: R4 request-status: the event took place (`active` is the default of the guide), or never did.
_TOOK_PLACE = frozenset({"active", "completed"})
_TAKEN_BACK = frozenset({"entered-in-error", "revoked"})


@dataclass(frozen=True, slots=True)
class Declared:
    """What somebody declares.

    Attributes:
        event: code of TRE_R254 that is followed here: ADM, SOR or DOC.
        at: when it happened, FHIR dateTime as sent.
        when: the same as instants, UTC; a day where only the day is said.
        patient: contained Patient, with an identifier.
        requester: contained Organization or Practitioner that declares.
        visit: system and number of the stay; both empty where it is not named.
        payload: what is said of it, `contentString` or `contentAttachment`.
        number: `system|value` of the declaration, empty where it has none.
        is_withdrawn: it never took place.
    """

    event: str
    at: str
    when: Span
    patient: Json
    requester: Json
    visit: tuple[str, str]
    payload: Json
    number: str
    is_withdrawn: bool

    @property
    def identifiers(self) -> tuple[tuple[str, str], ...]:
        """Return the numbers of the person, system and value."""
        return tuple(_numbers(self.patient))


def read_declaration(resource: Json) -> Declared:
    """Return what a CommunicationRequest of flux 3 declares.

    Raises:
        RejectedError: its shape is wrong (issues of `fhir.shape`), it is not of the profile
            (RLS-FHR-275), or of a type of event that is unknown or not taken (RLS-FHR-276, 277);
            one issue per fault.
    """
    found = [issue for issue in shape.check(resource) if issue.severity.refuses]
    if found:
        # What has no shape cannot be looked into.
        raise RejectedError(found)
    concept = _extension(resource, "event-type", "valueCodeableConcept")
    at = str(_extension(resource, "event-time", "valueDateTime") or "")
    codes = [
        str(one.get("code"))
        for one in (concept or {}).get("coding", ())
        if one.get("system") == TYPES
    ]
    patient = _contained(resource, "subject", ("Patient",))
    requester = _contained(resource, "requester", ("Organization", "Practitioner"))
    payload = resource.get("payload", ())
    when = moment(at)
    found = [*_misses(resource, patient, requester, payload), *_of_type(concept, codes)]
    if when is None:
        found.append(faults.not_declared("extension(event-time)", "it is not there once"))
    if found or when is None:
        raise RejectedError(found)
    visit = resource.get("encounter", {}).get("identifier", {})
    return Declared(
        event=codes[0],
        at=at,
        when=when,
        patient=patient,
        requester=requester,
        visit=(str(visit.get("system", "")), str(visit.get("value", ""))),
        payload=payload[0],
        number=next((f"{system}|{value}" for system, value in _numbers(resource)), ""),
        is_withdrawn=resource["status"] in _TAKEN_BACK,
    )


def _misses(
    resource: Json, patient: Json, requester: Json, payload: Sequence[Json]
) -> Iterator[Issue]:
    """Yield what the profile asks for and is not there, or is there and must not be."""
    if resource.get("status") not in _TOOK_PLACE | _TAKEN_BACK:
        yield faults.not_declared("status", "it is none of active, completed, entered-in-error")
    if not patient:
        yield faults.not_declared("subject", "it points to no contained Patient")
    elif not any(_numbers(patient)):
        yield faults.not_declared("subject", "the Patient has no identifier with a system")
    if not requester:
        yield faults.not_declared(
            "requester", "it points to no contained Organization or Practitioner"
        )
    if resource.get("about"):
        yield faults.not_declared("about", "it stands beside subject (event-subject)")
    if len(payload) != 1:
        yield faults.not_declared("payload", "it is not there once")
    elif not {"contentString", "contentAttachment"} & payload[0].keys():
        yield faults.not_declared("payload", "it is no text and no attachment")


def _of_type(concept: Any, codes: Sequence[str]) -> Iterator[Issue]:
    if concept is None:
        yield faults.not_declared("extension(event-type)", "it is not there once")
    elif len(codes) != 1 or codes[0] not in JDV_J46:
        yield faults.no_such_event()
    elif codes[0] not in EVENTS:
        yield faults.event_not_taken(sorted(EVENTS))


def _extension(resource: Json, name: str, value: str) -> Any:
    url = f"{GUIDE}/{name}"
    found = [one.get(value) for one in resource.get("extension", ()) if one.get("url") == url]
    return found[0] if len(found) == 1 else None


def _contained(resource: Json, element: str, types: Sequence[str]) -> Json:
    """Return the contained resource an element points to; empty when there is none of the types."""
    reference = str(resource.get(element, {}).get("reference", ""))
    held: Sequence[Json] = resource.get("contained", ())
    return next(
        (
            one
            for one in held
            if reference == f"#{one.get('id')}" and one.get("resourceType") in types
        ),
        {},
    )


def _numbers(resource: Json) -> Iterator[tuple[str, str]]:
    for one in resource.get("identifier", ()):
        if one.get("system") and one.get("value"):
            yield str(one["system"]), str(one["value"])
