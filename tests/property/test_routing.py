"""Every combination of what decides has exactly one outcome, with its reason."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.deliveries import DeliveryStatus
from gateway.core.directory import Entry
from gateway.sharing import routing, routing_dmp
from gateway.sharing.flag_matrix import is_allowed
from gateway.sharing.outgoing import Outgoing, Recipient, Refusal, SiteRules, Standing
from gateway.sharing.routing import Waiting

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
INS, OTHER = "254039902200377", "199099900000123"
LETTER, RESULT = "11490-0", "11502-2"
QUEUED, HELD, SKIPPED = DeliveryStatus.QUEUED, DeliveryStatus.HELD, DeliveryStatus.SKIPPED

FLAGS = st.dictionaries(
    st.sampled_from(
        [
            "MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REP_LEGAUX", "CONNEXION_SECRETE",
            "DESTDMP", "DESTMSSANTEPS", "DESTMSSANTEPAT",
        ]
    ),
    st.booleans(),
)  # fmt: skip
TYPES = st.frozensets(st.sampled_from([LETTER, RESULT]))
ENTRIES = st.lists(
    st.builds(
        Entry,
        origin=st.sampled_from(["api", "extract:mssante"]),
        rpps=st.just("99900000144"),
        address=st.sampled_from(["", "a@x.mssante.example", "b@x.mssante.example"]),
        kind=st.sampled_from(["PER", "ORG", "APP", "CAB", ""]),
        finess=st.sampled_from(["", "990004004"]),
        unlisted=st.booleans(),
    ),
    max_size=3,
)
RECIPIENTS = st.lists(
    st.builds(
        Recipient,
        place=st.sampled_from(["PRT[1]", "PRT[2]", "intendedRecipient[1]"]),
        address=st.sampled_from(
            [
                "", "a@x.mssante.example", "A@x.mssante.example", "nonsense",
                f"{INS}@patient.mssante.fr", f"{OTHER}@patient.mssante.fr",
            ]
        ),
        id=st.sampled_from(["", "99900000144", "99900000155"]),
        finess=st.sampled_from(["", "990004004"]),
        by=st.sampled_from(["message", "document", "file"]),
        listed=ENTRIES,
    ),
    max_size=4,
)  # fmt: skip
STANDINGS = st.builds(
    Standing,
    ins=st.sampled_from(["", INS, OTHER]),
    record_opposition=st.sampled_from(["", "ZFA-9"]),
    refusals=st.lists(
        st.builds(
            Refusal,
            st.just("Consent/c/_history/1"),
            st.sampled_from([frozenset(), frozenset({"990004004"})]),
        ),
        max_size=1,
    ),
    is_dead=st.booleans(),
)
RULES = st.builds(
    SiteRules,
    require_ins=st.booleans(),
    to_doctor=TYPES,
    to_document=TYPES,
    never=st.dictionaries(st.sampled_from(["mssante", "patient", "dmp"]), TYPES),
    strict_matrix=st.booleans(),
)
DOCUMENTS = st.builds(
    Outgoing,
    document_id=st.just("2.999.1.5"),
    about=st.just("DocumentReference/d1"),
    body=st.just(b"<x/>"),
    flags=FLAGS,
    recipients=RECIPIENTS,
    standing=STANDINGS,
    rules=RULES,
    shown_ins=st.sampled_from(["", INS]),
    type_code=st.sampled_from([LETTER, RESULT]),
    confidentiality=st.sampled_from(["N", "R", "V"]),
    withdrawn=st.booleans(),
)


def decided(document):
    return [*routing.explain(document, NOW), routing_dmp.explain(document, NOW)]


@settings(max_examples=400)
@given(DOCUMENTS)
def test_each_channel_and_recipient_has_one_explained_outcome(document):
    decisions = decided(document)

    kinds = [one.item.details["kind"] for one in decisions]
    keys = [(one.item.connector, one.item.key) for one in decisions]
    assert kinds.count("patient") == kinds.count("dmp") == 1
    assert len(set(keys)) == len(keys)
    for one in decisions:
        assert one.status in (QUEUED, HELD, SKIPPED)
        assert one.reason.fr.endswith(".")
        assert one.reason.en.endswith(".")
        assert one.rests_on
    named = {
        r.address.lower()
        for r in document.recipients
        if routing.is_address(r.address) and not routing.is_patient_mailbox(r.address)
    }
    reached = [one.item.details["to"].lower() for one in decisions if one.status is QUEUED]
    assert len(set(reached)) == len(reached)
    if document.flags.get("DESTMSSANTEPS") and document.standing.ins == INS:
        told = {one.item.details["waiting"]["address"].lower() for one in decisions[:-2]}
        told |= {one.item.details["to"].lower() for one in decisions[:-2]}
        assert named <= told


@settings(max_examples=400)
@given(DOCUMENTS)
def test_nothing_leaves_that_must_not(document):
    flags, standing = document.flags, document.standing
    for one in decided(document):
        if one.status is not QUEUED:
            continue
        kind, to = one.item.details["kind"], one.item.details["to"]
        assert not document.withdrawn
        assert not (document.shown_ins and standing.ins != document.shown_ins)
        assert document.type_code not in document.rules.never.get(
            {"professional": "mssante"}.get(kind, kind), ()
        )
        if kind == "dmp":
            assert flags["DESTDMP"]
            assert standing.ins
            assert not standing.record_opposition
            assert document.confidentiality == "N"
            continue
        assert is_allowed(flags) or not document.rules.strict_matrix
        if kind == "patient":
            assert flags["DESTMSSANTEPAT"]
            assert not flags.get("INVISIBLE_PATIENT")
            assert not standing.is_dead
            assert to == f"{standing.ins}@patient.mssante.fr"
        else:
            assert not flags.get("MASQUE_PS")
            assert flags.get("DESTMSSANTEPS") is not False
            assert all(refusal.organisations for refusal in standing.refusals)
            assert standing.ins or not document.rules.require_ins
            assert not routing.is_patient_mailbox(to)


@given(DOCUMENTS)
def test_a_row_that_waits_is_decided_again_as_it_was(document):
    """Nothing is lost between the first look and the one before leaving."""
    professionals = [r for r in document.recipients if not routing.is_patient_mailbox(r.address)]
    for recipient in professionals:
        [one, *_] = routing.explain(replace(document, recipients=[recipient]), NOW)
        if one.status is SKIPPED:
            continue
        kept = Waiting(**one.item.details["waiting"])
        again = routing.again(kept, document.standing, recipient.listed)
        assert (again.status, again.reason, again.to) == (
            one.status, one.reason, one.item.details["to"],
        )  # fmt: skip


@given(DOCUMENTS)
def test_the_key_of_a_sending_does_not_depend_on_what_is_known_of_the_patient(document):
    unknown = replace(document, standing=Standing())
    dmp = routing_dmp.explain(document, NOW).item.key, routing_dmp.explain(unknown, NOW).item.key

    assert dmp[0] == dmp[1]
    assert routing.explain(document, NOW)[-1].item.key == routing.explain(unknown, NOW)[-1].item.key
