"""Business acknowledgements of a document (ZAM): built for its sender, read from another gateway.

Does not decide when one is due nor what it proves (`pipeline.business_acks`). Standard: CI-SIS
volet on CDA documents in HL7 v2, ZAM^Z01 (national record), Z02 (mail arrived), Z03 (mail read).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from gateway.core.errors import RejectedError
from gateway.core.timestamps import PARIS
from gateway.hl7v2 import document_refusals as refusals
from gateway.hl7v2.charset import codec_of
from gateway.hl7v2.escapes import encode
from gateway.hl7v2.message import Message
from gateway.hl7v2.refusals import required_field
from gateway.hl7v2.separators import STANDARD

DMP, RECEPTION, READING = "Z01", "Z02", "Z03"
_SYSTEM = "AckMetierZAM"
_PROFILE = "2.1^CISIS_CDA_HL7_V2"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What one event is written with.

    Attributes:
        code, label: OBX-3 of the first OBX.
        person: code and label of OBX-3 of the second, empty when there is none.
        errors: coding system of ERR-5.
        accepted: other codes that senders write in the first OBX.
    """

    code: str
    label: str
    person: tuple[str, str] | None
    errors: str
    accepted: frozenset[str] = frozenset()


_KINDS = MappingProxyType(
    {
        DMP: _Kind("ACK_RECEPTION_DMP", "Accusé de réception DMP", None, "DMP_ERROR_CODE"),
        RECEPTION: _Kind(
            "ACK_RECEPTION_MSS",
            "Accusé de réception MSSanté",
            ("DESTINATAIRE_MSS", "Destinataire MSSanté"),
            "SMTPERRORCODE",
        ),
        READING: _Kind(
            "ACK_LECTURE_MSS",
            "Accusé de lecture",
            ("LECTEUR_MSS", "Lecteur du courriel MSSanté"),
            "applicationErrorCondition",
            frozenset({"ACK_LECTURE"}),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class BusinessAck:
    """What became of a document.

    Attributes:
        trigger: Z01, Z02 or Z03.
        request: MSH-10 of the message that asked.
        positive: OBX-5 is Y.
        address: secure mailbox of the recipient or reader; empty for Z01.
        person: number of the recipient as the request named it, empty when it did not.
        error: code of ERR-5 when not positive.
        error_text: its words, ours.
    """

    trigger: str
    request: str
    positive: bool
    address: str = ""
    person: str = ""
    error: str = ""
    error_text: str = ""


@dataclass(frozen=True, slots=True)
class Parties:
    """The two ends of an answer, as the header of the request named them.

    Attributes:
        ours: MSH-3 and MSH-4 we write: MSH-5 and MSH-6 of the request.
        theirs: MSH-5 and MSH-6 we write.
        processing: MSH-11.
        charset: MSH-18.
    """

    ours: tuple[str, str]
    theirs: tuple[str, str]
    processing: str = "P"
    charset: str = "UNICODE UTF-8"

    @classmethod
    def of(cls, request: Message) -> "Parties":
        """Read them from a request."""
        return cls(
            ours=(request.value("MSH-5"), request.value("MSH-6")),
            theirs=(request.value("MSH-3"), request.value("MSH-4")),
            processing=request.value("MSH-11") or "P",
            charset=request.value("MSH-18") or "UNICODE UTF-8",
        )


def build(
    told: BusinessAck, parties: Parties, *, happened: datetime, now: datetime, control_id: str
) -> bytes:
    """Build a ZAM.

    Args:
        told: what became of the document.
        parties: who writes to whom.
        happened: when the other side acted, for EVN-2, written as Paris time.
        now: for MSH-7.
        control_id: own MSH-10.

    Returns:
        The message without MLLP frame, in the character set of the request.

    Spec: CI-SIS volet on CDA documents in HL7 v2, structure ZAM_Z01.
    """
    kind = _KINDS[told.trigger]
    value = "Y" if told.positive else "N"
    header = [
        r"MSH|^~\&",
        *map(_text, (*parties.ours, *parties.theirs)),
        _moment(now),
        "",
        f"ZAM^{told.trigger}^ZAM_Z01",
        _text(control_id),
        _text(parties.processing),
        "2.6",
        *[""] * 4,
        "FRA",
        _text(parties.charset),
        *[""] * 2,
        _PROFILE,
    ]
    lines = [
        "|".join(header),
        f"EVN||{_moment(happened)}",
        f"OBX|1|CWE|{kind.code}^{kind.label}^{_SYSTEM}|{_text(told.request)}"
        f"|{value}^^expandedYes-NoIndicator||||||F",
    ]
    if kind.person is not None:
        code, label = kind.person
        lines.append(
            f"OBX|2|XTN|{code}^{label}^{_SYSTEM}|{_text(told.person)}"
            f"|^^X.400^{_text(told.address)}||||||F"
        )
    if not told.positive:
        error = "^".join((_text(told.error), _text(told.error_text), kind.errors))
        lines.append(f"ERR|||207^Application error^messageErrorCondition|E|{error}")
    return "\r".join([*lines, ""]).encode(codec_of(parties.charset) or "utf-8", "replace")


def read(message: Message) -> BusinessAck:
    """Read a ZAM, whatever the order of its segments.

    Raises:
        RejectedError: it names no request, or says neither yes nor no (RLS-HL7-020, 077).
    """
    kind = _KINDS[message.trigger_event]
    codes = {kind.code, *kind.accepted}
    rows = message.segments_named("OBX")
    first = next((obx for obx in rows if obx.field(3).upper() in codes), None)
    if first is None:
        raise RejectedError([refusals.unknown_receipt("OBX[1]-3")])
    place = f"OBX[{first.ordinal}]"
    request, value = first.field(4), first.field(5).upper()
    if not request:
        raise RejectedError([required_field(f"{place}-4")])
    if value not in ("Y", "N"):
        raise RejectedError([refusals.unknown_receipt(f"{place}-5")])
    person = next((obx for obx in rows if obx.field(2).upper() == "XTN"), None)
    return BusinessAck(
        trigger=message.trigger_event,
        request=request,
        positive=value == "Y",
        address=_address(person.fields) if person is not None else "",
        person=person.field(4) if person is not None else "",
        error=message.value("ERR-5.1") if value == "N" else "",
    )


def _address(fields: Sequence[str]) -> str:
    """Return the component of OBX-5 that is an address, wherever it stands."""
    parts = fields[5].split("^") if len(fields) > 5 else []
    return next((part.strip() for part in parts if "@" in part), "")


def _moment(instant: datetime) -> str:
    return instant.astimezone(PARIS).strftime("%Y%m%d%H%M%S")


def _text(text: str) -> str:
    return encode(text, STANDARD)
