"""The keys of a message: its establishment, its Patient, its stay; read from the message alone.

Does not make resources (`hl7v2.adapter`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.core.contributions import Version
from gateway.core.envelope import INS_ROOTS, TEST_ROOTS
from gateway.core.errors import RejectedError
from gateway.core.identity import ins_key_is_right
from gateway.core.messages import Header
from gateway.core.timestamps import TimestampError, parse_timestamp
from gateway.fhir.identity import FINESS_SYSTEM, Ids
from gateway.hl7v2 import faults
from gateway.hl7v2.authorities import finess, finess_of
from gateway.hl7v2.context import NO_WORDS, AccountKey, Context, IdentityWords, PatientKey, VisitKey
from gateway.hl7v2.convert.patient import is_vouched
from gateway.hl7v2.events import APPOINTMENT_ACTIONS, INSERT, find_event
from gateway.hl7v2.message import Message, Node
from gateway.hl7v2.results import NO_RESULTS, read_results
from gateway.mapping.sites import Site

#: CX-5 of a local patient number; some senders leave it out.
_LOCAL = ("PI", "")

FLAG_VISIT_FROM_ACCOUNT = "visit-from-account"

Identifiers = Sequence[tuple[str, str]]


def nodes(message: Message, segment: str, field: int) -> list[Node]:
    """Return the valued repetitions of a field of the first segment of a name."""
    found = message.first(segment)
    return found.nodes(field) if found else []


def context_of(
    message: Message,
    site: Site,
    ids: Ids,
    *,
    cda_identifiers: Identifiers = (),
    test_ins: bool = False,
    units: Mapping[str, str] | None = None,
    identity_words: IdentityWords = NO_WORDS,
) -> Context:
    """Read the keys of a message.

    Args:
        message: with its ZBE repaired.
        site: of its sender.
        ids: of the installation.
        cda_identifiers: (root, extension) pairs of the patient in the document it carries.
        test_ins: whether INS of the test and demonstration authorities are accepted.
        units: UCUM codes that may be claimed, by unit as sent.
        identity_words: what is said of an identity, in FHIR.

    Raises:
        RejectedError: no Patient or no stay can be named.
    """
    kind, event = message.message_type, message.trigger_event
    facility = message.value("MSH-4.1")
    account = _account(message, site, ids, facility)
    number = establishment_finess(message, site, facility)
    return Context(
        message=message,
        site=site,
        ids=ids,
        kind=kind,
        event=event,
        action=_action(message, kind, event),
        facility=facility,
        finess=number,
        establishment=ids.organization(FINESS_SYSTEM, number) if number else "",
        patient=_patient(message, site, ids, facility, cda_identifiers, test_ins=test_ins),
        account=account,
        visit=_visit(message, kind, site, ids, facility, account),
        recorded=recorded_at(message),
        test_ins=test_ins,
        units=units or {},
        identity_words=identity_words,
        results=read_results(message) if kind == "ORU" else NO_RESULTS,
    )


def _action(message: Message, kind: str, trigger: str) -> str:
    """Return what a message does to its movement: ZBE-4 where the event allows it.

    Spec: PAM France 2.11 6.13.4 (ZBE-4); A06 and A07 cancel each other, so ZBE-4 decides.
    """
    event = find_event(kind, trigger)
    segment = message.first("ZBE")
    said = segment.field(4).upper() if segment else ""
    if event is None or said in event.actions:
        return said or INSERT
    return event.default_action or APPOINTMENT_ACTIONS.get(trigger, INSERT)


def establishment_finess(message: Message, site: Site, facility: str) -> str:
    """Return the FINESS of the establishment, empty when nothing tells it.

    The site table first, then the facility of PV1-3, the authorities of PV1-19, PID-18 and the
    IPP, then MSH-4 itself.
    """
    if site.finess:
        return site.finess
    for segment, field in (("PV1", 3), ("PV1", 19), ("PID", 18), ("PID", 3)):
        for node in nodes(message, segment, field):
            if (segment, field) == ("PID", 3) and node.component(5) not in _LOCAL:
                continue
            if found := finess_of(node, 4, site):
                return found
    return finess(site.authorities.get(facility, "")) or finess(facility)


def _patient(
    message: Message,
    site: Site,
    ids: Ids,
    facility: str,
    cda_identifiers: Identifiers,
    *,
    test_ins: bool,
) -> PatientKey:
    """Choose the key: IPP of PID-3, else the IPP of the document, else the INS if vouched for.

    An A47 without IPP speaks of whoever bears the INS it gives up.
    """
    numbers = nodes(message, "PID", 3)
    ins = _usable_ins(numbers, test_ins=test_ins)
    statuses = {node.text() for node in nodes(message, "PID", 32)}
    vouched = ins is not None and is_vouched(statuses)
    local = [node for node in numbers if node.component(5) in _LOCAL and node.component(1)]
    named = [node for node in local if node.component(4, 1) or node.component(4, 2) or site.finess]
    if named:
        domains = [(_domain(node, site, facility), node.component(1)) for node in named]
        system, value = domains[0]
        if len(domains) > 1 and site.finess:
            own = site.domain("ipp", universal_id=site.finess)
            system, value = next((pair for pair in domains if pair[0] == own), domains[0])
        return PatientKey(ids.patient(system, value), system, value, vouched)
    if former := _former_ins(message, test_ins=test_ins):
        number = establishment_finess(message, site, facility)
        domain = site.domain("ipp", universal_id=number, facility=facility)
        system, value = f"urn:oid:{former[0]}", former[1]
        return PatientKey(ids.patient(system, value), system, value, vouched, domain)
    if local:
        raise RejectedError([faults.patient_number_without_authority(f"{local[0].place}.4")])
    if ins is None:
        raise RejectedError([faults.no_patient_number("PID-3")])
    for system, value in _document_numbers(cda_identifiers, ins, site):
        return PatientKey(ids.patient(system, value), system, value, vouched)
    if not vouched:
        raise RejectedError([faults.untrusted_ins_alone("PID-3")])
    system = f"urn:oid:{ins[0]}"
    return PatientKey(ids.patient(system, ins[1]), system, ins[1], vouched)


def _domain(node: Node, site: Site, facility: str) -> str:
    return site.domain(
        "ipp",
        node.component(4, 1),
        node.component(4, 2),
        node.component(4, 3),
        facility=facility,
    )


def _former_ins(message: Message, *, test_ins: bool) -> tuple[str, str] | None:
    """Return the INS that an A47 gives up and names its patient by.

    None when it gives up a local number, which names the patient.
    Spec: PAM France 2.11 4.4 (event A47); HL7 v2.5 3.4.9.1 (MRG-1).
    """
    if message.trigger_event != "A47":
        return None
    former = nodes(message, "MRG", 1)
    if any(node.component(5) in _LOCAL and node.component(1) for node in former):
        return None
    return _usable_ins(former, test_ins=test_ins)


def _usable_ins(numbers: Sequence[Node], *, test_ins: bool) -> tuple[str, str] | None:
    """Return root and value of the best INS: a NIR before the NIA it replaced."""
    found: dict[str, str] = {}
    for node in numbers:
        if node.component(5) != "INS":
            continue
        root, value = node.component(4, 2), node.component(1)
        if root in TEST_ROOTS and not test_ins:
            continue
        if root in INS_ROOTS and ins_key_is_right(value):
            found.setdefault(root, value)
    return next(((root, found[root]) for root in INS_ROOTS if root in found), None)


def _document_numbers(
    identifiers: Identifiers, ins: tuple[str, str], site: Site
) -> list[tuple[str, str]]:
    """Return the local numbers of a document's patient when it carries the same INS."""
    if ins not in identifiers:
        return []
    return [
        (site.domain("ipp", universal_id=root), value)
        for root, value in identifiers
        if root not in INS_ROOTS and root and value
    ]


