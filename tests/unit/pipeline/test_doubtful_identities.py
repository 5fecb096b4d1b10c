"""Identities that are doubtful are said to be, and joined with nobody."""

import pytest

from gateway.core.messages import Outcome
from tests.support.gateway import holdings, take
from tests.support.merged import (
    kept,
    links,
    opened,
    record,
    same_in_any_order,
)
from tests.support.merging import (
    INS,
    identity,
    pair,
)

PHONE = {"f13": "^PRN^PH^^^^^^^^^0611111111"}


# --- doubts ---------------------------------------------------------------------------------


def doubts(patient: dict) -> list[str]:
    return [tag["code"] for tag in patient["meta"].get("tag", ())]


@pytest.mark.field("FL-116")
async def test_a_number_given_to_another_person_is_kept_as_sent_and_trusted_no_more():
    found = await same_in_any_order(
        identity("80", "202603010800", INS),
        identity("80", "202603020800", INS, event="A28", f5="AUTRE^PAUL^PAUL^^^^L",
                 f7="19550101", f8="M"),
    )  # fmt: skip

    patient = record(found, "80")
    assert patient["name"][0]["family"] == "AUTRE"
    assert doubts(patient) == ["identity-discontinuity"]
    assert "279035121518989" not in str(patient["identifier"])


async def test_a_corrected_name_is_no_other_person():
    found = await kept(
        identity("80", "202603010800", INS),
        identity("80", "202603020800", INS, f5="ESAI^CLAIRE^CLAIRE^^^^L", f7="19790329"),
    )

    assert doubts(record(found, "80")) == []


@pytest.mark.field("FL-127")
async def test_twins_are_reported_and_stay_two():
    found = await same_in_any_order(
        identity("501", "202603010800"),
        identity("502", "202603010900", f5="ESSAI^JULIE^JULIE^^^^L"),
    )

    for number in ("501", "502"):
        assert doubts(record(found, number)) == ["potential-duplicate"]
        assert links(record(found, number)) == []


async def test_twins_that_were_looked_at_are_reported_no_more():
    found = await same_in_any_order(
        identity("501", "202603010800"),
        identity("502", "202603010900", f5="ESSAI^JULIE^JULIE^^^^L"),
        pair("A37", "501", "502", "202603011100"),
    )

    assert [doubts(record(found, number)) for number in ("501", "502")] == [[], []]


# --- warnings -------------------------------------------------------------------------------


@pytest.mark.field("FL-121")
@pytest.mark.parametrize(("status", "codes"), [("VALI", ["RLS-INS-013"]), ("PROV", [])])
async def test_an_unknown_birth_place_of_a_validated_identity_is_kept_with_a_warning(status, codes):
    store = await opened()

    [receipt] = await take(
        store, identity("501", "202603010800", f11="^^^^^^BDL^^99999", f32=status)
    )

    assert receipt.outcome is Outcome.ACCEPTED
    assert [issue.code for issue in receipt.issues] == codes
    assert "99999" in str(record(await holdings(store), "501")["extension"])
