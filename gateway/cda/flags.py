"""What everybody who cares for a patient must know at once: multi-resistant organisms.

CI-SIS volet LDL-SES, MED-144; volet DLU, U83.7 of the ICD-10.
"""

from gateway.cda.codes import coding_of
from gateway.cda.context import Context
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json

#: How a ward writes into a mandatory text that there is nothing to tell.
_NOTHING = frozenset(
    {"", "-", "/", "0", "aucun", "aucune", "non", "néant", "neant", "ras", "r.a.s.", "négatif",
     "negatif", "sans objet", "absence", "nr", "non recherché", "non renseigné"}
)  # fmt: skip


@converter("organism_flag_id")
def organism_flag_id(node: Node, context: Context) -> str | None:
    """Give the id of the Flag of an organism that was found; none for "none".

    Spec: LDL-SES MED-144 identification of multi-resistant organisms, ST; DLU U83.71, BL.
    """
    value = node.child("value")
    if value is None or node.get("negationInd") == "true":
        return None
    if value.type == "BL":
        found = value.get("value") == "true"
    else:
        said = value.get("code") or value.text()
        found = said.casefold().strip(" .") not in _NOTHING
    return context.making("Flag", node) if found else None


@converter("organism")
def organism(node: Node, context: Context) -> Json | None:
    """Give what was found: the code of the statement with the words or codes of its value."""
    code, value = node.child("code"), node.child("value")
    codings = [coding_of(part, context) for part in (value, code) if part is not None]
    said = value.text() if value is not None else ""
    named = code.get("displayName") if code is not None else ""
    found: Json = {"coding": [coding for coding in codings if coding], "text": said or named}
    return {key: item for key, item in found.items() if item} or None
