"""`relais audit`: the chain is proved, and anchored elsewhere."""

import json
import sqlite3

from tests.support.smart import JWKS


def test_the_journal_is_proved_and_anchored(relais, tmp_path):
    (tmp_path / "jwks.json").write_text(json.dumps(JWKS), encoding="utf-8")
    relais("admin", "client", "add", "dac", "--scopes", "system/Task.r", "--jwks", "jwks.json")
    anchor = relais("audit", "head").out.strip()
    relais("admin", "client", "off", "dac")

    whole = relais("audit", "verify", "--anchor", anchor)
    assert (whole.code, whole.out.split(":")[0]) == (0, "2")
    assert "without an anchor" in relais("audit", "verify").err

    with sqlite3.connect(tmp_path / "cli.db") as raw:
        raw.execute("DROP TRIGGER audit_event_no_update")
        raw.execute("UPDATE audit_event SET agent = 'nobody' WHERE number = 1")
    broken = relais("audit", "verify")
    assert (broken.code, "RLS-SEC-045" in broken.err) == (1, True)


def test_a_journal_without_entries_is_whole(relais):
    assert relais("audit", "verify").out.startswith("0:")
    assert "RLS-SEC-046" in relais("audit", "verify", "--anchor", "x").err
