"""The PDF beside the archive: PDF/A-1b, whole, the same twice, and nothing of it elsewhere."""

import logging
import re
import zlib
from dataclasses import replace

import pytest

from gateway.cda.context import Attached
from gateway.cda.reader import read
from gateway.cda.xds_metadata import describe
from gateway.connectors import letter_drawing, letter_pdf
from gateway.connectors.letter_pdf import doubts, rendering
from gateway.connectors.pdf_claims import claims
from gateway.core.errors import FatalError, RejectedError
from gateway.simulation.pdf import document as small_pdf
from tests.conftest import ROOT
from tests.support.mail import CONCEPTMAPS, letter

SECTION = re.compile(rb"<section>.*?</section>", re.DOTALL)


def page(body: bytes) -> bytes:
    document = read(body)
    return rendering(document, describe(document, CONCEPTMAPS, ins_trusted=True))


def with_text(narrative: str) -> bytes:
    """Return a letter whose first narrative is another one."""
    return re.sub(
        rb"<text>.*?</text>",
        f"<text>{narrative}</text>".encode(),
        letter(),
        count=1,
        flags=re.DOTALL,
    )


def packet(pdf: bytes) -> str:
    [found] = re.findall(rb"<x:xmpmeta.*?</x:xmpmeta>", pdf, re.DOTALL)
    return found.decode()


def test_the_level_and_the_title_stand_in_the_metadata():
    pdf = page(letter())

    assert pdf.startswith(b"%PDF-1.4")
    shown = packet(pdf)
    assert re.search(r"pdfaid:part(=\"|>)1", shown)
    assert re.search(r"pdfaid:conformance(=\"|>)B", shown)
    assert "Lettre de liaison à la sortie" in shown
    assert claims(pdf) == claims(pdf)
    assert (claims(pdf).level, claims(pdf).breaks) == ("1B", ())


def test_every_font_is_embedded_and_colours_have_a_profile():
    pdf = page(letter())

    described = len(re.findall(rb"/Type /FontDescriptor", pdf))
    assert described > 0
    assert len(re.findall(rb"/FontFile[23]? \d+ 0 R", pdf)) == described
    assert b"/GTS_PDFA1" in pdf
    assert not re.search(rb"/(JavaScript|JS|Launch|EmbeddedFile|Encrypt)\b", pdf)


def test_two_attempts_draw_the_same_bytes():
    assert page(letter()) == page(letter())


def test_what_a_document_carries_beside_words_is_not_drawn():
    shown = page(
        with_text(
            '<paragraph styleCode="x" onclick="alert(1)">A &lt;script&gt;alert(1)&lt;/script&gt;'
            '</paragraph><linkHtml href="file:///etc/passwd">ici</linkHtml>'
            '<renderMultiMedia referencedObject="m1"/>'
        )
    )

    assert claims(shown).breaks == ()
    assert b"/URI" not in shown


def drawn(narrative: str) -> letter_pdf.Document:
    return letter_pdf._page(
        document := read(with_text(narrative)), describe(document, CONCEPTMAPS, ins_trusted=True)
    )


@pytest.mark.parametrize(("columns", "tight"), [(5, False), (6, True), (12, True)])
def test_a_wide_table_is_set_small_enough_to_stay_on_the_paper(columns, tight):
    cells = "".join(f"<td>colonne {number}</td>" for number in range(columns))

    shown = drawn(f"<table><tbody><tr>{cells}</tr></tbody></table>")

    assert ('<div class="tight">' in shown) is tight


def test_spans_and_long_words_count_too():
    spanned = '<table><tbody><tr><td colspan="7">a</td></tr></tbody></table>'
    long = f"<table><tbody><tr><td>{'x' * 40}</td></tr></tbody></table>"

    assert 'class="tight"' in drawn(spanned)
    assert 'class="tight"' in drawn(long)


def test_sections_inside_sections_are_drawn():
    nested = SECTION.sub(
        lambda found: found[0].replace(
            b"</section>",
            b"<component><section><title>Dedans</title><text>Profond</text></section></component>"
            b"</section>",
        ),
        letter(),
        count=1,
    )

    shown = letter_pdf._page(
        document := read(nested), describe(document, CONCEPTMAPS, ins_trusted=True)
    )

    assert "<h3>Dedans</h3>" in shown
    assert "Profond" in shown


