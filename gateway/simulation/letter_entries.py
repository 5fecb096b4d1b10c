"""The coded entries of a discharge letter: problems, treatments, follow-ups, allergies.

Templates of the CI-SIS content modules (FR-Problème, FR-Traitement, FR-Produit-de-santé, FR-Acte,
FR-Demande-d'examen-ou-de-suivi, FR-Rencontre, FR-Allergie) with their IHE PCC parents.
"""

from datetime import date

from lxml import etree

from gateway.simulation.cda_elements import (
    ACT_CODE,
    LOINC,
    SNOMED,
    TA,
    code,
    day,
    el,
    entry_id,
    see,
    templates,
)
from gateway.simulation.clinical import Disease, FollowUp, Treatment

_PCC = "1.3.6.1.4.1.19376.1.5.3.1"
_CCD = "2.16.840.1.113883.10.20.1"
_CISIS = "1.2.250.1.213.1.1.3"
_PRIORITY = "2.16.840.1.113883.5.7"


def problem_entry(document: str, number: int, problem: Disease) -> etree._Element:
    """Return an active problem: FR-Liste-des-problèmes holding one FR-Problème."""
    name = f"pb{number}"
    observation = el(
        "observation",
        *templates(f"{_CCD}.28", f"{_PCC}.4.5", f"{_CISIS}.37"),
        entry_id(document, name, "problem"),
        code("282291009", SNOMED, "interprétation diagnostique"),
        see(name),
        el("statusCode", code="completed"),
        el("effectiveTime", el("low", nullFlavor="UNK")),
        el(
            "value",
            el("originalText", el("reference", value=f"#{name}")),
            xsi_type="CD",
            code=problem.code,
            codeSystem="2.16.840.1.113883.6.3",
            displayName=problem.label,
        ),
        classCode="OBS",
        moodCode="EVN",
        negationInd="false",
    )
    return el(
        "act",
        *templates(f"{_CCD}.27", f"{_PCC}.4.5.1", f"{_PCC}.4.5.2", f"{_CISIS}.39"),
        entry_id(document, name),
        el("code", nullFlavor="NA"),
        el("statusCode", code="active"),
        el("effectiveTime", el("low", nullFlavor="UNK")),
        el("entryRelationship", observation, typeCode="SUBJ", inversionInd="false"),
        classCode="ACT",
        moodCode="EVN",
    )


def treatment_entry(
    document: str, name: str, treatment: Treatment, when: tuple[date, date | None]
) -> etree._Element:
    """Return a treatment: taken at a rhythm, from a day to a day or without known end."""
    low, high = when
    amount = str(treatment.tablets)
    return el(
        "substanceAdministration",
        *templates(f"{_CISIS}.42", f"{_CCD}.24", f"{_PCC}.4.7", f"{_PCC}.4.7.1"),
        entry_id(document, name),
        code("DRUG", ACT_CODE, "Médicament"),
        see(name),
        el("statusCode", code="completed"),
        el("effectiveTime", day(low, "low"), day(high, "high"), xsi_type="IVL_TS"),
        el(
            "effectiveTime",
            el("period", value=str(treatment.every_hours), unit="h"),
            xsi_type="PIVL_TS",
            operator="A",
        ),
        code("20053000", "0.4.0.127.0.16.1.1.2.1", "Voie orale", "routeCode"),
        el(
            "doseQuantity",
            el("low", value=amount, unit="{tbl}"),
            el("high", value=amount, unit="{tbl}"),
        ),
        el("consumable", _product(name, treatment)),
        classCode="SBADM",
        moodCode="EVN",
    )


def _product(name: str, treatment: Treatment) -> etree._Element:
    """Return the product: its French code (CIS) is not known, the ATC code is."""
    material = el(
        "manufacturedMaterial",
        el(
            "code",
            el("originalText", el("reference", value=f"#{name}")),
            code(treatment.atc, "2.16.840.1.113883.6.73", treatment.name, "translation"),
            nullFlavor="NAV",
        ),
        el("name", treatment.name),
    )
    kinds = templates(f"{_CISIS}.43", f"{_CCD}.53", f"{_PCC}.4.7.2")
    return el("manufacturedProduct", *kinds, material)


def follow_up_entry(
    document: str, number: int, item: FollowUp, performer: etree._Element | None
) -> etree._Element:
    """Return something planned: an act, a request, a booked encounter or one still to book."""
    name = f"suite{number}"
    if item.kind == "act":
        return _act(document, name, item)
    if item.kind == "request":
        return _request(document, name, item)
    booked = item.kind == "booked"
    encounter = el(
        "encounter",
        *templates(f"{_CCD}.25", f"{_PCC}.4.14", f"{_CISIS}.58"),
        entry_id(document, name),
        code(item.code, ACT_CODE, "Ambulatoire (hors établissement)"),
        see(name),
        day(item.day),
        classCode="ENC",
        moodCode="PRMS" if booked else "ARQ",
    )
    if not booked:
        encounter.append(code("CS", _PRIORITY, "recontacter pour fixer RDV", "priorityCode"))
    if performer is not None:
        encounter.append(performer)
    return encounter


