"""Refuse what a document request may not do, by what is stored: versions, authors, identities.

Runs inside the transaction that would store the input, so that two requests of one commit are
judged one after the other. What was accepted once stays accepted when it is replayed; what was
refused is judged anew (`pipeline.replay`). CI-SIS volet on CDA documents in HL7 v2, codes 900 to
906 of HL7 table 0533.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.cda.identity import differing
from gateway.cda.identity import labels as trait_labels
from gateway.core.contributions import Json, Target
from gateway.core.envelope import INS_ROOTS
from gateway.core.issues import Issue
from gateway.core.messages import InboxStatus
from gateway.core.ports import Transaction
from gateway.fhir.versions import is_inside
from gateway.hl7v2 import document_refusals, envelope
from gateway.hl7v2.convert.patient import is_vouched
from gateway.hl7v2.document_refusals import newer_version
from gateway.hl7v2.envelope import Request
from gateway.hl7v2.keys import nodes, traits
from gateway.hl7v2.message import Message
from gateway.pipeline import written
from gateway.pipeline.authors import may_change
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.withdrawn import STATUS

_KINDS = frozenset({"MDM", "ORU"})
_DOCUMENT = "DocumentReference"
_SEXES = {"male": "M", "female": "F"}
#: The version that is replaced is not known: kept, linked when it comes.
FLAG_PARENT_UNKNOWN = "parent-unknown"


def asked(item: Prepared) -> set[Target]:
    """Return the documents an input speaks of, when it is a request about documents."""
    if _message(item) is None:
        return set()
    return {part.target for part in item.contributions if part.target.type in (_DOCUMENT,)}


def judged(tx: Transaction, item: Prepared) -> Prepared:
    """Return an input as it may be stored: unchanged, or set aside with the reason.

    Args:
        tx: sees everything that was stored before.
        item: converted.
    """
    message = _message(item)
    if message is None:
        return item
    judge = _Judge(tx, item, message)
    issue = next(judge.refusals(), None)
    if issue is not None:
        return replace(
            item,
            status=InboxStatus.QUARANTINED,
            contributions=(),
            assertions=(),
            location="",
            issues=(issue,),
        )
    return replace(item, flags=(*item.flags, FLAG_PARENT_UNKNOWN)) if judge.lacks_parent else item


def _message(item: Prepared) -> Message | None:
    message = item.opened.parsed
    if item.status is not InboxStatus.CONVERTED or not isinstance(message, Message):
        return None
    return message if message.message_type in _KINDS else None


class _Judge:
    """One request beside what is stored."""

    def __init__(self, tx: Transaction, item: Prepared, message: Message) -> None:
        self._tx = tx
        self._item = item
        self._message = message
        self._request = envelope.request(message)
        # What stands inside a document has no identity that could be judged.
        documents = [
            part
            for part in item.contributions
            if part.target.type == _DOCUMENT and not is_inside(part.resource)
        ]
        self._own = {
            part.target
            for part in documents
            if not part.annotates or part.resource.get("status") == STATUS
        }
        self._parents = {part.target for part in documents} - self._own
        self._new = {part.target: part.resource for part in documents if not part.annotates}
        self._keeps_content = envelope.flags(message).get("MODIF_CONF_CODE", False)
        named = self._own if self._request is Request.DELETE else self._parents
        self._named = sorted(named)
        self._stored = self._current(sorted(self._own | self._parents))

    @property
    def lacks_parent(self) -> bool:
        """Tell whether a replaced document is not known."""
        is_known = all(target in self._stored for target in self._parents)
        return self._request is Request.REPLACE and bool(self._parents) and not is_known

    def refusals(self) -> Iterator[Issue]:
        """Say why the request is refused; the first reason counts."""
        yield from self._versions()
        yield from self._content()
        yield from self._authors()
        yield from self._patient()

    def _current(self, targets: Sequence[Target]) -> dict[Target, Json]:
        found = self._tx.resources.current([(t.type, t.id) for t in targets]) if targets else {}
        read = {Target(*key): written.read(stored) for key, stored in found.items()}
        return {target: resource for target, resource in read.items() if resource}

    def _versions(self) -> Iterator[Issue]:
        """Only the latest version is replaced or withdrawn; an unknown one is no error.

        Spec: CI-SIS volet, 900.
        """
        message = self._message
        parent = envelope.parent_id(message)
        if self._request is Request.REPLACE and parent == envelope.document_id(message) != "":
            if not self._keeps_content:
                yield document_refusals.replaces_itself()
            return
        for target in self._named:
            if self._replaced_by(target) - self._own:
                yield newer_version("TXA-12" if self._request is Request.DELETE else "TXA-13")

    def _replaced_by(self, target: Target) -> set[Target]:
        """Return the documents that inputs so far put in the place of one."""
        ids = self._tx.contributions.inbox_ids(target)
        made = self._tx.contributions.made_by(ids)
        return {
            other
            for targets in made.values()
            if target not in targets
            for other in targets
            if other.type == _DOCUMENT
        }

    def _content(self) -> Iterator[Issue]:
        """Refuse two contents under one identifier.

        Spec: IHE ITI TF-3 4.2.3.2.26 (uniqueId names one content).
        """
        if self._keeps_content:
            return
        for target, resource in self._new.items():
            known, sent = _hashes(self._stored.get(target)), _hashes(resource)
            if known and sent and known[0] != sent[0]:
                yield document_refusals.other_document_of_same_id()

    def _authors(self) -> Iterator[Issue]:
        """Let the author, or the structure of the author, replace and withdraw.

        Spec: CI-SIS volet, 901.
        """
        if self._request is Request.ADD:
            return
        for target in self._named:
            original = self._stored.get(target)
            if original and not may_change(self._tx, self._message, target, original):
                yield document_refusals.not_the_author()

    def _patient(self) -> Iterator[Issue]:
        """Compare with the identity that is stored.

        Spec: CI-SIS volet, 902 and 904; PAM France 2.11 6.6.15 (only a validated INS is one).
        """
        target = next(
            (part.target for part in self._item.contributions if part.target.type == "Patient"),
            None,
        )
        known = self._current([target]).get(target) if target is not None else None
        if known is None:
            if not self._item.opened.site.is_lenient:
                yield document_refusals.unknown_patient()
            return
        sent = _trusted_ins(self._message)
        shown = {one["system"]: one["value"] for one in _ins(known)}
        common = sent.keys() & shown.keys()
        if any(sent[system] != shown[system] for system in common):
            yield document_refusals.other_ins_stored()
        elif common:
            different = differing(dict(traits(self._message)), _traits(known))
            if different:
                yield document_refusals.other_traits_stored(trait_labels(different))


def _hashes(resource: Json | None) -> list[str]:
    content = (resource or {}).get("content", ())
    found = [one.get("attachment", {}).get("hash", "") for one in content]
    return [one for one in found if one]


def _ins(patient: Json) -> list[Json]:
    systems = {f"urn:oid:{root}" for root in INS_ROOTS}
    return [
        one
        for one in patient.get("identifier", ())
        if one.get("system") in systems and one.get("value")
    ]


def _trusted_ins(message: Message) -> dict[str, str]:
    """Return the INS of a message by system; none unless its identity is validated."""
    if not is_vouched({node.text() for node in nodes(message, "PID", 32)}):
        return {}
    return {
        f"urn:oid:{node.component(4, 2)}": node.component(1)
        for node in nodes(message, "PID", 3)
        if node.component(5) == "INS" and node.component(4, 2) in INS_ROOTS
    }


def _traits(patient: Json) -> dict[str, str]:
    """Return the strict traits that a Patient shows, in the names of the envelope."""
    official: Json = next((n for n in patient.get("name", ()) if n.get("use") == "official"), {})
    found = {
        "family": official.get("family", ""),
        "given": " ".join(official.get("given", ())),
        "birth_date": patient.get("birthDate", "").replace("-", ""),
        "gender": _SEXES.get(patient.get("gender", ""), ""),
    }
    return {name: value for name, value in found.items() if value}
