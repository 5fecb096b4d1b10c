"""Rule files: what ships, what is refused and with which words."""

from collections import Counter

import pytest

from gateway.core.errors import FatalError
from gateway.mapping.yamltext import read_text_yaml
from gateway.pathway.calendar import WORKING_UNITS
from gateway.pathway.rulefiles import load_rules
from gateway.pathway.rules import load
from tests.support.assertions import MCO, paris, says
from tests.unit.pathway.conftest import Play, rule

RULE = """\
id: TST-01
version: 1
name: {fr: "Essai", en: "Trial"}
applies_from: 2020-01-01
trigger: {event: ENC.DISCHARGE, where: "mode != '9'"}
deadline: {n: 1, unit: bd}
closes: [{event: DOC.LDL_SES, match: stay}]
severity: major
owner: {role: UNIT, org: trigger.establishment}
legal: {ref: "Relais", kind: default}
"""


def _issues(text, stem="TST-01"):
    with pytest.raises(FatalError) as caught:
        load({stem: read_text_yaml(text, "pathways/TST-01.yaml")})
    return [(issue.code, issue.where, issue.what) for issue in caught.value.issues]


def test_the_whole_catalogue_is_shipped(shipped):
    families = Counter(name.partition("-")[0] for name in shipped.versions)

    assert families == {"TRX": 12, "ORI": 12, "ONC": 18, "VIL": 9, "ID": 3, "FEED": 3}
    assert len(shipped.versions) == 57


@pytest.mark.field("FL-212")
def test_critical_rules_do_not_wait_for_monday(shipped):
    rules = [rule for versions in shipped.versions.values() for rule in versions]
    rules += [special for rule in rules for _when, special in rule.cases]

    critical = {rule.id for rule in rules if rule.written.severity == "critical"}
    assert critical == {
        "TRX-08", "ORI-05", "ORI-06", "ORI-12", "ONC-08", "ONC-09", "ONC-11", "ONC-13", "VIL-02",
        "FEED-01",
    }  # fmt: skip
    waiting = [rule for rule in rules if rule.written.deadline.unit in WORKING_UNITS]
    assert [rule.id for rule in waiting if rule.written.severity == "critical"] == []


def test_only_rules_of_identity_and_feeds_outlive_a_death(shipped):
    kept = {
        name
        for name, (rule, *_) in shipped.versions.items()
        if not any("PAT.DEATH" in one.events for one in rule.cancels)
    }

    assert kept == {"ID-01", "ID-02", "ID-03", "FEED-01", "FEED-02", "FEED-03"}


def test_every_rule_escalates_and_says_what_proves_it(shipped):
    rules = [rule for versions in shipped.versions.values() for rule in versions]

    assert [rule.id for rule in rules if not rule.written.escalate] == []
    assert [rule.id for rule in rules if not rule.written.evidence] == []
    assert [rule.id for rule in rules if set(rule.written.name) != {"fr", "en"}] == []