def test_a_huge_narrative_is_set_as_lines():
    rows = "<tr><td>mesure</td><td>valeur</td></tr>" * 12_000

    shown = drawn(f"<table><tbody>{rows}</tbody></table>")

    assert "<table" not in shown
    assert shown.count("<p>mesure | valeur</p>") == 12_000


def test_words_of_a_letter_reach_no_log(caplog):
    caplog.set_level(logging.DEBUG)

    page(letter())

    assert [one.getMessage() for one in caplog.records if "PAULINE" in one.getMessage()] == []
    assert [one.name for one in caplog.records if one.name.startswith(("weasy", "fontTools"))] == []


def entry_with(pdf: bytes):
    entry = describe(read(letter()), CONCEPTMAPS, ins_trusted=True)
    body = Attached(content_type="application/pdf", data=pdf, sha256="", format_key="")
    return replace(entry, body=body)


def test_the_pdf_its_author_signed_goes_as_it_is_with_a_doubt():
    carried = small_pdf(["Compte rendu"])
    entry = entry_with(carried)

    assert rendering(read(letter()), entry) == carried
    [doubt] = doubts(entry)
    assert doubt.code == "RLS-MSS-045"
    assert "claims no PDF/A" in doubt.what
    assert "font not embedded, no output intent" in doubt.what


def test_a_pdf_a_1_that_a_document_carries_is_not_doubted():
    assert doubts(entry_with(page(letter()))) == ()


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        (b"/GTS_PDFA1", b"/GTS_PDFX", ("no output intent",)),
        (
            b"/Type /Catalog",
            b"/Type /Catalog /OpenAction << /S /JavaScript /JS (x) >>",
            ("script",),
        ),
        (b"/Type /Catalog", b"/Type /Catalog /AA << /S /J#61vaScript >>", ("script",)),
        (b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /Launch >>", ("action",)),
        (b"/FontFile2", b"/FontNone2", ("font not embedded",)),
        (b"trailer\n<<", b"trailer\n<< /Encrypt 3 0 R", ("encrypted",)),
    ],
    ids=["intent", "script", "escaped script", "launch", "font", "encrypted"],
)
def test_what_breaks_the_promise_is_seen(old, new, broken):
    pdf = page(letter())
    assert old in pdf

    found = claims(pdf.replace(old, new))

    assert found.level == "1B"
    assert found.breaks == broken
    assert not found.is_kept


def test_objects_in_a_closed_stream_are_looked_at():
    inside = b"9 0 " + b"<< /S /JavaScript /JS (x) >>"
    closed = zlib.compress(inside)
    head = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>" % len(closed)
    hidden = b"7 0 obj\n%b\nstream\n%b\nendstream\nendobj\n" % (head, closed)

    assert "script" in claims(page(letter()) + hidden).breaks


def test_a_bomb_is_not_inflated_beyond_its_room():
    closed = zlib.compress(b"0 " * (80 * 2**20), 9)
    head = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode >>"
    bomb = b"7 0 obj\n%b\nstream\n%b\nendstream\nendobj\n" % (head, closed)

    assert claims(bomb).level == ""


def test_a_level_1_letter_of_the_fixtures_is_told_apart():
    body = (ROOT / "fixtures/cda/level_1_letter_with_pdf/input.xml").read_bytes()
    document = read(body)
    entry = describe(document, CONCEPTMAPS, ins_trusted=False)

    assert entry.body is not None
    assert rendering(document, entry) == entry.body.data


def test_a_machine_that_cannot_draw_says_what_it_lacks(monkeypatch):
    def none():
        raise FatalError([letter_drawing.faults.cannot_draw()])

    monkeypatch.setattr(letter_drawing, "_drawing", none)

    with pytest.raises(RejectedError) as caught:
        page(letter())
    with pytest.raises(FatalError) as stopped:
        letter_drawing.has_font()
    assert caught.value.issues[0].code == stopped.value.issues[0].code == "RLS-MSS-044"
