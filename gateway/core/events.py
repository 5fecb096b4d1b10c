"""The alphabet of facts: event names, and the attributes rules may read of each.

Names only: which message asserts an event is written in the mapping files, what an event means for
a pathway in the rules. Attributes marked (computed) are filled in by `pathway.enrich` from all
facts of a person when no message says them; those marked (raw) are what it computes from.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any


class Kind(Enum):
    """Type of an attribute."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "true or false"
    #: `Z` text, whole seconds.
    INSTANT = "instant"
    #: List of texts.
    TEXTS = "list of texts"


#: LOINC or other type code of a document (CI-SIS JDV_J07) -> name in `DOC.<name>`.
DOCUMENT_NAMES: Mapping[str, str] = {
    "11490-0": "LDL_SES",
    "18761-7": "LDL_EES",
    "96349-6": "ADRESSAGE",
    "34794-8": "FRCP",
    "18776-5": "PPS",
    "34112-3": "CRH",
    "34874-8": "CRO",
    "60568-3": "ACP",
    "51969-4": "CRGM",
    "18748-4": "IMG",
    "11502-2": "BIO",
    "11488-4": "CONSULT",
    "11506-3": "AUXMED",
    "15507-7": "ED",
    "60280-5": "ED_RETURN",
    "78341-5": "ED_TRANSFER",
    "74207-2": "DLU",
    "88348-8": "MS_ENTRY",
    "83981-1": "MS_EXIT",
    "60591-5": "VSM",
    "SYNTH": "VSM",
    "80820-4": "CONCIL",
    "56445-0": "CONCIL",
    "60593-1": "DISP",
    "57833-6": "RX",
    "57832-8": "RX",
    "83901-9": "PSY",
    "85208-7": "TLM_CR",
    "75496-0": "TLM_DA",
    "56446-8": "APPT_NOTICE",
    "34133-9": "EPISODE",
    "77604-7": "PLAN",
    "80788-3": "PPA",
    "EXPPAT_3": "DIRECTIVES",
}

#: The three documents of the nursing-home file share one type code, and those of a person cared
#: for at home have none of their own; the template tells.
_DLU_BY_TEMPLATE = {
    "1.2.250.1.213.1.1.1.22": "DLU",
    "1.2.250.1.213.1.1.1.23": "FLUDT",
    "1.2.250.1.213.1.1.1.24": "FLUDR",
    "1.2.250.1.213.1.1.1.48": "DLU",
    "1.2.250.1.213.1.1.1.49": "FLUDT",
    "1.2.250.1.213.1.1.1.50": "FLUDR",
}

DOCUMENTS = frozenset({*DOCUMENT_NAMES.values(), *_DLU_BY_TEMPLATE.values(), "OTHER"})

#: Kinds of a request `REQ.<kind>.<step>`.
SUPPORT_KINDS = ("psy", "diet", "social", "apa", "pain", "fertility", "oncogeriatrics")
REQUEST_KINDS = ("smr", "had", "dac", "hdj", "palliative", "consult", "exam", "rcp", *SUPPORT_KINDS)

#: GEN-065 of a CI-SIS document: SNOMED CT code -> `completion`.
COMPLETIONS: Mapping[str, str] = {
    "385651009": "in_progress",
    "398166005": "done",
    "9571008": "approved",
    "29179001": "closed",
}

