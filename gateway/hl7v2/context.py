"""What every converter of a message knows: the site, the keys of patient, stay and movement.

Made once a message by `hl7v2.keys`, then only read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.core.values import value
from gateway.fhir.identity import Ids
from gateway.hl7v2.message import Message
from gateway.hl7v2.results import NO_RESULTS, Results
from gateway.mapping.conceptmaps import ConceptMap
from gateway.mapping.sites import Site


@dataclass(frozen=True, slots=True)
class IdentityWords:
    """The words of PID-32 and ZFD as FHIR has them: concept maps, for they move with FR Core.

    Attributes:
        statuses: PID-32, `identity-status`.
        methods: ZFD-5, `identity-method`.
        proofs: ZFD-7, `identity-proof`.
    """

    statuses: ConceptMap
    methods: ConceptMap
    proofs: ConceptMap


_NONE = ConceptMap(name="", source="", version="", codes={})
#: No word is known.
NO_WORDS = IdentityWords(_NONE, _NONE, _NONE)


@dataclass(frozen=True, slots=True)
class PatientKey:
    """The key of the Patient a message is about.

    Attributes:
        id: computed id.
        system: domain of the IPP; of the INS when the message has no local number.
        value: IPP or INS.
        ins_vouched: the message carries a well-formed INS, and its status allows to use it.
        spoken_in: domain of the local numbers among which the bearer of a former INS is looked
            for; empty unless the message names its patient by nothing else.
    """

    id: str
    system: str
    value: str
    ins_vouched: bool = False
    spoken_in: str = ""


@dataclass(frozen=True, slots=True)
class VisitKey:
    """The key of a stay: PV1-19, else PID-18.

    Attributes:
        id: computed id.
        system: domain of the number.
        number: visit number.
    """

    id: str
    system: str
    number: str


@dataclass(frozen=True, slots=True)
class AccountKey:
    """The key of an account: PID-18.

    Attributes:
        id: computed id.
        system: domain of the number.
        number: account number.
    """

    id: str
    system: str
    number: str


@value(frozen=True, slots=True)
class Context:
    """What converters read beside their node.

    Attributes:
        message: the whole message.
        site: of the sender.
        ids: of the installation.
        kind: message type.
        event: trigger event.
        action: what the message does to its movement: INSERT, UPDATE or CANCEL.
        facility: MSH-4.1.
        finess: establishment the message is about, empty when nothing tells it.
        establishment: id of its Organization, empty without FINESS.
        patient: key of the Patient.
        account: key of the account, None without PID-18.
        visit: key of the stay, None without visit.
        recorded: EVN-2, else MSH-7.
        test_ins: whether INS of the test and demonstration authorities are accepted.
        units: UCUM codes that may be claimed, by unit as sent (`ucum-units`).
        identity_words: what is said of an identity, in FHIR.
        results: which segments of the message are results.
    """

    message: Message
    site: Site
    ids: Ids
    kind: str
    event: str
    action: str
    facility: str
    finess: str
    establishment: str
    patient: PatientKey
    account: AccountKey | None
    visit: VisitKey | None
    recorded: datetime
    test_ins: bool
    units: Mapping[str, str] = field(default_factory=dict)
    identity_words: IdentityWords = NO_WORDS
    results: Results = NO_RESULTS
