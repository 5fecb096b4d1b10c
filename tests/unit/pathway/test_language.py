"""What a rule may say beyond one trigger and one closer, and what is refused of it."""

import pytest

from gateway.core.errors import FatalError
from gateway.mapping.yamltext import read_text_yaml
from gateway.pathway.explain import explain
from gateway.pathway.rules import load
from tests.support.assertions import MCO, SMR, paris, says
from tests.unit.pathway.conftest import Play, rule

LEFT = says("ENC.DISCHARGE", "d", "2026-04-30 16:00", "2026-04-30 16:00", estab=MCO, visit="V1",
            mode="8")  # fmt: skip
LETTER = says("DOC.LDL_SES", "l", "2026-04-30 17:00", "2026-04-30 17:00", estab=MCO, visit="V1")
CALL = says("CALL.DONE", "c", "2026-04-30 18:00", "2026-04-30 18:30", estab=MCO)
TWO = """
trigger: {event: ENC.DISCHARGE}
deadline: {n: 1, unit: bd}
closes: [{event: DOC.LDL_SES, match: stay}]
also: [CALL.DONE, HOME.VISIT]
"""


def test_one_of_two_things_that_are_wanted_together_is_not_enough():
    after = "2026-05-06 00:00"

    assert Play(rule(TWO)).until([LEFT, LETTER], after).statuses == {("TST-01", "d"): "overdue"}
    assert Play(rule(TWO)).until([LEFT, CALL], after).statuses == {("TST-01", "d"): "overdue"}


def test_the_later_of_two_things_that_are_wanted_together_closes():
    play = Play(rule(TWO)).until([LEFT, CALL, LETTER], "2026-05-06 00:00")

    assert [(row.status, row.closer) for row in play.rows] == [("met", "c")]
    assert play.story[-1] == ("2026-04-30 18:30:00", "pending", "met", "closer")


GIVEN = """
trigger: {event: ENC.DISCHARGE}
given: [{event: ENC.ED_IN, match: visit}, {event: PAT.GP_KNOWN}]
deadline: {n: 1, unit: bd}
closes: [CALL.DONE]
"""
PASSED = says("ENC.ED_IN", "e", "2026-04-30 08:00", "2026-05-01 09:00", estab=MCO, visit="V1")
GP = says("PAT.GP_KNOWN", "g", "2026-04-29 08:00", "2026-05-01 10:00", estab=MCO, gp="10001")


def test_a_trigger_counts_once_everything_it_presupposes_is_on_file():
    play = Play(rule(GIVEN))

    assert play.until([LEFT, PASSED, GP], "2026-05-01 09:30").rows == ()
    assert play.until([LEFT, PASSED, GP], "2026-05-01 10:30").statuses == {
        ("TST-01", "d"): "pending"
    }


def test_what_is_presupposed_of_another_visit_does_not_count():
    other = says("ENC.ED_IN", "e", "2026-04-30 08:00", "2026-04-30 08:00", estab=MCO, visit="V2")

    assert Play(rule(GIVEN)).until([LEFT, other, GP], "2026-05-02 00:00").rows == ()


CASES = """
trigger: {event: REQ.pain.SENT|REQ.psy.SENT}
deadline: {n: 5, unit: bd}
cases:
  - {where: "kind == 'pain'", deadline: {n: 24, unit: h}, severity: critical}
closes: [{event: APPT.BOOKED, match: kind}]
severity: major
"""


@pytest.mark.parametrize(
    ("kind", "severity", "deadline"),
    [
        ("pain", "critical", "2026-05-01 16:00"),
        ("psy", "major", "2026-05-11 23:59:59"),
    ],
)
def test_some_triggers_have_another_deadline_and_severity(kind, severity, deadline):
    asked = says(f"REQ.{kind}.SENT", "r", "2026-04-30 16:00", "2026-04-30 16:00", kind=kind)

    (row,) = Play(rule(CASES)).until([asked], "2026-04-30 17:00").rows

    assert (row.severity, row.deadline) == (severity, paris(deadline))


def test_an_explanation_counts_as_the_case_does_and_shows_what_proves_it():
    rules = rule(CASES + "evidence: [kind, REQ.pain.SENT]\n")
    asked = says("REQ.pain.SENT", "r", "2026-04-30 16:00", "2026-04-30 16:00", kind="pain")
    (row,) = Play(rules).until([asked], "2026-05-02 00:00").rows

    told = explain(row, [asked], rules).en

    assert "Deadline: 24 hours from 2026-04-30 16:00, that is 2026-05-01 16:00." in told
    assert "Evidence: kind = pain; request (pain) of 2026-04-30 16:00." in told


def test_opposition_to_the_record_holds_however_early_it_was_told():
    rules = rule(
        """
trigger: {event: DOC.LDL_SES}
deadline: {n: 1, unit: bd}
closes: [{event: SND.DMP_OK, match: doc}]
cancels: [PAT.DMP_OPPOSED]
"""
    )
    opposed = says("PAT.DMP_OPPOSED", "o", "2020-01-01 10:00", "2026-04-30 10:00", estab=MCO)

    play = Play(rules).until([opposed, LETTER], "2026-05-06 00:00")

    assert play.statuses == {("TST-01", "l"): "cancelled"}


