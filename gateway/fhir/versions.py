"""What the latest version of a document no longer says.

A version of a document speaks for all versions before it: what it plans no more is revoked, what
it no longer records is marked, and the versions before it are superseded. Nobody needs to know
what a version before said: each resource made of a document claims the document, each
DocumentReference claims which version it is, and the fold compares. So any order of arrival gives
the same. Standard: CDA R2 4.2.1.7 to 4.2.1.9 (setId, versionNumber), relatedDocument RPLC; IHE
ITI XDS RPLC.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.core.contributions import Claim, Contribution, Json, Target, Version
from gateway.core.systems import FHIR_BASE
from gateway.fhir.fold import ElementFold, Fold, merge

#: Kind of the claims; their value is patient and setId.
KIND = "document-set"
#: Tag of a record that the latest version of its document does not repeat.
TAG: Json = {"system": f"{FHIR_BASE}/CodeSystem/data-quality", "code": "not-in-latest-version"}

_DOCUMENT = "DocumentReference"
_CODE_SYSTEMS = "http://terminology.hl7.org/CodeSystem/"
#: What becomes of a version: it counts, it was replaced, it should never have been.
_OPEN, _CLOSED, _WITHDRAWN = "open", "closed", "withdrawn"
_IN_ERROR = "entered-in-error"


class _Ending(NamedTuple):
    """How a planned thing ends when it is planned no more.

    Attributes:
        element: holds its status.
        status: of what is dropped.
        kept: what has come to an end already stays as it ended.
    """

    element: str
    status: str
    kept: frozenset[str]


#: Status of what was planned and is dropped, by type.
PLANNED = {
    "ServiceRequest": _Ending("status", "revoked", frozenset({"completed", "entered-in-error"})),
    "DeviceRequest": _Ending("status", "revoked", frozenset({"completed", "entered-in-error"})),
    "MedicationRequest": _Ending(
        "status", "cancelled", frozenset({"completed", "stopped", "entered-in-error"})
    ),
    "Appointment": _Ending(
        "status", "cancelled", frozenset({"fulfilled", "noshow", "entered-in-error"})
    ),
    "Goal": _Ending(
        "lifecycleStatus", "cancelled", frozenset({"completed", "rejected", "entered-in-error"})
    ),
    "CarePlan": _Ending("status", "revoked", frozenset({"entered-in-error"})),
}
#: What was done or is true does not cease to be so when a version leaves it out.
RECORDED = frozenset(
    {
        "AllergyIntolerance", "CareTeam", "Condition", "Consent", "Coverage", "Device",
        "DeviceUseStatement", "DiagnosticReport", "FamilyMemberHistory", "Flag", "Immunization",
        "Medication", "MedicationStatement", "Observation", "Procedure", "Specimen",
    }
)  # fmt: skip
#: A problem or an allergy is in error by how certain it is, and then has no clinical status
#: (FHIR R4 con-5, ait-2).
_VERIFIED = {
    "AllergyIntolerance": "allergyintolerance-verification",
    "Condition": "condition-ver-status",
}
#: Types whose contributions name their document.
VERSIONED = frozenset({_DOCUMENT, *PLANNED, *RECORDED})


def is_inside(document: Json) -> bool:
    """Tell whether a DocumentReference is a file inside another document: it has no number."""
    return "masterIdentifier" not in document and "relatesTo" in document


class DocumentFold:
    """The fold of DocumentReference: a version before the latest one is superseded.

    So is a file that the latest version embeds no more; that of a withdrawn version is in error.
    """

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim which version of its document it is, and whether that still counts."""
        own = _of_documents(parts)
        state = _state_of(parts)
        return tuple(
            Claim(KIND, document, target, f"{latest}|{state}")
            for document, latest in sorted(own.items())
        )

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Merge per element; a later version of the same document supersedes this one."""
        merged = merge(target, parts)
        if merged is None:
            return []
        if merged.get("status") == "current":
            end = _end_of(_of_documents(parts), (*rivals, *self.claims(target, parts)))
            if end:
                merged["status"] = _IN_ERROR if end == _WITHDRAWN else "superseded"
        return [merged]


class VersionedFold:
    """A fold whose resources end when the latest version of their document leaves them out."""

    def __init__(self, inner: Fold | None = None) -> None:
        self._inner = inner or ElementFold()

    def claims(self, target: Target, parts: Sequence[Contribution]) -> tuple[Claim, ...]:
        """Claim the document it comes from, beside what the inner fold claims."""
        own = tuple(Claim(KIND, document, target, "") for document in sorted(_of_documents(parts)))
        return (*self._inner.claims(target, parts), *own)

    def resources(
        self, target: Target, parts: Sequence[Contribution], rivals: Sequence[Claim]
    ) -> list[Json]:
        """Fold the latest version as the inner fold does, then end or mark what is dropped."""
        made = self._inner.resources(target, speaking(parts), rivals)
        # What something else than a document says as well is never dropped.
        alone = all(part.document or part.annotates for part in parts)
        end = _end_of(_of_documents(parts), rivals) if alone else ""
        if end:
            return [_in_error(one) if end == _WITHDRAWN else _dropped(one) for one in made]
        return made


def _state_of(parts: Iterable[Contribution]) -> str:
    said = {part.resource.get("status") for part in parts}
    if _IN_ERROR in said:
        return _WITHDRAWN
    return _CLOSED if "superseded" in said else _OPEN


def _order(version: Version) -> str:
    """Return a text that sorts versions of one document: number first, then time.

    Spec: CDA R2 4.2.1.8: versionNumber tells the versions of a set apart.
    """
    return f"{version.rank:06d}|{version.key().partition('|')[0]}"


def _of_documents(parts: Iterable[Contribution]) -> dict[str, str]:
    """Return the documents that speak, each with its latest version that does."""
    found: dict[str, str] = {}
    for part in parts:
        if part.document:
            found[part.document] = max(found.get(part.document, ""), _order(part.version))
    return found


def speaking(parts: Sequence[Contribution]) -> Sequence[Contribution]:
    """Return the parts that count: of a document what its latest version says, as a whole.

    A line that a version says without a date has no date any more. A word on what other versions
    made says nothing about the rest.
    """
    if len(parts) < 2:
        return parts
    latest = _of_documents(part for part in parts if not part.annotates)
    return [
        part
        for part in parts
        if part.annotates or not part.document or _order(part.version) == latest[part.document]
    ]


def _end_of(said: Mapping[str, str], rivals: Iterable[Claim]) -> str:
    """Return how what these documents said has ended; empty while one of them still says it.

    A document has ceased to when a version after the one that said it exists, or when that one
    counts no more. What nobody said but versions that were withdrawn was never to be said.
    Some senders replace a letter by one with the same number and the same time: the one that is
    open speaks.
    """
    lasting, in_error = dict(said), dict(said)
    same: dict[str, set[str]] = {}
    for rival in rivals:
        latest = said.get(rival.value, "") if rival.kind == KIND else ""
        if latest and rival.target.type == _DOCUMENT:
            version, _, state = rival.content.rpartition("|")
            if version > latest:
                lasting.pop(rival.value, None)
            elif version == latest:
                same.setdefault(rival.value, set()).add(state)
    for document, states in same.items():
        if _OPEN not in states:
            lasting.pop(document, None)
            if states == {_WITHDRAWN}:
                in_error.pop(document, None)
    if lasting or not said:
        return ""
    return _CLOSED if in_error else _WITHDRAWN


def _dropped(resource: Json) -> Json:
    ending = PLANNED.get(resource["resourceType"])
    if ending is not None:
        status = resource.get(ending.element)
        return resource if status in ending.kept else {**resource, ending.element: ending.status}
    meta = resource.get("meta", {})
    return {**resource, "meta": {**meta, "tag": [*meta.get("tag", ()), TAG]}}


def _in_error(resource: Json) -> Json:
    """Say of a resource that it should never have been; nobody is to act on it.

    Spec: FHIR R4, `entered-in-error` of each status.
    """
    type_ = resource["resourceType"]
    system = _VERIFIED.get(type_)
    if system is None:
        ending = PLANNED.get(type_)
        return {**resource, ending.element if ending else "status": _IN_ERROR}
    told = {name: value for name, value in resource.items() if name != "clinicalStatus"}
    coding = {"system": f"{_CODE_SYSTEMS}{system}", "code": _IN_ERROR}
    return {**told, "verificationStatus": {"coding": [coding]}}
