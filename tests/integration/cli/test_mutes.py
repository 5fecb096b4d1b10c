"""`relais pathway mute`, `unmute` and `mutes` on a store of their own."""

from datetime import UTC, datetime, timedelta

#: A command reads the clock of the machine.
END = (datetime.now(UTC) + timedelta(days=5)).isoformat(timespec="seconds")
RULE = ("rule-establishment", "--rule", "TRX-01", "--establishment", "990000001")
WHY = ("--reason", "rule-under-tuning", "--note", "Seuil revu avec le DIM", "--author", "anne")


def test_a_mute_is_made_listed_and_lifted(relais):
    made = relais("pathway", "mute", *RULE, *WHY, "--until", END)
    mute_id = made.out.split()[0]
    listed = relais("pathway", "mutes")
    ended = relais("pathway", "unmute", mute_id, "--author", "bruno")
    left, everything = relais("pathway", "mutes"), relais("pathway", "mutes", "--all")

    assert [one.code for one in (made, listed, ended, left, everything)] == [0] * 5
    assert listed.out.split()[:2] == [mute_id, "holds"]
    assert "rule-establishment|TRX-01|990000001" in listed.out
    assert listed.err == "Mutes by reason: 1 rule-under-tuning.\n"
    assert ended.out.split()[1] == "over"
    assert left.out == ""
    assert everything.out.split()[:2] == [mute_id, "over"]


def test_a_wrong_mute_is_refused_with_every_fault(relais):
    refused = relais("pathway", "mute", "ward", "--reason", "tired", "--note", "no", "--until", END)

    assert refused.code == 1
    assert refused.err.count("RLS-GAP-022") == 2
    assert refused.err.count("RLS-GAP-025") == 1


def test_a_rule_that_is_not_there_is_named(relais):
    rule = ("rule-establishment", "--rule", "TRX-99", "--establishment", "990000001")

    refused = relais("pathway", "mute", *rule, *WHY, "--until", END)

    assert (refused.code, refused.err.count("RLS-GAP-023")) == (1, 1)


def test_a_mute_that_is_not_there_is_not_lifted(relais):
    refused = relais("pathway", "unmute", "3f9a0c1b2d4e5f60")

    assert (refused.code, refused.err.count("RLS-GAP-027")) == (1, 1)
