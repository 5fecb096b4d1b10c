"""The page a recipient can read without any software: the PDF of the document, or its text as one.

A level-1 document that holds a PDF gives that PDF, byte for byte: its author signed those bytes.
Whether it keeps what it claims is `connectors.pdf_claims`. For others the narrative is set as
PDF/A-1b (ISO 19005-1), fonts embedded; nothing is fetched, no script, image or style of the
document survives. ANS référentiel socle MSSanté #2, ECO.2.1.1 and ECO.2.1.5.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from html import escape

from gateway.cda import narrative, xhtml
from gateway.cda.reader import Document, Node
from gateway.cda.xds_metadata import Author, DocumentEntry
from gateway.cda.xds_types import plain
from gateway.connectors import mail_faults as faults
from gateway.connectors.letter_drawing import drawn
from gateway.connectors.letter_press import SlowPageError
from gateway.connectors.pdf_claims import claims
from gateway.core.errors import FatalError, RejectedError
from gateway.core.issues import Issue

#: Beyond this the narrative is set as lines: laying out tables takes time with their size.
_LARGEST = 300_000
_BREAKS = str.maketrans(dict.fromkeys("\u2028\u2029\u0085\u000b\u000c", " "))
#: Columns that fit beside each other at the size of the text.
_COLUMNS = 5
_ROW = re.compile(r"<tr\b.*?(?=<tr\b|</table|$)", re.DOTALL)
_CELL = re.compile(r"<t[dh]\b")
_SPAN = re.compile(r'colspan="(\d{1,2})"')
_LONG_WORD = re.compile(r">[^<]*?[^\s<>]{24,}")
#: Sets a page under an identifier of 16 bytes.
Draw = Callable[[str, bytes], bytes]


def rendering(document: Document, entry: DocumentEntry, draw: Draw = drawn) -> bytes:
    """Return a PDF of the document, the same bytes each time.

    Args:
        document: that leaves.
        entry: its metadata.
        draw: sets the page; in this process by default.

    Raises:
        RejectedError: this machine lacks what draws text (RLS-MSS-044), or the page takes too
            long also without its tables (RLS-MSS-047).
        RetriableError: what draws it ended (RLS-MSS-048).
    """
    if entry.body is not None and entry.body.content_type == "application/pdf":
        return entry.body.data
    identifier = hashlib.sha256(entry.hash.encode()).digest()[:16]
    try:
        return draw(_page(document, entry), identifier)
    except FatalError as error:
        raise RejectedError(error.issues) from error
    except SlowPageError:
        # Laying out tables is what takes time.
        return _as_lines(document, entry, draw, identifier)


def _as_lines(document: Document, entry: DocumentEntry, draw: Draw, identifier: bytes) -> bytes:
    try:
        return draw(_framed(entry, _lines(document)), identifier)
    except SlowPageError as error:
        raise RejectedError([faults.slow_page()]) from error


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


def _page(document: Document, entry: DocumentEntry) -> str:
    body = "".join(_sections(document))
    return _framed(entry, _lines(document) if len(body) > _LARGEST else (body,))


def _framed(entry: DocumentEntry, body: Iterable[str]) -> str:
    """Return a page with its head: whose document it is, when it was made, and by whom."""
    who = entry.traits
    name = f"{who.family} {who.given}".strip()
    told = [
        f'<p class="who">{_text(" · ".join(one for one in (name, _day(who.born), who.sex) if one))}'
        "</p>",
        *(f"<p>{_text(line)}</p>" for line in _about(entry)),
    ]
    return (
        f'<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">'
        f"<title>{_text(entry.title)}</title></head><body><h1>{_text(entry.title)}</h1>"
        f'<div class="about">{"".join(told)}</div>{"".join(body)}</body></html>'
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
