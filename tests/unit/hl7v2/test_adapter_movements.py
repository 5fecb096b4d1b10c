"""Movements of messages: what leaves a visit behind, what is only announced, what A08 may do."""

from itertools import permutations
from typing import Any

import pytest

from gateway.core.contributions import Contribution, Json, Target
from gateway.hl7v2.movements import fold_stay
from tests.golden.test_hl7v2 import fold
from tests.unit.hl7v2.compose import EVN, PID, PV1, ZBE, admission, er7, msh, with_field
from tests.unit.hl7v2.facts import movement
from tests.unit.hl7v2.test_adapter import IDS, SITE, contribute, of, row

LATER = "20261120093000"
VISITS = "https://relais.example/ns/visit/990000001"
MRG = (
    "MRG|P0012^^^CHU-DEMO&990000001&M^PI||D25001^^^CHU-DEMO&990000001&M^AN"
    "||V25000^^^CHU-DEMO&990000001&M^VN"
)


def parts(*raws: bytes) -> list[Contribution]:
    return [part for raw in raws for part in contribute(raw).contributions]


def stay_of(number: str, *raws: bytes) -> Json:
    target = Target("Encounter", IDS.stay(VISITS, number))
    return fold_stay(target, [part for part in parts(*raws) if part.target == target])[0]


def passage(**more: Any) -> bytes:
    """Return an emergency registered under a number of its own."""
    pv1 = with_field(with_field(PV1, 2, "E"), 19, "V25000^^^CHU-DEMO&990000001&M^VN")
    return movement("A04", pv1=pv1, start="20261120041500", **more)


def becomes_stay(action: str = "INSERT", recorded: str = LATER, event: str = "A06") -> bytes:
    """Return the change of class into V25001, which leaves V25000 behind."""
    zbe = with_field(with_field(ZBE, 1, "M2^CHU-DEMO^990000001"), 4, action)
    if action != "INSERT":
        zbe = with_field(zbe, 6, "A06")
    return er7(msh(f"ADT^{event}^ADT_A06"), with_field(EVN, 2, recorded), PID, MRG, PV1, zbe)


# --- another visit number ---------------------------------------------------------------------


@pytest.mark.field("FL-141")
def test_a_stay_under_a_new_number_ends_the_passage_it_comes_from() -> None:
    for order in permutations([passage(), becomes_stay()]):
        left, new = stay_of("V25000", *order), stay_of("V25001", *order)

        assert (left["status"], new["status"]) == ("finished", "in-progress")
        assert left["period"]["end"] == new["period"]["start"]
        assert left["account"] == new["account"]
        assert (left["class"]["code"], new["class"]["code"]) == ("EMER", "IMP")


@pytest.mark.field("FL-141")
def test_a_passage_and_its_stay_have_one_admission_and_no_discharge() -> None:
    told = [a.event for raw in (passage(), becomes_stay()) for a in contribute(raw).assertions]

    assert [name for name in told if name.startswith("ENC.")] == ["ENC.ED_IN", "ENC.ADMIT"]


@pytest.mark.field("FL-141")
def test_the_cancellation_of_the_change_reaches_both_visits() -> None:
    undone = becomes_stay("CANCEL", "20261120103000", "A07")

    for order in permutations([passage(), becomes_stay(), undone]):
        assert stay_of("V25000", *order)["status"] == "in-progress"
        assert "end" not in stay_of("V25000", *order)["period"]


def test_the_number_of_the_visit_itself_leaves_nothing_behind() -> None:
    same = becomes_stay().replace(b"||V25000^", b"||V25001^")

    assert len({part.target for part in parts(same) if part.target.type == "Encounter"}) == 1


# --- announcements ----------------------------------------------------------------------------


def test_a_pending_transfer_names_the_place_and_makes_it() -> None:
    mapped = contribute(movement("A15", pv1=with_field(PV1, 42, "4036^30^1^CHU-DEMO&990000001&M")))

    kept = row(mapped)["reserved"]["location"]["reference"]
    assert kept in {f"Location/{part.target.id}" for part in of(mapped, "Location")}
    assert kept != row(mapped)["said"]["location"][0]["location"]["reference"]


