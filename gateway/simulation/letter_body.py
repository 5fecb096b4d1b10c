"""The level-3 body of a discharge letter: sections and entries of LDL-SES 2022.01.

Each section has its narrative; each entry points into it. Beside the sections of the model the
body carries the active problems (PCC 1.3.6.1.4.1.19376.1.5.3.1.3.6), which CDA bodies allow.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from lxml import etree

from gateway.simulation.cda_elements import (
    LOINC,
    SNOMED,
    TA,
    code,
    day,
    doctor_id,
    doctor_name,
    el,
    entry_id,
    see,
    templates,
)
from gateway.simulation.clinical import Case
from gateway.simulation.letter_entries import (
    allergy_entry,
    follow_up_entry,
    problem_entry,
    treatment_entry,
)
from gateway.simulation.steps import LetterSent, Step

_PCC = "1.3.6.1.4.1.19376.1.5.3.1"
_CISIS_SECTION = "1.2.250.1.213.1.1.2"
_CISIS_ENTRY = "1.2.250.1.213.1.1.3"
#: Discharge mode (JDV_ModaliteSortie_CISIS) of each sector.
WAYS_OUT = {
    "home": ("160849004", SNOMED, "retour au domicile"),
    "smr": ("109", "1.2.250.1.213.1.6.1.8", "Etablissement de santé privé autorisé en SSR"),
    "had": ("127", "1.2.250.1.213.1.6.1.8", "Hospitalisation à Domicile"),
    "ms": (
        "500",
        "1.2.250.1.213.1.6.1.8",
        "Etablissement d'hébergement pour personnes âgées dépendantes",
    ),
    "mco": ("GEN-092.06.01", TA, "Autre établissement de santé"),
    "unknown": ("GEN-092.06.03", TA, "Autre destination"),
}
_PLANNED = ("8715000", SNOMED, "hospitalisation programmée")
_URGENT = ("183452005", SNOMED, "hospitalisation en urgence")
_TRANSFER = ("107724000", SNOMED, "transfert du patient")


def structured_body(step: Step, letter: LetterSent, content: Case, document: str) -> etree._Element:
    """Return the structuredBody with its sections in the order of the model."""
    sections = (
        _status(step, letter, document),
        _reason(letter),
        _events(letter, content, document),
        _problems(content, document),
        _stopped(letter, content, document),
        _treatments(letter, content, document),
        _results(),
        _plan(letter, content, document),
        _allergies(content, document),
    )
    body = el("structuredBody")
    for section in sections:
        if section is not None:
            body.append(el("component", section))
    return body


def _section(
    roots: Sequence[str],
    loinc: tuple[str, str],
    title: str,
    narrative: etree._Element,
    entries: Iterable[etree._Element] = (),
) -> etree._Element:
    section = el("section", *templates(*roots), code(loinc[0], LOINC, loinc[1]), el("title", title))
    section.append(narrative)
    for entry in entries:
        section.append(el("entry", entry))
    return section


def _table(rows: Iterable[tuple[str, str, str]]) -> etree._Element:
    """Return a narrative table; each row is (label, text, ID of the text)."""
    body = el("tbody")
    for label, text, name in rows:
        body.append(el("tr", el("td", label), el("td", el("content", text, ID=name))))
    return el("text", el("table", body, border="0"))


def _observation(
    document: str,
    kinds: Sequence[str],
    what: tuple[str, str],
    name: str,
    when: date,
    value: etree._Element,
) -> etree._Element:
    """Return an FR-Simple-Observation; `kinds` are its own templates below CISIS.3.48."""
    own = [f"{_CISIS_ENTRY}.48.{kind}" for kind in kinds]
    return el(
        "observation",
        *templates(f"{_PCC}.4.13", f"{_CISIS_ENTRY}.48", *own),
        entry_id(document, what[0]),
        code(what[0], TA, what[1]),
        see(name),
        el("statusCode", code="completed"),
        day(when),
        value,
        classCode="OBS",
        moodCode="EVN",
    )


def _status(step: Step, letter: LetterSent, document: str) -> etree._Element:
    state = ("385651009", "en cours") if letter.in_progress else ("398166005", "réalisé")
    value = el("value", xsi_type="CD", code=state[0], codeSystem=SNOMED, displayName=state[1])
    entry = _observation(
        document, ("16", "16.1"), ("GEN-065", "Statut du document"), "statut",
        step.recorded.date(), value,
    )  # fmt: skip
    return _section(
        (f"{_CISIS_SECTION}.35", f"{_CISIS_SECTION}.35.1"),
        ("33557-0", "Etat d'achèvement"),
        "Statut du document",
        _table([("Statut", state[1], "statut")]),
        [entry],
    )


def _reason(letter: LetterSent) -> etree._Element:
    return _section(
        (f"{_PCC}.3.1", f"{_CISIS_SECTION}.127"),
        ("42349-1", "Raison de la recommandation"),
        "Motif d'hospitalisation",
        _table([("Motif", letter.visit.care.reason, "motif")]),
    )


def _events(letter: LetterSent, content: Case, document: str) -> etree._Element:
    visit = letter.visit
    way_in = _TRANSFER if visit.care.origin else _URGENT if visit.care.urgent else _PLANNED
    way_out = WAYS_OUT[letter.exit.sector]
    summary = f"{visit.care.reason} pour {content.disease.label.lower()}. Suites simples."
    start, end = letter.admitted.date(), letter.discharged.date()
    no = el("value", xsi_type="BL", value="false")

    def coded(choice: tuple[str, str, str]) -> etree._Element:
        return el(
            "value", xsi_type="CE", code=choice[0], codeSystem=choice[1], displayName=choice[2]
        )

    def text(words: str) -> etree._Element:
        return el("value", words, xsi_type="ST")

    told = (
        ("6", "ORG-070", "Modalité d'entrée", "entree", way_in[2], start, coded(way_in)),
        ("7", "ORG-074", "Modalité de sortie", "sortie", way_out[2], end, coded(way_out)),
        ("9", "MED-142", "Synthèse médicale", "synthese", summary, end, text(summary)),
        ("3", "MED-143", "Evènements indésirables", "evenements", "Aucun", end, text("Aucun")),
        ("8", "MED-309", "Recherche de BMR ou BHRe", "bmr", "Non", end, no),
        ("10", "MED-145", "Transfusion", "transfusion", "Non", end, _copy(no)),
        ("2", "MED-147", "Dérivés du sang", "derives", "Non", end, _copy(no)),
    )
    return _section(
        (
            f"{_PCC}.1.21.2.9",
            "1.3.6.1.4.1.19376.1.7.3.1.1.13.7",
            f"{_CISIS_SECTION}.163",
            f"{_CISIS_SECTION}.163.1",
        ),
        ("42545-4", "Evènements observés"),
        "Synthèse médicale du séjour",
        _table((label, words, name) for _, _, label, name, words, _, _ in told),
        [
            _observation(document, (kind,), (ta, label), name, when, value)
            for kind, ta, label, name, _, when, value in told
        ],
    )


def _problems(content: Case, document: str) -> etree._Element:
    found = [content.disease, *content.others]
    return _section(
        ("2.16.840.1.113883.10.20.1.11", f"{_PCC}.3.6", f"{_CISIS_SECTION}.132"),
        ("11450-4", "Liste des problèmes actifs"),
        "Problèmes actifs",
        _table(("Problème", item.label, f"pb{n}") for n, item in enumerate(found, 1)),
        [problem_entry(document, n, item) for n, item in enumerate(found, 1)],
    )


def _stopped(letter: LetterSent, content: Case, document: str) -> etree._Element | None:
    if not content.stopped:
        return None
    stay = (letter.admitted.date(), letter.discharged.date())
    return _section(
        (f"{_PCC}.3.21", f"{_CISIS_SECTION}.145"),
        ("18610-6", "Traitements administrés"),
        "Traitements arrêtés durant le séjour",
        _table((item.name, item.rhythm, f"arret{n}") for n, item in enumerate(content.stopped, 1)),
        [
            treatment_entry(document, f"arret{n}", item, stay)
            for n, item in enumerate(content.stopped, 1)
        ],
    )


def _treatments(letter: LetterSent, content: Case, document: str) -> etree._Element:
    after = (letter.discharged.date(), None)
    return _section(
        (f"{_PCC}.3.22", f"{_CISIS_SECTION}.146"),
        ("10183-2", "Traitements à la sortie"),
        "Traitements à la sortie",
        _table((item.name, item.rhythm, f"med{n}") for n, item in enumerate(content.at_exit, 1)),
        [
            treatment_entry(document, f"med{n}", item, after)
            for n, item in enumerate(content.at_exit, 1)
        ],
    )


def _results() -> etree._Element:
    return _section(
        (f"{_PCC}.3.27", f"{_CISIS_SECTION}.150"),
        ("30954-2", "Résultats d'examens"),
        "Résultats d'examens",
        _table([("Examen attendu", "Anatomopathologie de la pièce opératoire", "resultat")]),
    )


def _plan(letter: LetterSent, content: Case, document: str) -> etree._Element:
    plan = content.follow_ups
    gp = letter.visit.person.gp
    performer = el(
        "performer",
        el("assignedEntity", doctor_id(gp), el("assignedPerson", doctor_name(gp))),
        typeCode="PRF",
    )
    rows = (
        (f"{item.day:%d/%m/%Y}" if item.day else "Date à fixer", item.label, f"suite{n}")
        for n, item in enumerate(plan, 1)
    )
    return _section(
        ("2.16.840.1.113883.10.20.1.10", f"{_PCC}.3.36", f"{_CISIS_SECTION}.158"),
        ("18776-5", "Plan de soins"),
        "Suites à donner",
        _table(rows),
        [
            follow_up_entry(document, n, item, _copy(performer) if item.kind == "to_book" else None)
            for n, item in enumerate(plan, 1)
        ],
    )


def _allergies(content: Case, document: str) -> etree._Element:
    words = content.allergy[1] if content.allergy else "Aucune allergie connue"
    return _section(
        ("2.16.840.1.113883.10.20.1.2", f"{_PCC}.3.13", f"{_CISIS_SECTION}.137"),
        ("48765-2", "Allergies et hypersensibilités"),
        "Allergies identifiées",
        _table([("Allergie", words, "allergie")]),
        [allergy_entry(document, content.allergy)],
    )


def _copy(element: etree._Element) -> etree._Element:
    """Return a twin: an lxml element has one parent only."""
    return etree.fromstring(etree.tostring(element))
