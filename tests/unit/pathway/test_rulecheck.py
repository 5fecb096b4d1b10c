"""What is odd about sound rules, versions that never change, and which rules are on."""

import json

import pytest

from gateway.core.errors import FatalError
from gateway.mapping.yamltext import read_text_yaml
from gateway.pathway.published import Lists, chosen, digest
from gateway.pathway.rulecheck import oddities
from gateway.pathway.rulefiles import load_rules, read_lists, rules_folder
from gateway.pathway.rules import load
from tests.conftest import ROOT
from tests.support.assertions import MCO, says
from tests.unit.pathway.conftest import Play
from tests.unit.pathway.test_language import RULE


def _rules(**files):
    """Return rules of texts by file stem (`_` for `-`)."""
    texts = {stem.replace("_", "-", 1).replace("_", "."): text for stem, text in files.items()}
    return load({stem: read_text_yaml(text, f"{stem}.yaml") for stem, text in texts.items()})


def _said(rules, lists=None):
    return [(one.code, one.where) for one in oddities(rules, lists or Lists())]


def _where(condition, text=RULE):
    return text.replace("ENC.DISCHARGE}", f'ENC.DISCHARGE, where: "{condition}"}}')


@pytest.mark.parametrize(
    ("condition", "is_odd"),
    [
        ("mode == '8' and mode == '9'", True),
        ("length_of_stay_h > 5 and length_of_stay_h < 4", True),
        ("risk and not risk", True),
        ("gp == null and gp != null", True),
        ("mode == '8' or mode == '9'", False),
        ("length_of_stay_h > 4 and length_of_stay_h < 6", False),
        ("te > stay_start", False),
        ("mode != '8' and mode != '9'", False),
    ],
)
def test_a_condition_that_nothing_fulfils_is_told(condition, is_odd):
    found = _said(_rules(TST_01=_where(condition)))

    assert found == ([("RLS-PTH-015", "TST-01 version 1")] if is_odd else [])


def test_two_rules_that_wait_for_the_same_and_never_both_apply_are_told():
    other = RULE.replace("TST-01", "TST-02")
    home = _where("destination == 'home'")

    assert _said(_rules(TST_01=home, TST_02=_where("destination == 'had'", other))) == [
        ("RLS-PTH-012", "TST-01 and TST-02")
    ]
    assert _said(_rules(TST_01=home, TST_02=_where("mode == '8'", other))) == []
    unlike = other.replace("DOC.LDL_SES, match: stay", "CALL.DONE")
    assert _said(_rules(TST_01=home, TST_02=_where("destination == 'had'", unlike))) == []


@pytest.mark.parametrize(
    ("since", "is_hidden"), [("2020-01-01", True), ("2019-01-01", True), ("2026-01-01", False)]
)
def test_a_version_that_a_newer_one_hides_is_told(since, is_hidden):
    newer = RULE.replace("version: 1", "version: 2").replace("2020-01-01", since)

    found = _said(_rules(TST_01_v1=RULE, TST_01_v2=newer))

    assert found == ([("RLS-PTH-013", "TST-01 version 1")] if is_hidden else [])


def test_a_step_that_never_comes_after_the_one_before_is_told():
    steps = "escalate: [{after: 3bd, to: IDEC}, {after: 1bd, to: CADRE}, {after: 5bd, to: DAC}]\n"

    assert _said(_rules(TST_01=RULE + steps)) == [("RLS-PTH-014", "TST-01 version 1, escalate 2")]


def test_no_shipped_rule_is_odd_but_for_those_that_share_out_the_destinations(shipped):
    found = oddities(shipped, read_lists(rules_folder()))

    assert [(one.code, one.where) for one in found] == [
        ("RLS-PTH-012", "ORI-04 and ORI-10"),
        ("RLS-PTH-012", "ORI-06 and TRX-08"),
        ("RLS-PTH-012", "ORI-06 and VIL-02"),
    ]


# --- versions that were published -------------------------------------------------------------


def _folder(tmp_path, text=RULE, published=None, first=None):
    (tmp_path / "TST-01.yaml").write_text(text, encoding="utf-8")
    if published is not None:
        (tmp_path / "published.json").write_text(json.dumps(published), encoding="utf-8")
    if first is not None:
        (tmp_path / "first-release.json").write_text(json.dumps(first), encoding="utf-8")
    return tmp_path


PUBLISHED = {"TST-01": {"1": digest(read_text_yaml(RULE, "").data)}}


