"""Judges a document by its model: code, level, sections, entries, templates nobody knows.

Does not judge what every document holds (`place_rules`). CI-SIS, the volet of each model.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gateway.cda.bodies import XDS_SD
from gateway.cda.reader import Document, Node
from gateway.conformance.cda import kinds
from gateway.conformance.cda.place_rules import rule_findings, shown
from gateway.conformance.cda.profiles import DocumentModel, Entry, Section, Times
from gateway.conformance.finding import Finding
from gateway.core.issues import Severity

#: Templates of the header, which name no model.
HEADERS = frozenset({"2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1"})
_BODY = "cda:component/cda:structuredBody"
_SECTIONS = f"{_BODY}/cda:component/cda:section"


def model_of(
    document: Document, models: Mapping[str, DocumentModel]
) -> tuple[Node, DocumentModel] | None:
    """Return the templateId that names the model of a document, and the model.

    The last one that is known: general models come before special ones. Level 1 takes the place
    of a model only when no other is named.
    """
    found: tuple[Node, DocumentModel] | None = None
    for node in document.root.children("templateId"):
        model = models.get(node.get("root"))
        if model is not None and (found is None or node.get("root") != XDS_SD):
            found = (node, model)
    return found


def model_findings(document: Document, models: Mapping[str, DocumentModel]) -> Iterator[Finding]:
    """Yield what breaks the rules of the model of a document."""
    yield from _level(document, models)
    named = model_of(document, models)
    if named is None:
        yield kinds.NO_MODEL.at(f"{document.place}/templateId")
        return
    template, model = named
    if model.versions and template.get("extension") not in ("", *model.versions):
        yield kinds.OTHER_VERSION.at(template.place, known=", ".join(model.versions))
    yield from _code(document, model)
    rules = model.rules
    unstructured = models.get(XDS_SD)
    if unstructured and unstructured is not model and _announces_level_1(document) is not None:
        rules += unstructured.rules
    yield from rule_findings(document, rules)
    if document.root.down("component", "structuredBody") is not None:
        version = template.get("extension")
        for section in model.sections:
            if not section.since or version >= section.since:
                yield from _section(document, section, model)


def template_findings(document: Document, known: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """Yield each template of the CI-SIS that is none of those known, with how often it is there."""
    arcs = tuple(f"{arc}." for arc in known if arc.count(".") == min(a.count(".") for a in known))
    first: dict[str, Node] = {}
    counts: Counter[str] = Counter()
    for node in document.select("cda:component/descendant::cda:templateId"):
        root = node.get("root")
        arc, _, number = root.rpartition(".")
        if root.startswith(arcs) and number not in known.get(arc, frozenset()):
            first.setdefault(root, node)
            counts[root] += 1
    for root, node in first.items():
        yield kinds.UNKNOWN_TEMPLATE.at(node.place, template=root, count=str(counts[root]))


def _level(document: Document, models: Mapping[str, DocumentModel]) -> Iterator[Finding]:
    """Compare what the templates announce with the body.

    Spec: HDR, level 1: the template of XDS-SD takes the place of that of the model.
    """
    announces = _announces_level_1(document)
    unstructured = document.root.down("component", "nonXMLBody")
    structured = document.root.down("component", "structuredBody")
    if announces is not None and structured is not None:
        yield kinds.LEVEL_DIFFERS.at(announces.place, announced="level 1", found="structured")
    named = model_of(document, models)
    if unstructured is not None and announces is None:
        place = named[0].place if named else f"{document.place}/templateId"
        yield kinds.LEVEL_DIFFERS.at(place, announced="a structured model", found="unstructured")


def _announces_level_1(document: Document) -> Node | None:
    templates = document.root.children("templateId")
    return next((node for node in templates if node.get("root") == XDS_SD), None)


def _code(document: Document, model: DocumentModel) -> Iterator[Finding]:
    code = document.root.child("code")
    if code is None or not model.codes:
        return
    said = (code.get("code"), code.get("codeSystem"))
    if said not in [(one.code, one.system) for one in model.codes]:
        expected = " or ".join(f"{one.code} ({one.system})" for one in model.codes)
        yield kinds.WRONG_CODE.at(
            code.place, clause=f"{model.clause}, header", model=model.name, expected=expected
        )


def _section(document: Document, section: Section, model: DocumentModel) -> Iterator[Finding]:
    deep = f"{_BODY}/descendant::cda:section"
    # The executable rules take a section wherever it stands; how often is counted at first level.
    everywhere = _of(document.select(deep), section)
    outer = _of(document.select(_SECTIONS), section)
    for text, severity in _cardinalities(section):
        times = Times.of(text)
        if len(everywhere) < times.least:
            place = f"{document.place}/{shown(_BODY)}"
            yield kinds.SECTION_MISSING.at(
                place,
                clause=model.clause,
                severity=severity,
                name=section.name,
                template=section.template,
            )
            break
        if times.most is not None and len(outer) > times.most:
            yield kinds.SECTION_REPEATED.at(
                outer[times.most].place,
                clause=model.clause,
                severity=severity,
                name=section.name,
                template=section.template,
                count=str(len(outer)),
                most=str(times.most),
            )
            break
    for node in everywhere:
        for entry in section.entries:
            yield from _entry(node, entry)


def _of(nodes: Sequence[Node], section: Section) -> list[Node]:
    found = [node for node in nodes if node.has_template(section.template)]
    if not section.translation:
        return found
    return [
        node
        for node in found
        if any(
            one.get("code") == section.translation
            for one in node.select("cda:code/cda:translation")
        )
    ]


def _entry(section: Node, entry: Entry) -> Iterator[Finding]:
    found = [
        node
        for node in section.select("cda:entry/*")
        if (code := node.child("code")) is not None
        and (code.get("code"), code.get("codeSystem")) == (entry.code, entry.system)
    ]
    for text, severity in _cardinalities(entry):
        times = Times.of(text)
        if len(found) < times.least:
            yield kinds.ENTRY_MISSING.at(
                section.place,
                clause=entry.clause,
                severity=severity,
                name=entry.name,
                entry=entry.code,
            )
            break
        if times.most is not None and len(found) > times.most:
            yield kinds.ENTRY_REPEATED.at(
                found[times.most].place,
                clause=entry.clause,
                severity=severity,
                name=entry.name,
                entry=entry.code,
                count=str(len(found)),
                most=str(times.most),
            )
            break
    for node in found:
        yield from _entry_value(node, entry)


def _entry_value(node: Node, entry: Entry) -> Iterator[Finding]:
    """Compare the value of an entry with the list of its model."""
    for value in node.children("value"):
        coded = f"{value.get('code')}|{value.get('codeSystem')}"
        if entry.values and not value.has_null_flavor and coded not in entry.values:
            yield kinds.NOT_IN_LIST.at(
                value.place, clause=entry.clause, name=f"the list of {entry.name}", version=""
            )


def _cardinalities(part: Section | Entry) -> Iterator[tuple[str, Severity]]:
    yield part.card, Severity.ERROR
    if part.strict is not None:
        yield part.strict, Severity.WARNING