EVENTS = frozenset(
    {
        *(
            f"ENC.{name}"
            for name in (
                "PREADMIT", "ADMIT", "OUTPT", "ED_IN", "MOVE", "LEAVE_OUT", "LEAVE_BACK",
                "DISCH_PLANNED", "DISCHARGE",
            )
        ),
        *(
            f"PAT.{name}"
            for name in (
                "MERGE", "UNLINK", "DEATH", "INS_OK", "INS_KO", "DMP_OPPOSED", "GP_KNOWN",
            )
        ),
        *(f"{family}.{name}" for family in ("DOC", "DOCV") for name in DOCUMENTS),
        "PPS.STEP",
        "PPS.STEP_DROPPED",
        "LDL.PROMISE",
        "SND.DMP_OK",
        "SND.DMP_KO",
        "SND.MSS_OK",
        "SND.MSS_KO",
        "SND.MSS_READ",
        "SND.HELD_NO_INS",
        "SND.WITHDRAWAL_DUE",
        "SND.WITHDRAWN",
        *(
            f"REQ.{kind}.{step}"
            for kind in REQUEST_KINDS
            for step in ("SENT", "ACCEPTED", "REFUSED", "WITHDRAWN")
        ),
        # One message gave both numbers of an order: of its placer, and of its filler.
        "REQ.NUMBERED",
        *(f"APPT.{name}" for name in ("BOOKED", "MOVED", "CANCELLED", "NOSHOW", "DONE")),
        "HOME.VISIT",
        "RX.DISPENSED",
        "TASK.ACK",
        "TASK.DONE",
        "CALL.DONE",
        "FEED.HEARTBEAT",
        "FEED.SILENT",
        "FEED.ALIVE",
        "FEED.SKEW",
        "FEED.REJECTS",
        "FEED.DRAINED",
    }
)  # fmt: skip

#: Said again while they last, by every message or by each version of a document: dated by the
#: first word since they were last taken back, not by the latest. A letter that was there on time
#: stays on time when it is corrected a week later, an appointment when it is moved.
STANDING = frozenset(
    {
        "PAT.GP_KNOWN",
        "PAT.DMP_OPPOSED",
        "PAT.DEATH",
        "APPT.BOOKED",
        *(f"DOC.{name}" for name in DOCUMENTS),
    }
)

#: States of a person that last: one that began before a trigger still holds.
LASTING = frozenset({"PAT.DEATH", "PAT.DMP_OPPOSED"})

#: End what stood under the same key: a cancelled appointment that is booked again is booked then.
ENDING = frozenset({"APPT.CANCELLED", "APPT.NOSHOW", "APPT.DONE"})


def is_told_in_parts(event: str) -> bool:
    """Tell whether the assertions of one key complete each other.

    One movement may travel in several messages, and a correction leaves out what it does not
    touch: each attribute is that of the latest word that has it.
    """
    return event.startswith("ENC.")


#: Attributes of a movement that are one statement: the first without the others says that these
#: are none. ZFM-4 empty beside ZFM-2 means home, whatever ZFM-4 was before.
SAID_TOGETHER: Mapping[str, tuple[str, ...]] = {
    "mode": ("destination_code",),
    "entry_mode": ("provenance", "ed_passage"),
}

#: Of every fact: FINESS of the establishment, feed, event time, receipt.
_COMMON = {"estab": Kind.TEXT, "source": Kind.TEXT, "te": Kind.INSTANT, "tr": Kind.INSTANT}

_STAY = {"visit": Kind.TEXT, "stay_start": Kind.INSTANT, "stay_end": Kind.INSTANT}

_ENCOUNTER = {
    **_STAY,  # start and end computed
    "unit": Kind.TEXT,  # UF that hosts, as sent
    "estab_unit": Kind.TEXT,  # `<estab>#<unit>`
    "patient_class": Kind.TEXT,  # PV1-2
    "sector": Kind.TEXT,  # computed: mco smr usld psy had ms home
    "open_episode": Kind.TEXT,  # computed: `had` or `smr` when such a stay is open elsewhere
    "admit_kind": Kind.TEXT,  # computed: emergency planned transfer mutation
    "mode": Kind.TEXT,  # ZFM-2
    "destination": Kind.TEXT,  # computed: home mco smr usld psy had ms dead unknown
    "detail": Kind.TEXT,  # computed: refines destination
    "destination_finess": Kind.TEXT,  # PV1-37.1, else the transfer act of the letter
    "circumstance": Kind.TEXT,  # PV1-36
    "length_of_stay_h": Kind.NUMBER,  # computed
    "gp": Kind.TEXT,  # computed: RPPS of the médecin traitant
    "return_due": Kind.INSTANT,  # PV2-47, else computed
    "risk": Kind.BOOLEAN,  # computed
    "dossier": Kind.TEXT,  # raw: PID-18
    "destination_code": Kind.TEXT,  # raw: ZFM-4
    "entry_mode": Kind.TEXT,  # raw: ZFM-1
    "provenance": Kind.TEXT,  # raw: ZFM-3
    "ed_passage": Kind.TEXT,  # raw: ZFM-5
    "admit_source": Kind.TEXT,  # raw: PV1-14
    "overlap_estab": Kind.TEXT,  # computed: where another inpatient stay is open
    "overlap_visit": Kind.TEXT,  # computed: its visit
    "purpose": Kind.TEXT,  # chemotherapy radiotherapy surgery ambulatory-surgery
    "next_session": Kind.INSTANT,  # of a series: when the next one is planned
    "nursing": Kind.TEXT,  # prescribed care at home: urgent standard
    "age": Kind.NUMBER,  # years
    "drugs": Kind.NUMBER,  # on the prescription
    "local_destination": Kind.TEXT,  # raw: ZFV-9 through the table of the site
    "last_visit": Kind.TEXT,  # raw: PV1-41, D for the last visit of the dossier
}

