"""Sets a page of HTML as PDF/A-1b (ISO 19005-1); knows nothing of documents or of patients.

Fonts are embedded, nothing is fetched, and a page gives the same bytes each time. The style is read
once in a process. Which words stand on the page is `connectors.letter_pdf`.
"""

import logging
from functools import cache
from typing import Any

from gateway.connectors import mail_faults as faults
from gateway.core.errors import FatalError

_VARIANT = "pdf/a-1b"
_STYLE = """
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


def drawn(page: str, identifier: bytes) -> bytes:
    """Return a page as PDF/A-1b, drawn in this process.

    Args:
        page: HTML; addresses in it are not fetched.
        identifier: of the file: 16 bytes.

    Raises:
        FatalError: this machine lacks what draws text (RLS-MSS-044).
    """
    draw = _drawing()
    made: bytes = draw.HTML(string=page, url_fetcher=_nothing).write_pdf(
        pdf_variant=_VARIANT, pdf_identifier=identifier, stylesheets=[_style()]
    )
    return made


def has_font() -> bool:
    """Tell whether letters that are drawn here have a font that can be embedded.

    Raises:
        FatalError: the library is missing (RLS-MSS-044).
    """
    return b"/FontFile2" in _drawing().HTML(string="Relais").write_pdf(uncompressed_pdf=True)


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


@cache
def _style() -> Any:
    return _drawing().CSS(string=_STYLE, url_fetcher=_nothing)


def _nothing(address: str, *_: object, **__: object) -> dict[str, Any]:
    """Refuse every address: what is drawn is in the page."""
    message = f"nothing is fetched: {address[:40]}"
    raise ValueError(message)
