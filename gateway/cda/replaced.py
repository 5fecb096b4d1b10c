"""What a document says about resources that other documents make.

The document it replaces is no longer current; what a version before it planned and this one
tells as done is completed. What this one no longer says needs no word: the fold sees it
(`fhir.versions`). CDA R2 relatedDocument RPLC; IHE ITI XDS RPLC.
"""

from gateway.cda.context import Context
from gateway.cda.entries import PLAN_SECTION
from gateway.cda.reader import Node
from gateway.core.contributions import Contribution, Target, TraceLine, Version

_RPLC = "HDR relatedDocument RPLC"
_DONE = "CI-SIS FR-Plan-de-soins: moodCode EVN"
_DONE_ACTS = (
    f"cda:component/cda:structuredBody/descendant::cda:section"
    f"[cda:templateId/@root='{PLAN_SECTION}']/cda:entry/cda:procedure[@moodCode='EVN']"
)


def words_on_others(
    context: Context, version: Version, trace: list[TraceLine]
) -> list[Contribution]:
    """Return what a document says about resources it does not make.

    Args:
        context: of a conversion that has run.
        version: of everything the document says.
        trace: gets the lines that explain it, when there are any.
    """
    found: list[Contribution] = []
    for target in _replaced_documents(context):
        found.append(_word(target, "superseded", version))
        _explain(found[-1], f"{context.document.place}/relatedDocument", _RPLC, trace)
    for act in context.document.select(_DONE_ACTS):
        planned = context.entry_id("ServiceRequest", act)
        if planned is not None and act.get("negationInd") != "true":
            target = Target("ServiceRequest", planned)
            found.append(_word(target, "completed", version, context.document_key))
            _explain(found[-1], act.place, _DONE, trace)
    return found


def _word(target: Target, status: str, version: Version, document: str = "") -> Contribution:
    resource = {"resourceType": target.type, "id": target.id, "status": status}
    return Contribution(target, version, resource, annotates=True, document=document)


def _explain(part: Contribution, source: str, spec: str, trace: list[TraceLine]) -> None:
    if trace:
        name = f"{part.target.type}/{part.target.id}"
        trace += [TraceLine(name, element, source, "replaced", spec)
                  for element in ("id", "status")]  # fmt: skip


def _replaced_documents(context: Context) -> list[Target]:
    named: list[Node] = context.document.select(
        "cda:relatedDocument[@typeCode='RPLC']/cda:parentDocument/cda:id"
    )
    targets = [
        Target("DocumentReference", context.document_id(node)) for node in named if node.get("root")
    ]
    return [target for target in targets if target != context.reference]