_DOCUMENT = {
    **_STAY,
    "type": Kind.TEXT,
    "setid": Kind.TEXT,
    "version": Kind.NUMBER,
    "uid": Kind.TEXT,
    "completion": Kind.TEXT,  # values of COMPLETIONS
    "recipients": Kind.TEXTS,  # RPPS
    "gp": Kind.TEXT,  # INF/PCP, else computed
    "author": Kind.TEXT,  # RPPS
    "pending_results": Kind.BOOLEAN,
    "case": Kind.TEXT,  # FRCP: discussed, recorded
    "first_line": Kind.BOOLEAN,
    "enrolment_id": Kind.TEXT,
    "ins_qualified": Kind.BOOLEAN,
    "session_time": Kind.INSTANT,  # FRCP: the meeting; PPS: ORG-189
    "malignant": Kind.BOOLEAN,  # pathology report: a malignant code
    "handed_at": Kind.INSTANT,  # PPS: GEN-178, handed to the patient
    "reason": Kind.TEXT,  # PPS: GEN-037, why there is another version
    "discharge_modality": Kind.TEXT,  # raw: ORG-074
    "admission_modality": Kind.TEXT,  # raw: ORG-070
    "destination_finess": Kind.TEXT,  # of a transfer: FLUDT to the hospital, FLUDR back
    "empty": Kind.BOOLEAN,  # raw: a body without content, which proves no letter
}

_PLANNED = {
    **_STAY,
    "setid": Kind.TEXT,
    "version": Kind.NUMBER,  # of the document that says it
    "kind": Kind.TEXT,  # encounter, observation, procedure
    "code": Kind.TEXT,
    "mood": Kind.TEXT,
    "priority": Kind.TEXT,  # CS, UR, ...
    "date": Kind.INSTANT,
    "low": Kind.INSTANT,
    "high": Kind.INSTANT,
    "content": Kind.TEXT,  # of an act: code of `cancer-care`, whichever document says it
    "route": Kind.TEXT,  # ORG-006, mode of administration
    "performer": Kind.TEXT,  # RPPS of the first one named
    "about": Kind.TEXT,  # `Type/id` of what is made of the item
}

_SEND = {
    "doc": Kind.TEXT,  # setid or uid of the document
    "about": Kind.TEXT,  # `DocumentReference/id` of the version that is sent
    "channel": Kind.TEXT,
    "recipient": Kind.TEXT,  # RPPS
    "address": Kind.TEXT,
    "code": Kind.TEXT,
    "read_requested": Kind.BOOLEAN,
    "domain_emits_mdn": Kind.BOOLEAN,
    "assumed": Kind.BOOLEAN,  # no notice to be expected from this domain
}

