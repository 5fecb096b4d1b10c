"""What one letter to both channels costs, step by step, each measured alone in this process."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gateway.cda.reader import read
from gateway.cda.xds_metadata import describe
from gateway.connectors import mssante_mail
from gateway.connectors.dmp_keys import SigningFiles, client_context
from gateway.connectors.dmp_submission import prepare
from gateway.connectors.dmp_xds import Endpoint, XdsDialect
from gateway.connectors.letter_drawing import drawn
from gateway.connectors.letter_pdf import rendering
from tests.bench.figures import Report, per_call
from tests.conftest import corpus
from tests.support.dmp import CONCEPTMAPS, HOUSE, SOFTWARE, Hands, delivery, pki_in
from tests.support.gateway import converter, message
from tests.support.mail import SENDER
from tests.support.mail import delivery as mail_row


def steps(report: Report, runs: int, letter: bytes, document: bytes) -> float:
    """Add the CPU milliseconds of each step; return those of all steps together.

    Args:
        report: takes the figures.
        runs: of each figure.
        letter: the message.
        document: the letter inside it.
    """
    with tempfile.TemporaryDirectory(prefix="relais-bench-") as folder:
        found = _steps(Path(folder), letter, document)
        total = 0.0
        for _ in range(runs):
            for name, work in found.items():
                spent = 1000 * per_call(work)
                report.add(f"documents step: {name}", "CPU ms", spent)
                total += spent
    for name, pattern in {"LDL-SES": "LDL-SES_*.xml", "PPS": "CANCER-PPS_*.xml"}.items():
        samples = corpus()
        if samples is not None:
            data = next((samples / "cda").glob(pattern)).read_bytes()
            published = read(data)
            entry = describe(published, CONCEPTMAPS, ins_trusted=True)
            spent = 1000 * per_call(lambda p=published, e=entry: rendering(p, e))
            report.add(f"documents step: PDF/A of the published {name}", "CPU ms", spent)
    return total / runs


def _steps(folder: Path, letter: bytes, document: bytes) -> dict[str, Callable[[], object]]:
    made, row = converter(), mail_row(document)
    told = describe(read(document), CONCEPTMAPS, ins_trusted=True)
    pki = pki_in(folder)
    signer = SigningFiles(pki.signer)
    endpoint = Endpoint(
        base_url="https://localhost/services",
        tls=lambda: client_context(pki.authority, pki.client),
        signer=signer, software=SOFTWARE, source_id=HOUSE.source_id,
    )  # fmt: skip
    dialect = XdsDialect(endpoint, Hands(datetime.now(UTC)))
    asked = delivery(document)
    submission = prepare(asked, HOUSE, CONCEPTMAPS)
    return {
        "message converted": lambda: made.prepare(made.open(message(letter))),
        "PDF/A": lambda: rendering(read(document), told, drawn),
        "mail and archive without the PDF": lambda: mssante_mail.build(
            row, SENDER, CONCEPTMAPS, lambda _page, _identifier: b"%PDF-1.4"
        ),
        "submission: metadata": lambda: prepare(asked, HOUSE, CONCEPTMAPS),
        "submission: signed lot, signed assertion": lambda: dialect.request(submission),
        "TLS context towards the record": endpoint.tls,
    }
