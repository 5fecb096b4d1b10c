"""The published French samples, read from beside the project."""

import pytest

from gateway.hl7v2 import envelope
from gateway.hl7v2.events import find_event
from gateway.hl7v2.intake import Action, judge, with_repaired_zbe
from gateway.hl7v2.leaves import leaves
from gateway.hl7v2.participants import participants, recipients
from gateway.hl7v2.reader import read, serialise

ACCEPTED = frozenset({"P", "T", "D"})


@pytest.fixture
def sample(corpus_folder):
    """Give a reader of one sample."""
    return lambda name: (corpus_folder / "hl7v2" / f"{name}.er7").read_bytes()


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("adt_a01_sgl_admission", Action.PROCESS),
        ("adt_a01_consent_given", Action.PROCESS),
        ("adt_a01_dmp_feed_opposed", Action.PROCESS),
        ("adt_a03_sgl_sortie", Action.PROCESS),
        ("mdm_t02_radio_initial", Action.PROCESS),
        ("mdm_t02_lps_from_mssante", Action.PROCESS),
        ("mdm_t10_radio_replace", Action.PROCESS),
        ("oru_r01_lab_initial", Action.PROCESS),
        ("oru_r01_lab_dummy_payload", Action.PROCESS),
        ("zam_z01_dmp_refused", Action.PROCESS),
        ("zam_z02_mss_received", Action.PROCESS),
        ("zam_z03_mss_read", Action.PROCESS),
        ("mdm_t10_radio_replace.ack", Action.UNANSWERED),
        ("oru_r01_lab_dummy_payload.ack", Action.UNANSWERED),
    ],
)
def test_each_sample_is_read_without_repair_and_judged(sample, name, action):
    raw = sample(name)

    message = read(raw)

    assert message.flags == ()
    assert serialise(message).strip() == raw.strip()
    assert judge(message, processing_ids=ACCEPTED).action is action


@pytest.mark.field("FL-135")
def test_the_shifted_discharge_is_repaired(sample):
    message = with_repaired_zbe(read(sample("adt_a03_sgl_sortie")))

    assert (message.value("ZBE-4"), message.value("ZBE-5")) == ("INSERT", "N")
    assert (message.value("ZBE-7.10"), message.value("ZBE-9")) == ("8782", "HMS")
    assert message.flags == ("zbe-shifted",)


@pytest.mark.field("FL-135")
def test_the_shifted_discharge_is_refused_by_strict_reading(sample):
    verdict = judge(read(sample("adt_a03_sgl_sortie")), processing_ids=ACCEPTED, lenient=False)

    (issue,) = verdict.issues
    assert (verdict.action, issue.where, issue.hl7_code) == (Action.REJECT, "ZBE-4", 101)


@pytest.mark.parametrize(
    ("name", "opening", "repairs"),
    [
        ("mdm_t02_radio_initial", b"<ClinicalDocument", ()),
        ("mdm_t10_radio_replace", b"<ClinicalDocument", ()),
        # Its base64 ends without the padding.
        ("mdm_t02_lps_from_mssante", b"<ClinicalDocument", ("base64-padding",)),
        ("oru_r01_lab_initial", b"<?xml", ()),
    ],
)
def test_the_documents_of_the_samples_are_decoded(sample, name, opening, repairs):
    (document,) = envelope.documents(read(sample(name)))

    assert document.body.startswith(opening)
    assert document.body.rstrip().endswith(b"</ClinicalDocument>")
    assert document.flags == repairs


@pytest.mark.field("FL-055")
def test_the_participants_of_the_samples_are_found(sample):
    lab, mail = read(sample("oru_r01_lab_initial")), read(sample("mdm_t02_lps_from_mssante"))

    assert [one.kind for one in recipients(lab)] == ["person", "patient"]
    assert [bool(one.address) for one in participants(lab)] == [False, True, True, True]
    assert [one.kind for one in participants(mail)] == ["person", "organisation", "mailbox"]


def test_masks_of_the_samples_are_read(sample):
    assert envelope.labels(read(sample("mdm_t02_radio_initial"))) == (
        "INVISIBLE_PATIENT",
        "INVISIBLE_REPRESENTANTS_LEGAUX",
    )


@pytest.mark.parametrize("name", ["adt_a01_consent_given", "mdm_t10_radio_replace"])
def test_samples_have_known_events_and_leaves(sample, name):
    message = read(sample(name))

    assert find_event(message.message_type, message.trigger_event).used
    assert len(leaves(message)) > 100
