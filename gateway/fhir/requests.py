"""The fold of a request: its elements are merged like any other's, its status is weighed.

What is finished stays finished: a status that arrives late, or is sent again, does not reopen an
order that was completed or revoked. What a message asks of the other side (a cancellation) counts
until the other side says that it cannot be done. So the status is a function of everything that
was said, in the order of the source, and not of the last word alone.
Standard: HL7 v2.5 4.5.1 (ORC-1, table 0119; ORC-5, table 0038), 11.6.1 (RF1-1, table 0283).
"""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.core.contributions import Claim, Contribution, Json, Target
from gateway.core.systems import FHIR_BASE
from gateway.fhir.fold import merge
from gateway.fhir.order_numbers import claims_of

#: What a message said of an order in the words of its own tables; the fold reads it.
CONTROL = f"{FHIR_BASE}/StructureDefinition/order-control"
STATUS_REASON = "http://hl7.org/fhir/StructureDefinition/request-statusReason"
CONTROL_TABLE = "http://terminology.hl7.org/CodeSystem/v2-0119"
STATUS_TABLE = "http://terminology.hl7.org/CodeSystem/v2-0038"
RESULT_TABLE = "http://terminology.hl7.org/CodeSystem/v2-0123"
EVENT_TABLE = "http://terminology.hl7.org/CodeSystem/v2-0003"
REFERRAL_TABLE = "http://terminology.hl7.org/CodeSystem/v2-0283"

_FINAL = frozenset({"completed", "revoked"})
_NEEDS_REASON = frozenset({"revoked", "on-hold", "entered-in-error"})
#: Control codes that change or number an order and say nothing of its status.
_SILENT = frozenset({"XO", "XR", "XX", "NA", "SN", "RE", "SC", "PA", "CH", "UC", "UD", "UX"})
#: A cancellation or discontinuation that is asked for, and the answer that it cannot be done.
_ASKING = frozenset({"CA", "DC"})
_UNABLE = frozenset({"UC", "UD"})

#: Words that only take an order or a referral back.
_TAKING_BACK = frozenset({"CA", "OC", "CR", "DC", "OD", "DR", "DF"})
_CANCELLED_ORDERS = frozenset({"CA", "DC"})
_CANCELLED_REFERRAL = "I14"

_WITHOUT_STATUS, _UNSAID, _SAID, _ENDED, _IN_ERROR = range(5)


class _Word(NamedTuple):
    """One statement about the status.

    Attributes:
        rank: the highest wins; between equals the later one.
        order: place in the order of the source.
        status: FHIR request status.
        is_asked: a cancellation the other side may still refuse.
    """

    rank: int
    order: int
    status: str
    is_asked: bool


def is_withdrawal(request: Json) -> bool:
    """Tell whether a word about a request only takes it back.

    Spec: HL7 v2.5 4.5.1.1 (ORC-1 CA, OC, DC, OD), 4.5.1.5 (ORC-5 CA, DC), 11.5 (I14).
    """
    codes = _codes(request)
    if codes.get(EVENT_TABLE) == _CANCELLED_REFERRAL:
        return True
    said = codes.get(STATUS_TABLE)
    return said in _CANCELLED_ORDERS if said else codes.get(CONTROL_TABLE) in _TAKING_BACK


class RequestFold:
    """The fold of ServiceRequest."""

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim the numbers of the filler: what is said under one alone belongs here."""
        return claims_of(target, parts)

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Merge per element, then weigh the status."""
        merged = merge(target, parts)
        if merged is None:
            return []
        ordered = sorted(parts, key=lambda part: (part.version, part.ordinal))
        status = _status(ordered)
        if status:
            merged["status"] = status
        extensions = [e for e in merged.get("extension", ()) if e.get("url") != STATUS_REASON]
        extensions += _reason(ordered, merged.get("status", ""))
        if extensions:
            merged["extension"] = extensions
        else:
            merged.pop("extension", None)
        return [merged]


def _status(parts: Sequence[Contribution]) -> str:
    words: list[_Word] = []
    for order, part in enumerate(parts):
        status = part.resource.get("status")
        if status is None:
            continue
        codes = _codes(part.resource)
        if codes.get(CONTROL_TABLE) in _UNABLE:
            words = [word for word in words if not word.is_asked]
        asked = codes.get(CONTROL_TABLE) in _ASKING and STATUS_TABLE not in codes
        words.append(_Word(_rank(status, codes), order, status, asked))
    return max(words).status if words else ""


def _rank(status: str, codes: dict[str, str]) -> int:
    if status == "unknown":
        return _WITHOUT_STATUS
    # A plan in a document, and the answer to a referral, are what they were last said to be.
    if not codes or REFERRAL_TABLE in codes:
        return _SAID
    if status == "entered-in-error":
        return _IN_ERROR
    if status in _FINAL:
        return _ENDED
    is_said = STATUS_TABLE in codes or RESULT_TABLE in codes
    silent = codes.get(CONTROL_TABLE) in _SILENT and not is_said
    return _UNSAID if silent else _SAID


def _codes(resource: Json) -> dict[str, str]:
    """Return what a contribution said in tables of HL7 v2: code by table."""
    said = (item for item in resource.get("extension", ()) if item.get("url") == CONTROL)
    return {
        coding["system"]: coding["code"]
        for item in said
        for coding in item["valueCodeableConcept"]["coding"]
    }


def _reason(parts: Sequence[Contribution], status: str) -> list[Json]:
    """Return why a request stopped or waits: the last reason given with the status it has."""
    if status not in _NEEDS_REASON:
        return []
    said = [
        item
        for part in parts
        if part.resource.get("status") == status
        for item in part.resource.get("extension", ())
        if item.get("url") == STATUS_REASON
    ]
    return said[-1:]
