"""The connector of the shared record against its double, over real TLS sockets."""

import re
from dataclasses import replace

import pytest

from gateway.connectors.dmp_value_sets import BOUND
from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import RejectedError, RetriableError
from gateway.simulation.dmp_repository import Mishap
from tests.contract.connector_contract import ConnectorContract
from tests.support.dmp import (
    PATIENTS,
    Record,
    author_of,
    delivery,
    letter,
    named,
    record,
)


def code_of(caught):
    return caught.value.issues[0].code


@pytest.fixture
async def shared(tmp_path):
    async with record(tmp_path) as opened:
        yield opened


class OtherSide:
    """The double as the suite of all connectors sees it."""

    def __init__(self, shared: Record):
        self.shared = shared
        self.repository = shared.repository

    def accepted(self):
        return delivery(letter())

    def not_now(self):
        self.repository.manners.mishaps[:] = [Mishap.BUSY]
        return delivery(letter())

    def refused(self):
        # A type of document this record does not take.
        self.repository.manners.value_sets = {"typeCode": {"18776-5"}}
        return delivery(letter(2))

    async def go_away(self):
        await self.repository.stop()

    def count(self):
        return len(self.repository.kept)

    def distinct(self):
        return len({one.unique_id for one in self.repository.kept})

    def attempts(self):
        return len(self.repository.refusals)

    def secrets(self):
        return [*PATIENTS, "PAT-", "PAULINE", "MICASCHISTE"]


class TestDmp(ConnectorContract):
    @pytest.fixture
    def connector(self, shared):
        return shared.connector

    @pytest.fixture
    def other_side(self, shared):
        return OtherSide(shared)


async def test_a_letter_passes_every_rule_of_the_record(shared):
    handover = await shared.connector.send(delivery(letter(), author=author_of()))

    [kept] = shared.repository.kept
    assert shared.repository.findings == []
    assert kept.document == letter()
    assert kept.unique_id == named(letter())
    assert handover.status is DeliveryStatus.CONFIRMED
    assert handover.receipt == {"document": kept.unique_id, "evidence": "delivered"}


# --- the word of the registry, and nothing less ----------------------------------------------


async def resent(shared, row, connector=None):
    """Do what the deliverer does with a row that is tried again."""
    connector = connector or shared.connector
    again = replace(row, attempts=row.attempts + 1)
    return await connector.before_resend(again) or await connector.send(again)


async def test_the_lot_of_a_second_attempt_is_a_new_one_and_the_document_the_same(shared):
    shared.repository.manners.mishaps[:] = [Mishap.BUSY]
    row = delivery(letter())
    with pytest.raises(RetriableError):
        await shared.connector.send(row)

    handover = await resent(shared, row)

    bodies = [sent.body for action, sent in shared.repository.requests if action.endswith("-b")]
    lots = [re.findall(rb'value="(2\.25\.\d+)"', body)[0] for body in bodies]
    assert len(set(lots)) == 2
    assert handover.status is DeliveryStatus.CONFIRMED
    assert shared.repository.unique_ids == [named(letter())]


@pytest.mark.field("FL-277")
async def test_no_id_of_a_submission_is_used_again(shared):
    await shared.connector.send(delivery(letter()))
    await shared.connector.send(delivery(letter(2)))

    first, second = (
        set(re.findall(rb'\bid="([^"]+)"', sent.body))
        for action, sent in shared.repository.requests
        if action.endswith("-b")
    )
    assert not first & second
    assert shared.repository.findings == []


@pytest.mark.field("FL-278")
@pytest.mark.parametrize("mishap", [Mishap.CUT_AFTER, Mishap.OTHER_MESSAGE, Mishap.GARBLED])
async def test_an_end_nobody_saw_is_asked_for_before_it_is_sent_again(shared, mishap):
    shared.repository.manners.mishaps[:] = [mishap]
    row = delivery(letter())

    with pytest.raises(RetriableError) as caught:
        await shared.connector.send(row)
    handover = await resent(shared, row)

    feeds = [action for action, _ in shared.repository.requests if action.endswith("-b")]
    assert code_of(caught) == "RLS-DMP-022"
    assert handover.status is DeliveryStatus.CONFIRMED
    assert (len(feeds), len(shared.repository.kept)) == (1, 1)


