"""The connector of the shared record by its second dialect, against a repository of FHIR."""

import json
from base64 import b64decode
from hashlib import sha1

import pytest

from gateway.connectors.dmp import DmpConnector
from gateway.connectors.dmp_bundle import provide
from gateway.connectors.dmp_keys import client_context
from gateway.connectors.dmp_pdsm import FhirEndpoint, PdsmDialect
from gateway.core.deliveries import DeliveryStatus
from gateway.core.errors import RejectedError, RetriableError
from gateway.fhir.shape import check
from gateway.simulation.dmp_pdsm_side import PdsmRepository
from tests.contract.connector_contract import ConnectorContract
from tests.support.dmp import (
    CONCEPTMAPS,
    HOUSE,
    NOW,
    PATIENTS,
    Hands,
    author_of,
    delivery,
    letter,
    named,
    pki_in,
    submission,
)


@pytest.fixture
async def repository(tmp_path):
    opened = PdsmRepository(pki_in(tmp_path), Hands().now)
    opened.patients = dict.fromkeys(PATIENTS, True)
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def connector(repository, tmp_path):
    def tls():
        return client_context(tmp_path / "authority.pem", tmp_path / "client.pem")

    endpoint = FhirEndpoint(repository.base_url, tls, timeout_s=5)
    made = DmpConnector(PdsmDialect(endpoint, Hands()), HOUSE, CONCEPTMAPS)
    yield made
    await made.close()


class OtherSide:
    """The double as the suite of all connectors sees it."""

    def __init__(self, repository):
        self.repository = repository

    def accepted(self):
        return delivery(letter())

    def not_now(self):
        self.repository.mishaps += [503]
        return delivery(letter())

    def refused(self):
        self.repository.mishaps += [422]
        return delivery(letter())

    async def go_away(self):
        await self.repository.stop()

    def count(self):
        return len(self.repository.documents)

    def distinct(self):
        return len({json.dumps(one["masterIdentifier"]) for one in self.repository.documents})

    def attempts(self):
        return len(self.repository.refusals)

    def secrets(self):
        return [*PATIENTS, "PAT-", "PAULINE", "MICASCHISTE"]


class TestPdsm(ConnectorContract):
    @pytest.fixture
    def connector(self, connector):
        return connector

    @pytest.fixture
    def other_side(self, repository):
        return OtherSide(repository)


async def test_a_letter_passes_the_profiles(repository, connector):
    handover = await connector.send(delivery(letter(), author=author_of()))

    [kept] = repository.documents
    assert repository.refusals == []
    assert handover.receipt == {"document": named(letter()), "evidence": "delivered"}
    assert kept["masterIdentifier"]["value"] == f"urn:oid:{named(letter())}"
    assert kept["type"]["coding"][0]["system"] == "http://loinc.org"


def test_the_bundle_has_the_shape_of_fhir_and_the_digest_in_base64():
    import uuid

    bundle = provide(submission(author=author_of()), uuid.UUID(int=7), NOW)
    lot, document, binary = (one["resource"] for one in bundle["entry"])
    attachment = document["content"][0]["attachment"]

    assert check(bundle) == []
    assert b64decode(attachment["hash"]) == sha1(letter()).digest()  # noqa: S324 - FHIR says SHA-1
    assert b64decode(binary["data"]) == letter()
    assert lot["entry"][0]["item"]["reference"] == bundle["entry"][1]["fullUrl"]
    assert document["context"]["period"] == {
        "start": "2026-01-12T13:51:00Z",
        "end": "2026-01-23T15:46:00Z",
    }


async def test_a_replacement_retires_the_old_entry(repository, connector):
    asked = submission(1)
    old = letter(1).replace(named(letter(1)).encode(), asked.entry.replaces.encode(), 1)
    start = old.index(b"<relatedDocument")
    end = old.index(b"</relatedDocument>") + len(b"</relatedDocument>")
    await connector.send(delivery(old[:start] + old[end:]))

    await connector.send(delivery(letter(1)))

    assert [one["status"] for one in repository.documents] == ["superseded", "current"]
    assert repository.documents[1]["relatesTo"][0]["target"] == {
        "reference": "DocumentReference/d0"
    }


@pytest.mark.parametrize(("state", "code"), [(None, "DMPAbsent"), (False, "DMPClosed")])
async def test_without_an_open_record_nothing_is_fed(repository, connector, state, code):
    repository.patients = {PATIENTS[0]: state} if state is not None else {}

    handover = await connector.send(delivery(letter()))

    assert (handover.status, handover.receipt) == (DeliveryStatus.SKIPPED, {"code": code})
    assert repository.documents == []


@pytest.mark.field("FL-280")
@pytest.mark.parametrize("mishap", [0, 202])
async def test_an_end_nobody_saw_is_asked_for(repository, connector, mishap):
    repository.mishaps[:] = [mishap]
    row = delivery(letter(), attempts=2)

    with pytest.raises(RetriableError) as caught:
        await connector.send(row)
    found = await connector.before_resend(row)

    assert caught.value.issues[0].code == "RLS-DMP-022"
    assert found.status is DeliveryStatus.CONFIRMED
    assert len(repository.documents) == 1


async def test_what_the_dialect_cannot_say_is_refused(repository, connector):
    await connector.send(delivery(letter()))

    with pytest.raises(RejectedError) as caught:
        await connector.send(delivery(letter(), kind="dmp-delete"))

    assert caught.value.issues[0].code == "RLS-DMP-028"


async def test_no_address_holds_the_number_of_a_patient(repository, connector):
    await connector.send(delivery(letter()))

    assert [one.path for one in repository.requests if PATIENTS[0] in one.path] == []
