"""The page on writing a rule, followed to the letter: its files written, its commands run."""

import json
import re
import shlex

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "howto" / "write-a-rule.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.S | re.M)
COMMANDS = [text.strip() for kind, text in BLOCKS if not kind]
#: By the name of the file, as the page names it before the block.
FILES = dict(re.findall(r"`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", PAGE, re.S | re.M))


@pytest.fixture
def folder(tmp_path):
    """Give a folder with the files of the page."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(relais, folder, monkeypatch):
    """Run a command of the page as a shell does; a start is only looked at."""

    def run(command, **instead):
        words = shlex.split(command)
        with monkeypatch.context() as patched:
            while "=" in words[0]:
                patched.setenv(*words.pop(0).split("=", 1))
            assert words.pop(0) == "relais"
            words = ["pathway", "rules"] if words == ["serve"] else words
            return relais(*(instead.get(word, word) for word in words))

    return run


def test_the_page_has_its_files_and_commands():
    assert set(FILES) == {"my-rules/TRX-20.yaml", "scenarios.yaml", "day.ndjson"}
    assert [shlex.split(one)[:3] for one in COMMANDS] == [
        ["relais", "pathway", "check"],
        ["relais", "pathway", "rules"],
        ["relais", "pathway", "try"],
        ["relais", "pathway", "run"],
        ["relais", "pathway", "explain"],
        ["relais", "pathway", "backtest"],
        ["relais", "pathway", "check"],
        ["RELAIS_PATHWAY_ADDED=my-rules", "relais", "serve"],
        ["RELAIS_PATHWAY_ON=[\"VIL-06\"]", "RELAIS_PATHWAY_OFF=[\"TRX-09\"]", "relais"],
    ]  # fmt: skip


def test_every_command_of_the_page_does_what_the_page_says(run, folder):
    check, rules, try_, replay, explain, backtest, publish, serve, choose = COMMANDS

    checked, listed, tried = run(check), run(rules), run(try_)
    assert (checked.code, checked.err) == (0, "1 rules are sound.\n")
    assert listed.out.startswith("TRX-20 v1  on   minor     Compte rendu")
    assert (tried.code, tried.err) == (0, "1 rules were tried, 0 failed.\n")

    replayed = run(replay)
    # Log lines of the replay go to standard error outside of tests.
    lines = [json.loads(one) for one in replayed.out.splitlines() if one.startswith("{")]
    gap = lines[-1]
    assert [one["to"] for one in lines if "to" in one] == ["pending", "overdue", "met_late"]
    assert gap["opened_at"] == "2026-12-12T04:59:59Z"

    told = run(explain, GAP=gap["gap_id"][:12])
    assert told.code == 0
    assert "TRX-20 v1  met_late" in told.out

    assert "added  TRX-20  2026-12-12T04:59:59Z" in run(backtest).out

    published = run(publish)
    assert (published.code, "published TRX-20 version 1" in published.err) == (0, True)
    assert (folder / "my-rules" / "published.json").exists()

    served, chosen = run(serve), run(choose)
    assert "TRX-20 v1  on " in served.out
    assert "TRX-01 v1  on " in served.out
    assert "VIL-06 v1  on " in chosen.out
    assert "TRX-09 v1  off" in chosen.out


def test_a_scenario_that_says_otherwise_is_told_with_its_line(run, folder):
    file = folder / "scenarios.yaml"
    wrong = file.read_text("utf-8").replace("2026-12-11 23:59:59", "2026-12-10 23:59:59")
    file.write_text(wrong, encoding="utf-8")

    ended = run(COMMANDS[2])

    assert ended.code == 1
    head, first, *_ = ended.out.splitlines()
    assert re.fullmatch(r"TRX-20  \d+ of \d+ checks fail", head)
    assert first == (
        "    scenarios.yaml line 1  opens: due: "
        "expected 2026-12-10 23:59:59, found 2026-12-11 23:59:59"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param(
            "DOC.CRH, visit: V1", "DOC.CRHH, visit: V1",
            "RLS-PTH-002 at scenarios.yaml line 5: key 'TRX-20.met.0.event': event 'DOC.CRHH' is "
            "unknown; nearest: 'DOC.CRH'.",
            id="event",
        ),
        pytest.param(
            "patient_class: I", "pateint_class: I",
            "RLS-PTH-003 at scenarios.yaml line 2: key 'TRX-20.starts.pateint_class': "
            "ENC.DISCHARGE has no field 'pateint_class'; nearest: 'patient_class'.",
            id="attribute",
        ),
        pytest.param(
            "not_met:", "notmet:",
            "RLS-PTH-001 at scenarios.yaml line 6: key 'TRX-20.notmet': unknown; nearest: "
            "'not_met'.",
            id="key",
        ),
        pytest.param(
            'due: "2026-12-11 23:59:59"', 'due: "11/12/2026"',
            "RLS-PTH-001 at scenarios.yaml line 3: key 'TRX-20.due': write a time",
            id="time",
        ),
        pytest.param(
            "TRX-20:", "TRX-02:",
            "RLS-PTH-011 at scenarios.yaml line 1: rule 'TRX-02' is unknown; nearest: 'TRX-20'.",
            id="rule",
        ),
    ],
)  # fmt: skip
def test_a_scenario_with_a_fault_is_refused_with_line_and_nearest_name(run, folder, old, new, told):
    file = folder / "scenarios.yaml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")

    ended = run(COMMANDS[2])

    assert ended.code != 0
    assert told in ended.err


@pytest.mark.parametrize(
    "file", sorted((ROOT / "fixtures" / "pathways").glob("catalogue_*/scenarios.yaml")),
    ids=lambda path: path.parent.name,
)  # fmt: skip
def test_the_scenarios_of_the_shipped_rules_hold(relais, file):
    ended = relais("pathway", "try", file)

    assert (ended.code, [line for line in ended.out.splitlines() if "fail" in line]) == (0, [])