_REQUEST = {
    "visit": Kind.TEXT,
    "setid": Kind.TEXT,  # of the document that confirms an appointment
    "request": Kind.TEXT,
    "filler": Kind.TEXT,  # `ServiceRequest/id` of the request under the number of its filler
    "kind": Kind.TEXT,  # of an appointment: a kind of REQUEST_KINDS, `consult` for a plain visit
    "enrolment_id": Kind.TEXT,
    "priority": Kind.TEXT,  # urgent standard
    "purpose": Kind.TEXT,  # of hospital at home: chemotherapy
    "session_time": Kind.INSTANT,
    "acceptor": Kind.TEXT,
    "proposed_date": Kind.INSTANT,
    "appointment": Kind.TEXT,
    "role": Kind.TEXT,  # `gp`, `nurse`, or the code of a speciality
}

#: What is known of a family, the part of an event before its first dot.
ATTRIBUTES: Mapping[str, Mapping[str, Kind]] = {
    family: {**_COMMON, **own}
    for family, own in {
        "ENC": _ENCOUNTER,
        # other: the second id of a merge; status: PID-32
        "PAT": {"gp": Kind.TEXT, "other": Kind.TEXT, "status": Kind.TEXT},
        "DOC": _DOCUMENT,
        "DOCV": _DOCUMENT,
        "LDL": _PLANNED,
        "PPS": _PLANNED,
        "SND": _SEND,
        "REQ": _REQUEST,
        "APPT": _REQUEST,
        "HOME": _REQUEST,
        "RX": {"setid": Kind.TEXT, "low": Kind.INSTANT, "high": Kind.INSTANT},  # period supplied
        "TASK": {"doc": Kind.TEXT, "recipient": Kind.TEXT, "request": Kind.TEXT},
        "CALL": {"role": Kind.TEXT, "request": Kind.TEXT},
        "FEED": {
            "feed": Kind.TEXT,  # or an event of one, `<feed>:A03`
            "skew_s": Kind.NUMBER,  # by how much its clock is behind
            "rejects": Kind.NUMBER,  # in an hour
        },
    }.items()
}

#: Which feed of an establishment brings a family; families Relais makes itself have none.
FEED_KINDS: Mapping[str, str] = {
    "ENC": "ADT",
    "PAT": "ADT",
    "DOC": "DOC",
    "DOCV": "DOC",
    "LDL": "DOC",
    "PPS": "DOC",
    "APPT": "SIU",
    "REQ": "ORD",
}


def family(event: str) -> str:
    """Return the part of an event, or of a pattern `DOC.*`, before the first dot."""
    return event.partition(".")[0]


def document_key(setid: str) -> str:
    """Return the key of the fact `DOC.<name>` of a document, whatever its version."""
    return f"DOC|{setid}"


def document_of(event: str, attributes: Mapping[str, Any]) -> str:
    """Return the key of the document that promises a fact, and may drop it in a later version.

    Empty for documents themselves and for what no document promises.
    """
    setid = attributes.get("setid")
    return document_key(setid) if setid and not event.startswith("DOC") else ""


def document_name(code: str, template: str = "") -> str:
    """Return the name of a document in `DOC.<name>`; `OTHER` when its type has none.

    Args:
        code: type code (JDV_J07).
        template: CI-SIS templateId root, which tells the nursing-home documents apart.
    """
    return _DLU_BY_TEMPLATE.get(template) or DOCUMENT_NAMES.get(code, "OTHER")


def events_of(pattern: str) -> frozenset[str]:
    """Return the events a name or a pattern `DOC.*` stands for; empty when unknown."""
    if pattern.endswith(".*"):
        return frozenset(event for event in EVENTS if event.startswith(pattern[:-1]))
    return frozenset({pattern}) if pattern in EVENTS else frozenset()


def events_named(pattern: str) -> frozenset[str]:
    """Return the events of a pattern of a rule, `ENC.ADMIT|DOC.*`; empty when one is unknown."""
    parts = [events_of(part) for part in pattern.split("|")]
    return frozenset().union(*parts) if all(parts) else frozenset()


def families(pattern: str) -> frozenset[str]:
    """Return the families of the events of a pattern; empty when one is unknown."""
    return frozenset(family(event) for event in events_named(pattern))