async def test_a_cut_before_registration_is_sent_again(shared):
    shared.repository.manners.mishaps[:] = [Mishap.CUT_BEFORE]
    row = delivery(letter())

    with pytest.raises(RetriableError):
        await shared.connector.send(row)
    handover = await resent(shared, row)

    assert handover.status is DeliveryStatus.CONFIRMED
    assert len(shared.repository.kept) == 1


@pytest.mark.field("FL-280")
async def test_202_delivers_nothing_until_the_registry_knows_the_document(shared):
    shared.repository.manners.mishaps[:] = [Mishap.ACCEPTED]
    row = delivery(letter())

    with pytest.raises(RetriableError) as caught:
        await shared.connector.send(row)
    handover = await resent(shared, row)

    assert code_of(caught) == "RLS-DMP-022"
    assert caught.value.retry_after_s == 60
    assert handover.status is DeliveryStatus.CONFIRMED
    assert len(shared.repository.kept) == 1


@pytest.mark.field("FL-280")
async def test_202_and_a_later_refusal_end_refused(shared):
    shared.repository.manners.mishaps[:] = [Mishap.ACCEPTED_THEN_REFUSED]
    shared.repository.manners.value_sets = {"typeCode": {"18776-5"}}
    row = delivery(letter())

    with pytest.raises(RetriableError):
        await shared.connector.send(row)
    with pytest.raises(RejectedError) as caught:
        await resent(shared, row)

    assert code_of(caught) == "RLS-DMP-024"
    assert shared.repository.kept == []


async def test_warnings_beside_a_success_are_a_success(shared):
    shared.repository.manners.mishaps[:] = [Mishap.WARNING]

    handover = await shared.connector.send(delivery(letter()))

    assert handover.status is DeliveryStatus.CONFIRMED
    said, warned, unjudged = handover.note.split("; ")
    assert (said, warned) == ("Success", "warned XDSExtraMetadataNotSaved")
    assert unjudged == f"RLS-DMP-061 {', '.join(BOUND)}"


@pytest.mark.field("FL-285")
async def test_an_answer_in_multipart_is_read(shared):
    shared.repository.manners.mishaps[:] = [Mishap.MULTIPART]

    handover = await shared.connector.send(delivery(letter()))

    assert handover.status is DeliveryStatus.CONFIRMED


@pytest.mark.field("FL-285")
@pytest.mark.field("FL-342")
async def test_an_error_in_an_odd_form_is_final_and_names_its_attribute(shared):
    shared.repository.manners.mishaps[:] = [Mishap.ODD_ERROR]

    with pytest.raises(RejectedError) as caught:
        await shared.connector.send(delivery(letter()))

    [issue] = caught.value.issues
    assert issue.code == "RLS-DMP-024"
    assert issue.where == "ITI-41 referenceIdList"
    assert issue.what == "the registry answered XDSRepositoryMetadataError."
    # The others of the lane go on.
    assert (await shared.connector.send(delivery(letter(2)))).status is DeliveryStatus.CONFIRMED


async def test_a_code_that_says_nothing_is_tried_a_few_times(shared):
    shared.repository.manners.mishaps[:] = [Mishap.VAGUE, Mishap.VAGUE]

    with pytest.raises(RetriableError) as caught:
        await shared.connector.send(delivery(letter()))
    with pytest.raises(RejectedError):
        await shared.connector.send(delivery(letter(), attempts=5))

    assert code_of(caught) == "RLS-DMP-023"


async def test_503_is_for_later(shared):
    shared.repository.manners.mishaps[:] = [Mishap.UNAVAILABLE]

    with pytest.raises(RetriableError) as caught:
        await shared.connector.send(delivery(letter()))

    assert code_of(caught) == "RLS-DMP-023"


async def test_a_slow_record_is_not_waited_for_for_ever(shared):
    shared.repository.manners.mishaps[:] = [Mishap.SLOW]

    with pytest.raises(RetriableError) as caught:
        await shared.another(timeout_s=0.2).send(delivery(letter()))

    assert code_of(caught) == "RLS-DMP-022"