def _account(message: Message, site: Site, ids: Ids, facility: str) -> AccountKey | None:
    """Read the key of the account. Spec: PAM France 2.11 6.6 (PID-18)."""
    found = message.first("PID")
    node = found.node(18) if found else None
    if node is None or not node.component(1):
        return None
    system, number = _authority("nda", node, site, facility), node.component(1)
    return AccountKey(ids.account(system, number), system, number)


def _visit(
    message: Message,
    kind: str,
    site: Site,
    ids: Ids,
    facility: str,
    account: AccountKey | None,
) -> VisitKey | None:
    """Choose the key of the stay: PV1-19; for a movement without it PID-18.

    Spec: PAM France 2.11 6.10 (PV1-19); PV1-2 N says that there is no visit.
    """
    stay = message.first("PV1")
    if stay is None:
        return None
    if (node := stay.node(19)) is not None and node.component(1):
        system = _authority("visit", node, site, facility)
        number = node.component(1)
        return VisitKey(ids.stay(system, number), system, number)
    if kind != "ADT" or stay.field(2) in ("N", ""):
        return None
    if account is None:
        raise RejectedError([faults.no_visit_number("PV1-19")])
    return VisitKey(ids.stay(account.system, account.number), account.system, account.number)


def _authority(kind: str, node: Node, site: Site, facility: str) -> str:
    return site.domain(
        "nda" if kind == "nda" else "visit",
        node.component(4, 1),
        node.component(4, 2),
        node.component(4, 3),
        facility=facility,
    )


def recorded_at(message: Message) -> datetime:
    """Return EVN-2, else MSH-7: when the source wrote down what it says.

    Raises:
        RejectedError: neither is a date that exists.
    """
    for path in ("EVN-2", "MSH-7"):
        text = message.value(path)
        if not text:
            continue
        try:
            return parse_timestamp(text).bounds_utc()[0]
        except TimestampError:
            # EVN-2 that is no date is judged at the door; MSH-7 may still order the message.
            continue
    raise RejectedError([faults.unusable_sent_at("MSH-7")])


def version_of(recorded: datetime, header: Header, rank: int = 0) -> Version:
    """Return the place of a message in the order of its source."""
    return Version(recorded, header.sent_at or recorded, rank, header.canonical_sha256)


def numbers_of_patient(message: Message) -> tuple[tuple[str, str], ...]:
    """Return (OID, else FINESS or name of the authority, value) of every number of PID-3."""
    return tuple(
        (node.component(4, 2) or node.component(4, 1), node.component(1))
        for node in nodes(message, "PID", 3)
        if node.component(1) and node.component(5) != "NH"
    )


def traits(message: Message) -> tuple[tuple[str, str], ...]:
    """Return the strict traits of PID that were sent, as they were sent, by name."""
    birth = next((n for n in nodes(message, "PID", 5) if n.component(7) == "L"), None)
    place = next((n for n in nodes(message, "PID", 11) if n.component(7) == "BDL"), None)
    found = {
        "family": birth.component(1) if birth else "",
        "given": birth.component(2) if birth else "",
        "birth_date": message.value("PID-7")[:8],
        "gender": message.value("PID-8"),
        "birth_place": place.component(9) if place else "",
    }
    return tuple((name, value) for name, value in found.items() if value)
