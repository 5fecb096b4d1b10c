"""A document that may leave, as every channel sees it: who is named, what the patient and site say.

Pure data; deciding is `sharing.routing` and `sharing.routing_dmp`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.directory import Entry


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who may get the document.

    Attributes:
        place: `PRT[2]`, `intendedRecipient[1]`, `Patient.generalPractitioner`.
        address: as sent, empty when none.
        id: RPPS of a professional, FINESS of a structure; empty when not given.
        finess: of the structure a professional is meant in, empty when not said.
        by: who names them: `message`, `document` (its header) or `file` (the family doctor).
        listed: what the directory has of them.
    """

    place: str
    address: str
    id: str = ""
    finess: str = ""
    by: str = "message"
    listed: Sequence[Entry] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An opposition of the patient to sharing.

    Attributes:
        source: `Consent/x/_history/2`.
        organisations: FINESS it is about; empty: everybody.
    """

    source: str
    organisations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the patient at the moment of a decision.

    Attributes:
        ins: trusted matricule that the Patient shows; empty when it shows none.
        record_opposition: what says that the patient is opposed to feeding the shared record
            (`ZFA-9`); empty when nothing does.
        refusals: oppositions to sharing that stand.
        is_dead: the patient has died.
    """

    ins: str = ""
    record_opposition: str = ""
    refusals: Sequence[Refusal] = ()
    is_dead: bool = False


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What a site says about where documents go.

    Attributes:
        source: what an explanation names, `mappings/sites/<site>.yaml`.
        require_ins: nothing leaves without a trusted INS.
        to_doctor: types of document (LOINC) the family doctor on file gets.
        to_document: types of document the recipients in its header get.
        never: types of document that do not go by a channel, `mssante`, `patient` or `dmp`.
        strict_matrix: combinations of flags outside of the volet send no mail.
    """

    source: str = "mappings/sites/default.yaml"
    require_ins: bool = True
    to_doctor: frozenset[str] = frozenset()
    to_document: frozenset[str] = frozenset()
    never: Mapping[str, frozenset[str]] = field(default_factory=dict)
    strict_matrix: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A document that may leave, with everything that decides about where to.

    Attributes:
        document_id: unique id of this version.
        about: `DocumentReference/id`.
        body: the CDA document as received.
        flags: by name, as `hl7v2.envelope.flags` gives them.
        recipients: whoever is named, those of the message first.
        standing: of the patient now.
        rules: of the site.
        shown_ins: matricule the document itself shows, qualified or not; empty when none.
        type_code: type of the document (LOINC).
        confidentiality: of the document (HL7 v3 Confidentiality).
        reply_to: address for answers.
        final: the patient may not answer (X-MSS-MES).
        texts: body of the mail by kind of recipient, `professional` and `patient`.
        labels: masks of the document.
        replaces: the message puts the document in the place of another.
        replaced: uniqueId of that one, as the document says, else its message; else empty.
        withdrawn: the message takes the document back (T04).
    """

    document_id: str
    about: str
    body: bytes
    flags: Mapping[str, bool]
    recipients: Sequence[Recipient]
    standing: Standing = Standing()
    rules: SiteRules = SiteRules()
    shown_ins: str = ""
    type_code: str = ""
    confidentiality: str = ""
    reply_to: str = ""
    final: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[str] = ()
    replaces: bool = False
    replaced: str = ""
    withdrawn: bool = False
    author: Mapping[str, str] = field(default_factory=dict)
    content_type_code: str = ""
