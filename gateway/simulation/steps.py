"""What happens to a patient, as data: the truth that messages and letters are rendered from.

Nothing here knows HL7 or CDA; times are aware, in the time zone of the region.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.simulation.establishments import Establishment, Unit
from gateway.simulation.people import Person, Professional


@dataclass(frozen=True, slots=True)
class Place:
    """Where a patient lies; room and bed stay empty outside a ward."""

    unit: Unit
    room: str = ""
    bed: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a stay begins: ZFM-1, ZFM-3, ZFM-5 and PV1-14 codes."""

    mode: str = "8"
    provenance: str = ""
    emergency: str = ""
    source: str = "90"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a stay ends: ZFM-2, ZFM-4, PV1-36, PV1-37, PV2-27 and what the letter says.

    Attributes:
        sector: the truth, in the words of the care sectors (`home`, `smr`, `had`, ...).
        last: PV1-41, True when no other visit follows in the dossier.
    """

    sector: str
    mode: str
    destination: str = ""
    finess: str = ""
    circumstance: str = "3"
    last: bool = True


@dataclass(frozen=True, slots=True)
class Origin:
    """The stay a patient comes from: ZFV-1 and ZFV-7."""

    finess: str
    admitted: datetime
    nda: str


@dataclass(frozen=True, slots=True)
class Care:
    """What a visit is for: PV1-2, PV1-21, the reason, and how it begins and should end."""

    patient_class: str
    mode: str
    reason: str
    urgent: bool = False
    entry: Entry = field(default_factory=Entry)
    origin: Origin | None = None
    expected_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit (venue) of a dossier: what all its messages share.

    Attributes:
        nda: PID-18, number of the dossier.
        number: PV1-19, number of the visit.
        preadmission: PV1-5 number, empty without pre-admission.
    """

    establishment: Establishment
    person: Person
    ipp: str
    nda: str
    number: str
    attending: Professional
    care: Care
    preadmission: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement message: ZBE with the state of the visit it leaves behind.

    Attributes:
        event: trigger event of the message (`A13` for a cancelled discharge).
        action: ZBE-4.
        original: ZBE-6, the trigger of the movement that is cancelled or updated; else empty.
        start: ZBE-2.
        nature: ZBE-9.
        planned: EVN-3; PV2-8 of an expected admission, PV2-9 of an expected discharge.
        reserved: PV1-42, the place kept for a pending transfer.
        back_by: PV2-47, expected return of a leave.
    """

    visit: Visit
    event: str
    number: str
    start: datetime
    place: Place
    nature: str = "HMS"
    original: str = ""
    action: str = "INSERT"
    historic: bool = False
    prior: Place | None = None
    admitted: datetime | None = None
    discharged: datetime | None = None
    planned: datetime | None = None
    back_by: datetime | None = None
    exit: Exit | None = None
    reserved: Place | None = None

    @property
    def expects(self) -> str:
        """Return the event of the movement itself, whatever the message does to it."""
        return self.original or self.event


@dataclass(frozen=True, slots=True)
class IdentityNews:
    """An identity message (A28, A31, A40, A37) of one establishment.

    Attributes:
        other: identifier of the record that gives way (A40), or that is taken out again (A37).
        names_gp: a family doctor has been declared (A31).
        dead_at: PID-29, known from elsewhere (A31).
    """

    establishment: Establishment
    person: Person
    ipp: str
    event: str
    other: str = ""
    names_gp: bool = False
    dead_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """An appointment message (S12, S15, S26)."""

    establishment: Establishment
    person: Person
    ipp: str
    event: str
    number: str
    start: datetime
    minutes: int
    service: tuple[str, str]
    doctor: Professional
    place: Place


@dataclass(frozen=True, slots=True)
class Request:
    """A request, for a place in rehabilitation or a meeting, or the answer to it (ORM^O01).

    Attributes:
        number: of the placer, the same in the answer.
        control: ORC-1, `NW` for the request, `OK` accepted, `UA` refused.
        wished: when the place is wanted, or the meeting takes place.
        service: OBR-4, code and label.
        answers: establishment that answers, in its own name; None for the question.
    """

    visit: Visit
    number: str
    control: str
    at: datetime
    wished: datetime
    service: tuple[str, str] = ("SMR", "Admission en SMR")
    answers: Establishment | None = None


@dataclass(frozen=True, slots=True)
class LetterSent:
    """A discharge letter; `version` 2 and above replaces the version before.

    Attributes:
        kind: `ldl`, or `frcp` and `pps`: what a tumour board and its nurse write of a visit.
        withdrawn: the document is deleted.
        level: CDA body level, 3 (structured) or 1 (PDF).
        in_progress: whether the document status says that results are awaited.
        mailbox: secure address of the family doctor when it is not the right one.
    """

    visit: Visit
    admitted: datetime
    discharged: datetime
    place: Place
    exit: Exit
    number: int
    version: int = 1
    level: int = 3
    in_progress: bool = False
    mailbox: str = ""
    kind: str = "ldl"
    withdrawn: bool = False


Content = Movement | IdentityNews | Booking | Request | LetterSent


@dataclass(frozen=True, slots=True)
class Identity:
    """What the establishment knew of the identity when it spoke: PID-32, and PID-3 INS or not."""

    status: str
    with_ins: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One thing said by one source system.

    Attributes:
        order: position in the story of the patient, from 1; part of the control id.
        story: name of the story it belongs to.
        occurred: the moment in the patient's life (EVN-6).
        recorded: when it was entered (EVN-2).
        sent: when the system sent it (MSH-7).
        clock: what the clock behind MSH-7 is wrong by.
    """

    order: int
    story: str
    occurred: datetime
    recorded: datetime
    sent: datetime
    identity: Identity
    content: Content
    clock: timedelta = timedelta()
