"""Coherence of an identity: INS against status, authority, key and traits; names; merges.

Does not decide whether an INS is used (`hl7v2.keys`). Standards: PAM France 2.11 4 and 6.6, IHE
France data types, Référentiel INS.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from gateway.conformance import kinds
from gateway.conformance.finding import Finding, Layer
from gateway.conformance.forms import FORMS
from gateway.core.envelope import INS_ROOTS
from gateway.core.identity import ins_key_is_right
from gateway.core.issues import Issue, Severity
from gateway.hl7v2 import faults
from gateway.hl7v2.convert.patient import is_vouched
from gateway.hl7v2.message import Message, Node

#: Fields with an assigning authority (HD) in their fourth component, sixth or ninth.
_AUTHORITIES = {
    ("PID", 3): 4,
    ("PID", 18): 4,
    ("MRG", 1): 4,
    ("MRG", 3): 4,
    ("PV1", 3): 4,
    ("PV1", 5): 4,
    ("PV1", 7): 9,
    ("PV1", 17): 9,
    ("PV1", 19): 4,
    ("ZBE", 7): 6,
    ("ZBE", 8): 6,
    ("ROL", 4): 9,
    ("PRT", 5): 9,
    ("PRT", 8): 6,
}
_NIR_SEXES = {"1": "M", "2": "F", "3": "M", "4": "F", "7": "M", "8": "F"}
_RPPS = re.compile("[0-9]{11}")


def identity_findings(message: Message) -> Iterator[Finding]:
    """Yield what contradicts itself in the identities of a message."""
    yield from _authorities(message)
    yield from _professionals(message)
    yield from _numbers(message)
    yield from _names(message)
    yield from _merge(message)
    for place, value in _patients_among_recipients(message):
        if not ins_key_is_right(value):
            yield _from_doors(faults.wrong_ins_key(place), "INS, key of the matricule")


def _from_doors(issue: Issue, clause: str, severity: Severity = Severity.ERROR) -> Finding:
    """Return what the doors say themselves; there it is a warning, for the message goes on."""
    return Finding(replace(issue, severity=severity), clause, Layer.COHERENCE)


def _numbers(message: Message) -> Iterator[Finding]:
    """Judge PID-3: type against authority, key, status, traits."""
    seen: dict[str, str] = {}
    for node in _nodes(message, "PID", 3):
        root, kind, value = node.component(4, 2), node.component(5), node.component(1)
        if root in INS_ROOTS and kind not in ("INS", "NH"):
            yield kinds.INS_AUTHORITY.at(f"{node.place}.5")
        elif kind == "INS" and root not in INS_ROOTS:
            yield kinds.INS_AUTHORITY.at(f"{node.place}.4.2")
        if kind != "INS" or root not in INS_ROOTS or not value:
            continue
        if not ins_key_is_right(value):
            yield _from_doors(faults.wrong_ins_key(node.place), "INS, key of the matricule")
        else:
            yield from _against_traits(message, value)
        if node.component(7) or node.component(8):
            yield kinds.INS_DATED.at(f"{node.place}.{7 if node.component(7) else 8}")
        if seen.setdefault(root, value) != value:
            yield kinds.INS_TWICE.at(node.place)
    if seen:
        yield from _status(message)


def _status(message: Message) -> Iterator[Finding]:
    statuses = {node.text() for node in _nodes(message, "PID", 32)}
    if not is_vouched(statuses):
        issue = faults.ins_withheld("PID-32")
        yield _from_doors(issue, "PAM-FR 2.11 6.6.15, PID-32", issue.severity)
        return
    birth = next((n for n in _nodes(message, "PID", 5) if n.component(7) == "L"), None)
    born = next((n for n in _nodes(message, "PID", 11) if n.component(7) == "BDL"), None)
    traits = (
        ("PID-5.1", "birth name", birth.component(1) if birth else ""),
        ("PID-5.2", "first given name", birth.component(2) if birth else ""),
        ("PID-7", "birth date", message.value("PID-7")),
        ("PID-8", "sex F or M", message.value("PID-8") if message.value("PID-8") != "U" else ""),
        ("PID-11.9", "code of the birth place", born.component(9) if born else ""),
    )
    for place, trait, value in traits:
        if not value:
            yield kinds.INS_TRAIT_MISSING.at(place, trait=trait)
    if birth is not None and birth.component(2) and not birth.component(3):
        yield kinds.INS_TRAIT_MISSING.at(
            "PID-5.3", severity=Severity.WARNING, trait="list of given names"
        )
    if born is not None and born.component(9) and not FORMS["COG"].fits(born.component(9)):
        form = FORMS["COG"].title
        yield kinds.WRONG_FORM.at(f"{born.place}.9", clause="PAM-FR 2.11 6.6.1, PID-11", form=form)


def _against_traits(message: Message, matricule: str) -> Iterator[Finding]:
    """Compare what a NIR tells of sex and month of birth; a change of sex makes it a warning."""
    sex, birth = message.value("PID-8"), message.value("PID-7")
    fields = {"sex": "PID-8", "birth date": "PID-7"}
    for trait in traits_against(matricule, sex, birth):
        yield kinds.INS_CONTRADICTS.at(fields[trait])


def traits_against(matricule: str, sex: str, birth: str) -> Iterator[str]:
    """Yield `sex` and `birth date` where a matricule tells another than the traits do.

    Args:
        matricule: NIR of 13 or 15 signs.
        sex: F or M; any other contradicts nothing.
        birth: date as YYYYMMDD or shorter.
    """
    said = _NIR_SEXES.get(matricule[:1])
    if said and sex in ("F", "M") and sex != said:
        yield "sex"
    year, month = matricule[1:3], matricule[3:5]
    # A month from 20 on stands for one that was not known.
    is_known = "01" <= month <= "12"
    if len(birth) >= 6 and (birth[2:4] != year or (is_known and birth[4:6] not in (month, "00"))):
        yield "birth date"


def _names(message: Message) -> Iterator[Finding]:
    names = _nodes(message, "PID", 5)
    count = sum(1 for node in names if node.component(7) == "L")
    unknown = message.value("PID-31").upper() == "Y"
    if names and count != 1 and not unknown:
        yield kinds.BIRTH_NAME.at(
            "PID-5", severity=None if count > 1 else Severity.WARNING, count=str(count)
        )


def _merge(message: Message) -> Iterator[Finding]:
    """Compare PID-3 and MRG-1 of a merge or a change of number."""
    if message.trigger_event not in ("A40", "A47"):
        return
    kept = {(n.component(1), _authority(n), n.component(5)) for n in _nodes(message, "PID", 3)}
    for node in _nodes(message, "MRG", 1):
        if (node.component(1), _authority(node), node.component(5)) in kept:
            yield kinds.SAME_PATIENT.at(node.place)


def _authorities(message: Message) -> Iterator[Finding]:
    """Compare the number of an authority with its type: M and N are FINESS, ISO is an OID."""
    for (name, field), component in _AUTHORITIES.items():
        for segment in message.segments_named(name):
            for node in segment.nodes(field):
                number, kind = node.component(component, 2), node.component(component, 3)
                wanted = {"M": "FINESS", "N": "FINESS", "ISO": "OID"}.get(kind)
                if wanted and number and not FORMS[wanted].fits(number):
                    yield kinds.WRONG_FORM.at(
                        f"{node.place}.{component}.2",
                        clause="IHE France, HD-2",
                        severity=Severity.WARNING,
                        form=FORMS[wanted].title,
                    )


def _professionals(message: Message) -> Iterator[Finding]:
    """Check the numbers of professionals and structures against their type."""
    for name, field in (("PV1", 7), ("PV1", 17), ("ROL", 4), ("PRT", 5)):
        for segment in message.segments_named(name):
            for node in segment.nodes(field):
                if node.component(13) == "RPPS" and not _RPPS.fullmatch(node.component(1)):
                    yield kinds.WRONG_FORM.at(
                        f"{node.place}.1",
                        clause="IHE France, XCN-1",
                        severity=Severity.WARNING,
                        form="an RPPS of eleven digits",
                    )
    for segment in message.segments_named("PRT"):
        for node in segment.nodes(8):
            is_finess = node.component(7) in ("FINEG", "FINEJ", "FINESS")
            if is_finess and not FORMS["FINESS"].fits(node.component(10)):
                yield kinds.WRONG_FORM.at(
                    f"{node.place}.10",
                    clause="IHE France, XON-10",
                    severity=Severity.WARNING,
                    form=FORMS["FINESS"].title,
                )


def _patients_among_recipients(message: Message) -> Iterator[tuple[str, str]]:
    for segment in message.segments_named("PRT"):
        for node in segment.nodes(5):
            if node.component(13) == "INS":
                yield f"{node.place}.1", node.component(1)


def _authority(node: Node) -> str:
    return node.component(4, 2) or node.component(4, 1)


def _nodes(message: Message, name: str, field: int) -> list[Node]:
    segment = message.first(name)
    return segment.nodes(field) if segment is not None else []