def test_a_published_version_that_was_changed_in_place_stops_the_start(tmp_path):
    changed = RULE.replace("{n: 1", "{n: 2")

    with pytest.raises(FatalError) as caught:
        load_rules(_folder(tmp_path, changed, PUBLISHED))

    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == ("RLS-PTH-009", f"{tmp_path.name}/TST-01.yaml line 2")
    assert issue.what == "TST-01 version 1 was published and has been changed since."


@pytest.mark.parametrize(
    "text",
    [
        RULE,
        f"# A comment.\n{RULE}",
        RULE.replace("version: 1", "version: 2").replace("{n: 1", "{n: 2"),
    ],
    ids=["as it was", "a comment", "another version"],
)
def test_comments_and_new_versions_change_nothing_that_was_published(tmp_path, text):
    assert set(load_rules(_folder(tmp_path, text, PUBLISHED)).versions) == {"TST-01"}


def test_a_published_version_without_file_is_told():
    rules = _rules(TST_01=RULE)
    published = {**PUBLISHED, "TST-07": {"3": "…"}}

    assert _said(rules, Lists(published)) == [("RLS-PTH-016", "TST-07 version 3")]


def test_every_shipped_version_is_published_as_it_is(shipped):
    published = read_lists(rules_folder()).published

    assert {name: {int(one) for one in versions} for name, versions in published.items()} == {
        name: {rule.version for rule in versions} for name, versions in shipped.versions.items()
    }


# --- which rules are on -----------------------------------------------------------------------


def test_rules_that_are_not_of_the_first_release_are_off(tmp_path):
    (tmp_path / "TST-02.yaml").write_text(RULE.replace("TST-01", "TST-02"), encoding="utf-8")

    rules = load_rules(_folder(tmp_path, first={"rules": ["TST-02"]}))

    assert rules.off == {"TST-01"}
    assert rules.by_trigger == {"ENC.DISCHARGE": ("TST-02",)}
    assert rules.version("TST-01", 1) is not None


def test_without_a_list_every_rule_of_a_folder_is_on(tmp_path):
    assert load_rules(_folder(tmp_path)).off == frozenset()


@pytest.mark.parametrize(
    ("on", "off", "expected"),
    [
        ((), (), {"TST-02"}),
        (("TST-02",), (), set()),
        (("*",), (), set()),
        (("*",), ("TST-01",), {"TST-01"}),
        ((), ("*",), {"TST-01", "TST-02"}),
        (("TST-01",), ("TST-01",), {"TST-01", "TST-02"}),
    ],
    ids=["default", "one on", "all on", "all but one", "all off", "off wins"],
)
def test_an_installation_turns_rules_on_and_off(on, off, expected):
    rules = _rules(TST_01=RULE, TST_02=RULE.replace("TST-01", "TST-02")).without({"TST-02"})

    assert chosen(rules, on, off).off == expected


def test_a_rule_that_is_not_there_cannot_be_turned_on():
    with pytest.raises(FatalError) as caught:
        chosen(_rules(TST_01=RULE), ("TST-10",), ())

    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == ("RLS-PTH-011", "setting pathway.on")
    assert issue.what == "rule 'TST-10' is unknown; nearest: 'TST-01'."


def test_a_list_that_names_no_rule_stops_the_start(tmp_path):
    with pytest.raises(FatalError) as caught:
        load_rules(_folder(tmp_path, first={"rules": ["TST-01", "TST-02"]}))

    (issue,) = caught.value.issues
    place = f"{tmp_path.name}/first-release.json line 1"
    assert (issue.code, issue.where) == ("RLS-PTH-011", place)


def test_expectations_of_a_rule_that_is_turned_off_end(only):
    left = says("ENC.DISCHARGE", "d", "2026-04-30 16:00", "2026-04-30 16:00", estab=MCO,
                patient_class="I")  # fmt: skip
    play = Play(only("TRX-01")).until([left], "2026-05-02 00:00")
    play.rules = play.rules.without({"TRX-01"})

    play.until([left], "2026-05-03 00:00")

    assert play.story[-1][1:] == ("overdue", "void", "rule-change")


def test_the_rule_of_the_guide_is_sound():
    guide = (ROOT / "docs" / "howto" / "write-a-rule.md").read_text(encoding="utf-8")
    [text, *_] = [part.partition("```")[0] for part in guide.split("```yaml\n")[1:]]

    rules = load({"TRX-20": read_text_yaml(text, "TRX-20.yaml")})

    assert list(rules.versions) == ["TRX-20"]
    assert _said(rules) == []
