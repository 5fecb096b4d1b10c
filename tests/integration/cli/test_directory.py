"""`relais directory`: import, find, state."""

import json
from datetime import UTC, datetime, timedelta

from tests.conftest import ROOT

FOLDER = ROOT / "fixtures/delivery/directory_extracts"
BOXES = FOLDER / "Extraction_Correspondance_MSSante_202611200838.txt"


def lines(ended):
    return [json.loads(line) for line in ended.out.splitlines()]


def fresh(tmp_path, body=None):
    """Return the extract under the name of today."""
    path = tmp_path / f"Extraction_Correspondance_MSSante_{datetime.now(UTC):%Y%m%d}0001.txt"
    path.write_bytes(body or BOXES.read_bytes())
    return path


def test_an_extract_is_kept_found_and_dated(relais, tmp_path):
    imported = relais("directory", "import", fresh(tmp_path))
    found = relais("directory", "find", "basalte", "--place", "99005")
    state = relais("directory", "state")

    assert imported.code == 0
    assert "5 entries kept, 0 forgotten, 2 lines left out" in imported.err
    assert "line 8: the line is left out" in imported.err
    [doctor] = lines(found)
    assert doctor["address"] == "elise.basalte@medecin.mssante.example"
    assert doctor["origin"] == "extract:mssante"
    assert doctor["seen_at"]
    assert state.code == 0
    assert [(one["entries"], one["stale"]) for one in lines(state)] == [(5, False)]


def test_an_old_extract_is_stale_and_an_empty_directory_is_told(relais):
    empty = relais("directory", "state")
    relais("directory", "import", BOXES, "--as-of", "2020-01-01")
    stale = relais("directory", "state")

    assert (empty.code, "RLS-DIR-034" in empty.err) == (1, True)
    assert stale.code == 1
    assert lines(stale)[0]["stale"] is True


def test_what_an_extract_does_not_say_any_more_is_forgotten(relais, tmp_path):
    relais("directory", "import", BOXES)
    rest = b"\n".join(BOXES.read_bytes().splitlines()[:5]) + b"\n"
    later = relais("directory", "import", fresh(tmp_path, rest))
    found = relais("directory", "find", "--address", "app@chu.mssante.example")

    assert "4 entries kept, 1 forgotten" in later.err
    assert (found.code, "RLS-DIR-033" in found.err) == (1, True)


def test_an_older_or_a_cut_extract_changes_nothing(relais, tmp_path):
    relais("directory", "import", fresh(tmp_path))
    older = relais("directory", "import", BOXES, "--as-of", "2020-01-01")
    cut = b"\n".join(BOXES.read_bytes().splitlines()[:3]) + b"\n"
    day = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")
    path = tmp_path / "cut.txt"
    path.write_bytes(cut)
    shorter = relais("directory", "import", path, "--as-of", day)

    assert (older.code, "RLS-DIR-020" in older.err) == (1, True)
    assert (shorter.code, "RLS-DIR-021" in shorter.err) == (1, True)
    assert len(lines(relais("directory", "find", "--place", "990"))) == 5


def test_only_the_places_that_are_wanted_are_kept(relais):
    relais("directory", "import", BOXES, "--place", "99001, 98")

    assert [one["kind"] for one in lines(relais("directory", "find", "--place", "9"))] == ["APP"]


def test_a_search_for_nothing_and_a_missing_file_are_refused(relais, tmp_path):
    nothing = relais("directory", "find")
    missing = relais("directory", "import", tmp_path / "none_20261120.txt")

    assert (nothing.code, "RLS-DIR-032" in nothing.err) == (1, True)
    assert (missing.code, "RLS-DIR-031" in missing.err) == (1, True)
