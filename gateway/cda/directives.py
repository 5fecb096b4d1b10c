"""What a patient wishes for a time when they cannot speak.

CI-SIS content template FR-Directive-anticipée; CSP L1111-11; IHE PCC 1.3.6.1.4.1.19376.1.5.3.1.
4.13.7.
"""

from typing import Any

from gateway.cda.attachments import attached_reference
from gateway.cda.codes import concept_of
from gateway.cda.contacts import date_time
from gateway.cda.context import Context
from gateway.cda.entries import parts_of
from gateway.cda.header import document_identifier
from gateway.cda.reader import Node
from gateway.cda.registry import converter
from gateway.core.contributions import Json

#: Directives as such; every other code is one treatment that is wanted or not.
_DIRECTIVES = "42348-3"


@converter("directive_id")
def directive_id(node: Node, context: Context) -> str | None:
    """Give the id of the Consent of a directive; none when it is said that there are none.

    "No directives" stays an observation: as a Consent it would say the opposite.

    Spec: CI-SIS FR-Directive-anticipée, value BL.
    """
    if _is_denied(node) or concept_of(node.child("code"), context) is None:
        return None
    return context.making("Consent", node)


def _is_denied(node: Node) -> bool:
    code, value = node.child("code"), node.child("value")
    general = code is None or code.get("code") == _DIRECTIVES
    return general and value is not None and value.get("value") == "false"


@converter("no_directive_id")
def no_directive_id(node: Node, context: Context) -> str | None:
    """Give the id of the Observation that there are no directives."""
    named = concept_of(node.child("code"), context)
    return context.making("Observation", node) if named and _is_denied(node) else None


@converter("directive_date")
def directive_date(node: Node, context: Context) -> Any:
    """Give when a directive was written: a moment, or the start of its period.

    Spec: CI-SIS FR-Directive-anticipée, effectiveTime.
    """
    return date_time(node.child("low") or node, context)


@converter("directive_provision")
def directive_provision(node: Node, context: Context) -> Json | None:
    """Give which treatment is wanted or not; directives as such provide for nothing coded.

    Spec: CI-SIS FR-Directive-anticipée, code and value BL; FHIR R4 Consent.provision.
    """
    code, value = node.child("code"), node.child("value")
    if code is None or code.get("code") == _DIRECTIVES or value is None:
        return None
    kind = {"true": "permit", "false": "deny"}.get(value.get("value"))
    said = concept_of(code, context)
    return {"type": kind, "code": [said]} if kind and said else None


@converter("directive_source")
def directive_source(node: Node, context: Context) -> Json | None:
    """Give the document that holds the directives: a file inside, else one named by its id.

    Spec: CI-SIS FR-Directive-anticipée, observationMedia or reference/externalDocument/id.
    """
    for part in parts_of(node):
        found = attached_reference(part, context) if part.name == "observationMedia" else None
        if found:
            return found
    for named in node.select("cda:reference/cda:externalDocument/cda:id"):
        identifier = document_identifier(named, context)
        if identifier:
            return {"type": "DocumentReference", "identifier": identifier}
    return None