@pytest.mark.parametrize(
    ("trigger", "evn_3", "pv2", "expected"),
    [
        ("A05", "20261201090000", "PV2||||||||20261202090000", "2026-12-02T09:00:00+01:00"),
        ("A14", "20261201090000", "PV2", "2026-12-01T09:00:00+01:00"),
        ("A15", "20261201090000", "PV2||||||||20261202090000", "2026-12-01T09:00:00+01:00"),
        ("A16", "", "PV2|||||||||20261203090000", "2026-12-03T09:00:00+01:00"),
        ("A16", "20261201090000", "PV2|||||||||20261203090000", "2026-12-01T09:00:00+01:00"),
    ],
)
def test_when_an_announcement_is_expected(
    trigger: str, evn_3: str, pv2: str, expected: str
) -> None:
    raw = er7(msh(f"ADT^{trigger}"), with_field(EVN, 3, evn_3), PID, PV1, pv2, ZBE)

    assert row(contribute(raw))["planned"][1] == expected


# --- updates outside of the French extension --------------------------------------------------


def refreshed(*changes: str) -> bytes:
    return er7(msh("ADT^A08^ADT_A01"), with_field(EVN, 2, LATER), *changes)


def test_a_foreign_update_moves_nobody_and_empties_nothing_of_the_stay() -> None:
    told = admission(PV1=with_field(PV1, 10, "126"))
    update = refreshed(PID, with_field(with_field(PV1, 3, "9999^1^1"), 10, '""'))

    stay, before = stay_of("V25001", told, update), stay_of("V25001", told)

    assert stay == before
    assert not any(part.movement for part in parts(update))


def test_a_foreign_update_changes_the_identity_and_refreshes_the_stay() -> None:
    name = with_field(PID, 5, "ESSAI^CLAIRE^CLAIRE^^^^L~AUTRE^CLAIRE^^^^^D")
    update = refreshed(name, PV1, "PV2|||||||||20261125|||Bilan")

    resources = fold(parts(admission(), update))

    [patient] = [one for one in resources if one["resourceType"] == "Patient"]
    assert {"AUTRE", "ESSAI"} == {one["family"] for one in patient["name"]}
    stay = stay_of("V25001", admission(), update)
    assert stay["reasonCode"] == [{"text": "Bilan"}]
    assert [one["valueDate"] for one in stay["extension"]] == ["2026-11-25"]


def test_a_foreign_update_does_not_open_a_closed_account_again() -> None:
    left = movement("A03", pv1=with_field(PV1, 41, "D"))

    resources = fold(parts(left, refreshed(PID, PV1)))

    assert [one["status"] for one in resources if one["resourceType"] == "Account"] == ["inactive"]


def test_a_foreign_update_alone_shows_a_stay_of_unknown_state() -> None:
    stay = stay_of("V25001", refreshed(PID, with_field(PV1, 2, "E")))

    assert (stay["status"], stay["class"]["code"]) == ("unknown", "EMER")


def test_a_foreign_update_without_visit_is_about_the_identity_alone() -> None:
    kinds = {part.target.type for part in parts(refreshed(with_field(PID, 18, ""), "PV1|1|N"))}

    assert kinds == {"Patient", "Organization"}


def test_a_foreign_update_may_take_a_death_back() -> None:
    told = contribute(refreshed(with_field(PID, 30, "N"), PV1), SITE).assertions

    assert ("PAT.DEATH", "retract") in {(one.event, one.op.value) for one in told}


# --- another dossier number -------------------------------------------------------------------


def test_a_dossier_under_another_number_lists_the_old_one() -> None:
    pid = with_field(PID, 18, "D26000^^^CHU-DEMO&990000001&M^AN")
    raw = er7(msh("ADT^A49^ADT_A30"), with_field(EVN, 2, LATER), pid, MRG)

    accounts = [r for r in fold(parts(admission(), raw)) if r["resourceType"] == "Account"]

    told = {(one["status"], *(n["value"] for n in one["identifier"])) for one in accounts}
    assert told == {("inactive", "D25001"), ("active", "D26000", "D25001")}
