"""A document that came by secure mail, as a message to an application of the hospital.

Does not read the document (`cda`) nor the mail (`connectors`). Standard: CI-SIS volet on CDA
documents of a mail handed to an application (profile 1.1), MDM T02, T10 and T04 in HL7 v2.6.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.envelope import INS_ROOTS
from gateway.core.identity import ins_key_is_right
from gateway.core.timestamps import PARIS
from gateway.hl7v2.escapes import encode
from gateway.hl7v2.separators import STANDARD

_PROFILE = "1.1^CISIS_CDA_HL7_LPS"
_SUBJECT = "XDM/1.0/DDM"
_INS_NAME = "ASIP-SANTE-INS-NIR"
_PERSONS = "ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO"
_STRUCTURES = "ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO"
#: Flags of the volet with their labels, in its order.
_FLAGS = (
    ("MASQUE_PS", "Masqué aux professionnels de Santé"),
    ("INVISIBLE_PATIENT", "Document Non Visible par le patient"),
    ("INVISIBLE_REP_LEGAUX", "Non visible par les représentants Légaux du patient"),
    ("MODIF_CONF_CODE", "Modification Confidentiality Code"),
)


@dataclass(frozen=True, slots=True)
class Received:
    """What is told of a document and its mail; empty texts are not told.

    Attributes:
        identifiers: (root, extension) of the patient.
        traits: strict traits in the names of `core.envelope.Envelope`.
        kind: code, label and coding system (LN, TRE_A05) of the document.
        document: root and extension.
        replaces: root and extension of the document it replaces, both empty when none.
        created: digits of its date.
        author: number, family and given name.
        structure: name and number.
        flags: names that are Y.
        is_withdrawn: the mail takes the document back.
    """

    body: bytes
    identifiers: Sequence[tuple[str, str]]
    traits: dict[str, str]
    kind: tuple[str, str, str]
    document: tuple[str, str]
    replaces: tuple[str, str]
    created: str
    author: tuple[str, str, str]
    structure: tuple[str, str]
    sender: str
    recipient: str
    reply_to: str
    subject: str
    text: str
    flags: frozenset[str] = frozenset()
    is_withdrawn: bool = False

    @property
    def numbers(self) -> list[tuple[str, str]]:
        """Return the identifiers that are told: an INS whose key is wrong names nobody."""
        return [
            (root, value)
            for root, value in self.identifiers
            if root not in INS_ROOTS or ins_key_is_right(value)
        ]


@dataclass(frozen=True, slots=True)
class Heading:
    """The header of the message: who writes to whom, when, under which number."""

    ours: tuple[str, str]
    theirs: tuple[str, str]
    processing: str
    now: datetime
    control_id: str


def build(told: Received, heading: Heading) -> bytes:
    """Build the message: T04 for a document taken back, T10 for one that replaces, else T02.

    Returns:
        UTF-8, without MLLP frame.

    Spec: CI-SIS volet on CDA documents of a mail handed to an application, structure MDM_T02.
    """
    event, control, status = ("T10", "RO", "C") if told.replaces[0] else ("T02", "NW", "F")
    if told.is_withdrawn:
        event, control, status = "T04", "CA", "D"
    moment = heading.now.astimezone(PARIS).strftime("%Y%m%d%H%M%S")
    kind = _parts(told.kind)
    lines = [
        _segment(
            r"MSH|^~\&", *map(_text, (*heading.ours, *heading.theirs)), moment, "",
            f"MDM^{event}^MDM_T02", _text(heading.control_id), _text(heading.processing), "2.6",
            "", "", "", "", "FRA", "UNICODE UTF-8", "", "", _PROFILE,
        ),
        _segment("EVN", "", moment),
        _pid(told),
        # No visit: the hospital finds its own.
        "PV1|1|N",
        _segment("ORC", control),
        _segment("OBR", "1", "", "", kind),
        _segment(
            "TXA", "1", _text(told.kind[0]), "TEXT", _text(told.created), *[""] * 7,
            _number(told.document), _number(told.replaces), "", "", "", "AU",
        ),
        _segment("OBX", "1", "ED", kind, "", f"^text^XML^Base64^{_base64(told.body)}",
                 *[""] * 5, status),
        *_participants(told),
        _mail(told),
        *_flags(told.flags, first=3),
    ]  # fmt: skip
    return "\r".join([*lines, ""]).encode()


def _pid(told: Received) -> str:
    numbers = "~".join(
        f"{_text(value)}^^^{_INS_NAME}&{root}&ISO^INS"
        if root in INS_ROOTS
        else f"{_text(value)}^^^&{_text(root)}&ISO^PI"
        for root, value in told.numbers
    )
    traits = told.traits
    given = _text(traits.get("given", ""))
    first = given.split(" ")[0]
    place = f"^^^^^^BDL^^{_text(traits['birth_place'])}" if "birth_place" in traits else ""
    # A document carries an INS only once its identity was validated with all its traits.
    has_ins = any(root in INS_ROOTS for root, _ in told.numbers)
    status = "VALI" if has_ins and len(traits) == 5 else ""
    return _segment(
        "PID", "", "", numbers, "", f"{_text(traits.get('family', ''))}^{first}^{given}^^^^L", "",
        _text(traits.get("birth_date", "")), _text(traits.get("gender", "")), "", "", place,
        *[""] * 20, status,
    )  # fmt: skip


def _participants(told: Received) -> Iterable[str]:
    number, family, given = map(_text, told.author)
    person = f"{number}^{family}^{given}^^^^^^{_PERSONS}^D^^^IDNPS" if number else ""
    name, structure = map(_text, told.structure)
    organisation = f"{name}^^^^^{_STRUCTURES}^IDNST^^^{structure}" if structure else name
    yield _participant("SB", told.sender, person, organisation)
    if told.recipient:
        yield _participant("RCT", told.recipient)
    if told.reply_to:
        yield _participant("REPLY", told.reply_to)


def _participant(role: str, address: str, person: str = "", organisation: str = "") -> str:
    return _segment(
        "PRT", "", "UC", "", f"{role}^^participation", person, "", "", organisation, *[""] * 6,
        f"^^X.400^{_text(address)}",
    )  # fmt: skip


def _mail(told: Received) -> str:
    subject = told.subject if told.subject.startswith(_SUBJECT) else f"{_SUBJECT}+{told.subject}"
    content = f"^text^^Base64^{_base64(told.text.encode())}"
    return _segment("OBX", "2", "ED", f"1^{_text(subject)}", "", content, *[""] * 5, "F")


def _flags(chosen: frozenset[str], first: int) -> Iterable[str]:
    for number, (name, label) in enumerate(_FLAGS, start=first):
        value = "Y" if name in chosen else "N"
        yield _segment(
            "OBX", str(number), "CWE", f"{name}^{label}^MetaDMPMSS", "",
            f"{value}^^expandedYes-NoIndicator", *[""] * 5, "F",
        )  # fmt: skip


def _number(pair: tuple[str, str]) -> str:
    """Write a document id: the extension before its root, or a root alone."""
    root, extension = map(_text, pair)
    return f"{extension}^^{root}^ISO" if extension else root


def _parts(texts: Sequence[str]) -> str:
    return "^".join(map(_text, texts))


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _text(text: str) -> str:
    return encode(" ".join(text.split()), STANDARD)


def _segment(*fields: str) -> str:
    return "|".join(fields).rstrip("|")
