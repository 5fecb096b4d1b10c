"""Builders of cancer documents; people, structures and numbers are invented."""

from tests.unit.cda.documents import FACILITY, TA, cda, section, sections

LN = "2.16.840.1.113883.6.1"
SCT = "2.16.840.1.113883.6.96"
NCI = "2.16.840.1.113883.3.26.1.1"
PPS = '<templateId root="1.2.250.1.213.1.1.1.26"/>'
FRCP = '<templateId root="1.2.250.1.213.1.1.1.8"/>'
FIN = '<templateId root="1.2.250.1.213.1.1.1.27"/>'
THERAPEUTIC, SUPPORTIVE = "MED-566", "MED-567"
FORESEEN = "GEN-177"
#: What a document about no stay has for an encounter: a meeting without the patient.
ABOUT_NO_STAY = (
    '<componentOf><encompassingEncounter><code code="VR" codeSystem="2.16.840.1.113883.5.4"/>'
    f'<effectiveTime><low value="20260302140000+0100"/></effectiveTime>{FACILITY}'
    "</encompassingEncounter></componentOf>"
)
UNKNOWN = '<effectiveTime nullFlavor="UNK"/>'


def coded(name: str, code: str, system: str = TA, inner: str = "", display: str = "") -> str:
    """Build an element with a code."""
    shown = f' displayName="{display}"' if display else ""
    return f'<{name} code="{code}" codeSystem="{system}"{shown}>{inner}</{name}>'


def observation(code: str, *parts: str, system: str = TA, template: str = "48") -> str:
    """Build an observation that was made."""
    return (
        f'<observation classCode="OBS" moodCode="EVN">'
        f'<templateId root="1.2.250.1.213.1.1.3.{template}"/>{coded("code", code, system)}'
        f"{''.join(parts)}</observation>"
    )


def inside(kind: str, statement: str) -> str:
    """Build a statement inside another one."""
    return f'<entryRelationship typeCode="{kind}">{statement}</entryRelationship>'


def times(low: str, high: str) -> str:
    """Build a period."""
    return f'<effectiveTime><low value="{low}"/><high value="{high}"/></effectiveTime>'


def foreseen(low: str, high: str) -> str:
    """Build the foreseen dates of an act."""
    return inside("COMP", observation(FORESEEN, times(low, high)))


def boolean(value: str) -> str:
    """Build a value of type BL."""
    return f'<value xsi:type="BL" value="{value}"/>'


def words(reference: str) -> str:
    """Build a value that is said in the narrative."""
    original = f'<originalText><reference value="#{reference}"/></originalText>'
    return f'<value xsi:type="CD">{original}</value>'


def line(
    kind: str, content: str, *inner: str, mood: str = "INT", system: str = TA, own: str = UNKNOWN,
    status: str = "completed",
) -> str:  # fmt: skip
    """Build a line of a programme: the kind as code, the content as qualifier without name."""
    qualifier = f"<qualifier>{coded('value', content, system)}</qualifier>"
    return (
        f'<procedure classCode="PROC" moodCode="{mood}">'
        f'<templateId root="1.2.250.1.213.1.1.3.62"/>{coded("code", kind, inner=qualifier)}'
        f'<statusCode code="{status}"/>{own}{"".join(inner)}</procedure>'
    )


def programme(
    *lines: str, part: str = THERAPEUTIC, text: str = "", beside: str = "", header: str = ""
) -> bytes:
    """Build a programme of care with one plan section, and perhaps another section."""
    translation = coded("translation", part)
    translated = f'<code code="18776-5" codeSystem="{LN}">{translation}</code>'
    plan = section("158", *lines, text=text).replace("<text>", f"{translated}<text>", 1)
    return cda(
        template=PPS, code=coded("code", "18776-5", LN), header=header, stay=ABOUT_NO_STAY,
        body=sections(plan, beside),
    )  # fmt: skip


def board(*sections_: str, header: str = "", stay: str = ABOUT_NO_STAY) -> bytes:
    """Build the record of a tumour board."""
    return cda(
        template=FRCP, code=coded("code", "34794-8", LN), header=header, stay=stay,
        body=sections(*sections_),
    )  # fmt: skip
