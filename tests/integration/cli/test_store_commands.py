"""`relais quarantine`, `replay` and `config` on a store with good and refused inputs."""

import asyncio
import json
import shutil

import pytest

from gateway.entry.settings import load
from gateway.entry.wiring import build_store
from tests.conftest import ROOT
from tests.support.gateway import take

CASES = ROOT / "fixtures" / "hl7v2"
ADMISSION = (CASES / "adt_a01_admission_of_a_validated_identity" / "input.er7").read_bytes()
#: The same under a version its site does not accept.
REFUSED = ADMISSION.replace(b"|2.5^FRA", b"|2.7^FRA", 1)


@pytest.fixture
def filled(relais):
    """Give the command on a store with one converted row (1) and one in quarantine (2)."""

    async def fill():
        store = build_store(load())
        await store.open()
        receipts = await take(store, ADMISSION, other_control_id(REFUSED))
        await store.close()
        return [receipt.outcome for receipt in receipts]

    assert asyncio.run(fill()) == ["accepted", "rejected"]
    return relais


def other_control_id(message):
    fields = message.split(b"|")
    fields[9] += b"X"
    return b"|".join(fields)


def test_the_quarantine_lists_what_was_refused_and_why(filled):
    ended = filled("quarantine", "list")

    [line] = ended.out.splitlines()
    assert ended.code == 0
    assert line.startswith("2  ")
    assert "ADT^A01" in line
    assert "RLS-HL7-" in line
    assert "MSH-12" in line


def test_a_row_is_shown_with_its_reasons_and_its_bytes(filled):
    shown = json.loads(filled("quarantine", "show", 2).out)
    raw = filled("quarantine", "show", 2, "--raw")

    assert shown["status"] == "quarantined"
    assert {"code", "severity", "where", "what", "fix"} == set(shown["issues"][0])
    assert raw.out.encode() == other_control_id(REFUSED)


def test_a_retry_without_a_fix_says_so(filled):
    ended = filled("quarantine", "retry", 2)

    assert (ended.code, ended.out) == (1, "row 2: quarantined\n")


def test_a_retry_after_a_fix_heals_the_row(filled, tmp_path, monkeypatch):
    # The fix: an operator learns that this sender is one that shall be read under version 2.7.
    mappings = tmp_path / "mappings"
    shutil.copytree(ROOT / "mappings", mappings)
    site = mappings / "sites" / "demo.yaml"
    text = site.read_text(encoding="utf-8")
    site.write_text(text.replace('versions: ["2.5", "2.5.1"]', 'versions: ["2.5", "2.7"]'))
    monkeypatch.setenv("RELAIS_MAPPINGS", str(mappings))

    ended = filled("quarantine", "retry")

    assert (ended.code, ended.out) == (0, "row 2: converted\n")
    assert filled("quarantine", "list").out == ""


def test_a_discarded_row_leaves_the_quarantine_and_keeps_its_bytes(filled):
    assert filled("quarantine", "discard", 2).code == 0

    assert filled("quarantine", "list").out == ""
    assert filled("quarantine", "show", 2, "--raw").out.encode() == other_control_id(REFUSED)


def test_only_refused_rows_can_be_discarded(filled):
    ended = filled("quarantine", "discard", 1)

    assert ended.code == 1
    assert "RLS-STO-031 at inbox row 1" in ended.err


def test_a_row_that_is_not_there_is_said(filled):
    ended = filled("quarantine", "show", 99)

    assert ended.code == 1
    assert "RLS-STO-030 at inbox row 99: there is no such row." in ended.err


def test_a_replay_of_unchanged_mappings_changes_nothing(filled):
    ended = filled("replay", "--diff")

    assert (ended.code, ended.out) == (0, "")
    assert "2 rows converted again, 0 ended otherwise, 0 resources changed." in ended.err


def test_a_replay_after_a_change_of_mapping_shows_each_value(filled, tmp_path, monkeypatch):
    mappings = tmp_path / "mappings"
    shutil.copytree(ROOT / "mappings", mappings)
    rules = mappings / "hl7v2" / "segments" / "PID.yaml"
    kept = [
        line for line in rules.read_text(encoding="utf-8").splitlines() if "to: gender" not in line
    ]
    rules.write_text("\n".join(kept), encoding="utf-8")
    monkeypatch.setenv("RELAIS_MAPPINGS", str(mappings))

    tried = filled("replay", "--diff", "--dry-run")
    done = filled("replay", "--diff")
    again = filled("replay", "--diff")

    assert '  gender: "female" -> (none)' in tried.out.splitlines()
    assert "1 resources would change." in tried.err
    assert done.out == tried.out
    assert again.out == ""


def test_config_show_tells_value_and_origin_and_hides_secrets(relais, monkeypatch):
    monkeypatch.setenv("RELAIS_HTTP_PORT", "8099")
    monkeypatch.setenv("RELAIS_STORE_URL", "postgresql://me:secret@db/relais")
    monkeypatch.setenv("RELAIS_MLP_PORT", "1")

    ended = relais("config", "show")

    assert "http.port = 8099  (environment; RELAIS_HTTP_PORT)" in ended.out
    assert "mllp.port = 2575  (default; RELAIS_MLLP_PORT)" in ended.out
    assert "secret" not in ended.out
    assert "RLS-CFG-101 at environment variable RELAIS_MLP_PORT" in ended.err
    assert "RELAIS_MLLP_PORT" in ended.err


def test_a_wrong_setting_ends_with_2_and_names_its_key(relais, monkeypatch):
    monkeypatch.setenv("RELAIS_HTTP_PORT", "many")

    ended = relais("config", "show")

    assert ended.code == 2
    assert "RLS-CFG-100 at setting http.port" in ended.err


def test_the_shipped_mapping_files_are_sound(relais):
    assert relais("config", "check").code == 0


def test_serve_refuses_to_be_reached_from_elsewhere(relais):
    ended = relais("serve", "--host", "0.0.0.0")  # noqa: S104 - it is refused

    assert ended.code == 2
    assert "RLS-SEC-001 at setting host" in ended.err


def test_migrate_says_from_where_to_where(relais):
    first = relais("admin", "migrate")
    again = relais("admin", "migrate")

    assert first.code == again.code == 0
    assert first.err.startswith("schema none -> ")
    assert again.err.endswith(" already.\n")
