"""Why a document leaves, waits or is not sent: one word for machines, a sentence for people.

Pure. Who decides is `sharing.routing` (mails) and `sharing.routing_dmp` (the shared record).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something leaves, waits or is not sent.

    Attributes:
        word: for machines; stable.
        fr: sentence for people.
        en: the same.
        rests_on: the field or rule it comes from when the decision names no nearer one.
    """

    word: str
    fr: str
    en: str
    rests_on: str = ""


ASKED = Reason(
    "asked",
    "L'expéditeur demande l'envoi à cette boîte.",
    "The sender asks for a mail to this mailbox.",
    "MetaDMPMSS",
)
BY_RULE = Reason(
    "site-rule",
    "Une règle du site envoie ce type de document à ce destinataire.",
    "A rule of the site sends this type of document to this recipient.",
    "routing",
)
RECORD_ASKED = Reason(
    "asked",
    "L'expéditeur demande le dépôt au DMP.",
    "The sender asks for the document to be fed to the shared record.",
    "DESTDMP",
)
VISIBILITY = Reason(
    "visibility",
    "L'expéditeur change la visibilité : le document est déposé en remplacement.",
    "The sender changes who may see it: the document is fed as a replacement.",
    "MODIF_CONF_CODE",
)
#: The record takes no second entry under one identifier, and a structure may not change masks.
NO_NEW_VERSION = Reason(
    "RLS-DMP-062",
    "Le DMP ne change la visibilité qu'avec une nouvelle version : rien n'est déposé.",
    "the shared record changes who may see a document only with a new version of it, under an"
    " identifier of its own; nothing was fed.",
    "MODIF_CONF_CODE",
)
NOT_ASKED = Reason(
    "not-asked",
    "L'expéditeur ne demande pas cet envoi.",
    "The sender does not ask for this.",
    "MetaDMPMSS",
)
NO_RULE = Reason(
    "no-rule",
    "Le message ne nomme pas ce destinataire et aucune règle du site ne lui envoie ce document.",
    "The message does not name this recipient, and no rule of the site sends it this document.",
    "routing",
)
NO_INS = Reason(
    "no-trusted-ins",
    "L'INS du patient n'est pas qualifiée : l'envoi attend.",
    "The INS of the patient is not qualified: the mail waits.",
    "PID-32",
)
OTHER_INS = Reason(
    "other-ins-in-document",
    "Le document porte une autre INS que celle du patient : l'envoi attend une correction.",
    "The document names another INS than the patient's: the sending waits for a correction.",
    "ClinicalDocument/recordTarget/patientRole/id",
)
NO_ADDRESS = Reason(
    "no-address",
    "Aucune adresse de messagerie sécurisée utilisable n'est donnée pour ce destinataire.",
    "No usable secure mail address is given for this recipient.",
    "PRT-15",
)
NOT_IN_DIRECTORY = Reason(
    "not-in-directory",
    "L'annuaire ne donne encore aucune boîte pour ce destinataire : l'envoi attend.",
    "The directory gives no mailbox for this recipient yet: the mail waits.",
    "directory",
)
SEVERAL_MAILBOXES = Reason(
    "several-mailboxes",
    "L'annuaire donne plusieurs boîtes pour ce destinataire : une personne choisit.",
    "The directory gives several mailboxes for this recipient: a person chooses.",
    "directory",
)
UNLISTED = Reason(
    "unlisted",
    "La boîte de ce destinataire est en liste rouge : elle n'est utilisée que si elle est nommée.",
    "The mailbox of this recipient is unlisted: it is used only when it is named.",
    "directory",
)
MASKED_PROFESSIONALS = Reason(
    "masked-professionals",
    "Le document est masqué aux professionnels : le masque l'emporte sur l'envoi.",
    "The document is hidden from professionals: the mask wins over the sending.",
    "MASQUE_PS",
)
MASKED_PATIENT = Reason(
    "masked-patient",
    "Le document n'est pas visible par le patient : le masque l'emporte sur l'envoi.",
    "The document is not visible to the patient: the mask wins over the sending.",
    "INVISIBLE_PATIENT",
)
OTHER_PATIENT = Reason(
    "other-patient-mailbox",
    "La boîte de patient nommée n'est pas celle de l'INS du patient.",
    "The patient mailbox that is named is not that of the patient's INS.",
    "PRT-15",
)
DECEASED = Reason(
    "deceased",
    "Le patient est décédé : rien n'est envoyé à sa boîte.",
    "The patient has died: nothing is sent to the patient's mailbox.",
    "PID-30",
)
WITHDRAWN = Reason(
    "withdrawn",
    "Le document est retiré : rien n'est envoyé.",
    "The document is withdrawn: nothing is sent.",
    "OBX-11",
)
TYPE_BARRED = Reason(
    "type-barred",
    "Une règle du site n'envoie pas ce type de document par cette voie.",
    "A rule of the site does not send this type of document this way.",
    "routing.never",
)
RESTRICTED = Reason(
    "restricted",
    "La confidentialité du document est restreinte : il n'est pas partagé.",
    "The confidentiality of the document is restricted: it is not shared.",
    "ClinicalDocument/confidentialityCode",
)
NOT_IN_MATRIX = Reason(
    "flags-not-allowed",
    "Le volet n'admet pas cette combinaison d'indicateurs et le site l'applique strictement.",
    "The volet does not allow this combination of flags, and the site applies it strictly.",
    "MetaDMPMSS",
)
SHARING_OPPOSED = Reason(
    "sharing-opposed",
    "Le patient s'oppose au partage avec ce destinataire : rien n'est envoyé.",
    "The patient is opposed to sharing with this recipient: nothing is sent.",
    "Consent",
)
OPPOSED = Reason(
    "opposed",
    "Le patient s'oppose à l'alimentation de son DMP : rien n'est déposé.",
    "The patient is opposed to feeding the shared record: nothing is fed.",
    "ZFA-9",
)
REPLACED = Reason(
    "replaced",
    "Une version plus récente du document est déposée à la place.",
    "A newer version of the document is fed in its place.",
    "relatedDocument",
)
SENT_ALREADY = Reason(
    "sent-already",
    "Cette boîte a déjà reçu, ou reçoit, ce document.",
    "This mailbox has been sent this document already, or is about to be.",
    "outbox",
)

#: Nobody wants these: they are explained and never queued.
UNWANTED = frozenset({NOT_ASKED, NO_RULE})
#: Somebody asked, and the answer is no: the sender of the document is told.
REFUSALS = frozenset(
    {
        DECEASED,
        MASKED_PATIENT,
        MASKED_PROFESSIONALS,
        NOT_IN_MATRIX,
        OPPOSED,
        RESTRICTED,
        SHARING_OPPOSED,
        TYPE_BARRED,
    }
)
#: What waits for the directory.
WAITS_FOR_ADDRESS = frozenset({NOT_IN_DIRECTORY, SEVERAL_MAILBOXES, UNLISTED})
#: What waits for the identity of the patient.
WAITS_FOR_IDENTITY = frozenset({NO_INS, OTHER_INS})


#: Every reason by its word.
BY_WORD = {one.word: one for one in tuple(globals().values()) if isinstance(one, Reason)}


def words(reason: Reason) -> str:
    """Return what is noted beside a row that waits or is not sent."""
    return f"{reason.word}: {reason.en}"