@pytest.mark.field("FL-296")
@pytest.mark.parametrize(
    ("old", "new", "code", "where", "what"),
    [
        (
            "ENC.DISCHARGE", "ENC.DISCHARG", "RLS-PTH-002", "pathways/TST-01.yaml line 5",
            "key 'trigger.event': event 'ENC.DISCHARG' is unknown; nearest: 'ENC.DISCHARGE'.",
        ),
        (
            "mode !=", "made !=", "RLS-PTH-003",
            "pathways/TST-01.yaml line 5 column 1 of the expression",
            "key 'trigger.where': ENC.DISCHARGE has no field 'made'; nearest: 'mode'.",
        ),
        (
            "'9'", "9", "RLS-PTH-006", "pathways/TST-01.yaml line 5 column 9 of the expression",
            "key 'trigger.where': this compares number with text.",
        ),
        (
            "!= '9'", "!= '9' or", "RLS-PTH-004",
            "pathways/TST-01.yaml line 5 column 15 of the expression",
            "key 'trigger.where': a field or a value is expected at the end.",
        ),
        (
            "unit: bd", "unit: bds", "RLS-PTH-005", "pathways/TST-01.yaml line 6",
            "key 'deadline.unit': unit 'bds' is unknown; nearest: 'bd'.",
        ),
        (
            "match: stay", "match: stey", "RLS-PTH-003", "pathways/TST-01.yaml line 7",
            "key 'closes.0.match': DOC.LDL_SES with its trigger has no field 'stey'; "
            "nearest: 'stay'.",
        ),
        (
            "severity: major", "severity: critical", "RLS-PTH-007", "pathways/TST-01.yaml line 6",
            "key 'deadline': a critical rule does not wait for working time ('bd').",
        ),
        (
            "closes:", "grase: PT6H\ncloses:", "RLS-PTH-001", "pathways/TST-01.yaml line 7",
            "key 'grase': unknown; nearest: 'grace'.",
        ),
        (
            "severity: major", "window_open: P2X\nseverity: major", "RLS-PTH-001",
            "pathways/TST-01.yaml line 8",
            "key 'window_open': write a duration (-PT48H), 'trigger', or '<attribute>-P7D'.",
        ),
        (
            "severity: major", "anchor: mode\nseverity: major", "RLS-PTH-003",
            "pathways/TST-01.yaml line 8",
            "key 'anchor': ENC.DISCHARGE has no field 'mode'.",
        ),
        (
            "n: 1, unit: bd", "unit: bd", "RLS-PTH-001", "pathways/TST-01.yaml line 6",
            "key 'deadline.n': missing.",
        ),
        (
            "n: 1, unit: bd", "n: 1, unit: bd, at: stay_end", "RLS-PTH-007",
            "pathways/TST-01.yaml line 6", "key 'deadline': `at` excludes `n` and `unit`.",
        ),
        (
            "version: 1", "version: 0", "RLS-PTH-001", "pathways/TST-01.yaml line 2",
            "key 'version': Input should be greater than or equal to 1.",
        ),
        (
            "severity: major", "lead: -PT2H\nseverity: major", "RLS-PTH-001",
            "pathways/TST-01.yaml line 8",
            "key 'lead': Input should be greater than or equal to 0 seconds.",
        ),
        (
            "severity: major", "lead: PT2H\nkind: forbid\nseverity: major", "RLS-PTH-007",
            "pathways/TST-01.yaml line 8", "key 'lead': nobody is warned of what must not happen.",
        ),
    ],
    ids=[
        "event", "field", "types", "expression", "unit", "match", "critical", "key", "window",
        "anchor", "no number", "two deadlines", "value", "lead", "warned of an absence",
    ],
)  # fmt: skip
def test_a_wrong_rule_stops_with_file_line_and_nearest_name(old, new, code, where, what):
    assert _issues(RULE.replace(old, new, 1)) == [(code, where, what)]


def test_every_fault_is_told_at_once():
    text = RULE.replace("ENC.DISCHARGE", "ENC.SORTIE").replace("unit: bd", "unit: week")

    assert [code for code, _where, _what in _issues(text)] == ["RLS-PTH-002", "RLS-PTH-005"]


def test_a_file_is_named_after_its_rule():
    assert _issues(RULE, "TST-02") == [
        (
            "RLS-PTH-007",
            "pathways/TST-01.yaml line 1",
            "key 'id': 'TST-01' and the file name 'TST-02' do not agree.",
        )
    ]


def test_a_version_is_written_once():
    files = {
        "TST-01": read_text_yaml(RULE, "TST-01.yaml"),
        "TST-01.v1": read_text_yaml(RULE, "TST-01.v1.yaml"),
    }

    with pytest.raises(FatalError) as caught:
        load(files)

    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == ("RLS-PTH-008", "TST-01.v1.yaml line 2")


def test_a_broken_file_is_told_beside_a_wrong_one(tmp_path):
    (tmp_path / "TST-01.yaml").write_text(RULE.replace("bd", "x"), encoding="utf-8")
    (tmp_path / "TST-02.yaml").write_text("id: [", encoding="utf-8")

    with pytest.raises(FatalError) as caught:
        load_rules(tmp_path)

    assert sorted(issue.code for issue in caught.value.issues) == ["RLS-CFG-002", "RLS-PTH-005"]


