"""`relais pathway rules` and `relais pathway check`: what they print and how they end."""

import json

import pytest

from tests.unit.pathway.test_language import RULE


def _block(out, rule_id):
    """Return the lines of one rule in the list."""
    lines = out.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"{rule_id} "))
    rest = [n for n, line in enumerate(lines) if n > start and not line.startswith(" ")]
    return lines[start : rest[0] if rest else None]


def test_every_rule_is_listed_with_what_it_is(relais):
    ended = relais("pathway", "rules")

    heads = [one.split()[:2] for one in ended.out.splitlines() if one[:1] != " "]
    # A later version stands before the one that still judges what began under it.
    assert (ended.code, len({name for name, _ in heads}), len(heads)) == (0, 57, 60)
    assert [version for name, version in heads if name == "VIL-04"] == ["v2", "v1"]
    assert _block(ended.out, "TRX-01") == [
        "TRX-01 v1  on   major     Lettre de liaison absente le jour de la sortie",
        "    trigger   ENC.DISCHARGE where patient_class == 'I' and mode != '9' and mode != '0'",
        "    deadline  day0; grace 6 h",
        "    owner     SECRETARIAT_UNIT of trigger.establishment",
        "    source    CSP R1112-1-2 (law)",
    ]
    assert "24 rules are on, 33 are off." in ended.err


def test_what_no_adapter_tells_stands_below_its_rule(relais):
    out = relais("pathway", "rules").out

    assert _block(out, "VIL-02")[0].startswith("VIL-02 v1  off  ")
    assert _block(out, "VIL-02")[-1] == "    missing   no adapter tells ENC.DISCHARGE nursing"
    # A client notes a call over REST.
    assert not any("missing" in line for line in _block(out, "ONC-10"))
    assert _block(out, "TRX-06")[2] == "    deadline  1 bd; day0 where type == '11490-0'"


def test_a_setting_turns_a_rule_on_and_another_off(relais, monkeypatch):
    monkeypatch.setenv("RELAIS_PATHWAY_ON", '["VIL-06"]')
    monkeypatch.setenv("RELAIS_PATHWAY_OFF", '["TRX-01"]')

    out = relais("pathway", "rules").out

    assert _block(out, "VIL-06")[0].startswith("VIL-06 v1  on ")
    assert _block(out, "TRX-01")[0].startswith("TRX-01 v1  off")


def test_a_setting_that_names_no_rule_is_a_wrong_configuration(relais, monkeypatch):
    monkeypatch.setenv("RELAIS_PATHWAY_ON", '["VIL-60"]')

    ended = relais("pathway", "rules")

    assert ended.code == 2
    assert "RLS-PTH-011 at setting pathway.on: rule 'VIL-60' is unknown; nearest:" in ended.err


def test_the_shipped_rules_are_sound(relais):
    ended = relais("pathway", "check")

    assert (ended.code, ended.out) == (0, "")
    assert ended.err.splitlines()[-1] == "57 rules are sound."


@pytest.mark.field("FL-296")
def test_a_wrong_rule_is_refused_with_every_fault(relais, tmp_path):
    file = tmp_path / "TST-01.yaml"
    text = RULE.replace("ENC.DISCHARGE", "ENC.SORTIE").replace("bd}", "bds}")
    file.write_text(text, encoding="utf-8")

    ended = relais("pathway", "check", file)

    assert ended.code == 1
    first, second = ended.err.splitlines()
    assert first.startswith(f"RLS-PTH-002 at {tmp_path.name}/TST-01.yaml line 5: key")
    assert "nearest: 'ENC." in first
    assert " Fix: " in first
    assert second.startswith(f"RLS-PTH-005 at {tmp_path.name}/TST-01.yaml line 6: key")


def test_a_file_that_is_not_there_is_wrong_usage(relais, tmp_path):
    ended = relais("pathway", "check", tmp_path / "TST-09.yaml")

    assert ended.code == 2
    assert "not found" in ended.err


def test_an_odd_rule_is_told_and_not_refused(relais, tmp_path):
    text = f"{RULE}escalate: [{{after: 3bd, to: IDEC}}, {{after: 1bd, to: CADRE}}]\n"
    (tmp_path / "TST-01.yaml").write_text(text, encoding="utf-8")

    ended = relais("pathway", "check", tmp_path / "TST-01.yaml")

    assert ended.code == 0
    assert ended.err.startswith("warning: RLS-PTH-014 at TST-01 version 1, escalate 2: ")


def test_a_version_is_published_once_and_then_kept(relais, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    file = folder / "TST-01.yaml"
    file.write_text(RULE, encoding="utf-8")

    first = relais("pathway", "check", folder, "--publish")
    known = json.loads((folder / "published.json").read_text(encoding="utf-8"))
    again = relais("pathway", "check", folder, "--publish")
    file.write_text(RULE.replace("{n: 1", "{n: 2"), encoding="utf-8")
    changed = relais("pathway", "check", folder)

    assert "published TST-01 version 1" in first.err
    assert list(known) == ["TST-01"]
    assert (again.code, "published" in again.err) == (0, False)
    assert changed.code == 1
    assert "RLS-PTH-009 at mine/TST-01.yaml line 2: TST-01 version 1 was published" in changed.err
