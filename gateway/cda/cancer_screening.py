"""The conduct after a mammogram: what follows, how often, and which reader decides.

First reader, immediate work-up and second reader each write a plan. The last one decides on the
conduct; what they ask for besides is asked once (`cda.entries`). CI-SIS CANCER-D2LM-FIN and
CANCER-D2LM-FIDD, FR-Plan-de-soins: GEN-007 conduct, MED-120 frequency of control.
"""

from gateway.cda.codes import PERIOD_UNITS, concept_of, number
from gateway.cda.contacts import stamp
from gateway.cda.context import Context
from gateway.cda.entries import PLAN_SECTION, section_key
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json

_CONDUCT, _FREQUENCY = "GEN-007", "MED-120"
_LATERALITY = "20228-3"


def plan_sections(section: Node) -> list[Node]:
    """Return the sections of a document that hold the same plan as this one, in its order."""
    if not section.has_template(PLAN_SECTION):
        return [section]
    name = section_key(section)
    found = section.document.select(
        f"cda:component/cda:structuredBody/descendant::cda:section"
        f"[cda:templateId/@root='{PLAN_SECTION}']"
    )
    return [one for one in found if section_key(one) == name]


def is_overruled(node: Node) -> bool:
    """Tell whether a later reader decides on the conduct.

    Spec: CI-SIS CANCER-D2LM-FIN, sections 2.58 first reader, 2.59 work-up, 2.174 second reader.
    """
    if _code(node) not in (_CONDUCT, _FREQUENCY):
        return False
    own = node.above("section")
    if own is None:
        return False
    same = plan_sections(own)
    at = next((at for at, one in enumerate(same) if one.key is own.key), len(same))
    return any(_beside(section, _CONDUCT) for section in same[at + 1 :])


def is_frequency(node: Node) -> bool:
    """Tell whether a statement only says how often the conduct beside it is to be repeated."""
    section = node.above("section")
    return _code(node) == _FREQUENCY and section is not None and bool(_beside(section, _CONDUCT))


def frequency_of(node: Node) -> Node | None:
    """Return the quantity that says how often a conduct is repeated, None when none does."""
    section = node.above("section")
    if _code(node) != _CONDUCT or section is None:
        return None
    return next((v for one in _beside(section, _FREQUENCY) if (v := one.child("value"))), None)


def decided(node: Node) -> Node | None:
    """Return the conduct that counts, for one that is overruled and for its frequency."""
    section = node.above("section")
    if section is None or not (is_overruled(node) or is_frequency(node)):
        return None
    last = [one for same in plan_sections(section) for one in _beside(same, _CONDUCT)]
    return last[-1]


@converter("conduct_code")
def conduct_code(node: Node, context: Context) -> Json | None:
    """Give the conduct or the exam itself before its kind.

    Spec: CI-SIS CANCER-D2LM, GEN-007, value of JDV_ConduiteATenir; MED-035, value in words.
    """
    kind, said = concept_of(node.child("code"), context), concept_of(node.child("value"), context)
    if kind is None or said is None:
        return None
    codings = [*said.get("coding", ()), *kind.get("coding", ())]
    return {"coding": codings, "text": said.get("text") or kind.get("text", "")}


@converter("laterality")
def laterality(node: Node, context: Context) -> Json | None:
    """Give the side that qualifies what was looked for.

    Spec: CI-SIS CANCER-D2LM, code/qualifier, LOINC 20228-3.
    """
    for qualifier in node.children("qualifier"):
        name = qualifier.child("name")
        if name is not None and name.get("code") == _LATERALITY:
            return concept_of(qualifier.child("value"), context)
    return None


@converter("control_timing")
def control_timing(node: Node, context: Context) -> Json | None:
    """Give how often a conduct is to be repeated, from its date on.

    Spec: CI-SIS CANCER-D2LM, MED-120, value of type PQ; FHIR R4 Timing.repeat.
    """
    often = frequency_of(node)
    value = number(often.get("value")) if often is not None else None
    if often is None or not value or often.get("unit") not in PERIOD_UNITS:
        return None
    repeat: Json = {"frequency": 1, "period": value, "periodUnit": often.get("unit")}
    since = stamp(node.child("effectiveTime"), context)
    if since is not None:
        repeat = {"boundsPeriod": {"start": since.text_fhir}, **repeat}
    return {"repeat": repeat}


def _beside(section: Node, code: str) -> list[Node]:
    return section.select(f"cda:entry/cda:observation[cda:code/@code='{code}']")


def _code(node: Node) -> str:
    code = node.child("code") if node.name == "observation" else None
    return "" if code is None else code.get("code")