def _act(document: str, name: str, item: FollowUp) -> etree._Element:
    procedure = el(
        "procedure",
        *templates(f"{_CCD}.25", f"{_PCC}.4.19", f"{_CISIS}.62"),
        entry_id(document, name),
        code(item.code, "1.2.250.1.215.300.1", item.label),
        see(name),
        el("statusCode", code="active"),
        day(item.day),
        classCode="PROC",
        moodCode="INT",
    )
    if item.urgent:
        procedure.append(code("UR", _PRIORITY, "Urgent", "priorityCode"))
    return procedure


def _request(document: str, name: str, item: FollowUp) -> etree._Element:
    return el(
        "observation",
        *templates(f"{_CCD}.25", f"{_PCC}.1.20.3.1", f"{_CISIS}.27"),
        entry_id(document, name),
        code(item.code, TA, "Demande d'examen ou de suivi"),
        see(name),
        el("statusCode", code="active"),
        day(item.day),
        el("value", item.label, xsi_type="ST"),
        classCode="OBS",
        moodCode="INT",
    )


def allergy_entry(document: str, allergy: tuple[str, str] | None) -> etree._Element:
    """Return a known allergy to a substance, or the statement that none is known."""
    observation = el(
        "observation",
        *templates(f"{_CCD}.28", f"{_CCD}.18", f"{_PCC}.4.5", f"{_PCC}.4.6", f"{_CISIS}.41"),
        entry_id(document, "allergie", "observation"),
        code("416098002", SNOMED, "allergie médicamenteuse"),
        see("allergie"),
        el("statusCode", code="completed"),
        el("effectiveTime", el("low", nullFlavor="UNK")),
        classCode="OBS",
        moodCode="EVN",
    )
    reference = el("originalText", el("reference", value="#allergie"))
    if allergy is None:
        absent = "no-known-medication-allergies"
        label = "Pas d'allergie médicamenteuse connue"
        observation.append(
            el(
                "value", reference, xsi_type="CD", code=absent,
                codeSystem="2.16.840.1.113883.5.1150.1", displayName=label,
            )
        )  # fmt: skip
    else:
        observation.append(el("value", reference, xsi_type="CD"))
        observation.append(_agent(allergy))
        for relation in _details(document):
            observation.append(relation)
    return el(
        "act",
        *templates(f"{_CCD}.27", f"{_PCC}.4.5.1", f"{_PCC}.4.5.3", f"{_CISIS}.40"),
        entry_id(document, "allergie"),
        el("code", nullFlavor="NA"),
        el("statusCode", code="active" if allergy else "completed"),
        _since(allergy is None),
        el("entryRelationship", observation, typeCode="SUBJ", inversionInd="false"),
        classCode="ACT",
        moodCode="EVN",
    )


def _since(over: bool) -> etree._Element:
    """Return the time of a concern: both ends when it is closed, a beginning when it lasts."""
    time = el("effectiveTime", el("low", nullFlavor="UNK"))
    if over:
        time.append(el("high", nullFlavor="NA"))
    return time


def _agent(allergy: tuple[str, str]) -> etree._Element:
    entity = el(
        "playingEntity",
        code(allergy[0], "2.16.840.1.113883.6.73", allergy[1]),
        el("name", allergy[1]),
        classCode="MMAT",
    )
    return el("participant", el("participantRole", entity, classCode="MANU"), typeCode="CSM")


def _details(document: str) -> list[etree._Element]:
    """Return the reaction (MFST), its severity (SUBJ) and the status of the allergy (REFR)."""
    reaction = el(
        "observation",
        *templates(f"{_CCD}.28", f"{_CCD}.54", f"{_PCC}.4.5", f"{_CISIS}.37"),
        entry_id(document, "allergie", "reaction"),
        code("418799008", SNOMED, "symptôme rapporté par le patient ou le répondant"),
        see("allergie"),
        el("statusCode", code="completed"),
        el("effectiveTime", el("low", nullFlavor="UNK")),
        el("value", xsi_type="CD", code="126485001", codeSystem=SNOMED, displayName="urticaire"),
        classCode="OBS",
        moodCode="EVN",
    )
    severity = el(
        "observation",
        *templates(f"{_CCD}.55", f"{_PCC}.4.1", f"{_CISIS}.29"),
        code("SEV", ACT_CODE, "Sévérité"),
        see("allergie"),
        el("statusCode", code="completed"),
        el("value", xsi_type="CD", code="6736007", codeSystem=SNOMED, displayName="modéré"),
        classCode="OBS",
        moodCode="EVN",
    )
    status = el(
        "observation",
        *templates(f"{_CCD}.57", f"{_CCD}.50", f"{_PCC}.4.1.1", f"{_CISIS}.30"),
        code("33999-4", LOINC, "Status"),
        see("allergie"),
        el("statusCode", code="completed"),
        el(
            "value", xsi_type="CE", code="active",
            codeSystem="2.16.840.1.113883.4.642.4.1373", displayName="actif",
        ),
        classCode="OBS",
        moodCode="EVN",
    )  # fmt: skip
    return [
        el("entryRelationship", reaction, typeCode="MFST", inversionInd="false"),
        el("entryRelationship", severity, typeCode="SUBJ", inversionInd="true"),
        el("entryRelationship", status, typeCode="REFR", inversionInd="false"),
    ]