async def test_a_closed_office_is_away(shared):
    shared.repository.manners.closed = True

    with pytest.raises(RetriableError) as caught:
        await shared.connector.send(delivery(letter()))

    assert code_of(caught) == "RLS-DMP-020"


async def test_another_content_under_the_same_id_is_refused_for_good(shared):
    await shared.connector.send(delivery(letter()))
    changed = letter().replace(b"</title>", b" </title>", 1)

    with pytest.raises(RejectedError) as caught:
        await shared.connector.send(delivery(changed))

    assert "XDSNonIdenticalHash" in caught.value.issues[0].what


# --- records --------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "code"), [(None, "DMPAbsent"), ("terminated", "DMPClosed")])
async def test_without_an_open_record_nothing_is_fed(shared, status, code):
    patients = shared.repository.manners.patients
    patients.update({PATIENTS[0]: status} if status else {})
    if status is None:
        patients.pop(PATIENTS[0])

    handover = await shared.connector.send(delivery(letter()))

    assert handover.status is DeliveryStatus.SKIPPED
    assert handover.receipt == {"code": code}
    assert [action for action, _ in shared.repository.requests] == [
        "urn:hl7-org:v3:PRPA_IN201307UV02"
    ]


# --- replace and take back -------------------------------------------------------------------


async def replaced_letter(shared):
    """Feed the letter that the second one replaces, as an earlier version of it."""
    old = re.search(rb'<parentDocument[^>]*>\s*<id [^>]*root="([^"]+)"', letter(1))
    earlier = letter(1).replace(named(letter(1)).encode(), old[1] if old else b"", 1)
    earlier = re.sub(rb"<relatedDocument.*?</relatedDocument>", b"", earlier, flags=re.DOTALL)
    await shared.connector.send(delivery(earlier))
    return named(earlier)


async def test_a_replacement_takes_the_place_of_the_entry(shared):
    old = await replaced_letter(shared)

    await shared.connector.send(delivery(letter(1)))

    status = {one.unique_id: one.status for one in shared.repository.kept}
    assert status == {old: "Deprecated", named(letter(1)): "Approved"}


@pytest.mark.field("FL-279")
async def test_a_replacement_aims_at_the_entry_as_it_stands_now(shared):
    old = await replaced_letter(shared)
    shared.repository.update_metadata(old)

    await shared.connector.send(delivery(letter(1)))

    assert shared.repository.unique_ids == [named(letter(1))]
    assert shared.repository.refusals == []


@pytest.mark.field("FL-279")
async def test_an_entry_that_changes_between_look_and_word_is_read_once_more(shared):
    await replaced_letter(shared)
    shared.repository.manners.mishaps[:] = [Mishap.DEPRECATED]

    handover = await shared.connector.send(delivery(letter(1)))

    assert shared.repository.refusals == ["XDSRegistryDeprecatedDocumentError"]
    assert handover.status is DeliveryStatus.CONFIRMED
    assert shared.repository.unique_ids == [named(letter(1))]


async def test_a_replacement_of_what_never_arrived_is_a_first_version(shared):
    await shared.connector.send(delivery(letter(1)))

    assert shared.repository.unique_ids == [named(letter(1))]


@pytest.mark.field("FL-171")
async def test_a_document_is_taken_back_and_that_once(shared):
    await shared.connector.send(delivery(letter()))
    words = delivery(letter(), kind="dmp-delete")

    first = await shared.connector.send(words)
    second = await shared.connector.send(words)

    assert shared.repository.unique_ids == []
    assert (first.status, second.status) == (DeliveryStatus.CONFIRMED,) * 2
    assert second.note == "gone-already"


async def test_only_the_structure_that_fed_it_takes_a_document_back(shared):
    await shared.connector.send(delivery(letter()))
    shared.repository.kept[0].structure = "1999999999"

    with pytest.raises(RejectedError) as caught:
        await shared.connector.send(delivery(letter(), kind="dmp-delete"))

    assert code_of(caught) == "RLS-DMP-024"
