"""What a withdrawn document says: that it does not count, and nothing else.

Does not decide whether it may be withdrawn (`pipeline.documents`).
"""

from dataclasses import replace
from hashlib import sha256

from gateway.core.contributions import Contribution, Mapped
from gateway.core.events import document_of
from gateway.core.facts import Assertion, Op

#: FHIR R4 DocumentReference.status of a document that should never have been.
STATUS = "entered-in-error"
#: What a document is, beside what it tells of the patient.
_ITSELF = frozenset({"DocumentReference", "Composition"})


def withdrawal(mapped: Mapped) -> Mapped:
    """Turn what a document says into what its withdrawal says.

    Only its own DocumentReference and Composition are spoken about, and only its own version of
    each fact is taken back: a later version of the same document keeps what it says, whichever
    comes first.

    Args:
        mapped: what the document gives when it is added.

    Spec: CI-SIS volet on CDA documents in HL7 v2, MDM T04 and OBX-11 D.
    """
    contributions = [
        _in_error(part)
        for part in mapped.contributions
        if part.target.type in _ITSELF and not part.annotates
    ]
    names = {f"{part.target.type}/{part.target.id}" for part in contributions}
    return Mapped(
        contributions=contributions,
        flags=mapped.flags,
        trace=[
            line
            for line in mapped.trace
            if line.resource in names and line.target in ("id", "status")
        ],
        issues=mapped.issues,
        assertions=[_taken_back(one) for one in mapped.assertions if _is_own(one)],
    )


def _in_error(part: Contribution) -> Contribution:
    resource = {
        "resourceType": part.target.type,
        "id": part.target.id,
        "status": STATUS,
    }
    return replace(part, resource=resource, removals=(), annotates=True)


def _is_own(one: Assertion) -> bool:
    """Tell whether a fact stands on this document alone, not on what others say as well."""
    is_document = one.event.startswith(("DOC.", "DOCV."))
    return one.op is Op.ASSERT and (is_document or bool(document_of(one.event, one.attributes)))


def _taken_back(one: Assertion) -> Assertion:
    aid = sha256(f"{one.aid}|withdrawn".encode()).hexdigest()
    return replace(one, aid=aid, op=Op.RETRACT, attributes={})
