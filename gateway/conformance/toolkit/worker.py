"""The inside of a worker process: compiles schemas and schematrons once, runs them on documents.

Does not know documents nor kits, only files. Runs in the main thread of a process that does nothing
else: Saxon ends the whole process when threads share it. Nothing it gives back is a value of the
document. Standards: ISO/IEC 19757-3 (Schematron, SVRL), W3C XML Schema 1.0.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lxml import etree

_SCH = "{http://purl.oclc.org/dsdl/schematron}"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_LITERAL = re.compile(r"""^\s*(?:'([^']*)'|"([^"]*)")\s*$""")
_NAMES = frozenset({"name()", "local-name()", "name(.)", "local-name(.)"})
_VALUE = re.compile(r"""'[^']*'|"[^"]*"|\{[^}]*\}""")
#: What libxml2 writes around a value of the document.
_QUOTED = (
    (re.compile(r"\bvalue '.*?'(?= (?:is|has|of|does|for)\b)", re.DOTALL), "value"),
    (re.compile(r": '.*?' is not a valid value", re.DOTALL), ": this is not a valid value"),
    (re.compile(r"key-sequence \[.*?\](?= in )", re.DOTALL), "key-sequence"),
)
_WARNINGS = frozenset({"warning", "warn"})
_NOTES = frozenset({"info", "information", "hint"})
_LONGEST = 600

