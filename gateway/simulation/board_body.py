"""The body of what a tumour board writes: that the case was discussed, in its initial phase.

Spec: CI-SIS CANCER-FRCP, ORG-127 (ORG-134 discussed) and MED-243 (MED-268 initial phase).
"""

from lxml import etree

from gateway.simulation.cda_elements import TA, code, el

_SAID = (
    ("ORG-127", "Statut du dossier", "ORG-134", "Cas discuté"),
    ("MED-243", "Phase du cancer", "MED-268", "Phase initiale"),
)


def board_body() -> etree._Element:
    """Return a structuredBody with the two statements a pathway waits for."""
    text = el("text", "Cas discuté, phase initiale (document fictif)")
    entries = [
        el(
            "entry",
            el(
                "observation",
                code(name, TA, label),
                el("statusCode", code="completed"),
                el("value", xsi_type="CD", code=value, codeSystem=TA, displayName=told),
                classCode="OBS",
                moodCode="EVN",
            ),
        )
        for name, label, value, told in _SAID
    ]
    section = el(
        "section",
        code("42349-1", "2.16.840.1.113883.6.1", "Motif de la réunion"),
        el("title", "Réunion de concertation pluridisciplinaire"),
        text,
        *entries,
    )
    return el("structuredBody", el("component", section))
