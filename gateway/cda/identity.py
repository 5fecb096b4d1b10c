"""Whose document it is: the patient's key, and agreement with the message around it.

Does not decide whether an INS is shown in the end (`fhir.patient`). RNIV: the strict traits;
INS interoperability framework; CI-SIS volet Transmission d'un document CDA-R2 en HL7v2.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.cda import faults
from gateway.cda.reader import Document, Node
from gateway.core.contributions import Target
from gateway.core.envelope import INS_ROOTS, TEST_ROOTS, Envelope
from gateway.core.errors import RejectedError
from gateway.core.identity import ins_key_is_right
from gateway.core.issues import Issue
from gateway.fhir.identity import Ids
from gateway.mapping.sites import Site

_ROLE = "cda:recordTarget/cda:patientRole"
#: National numbers are no local ones: INS-C, NSS and whatever else stands beside the INS.
_NATIONAL = "1.2.250.1.213.1.4."
_LABELS = {
    "family": "birth name",
    "given": "given name",
    "birth_date": "birth date",
    "gender": "sex",
    "birth_place": "birth place",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a document is about.

    Attributes:
        patient: the Patient.
        matricules: (root, extension) of each INS that may be written; none unless vouched for.
        ipp_system: identifier system of each local root.
        issues: what was left out.
    """

    patient: Target
    matricules: frozenset[tuple[str, str]]
    ipp_system: Mapping[str, str]
    issues: tuple[Issue, ...] = ()


def identifiers(document: Document) -> tuple[tuple[str, str], ...]:
    """Return (root, extension) of the patient, those with both only."""
    return tuple(
        (node.get("root"), node.get("extension"))
        for node in document.select(f"{_ROLE}/cda:id")
        if node.get("root") and node.get("extension")
    )


def identify(
    document: Document, site: Site, ids: Ids, envelope: Envelope | None, *, test_ins: bool
) -> Identity:
    """Find the patient of a document.

    With a message around it the document must be about the patient of the message. Alone, the IPP
    is the key; an INS is one only where the site trusts its documents. One with a wrong control
    key is left out wherever it stands.

    Raises:
        RejectedError: nobody, or somebody else (RLS-CDA-012 to 016).
    """
    said = identifiers(document)
    place = document.select(_ROLE)[0].place if document.select(_ROLE) else document.place
    if not said:
        raise RejectedError([faults.no_patient_key(place)])
    systems = {
        root: site.domain("ipp", universal_id=root)
        for root, _ in said
        if not root.startswith(_NATIONAL)
    }
    wrong = [item for item in said if item[0] in INS_ROOTS and not ins_key_is_right(item[1])]
    issues = (faults.wrong_ins_key(place),) if wrong else ()
    usable = [
        item
        for item in said
        if item[0] in INS_ROOTS and _is_accepted(item[0], test_ins) and item not in wrong
    ]
    if envelope is not None and envelope.patient is not None:
        _compare(document, site, said, envelope, place)
        if envelope.needs_ins:
            _require_ins(document, said, place)
        vouched = envelope.ins_vouched and _shares_ins(usable, envelope)
        return Identity(envelope.patient, frozenset(usable if vouched else ()), systems, issues)
    trusted = site.ins_from_cda == "trusted"
    matricules = frozenset(usable if trusted else ())
    for root, value in said:
        if root in systems:
            patient = Target("Patient", ids.patient(systems[root], value))
            return Identity(patient, matricules, systems, issues)
    if not usable or not trusted:
        raise RejectedError([faults.untrusted_ins_alone(place), *issues])
    root, value = usable[0]
    patient = Target("Patient", ids.patient(f"urn:oid:{root}", value))
    return Identity(patient, matricules, systems, issues)


def _is_accepted(root: str, test_ins: bool) -> bool:
    return test_ins or root not in TEST_ROOTS


def _shares_ins(said: list[tuple[str, str]], envelope: Envelope) -> bool:
    known = {_normal(*item) for item in envelope.identifiers}
    return any(_normal(*item) in known for item in said)


def _compare(
    document: Document,
    site: Site,
    said: tuple[tuple[str, str], ...],
    envelope: Envelope,
    place: str,
) -> None:
    """Refuse a document of another patient than the message.

    Spec: volet Transmission d'un document CDA-R2 en HL7v2: PID-3 equals recordTarget; HL7 table
    0533: 902 unknown patient, 904 INS or trait differs.
    """
    known = {_normal(*item) for item in envelope.identifiers}
    other = {root for root, value in said if root in INS_ROOTS and _differs(root, value, known)}
    if other:
        raise RejectedError([faults.other_ins(place)])
    if known and not _have_common(site, said, envelope):
        raise RejectedError([faults.nobody_in_common(place)])
    different = _different_traits(document, dict(envelope.traits))
    if different:
        raise RejectedError([faults.other_traits(place, labels(different))])


