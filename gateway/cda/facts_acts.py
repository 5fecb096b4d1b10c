"""What a report asserts beside its own existence: a visit at home, a delivery, a tumour.

Spec: CI-SIS JDV_J07, 11506-3, 60593-1 and 60568-3; volet Structuration minimale.
"""

from gateway.cda.contacts import stamp
from gateway.cda.reader import Node
from gateway.cda.telling import FACTS, Telling, converter, first_of, last_of
from gateway.mapping.facts import When, when_of

__all__ = ["FACTS"]

_EVENT_TIME = "cda:documentationOf/cda:serviceEvent/cda:effectiveTime"
_VALUES = (
    "cda:component/cda:structuredBody/descendant::cda:observation[not(@negationInd='true')]"
    "/cda:value[@code and (@codeSystem='{}')]"
)
_ICDO3, _ICD10 = "2.16.840.1.113883.6.43.1", "2.16.840.1.113883.6.3"
#: Behaviour of ICD-O-3, and chapters of ICD-10; in situ and uncertain are neither.
_MALIGNANT_ENDS, _BENIGN_END = ("/3", "/6", "/9"), "/0"
_MALIGNANT = tuple(f"C{number:02}" for number in range(98))
_BENIGN = tuple(f"D{number}" for number in range(10, 37))
#: Profession of an author (JDV_J01) -> role in a pathway.
_ROLES = {"G15_60": "nurse", "G15_10/SM26": "gp", "G15_10/SM53": "gp", "G15_10/SM54": "gp"}


@converter("visit_report")
def visit_report(_node: Node, telling: Telling) -> str:
    """Return the key of the visit that a report tells of, whatever its version."""
    return f"HOME|{telling.context.set_key}"


@converter("delivery")
def delivery(_node: Node, telling: Telling) -> str:
    """Return the key of a delivery of medicines, whatever the version of its document."""
    return f"RX|{telling.context.set_key}"


@converter("act_time")
def act_time(node: Node, telling: Telling) -> When:
    """Return when the act of a report was done: its service event, else when it was written.

    Spec: CI-SIS Structuration minimale, documentationOf/serviceEvent/effectiveTime.
    """
    for times in node.select(_EVENT_TIME):
        found = stamp(times.child("low")) or stamp(times)
        if found is not None:
            return when_of(found)
    return when_of(telling.context.created)


@converter("author_role")
def author_role(node: Node, _telling: Telling) -> str | None:
    """Return the part an author has in a pathway; other professions have none.

    Spec: CI-SIS Structuration minimale, author/assignedAuthor/code, JDV_J01.
    """
    code = node.get("code")
    return _ROLES.get(code) or _ROLES.get(code.partition("/")[0])


@converter("supplied_from")
def supplied_from(node: Node, _telling: Telling) -> str | None:
    """Return from when the delivered medicines are to be taken: the first of all lines.

    Spec: CDA R2 supply/expectedUseTime.
    """
    found = [at for one in _uses(node) if (at := first_of(one.child("low")) or first_of(one))]
    return min(found, default=None)


@converter("supplied_until")
def supplied_until(node: Node, _telling: Telling) -> str | None:
    """Return until when the delivered medicines last: the line that ends first.

    Spec: CDA R2 supply/expectedUseTime.
    """
    found = [at for one in _uses(node) if (at := last_of(one.child("high")))]
    return min(found, default=None)


def _uses(node: Node) -> list[Node]:
    return list(node.select("cda:component/cda:structuredBody/descendant::cda:expectedUseTime"))


@converter("has_malignant_code")
def has_malignant_code(node: Node, _telling: Telling) -> bool | None:
    """Tell whether a report of pathology codes a malignant tumour; nothing when it does not say.

    Spec: ICD-O-3 morphology, behaviour /3, /6 and /9; ICD-10 C00 to C97.
    """
    morphologies = [value.get("code") for value in node.select(_VALUES.format(_ICDO3))]
    tumours = [value.get("code") for value in node.select(_VALUES.format(_ICD10))]
    if any(code.endswith(_MALIGNANT_ENDS) for code in morphologies):
        return True
    if any(code.startswith(_MALIGNANT) for code in tumours):
        return True
    is_benign = any(code.endswith(_BENIGN_END) for code in morphologies)
    return False if is_benign or any(code.startswith(_BENIGN) for code in tumours) else None
