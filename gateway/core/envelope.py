"""What the HL7 v2 message around a CDA document says about it."""

from dataclasses import dataclass

from gateway.core.contributions import Target

#: Assigning authorities of an INS matricule: NIR, NIA, NIR of test, NIR of demonstration.
INS_ROOTS = {
    "1.2.250.1.213.1.4.8": "INS-NIR",
    "1.2.250.1.213.1.4.9": "INS-NIA",
    "1.2.250.1.213.1.4.10": "INS-NIR-TEST",
    "1.2.250.1.213.1.4.11": "INS-NIR-DEMO",
}
#: Those of test and demonstration.
TEST_ROOTS = ("1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11")


@dataclass(frozen=True, slots=True)
class EmbeddedDocument:
    """A document carried in OBX-5.

    Attributes:
        place: `OBX[1]-5`.
        body: decoded bytes.
        format_hint: OBX-5.3, upper case (`XML`, `PDF`), empty when absent.
        flags: what had to be repaired to decode it (`base64-urlsafe`).
    """

    place: str
    body: bytes
    format_hint: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """The message's word on the document inside it; the CDA adapter follows it.

    Attributes:
        patient: Patient every resource of the message is about.
        identifiers: (root or authority, value) pairs of PID-3, INS included, to be compared
            with `recordTarget`; order of the message.
        traits: strict traits of PID as (name, value), absent when not sent: `family` (birth name),
            `given` (first given name or the whole list), `birth_date` (digits as sent), `gender`
            (`F`, `M`), `birth_place` (COG code). The CDA adapter compares them in a normal form.
        ins_vouched: PID-32 holds VALI and neither DOUT nor FICT: the INS of the CDA may be used
            when it equals the one of PID-3.
        stay: Encounter of PV1-19, None without visit number.
        establishment: Organization of the sending establishment.
        document_id: TXA-12 as `root` or `root^extension`; empty in an ORU.
        replaces: TXA-13, same form; empty when none.
        labels: securityLabel codes of MetaDMPMSS flags set to Y among MASQUE_PS,
            INVISIBLE_PATIENT, INVISIBLE_REPRESENTANTS_LEGAUX.
        finess: of the sending establishment, empty when nothing tells it.
        visit: visit number, as facts name a stay.
        feed: the feed the message came by, `<establishment or sender>:DOC`.
        type_code: TXA-2, else OBR-4; empty when not sent.
        sent_at: MSH-7 as sent, empty when not sent.
        needs_ins: the document goes where only an INS with its traits names a patient (DESTDMP).
    """

    patient: Target | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    traits: tuple[tuple[str, str], ...] = ()
    ins_vouched: bool = False
    stay: Target | None = None
    establishment: Target | None = None
    document_id: str = ""
    replaces: str = ""
    labels: tuple[str, ...] = ()
    finess: str = ""
    visit: str = ""
    feed: str = ""
    type_code: str = ""
    sent_at: str = ""
    needs_ins: bool = False