def _differs(root: str, value: str, known: set[tuple[str, str]]) -> bool:
    same_kind = {item for item in known if item[0] == root}
    return bool(same_kind) and _normal(root, value) not in same_kind


def _have_common(site: Site, said: tuple[tuple[str, str], ...], envelope: Envelope) -> bool:
    """Compare as sent, then by the domain each authority means at this site."""
    known = {_normal(*item) for item in envelope.identifiers}
    if known & {_normal(*item) for item in said}:
        return True
    domains = {_in_domain(site, *item) for item in envelope.identifiers}
    return bool(domains & {_in_domain(site, *item) for item in said})


def _in_domain(site: Site, authority: str, value: str) -> tuple[str, str]:
    authority = authority.strip().removeprefix("urn:oid:")
    if authority.startswith("http"):
        return authority, value.strip()
    if authority[:1].isdigit():
        return site.domain("ipp", universal_id=authority), value.strip()
    return site.domain("ipp", authority), value.strip()


def _normal(root: str, value: str) -> tuple[str, str]:
    return root.strip().removeprefix("urn:oid:"), value.strip().upper()


def traits(document: Document) -> dict[str, str]:
    """Return the strict traits of recordTarget that are said, in the names of the envelope."""
    person = next(iter(document.select(f"{_ROLE}/cda:patient")), None)
    if person is None:
        return {}
    name = person.child("name")
    found = {
        "family": _part(name, "family", "BR"),
        "given": _part(name, "given", "BR") or _part(name, "given", ""),
        "birth_date": _attribute(person.child("birthTime"), "value")[:8],
        "gender": _attribute(person.child("administrativeGenderCode"), "code"),
    }
    county = person.down("birthplace", "place", "addr", "county")
    if county is not None:
        found["birth_place"] = county.text()
    return {key: value for key, value in found.items() if value}


def _require_ins(document: Document, said: tuple[tuple[str, str], ...], place: str) -> None:
    """Refuse a document that goes where only a complete INS names a patient.

    Spec: CI-SIS volet on CDA documents in HL7 v2, codes 903 and 905.
    """
    if not any(root in INS_ROOTS for root, _ in said):
        raise RejectedError([faults.no_ins(place)])
    missing = traits_missing(document)
    if missing:
        raise RejectedError([faults.incomplete_ins(place, missing)])


def traits_missing(document: Document) -> str:
    """Return in words the strict traits that an INS of recordTarget comes without.

    Spec: CI-SIS Structuration minimale, recordTarget: with an INS all five traits are there.
    """
    if not any(root in INS_ROOTS for root, _ in identifiers(document)):
        return ""
    known = traits(document)
    return ", ".join(label for name, label in _LABELS.items() if name not in known)


def _different_traits(document: Document, known: dict[str, str]) -> list[str]:
    return differing(traits(document), known)


def differing(said: Mapping[str, str], known: Mapping[str, str]) -> list[str]:
    """Return the strict traits of which two sides contradict each other, by name.

    What either side leaves out contradicts nothing. RNIV: the strict traits.
    """
    return [name for name in _LABELS if not _agree(name, said.get(name), known.get(name))]


def labels(names: Sequence[str]) -> str:
    """Return traits in words, for an issue."""
    return ", ".join(_LABELS[name] for name in names)


def _agree(name: str, one: str | None, other: str | None) -> bool:
    """Compare one trait; what either side leaves out or sends in part contradicts nothing."""
    if not one or not other:
        return True
    left, right = _folded(one), _folded(other)
    if name == "gender":
        return left == right or not {left, right} <= {"f", "m"}
    if name == "birth_place":
        return left == right or "99999" in (left, right)
    if name == "birth_date":
        # A month or a year alone.
        return left.startswith(right) or right.startswith(left)
    if name == "given":
        # The first given name of one side beside the whole list of the other.
        return left in _beginnings(other) or right in _beginnings(one)
    return left == right


def _beginnings(text: str) -> set[str]:
    """Return what a list of given names begins with, at the border of each name."""
    names = [_folded(name) for name in text.replace("-", " ").split()]
    return {"".join(names[:count]) for count in range(1, len(names) + 1)}


def _folded(text: str) -> str:
    """Return letters and digits only: no accent, case, apostrophe, hyphen or ligature."""
    text = text.replace("œ", "oe").replace("Œ", "oe").replace("æ", "ae").replace("Æ", "ae")
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def _part(name: Node | None, kind: str, qualifier: str) -> str:
    for part in name.children(kind) if name is not None else ():
        if part.get("qualifier") == qualifier:
            return part.text()
    return ""


def _attribute(node: Node | None, name: str) -> str:
    return node.get(name) if node is not None else ""
