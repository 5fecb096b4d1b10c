"""What a document asserts about a pathway: that it exists, what it promises, whom it names.

Every document gives two facts: `DOC.<name>` of its setId, which the latest version speaks for,
and `DOCV.<name>` of this version, which stays. A planned visit, exam or act of a letter is a
promise of its own; its key is that of the entry, so an unchanged promise of a new version is the
same one, and it names its setId, so that a new version that does not say it drops it
(`pathway.facts`). CI-SIS volet Structuration minimale; FR-Plan-de-soins.
"""

import re
from hashlib import blake2b
from typing import Any

from gateway.cda import facts_acts, facts_cancer
from gateway.cda.bodies import model_of
from gateway.cda.context import Context
from gateway.cda.followup import PLANNED, planned_time, planned_type
from gateway.cda.professionals import professional_key
from gateway.cda.reader import Node
from gateway.cda.stay import encounter_class_of, stay_times
from gateway.cda.structures import organization_key
from gateway.cda.telling import FACTS, Telling, converter, first_of, last_of
from gateway.core.contributions import Version
from gateway.core.events import COMPLETIONS
from gateway.core.events import document_key as key_of
from gateway.core.events import document_name as name_of
from gateway.core.facts import Assertion
from gateway.fhir.identity import FINESS_SYSTEM, RPPS_SYSTEM
from gateway.mapping.facts import CompiledFact, Speaker, When, run_facts, when_of
from gateway.mapping.sites import Site

__all__ = ["FACTS", "Telling", "assertions", "establishment", "facts_acts", "facts_cancer", "feed"]

_FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")


def feed(site: Site, custodian: str) -> str:
    """Return the feed of a document that came alone."""
    return f"{establishment(site, custodian) or custodian or 'cda'}:DOC"


def establishment(site: Site, custodian: str) -> str:
    """Return the FINESS of the site, else that of the custodian."""
    return site.finess or (custodian if _FINESS.fullmatch(custodian) else "")


def assertions(
    plans: tuple[CompiledFact, ...], context: Context, site: Site, custodian: str
) -> list[Assertion]:
    """Return what a document asserts.

    Args:
        plans: compiled from the `emits` of its model.
        context: of the document.
        site: of the custodian, or of the message around it.
        custodian: FINESS or other identifier of the custodian.
    """
    envelope = context.envelope
    created = context.created.bounds_utc()[0]
    estab = establishment(site, custodian)
    if envelope is not None:
        estab = envelope.finess or estab
    speaker = Speaker(
        revision=Version(created, created, min(context.version, 999_999), "").key(),
        sent_at=created,
        patient=context.patient,
        source=envelope.feed if envelope and envelope.feed else feed(site, custodian),
        estab=estab,
    )
    root: Any = context.document.root
    return run_facts(plans, root, Telling(context, estab), speaker)


# --- keys -------------------------------------------------------------------------------------


@converter("document")
def document_set(_node: Node, telling: Telling) -> str:
    """Return the key of a document whatever its version: setId, else its id.

    Spec: CDA R2 setId.
    """
    return key_of(telling.context.set_key)


@converter("document_version")
def document_version(_node: Node, telling: Telling) -> str:
    """Return the key of one version of a document.

    Spec: CDA R2 setId, versionNumber.
    """
    context = telling.context
    return f"DOCV|{context.set_key}|{context.version}"


@converter("replaced_document")
def replaced_document(parent: Node, telling: Telling) -> str | None:
    """Return the key of a document that this one replaces, when it is not the same setId.

    Spec: CDA R2 relatedDocument RPLC, parentDocument/setId, parentDocument/id.
    """
    named = next((n for n in (*parent.children("setId"), *parent.children("id"))
                  if n.get("root")), None)  # fmt: skip
    if named is None:
        return None
    return _other(telling.context.set_key_of(named.get("root"), named.get("extension")), telling)


@converter("replaced_by_message")
def replaced_by_message(_node: Node, telling: Telling) -> str | None:
    """Return the key of the document the message around this one says it replaces.

    Spec: CI-SIS volet on CDA documents in HL7 v2, TXA-13.
    """
    envelope = telling.context.envelope
    if envelope is None or not envelope.replaces:
        return None
    root, _, extension = envelope.replaces.partition("^")
    return _other(telling.context.set_key_of(root, extension), telling)


def _other(key: str, telling: Telling) -> str | None:
    """Return the key of another document: one that replaces itself takes nothing back."""
    return None if key == telling.context.set_key else key_of(key)


@converter("promise")
def promise(node: Node, telling: Telling) -> str | None:
    """Return the key of a planned item, None for one that is done or is a goal.

    Entry ids repeat in real documents, so setId, section, codes and rank make the key.
    Spec: CI-SIS FR-Plan-de-soins; HL7 ActMood.
    """
    entry = telling.context.entries.get(node.key)
    if entry is None or node.get("moodCode") not in PLANNED:
        return None
    text = "|".join((telling.context.set_key, *map(str, entry)))
    return f"LDL|{blake2b(text.encode(), digest_size=16).hexdigest()}"


@converter("booked")
def booked(node: Node, telling: Telling) -> str | None:
    """Return the key of the appointment a letter confirms."""
    found = telling.context.entry_id("Appointment", node)
    return f"Appointment/{found}" if found else None


@converter("patient_gp")
def patient_gp(node: Node, telling: Telling) -> str | None:
    """Return the key of a known family doctor: patient, hospital and RPPS."""
    number = rpps(node, telling)
    if number is None:
        return None
    return f"Patient/{telling.context.patient.id}|{telling.estab}|gp|{number}"


