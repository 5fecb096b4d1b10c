"""The journal for its auditor: who saw what, what has to be explained, the proof, the file."""

import csv
import io
import re

import pytest

from gateway.core.audit import Trace
from gateway.entry.web.ops.trail import as_csv, plain
from tests.support.ops_site import A03, OpsSite
from tests.support.pipeline import START

REASON = "Appel du CHU : identité à vérifier"


async def _looked_at(office: OpsSite) -> str:
    """Send a discharge, open its patient and reveal its message; return the id of the Patient."""
    await office.send(A03.read_bytes())
    found = (await office.client.get("/fhir/Patient")).json()
    id_ = found["entry"][0]["resource"]["id"]
    await office.client.get(f"/patients/{id_}")
    await office.form("/messages/1", "/messages/1/reveal", reason=REASON)
    await office.gateway.journal.flush()
    return id_


async def test_what_has_to_be_explained_comes_first(office: OpsSite):
    await _looked_at(office)

    page = (await office.client.get("/audit")).text

    assert page.index("Accès à expliquer") < page.index("Toutes les lignes</h2>")
    assert REASON in page
    assert "Page ouverte" in page


async def test_break_glass_is_among_what_comes_first(office: OpsSite):
    trace = Trace(
        "e-1", START, "break-glass", "0", "899700218896", "p-1", {"why": "Urgence vitale"}
    )
    await office.gateway.store.write(lambda tx: tx.audit.append([trace]))

    page = (await office.client.get("/audit")).text

    special = page[page.index("Accès à expliquer") : page.index("Toutes les lignes</h2>")]
    assert "Bris de glace" in special
    assert "Urgence vitale" in special


async def test_the_trail_of_a_patient_holds_their_entries_only_and_is_noted(office: OpsSite):
    id_ = await _looked_at(office)
    other = Trace("e-2", START, "page", "0", "somebody-else", "another-patient", {})
    await office.gateway.store.write(lambda tx: tx.audit.append([other]))

    page = (await office.client.get(f"/audit?patient={id_}")).text

    assert f"Accès au dossier {id_[:8]}" in page
    assert "somebody-else" not in page
    assert REASON in page
    [noted] = await office.entries("audit-read")
    assert (noted.patient, noted.agent) == (id_, "local")


async def test_a_printed_trail_has_no_tools_and_is_noted_as_a_copy(office: OpsSite):
    id_ = await _looked_at(office)

    page = (await office.client.get(f"/audit?patient={id_}&print=1")).text

    assert "Document confidentiel." in page
    assert 'href="/audit/export' not in page
    assert [(e.patient, e.details["page"]) for e in await office.entries("export")] == [
        (id_, "print")
    ]


async def test_filters_narrow_by_person_action_outcome_and_day(office: OpsSite):
    traces = [
        Trace("e-1", START, "login", "4", "anne", "", {"why": "state"}),
        Trace("e-2", START, "page", "0", "anne", "p-1", {}),
        Trace("e-3", START, "page", "0", "paul", "p-2", {}),
    ]
    await office.gateway.store.write(lambda tx: tx.audit.append(traces))

    async def total(query: str) -> str:
        page = (await office.client.get(f"/audit?{query}")).text
        return re.search(r'<p class="lead">(\d+) ligne', page)[1]

    assert await total("who=anne") == "2"
    assert await total("who=anne&what=page") == "1"
    assert await total("outcome=4") == "1"
    assert await total("from=2026-03-02&to=2026-03-02&who=anne") == "2"
    assert await total("to=2026-03-01&who=anne") == "0"
    # What is not understood is left out, and never an error.
    assert await total("who=anne&from=yesterday&what=x") == "2"


async def test_the_chain_is_proved_and_its_head_shown(office: OpsSite):
    await _looked_at(office)

    page = (await office.client.get("/audit/proof")).text
    head = await office.gateway.store.read(lambda tx: tx.audit.head())

    assert "Chaîne intacte" in page
    # The look itself is the last entry.
    assert f"{head.number}:{head.digest.hex()}" in page


async def test_a_chain_that_is_broken_is_said_in_red(office: OpsSite, monkeypatch):
    from gateway.core.audit import Link
    from gateway.entry.web.ops import trail
    from gateway.pipeline.journal import Proof

    async def broken(_store):
        return Proof(Link(3, b"\x01" * 32), "entry number 3 was altered")

    monkeypatch.setattr(trail, "verify", broken)

    page = (await office.client.get("/audit/proof")).text

    assert "La chaîne est rompue." in page
    assert "entry number 3 was altered" in page


async def test_a_file_of_the_journal_holds_every_entry_and_is_noted(office: OpsSite):
    id_ = await _looked_at(office)

    answer = await office.client.get("/audit/export")
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";"))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="relais-audit-')
    numbers = [int(row["number"]) for row in rows]
    assert numbers == list(range(len(rows), 0, -1))
    assert {row["kind"] for row in rows} >= {"page", "reveal", "export"}
    assert id_ in {row["patient"] for row in rows}


@pytest.mark.field("FL-333")
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_file_is_a_formula(start: str):
    assert plain(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"
    assert plain("O'NEILL") == "O'NEILL"


@pytest.mark.field("FL-333")
async def test_a_reason_that_is_a_formula_stays_text_in_the_file(office: OpsSite):
    await office.send(A03.read_bytes())
    formula = '=HYPERLINK("https://attacker.example";"x")'
    await office.form("/messages/1", "/messages/1/reveal", reason=formula)

    answer = await office.client.get("/audit/export?what=reveal")
    [row] = csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";")

    assert row["why"] == f"'{formula}"
    assert as_csv([]).startswith("number;digest;instant")


async def test_nobody_writes_the_journal_through_its_page(office: OpsSite):
    answers = [await office.client.request(m, "/audit") for m in ("POST", "PUT", "DELETE")]

    assert {answer.status_code for answer in answers} == {405}
