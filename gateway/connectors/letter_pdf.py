"""The page a recipient can read without any software: the PDF of the document, or its text as one.

A level-1 document that holds a PDF gives that PDF, byte for byte: its author signed those bytes.
Whether it keeps what it claims is `connectors.pdf_claims`. For others the narrative is set as
PDF/A-1b (ISO 19005-1), fonts embedded; nothing is fetched, no script, image or style of the
document survives. ANS référentiel socle MSSanté #2, ECO.2.1.1 and ECO.2.1.5.
"""

import hashlib
import logging
import re
from collections.abc import Iterator
from functools import cache
from html import escape
from typing import Any

from gateway.cda import narrative, xhtml
from gateway.cda.reader import Document, Node
from gateway.cda.xds_metadata import Author, DocumentEntry
from gateway.cda.xds_types import plain
from gateway.connectors import mail_faults as faults
from gateway.connectors.pdf_claims import claims
from gateway.core.errors import FatalError, RejectedError
from gateway.core.issues import Issue

_VARIANT = "pdf/a-1b"
#: Beyond this the narrative is set as lines: laying out tables takes time with their size.
_LARGEST = 300_000
_BREAKS = str.maketrans(dict.fromkeys("\u2028\u2029\u0085\u000b\u000c", " "))
#: Columns that fit beside each other at the size of the text.
_COLUMNS = 5
_ROW = re.compile(r"<tr\b.*?(?=<tr\b|</table|$)", re.DOTALL)
_CELL = re.compile(r"<t[dh]\b")
_SPAN = re.compile(r'colspan="(\d{1,2})"')
_LONG_WORD = re.compile(r">[^<]*?[^\s<>]{24,}")
_PAGE = """
@page { size: A4; margin: 22mm 18mm 20mm 18mm;
  @top-left { content: string(who); font-size: 8pt; color: #444 }
  @bottom-left { content: string(what); font-size: 8pt; color: #444 }
  @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; color: #444 } }
html { font: 10pt/1.4 "DejaVu Sans", "Liberation Sans", sans-serif; color: #000 }
h1 { font-size: 15pt; margin: 0 0 3mm; string-set: what content() }
.who { font-weight: bold; margin: 0; string-set: who content() }
.about { margin: 1mm 0 5mm; padding-bottom: 3mm; border-bottom: 0.5pt solid #444 }
.about p { margin: 0 }
h2 { font-size: 12pt; margin: 5mm 0 1mm; break-after: avoid }
h3 { font-size: 10.5pt; margin: 3mm 0 1mm; break-after: avoid }
p { margin: 0 0 1.5mm }
ul, ol { margin: 0 0 2mm; padding-left: 6mm }
table { border-collapse: collapse; width: 100%; margin: 0 0 3mm }
caption { text-align: left; font-weight: bold }
th, td { border: 0.5pt solid #666; padding: 1mm 1.5mm; text-align: left; vertical-align: top;
  overflow-wrap: break-word }
.tight table { table-layout: fixed; font-size: 7pt }
.tight th, .tight td { padding: 0.6mm 0.8mm; hyphens: auto }
thead { display: table-header-group }
a { color: inherit; text-decoration: none }
"""


def rendering(document: Document, entry: DocumentEntry) -> bytes:
    """Return a PDF of the document, the same bytes each time.

    Raises:
        RejectedError: this machine lacks what draws text (RLS-MSS-044).
    """
    if entry.body is not None and entry.body.content_type == "application/pdf":
        return entry.body.data
    try:
        draw = _drawing()
    except FatalError as error:
        raise RejectedError(error.issues) from error
    page = _page(document, entry)
    made: bytes = draw.HTML(string=page, url_fetcher=_nothing).write_pdf(
        pdf_variant=_VARIANT,
        pdf_identifier=hashlib.sha256(entry.hash.encode()).digest()[:16],
        stylesheets=[draw.CSS(string=_PAGE, url_fetcher=_nothing)],
    )
    return made


def doubts(entry: DocumentEntry) -> tuple[Issue, ...]:
    """Return what is wrong with a PDF that its author put in the document; nothing of our own.

    It goes as it was signed: converting it would make another document.
    """
    if entry.body is None or entry.body.content_type != "application/pdf":
        return ()
    found = claims(entry.body.data)
    if found.is_kept and found.level.startswith("1"):
        return ()
    return (faults.not_archival(found.level, ", ".join(found.breaks)),)