# --- name and time ----------------------------------------------------------------------------


@converter("document_name", gives=("*",))
def document_name(_node: Node, telling: Telling) -> str:
    """Return the name of a document, of its type code.

    Spec: CI-SIS JDV_J07; templateId of the model for the nursing-home documents.
    """
    document = telling.context.document
    code = document.root.child("code")
    return name_of(code.get("code") if code is not None else "", model_of(document))


@converter("created")
def created(_node: Node, telling: Telling) -> When:
    """Return when the document was made: it exists since then, whenever it arrives.

    Spec: CI-SIS Structuration minimale, effectiveTime.
    """
    return when_of(telling.context.created)


# --- attributes of a document -----------------------------------------------------------------


@converter("set_id")
def set_id(_node: Node, telling: Telling) -> str:
    """Return the setId, else the id, as root or root#extension."""
    return telling.context.set_key


@converter("version")
def version(_node: Node, telling: Telling) -> int:
    """Return versionNumber, 0 when absent."""
    return telling.context.version


@converter("unique_id")
def unique_id(node: Node, _telling: Telling) -> str | None:
    """Return the id of the document as XDS writes it.

    Spec: IHE ITI XDS, uniqueId: root, or root^extension.
    """
    root, extension = node.get("root"), node.get("extension")
    return f"{root}^{extension}" if root and extension else root or None


@converter("visit")
def visit(_node: Node, telling: Telling) -> str | None:
    """Return the visit number of the message around the document."""
    envelope = telling.context.envelope
    return envelope.visit or None if envelope else None


@converter("stay_start")
def stay_start(node: Node, telling: Telling) -> str | None:
    """Return the start of the stay a document is about.

    Spec: CI-SIS Structuration minimale, encompassingEncounter, else serviceEvent.
    """
    return _stay_told(node, telling)[0]


@converter("stay_end")
def stay_end(node: Node, telling: Telling) -> str | None:
    """Return the end of the stay; of a date its last second."""
    return _stay_told(node, telling)[1]


def _stay_told(node: Node, telling: Telling) -> tuple[str | None, str | None]:
    """Return start and end of the stay as attributes hold them: most facts of a letter ask."""
    memo, place = telling.context.memo, ("stay told", "")
    found: tuple[str | None, str | None] | None = memo.get(place)
    if found is None:
        times = _stay_of(node)
        found = None, None
        if times is not None:
            start = first_of(times.child("low")) or first_of(times)
            found = start, last_of(times.child("high"))
        memo[place] = found
    return found


def _stay_of(node: Node) -> Node | None:
    """Return the times of the stay; a meeting in the absence of the patient is none."""
    root = node.document.root
    return None if encounter_class_of(root)[1] == "VR" else stay_times(root)


@converter("completion")
def completion(node: Node, _telling: Telling) -> str | None:
    """Return how far a document is.

    Spec: CI-SIS FR-Statut-du-document, GEN-065.
    """
    return COMPLETIONS.get(node.get("code"))


@converter("rpps")
def rpps(node: Node, _telling: Telling) -> str | None:
    """Return the RPPS of a professional, nothing for another number.

    Spec: CI-SIS Structuration minimale, PS_IdNat.
    """
    found = professional_key(node)
    return found.value if found and found.system == RPPS_SYSTEM else None


@converter("finess")
def finess(node: Node, _telling: Telling) -> str | None:
    """Return the FINESS of a structure, nothing for another number.

    Spec: CI-SIS Structuration minimale, Struct_IdNat.
    """
    found = organization_key(node)
    return found.value if found and found.system == FINESS_SYSTEM else None


@converter("has_text")
def has_text(node: Node, _telling: Telling) -> bool | None:
    """Tell whether a section says anything."""
    said = node.child("text")
    return True if said is not None and said.text() else None


@converter("ins_qualified")
def ins_qualified(_node: Node, telling: Telling) -> bool:
    """Tell whether the INS of the patient may be used."""
    return telling.context.ins_allowed


@converter("is_empty")
def is_empty(node: Node, telling: Telling) -> bool | None:
    """Tell that a body holds nothing; such a document proves no letter.

    Spec: CI-SIS Structuration minimale, structuredBody; IHE XDS-SD, nonXMLBody.
    """
    body = node.down("component", "structuredBody")
    if body is None:
        return None if len(telling.context.attached) > 1 else True
    for section in body.select("descendant::cda:section"):
        if section.children("entry") or has_text(section, telling):
            return None
    return True


# --- attributes of a planned item -------------------------------------------------------------


@converter("item_kind")
def item_kind(node: Node, _telling: Telling) -> str:
    """Return the kind of a planned item: encounter, observation or procedure."""
    return node.name


@converter("item_resource")
def item_resource(node: Node, telling: Telling) -> str | None:
    """Return `Type/id` of the resource a planned item becomes."""
    type_ = planned_type(node)
    found = telling.context.entry_id(type_, node) if type_ else None
    return f"{type_}/{found}" if found else None


@converter("item_date")
def item_date(node: Node, _telling: Telling) -> str | None:
    """Return the moment of a planned item when it is a point in time."""
    return first_of(planned_time(node))


@converter("item_low")
def item_low(node: Node, _telling: Telling) -> str | None:
    """Return the start of the period of a planned item."""
    times = planned_time(node)
    return first_of(times.child("low")) if times is not None else None


@converter("item_high")
def item_high(node: Node, _telling: Telling) -> str | None:
    """Return the end of the period of a planned item; of a date its last second."""
    times = planned_time(node)
    return last_of(times.child("high")) if times is not None else None
