"""Why a gap is one, in sentences."""

from gateway.pathway.explain import explain
from gateway.pathway.wording import event_name
from tests.support.assertions import MCO, PATIENT, says
from tests.unit.pathway.conftest import Play, rule

STAY = {"estab": MCO, "visit": "V1", "patient_class": "I", "mode": "8"}


def test_an_open_gap_names_rule_law_deadline_and_what_closes_it(only):
    rules = only("TRX-01")
    log = [says("ENC.DISCHARGE", "d", "2025-11-14 16:40", "2025-11-14 16:52", **STAY)]
    (row,) = Play(rules).until(log, "2025-11-16 00:00").rows

    told = explain(row, log, rules)

    assert told.fr == (
        "Règle TRX-01, version 1 : Lettre de liaison absente le jour de la sortie.",
        "Fondement : CSP R1112-1-2 (texte légal).",
        "Départ : sortie du 14/11/2025 à 16:40, reçu le 14/11/2025 à 16:52.",
        "Établissement 690000011.",
        "Attendu : lettre de liaison de sortie.",
        "Délai : la fin de la journée du 14/11/2025 à 16:40, soit le 14/11/2025 à 23:59.",
        "Tolérance de transmission : 6 h ; signalé au plus tôt le 15/11/2025 à 05:59.",
        "Rien de tel n’a été reçu ; rupture ouverte le 15/11/2025 à 05:59.",
        "À vérifier : destination = home.",
        "Ce qui la fermerait : lettre de liaison de sortie.",
    )
    assert told.en[0] == "Rule TRX-01, version 1: No discharge letter on discharge day."
    assert told.en[-1] == "What would close it: discharge letter."
    assert len(told.en) == len(told.fr)


def test_a_late_feed_is_told_apart_from_a_late_ward(only):
    rules = only("TRX-01")
    log = [
        says("ENC.DISCHARGE", "d", "2025-11-14 16:40", "2025-11-14 16:52", **STAY),
        says("DOC.LDL_SES", "l", "2025-11-14 17:10", "2025-11-15 11:30", estab=MCO, visit="V1"),
    ]
    (row,) = Play(rules).until(log, "2025-11-16 00:00").rows

    told = explain(row, log, rules).en

    assert told[-2:] == (
        "Met in time: discharge letter of 2025-11-14 17:10, received 2025-11-15 11:30.",
        "The information took 18 h 20 min to arrive: the feed was late, not the ward.",
    )


def test_days_that_do_not_count_are_named():
    rules = rule(
        """
trigger: {event: DOC.FRCP}
deadline: {n: 10, unit: bd}
closes: [{event: DOC.PPS}]
"""
    )
    log = [says("DOC.FRCP", "r", "2026-04-29 10:00", "2026-04-29 10:05", estab=MCO)]
    (row,) = Play(rules).until(log, "2026-05-02 00:00").rows

    told = explain(row, log, rules).fr

    assert (
        "Délai : 10 jours ouvrés à compter du 29/04/2026 à 10:00, soit le 18/05/2026 à 23:59."
        in told
    )
    assert (
        "Jours non comptés : 01/05, 02/05, 03/05, 08/05, 09/05, 10/05, 14/05, 16/05, 17/05." in told
    )
    assert "Rien n’est en retard à ce jour." in told


def test_what_was_never_a_gap_says_so(only):
    rules = only("TRX-01")
    log = [says("ENC.DISCHARGE", "d", "2025-11-14 16:40", "2025-11-14 16:52", **STAY)]
    play = Play(rules).until(log, "2025-11-15 08:00")
    log.append(
        says(
            "ENC.DISCHARGE", "d", "2025-11-14 16:40", "2025-11-15 08:15", revision="2", op="retract"
        )
    )
    (row,) = play.until(log, "2025-11-15 09:00").rows

    assert explain(row, log, rules).en[-1] == (
        "The starting event was cancelled or corrected: nothing is expected any more."
    )


def test_a_death_before_the_deadline_is_the_reason_given(only):
    rules = only("VIL-08")
    log = [
        says("ENC.DISCHARGE", "d", "2025-11-14 16:40", "2025-11-14 16:52", **STAY),
        says("PAT.DEATH", "x", "2025-11-16", "2025-11-17 09:00", patient=PATIENT),
    ]
    (row,) = Play(rules).until(log, "2025-11-18 00:00").rows

    assert explain(row, log, rules).en[-1] == (
        "No longer needed before the deadline: death of 2025-11-16 00:00."
    )


def test_every_event_of_the_catalogue_has_words(shipped):
    rules = [rule for versions in shipped.versions.values() for rule in versions]
    named = {
        event
        for rule in rules
        for one in (*rule.written.closes, *rule.written.also)
        for event in one.event.split("|")
    }

    silent = {event for event in named if "." in event_name(event, 1) and event[:4] != "FEED"}
    assert silent == set()
    assert event_name("REQ.smr.ACCEPTED", 0) == "demande acceptée (SMR)"