NO_SAXON = "saxonche is not installed"


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is asked.

    Attributes:
        kind: `schema` or `schematron`.
        sheet: path of the file to check with.
        document: to check; None to compile only.
    """

    kind: str
    sheet: str
    document: bytes | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One word of a schema or schematron.

    Attributes:
        location: path of element names with positions.
        rule: pattern, id or kind of fault.
        severity: `error`, `warning` or `information`.
        text: sentence without a value of the document.
    """

    location: str
    rule: str
    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker answers.

    Attributes:
        found: by the check.
        problem: why it could not be made, empty when it was.
    """

    found: tuple[Found, ...] = ()
    problem: str = ""


def serve(connection: Connection, engine: tuple[str, ...]) -> None:
    """Answer jobs until the other end hangs up.

    Args:
        connection: gives `Job`, takes `Answer`.
        engine: the three style sheets from a schematron to one of Saxon.
    """
    # Saxon writes what it thinks of a document to the terminal, with its words.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    workbench = Workbench(engine)
    while True:
        try:
            job: Job = connection.recv()
        except EOFError:
            return
        connection.send(workbench.answer(job))


class Workbench:
    """Compiled sheets of one process."""

    def __init__(self, engine: tuple[str, ...]) -> None:
        self._engine = engine
        self._checks: dict[str, Callable[[bytes], tuple[Found, ...]]] = {}
        self._saxon: Any = None
        self._steps: list[Any] = []

    def answer(self, job: Job) -> Answer:
        """Do one job; whatever goes wrong is told, not raised."""
        try:
            if job.sheet not in self._checks:
                self._checks[job.sheet] = self._compiled(job)
        except ImportError:
            return Answer(problem=NO_SAXON)
        except Exception as error:  # noqa: BLE001 - a foreign engine: its faults are findings
            return Answer(problem=f"it does not compile: {_first_line(error)}")
        if job.document is None:
            return Answer()
        try:
            return Answer(self._checks[job.sheet](job.document))
        except Exception as error:  # noqa: BLE001 - as above; its words may quote the document
            return Answer(problem=f"it failed: {_VALUE.sub('…', _first_line(error))}")

    def _compiled(self, job: Job) -> Callable[[bytes], tuple[Found, ...]]:
        if job.kind == "schema":
            schema = etree.XMLSchema(etree.parse(job.sheet))
            return lambda document: _by_schema(schema, document)
        sheet = self._style_sheet(Path(job.sheet))
        compiled = self._saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(sheet))

        def check(document: bytes) -> tuple[Found, ...]:
            node = self._saxon.parse_xml(xml_text=document.decode("utf-8"))
            return by_report(compiled.transform_to_string(xdm_node=node).encode("utf-8"))

        return check

    def _style_sheet(self, path: Path) -> Path:
        """Make the style sheet of a schematron, beside it: it reads lists by relative paths."""
        if self._saxon is None:
            # Imported here: a kit may be used for its schema alone, without Saxon.
            import saxonche

            self._saxon = saxonche.PySaxonProcessor(license=False)
            processor = self._saxon.new_xslt30_processor()
            self._steps = [processor.compile_stylesheet(stylesheet_file=x) for x in self._engine]
        include, expand, write = self._steps
        node = self._saxon.parse_xml(xml_file_name=str(path))
        for step in (include, expand):
            node = step.transform_to_value(xdm_node=node).item_at(0)
        silent = without_values(node.to_string().encode("utf-8"))
        node = self._saxon.parse_xml(xml_text=silent.decode("utf-8"))
        made = path.with_name(f"{path.name}.xsl")
        made.write_text(write.transform_to_string(xdm_node=node), encoding="utf-8")
        return made


def without_values(schematron: bytes) -> bytes:
    """Return a schematron whose sentences name what they would quote from a document.

    Texts that the schematron itself holds, such as the name of a value set, stay.
    """
    root = etree.fromstring(schematron, etree.XMLParser(huge_tree=True, resolve_entities=False))
    constants = {
        f"${node.get('name')}": literal
        for node in root.iter(f"{_SCH}let")
        if (literal := _literal(node.get("value") or "")) is not None
    }
    for node in list(root.iter(f"{_SCH}value-of")):
        select = (node.get("select") or "").strip()
        if select in _NAMES:
            continue
        text = _literal(select)
        text = constants.get(select, f"{{{select}}}") if text is None else text
        _replace(node, text)
    return etree.tostring(root, encoding="UTF-8")


def by_report(report: bytes) -> tuple[Found, ...]:
    """Return what an SVRL report says was not met."""
    root = etree.fromstring(report, etree.XMLParser(huge_tree=True, resolve_entities=False))
    found: list[Found] = []
    pattern = ""
    for node in root.iterchildren():
        if node.tag == f"{_SVRL}active-pattern":
            pattern = node.get("id") or node.get("name") or ""
        elif node.tag in (f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
            rule = " ".join(part for part in (pattern, node.get("id", "")) if part)
            words = " ".join(
                str(part) for text in node.iter(f"{_SVRL}text") for part in text.itertext()
            )
            found.append(Found(node.get("location", ""), rule, _severity(node), _short(words)))
    return tuple(found)


def _by_schema(schema: etree.XMLSchema, document: bytes) -> tuple[Found, ...]:
    root = etree.fromstring(document, etree.XMLParser(huge_tree=True, resolve_entities=False))
    schema.validate(root)
    log: Any = schema.error_log
    return tuple(
        Found(_located(root, entry), entry.type_name, "error", _schema_words(entry.message))
        for entry in log
    )


def _schema_words(message: str) -> str:
    """Return the sentence of the schema without the value it quotes.

    Names of elements, attributes and types are those of the schema.
    """
    text = re.sub(r"\{urn:[^}]*\}|\[facet '[^']*'\] ", "", message)
    for pattern, instead in _QUOTED:
        text = pattern.sub(instead, text)
    return _short(text)


def _located(root: Any, entry: Any) -> str:
    try:
        names = {key: value for key, value in root.nsmap.items() if key}
        found = root.getroottree().xpath(entry.path, namespaces=names)
    except (etree.XPathError, TypeError):
        found = []
    return _location(found[0]) if found and hasattr(found[0], "tag") else "/ClinicalDocument"


def _location(element: Any) -> str:
    steps = []
    while element is not None:
        above = element.getparent()
        name = etree.QName(element).localname
        if above is not None:
            same = list(above.iterchildren(element.tag))
            name = f"{name}[{same.index(element) + 1}]"
        steps.append(name)
        element = above
    return "/" + "/".join(reversed(steps))


def _literal(text: str) -> str | None:
    match = _LITERAL.match(text)
    return None if match is None else (match[1] if match[1] is not None else match[2])


def _replace(node: Any, text: str) -> None:
    above, before = node.getparent(), node.getprevious()
    text += node.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + text
    else:
        above.text = (above.text or "") + text
    above.remove(node)


def _severity(node: Any) -> str:
    said = {str(node.get(name, "")).lower() for name in ("role", "flag")}
    if said & _WARNINGS:
        return "warning"
    return "information" if said & _NOTES else "error"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return _short(lines[0] if lines else type(error).__name__)