@pytest.mark.parametrize("folder", ["empty", "nowhere"])
def test_a_folder_without_rules_stops_the_start(tmp_path, folder):
    (tmp_path / "empty").mkdir()

    with pytest.raises(FatalError) as caught:
        load_rules(tmp_path / folder)

    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == ("RLS-PTH-017", str(tmp_path / folder))


SECOND = RULE.replace("version: 1", "version: 2").replace("2020-01-01", "2026-01-01")


def _versions(second=SECOND):
    files = {"TST-01.v1": RULE, "TST-01.v2": second.replace("n: 1", "n: 3")}
    return load({stem: read_text_yaml(text, f"{stem}.yaml") for stem, text in files.items()})


@pytest.mark.parametrize(
    ("discharged", "version", "deadline"),
    [
        ("2025-12-31 23:00", 1, "2026-01-02 23:59:59"),
        ("2026-01-01 01:00", 2, "2026-01-06 23:59:59"),
    ],
    ids=["last day of the old one", "first day of the new one"],
)
def test_the_version_in_force_is_that_of_the_anchor(discharged, version, deadline):
    log = [says("ENC.DISCHARGE", "d", discharged, discharged, estab=MCO, mode="8")]

    (row,) = Play(_versions()).until(log, "2026-01-01 12:00").rows

    assert (row.rule_version, row.deadline) == (version, paris(deadline))


def test_a_retroactive_version_holds_for_earlier_anchors():
    rules = _versions(SECOND.replace("version: 2", "version: 2\nretroactive: true"))
    log = [says("ENC.DISCHARGE", "d", "2025-06-02 10:00", "2025-06-02 10:00", estab=MCO)]

    (row,) = Play(rules).until(log, "2025-06-02 12:00").rows

    assert row.rule_version == 2


def test_a_published_version_moves_an_open_gap_with_its_cause():
    log = [says("ENC.DISCHARGE", "d", "2025-06-02 10:00", "2025-06-02 10:00", estab=MCO)]
    play = Play(load({"TST-01.v1": read_text_yaml(RULE, "TST-01.v1.yaml")}))
    play.until(log, "2025-06-04 12:00")

    play.rules = _versions(SECOND.replace("version: 2", "version: 2\nretroactive: true"))
    play.until(log, "2025-06-05 12:00")

    assert play.story[-2:] == [
        ("2025-06-03 23:59:59", "pending", "overdue", "timer"),
        ("2025-06-05 12:00:00", "overdue", "pending", "rule-change"),
    ]


def test_scope_leaves_out_units_and_establishments():
    text = """
scope: {{establishments: ["{estab}"], exclude_units: [HDJ]}}
trigger: {{event: ENC.DISCHARGE}}
deadline: {{n: 0, unit: day0}}
closes: [{{event: DOC.LDL_SES}}]
"""
    ward = says("ENC.DISCHARGE", "w", "2025-06-02 10:00", "2025-06-02 10:00", estab=MCO, unit="1")
    day = says("ENC.DISCHARGE", "h", "2025-06-02 10:00", "2025-06-02 10:00", estab=MCO, unit="HDJ")

    here = Play(rule(text.format(estab=MCO))).until([ward, day], "2025-06-02 12:00")
    there = Play(rule(text.format(estab="690000022"))).until([ward, day], "2025-06-02 12:00")

    assert [row.trigger for row in here.rows] == ["w"]
    assert there.rows == ()


def test_scope_of_cancer_needs_a_meeting_or_a_programme_on_file():
    rules = rule(
        """
scope: {patient: oncology}
trigger: {event: ENC.DISCHARGE}
deadline: {n: 0, unit: day0}
closes: [{event: DOC.LDL_SES}]
"""
    )
    discharge = says("ENC.DISCHARGE", "d", "2025-06-02 10:00", "2025-06-02 10:00", estab=MCO)
    meeting = says("DOC.FRCP", "f", "2025-05-02 10:00", "2025-05-02 10:00", estab=MCO)

    assert Play(rules).until([discharge], "2025-06-02 12:00").rows == ()
    assert len(Play(rules).until([discharge, meeting], "2025-06-02 12:00").rows) == 1