def test_another_inpatient_stay_that_is_open_is_told_of_an_admission(only):
    def admit(key, te, estab, visit):
        return says("ENC.ADMIT", key, te, te, estab=estab, visit=visit, patient_class="I")

    first = admit("a", "2026-04-29 10:00", SMR, "W1")
    second = admit("b", "2026-04-30 10:00", MCO, "V1")
    left = says("ENC.DISCHARGE", "d", "2026-04-29 18:00", "2026-04-30 09:00", estab=SMR, visit="W1")

    both = Play(only("ORI-09")).until([first, second], "2026-04-30 11:00")
    gone = Play(only("ORI-09")).until([first, left, second], "2026-04-30 11:00")

    assert both.statuses == {("ORI-09", "b"): "pending"}
    assert gone.rows == ()


RULE = """\
id: TST-01
version: 1
name: {fr: "Essai", en: "Trial"}
applies_from: 2020-01-01
trigger: {event: ENC.DISCHARGE}
deadline: {n: 1, unit: bd}
closes: [{event: DOC.LDL_SES, match: stay}]
severity: major
owner: {role: UNIT, org: trigger.establishment}
legal: {ref: "Relais", kind: default}
"""


@pytest.mark.parametrize(
    ("added", "code", "where", "what"),
    [
        (
            "escalate: [{after: 1bd, to: IDEC}, {after: 3bd, to: CADRE}, {after: 5bd, to: IDEC}]",
            "RLS-PTH-010", "TST-01.yaml line 11", "the ladder goes round: IDEC -> CADRE -> IDEC.",
        ),
        (
            "escalate: [{after: 1bd, to: UNIT}]",
            "RLS-PTH-010", "TST-01.yaml line 11", "the ladder goes round: UNIT -> UNIT.",
        ),
        (
            "evidence: [mode, gpp]",
            "RLS-PTH-003", "TST-01.yaml line 11",
            "key 'evidence.1': ENC.DISCHARGE has no field 'gpp'; nearest: 'gp'.",
        ),
        (
            "also: [CALL.DONE]\ncloser_mode: consumed",
            "RLS-PTH-007", "TST-01.yaml line 11",
            "key 'also': `consumed` and `forbid` know no second closer.",
        ),
        (
            "cancels: [{event: DOC.LDL_SES, match: stay}]",
            "RLS-PTH-007", "TST-01.yaml line 11", "key 'cancels': what closes it cancels it too.",
        ),
        (
            "pauses: [[ENC.ADMIT, ENC.ADMIT]]",
            "RLS-PTH-007", "TST-01.yaml line 11",
            "key 'pauses': a pause ends with what begins it.",
        ),
        (
            "cases: [{where: \"mode == '8'\", deadline: {n: 1, unit: bd}, severity: critical}]",
            "RLS-PTH-007", "TST-01.yaml line 11",
            "key 'cases.0.deadline': a critical rule does not wait for working time ('bd').",
        ),
        (
            "cases: [{where: \"made == '8'\", deadline: {n: 1, unit: d}}]",
            "RLS-PTH-003", "TST-01.yaml line 11 column 1 of the expression",
            "key 'cases.0.where': ENC.DISCHARGE has no field 'made'; nearest: 'mode'.",
        ),
        (
            "given: [ENC.ADMIT|ENC.ADMITT]",
            "RLS-PTH-002", "TST-01.yaml line 11",
            "key 'given.0.event': event 'ENC.ADMITT' is unknown; nearest: 'ENC.ADMIT'.",
        ),
        (
            "grace: 6 hours",
            "RLS-PTH-001", "TST-01.yaml line 11", "key 'grace': Input should be a valid timedelta",
        ),
        (
            "closer_mod: shared",
            "RLS-PTH-001", "TST-01.yaml line 11",
            "key 'closer_mod': unknown; nearest: 'closer_mode'.",
        ),
    ],
    ids=[
        "ladder", "ladder to the owner", "evidence", "two closers", "canceller", "pause",
        "critical case", "field of a case", "event of several", "duration", "key",
    ],
)  # fmt: skip
def test_what_cannot_be_meant_stops_with_file_and_line(added, code, where, what):
    with pytest.raises(FatalError) as caught:
        load({"TST-01": read_text_yaml(RULE + added + "\n", "TST-01.yaml")})

    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == (code, where)
    assert issue.what.startswith(what)
    assert issue.fix


def test_an_attribute_is_read_of_several_families_only_when_all_have_it():
    text = RULE.replace(
        "{event: DOC.LDL_SES, match: stay}", "{event: DOC.BIO|APPT.DONE, match: %s}"
    )

    load({"TST-01": read_text_yaml(text % "estab", "TST-01.yaml")})
    with pytest.raises(FatalError) as caught:
        load({"TST-01": read_text_yaml(text % "gp", "TST-01.yaml")})

    assert [issue.code for issue in caught.value.issues] == ["RLS-PTH-003"]
