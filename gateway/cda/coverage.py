"""Tells, section by section, what of a document became structured.

Does not convert: it compares the statements of a document with those a conversion noted in its
context. A document is never refused for what this finds.
"""

from gateway.cda.codes import original_text, referenced_text
from gateway.cda.context import Context
from gateway.cda.entries import CONCERNS, ENTRY_STATEMENTS, section_key, sections
from gateway.cda.reader import Node
from gateway.core.coverage import SectionCoverage, Unread

#: Statements that are elements of another resource, by code: no resource of their own.
READ_ELSEWHERE = {
    "GEN-065": "DocumentReference.docStatus, Composition.status",
    "48767-8": "Composition.section.text",
}
#: The same by template: FR-Dispositions.
READ_ELSEWHERE_TEMPLATES = {
    "1.2.250.1.213.1.1.3.97": "Patient.extension preferred-establishment",
}


def coverage(context: Context) -> tuple[SectionCoverage, ...]:
    """Return what became of each section in document order; none for a level-1 document.

    Args:
        context: of a conversion that has run.
    """
    body = context.document.root.down("component", "structuredBody")
    if body is None:
        return ()
    return tuple(_section(section, context) for section in sections(body))


def unread(context: Context) -> list[Node]:
    """Return the statements of a document that gave nothing, in document order."""
    body = context.document.root.down("component", "structuredBody")
    if body is None:
        return []
    return [
        statement
        for section in sections(body)
        for statement in section.select(ENTRY_STATEMENTS)
        if not _is_read(statement, context)
    ]


def _section(section: Node, context: Context) -> SectionCoverage:
    statements = section.select(ENTRY_STATEMENTS)
    lost = [statement for statement in statements if not _is_read(statement, context)]
    title, code, text = (section.child(name) for name in ("title", "code", "text"))
    words = title.text() if title is not None else ""
    return SectionCoverage(
        place=section.place,
        template=section_key(section),
        code=code.get("code") if code is not None else "",
        title=words or (code.get("displayName") if code is not None else ""),
        statements=len(statements),
        made=tuple(context.made_in(section)),
        unread=tuple(_unread(statement) for statement in lost),
        has_text=text is not None and bool(text.text()),
        has_sections=bool(section.children("component")),
    )


def _is_read(statement: Node, context: Context) -> bool:
    """Tell whether a statement, or one inside it, gave something, or has nothing to give."""
    code = statement.child("code")
    if code is not None and code.get("code") in READ_ELSEWHERE:
        return True
    if any(statement.has_template(root) for root in READ_ELSEWHERE_TEMPLATES):
        return True
    return context.is_made_inside(statement) or says_nothing(statement)


def says_nothing(statement: Node) -> bool:
    """Tell whether a statement has a nullFlavor, or is a list of problems or allergies of none.

    Letters write "no known allergy" as a list whose observation names no substance.
    """
    if statement.has_null_flavor or _is_shell(statement):
        return True
    if not any(statement.has_template(root) for root in CONCERNS):
        return False
    inside = "cda:entryRelationship[@typeCode='SUBJ']/cda:observation"
    named = (*statement.select(f"{inside}/cda:value"),
             *statement.select(f"{inside}/cda:participant/cda:participantRole/cda:playingEntity"
                               "/cda:code"))  # fmt: skip
    return not any(node.get("code") or original_text(node) for node in named)


def _is_shell(statement: Node) -> bool:
    """Tell whether an act has a nullFlavor for its code and no words, as models demand one."""
    code, text = statement.child("code"), statement.child("text")
    if statement.name != "procedure" or code is None or not code.has_null_flavor:
        return False
    return not (original_text(code) or code.child("translation") or referenced_text(text))


def _unread(statement: Node) -> Unread:
    code = statement.child("code")
    return Unread(
        place=statement.place,
        templates=tuple(t.get("root") for t in statement.children("templateId")),
        code=code.get("code") if code is not None else "",
    )