def check_drawing() -> None:
    """Look whether this machine can make a PDF; called when mail is turned on.

    Raises:
        FatalError: a library or every font is missing (RLS-MSS-044).
    """
    draw = _drawing()
    if b"/FontFile2" not in draw.HTML(string="Relais").write_pdf(uncompressed_pdf=True):
        raise FatalError([faults.cannot_draw()])


@cache
def _drawing() -> Any:
    """Load what sets text: it needs a library of the system, and takes its time."""
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise FatalError([faults.cannot_draw()]) from error
    for name in ("weasyprint", "weasyprint.progress", "fontTools"):
        # They log words and letters of what they set: nothing of a patient goes to a log.
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return weasyprint


def _nothing(address: str, *_: object, **__: object) -> dict[str, Any]:
    """Refuse every address: what is drawn is in the page."""
    message = f"nothing is fetched: {address[:40]}"
    raise ValueError(message)


def _page(document: Document, entry: DocumentEntry) -> str:
    who = entry.traits
    name = f"{who.family} {who.given}".strip()
    told = [
        f'<p class="who">{_text(" · ".join(one for one in (name, _day(who.born), who.sex) if one))}'
        "</p>",
        *(f"<p>{_text(line)}</p>" for line in _about(entry)),
    ]
    body = "".join(_sections(document))
    if len(body) > _LARGEST:
        body = "".join(_lines(document))
    return (
        f'<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">'
        f"<title>{_text(entry.title)}</title></head><body><h1>{_text(entry.title)}</h1>"
        f'<div class="about">{"".join(told)}</div>{body}</body></html>'
    )


def _about(entry: DocumentEntry) -> Iterator[str]:
    """Yield when the document was made, and by whom."""
    yield f"Document du {_day(entry.creation_time)}"
    if entry.service_start:
        stop = f" au {_day(entry.service_stop)}" if entry.service_stop else ""
        start = "du" if stop else "le"
        yield f"Acte ou séjour {start} {_day(entry.service_start)}{stop}"
    for author in entry.authors:
        yield f"Auteur : {_author(author)}"


def _author(author: Author) -> str:
    """Return the name and structure in an XCN and an XON."""
    _, family, given = [*author.person.split("^"), "", "", ""][:3]
    name = " ".join(part for part in (given, family) if part)
    return plain(", ".join(one for one in (name, author.institution.split("^")[0]) if one))


def _sections(document: Document) -> Iterator[str]:
    for section in document.select("cda:component/cda:structuredBody/cda:component/cda:section"):
        yield from _section(section, "h2")


def _section(section: Node, heading: str) -> Iterator[str]:
    """Yield the title and narrative of a section, then those inside it."""
    for node in section.elements():
        if node.name == "title" and node.text():
            yield f"<{heading}>{_text(node.text())}</{heading}>"
        elif node.name == "text":
            yield _fitting(xhtml.div(node).translate(_BREAKS))
        elif node.name == "component":
            for inner in node.children("section"):
                yield from _section(inner, "h3")


def _fitting(shown: str) -> str:
    """Return a narrative whose tables stay on the paper: nothing a reader needs may be cut."""
    widest = max(
        (len(_CELL.findall(row)) + _spanned(row) for row in _ROW.findall(shown)), default=0
    )
    is_tight = widest > _COLUMNS or ("<table" in shown and _LONG_WORD.search(shown))
    return f'<div class="tight">{shown}</div>' if is_tight else shown


def _spanned(row: str) -> int:
    """Return how many columns the cells of a row take beside their first one."""
    return sum(max(int(one), 1) - 1 for one in _SPAN.findall(row))


def _lines(document: Document) -> Iterator[str]:
    """Yield the narrative without its tables."""
    for section in document.select("cda:component/cda:structuredBody/descendant::cda:section"):
        for node in section.elements():
            if node.name == "title" and node.text():
                yield f"<h2>{_text(node.text())}</h2>"
            elif node.name == "text":
                yield from (f"<p>{_text(one)}</p>" for one in narrative.lines(node).splitlines())


def _day(digits: str) -> str:
    """Return the day in digits of XDS as people write it; less precise ones as they are."""
    return f"{digits[6:8]}/{digits[4:6]}/{digits[:4]}" if len(digits) >= 8 else digits


def _text(words: str) -> str:
    return escape(words.translate(_BREAKS), quote=False)
